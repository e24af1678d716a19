#!/usr/bin/env bash
# Checks that the crates can be published, and prints what a person then does. It publishes nothing.
#
#   tests/release.sh                   # all checks; compiles the packages and their dependencies
#   tests/release.sh --repository URL  # writes the address of the repository into every file that has it
#
# Run .ci/run --all first: it tests the workspace. This script tests the packages that crates.io gets.
set -euo pipefail
cd "$(dirname "$0")/.."

# In this order: each crate depends only on those before it.
readonly crates=(envelope-core envelope-derive envelope-dynamo envelope-testing envelope-dynamo-cli)
readonly unpacked=target/release-check
readonly features=envelope-core/rsa,envelope-core/testing,envelope-core/tokio,envelope-dynamo/maintain,envelope-dynamo/rsa,envelope-dynamo/testing,envelope-dynamo/trust-plaintext-items,envelope-testing/loopback
export CARGO_INCREMENTAL=0

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
repository=$(sed -n 's/^repository = "\(.*\)"/\1/p' Cargo.toml)
minimum=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' Cargo.toml)

case "${1-}" in
  '') ;;
  --repository)
    new=${2:?"usage: tests/release.sh --repository https://github.com/OWNER/envelope"}
    git grep -lF "$repository" | while read -r file; do sed -i "s|$repository|${new%/}|g" "$file"; done
    git diff --stat
    exit
    ;;
  *) echo "usage: tests/release.sh [--repository URL]" >&2; exit 2 ;;
esac

problems=()
problem() { problems+=("$*"); echo "PROBLEM: $*" >&2; }
step() { printf '\n== %s (%ds)\n' "$*" "$SECONDS"; }
tool() { # tool NAME VERSION: installs a command into target/tools
  [ -x "target/tools/bin/$1" ] ||
    cargo install "$1" --locked --debug --version "$2" --root target/tools --target-dir target/tools/build
}
is_published() { cargo info --registry crates-io "$1" >/dev/null 2>&1; }

step "the state of the repository"
[ -z "$(git status --porcelain)" ] || problem "there are uncommitted changes: commit them"
[[ $repository != *OWNER* ]] || problem "$repository is a placeholder: tests/release.sh --repository URL"
for crate in "${crates[@]}"; do
  if is_published "$crate@$version"; then
    problem "$crate $version is published already: raise \`version\` in Cargo.toml"
  elif is_published "$crate"; then
    cargo info --quiet --registry crates-io "$crate" | grep -qF "$repository" ||
      problem "the name $crate belongs to somebody else on crates.io: choose another"
  fi
done

step "the changelog"
python3 tests/release/changelog.py CHANGELOG.md "$version" || problem "CHANGELOG.md: see above"

step "the public items"
tests/surface.sh || problem "the public items changed: see above"

step "licences, versions and sources of the dependencies; advisories"
readonly deny_log=target/release-deny.log
tests/deny.sh 2>&1 | tee "$deny_log" || problem "tests/deny.sh failed: see above"
! unchecked=$(grep "NOT CHECKED" "$deny_log") || problem "$unchecked"

step "the packages"
rm -rf target/package "$unpacked"
cargo package "${crates[@]/#/-p}" --no-verify --allow-dirty 2>&1 | grep -v "^warning: ignoring" # tests and benches are not published
# The packages as crates.io gets them, in a workspace where each finds the others: none of them is published yet. They
# are compiled for the directory of this workspace, which has their dependencies.
mkdir -p "$unpacked"
for crate in "${crates[@]}"; do
  tar xzf "target/package/$crate-$version.crate" -C "$unpacked"
  mv "$unpacked/$crate-$version" "$unpacked/$crate"
  rm "$unpacked/$crate/Cargo.lock"
done
{
  printf '[workspace]\nresolver = "3"\nmembers = ["envelope-*"]\n\n[patch.crates-io]\n'
  for crate in "${crates[@]}"; do echo "$crate = { path = \"$crate\" }"; done
  echo
  sed -n '/^\[profile/,$p' Cargo.toml | sed '/package.envelope-memory-tests\]/,/^opt-level/d'
} >"$unpacked/Cargo.toml"
cp Cargo.lock "$unpacked/"
ln -s ../../vectors "$unpacked/vectors"
inside() { (cd "$unpacked" && CARGO_TARGET_DIR=../../target "$@"); }

step "the packages' unit tests"
inside cargo test --workspace --features "$features" --lib || problem "unit tests of the packages failed"

