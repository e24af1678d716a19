//! The unique values of a record: the search tags that no other record may have.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::error::kind::ErrorKind;
use crate::item::search_tags::{TagKey, values_in};
use crate::item::split::Parts;
use crate::record::field::Field;
use crate::record::kind::Kind;
use crate::record::search_tag::SearchTag;

/// A value that no other record may have.
///
/// It is known by its tags under every search key in use. Writers whose knowledge of the search
/// keys has different ages have at least one of these tags in common.
#[derive(Clone, Debug)]
pub(crate) struct UniqueValue {
    /// The name of the search tag, for errors: `email`.
    pub(crate) name: &'static str,
    /// The attribute of the search tag: `blind_email`.
    pub(crate) attribute: &'static str,
    /// Empty if the record has no value.
    pub(crate) tags: Vec<AttributeValue>,
}

impl UniqueValue {
    /// Whether a stored record has this value.
    pub(crate) fn is_in(&self, tag: Option<&AttributeValue>) -> bool {
        tag.is_some_and(|tag| self.tags.contains(tag))
    }
}

/// The unique values of a record that was split.
pub(crate) fn unique_values(
    kind: &Kind,
    parts: &Parts,
    key: TagKey<'_>,
) -> Result<Vec<UniqueValue>, ErrorKind> {
    let value = |(field, tag): (&'static Field, SearchTag)| {
        let values = values_in(kind.schema, parts, tag)?;
        let tags = key.under_each_key(kind.table, tag, &values)?;
        Ok(UniqueValue { name: tag.name, attribute: field.name, tags })
    };
    kind.schema.unique_tags().map(value).collect()
}

/// The unique values of a record that has none.
pub(crate) fn no_values(kind: &Kind) -> Vec<UniqueValue> {
    let none = |(field, tag): (&'static Field, SearchTag)| UniqueValue {
        name: tag.name,
        attribute: field.name,
        tags: Vec::new(),
    };
    kind.schema.unique_tags().map(none).collect()
}

/// The first unique search tag of a kind of record.
pub(crate) fn first_unique(kind: &Kind) -> Option<&'static str> {
    kind.schema.unique_tags().next().map(|(field, _)| field.name)
}
