//! The rules of `#[envelope(unprotected)]`: records that are stored as they are.

use crate::errors::Errors;
use crate::marks::Mark;
use crate::parse::{ComposedKey, Input, Piece};

/// Applies every rule to a struct with the option.
pub(super) fn check(input: &Input, errors: &mut Errors) {
    if input.options.unprotected.is_some() {
        protects_nothing(input, errors);
        has_no_context(input, errors);
        has_no_entity(input, errors);
        key_has_text_of_its_own(input, errors);
    }
}

/// A mark that promises protection contradicts the option.
fn protects_nothing(input: &Input, errors: &mut Errors) {
    for field in input.stored_fields() {
        let promises = |mark: Mark| matches!(mark, Mark::Encrypted | Mark::Authenticated);
        let Some(mark) = field.mark.filter(|mark| promises(*mark)) else { continue };
        let (ident, mark) = (&field.ident, mark.attribute());
        errors.report(
            ident,
            format_args!("`{ident}` is `#[{mark}]`, and the struct is `unprotected`"),
            "remove `unprotected`, or mark the field `#[plaintext]` (in the format of a key: \
             `#[key]`)",
        );
    }
}

/// No data key is asked for, so nothing is bound to one.
fn has_no_context(input: &Input, errors: &mut Errors) {
    let of_fields = input.fields.iter().filter_map(|field| field.encryption_context.as_ref());
    for written in input.options.of_kms.iter().chain(of_fields) {
        errors.report(
            written,
            "the struct is `unprotected`, so its records have no encryption context",
            "remove this, or `unprotected`",
        );
    }
}

/// Whoever can write the table can write the attribute of an entity type.
fn has_no_entity(input: &Input, errors: &mut Errors) {
    if let Some(entity) = &input.options.entity {
        errors.report(
            &entity.name,
            "the struct is `unprotected`, so nothing proves the attribute of `entity(..)`",
            "remove `entity(..)`: the format of its key tells the type; an attribute that other \
             programs read can be a `#[plaintext]` field",
        );
    }
}

/// The key tells the records from sealed ones, so that no type passes for another.
fn key_has_text_of_its_own(input: &Input, errors: &mut Errors) {
    let begins_with_text = |key: &ComposedKey| matches!(key.pieces.first(), Some(Piece::Literal(text)) if !text.is_empty());
    if let Some(option) = input.options.unprotected.as_ref()
        && !input.composed.iter().any(begins_with_text)
    {
        errors.report(
            option,
            "the struct is `unprotected`, and no key of it begins with constant text",
            "compose a key: `#[sort_key(name = \"sk\", format = \"HOURS#{day}\")]`; its text \
             tells the records from those of protected types",
        );
    }
}
