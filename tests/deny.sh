#!/usr/bin/env bash
# Compares the dependencies of envelope-dynamo with deny.toml: licences, versions, sources, and the advisories of RustSec.
#
# cargo-deny is built from crates.io if it is missing. Where the advisories cannot be fetched from GitHub, this says so.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo-deny >/dev/null; then
  cargo install cargo-deny --locked --version 0.20.2 --root target/cargo-deny
  PATH=$PWD/target/cargo-deny/bin:$PATH
fi

check() {
  cargo deny --manifest-path envelope-dynamo/Cargo.toml --all-features --exclude-dev check "$@"
}

check bans licenses sources
if timeout 60 cargo deny --manifest-path envelope-dynamo/Cargo.toml fetch db; then
  check advisories
else
  echo "deny.sh: ADVISORIES NOT CHECKED: their database on GitHub cannot be fetched" >&2
fi
