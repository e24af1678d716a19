//! The attributes that hold payloads and wrapped data keys.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{EncryptedDek, UntrustedPayload};

use crate::convert::type_name;
use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::record::schema::{ENCRYPTED_DEK, ENCRYPTED_PAYLOAD};

/// The attribute that holds a group's sealed fields.
pub(crate) fn payload_attribute(group: &str) -> String {
    format!("{ENCRYPTED_PAYLOAD}_{group}")
}

/// The attribute that holds a group's wrapped data key.
pub(crate) fn dek_attribute(group: &str) -> String {
    format!("{ENCRYPTED_DEK}_{group}")
}

/// The bytes of an attribute that holds a payload or a wrapped data key.
pub(crate) fn binary(name: &str, attribute: AttributeValue) -> Result<Vec<u8>, ErrorKind> {
    match attribute {
        AttributeValue::B(bytes) => Ok(bytes.into_inner()),
        other => Err(not_binary(name, &other)),
    }
}

/// As [`binary`], where the item keeps them.
pub(crate) fn binary_ref<'i>(
    name: &str,
    attribute: &'i AttributeValue,
) -> Result<&'i [u8], ErrorKind> {
    match attribute {
        AttributeValue::B(bytes) => Ok(bytes.as_ref()),
        other => Err(not_binary(name, other)),
    }
}

fn not_binary(name: &str, found: &AttributeValue) -> ErrorKind {
    let attribute = name.to_owned();
    ErrorKind::Data(DataError::NotBinary { attribute, found: type_name(found) })
}

/// Whether an item has a sealed record of this library, by the layout of its bytes.
///
/// For a table in which another program encrypted items by itself, perhaps into attributes of the
/// same names: `encrypted_payload` must begin as FORMAT 4.2 says (version, suite, salt, commitment,
/// the names of the authenticated attributes), and `encrypted_dek` must be a list of wrapped keys
/// (FORMAT 3.2). No key is asked for.
/// [`Table::backfill_from`](crate::Table::backfill_from) decides by this function too.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use aws_sdk_dynamodb::primitives::Blob;
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use envelope_dynamo::item::is_sealed;
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, to_item};
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
/// }
///
/// let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// let mut item = to_item(&user, &provider).await?;
/// assert!(is_sealed(&item));
/// // A data key as KMS returns it: another program wrapped it.
/// item.insert("encrypted_dek".into(), AttributeValue::B(Blob::new([1, 2, 2, 0, 120])));
/// assert!(!is_sealed(&item));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Security
///
/// This proves nothing: whoever can write the table can write such bytes, or replace them. Opening
/// the record proves that it is authentic. While a service reads other items too, it believes an
/// item of the other program in place of a sealed record.
#[must_use]
pub fn is_sealed(item: &Item) -> bool {
    let bytes = |name| match item.get(name) {
        Some(AttributeValue::B(bytes)) => Some(bytes.as_ref()),
        _ => None,
    };
    bytes(ENCRYPTED_PAYLOAD).is_some_and(|payload| UntrustedPayload::names_in(payload).is_ok())
        && bytes(ENCRYPTED_DEK).is_some_and(|dek| EncryptedDek::parse(dek).is_ok())
}
