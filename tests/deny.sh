#!/usr/bin/env bash
# Compares the dependencies of envelope-dynamo with deny.toml: licences, versions, sources, and the advisories of RustSec.
#
# cargo-deny is built from crates.io if it is missing. Where GitHub cannot be reached, say so: tests/deny.sh --offline
set -euo pipefail
cd "$(dirname "$0")/.."

checks=(bans licenses sources advisories)
if [ "${1-}" = --offline ]; then
  checks=(bans licenses sources)
  echo "deny.sh: NOT CHECKED: advisories, whose database is on GitHub" >&2
fi

if ! command -v cargo-deny >/dev/null; then
  cargo install cargo-deny --locked --version 0.20.2 --root target/cargo-deny
  PATH=$PWD/target/cargo-deny/bin:$PATH
fi
cargo deny --manifest-path envelope-dynamo/Cargo.toml --all-features --exclude-dev check "${checks[@]}"
