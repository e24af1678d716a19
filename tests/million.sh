#!/usr/bin/env bash
# Rotates the key of a large table in the genuine DynamoDB Local with eight processes of `envelope rewrap`, kills them at
# random moments, lets other writers change the table meanwhile, and compares every item and every write with a model.
#
#   tests/million.sh                 # 1,000,000 items, 100 kills: 25 minutes on two idle cores, and 10 GB of memory
#   tests/million.sh 20000 10        # less, with the unoptimised build that the tests have
#   tests/million.sh 20000 10 SEED   # the same random numbers as a run that printed SEED
#
#   tests/million.sh reindex 5000 100       # the search key was rotated, and `envelope reindex` gives records new tags
#   tests/million.sh reindex 600 5          # less
#
#   tests/million.sh reindex --claims 5000 100  # likewise, and addresses became unique: the run claims them
#   tests/million.sh reindex --claims 600 5     # less
#
# It prints its figures, and fails if one of them is not as it must be. KMS is the embedded one: LocalStack's carries out
# 362 ReEncrypt a second.
set -euo pipefail
cd "$(dirname "$0")/.."

flags=()
if [ "${1-}" = reindex ]; then
  program=reindex
  shift
  if [ "${1-}" = --claims ]; then
    flags=(--claims)
    shift
  fi
  items=${1:-5000} kills=${2:-100}
else
  program=million
  items=${1:-1000000} kills=${2:-100}
fi
if [ "$items" -ge 100000 ]; then profile=release; else profile=dev; fi
cargo build --workspace --profile "$profile" --bin "$program" --bin rotator
folder=target/${profile/dev/debug}
REAL_SERVERS=dynamodb exec tests/real-servers.sh "$folder/$program" "${flags[@]}" "$items" "$kills" ${3+"$3"}
