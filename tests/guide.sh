#!/usr/bin/env bash
# Builds the guide as a book in target/guide/, and checks it: mdBook has no warning, every link leads to a file and a
# heading, nothing is loaded from elsewhere, and the pictures are those that docs/draw/ draws today.
#
#   tests/guide.sh                        # takes a few seconds
#   tests/guide.sh --browser              # also opens each page in a browser: tests/guide/browse.mjs
#   tests/guide.sh --browser FOLDER       # .. and stores a screenshot of each
#
# mdBook comes from PyPI, with the digests of tests/guide/requirements.txt. The browser is the first Chromium that the
# machine has, or Debian's; playwright-core, which controls it, comes from npm and needs Node 20.
set -euo pipefail

screenshots=${2:+$(realpath -m "$2")}
case "${1-}" in
  '') browser= ;;
  --browser) browser=1 ;;
  *) echo "usage: tests/guide.sh [--browser [FOLDER]]" >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.."

readonly venv=target/guide-tools
python3 -m venv "$venv" || { apt-get update -q && apt-get install -yq python3-venv && python3 -m venv "$venv"; }
"$venv/bin/pip" install -q --disable-pip-version-check --require-hashes -r tests/guide/requirements.txt

python3 -B -m doctest docs/repository_links.py
log=$("$venv/bin/mdbook" build docs 2>&1) || { echo "$log" >&2; exit 1; }
echo "$log"
if grep -qE '\b(WARN|ERROR)\b' <<<"$log"; then
  echo "guide: mdBook has a warning, see above" >&2
  exit 1
fi
python3 tests/guide/check_book.py target/guide
python3 -B docs/draw/draw.py --check

chromium_of() {
  local candidate
  for candidate in chromium-headless-shell chromium chromium-browser google-chrome; do
    command -v "$candidate" && return
  done
  return 1
}

if [ -n "$browser" ]; then
  chromium_of >/dev/null || {
    echo "guide: no Chromium found, installing Debian's (as root)" >&2
    apt-get update -q && apt-get install -yq --no-install-recommends chromium-headless-shell fonts-dejavu-core
  }
  readonly node=target/guide-browser
  mkdir -p "$node"
  cp tests/guide/* "$node/"
  npm ci --prefix "$node" --ignore-scripts --no-audit --no-fund --silent
  node "$node/browse.mjs" target/guide "$(chromium_of)" "$screenshots"
fi
