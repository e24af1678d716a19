//! Compiles each case and compares what the compiler says.
//!
//! A changed message is accepted with `TRYBUILD=overwrite cargo test -p envelope-ui-tests`.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
