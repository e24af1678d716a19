//! The primary key of an item: its values, its attributes, and its form in errors.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{Context, Number, PARTITION_KEY_PAIR, SORT_KEY_PAIR, Value};

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::record::Envelope;
use crate::record::field::{Field, Mark};
use crate::record::kind::Kind;

/// The identity of the record in errors: the key values that are valid and that may be shown. With
/// the form `table` these are the values that are also pairs of the encryption context.
pub(crate) fn record_id(kind: &Kind, item: &Item) -> RecordId {
    let mut id = RecordId::of_table(kind.table);
    let mut context = Context::new(kind.table).form(kind.form);
    let mut keys = Vec::new();
    for field in kind.schema.iter() {
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
        keys.push((field, pair));
    }
    let shown = context.encryption_context();
    for (field, pair) in keys {
        let pair = shown.get(pair).or_else(|| shown_as_pair(item, field));
        id = id.with_key(field.name, kind.form, pair);
    }
    id
}

/// The value of a key attribute that the encryption context has as a pair too.
fn shown_as_pair<'i>(item: &'i Item, field: &Field) -> Option<&'i str> {
    let (_, value) = stored(item, field).filter(|_| field.in_encryption_context)?;
    value.as_s().or_else(|_| value.as_n()).ok().map(String::as_str)
}

/// A copy of the key attributes of `item`.
pub(crate) fn key_attributes<T: Envelope>(item: &Item) -> Item {
    let keys = T::SCHEMA.keys();
    keys.filter_map(|field| stored(item, field))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

/// The attribute of a field, and the name under which the item has it.
pub(crate) fn stored<'i>(
    item: &'i Item,
    field: &Field,
) -> Option<(&'static str, &'i AttributeValue)> {
    field.names().find_map(|name| item.get(name).map(|attribute| (name, attribute)))
}

/// The value of a key attribute, of at most `max` bytes, and the name under which the item has it.
pub(crate) fn key_value<'i>(
    item: &'i Item,
    field: &Field,
    max: usize,
) -> Result<(&'static str, Value<'i>), ErrorKind> {
    let refuse = |reason| {
        ErrorKind::Usage(UsageError::Attribute { attribute: field.name.to_owned(), reason })
    };
    let (name, attribute) = stored(item, field)
        .ok_or_else(|| refuse("is a key attribute, but the item does not have it"))?;
    let (value, bytes) = match attribute {
        AttributeValue::S(text) => (Value::string(text.as_str()), text.len()),
        AttributeValue::B(blob) => (Value::bytes(blob.as_ref()), blob.as_ref().len()),
        AttributeValue::N(number) => (Value::Number(parse_number(name, number)?), 1),
        _ => {
            return Err(refuse(
                "is a key attribute, but not a string, a number or bytes: DynamoDB keys are S, N \
                 or B",
            ));
        }
    };
    match bytes {
        0 => Err(refuse("is a key attribute, but empty: DynamoDB refuses empty keys")),
        bytes if bytes > max => Err(refuse(
            "is a key attribute, but too long: DynamoDB accepts 2,048 bytes in a \
             partition key and 1,024 in a sort key",
        )),
        _ => Ok((name, value)),
    }
}

/// The number in `text`, in DynamoDB's range and precision.
pub(crate) fn parse_number<'i>(name: &str, text: &'i str) -> Result<Number<'i>, ErrorKind> {
    Number::parse(text).map_err(|_| {
        ErrorKind::Usage(UsageError::Attribute {
            attribute: name.to_owned(),
            reason: "is not a number that DynamoDB can store: at most 38 significant digits, from \
                 1E-130 to 9.99E+125",
        })
    })
}

/// The name of the partition key, an attribute that every stored record has.
pub(crate) fn partition_key<T: Envelope>() -> &'static str {
    T::SCHEMA.partition_key().map_or("", |field| field.name)
}

/// `item` with the key that was requested, whatever key it has itself. The record is then opened
/// under that key, so that DynamoDB cannot substitute another record.
pub(crate) fn with_requested_key(mut item: Item, key: Item) -> Item {
    item.extend(key);
    item
}
