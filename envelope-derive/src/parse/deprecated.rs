//! Whether generated code may use deprecated items.

use syn::Attribute;

use super::entry::attribute_entries;

/// Whether an item with these attributes is deprecated or may use deprecated items. Generated code
/// may then use them too.
pub(super) fn uses_deprecated(attributes: &[Attribute]) -> bool {
    let is_allowed = |attribute: &Attribute| {
        let is_level = attribute.path().is_ident("allow") || attribute.path().is_ident("expect");
        is_level && attribute_entries(attribute).iter().any(|entry| entry.name == "deprecated")
    };
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("deprecated") || is_allowed(attribute))
}
