//! `#[envelope(unprotected)]`.

use super::{assert_reported, check_structs, reported, structure};

const KEYS: &str = "#[partition_key(name = \"pk\", format = \"USER#{user}\")] \
     #[sort_key(name = \"sk\", format = \"COUPON#{code}\")]";
const FIELDS: &str = "#[key] user: String, #[key] code: String,";

#[test]
fn an_unprotected_struct_promises_nothing() {
    let cases: [(&str, &str, &[&str]); 12] = [
        ("unprotected", "", &[]),
        ("unprotected", "#[plaintext] a: u8", &[]),
        ("unprotected, unmarked = \"plaintext\"", "a: u8", &[]),
        (
            "unprotected",
            "#[encrypted] a: u8",
            &["`a` is `#[encrypted]`, and the struct is `unprotected`"],
        ),
        (
            "unprotected",
            "#[authenticated] a: u8, #[plaintext] b: u8",
            &["`a` is `#[authenticated]`, and the struct is `unprotected`"],
        ),
        (
            "unprotected, unmarked = \"encrypted\"",
            "a: u8",
            &["`a` is `#[encrypted]`, and the struct is `unprotected`"],
        ),
        (
            "unprotected, kms_context = \"raw\"",
            "",
            &["the struct is `unprotected`, so its records have no encryption context"],
        ),
        (
            "unprotected, context(purpose = \"care\")",
            "",
            &["the struct is `unprotected`, so its records have no encryption context"],
        ),
        (
            "unprotected",
            "#[plaintext] #[encryption_context] a: String",
            &["the struct is `unprotected`, so its records have no encryption context"],
        ),
        (
            "unprotected, entity(kind = \"coupon\")",
            "",
            &["the struct is `unprotected`, so nothing proves the attribute of `entity(..)`"],
        ),
        ("unprotected = true", "", &["`unprotected` takes no value"]),
        ("unprotected, unprotected", "", &["`unprotected` is given twice"]),
    ];
    for (options, fields, expected) in cases {
        let container = format!("#[envelope({options})] {KEYS}");
        let source = structure(&container, &format!("{FIELDS} {fields}"));
        assert_reported(&source, &reported(&source), expected);
    }
}

/// The text tells its records from those of other types.
#[test]
fn a_key_of_an_unprotected_struct_begins_with_text() {
    let missing = "the struct is `unprotected`, and no key of it begins with constant text";
    check_structs(&[
        ("#[envelope(unprotected)]", "#[partition_key] id: u8, #[plaintext] a: u8", &[missing]),
        (
            "#[envelope(unprotected)] #[partition_key(name = \"pk\", format = \"{id}#X\")]",
            "#[key] id: u8",
            &[missing],
        ),
        (
            "#[envelope(unprotected)] #[sort_key(name = \"sk\", format = \"SETTINGS\")]",
            "#[partition_key] id: u8, #[plaintext] a: u8",
            &[],
        ),
        (
            "#[envelope(unprotected, index(name = \"by-a\", partition_key(name = \"g\", format = \"A#{a}\")))]",
            "#[partition_key] id: u8, #[plaintext] a: u8",
            &[missing],
        ),
    ]);
}
