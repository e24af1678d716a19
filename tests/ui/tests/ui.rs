//! Compiles each case and compares the messages of the compiler.
//!
//! `TRYBUILD=overwrite cargo test --workspace --test ui` accepts changed messages.

use std::process::Command;

/// The compiler whose messages `cases/*.stderr` hold. Another one words some of them differently.
const COMPILER: &str = "rustc 1.95.0 ";

#[test]
fn mistakes_are_explained() {
    let version = Command::new("rustc").arg("--version").output().expect("rustc runs");
    let version = String::from_utf8_lossy(&version.stdout);
    assert!(
        version.starts_with(COMPILER),
        "cases/*.stderr are messages of {COMPILER}, and this is {version}: \
         rustup run 1.95.0 cargo test --workspace --test ui",
    );
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