step "the packages' examples in the documentation"
inside cargo test --workspace --features "$features" --doc || problem "examples of the packages failed"

step "the documentation as docs.rs builds it"
# docs.rs has a nightly compiler. Here, rustdoc of the stable one gets the same features.
RUSTDOC=$PWD/tests/surface/rustdoc RUSTDOCFLAGS="--cfg docsrs -D warnings" inside \
  cargo doc --workspace --no-deps --features "$features" || problem "the documentation has errors"

step "the minimum Rust version, $minimum"
if rustup toolchain list 2>/dev/null | grep -q "^$minimum"; then
  inside cargo "+$minimum" check --workspace --target-dir ../minimum-rust || problem "does not compile with Rust $minimum"
else
  problem "NOT COMPILED with Rust $minimum: rustup toolchain install $minimum"
fi

step "the oldest versions of direct dependencies"
# Without dev-dependencies, which no user compiles. `-Z` is for unstable options of cargo; this needs no nightly compiler.
readonly oldest=target/release-oldest
rm -rf "$oldest"
mkdir -p "$oldest"
cp "$unpacked/Cargo.toml" "$oldest/"
for crate in "${crates[@]}"; do
  cp -r "$unpacked/$crate" "$oldest/"
  awk '/^\[/ { skip = /^\[dev-dependencies/ } !skip' "$unpacked/$crate/Cargo.toml" >"$oldest/$crate/Cargo.toml"
done
if (cd "$oldest" && RUSTC_BOOTSTRAP=1 cargo update --quiet -Z direct-minimal-versions); then
  cargo check --manifest-path "$oldest/Cargo.toml" --workspace --features "$features" --target-dir target/oldest ||
    problem "does not compile with the oldest versions that Cargo.toml allows: raise them"
else
  problem "no oldest versions fit together: in Cargo.toml, raise the version of the package that cargo names"
fi

step "changes of the public items that break users"
if is_published envelope-dynamo; then
  tool cargo-semver-checks 0.51.0
  PATH=$PWD/target/tools/bin:$PATH cargo semver-checks -p envelope-core -p envelope-dynamo -p envelope-testing ||
    problem "cargo semver-checks: see above"
else
  echo "NOTHING TO COMPARE WITH: no version is published. From the second release on, cargo semver-checks runs here."
fi

step "bills of materials"
tool cargo-cyclonedx 0.5.9
(cd "$unpacked" && ../tools/bin/cargo-cyclonedx cyclonedx --format json --spec-version 1.5 --quiet)
mkdir -p target/sbom
for crate in "${crates[@]}"; do
  # Without the paths of this machine.
  sed "s|path+file://$PWD/$unpacked/|path+file:///|g" "$unpacked/$crate/$crate.cdx.json" >"target/sbom/$crate.cdx.json"
done
ls -l target/sbom

step "what is left to do"
if [ ${#problems[@]} -gt 0 ]; then
  echo "Not ready:"
  printf '  - %s\n' "${problems[@]}"
  echo "Then run this script again. After that, the steps would be these:"
else
  echo "Everything that this script checks holds. Now:"
fi
cat <<EOF

  1. Run .ci/run --all on a machine that has Rust $minimum.
  2. In CHANGELOG.md, rename "## Unreleased" to "## $version - $(date +%F)", delete the sentence about the first release, and
     put an empty "## Unreleased" above it. In python/README.md, which PyPI shows, write "pip install envelope-dynamo" in
     place of "pip install ./python". Commit, and run this script again.
  3. Publish. A crate that is published cannot be taken back, only yanked. Cargo needs a token: cargo login.
       cargo publish$(printf ' -p %s' "${crates[@]}")
     Cargo publishes a crate after those that it depends on. If it stops, repeat it without the crates that are published.
  4. git tag -s v$version -m "Version $version" && git push origin HEAD v$version
  5. Create a release of the tag at $repository/releases, with the changelog's section, and attach target/sbom/*.json.
  6. Look at https://docs.rs/envelope-dynamo/$version and at the four other crates there: docs.rs builds them some minutes later.
  7. The Python package has its own version (python/src/envelope_dynamo/__init__.py). If it changed, tests/interop.sh builds
     and tests it. Publish it by: twine upload target/interop/dist/*
  8. Raise \`version\` in Cargo.toml. After the first release, say in these lines that there is one:
$(git grep -nE "until the first release|no release yet|^cargo add .*--path" -- '*.md' | cut -c1-110 | sed 's/^/       /')
EOF
[ ${#problems[@]} -eq 0 ]
