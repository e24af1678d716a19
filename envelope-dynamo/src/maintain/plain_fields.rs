//! Finds fields of a sealed record that stand in plaintext although the schema protects them.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{FormatError, UntrustedPayload};

use crate::dynamodb::Item;
use crate::record::field::{Field, Mark};
use crate::record::schema::{ENCRYPTED_PAYLOAD, Schema};

/// The attributes of `item` that hold encrypted fields, and those that hold authenticated fields
/// which the payload does not list. Sorted.
///
/// Such a record was sealed before the field was protected, or somebody has added the attribute
/// since. Readers refuse the attribute, or believe it if the field says `accept = "plaintext"`.
pub(crate) fn plain_fields(schema: Schema, item: &Item) -> Vec<&str> {
    // A payload that cannot be read authenticates nothing.
    let authenticated = authenticated_names(item).unwrap_or_default();
    let is_plain =
        |name: &&str| schema.owner(name).is_some_and(|field| is_plain(field, name, &authenticated));
    let mut plain: Vec<_> = item.keys().map(String::as_str).filter(is_plain).collect();
    plain.sort_unstable();
    plain
}

/// The attributes that the payload of `item` lists as authenticated.
pub(crate) fn authenticated_names(item: &Item) -> Result<Vec<String>, FormatError> {
    match item.get(ENCRYPTED_PAYLOAD) {
        Some(AttributeValue::B(payload)) => UntrustedPayload::names_in(payload.as_ref()),
        _ => Ok(Vec::new()),
    }
}

/// Whether an attribute `name` that holds `field` is in plaintext although the field is protected.
pub(crate) fn is_plain(field: &Field, name: &str, authenticated: &[String]) -> bool {
    match field.mark {
        Mark::Encrypted => true,
        Mark::Authenticated => !authenticated.iter().any(|listed| listed == name),
        Mark::PartitionKey | Mark::SortKey | Mark::Key | Mark::Plaintext => false,
    }
}
