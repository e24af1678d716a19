//! The context of a record, read from its item: keys, authenticated attributes and context pairs.

use std::borrow::Cow;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{Context, Value};

use crate::dynamodb::{Item, MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES};
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::record::field::{Field, Mark};
use crate::record::item_key::{key_value, parse_number, stored};
use crate::record::kind::Kind;
use crate::record::schema::RESERVED;

/// The nesting of lists and maps in an authenticated attribute: twice what DynamoDB stores.
const MAX_LEVELS: usize = 64;

/// The context of the record in `item`, with the attributes that `authenticated` names.
pub(crate) fn context<'a>(
    kind: &Kind,
    item: &'a Item,
    authenticated: impl IntoIterator<Item = &'a str>,
) -> Result<Context<'a>, ErrorKind> {
    let mut context = bare_context(kind, item)?;
    for name in authenticated {
        // A payload cannot authenticate itself: its own attributes count as absent.
        let attribute = item.get(name).filter(|_| !RESERVED.contains(&name));
        let value = attribute.map(|attribute| bound_value(name, attribute)).transpose()?;
        context = context.authenticated(name, value)?;
    }
    Ok(context)
}

/// The context without authenticated attributes: keys and pairs.
pub(crate) fn bare_context<'i>(kind: &Kind, item: &'i Item) -> Result<Context<'i>, ErrorKind> {
    let mut context = keyed_context(kind, item)?;
    for field in kind.schema.context_fields() {
        context = context.pair(field.name, pair_text(kind, item, field)?)?;
    }
    for (name, value) in kind.context {
        context = context.pair(*name, *value)?;
    }
    Ok(context)
}

/// The context of the keys alone, which is known before the record is read.
pub(crate) fn keyed_context<'i>(kind: &Kind, item: &'i Item) -> Result<Context<'i>, ErrorKind> {
    let mut context = Context::new(kind.table).form(kind.form);
    for field in kind.schema.iter() {
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

/// The text of an `#[encryption_context]` field. The context form does not change it.
fn pair_text<'i>(kind: &Kind, item: &'i Item, field: &Field) -> Result<Cow<'i, str>, ErrorKind> {
    let refuse = |reason| {
        ErrorKind::Usage(UsageError::Attribute { attribute: field.name.to_owned(), reason })
    };
    if field.mark == Mark::Key {
        let text =
            part_text(kind, item, field.name).ok_or_else(|| refuse("is in no key of the item"))?;
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

/// The text of a part of a composed key.
fn part_text<'i>(kind: &Kind, item: &'i Item, part: &str) -> Option<&'i str> {
    let mut parts = kind
        .schema
        .composed_keys()
        .filter_map(|field| field.parts(item.get(field.name)?))
        .flatten();
    parts.find(|(name, _)| *name == part).map(|(_, text)| text)
}

/// An authenticated attribute as a value of the format.
fn bound_value<'i>(name: &str, attribute: &'i AttributeValue) -> Result<Value<'i>, ErrorKind> {
    nested_value(name, attribute, MAX_LEVELS)
}

fn nested_value<'i>(
    name: &str,
    attribute: &'i AttributeValue,
    levels: usize,
) -> Result<Value<'i>, ErrorKind> {
    let refuse =
        |reason| ErrorKind::Usage(UsageError::Attribute { attribute: name.to_owned(), reason });
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
