//! The rules of indexes.

use quote::ToTokens;
use syn::{GenericArgument, Ident, PathArguments, Type};

use super::key_type::{self, Refusal};
use crate::errors::Errors;
use crate::marks::Mark;
use crate::names::{similar, unraw};
use crate::parse::{ComposedKey, Field, INDEX_EXAMPLE, Index, IndexKey, Input};

/// Applies every rule to every index.
pub(super) fn check(input: &Input, errors: &mut Errors) {
    for index in &input.options.indexes {
        keys_are_given(index, input, errors);
        for key in index.keys() {
            match key {
                IndexKey::Named(key) => key_is_readable(index, key, input, errors),
                IndexKey::Several(keys) => {
                    for key in keys {
                        key_is_readable(index, key, input, errors);
                    }
                }
                IndexKey::Composed(_) => {}
            }
        }
        keys_differ(index, errors);
        fields_differ(index, errors);
        local_index_has_one_sort_key(index, errors);
    }
    names_are_unique(input, errors);
}

/// An index has the keys of its kind.
fn keys_are_given(index: &Index, input: &Input, errors: &mut Errors) {
    match (index.is_local, &index.partition_key, &index.sort_key) {
        (false, None, _) => errors.report(
            &index.written,
            "the index has no partition key",
            format_args!(
                "name its field: {INDEX_EXAMPLE}; for a local index write `index(name = \
                 \"by_day\", local, sort_key = day)`"
            ),
        ),
        (true, Some(key), _) => errors.report(
            key,
            "a local index always has the table's partition key",
            "remove `partition_key`, or `local`",
        ),
        (true, None, None) => errors.report(
            &index.written,
            "a local index needs a sort key",
            "name its field: `index(name = \"by_day\", local, sort_key = day)`",
        ),
        (true, None, Some(_)) if !has_sort_key(input) => errors.report(
            &index.written,
            "a table without a sort key cannot have a local index",
            "remove `local` and name a `partition_key`: the index is then global",
        ),
        _ => {}
    }
}

fn has_sort_key(input: &Input) -> bool {
    input.fields.iter().any(|field| field.has_mark(Mark::SortKey))
        || input.composed_key(Mark::SortKey).is_some()
}

/// A key of an index is a stored field that DynamoDB can read.
fn key_is_readable(index: &Index, key: &Ident, input: &Input, errors: &mut Errors) {
    let name = unraw(key);
    let is_alone =
        index.keys().any(|other| matches!(other, IndexKey::Named(other) if other == key));
    if is_alone && input.field(&name).is_none() && input.composed_key_named(key).is_some() {
        return;
    }
    if input.tag_named(key).is_some() {
        return;
    }
    let Some(field) = input.field(&name) else {
        let fields: Vec<_> = input.stored_fields().map(|field| unraw(&field.ident)).collect();
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        let help = match similar(&name, &fields) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "write the name of the field in the struct, not its serde name".to_owned(),
        };
        return errors.report(key, format_args!("there is no field `{name}` in the struct"), help);
    };
    if let Some(tag) = input.tags.iter().find(|tag| !tag.is_compound && tag.has_field(&name)) {
        let problem = format_args!("every search tag of `{name}` has a name of its own");
        errors.report(key, problem, format_args!("name the tag: `partition_key = {}`", tag.ident));
    } else if let Some(refusal) = field.marks().find_map(Mark::refused_in_index) {
        errors.report(key, refusal.problem(&name), refusal.help(&name));
    } else if field.serde.is_skipped() || field.serde.skip.serialize || field.serde.skip.deserialize
    {
        let problem = format_args!("serde skips `{name}`, so it cannot be the key of an index");
        errors.report(key, problem, "index a field that is stored");
    } else {
        key_is_scalar(index, key, field, errors);
    }
}

