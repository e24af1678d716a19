//! The tag by which a record is found by an encrypted field (FORMAT 13).

use envelope_core::search::{Step, TAG_PREFIX, components};

/// The beginning of the names of all search tags. The rest is the name of the tag.
pub(crate) const PREFIX: &str = TAG_PREFIX;

/// Whether an attribute of this name is a search tag, of this struct or of another.
pub(crate) fn is_search_tag(attribute: &str) -> bool {
    attribute.starts_with(PREFIX)
}

/// The stored names of the fields of the tag in `attribute` (FORMAT 13.1-2). The last one may be
/// the name of no field.
pub(crate) fn field_names(attribute: &str) -> impl Iterator<Item = &str> {
    components(attribute.strip_prefix(PREFIX).unwrap_or(attribute))
}

/// What a search tag is computed from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SearchTag {
    /// The attribute's name without [`PREFIX`].
    pub(crate) name: &'static str,
    /// The fields, in the order of the definition.
    pub(crate) fields: &'static [TaggedField],
    /// Whether no two records may have the same values.
    pub(crate) is_unique: bool,
}

/// A field of a search tag: its stored name, and the steps that its value goes through.
pub(crate) type TaggedField = (&'static str, &'static [Step]);
