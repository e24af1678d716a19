//! What the runs have in common that open a record without its struct, and seal it again.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{
    Content, Context, EncryptedDek, KeyError, KeyErrorKind, PayloadBuilder, Plaintext, Sealed,
    WrapKey, seal_payload,
};

use crate::dynamodb::{Item, MAX_ITEM_BYTES};
use crate::error::Error;
use crate::error::key::DataKeyError;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::item::size::item_bytes;
use crate::maintain::engine::step::{Calls, Standing};
use crate::maintain::engine::update::{Expected, Update};
use crate::maintain::stored_keys::asks_kms;
use crate::maintain::stored_table::StoredTable;
use crate::record::kind::Kind;
use crate::record::schema::{ENCRYPTED_PAYLOAD, RESERVED, is_reserved};

/// The kind of a sealed record, or where an item stands that is none.
pub(crate) fn sealed_kind<'t>(
    table: &'t StoredTable,
    item: &Item,
) -> Result<Result<&'t Kind, Standing>, Error> {
    if table.is_unprotected(item)? {
        return Ok(Err(Standing::OtherEntity));
    }
    if !RESERVED.iter().any(|name| item.contains_key(*name)) {
        return Ok(Err(Standing::NotSealed));
    }
    table.kind_of(item).map(Ok)
}

/// Seals opened bytes under a new data key.
pub(crate) async fn seal(
    plaintext: &Plaintext,
    content: Content,
    context: &Context<'_>,
    to: &(impl WrapKey + ?Sized),
) -> Result<Sealed, ErrorKind> {
    let plaintext = plaintext.expose();
    let mut payload = PayloadBuilder::new(plaintext.len(), context.authenticated_names());
    payload.extend_from_slice(plaintext);
    Ok(seal_payload(payload, content, context, to).await?)
}

/// Refuses an item that DynamoDB would refuse.
pub(crate) fn check_size(item: &Item) -> Result<(), ErrorKind> {
    match item_bytes(item) {
        bytes if bytes > MAX_ITEM_BYTES => Err(UsageError::TooLarge { bytes }.into()),
        _ => Ok(()),
    }
}

/// Makes `item` the item `new`, on condition that everything that its payloads are bound to is as
/// it was read: the attributes `bound`, before the change and after it.
pub(crate) fn update_to<'n>(
    kind: &Kind,
    item: &Item,
    new: &Item,
    bound: impl Iterator<Item = &'n str>,
) -> Update {
    let schema = kind.schema;
    let mut names: BTreeSet<&str> = bound.collect();
    for field in schema.discriminators().chain(schema.context_fields()) {
        for name in field.names() {
            names.insert(name);
        }
    }
    names.insert(ENCRYPTED_PAYLOAD);
    for key in schema.keys() {
        names.remove(key.name);
    }
    let set = new.iter().filter(|(name, value)| item.get(*name) != Some(value));
    let expected = names.into_iter().map(|name| (name.to_owned(), expected(item, name)));
    Update {
        set: set.map(|(name, value)| (name.clone(), value.clone())).collect(),
        expected: expected.collect(),
        unique: Vec::new(),
        remove: item.keys().filter(|name| !new.contains_key(*name)).cloned().collect(),
    }
}

fn expected(item: &Item, name: &str) -> Expected {
    match item.get(name) {
        None => Expected::Absent,
        Some(AttributeValue::B(payload)) if is_reserved(name) => {
            Expected::Payload(payload.as_ref().to_vec())
        }
        Some(value) => Expected::Value(value.clone()),
    }
}

/// Counts the call that unwraps a data key, if its header names a KMS key.
pub(crate) async fn count_unwrap(item: &Item, attribute: &str, calls: &Calls<'_>) {
    let Some(AttributeValue::B(dek)) = item.get(attribute) else { return };
    if EncryptedDek::parse(dek.as_ref()).is_ok_and(|dek| asks_kms(&dek)) {
        calls.kms().await;
    }
}

/// Whether the header names no key of the provider. An answer of KMS to a call is not the header's
/// word, and fails the record.
pub(crate) fn is_for_others(error: &ErrorKind) -> bool {
    let is_for_others = |error: &KeyError| {
        error.kind() == KeyErrorKind::WrongKey && std::error::Error::source(error).is_none()
    };
    match error {
        ErrorKind::Key(DataKeyError::Unwrap(error)) => is_for_others(error),
        _ => false,
    }
}
