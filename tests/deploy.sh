#!/usr/bin/env bash
# Checks what is in deploy/, without Kubernetes, AWS or a registry of images.
#
#   tests/deploy.sh          # the manifests, by Kubernetes's schemas, AWS's model, and the flags of the command
#   tests/deploy.sh --build  # also builds the static binary as deploy/Dockerfile does; takes some ten minutes
#
# What it does not check: that Docker accepts deploy/Dockerfile, and that the images named there exist.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "deploy: $*" >&2; exit 1; }

case "${1-}" in
  '') build= ;;
  --build) build=1 ;;
  *) echo "usage: tests/deploy.sh [--build]" >&2; exit 2 ;;
esac

readonly venv=target/deploy
readonly manifest=deploy/kubernetes/rewrap.yaml
python3 -m venv "$venv" || { apt-get update -q && apt-get install -yq python3-venv && python3 -m venv "$venv"; }
"$venv/bin/pip" install -q --disable-pip-version-check --require-hashes --only-binary :all: -r tests/deploy/requirements.txt

for version in 1.33 1.34; do
  "$venv/bin/kubernetes-validate" --strict --kubernetes-version "$version" "$manifest"
  # The check itself: it must see a misspelt member.
  sed 's/backoffLimitPerIndex/backoffLimitPerIndx/' "$manifest" >"$venv/broken.yaml"
  ! "$venv/bin/kubernetes-validate" --strict --kubernetes-version "$version" "$venv/broken.yaml" >/dev/null 2>&1 ||
    fail "kubernetes-validate $version overlooks a misspelt member"
done

cargo build --workspace --bin envelope
"$venv/bin/python" tests/deploy/check.py target/debug/envelope

# The image is built by one command. The same command is run here, for the target that Alpine's Rust has by default.
command=$(sed -n 's/^RUN \(cargo build .*\)$/\1/p' deploy/Dockerfile)
[ -n "$command" ] || fail "deploy/Dockerfile has no line RUN cargo build"
[ -n "$build" ] || exit 0
target=$(uname -m)-unknown-linux-musl
rustup target list --installed | grep -qx "$target" || rustup target add "$target" || fail "rustup cannot add $target"
if ! command -v musl-gcc >/dev/null; then
  apt-get update -q && apt-get install -yq musl-tools || fail "a static binary needs musl-gcc: install musl-tools"
fi
$command --target "$target"
binary=target/$target/release/envelope
# A static binary asks for no interpreter, which would load libraries.
headers=$(readelf --program-headers --wide "$binary")
[[ $headers != *INTERP* ]] || fail "$binary is not static"
env -i "$binary" --version
ls -l "$binary"
