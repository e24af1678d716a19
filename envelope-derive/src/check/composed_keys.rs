//! The rules of composed keys, of the fields in them, and of the `entity(..)` attribute.

use syn::Type;

use super::key_type::{self, Refusal};
use super::names::{named, reserved};
use crate::errors::Errors;
use crate::marks::Mark;
use crate::names::{Name, similar, unraw};
use crate::parse::{ComposedKey, Field, Input, Part};

/// A key is a tuple of its parts; `envelope-dynamo` implements tuples up to this length.
const MAX_PARTS: usize = 5;

/// Applies every rule of composed keys.
pub(super) fn check(input: &Input, errors: &mut Errors) {
    for key in &input.composed {
        formats_can_be_split(key, errors);
        for part in key.parts() {
            part_is_readable_and_fixed(input, key, part, errors);
        }
    }
    for field in &input.fields {
        parts_are_always_stored(input, field, errors);
        parts_have_one_text(input, field, errors);
        key_fields_are_parts(input, field, errors);
    }
    generated_names_are_free(input, errors);
}

/// A format is not empty, and a key can be split into its parts again.
pub(super) fn formats_can_be_split(key: &ComposedKey, errors: &mut Errors) {
    if key.pieces.is_empty() {
        errors.report(
            &key.format,
            "the format is empty, and DynamoDB refuses empty keys",
            "write a constant, `format = \"PROFILE\"`, or name fields in braces",
        );
    }
    for (first, second) in key.unseparated() {
        let (a, b) = (&first.field, &second.field);
        errors.report(
            &key.format,
            format_args!(
                "no separator between `{a}` and `{b}`: the key could not be split into its parts \
                 again"
            ),
            format_args!("put one of `#`, `|`, `/` and `:` between them: `{{{a}}}#{{{b}}}`"),
        );
    }
    let mut seen: Vec<&str> = Vec::new();
    for part in key.parts() {
        if seen.contains(&part.field.as_str()) {
            let problem = format_args!("the format names `{}` twice", part.field);
            errors.report(&key.format, problem, "keep one of the two");
        }
        seen.push(&part.field);
    }
    if seen.len() > MAX_PARTS {
        let problem = format_args!(
            "the format names {} fields, but a key has at most {MAX_PARTS} parts",
            seen.len()
        );
        errors.report(
            &key.format,
            problem,
            "combine several fields into one type that serde writes as a string",
        );
    }
}

/// A part is a stored field that is readable and cannot be updated in place.
fn part_is_readable_and_fixed(input: &Input, key: &ComposedKey, part: &Part, errors: &mut Errors) {
    let name = &part.field;
    let Some(field) = field_of(input, key, part, errors) else { return };
    if field.serde.is_skipped() {
        let problem = format_args!("serde skips `{name}`, so it cannot be part of a key");
        errors.report(&key.format, problem, "name another field, or remove `#[serde(skip)]`");
    } else if let Some(refusal) = field.marks().find_map(Mark::refused_in_format) {
        errors.report(&key.format, refusal.problem(name), refusal.help(name));
    }
    padded_part_is_no_text(key, part, field, errors);
}

/// The field that a part names.
pub(super) fn field_of<'i>(
    input: &'i Input,
    key: &ComposedKey,
    part: &Part,
    errors: &mut Errors,
) -> Option<&'i Field> {
    let name = &part.field;
    let field = input.field(name);
    if field.is_none() {
        let known = input.field_names();
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        let help = match similar(name, &known) {
            Some(meant) => format!("did you mean `{{{meant}}}`?"),
            None => "name a field of the struct".to_owned(),
        };
        errors.report(&key.format, format_args!("there is no field `{name}`"), help);
    }
    field
}

/// Only integers are padded.
pub(super) fn padded_part_is_no_text(
    key: &ComposedKey,
    part: &Part,
    field: &Field,
    errors: &mut Errors,
) {
    if part.digits.is_some() && is_text(field) {
        let name = &part.field;
        errors.report(
            &key.format,
            format_args!("`{name}` is text, but only integers can be padded with zeros"),
            format_args!("write `{{{name}}}`"),
        );
    }
}

fn is_text(field: &Field) -> bool {
    let syn::Type::Path(path) = &field.ty else { return false };
    let last = path.path.segments.last();
    !field.serde.with.serialize
        && last.is_some_and(|segment| segment.ident == "String" || segment.ident == "char")
}

