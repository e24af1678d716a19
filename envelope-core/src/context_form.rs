//! The three forms of the KMS encryption context (FORMAT 5.2).

use std::fmt;

/// How a record's key stands in the KMS encryption context, which CloudTrail shows in clear.
///
/// The associated data of the payload always carries the full key, whichever form is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContextForm {
    /// `table`, `partition_key` and `sort_key` as they are: auditable, the default.
    #[default]
    Raw,
    /// `table` as it is, `partition_key` and `sort_key` as SHA-256 digests: for keys such as an
    /// e-mail address.
    ///
    /// # Security
    ///
    /// A digest hides a key from a casual reader of CloudTrail, not from somebody who can guess it
    /// and compare.
    Hashed,
    /// `table` alone: one data key may serve every record of the table.
    Table,
}

impl ContextForm {
    /// The byte that names the form in `encrypted_dek` (FORMAT 3.2).
    pub(crate) const fn to_byte(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Hashed => 1,
            Self::Table => 2,
        }
    }

    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Raw),
            1 => Some(Self::Hashed),
            2 => Some(Self::Table),
            _ => None,
        }
    }
}

impl fmt::Display for ContextForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Hashed => "hashed",
            Self::Table => "table",
        })
    }
}
