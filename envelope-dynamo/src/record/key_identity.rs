//! Primary keys that compare as DynamoDB compares them: the numbers `1` and `1.0` are one key.

use envelope_core::Value;

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::record::Envelope;
use crate::record::field::Mark;
use crate::record::item_key::key_value;
use crate::record::schema::Schema;

/// A primary key as DynamoDB compares keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyIdentity {
    partition: Part,
    sort: Option<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Text(String),
    /// A number in canonical form.
    Number(String),
    Bytes(Vec<u8>),
}

impl KeyIdentity {
    /// The key of `item`, which may be a whole item or only its key attributes.
    pub(crate) fn of<T: Envelope>(item: &Item) -> Result<Self, ErrorKind> {
        Self::in_schema(T::SCHEMA, item)
    }

    /// The same, of a record with this schema.
    pub(crate) fn in_schema(schema: Schema, item: &Item) -> Result<Self, ErrorKind> {
        Ok(Self {
            partition: part(schema, item, Mark::PartitionKey)?
                .ok_or(ErrorKind::Data(DataError::Malformed("the struct has no key")))?,
            sort: part(schema, item, Mark::SortKey)?,
        })
    }

    /// A key that is these bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self { partition: Part::Bytes(bytes.to_vec()), sort: None }
    }
}

fn part(schema: Schema, item: &Item, mark: Mark) -> Result<Option<Part>, ErrorKind> {
    let Some(field) = schema.with_mark(mark).next() else { return Ok(None) };
    let (_, value) = key_value(item, field, usize::MAX)?;
    Ok(match value {
        Value::String(text) => Some(Part::Text(text.into_owned())),
        Value::Number(number) => Some(Part::Number(number.as_str().to_owned())),
        Value::Bytes(bytes) => Some(Part::Bytes(bytes.into_owned())),
        _ => None,
    })
}
