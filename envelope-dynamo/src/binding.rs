//! What a record is bound to, taken from its item: keys, authenticated attributes and context
//! pairs.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{Context, Number, PARTITION_KEY_PAIR, SORT_KEY_PAIR, Value};

use crate::error::{ErrorKind, RecordId};
use crate::record::{Envelope, Field, Mark};

/// A DynamoDB item.
pub type Item = HashMap<String, AttributeValue>;

/// Bytes of a partition key (Amazon DynamoDB Developer Guide, "Quotas").
const MAX_PARTITION_KEY_BYTES: usize = 2048;
/// Bytes of a sort key; same source.
const MAX_SORT_KEY_BYTES: usize = 1024;
/// Lists and maps inside one another in an attribute that is bound: twice what DynamoDB stores.
const MAX_LEVELS: usize = 64;

/// The context of the record that `item` holds, with `authenticated` naming what is tamper-evident
/// in it.
pub(crate) fn context<'a, T: Envelope>(
    item: &'a Item,
    authenticated: impl IntoIterator<Item = &'a str>,
) -> Result<Context<'a>, ErrorKind> {
    let mut context = bare_context::<T>(item)?;
    for name in authenticated {
        let value = item.get(name).map(|attribute| bound_value(name, attribute)).transpose()?;
        context = context.authenticated(name, value)?;
    }
    Ok(context)
}

/// The context without authenticated attributes: keys and pairs.
pub(crate) fn bare_context<T: Envelope>(item: &Item) -> Result<Context<'_>, ErrorKind> {
    let mut context = keyed_context::<T>(item)?;
    for field in T::SCHEMA.pairs() {
        context = context.pair(field.name, pair_text::<T>(item, field)?)?;
    }
    for (name, value) in T::CONTEXT {
        context = context.pair(*name, *value)?;
    }
    Ok(context)
}

/// The context of the keys alone: all that is known of a record before it is read.
pub(crate) fn keyed_context<T: Envelope>(item: &Item) -> Result<Context<'_>, ErrorKind> {
    let mut context = Context::new(T::TABLE).form(T::CONTEXT_FORM);
    for field in T::SCHEMA.iter() {
        context = match field.mark {
            Mark::PartitionKey => {
                let (name, value) = key_value(item, field, MAX_PARTITION_KEY_BYTES)?;
                context.partition_key(name, value)
            }
            Mark::SortKey => {
                let (name, value) = key_value(item, field, MAX_SORT_KEY_BYTES)?;
                context.sort_key(name, value)
            }
            Mark::Key | Mark::Encrypted | Mark::Authenticated | Mark::Plaintext => context,
        };
    }
    Ok(context)
}

/// Which record `item` is, as far as its key can be told and may be shown.
pub(crate) fn record_id<T: Envelope>(item: &Item) -> RecordId {
    let mut id = RecordId::of_table(T::TABLE);
    let mut context = Context::new(T::TABLE).form(T::CONTEXT_FORM);
    let mut keys = Vec::new();
    for field in T::SCHEMA.iter() {
        let pair = match field.mark {
            Mark::PartitionKey => PARTITION_KEY_PAIR,
            Mark::SortKey => SORT_KEY_PAIR,
            Mark::Key | Mark::Encrypted | Mark::Authenticated | Mark::Plaintext => continue,
        };
        let Ok((name, value)) = key_value(item, field, usize::MAX) else { continue };
        context = if pair == PARTITION_KEY_PAIR {
            context.partition_key(name, value)
        } else {
            context.sort_key(name, value)
        };
        keys.push((field.name, pair));
    }
    let shown = context.encryption_context();
    for (name, pair) in keys {
        id = id.with_key(name, T::CONTEXT_FORM, shown.get(pair));
    }
    id
}

/// The key attributes of `item` alone.
pub(crate) fn key_attributes<T: Envelope>(item: &Item) -> Item {
    let keys = T::SCHEMA.keys();
    keys.filter_map(|field| stored(item, field))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

/// A field's attribute and the name under which it stands.
pub(crate) fn stored<'i>(
    item: &'i Item,
    field: &Field,
) -> Option<(&'static str, &'i AttributeValue)> {
    field.names().find_map(|name| item.get(name).map(|attribute| (name, attribute)))
}

