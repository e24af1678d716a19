//! Views.

use super::super::messages;
use super::{assert_reported, tokens};

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    let input = syn::parse2(tokens(source)).expect("an item");
    assert_reported(source, &messages(crate::derive::view(&input)), expected);
}

#[test]
fn a_view_names_a_record_and_some_of_its_fields() {
    let of = "the view does not name its record";
    let shape = "a view must be a struct with named fields";
    check("#[view(of = User)] struct View { a: u8 }", &[]);
    check("#[view(of = User<u8>, crate = ::envelope)] struct View { a: u8 }", &[]);
    check("struct View { a: u8 }", &[of]);
    check("#[view] struct View { a: u8 }", &[of]);
    check(
        "#[view(off = User)] struct View { a: u8 }",
        &["`off` is not an option of `#[view(..)]`\nhelp: did you mean `of`?"],
    );
    check(
        "#[view(of = User, table = \"t\")] struct View { a: u8 }",
        &["`table` is not an option of `#[view(..)]`\nhelp: `#[view(..)]` takes `of` and `crate`"],
    );
    check("#[view(of)] struct View { a: u8 }", &["`of` takes the type of a record"]);
    check("#[view(of = 1)] struct View { a: u8 }", &["`of` takes the type of a record"]);
    check("#[view(of = User)] struct View<T> { a: T }", &["a view cannot be generic"]);
    check("#[view(of = User)] struct View {}", &[shape]);
    check("#[view(of = User)] struct View(u8);", &[shape]);
    check("#[view(of = User)] struct View;", &[shape]);
    check("#[view(of = User)] enum View { A }", &[shape]);
    check(
        "#[view(of = User, crate = envelope)] struct View { a: u8 }",
        &["the path `envelope` is relative"],
    );
}

#[test]
fn a_mark_in_a_view_is_refused() {
    check(
        "#[view(of = User)] #[partition_key] struct View { a: u8 }",
        &["`#[partition_key]` does not belong on the struct of a view"],
    );
    check(
        "#[view(of = User)] struct View { #[plaintext] a: u8 }",
        &["`#[plaintext]` does not belong on a field of a view"],
    );
    check("#[view(of = User)] struct View { #[doc = \"a\"] a: u8 }", &[]);
}
