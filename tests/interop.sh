#!/usr/bin/env bash
# The format, by another implementation: the Python package.
#
# Builds the package, installs it into a fresh virtual environment, and runs its tests there: all vectors both ways, and
# records that a Rust program has just written into an embedded DynamoDB and KMS. Then Python writes random records,
# which Rust opens, and writes again to the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly out=target/interop minimum=3.10
export PYTHONDONTWRITEBYTECODE=1

# Commands are tried, not only found: pyenv leaves a python3.10 on the PATH that only says which versions it has.
python_of() {
  local candidate
  for candidate in "python$minimum" "$HOME"/.pyenv/versions/"$minimum".*/bin/python; do
    if "$candidate" -c 'import ensurepip' 2>/dev/null; then command -v "$candidate"; return; fi
  done
}

environment() { # of the Python $1, in the folder $2
  "$1" -m venv --clear "$2" ||
    { apt-get update -q && apt-get install -yq python3-venv && "$1" -m venv --clear "$2"; }
  "$2/bin/pip" install -q --disable-pip-version-check -r python/requirements-test.txt
}

environment python3 "$out/venv"
rm -rf "$out/dist"
"$out/venv/bin/python" -m build -q --no-isolation --outdir "$out/dist" python # the wheel is built from the sdist
"$out/venv/bin/pip" install -q --disable-pip-version-check --no-deps "$out"/dist/*.whl
"$out/venv/bin/ruff" format --no-cache --check python
"$out/venv/bin/ruff" check --no-cache python
# As installed, so that a missing py.typed is noticed; then a program that uses the package.
"$out/venv/bin/mypy" --config-file python/pyproject.toml --cache-dir "$out/mypy" -p envelope_dynamo
"$out/venv/bin/mypy" --config-file python/pyproject.toml --cache-dir "$out/mypy" python/tests/typed_usage.py

cargo build --workspace --example servers --example interop
export ENVELOPE_SERVERS=$PWD/target/debug/examples/servers ENVELOPE_INTEROP=$PWD/target/debug/examples/interop
"$out/venv/bin/pytest" -q python
"$out/venv/bin/pytest" -q --rootdir python --doctest-modules --pyargs envelope_dynamo

oldest=$(python_of)
if [ -n "$oldest" ]; then
  environment "$oldest" "$out/oldest"
  "$out/oldest/bin/pip" install -q --disable-pip-version-check --no-deps "$out"/dist/*.whl
  "$out/oldest/bin/pytest" -q python
else
  echo "NOT RUN: Python $minimum is not installed. Only the types were checked for it."
fi

"$out/venv/bin/python" vectors/randomly.py "$out/written" 300

# The names are exact, and their number is compared: a test that was renamed must not be passed over.
tests=(
  vectors::every_vector_opens_or_fails_as_expected
  vectors::every_intermediate_value_matches
  vectors::every_plaintext_and_every_field_matches
  vectors::the_writer_writes_the_bytes_of_the_vectors
  vectors::search::every_record_that_another_implementation_tagged_is_found
)
ENVELOPE_VECTORS=$PWD/$out/written cargo test --workspace --lib -- --exact "${tests[@]}" | tee "$out/rust.log"
passed=$(grep -c '^test .* ok$' "$out/rust.log") || true
if [ "$passed" -ne "${#tests[@]}" ]; then
  echo "interop: $passed of ${#tests[@]} tests ran and passed" >&2
  exit 1
fi
