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

# The names are exact, and their number is compared: a test that was renamed must not be passed over.
tests=(
  vectors::every_vector_opens_or_fails_as_expected
  vectors::every_intermediate_value_matches
  vectors::every_plaintext_and_every_field_matches
  vectors::the_writer_writes_the_bytes_of_the_vectors
  vectors::search::every_record_that_another_implementation_tagged_is_found
)
ENVELOPE_VECTORS=$PWD/$venv/written cargo test --workspace --lib -- --exact "${tests[@]}" | tee "$venv/rust.log"
passed=$(grep -c '^test .* ok$' "$venv/rust.log") || true
if [ "$passed" -ne "${#tests[@]}" ]; then
  echo "interop: $passed of ${#tests[@]} tests ran and passed" >&2
  exit 1
fi
