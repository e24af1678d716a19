//! The entries of all `#[serde(..)]` attributes of an item.

use syn::Attribute;

use crate::parse::entry::{self, Entry};

/// The name of the attribute.
pub(crate) const SERDE: &str = "serde";

/// The entries, in order.
pub(crate) fn serde_entries(attributes: &[Attribute]) -> impl Iterator<Item = Entry> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident(SERDE))
        .flat_map(entry::attribute_entries)
}
