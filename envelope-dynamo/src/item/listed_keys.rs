//! The composed keys under which an index listed a record, compared with the record's fields.
//!
//! A record is not bound to its keys in indexes. Without the comparison, whoever can write the
//! table could list a record under any key, and the answer of a query would say more than the
//! record.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::item::split::index_keys_of;
use crate::record::Envelope;

/// The composed keys under which an index listed an item.
pub type ListedKeys = [(&'static str, Option<AttributeValue>)];

/// The composed key in `listed` that the fields of `record` do not make.
pub(crate) fn mismatched<T: Envelope>(record: &T, listed: &ListedKeys) -> Option<&'static str> {
    // A part that no key can have makes no key.
    let made = index_keys_of(record).unwrap_or_default();
    let differs = |(name, value): &&(&'static str, Option<AttributeValue>)| {
        match T::SCHEMA.owner(name) {
            Some(field) if field.index_format().is_some() => made.get(*name) != value.as_ref(),
            // A field of its own, protected as its mark says.
            Some(_) => false,
            // The type has no such key, so none of its records is in the index.
            None => value.is_some(),
        }
    };
    listed.iter().find(differs).map(|(name, _)| *name)
}
