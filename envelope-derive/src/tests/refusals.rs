//! Every rule of the derive, each with structs that break it and structs that keep it.
//!
//! These tests compare the errors that the derive reports. `tests/ui` tests how the compiler prints
//! them.

mod entities;
mod fields;
mod formats;
mod indexes;
mod options;
mod search_tags;
mod serde;
mod unprotected;
mod views;

use proc_macro2::TokenStream;

use super::messages;

/// A key and a secret, which every record has.
const FIELDS: &str = "#[partition_key] id: String, #[encrypted] secret: String,";

fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// The messages of the derive for `source`: problem and help.
fn reported(source: &str) -> Vec<String> {
    messages(super::derive(tokens(source)))
}

/// Asserts that exactly these problems are reported. The help is compared if `expected` has it in a
/// second line.
#[track_caller]
fn assert_reported(source: &str, reported: &[String], expected: &[&str]) {
    let shown: Vec<_> = reported
        .iter()
        .zip(expected.iter().map(Some).chain(std::iter::repeat(None)))
        .map(|(message, expected)| match expected {
            Some(expected) if expected.contains('\n') => message.as_str(),
            _ => message.split('\n').next().unwrap_or_default(),
        })
        .collect();
    assert_eq!(shown, expected, "{source}");
    assert!(reported.iter().all(|message| message.contains("\nhelp: ")), "{reported:?}");
}

/// A struct with attributes and fields of its own.
fn structure(container: &str, fields: &str) -> String {
    format!("#[envelope(table = \"t\")] {container} struct Record {{ {fields} }}")
}

/// Checks cases of attributes of the struct, its fields, and the expected problems.
#[track_caller]
fn check_structs(cases: &[(&str, &str, &[&str])]) {
    for (container, fields, expected) in cases {
        let source = structure(container, fields);
        assert_reported(&source, &reported(&source), expected);
    }
}

/// Checks cases of a field beside a key and a secret, and the expected problems.
#[track_caller]
fn check_fields(cases: &[(&str, &[&str])]) {
    for (field, expected) in cases {
        let source = structure("", &format!("{FIELDS} {field}"));
        assert_reported(&source, &reported(&source), expected);
    }
}

/// Checks cases of attributes of a struct with a key and a secret, and the expected problems.
#[track_caller]
fn check_containers(cases: &[(&str, &[&str])]) {
    for (container, expected) in cases {
        let source = structure(container, FIELDS);
        assert_reported(&source, &reported(&source), expected);
    }
}
