#!/usr/bin/env bash
# Takes a plaintext table in, in the genuine DynamoDB Local, by the five steps of docs/guide/migration.md: with processes
# of the old build and of new ones alive, rolling deployments forth and back, and a backfill by four processes, which are
# killed at random moments. Readers and writers go on all the time, and every item and every write is compared with a
# model.
#
#   tests/bring-in.sh                # 100,000 items, 30 kills
#   tests/bring-in.sh 2000 5         # less, with the unoptimised build that the tests have
#   tests/bring-in.sh 2000 5 SEED    # the same random numbers as a run that printed SEED
#
# It prints its figures, and fails if one of them is not as it must be. KMS is the embedded one.
set -euo pipefail
cd "$(dirname "$0")/.."

items=${1:-100000} kills=${2:-30}
if [ "$items" -ge 100000 ]; then profile=release; else profile=dev; fi
cargo build --workspace --profile "$profile" --bin bring_in --bin sealer
folder=target/${profile/dev/debug}
REAL_SERVERS=dynamodb exec tests/real-servers.sh "$folder/bring_in" "$items" "$kills" ${3+"$3"}