/// A part of a key is in every record.
fn parts_are_always_stored(input: &Input, field: &Field, errors: &mut Errors) {
    if !input.is_part_of_key(field) || field.serde.is_skipped() {
        return;
    }
    for skip in &field.serde.skips {
        let problem =
            format_args!("`{}` is part of the key, which every record must have", field.ident);
        errors.report(skip, problem, format_args!("remove `{skip}`"));
    }
}

/// Each value of a part has exactly one text form. Otherwise one value could have two keys.
fn parts_have_one_text(input: &Input, field: &Field, errors: &mut Errors) {
    if input.is_part_of_key(field) && !field.serde.with.serialize {
        has_one_text(field, &field.ty, errors);
    }
}

/// A part of the type `ty` has one text form for each value.
pub(super) fn has_one_text(field: &Field, ty: &Type, errors: &mut Errors) {
    let what = match key_type::refused(ty) {
        _ if key_type::is_float(ty) => "a float",
        Some(Refusal::Bytes) => "bytes",
        None | Some(Refusal::Is("a bool")) => return,
        Some(Refusal::Is(what)) => what,
    };
    errors.report(
        &field.ty,
        format_args!(
            "`{}` is part of the key, so it cannot be {what}: each value must have \
             exactly one text form",
            field.ident
        ),
        "use a `String`, an integer, or a type that serde writes as one of these, for example by \
         `#[serde(with = \"..\")]`",
    );
}

/// A field with `#[key]` is part of a key. Otherwise it would not be stored at all.
fn key_fields_are_parts(input: &Input, field: &Field, errors: &mut Errors) {
    if field.has_mark(Mark::Key) && !input.is_part_of_key(field) {
        let ident = unraw(&field.ident);
        if input.is_part_of_index_key(field) {
            let problem = format_args!(
                "`{ident}` is marked `#[key]`, but only an index has it in a key, to which the \
                 record is not bound"
            );
            let help = format_args!(
                "mark `{ident}` `#[authenticated]`: it is then also stored as an attribute"
            );
            errors.report(&field.ident, problem, help);
            return;
        }
        errors.report(
            &field.ident,
            format_args!(
                "`{ident}` is marked `#[key]`, but no composed key names it, so it would \
                 not be stored"
            ),
            format_args!(
                "name it in a composed key on the struct: `#[sort_key(name = \"sk\", format = \
                 \"ORDER#{{{ident}}}\")]`; if the field itself is the key, mark it \
                 `#[partition_key]` or \
                 `#[sort_key]`"
            ),
        );
    }
}

/// The names of composed keys and of the `entity(..)` attribute are not empty, not reserved and not
/// used by a field.
fn generated_names_are_free(input: &Input, errors: &mut Errors) {
    let index_keys = input.index_keys();
    let keys = input.composed.iter().chain(index_keys.iter().copied()).map(|key| &key.name);
    let entity = input.options.entity.iter().map(|pair| &pair.name);
    let mut taken: Vec<&Name> = Vec::new();
    for name in keys.chain(entity) {
        let value = &name.value;
        let owner = named(input).find(|(_, other)| other.value == *value).map(|(field, _)| field);
        if let Some(what) = reserved(value) {
            let problem = format_args!("the attribute name `{value}` is reserved for {what}");
            errors.report(name, problem, "choose another name");
        } else if value.is_empty() {
            errors.report(
                name,
                "the attribute has an empty name, which DynamoDB refuses",
                "choose a name",
            );
        } else if let Some(owner) = owner {
            let problem =
                format_args!("the attribute name `{value}` belongs to the field `{}`", owner.ident);
            errors.report(
                name,
                problem,
                "if both are the same attribute, remove the field; otherwise choose another name, \
                 or rename the field: `#[serde(rename = \"..\")]`",
            );
        } else if taken.iter().any(|other| other.value == *value) {
            errors.report(
                name,
                format_args!("two attributes have the name `{value}`"),
                "choose another name",
            );
        }
        taken.push(name);
    }
    if let Some(pair) = input.options.entity.iter().find(|pair| pair.value.value().is_empty()) {
        errors.report(
            &pair.value,
            "the value of `entity` is empty",
            "write `entity(kind = \"order\")`",
        );
    }
}
