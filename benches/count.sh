#!/bin/sh
# Counts the instructions of one call: benches/count.sh BENCHMARK ROW CONTENDER [CALLS]
#
#   benches/count.sh tables "query of 1,000" 0
#
# The contenders of a row are numbered from 0, in the order of the columns. Build the benchmark first, with
# `cargo bench --workspace --bench BENCHMARK --no-run`. Other work on the machine does not change the result. Valgrind
# has neither SHA nor VAES instructions, so hashing and AES-GCM count for more than they take.
set -eu
calls=${4:-20}
binary=$(ls -t target/release/deps/"$1"-* | grep -v '\.d$' | head -n 1)
counted=$(ONLY="$2/$3/$calls" valgrind --tool=callgrind --callgrind-out-file="${OUT:-/dev/null}" \
    --toggle-collect='*counted*' "$binary" 2>&1 | sed -n 's/.*Collected : //p')
echo "$((counted / calls)) instructions"