/// A key of an index is a scalar and never null. DynamoDB leaves an item without the key out of the
/// index, but it refuses to store an item whose key is null.
fn key_is_scalar(index: &Index, key: &Ident, field: &Field, errors: &mut Errors) {
    if field.serde.with.serialize {
        return;
    }
    let (name, index) = (unraw(key), index.name.value());
    let optional = optional(&field.ty);
    if optional.is_some()
        && !field.serde.entries.iter().any(|entry| entry.name == "skip_serializing_if")
    {
        errors.report(
            &field.ty,
            format_args!(
                "`{name}` is a key of the index `{index}`, and DynamoDB refuses null as \
                 a key"
            ),
            "leave `None` out of the item: `#[serde(default, skip_serializing_if = \
             \"Option::is_none\")]`",
        );
    }
    match key_type::refused(optional.unwrap_or(&field.ty)) {
        Some(Refusal::Bytes) => errors.report(
            &field.ty,
            format_args!(
                "`{name}` is a key of the index `{index}`, but serde writes its type as \
                 a list of numbers"
            ),
            "write it as bytes: `#[serde(with = \"serde_bytes\")]`",
        ),
        Some(Refusal::Is(what)) => errors.report(
            &field.ty,
            format_args!(
                "`{name}` is a key of the index `{index}` and cannot be {what}: DynamoDB \
                 keys are strings, numbers or bytes"
            ),
            "use a field that is a string, a number or bytes",
        ),
        None => {}
    }
}

/// The type in an `Option`. A macro by example groups the types that it passes on.
pub(super) fn optional(ty: &Type) -> Option<&Type> {
    let path = match ty {
        Type::Path(path) => path,
        Type::Group(group) => return optional(&group.elem),
        Type::Paren(paren) => return optional(&paren.elem),
        _ => return None,
    };
    let segment = path.path.segments.last().filter(|segment| segment.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The two keys of an index are different fields.
fn keys_differ(index: &Index, errors: &mut Errors) {
    let (Some(partition), Some(sort)) = (&index.partition_key, &index.sort_key) else { return };
    if let (IndexKey::Composed(partition), IndexKey::Composed(sort)) = (partition, sort) {
        return attributes_differ(index, partition, sort, errors);
    }
    if let (IndexKey::Named(partition), IndexKey::Named(sort)) = (partition, sort)
        && unraw(partition) == unraw(sort)
    {
        let problem = format_args!(
            "`{sort}` is both the partition key and the sort key of the index `{}`",
            index.name.value()
        );
        errors.report(sort, problem, "remove `sort_key`, or name another field");
    }
}

/// The fields of a key of several attributes are different fields.
fn fields_differ(index: &Index, errors: &mut Errors) {
    if !index.keys().any(|key| matches!(key, IndexKey::Several(_))) {
        return;
    }
    let mut seen: Vec<String> = Vec::new();
    for field in index.keys().flat_map(IndexKey::fields) {
        let name = unraw(field);
        if seen.contains(&name) {
            let problem =
                format_args!("`{name}` is twice in the key of the index `{}`", index.name.value());
            errors.report(field, problem, "keep one of the two");
        }
        seen.push(name);
    }
}

/// Only a global index has keys of several attributes.
fn local_index_has_one_sort_key(index: &Index, errors: &mut Errors) {
    if let (true, Some(key @ IndexKey::Several(_))) = (index.is_local, &index.sort_key) {
        let help = "name one field, or remove `local` and name partition keys: the index is then \
                    global";
        errors.report(key, "a local index has one sort key", help);
    }
}

/// The two composed keys of an index are different attributes.
fn attributes_differ(
    index: &Index,
    partition: &ComposedKey,
    sort: &ComposedKey,
    errors: &mut Errors,
) {
    if partition.name.value == sort.name.value {
        let problem = format_args!(
            "the attribute `{}` is both the partition key and the sort key of the index `{}`",
            sort.name.value,
            index.name.value()
        );
        errors.report(&sort.name, problem, "give the sort key another name");
    }
}

/// No two indexes have the same name, in DynamoDB or in Rust.
fn names_are_unique(input: &Input, errors: &mut Errors) {
    let mut taken: Vec<(String, String)> = Vec::new();
    for index in &input.options.indexes {
        let (name, ident) = (index.name.value(), index.ident().to_string());
        if let Some((other, _)) = taken.iter().find(|(_, other)| *other == ident) {
            let problem = match *other == name {
                true => format!("there are two indexes named `{name}`"),
                false => format!(
                    "the indexes `{other}` and `{name}` would both be called `{ident}` in Rust"
                ),
            };
            errors.report(index.name.to_token_stream(), problem, "remove one, or rename it");
        }
        taken.push((name, ident));
    }
}
