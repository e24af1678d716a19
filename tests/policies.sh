#!/usr/bin/env bash
# Judges the policies that `envelope policy` prints with a simulator of IAM: tests/policies/requests.json says which role
# may make which request.
#
# Needs Node 20 or newer and npm, which fetches the simulator from the registry: its versions and digests are in
# tests/policies/package-lock.json. The simulator is licensed under the AGPL; it is a tool of this test, and no part of
# what we build.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --quiet --workspace --bin envelope
node=target/policies
mkdir -p "$node"
cp tests/policies/* "$node/"
npm ci --prefix "$node" --ignore-scripts --no-audit --no-fund --silent
node "$node/judge.mjs" target/debug/envelope
