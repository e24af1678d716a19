//! Every rule of the derive, each with structs that break it and ones that keep it.
//!
//! The errors that the derive reports, and no others. How the compiler prints them is tested in
//! `tests/ui`.

mod entities;
mod fields;
mod formats;
mod indexes;
mod options;
mod serde;
mod views;

use proc_macro2::TokenStream;

use super::messages;

/// A key and a secret, which every record has.
const FIELDS: &str = "#[partition_key] id: String, #[encrypted] secret: String,";

fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// What the derive reports of `source`: problem and help.
fn reported(source: &str) -> Vec<String> {
    messages(super::derive(tokens(source)))
}

/// Asserts that these problems are reported and no others, with the help where `expected` has it in
/// a second line.
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

/// Cases of attributes of the struct, fields, and what is reported of them.
#[track_caller]
fn check_structs(cases: &[(&str, &str, &[&str])]) {
    for (container, fields, expected) in cases {
        let source = structure(container, fields);
        assert_reported(&source, &reported(&source), expected);
    }
}

/// Cases of fields beside a key and a secret.
#[track_caller]
fn check_fields(cases: &[(&str, &[&str])]) {
    for (field, expected) in cases {
        let source = structure("", &format!("{FIELDS} {field}"));
        assert_reported(&source, &reported(&source), expected);
    }
}

/// Cases of attributes of a struct with a key and a secret.
#[track_caller]
fn check_containers(cases: &[(&str, &[&str])]) {
    for (container, expected) in cases {
        let source = structure(container, FIELDS);
        assert_reported(&source, &reported(&source), expected);
    }
}
