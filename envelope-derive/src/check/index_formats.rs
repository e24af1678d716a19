//! The rules of composed keys of indexes, and of the fields in them.

use super::composed_keys::{field_of, formats_can_be_split, has_one_text, padded_part_is_no_text};
use super::indexes::optional;
use crate::errors::Errors;
use crate::marks::{LibraryWrites, Mark};
use crate::names::Name;
use crate::parse::{ComposedKey, Field, Index, Input, Part};

/// Applies every rule.
pub(super) fn check(input: &Input, errors: &mut Errors) {
    for key in input.index_keys() {
        formats_can_be_split(key, errors);
        for part in key.parts() {
            if let Some(field) = field_of(input, key, part, errors) {
                part_is_stored(key, part, field, errors);
                part_is_not_changed_in_place(key, part, field, errors);
                padded_part_is_no_text(key, part, field, errors);
            }
        }
    }
    for field in &input.fields {
        parts_have_one_text(input, field, errors);
    }
    shared_attributes_have_one_format(input, errors);
}

/// A part is a field that the record stores and that everybody may read.
fn part_is_stored(key: &ComposedKey, part: &Part, field: &Field, errors: &mut Errors) {
    let (name, skip) = (&part.field, &field.serde.skip);
    if field.serde.is_skipped() || skip.serialize || skip.deserialize {
        let problem = format_args!("serde skips `{name}`, so it cannot be part of a key");
        errors.report(&key.format, problem, "name a field that is stored");
    } else if let Some(refusal) = field.marks().find_map(Mark::refused_in_index_format) {
        errors.report(&key.format, refusal.problem(name), refusal.help(name));
    }
}

/// A part is no field that each update in place changes: the key would stay as it was.
fn part_is_not_changed_in_place(
    key: &ComposedKey,
    part: &Part,
    field: &Field,
    errors: &mut Errors,
) {
    let Some(role) = field.role() else { return };
    if role.library_writes != LibraryWrites::Always || !field.has_mark(Mark::Plaintext) {
        return;
    }
    let (name, role) = (&part.field, role.name);
    let problem = format_args!(
        "`{name}` is `#[{role}]`: every update in place changes it, and would leave the key as it was"
    );
    let help = match role {
        "version" => format!("name another field, or mark `{name}` `#[authenticated]`"),
        _ => format!("name another field; `{name}` itself can be the key: `sort_key = {name}`"),
    };
    errors.report(&key.format, problem, help);
}

/// Each value of a part has exactly one text form. A part may be optional: a record without it is
/// not in the index.
fn parts_have_one_text(input: &Input, field: &Field, errors: &mut Errors) {
    let is_part = input.is_part_of_index_key(field) && !input.is_part_of_key(field);
    if is_part && !field.serde.with.serialize {
        has_one_text(field, optional(&field.ty).unwrap_or(&field.ty), errors);
    }
}

/// Indexes that share an attribute share its format: an item has one value for both.
fn shared_attributes_have_one_format(input: &Input, errors: &mut Errors) {
    let mut seen: Vec<(&Name, String)> = Vec::new();
    for key in input.options.indexes.iter().flat_map(Index::composed) {
        let format = key.format.value();
        let other = seen.iter().find(|(name, _)| name.value == key.name.value);
        if let Some((name, other)) = other.filter(|(_, other)| *other != format) {
            let problem = format_args!(
                "the attribute `{}` has two formats: {other:?} and {format:?}",
                name.value
            );
            let help = "write the same format for each index that has this attribute, or give one \
                        of them another name";
            errors.report(&key.format, problem, help);
        }
        seen.push((&key.name, format));
    }
}
