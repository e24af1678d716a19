//! The composed keys of indexes: written from the record's fields at every write, and never a
//! source of a value.
//!
//! The record is not bound to them: a read by the primary key ignores them, and a read through an
//! index compares them with the record's fields (`listed_keys.rs`).

use aws_sdk_dynamodb::types::AttributeValue;

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::record::field::{Field, Mark, Role};
use crate::record::key_format::Part;
use crate::record::schema::Schema;

/// The value of a field that is a part of composed keys, with the stored name of the field.
pub(crate) type KeyPart = (&'static str, Part);

/// Composes the keys of indexes in `item` from `parts`. If a part has no value, the item does not
/// have the key, so the index does not list it.
///
/// Fields that the library manages have their values in `item`: they are set after the record was
/// serialized.
///
/// # Errors
///
/// If a part is empty, contains a separator, or cannot be padded.
pub(crate) fn compose(schema: Schema, parts: &[KeyPart], item: &mut Item) -> Result<(), ErrorKind> {
    if schema.index_keys().next().is_none() {
        return Ok(());
    }
    let managed = managed(schema, item)?;
    let part = |name: &str| {
        let of = |all: &[KeyPart]| all.iter().position(|(own, _)| *own == name);
        let managed = of(&managed).and_then(|at| managed.get(at));
        managed.or_else(|| parts.get(of(parts)?)).map(|(_, part)| part)
    };
    for (field, format) in schema.index_keys() {
        match format.compose(part)? {
            Some(key) => item.insert(field.name.to_owned(), AttributeValue::S(key)),
            None => item.remove(field.name),
        };
    }
    Ok(())
}

/// The managed fields that are parts of keys, as they are in `item`.
fn managed(schema: Schema, item: &Item) -> Result<Vec<KeyPart>, ErrorKind> {
    let mut parts = Vec::new();
    for field in schema.iter().filter(|field| is_managed_part(field)) {
        let Some(attribute) = item.get(field.name) else { continue };
        let part = Part::of_attribute(attribute).map_err(|source| UsageError::Serialize {
            attribute: Some(field.name.to_owned()),
            source,
        })?;
        parts.extend(part.map(|part| (field.name, part)));
    }
    Ok(parts)
}

fn is_managed_part(field: &Field) -> bool {
    let is_set = matches!(field.role, Some(Role::Version { .. } | Role::Created | Role::Updated));
    field.in_index_key && is_set
}

/// The keys of indexes that are in `stored` otherwise than in `made`, with the values in `made`.
pub(crate) fn differences<'i>(
    schema: Schema,
    made: &'i Item,
    stored: &'i Item,
) -> impl Iterator<Item = (&'static str, Option<&'i AttributeValue>)> {
    let keys = schema.index_keys().map(|(field, _)| field.name);
    let differs = move |name: &&'static str| made.get(*name) != stored.get(*name);
    keys.filter(differs).map(|name| (name, made.get(name)))
}

/// The plaintext attributes from which the keys that `is_changed` are made. They must not have
/// changed since they were read, because nothing binds the record to them.
pub(crate) fn unbound_parts(
    schema: Schema,
    is_changed: impl Fn(&str) -> bool,
) -> impl Iterator<Item = &'static str> {
    let changed = schema.index_keys().filter(move |(field, _)| is_changed(field.name));
    let parts = changed.flat_map(|(_, format)| format.names());
    let fields = parts.filter_map(move |name| schema.stored_as(name));
    fields.filter(|field| field.mark == Mark::Plaintext).flat_map(Field::names)
}