pub(crate) fn key_value<'i>(
    item: &'i Item,
    field: &Field,
    max: usize,
) -> Result<(&'static str, Value<'i>), ErrorKind> {
    let refuse = |reason| ErrorKind::Attribute { attribute: field.name.to_owned(), reason };
    let (name, attribute) =
        stored(item, field).ok_or_else(|| refuse("is a key, but the item does not have it"))?;
    let (value, bytes) = match attribute {
        AttributeValue::S(text) => (Value::string(text.as_str()), text.len()),
        AttributeValue::B(blob) => (Value::bytes(blob.as_ref()), blob.as_ref().len()),
        AttributeValue::N(number) => (Value::Number(parse_number(name, number)?), 1),
        _ => {
            return Err(refuse(
                "is a key, but neither a string, a number nor bytes: DynamoDB keys are S, N or B",
            ));
        }
    };
    match bytes {
        0 => Err(refuse("is a key and empty: DynamoDB refuses empty keys")),
        bytes if bytes > max => Err(refuse(
            "is a key and too long: DynamoDB takes 2,048 bytes of partition key and 1,024 bytes of sort key",
        )),
        _ => Ok((name, value)),
    }
}

/// The text of an `#[encryption_context]` field: as it is, whatever the form.
fn pair_text<'i, T: Envelope>(item: &'i Item, field: &Field) -> Result<Cow<'i, str>, ErrorKind> {
    let refuse = |reason| ErrorKind::Attribute { attribute: field.name.to_owned(), reason };
    if field.mark == Mark::Key {
        let text =
            part_text::<T>(item, field.name).ok_or_else(|| refuse("is in no key of the item"))?;
        return Ok(Cow::Borrowed(text));
    }
    match stored(item, field) {
        Some((_, AttributeValue::S(text))) if text.is_empty() => {
            Err(refuse("is in the encryption context, but empty"))
        }
        Some((_, AttributeValue::S(text))) => Ok(Cow::Borrowed(text)),
        Some((name, AttributeValue::N(number))) => {
            Ok(Cow::Owned(parse_number(name, number)?.as_str().to_owned()))
        }
        Some(_) => Err(refuse("is in the encryption context, but neither a string nor a number")),
        None => Err(refuse("is in the encryption context, but the item does not have it")),
    }
}

/// A part of a composed key, as it stands there.
fn part_text<'i, T: Envelope>(item: &'i Item, part: &str) -> Option<&'i str> {
    let mut parts =
        T::SCHEMA.composed_keys().filter_map(|field| field.parts(item.get(field.name)?)).flatten();
    parts.find(|(name, _)| *name == part).map(|(_, text)| text)
}

fn parse_number<'i>(name: &str, text: &'i str) -> Result<Number<'i>, ErrorKind> {
    Number::parse(text).map_err(|_| ErrorKind::Attribute {
        attribute: name.to_owned(),
        reason: "is no number that DynamoDB can hold: 38 significant digits, 1E-130 to 9.99E+125",
    })
}

/// An authenticated attribute as the format binds it.
fn bound_value<'i>(name: &str, attribute: &'i AttributeValue) -> Result<Value<'i>, ErrorKind> {
    nested_value(name, attribute, MAX_LEVELS)
}

fn nested_value<'i>(
    name: &str,
    attribute: &'i AttributeValue,
    levels: usize,
) -> Result<Value<'i>, ErrorKind> {
    let refuse = |reason| ErrorKind::Attribute { attribute: name.to_owned(), reason };
    let deeper = || levels.checked_sub(1).ok_or_else(|| refuse("is nested too deeply"));
    Ok(match attribute {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(value) => Value::Bool(*value),
        AttributeValue::N(number) => Value::Number(parse_number(name, number)?),
        AttributeValue::S(text) => Value::string(text.as_str()),
        AttributeValue::B(blob) => Value::bytes(blob.as_ref()),
        AttributeValue::L(values) => {
            let levels = deeper()?;
            Value::List(
                values
                    .iter()
                    .map(|value| nested_value(name, value, levels))
                    .collect::<Result<_, _>>()?,
            )
        }
        AttributeValue::M(entries) => {
            let levels = deeper()?;
            let entry = |(key, value): (&'i String, _)| {
                Ok::<_, ErrorKind>((
                    Cow::Borrowed(key.as_str()),
                    nested_value(name, value, levels)?,
                ))
            };
            Value::Map(entries.iter().map(entry).collect::<Result<_, _>>()?)
        }
        AttributeValue::Ss(set) => {
            Value::StringSet(set.iter().map(|text| Cow::Borrowed(text.as_str())).collect())
        }
        AttributeValue::Ns(set) => Value::NumberSet(
            set.iter().map(|number| parse_number(name, number)).collect::<Result<_, _>>()?,
        ),
        AttributeValue::Bs(set) => {
            Value::BytesSet(set.iter().map(|blob| Cow::Borrowed(blob.as_ref())).collect())
        }
        _ => return Err(refuse("has a type that this version of the library does not know")),
    })
}
