//! The wrapped keys of a stored record: its own, and those of its groups.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{EncryptedDek, KeyKind, OpenError};

use crate::convert::type_name;
use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::item::layout::dek_attribute;
use crate::record::kind::Kind;
use crate::record::schema::ENCRYPTED_DEK;

/// A wrapped key of a record: its own, or a group's.
pub(crate) struct StoredKey<'i> {
    pub(crate) group: Option<&'static str>,
    pub(crate) attribute: String,
    pub(crate) bytes: &'i [u8],
    pub(crate) dek: EncryptedDek,
}

/// The wrapped keys of a record that its schema knows.
pub(crate) fn stored_keys<'i>(
    kind: &Kind,
    item: &'i Item,
) -> impl Iterator<Item = Result<StoredKey<'i>, ErrorKind>> {
    let own = std::iter::once((None, ENCRYPTED_DEK.to_owned()));
    let groups = kind.schema.groups().into_iter().map(|group| (Some(group), dek_attribute(group)));
    own.chain(groups).filter_map(|(group, attribute)| {
        let bytes = match item.get(&attribute)? {
            AttributeValue::B(bytes) => bytes.as_ref(),
            other => {
                let found = type_name(other);
                return Some(Err(DataError::NotBinary { attribute, found }.into()));
            }
        };
        Some(match EncryptedDek::parse(bytes) {
            Ok(dek) => Ok(StoredKey { group, attribute, bytes, dek }),
            Err(error) => Err(OpenError::Format(error).into()),
        })
    })
}

/// The calls to KMS that a new data key with these wrapped keys takes: one for each KMS key. `None`
/// for a branch key, which is unwrapped once for many records.
pub(crate) fn kms_calls(dek: &EncryptedDek) -> Option<usize> {
    let of = |kind| dek.keys().iter().filter(move |entry| entry.kind() == kind).count();
    (of(KeyKind::BRANCH) == 0).then(|| of(KeyKind::AWS_KMS))
}

/// Whether unwrapping the data key takes a call to KMS, as far as its header tells.
pub(crate) fn asks_kms(dek: &EncryptedDek) -> bool {
    kms_calls(dek).is_some_and(|calls| calls > 0)
}
