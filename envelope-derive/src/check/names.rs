//! The rules of the names of attributes.

use crate::errors::Errors;
use crate::marks::TAG_PREFIX;
use crate::names::Name;
use crate::parse::{Field, Input};

/// The attributes of the sealed fields and of their data key.
const RESERVED_ATTRIBUTES: [&str; 2] = ["encrypted_payload", "encrypted_dek"];

/// No field has the name of a reserved attribute, or an empty name.
pub(super) fn free(input: &Input, errors: &mut Errors) {
    for (field, name) in named(input) {
        if let Some(what) = reserved(&name.value) {
            errors.report(
                name,
                format_args!("the attribute name `{}` is reserved for {what}", name.value),
                format_args!(
                    "store `{}` under another name: `#[serde(rename = \"..\")]`",
                    field.ident
                ),
            );
        } else if name.value.is_empty() {
            let problem =
                format_args!("`{}` has an empty name, which DynamoDB refuses", field.ident);
            errors.report(name, problem, "give it a name: `#[serde(rename = \"..\")]`");
        }
    }
}

/// What the name is reserved for: the payload and the data key of the record, or with `_` and a
/// name of a group; or a search tag.
pub(super) fn reserved(name: &str) -> Option<&'static str> {
    if name.starts_with(TAG_PREFIX) {
        return Some("search tags");
    }
    let mut rests = RESERVED_ATTRIBUTES.iter().filter_map(|reserved| name.strip_prefix(reserved));
    rests.any(|rest| rest.is_empty() || rest.starts_with('_')).then_some("encrypted data")
}

/// No name belongs to two fields.
pub(super) fn unique(input: &Input, errors: &mut Errors) {
    let mut taken: Vec<(&Field, &Name)> = Vec::new();
    for (field, name) in named(input) {
        let owner = taken.iter().find(|(_, other)| other.value == name.value);
        if let Some((owner, _)) = owner.filter(|(owner, _)| owner.ident != field.ident) {
            errors.report(
                name,
                format_args!(
                    "`{}` and `{}` both have the name `{}`",
                    owner.ident, field.ident, name.value
                ),
                "give one of them another name: `#[serde(rename = \"..\")]`",
            );
        }
        taken.push((field, name));
    }
}

/// The stored fields with each of their names.
pub(super) fn named(input: &Input) -> impl Iterator<Item = (&Field, &Name)> {
    input.stored_fields().flat_map(|field| field.names().map(move |name| (field, name)))
}
