//! Finds fields of a sealed record that stand in plaintext although the schema protects them.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::UntrustedPayload;

use crate::dynamodb::Item;
use crate::record::field::Mark;
use crate::record::schema::{ENCRYPTED_PAYLOAD, Schema};

/// The attributes of `item` that hold encrypted fields, and those that hold authenticated fields
/// which the payload does not list. Sorted.
///
/// Such a record was sealed before the field was protected, or somebody has added the attribute
/// since. Readers refuse the attribute, or believe it if the field says `accept = "plaintext"`.
pub(crate) fn plain_fields(schema: Schema, item: &Item) -> Vec<&str> {
    let authenticated = match item.get(ENCRYPTED_PAYLOAD) {
        Some(AttributeValue::B(payload)) => UntrustedPayload::names_in(payload.as_ref()),
        _ => Ok(Vec::new()),
    };
    // A payload that cannot be read authenticates nothing.
    let authenticated = authenticated.unwrap_or_default();
    let is_plain = |name: &&str| match schema.owner(name).map(|field| field.mark) {
        Some(Mark::Encrypted) => true,
        Some(Mark::Authenticated) => !authenticated.iter().any(|listed| listed == name),
        Some(Mark::PartitionKey | Mark::SortKey | Mark::Key | Mark::Plaintext) | None => false,
    };
    let mut plain: Vec<_> = item.keys().map(String::as_str).filter(is_plain).collect();
    plain.sort_unstable();
    plain
}
