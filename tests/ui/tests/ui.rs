//! Compiles each case and compares the messages of the compiler.
//!
//! `TRYBUILD=overwrite cargo test --workspace --test ui` accepts changed messages.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
