//! The code of docs/guide/marks.md, and the completeness of its tables.

use std::collections::BTreeMap;
use std::time::SystemTime;

use envelope_dynamo::{Access, Envelope};

use crate::guide::read;

#[derive(Envelope)]
#[envelope(
    table = "visits",
    kms_context = "hashed",
    context(app = "clinic"),
    entity(kind = "visit"),
    index(name = "by-state", partition_key = state, sort_key = visit),
    index(name = "by-email", partition_key = email),
    index(name = "by-name", partition_key = last_first),
    searchable(fields(last(ascii_lowercase), first(ascii_lowercase)))
)]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "VISIT#{visit}")]
struct Visit {
    #[key]
    patient: String, // only in `pk`
    #[authenticated]
    visit: u32, // in `sk`, and as an attribute
    #[authenticated]
    #[encryption_context]
    tenant: String, // key policies can name it
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
    #[encrypted]
    last: String,
    #[encrypted]
    first: String,
    #[encrypted]
    notes: Vec<String>, // any type that serde knows
    #[encrypted(accept = "plaintext")]
    phone: Option<String>, // until 2026 it was plaintext
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
    #[authenticated]
    ward: String,
    #[plaintext]
    state: String,
    #[authenticated]
    #[version]
    version: u64,
    #[plaintext]
    #[ttl]
    delete_at: Option<SystemTime>,
    #[plaintext]
    #[created]
    created: u64,
    #[plaintext]
    #[updated]
    updated: Option<SystemTime>,
    #[serde(skip)]
    opened: bool,
}

#[derive(Envelope)]
#[envelope(table = "notes", unmarked = "encrypted", crate = ::envelope_dynamo)]
struct Note {
    #[partition_key]
    doctor: String,
    #[sort_key]
    visit: u32,
    text: String,
    links: BTreeMap<String, String>,
}

#[derive(Envelope)]
#[envelope(table = "visits", unprotected)]
#[partition_key(name = "pk", format = "COUPON#{code}")]
#[sort_key(name = "sk", format = "COUPON")]
struct Coupon {
    #[key]
    code: String,
    #[plaintext]
    used: u32,
}

#[test]
fn every_attribute_and_option_of_the_derive_is_in_a_table() {
    let derive = read("envelope-derive/src/lib.rs");
    let (_, declared) = derive.split_once("attributes(").expect("the derive declares attributes");
    let declared = declared.split(')').next().unwrap_or_default();
    let attributes = declared.split(',').map(str::trim).filter(|name| !name.is_empty());
    let attributes = attributes.filter(|name| !["envelope", "serde"].contains(name));
    let (_, options) = derive.split_once("option of `#[envelope(..)]`").expect("a table");
    let options = options.lines().skip(1).take_while(|line| line.starts_with("/// |"));
    let options = options.filter_map(|line| line.strip_prefix("/// | `"));
    let options: Vec<&str> = options
        .filter_map(|row| row.split(|c: char| !c.is_ascii_lowercase() && c != '_').next())
        .collect();
    assert!(options.len() > 8, "{options:?}");

    let page = read("docs/guide/marks.md");
    let rows = || page.lines().filter(|line| line.starts_with("| "));
    let first_cell = |row: &str| row.split(" | ").next().unwrap_or_default().to_owned();
    for name in attributes {
        let is_in = rows().any(|row| first_cell(row).contains(&format!("#[{name}")));
        assert!(is_in, "docs/guide/marks.md has no row for #[{name}]");
    }
    for name in options {
        let is_in = rows().any(|row| first_cell(row).contains(&format!("`{name}`")));
        assert!(is_in, "docs/guide/marks.md has no row for the option `{name}`");
    }
}
