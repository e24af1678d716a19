#!/usr/bin/env bash
# Compares the public items of the published crates with the lists in tests/surface/, so that a review sees each change,
# and checks that each public module and type has an example. tests/surface/src/shown.rs says what counts as one.
#
#   tests/surface.sh          # fails if a list is not up to date, or an example is missing
#   tests/surface.sh --write  # writes the lists, then checks the examples
#
# rustdoc describes each crate in a JSON file, with the features that the workspace turns on. This needs no nightly
# compiler, but the one whose JSON tests/surface/Cargo.toml can read.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1-}" in
  '') write= ;;
  --write) write=1 ;;
  *) echo "usage: tests/surface.sh [--write]" >&2; exit 2 ;;
esac

readonly compiler=1.95
[[ $(rustc --version) == "rustc $compiler."* ]] || {
  echo "surface: the lists are those of Rust $compiler, and this is $(rustc --version)." \
    "Use rustup run $compiler.0 tests/surface.sh, or change \`compiler\` here and \`public-api\` in tests/surface/Cargo.toml" >&2
  exit 1
}

RUSTDOC=$PWD/tests/surface/rustdoc RUSTDOCFLAGS="-Z unstable-options --output-format json" \
  cargo doc --quiet --workspace --no-deps
cargo test --quiet --locked --manifest-path tests/surface/Cargo.toml --target-dir target/surface
cargo build --quiet --locked --manifest-path tests/surface/Cargo.toml --target-dir target/surface

readonly unshown=target/surface/without-example.txt
: >"$unshown"
changed=
for crate in core derive dynamo testing cli; do
  list=tests/surface/envelope-$crate.txt
  new=target/surface/envelope-$crate.txt
  target/surface/debug/envelope-surface items "target/doc/envelope_$crate.json" >"$new"
  [ "$crate" = derive ] ||
    target/surface/debug/envelope-surface unshown "target/doc/envelope_$crate.json" >>"$unshown"
  [ "$(wc -l <"$new")" -gt 2 ] || { echo "surface: envelope-$crate has no public items" >&2; exit 1; }
  if [ -n "$write" ]; then
    cp "$new" "$list"
  else
    diff -U0 --label "$list" --label "envelope-$crate today" "$list" "$new" || changed=1
  fi
done
if [ -n "$changed" ]; then
  echo "surface: public items changed, see above. If that is meant, run tests/surface.sh --write and commit the lists" >&2
  exit 1
fi

if [ -s "$unshown" ]; then
  echo "surface: these modules and types have no example that asserts, see tests/surface/src/shown.rs:" >&2
  cat "$unshown" >&2
  exit 1
fi
