//! What the keys of a table are for.

use envelope_core::{KeyError, KeyErrorKind};

/// The pair of the KMS encryption context that separates search keys from branch keys.
pub(crate) const PURPOSE_PAIR: &str = "purpose";

/// The value of [`PURPOSE_PAIR`] for search keys.
pub(crate) const SEARCH: &str = "search";

/// What the keys of a table are for. A key for one purpose does not unwrap for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Data keys are derived from branch keys.
    Branch,
    /// Search tags are computed with search keys.
    Search,
}

impl Purpose {
    /// The value of the pair `purpose` in the KMS encryption context. Branch keys have no such
    /// pair.
    pub(crate) const fn pair(self) -> Option<&'static str> {
        match self {
            Self::Branch => None,
            Self::Search => Some(SEARCH),
        }
    }

    /// One key, in messages.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Branch => "branch key",
            Self::Search => "search key",
        }
    }

    /// Why a branch may lack a version.
    pub(crate) const fn why_no_version(self) -> &'static str {
        match self {
            Self::Branch => {
                "the version or the branch was deleted, or the record is another branch's"
            }
            Self::Search => {
                "the version was deleted, or the branch's item `active` was changed: restore them \
                 from a backup"
            }
        }
    }

    /// An item that is not as this library writes it.
    pub(crate) fn malformed(self, attribute: &str) -> KeyError {
        self.invalid(&format!("its `{attribute}` is absent or malformed"))
    }

    pub(crate) fn invalid(self, what: &str) -> KeyError {
        let what = format!("an item of the table of {}s was changed: {what}", self.key());
        KeyError::new(KeyErrorKind::InvalidResponse, what)
    }
}
