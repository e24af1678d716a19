//! The items of the table: a pointer per branch, and one item per version of its key.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{
    BranchName, BranchVersion, ContextForm, EncryptedDek, KeyError, KeyErrorKind, WrappedKey,
};

use crate::dynamodb::Item;

/// The partition key: the name of the branch.
pub(crate) const BRANCH: &str = "branch";

/// The sort key: a version's UUID, or [`POINTER`].
pub(crate) const VERSION: &str = "version";

/// The sort key of the item that says which version is active.
pub(crate) const POINTER: &str = "active";

/// In the pointer: the active version. Absent while the branch is being deleted.
pub(crate) const ACTIVE_VERSION: &str = "active_version";

/// In the pointer: when the deletion of the branch began, in seconds since 1970.
pub(crate) const DELETING: &str = "deleting";

/// In a version: when it was created, in seconds since 1970.
pub(crate) const CREATED: &str = "created";

/// In a version: the wrapped branch key.
pub(crate) const ENCRYPTED_DEK: &str = "encrypted_dek";

/// The pointer of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pointer {
    Active(BranchVersion),
    Deleting,
}

impl Pointer {
    pub(crate) fn parse(item: &Item) -> Result<Self, KeyError> {
        match item.get(ACTIVE_VERSION) {
            Some(value) => {
                version(value).map(Self::Active).ok_or_else(|| malformed(ACTIVE_VERSION))
            }
            None if item.contains_key(DELETING) => Ok(Self::Deleting),
            None => Err(malformed(ACTIVE_VERSION)),
        }
    }

    pub(crate) const fn active(self) -> Option<BranchVersion> {
        match self {
            Self::Active(version) => Some(version),
            Self::Deleting => None,
        }
    }
}

/// Parses a version and its time of creation; `None` for the pointer.
pub(crate) fn parse_version(item: &Item) -> Result<Option<(BranchVersion, SystemTime)>, KeyError> {
    match item.get(VERSION) {
        Some(AttributeValue::S(text)) if text == POINTER => Ok(None),
        value => {
            let version = value.and_then(version).ok_or_else(|| malformed(VERSION))?;
            Ok(Some((version, item.get(CREATED).and_then(time).ok_or_else(|| malformed(CREATED))?)))
        }
    }
}

pub(crate) fn parse_branch(item: &Item) -> Result<BranchName, KeyError> {
    match item.get(BRANCH) {
        Some(AttributeValue::S(name)) => BranchName::new(name),
        _ => Err(malformed(BRANCH)),
    }
}

/// The wrapped branch key of a version.
pub(crate) fn parse_wrapped(item: &Item) -> Result<EncryptedDek, KeyError> {
    let Some(AttributeValue::B(bytes)) = item.get(ENCRYPTED_DEK) else {
        return Err(malformed(ENCRYPTED_DEK));
    };
    let dek = EncryptedDek::parse(bytes.as_ref()).map_err(|error| invalid(error.to_string()))?;
    if dek.form() != ContextForm::Table {
        return Err(malformed(ENCRYPTED_DEK));
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
) -> Result<Item, KeyError> {
    let dek = EncryptedDek::new(ContextForm::Table, wrapped)
        .map_err(|error| invalid(error.to_string()))?;
    let mut item = key(branch, &version.to_string());
    item.insert(ENCRYPTED_DEK.to_owned(), AttributeValue::B(Blob::new(dek.to_bytes())));
    item.insert(CREATED.to_owned(), now());
    Ok(item)
}

pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

pub(crate) fn now() -> AttributeValue {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    AttributeValue::N(seconds.to_string())
}

fn time(value: &AttributeValue) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(value.as_n().ok()?.parse().ok()?))
}

fn version(value: &AttributeValue) -> Option<BranchVersion> {
    value.as_s().ok().and_then(|text| BranchVersion::parse(text))
}

fn malformed(attribute: &str) -> KeyError {
    invalid(format!("its `{attribute}` is absent or malformed"))
}

fn invalid(what: String) -> KeyError {
    KeyError::new(
        KeyErrorKind::InvalidResponse,
        format!("an item of the table of branch keys was changed: {what}"),
    )
}
