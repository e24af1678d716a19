#!/usr/bin/env bash
# Compares the Python implementation of the format with this one. Python opens, refuses and writes the vectors. Then it
# writes random records, which Rust opens, and writes again to the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=target/interop
python3 -m venv "$venv" || { apt-get update -q && apt-get install -yq python3-venv && python3 -m venv "$venv"; }
"$venv/bin/pip" install -q --disable-pip-version-check -r docs/interop/requirements.txt
"$venv/bin/python" docs/interop/check.py
"$venv/bin/python" vectors/randomly.py "$venv/written" 300
ENVELOPE_VECTORS=$PWD/$venv/written cargo test --workspace --lib -- \
  vectors::every_vector_opens_or_fails_as_it_says \
  vectors::every_value_on_the_way_is_the_vectors \
  vectors::what_comes_out_is_the_vectors \
  vectors::the_writer_makes_the_bytes_of_the_vectors
