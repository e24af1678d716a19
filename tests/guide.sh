#!/usr/bin/env bash
# Builds the guide as a book in target/guide/, and checks it: mdBook has no warning, every link leads to a file and a
# heading, nothing is loaded from elsewhere, and the pictures are those that docs/draw/ draws today.
#
# mdBook comes from PyPI, with the digests of tests/guide/requirements.txt. This takes a few seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=target/guide-tools
python3 -m venv "$venv" || { apt-get update -q && apt-get install -yq python3-venv && python3 -m venv "$venv"; }
"$venv/bin/pip" install -q --disable-pip-version-check --require-hashes -r tests/guide/requirements.txt

log=$("$venv/bin/mdbook" build docs 2>&1) || { echo "$log" >&2; exit 1; }
echo "$log"
if grep -qE '\b(WARN|ERROR)\b' <<<"$log"; then
  echo "guide: mdBook has a warning, see above" >&2
  exit 1
fi
python3 tests/guide/check_book.py target/guide
python3 -B docs/draw/draw.py --check
