#!/usr/bin/env bash
# Rotates the key of a large table in the genuine DynamoDB Local with eight processes of `envelope rewrap`, kills them at
# random moments, lets other writers change the table meanwhile, and compares every item and every write with a model.
#
#   tests/million.sh                 # 1,000,000 items, 100 kills: 25 minutes on two idle cores, and 10 GB of memory
#   tests/million.sh 20000 10        # less, with the unoptimised build that the tests have
#   tests/million.sh 20000 10 SEED   # the same random numbers as a run that printed SEED
#
# It prints its figures, and fails if one of them is not as it must be. KMS is the embedded one: LocalStack's carries out
# 362 ReEncrypt a second.
set -euo pipefail
cd "$(dirname "$0")/.."

items=${1:-1000000} kills=${2:-100}
if [ "$items" -ge 100000 ]; then profile=release; else profile=dev; fi
cargo build --workspace --profile "$profile" --bin million --bin rotator
folder=target/${profile/dev/debug}
REAL_SERVERS=dynamodb exec tests/real-servers.sh "$folder/million" "$items" "$kills" ${3+"$3"}
