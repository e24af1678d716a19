//! The item that says which version of a branch is active.

use envelope_core::{BranchVersion, KeyError};

use crate::dynamodb::Item;
use crate::keys::key_table::item;
use crate::keys::key_table::purpose::Purpose;

/// In the pointer: the active version. Absent while the branch is being deleted.
pub(crate) const ACTIVE_VERSION: &str = "active_version";

/// In the pointer: when the deletion of the branch began, in seconds since 1970.
pub(crate) const DELETING: &str = "deleting";

/// The pointer of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pointer {
    Active(BranchVersion),
    Deleting,
}

impl Pointer {
    pub(crate) fn parse(item: &Item) -> Result<Self, KeyError> {
        let malformed = || Purpose::Branch.malformed(ACTIVE_VERSION);
        match item.get(ACTIVE_VERSION) {
            Some(value) => item::version(value).map(Self::Active).ok_or_else(malformed),
            None if item.contains_key(DELETING) => Ok(Self::Deleting),
            None => Err(malformed()),
        }
    }

    pub(crate) const fn active(self) -> Option<BranchVersion> {
        match self {
            Self::Active(version) => Some(version),
            Self::Deleting => None,
        }
    }
}
