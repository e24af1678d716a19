#!/usr/bin/env bash
# Judges the policies that `envelope policy` prints with a simulator of IAM. tests/policies/requests.json says which role
# may make which request. What the commands of each role really ask is recorded by a test, and must be allowed.
#
# Needs Node 20 or newer and npm, which fetches the simulator from the registry: its versions and digests are in
# tests/policies/package-lock.json. The simulator is licensed under the AGPL; it is a tool of this test, and no part of
# what we build.
set -euo pipefail
cd "$(dirname "$0")/.."

node=target/policies
mkdir -p "$node"
cp tests/policies/* "$node/"
npm ci --prefix "$node" --ignore-scripts --no-audit --no-fund --silent
rm -f "$node/calls.json"
# Also builds the command, with the features that the tests have: `cargo build` would compile the AWS SDKs again.
ENVELOPE_CALLS=$PWD/$node/calls.json cargo test --quiet --workspace --test cli calls::
node "$node/judge.mjs" target/debug/envelope "$node/calls.json"
