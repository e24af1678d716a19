//! In which state the search tags of a stored record are, as far as the item tells without a key.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::OpenError;
use envelope_core::search::{Generation, Tag};

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::maintain::plain_fields::authenticated_names;
use crate::record::field::Field;
use crate::record::kind::Kind;
use crate::record::search_tag::SearchTag;

/// A search tag of a sealed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagState {
    /// The payload does not list the tag: the record was written before the mark, or changed by a
    /// program that could not compute the tag. Whatever stands in the attribute, somebody has added
    /// it.
    Unlisted,
    /// The payload lists the tag, and the record has none: a value is absent, or empty.
    Absent,
    /// The attribute is no tag.
    Malformed,
    /// The tag says so.
    Of(Generation),
}

impl TagState {
    /// Whether the tag may stay where tags of the generation `current` are written.
    pub(crate) fn is_current(self, current: Generation) -> bool {
        match self {
            Self::Absent => true,
            Self::Of(generation) => generation == current,
            Self::Unlisted | Self::Malformed => false,
        }
    }
}

/// The tags of a sealed record of `kind`.
pub(crate) fn tag_states<'i>(
    kind: &Kind,
    item: &'i Item,
) -> Result<impl Iterator<Item = (&'static Field, SearchTag, TagState)> + use<'i>, ErrorKind> {
    let listed = authenticated_names(item).map_err(OpenError::from)?;
    Ok(kind.schema.search_tags().map(move |(field, tag)| {
        let is_listed = listed.iter().any(|name| name == field.name);
        let state = match item.get(field.name) {
            _ if !is_listed => TagState::Unlisted,
            None => TagState::Absent,
            Some(AttributeValue::B(bytes)) => match Tag::parse(bytes.as_ref()) {
                Ok(tag) => TagState::Of(tag.generation()),
                Err(_) => TagState::Malformed,
            },
            Some(_) => TagState::Malformed,
        };
        (field, tag, state)
    }))
}
