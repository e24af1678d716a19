//! The items of a table of keys: a pointer per branch, and one item per version of its key.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{BranchName, BranchVersion, ContextForm, EncryptedDek, KeyError, WrappedKey};

use crate::dynamodb::Item;
use crate::keys::key_table::purpose::Purpose;

/// The partition key: the name of the branch.
pub(crate) const BRANCH: &str = "branch";

/// The sort key: a version's UUID, or [`POINTER`].
pub(crate) const VERSION: &str = "version";

/// The sort key of the item that says which versions are used.
pub(crate) const POINTER: &str = "active";

/// In a version: when it was created, in seconds since 1970.
pub(crate) const CREATED: &str = "created";

/// In a version: the wrapped key.
pub(crate) const ENCRYPTED_DEK: &str = "encrypted_dek";

/// Parses a version and its time of creation; `None` for the pointer.
pub(crate) fn parse_version(
    item: &Item,
    purpose: Purpose,
) -> Result<Option<(BranchVersion, SystemTime)>, KeyError> {
    let malformed = |attribute| purpose.malformed(attribute);
    match item.get(VERSION) {
        Some(AttributeValue::S(text)) if text == POINTER => Ok(None),
        value => {
            let version = value.and_then(version).ok_or_else(|| malformed(VERSION))?;
            Ok(Some((version, item.get(CREATED).and_then(time).ok_or_else(|| malformed(CREATED))?)))
        }
    }
}

pub(crate) fn parse_branch(item: &Item, purpose: Purpose) -> Result<BranchName, KeyError> {
    match item.get(BRANCH) {
        Some(AttributeValue::S(name)) => BranchName::new(name),
        _ => Err(purpose.malformed(BRANCH)),
    }
}

/// The wrapped key of a version.
pub(crate) fn parse_wrapped(item: &Item, purpose: Purpose) -> Result<EncryptedDek, KeyError> {
    let Some(AttributeValue::B(bytes)) = item.get(ENCRYPTED_DEK) else {
        return Err(purpose.malformed(ENCRYPTED_DEK));
    };
    let dek =
        EncryptedDek::parse(bytes.as_ref()).map_err(|error| purpose.invalid(&error.to_string()))?;
    if dek.form() != ContextForm::Table {
        return Err(purpose.malformed(ENCRYPTED_DEK));
    }
    Ok(dek)
}

/// The primary key of a version's item, or of the pointer.
pub(crate) fn key(branch: &BranchName, version: &str) -> Item {
    Item::from([(BRANCH.to_owned(), text(branch.as_str())), (VERSION.to_owned(), text(version))])
}

/// The item of a version that is created now.
pub(crate) fn version_item(
    branch: &BranchName,
    version: BranchVersion,
    wrapped: Vec<WrappedKey>,
    purpose: Purpose,
) -> Result<Item, KeyError> {
    let dek = EncryptedDek::new(ContextForm::Table, wrapped)
        .map_err(|error| purpose.invalid(&error.to_string()))?;
    let mut item = key(branch, &version.to_string());
    item.insert(ENCRYPTED_DEK.to_owned(), AttributeValue::B(Blob::new(dek.to_bytes())));
    item.insert(CREATED.to_owned(), seconds_of(SystemTime::now()));
    Ok(item)
}

pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A time in whole seconds since 1970.
pub(crate) fn seconds_of(time: SystemTime) -> AttributeValue {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    AttributeValue::N(seconds.to_string())
}

/// The time of [`seconds_of`]; `None` for any other value.
pub(crate) fn time(value: &AttributeValue) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(duration(value)?)
}

/// Whole seconds.
pub(crate) fn duration(value: &AttributeValue) -> Option<Duration> {
    Some(Duration::from_secs(value.as_n().ok()?.parse().ok()?))
}

pub(crate) fn version(value: &AttributeValue) -> Option<BranchVersion> {
    value.as_s().ok().and_then(|text| BranchVersion::parse(text))
}
