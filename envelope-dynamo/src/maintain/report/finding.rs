//! A problem that coverage has found in an item.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An item with a problem, in a [`Report`](crate::maintain::Report); [`FindingKind`] says what to
/// do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The item: the table, and its key in the form that its struct shows to KMS.
    pub record: String,
    /// The kind of problem.
    pub kind: FindingKind,
    /// The problem, in words.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { record, kind, problem } = self;
        write!(f, "{record}: {kind}: {problem}")
    }
}

/// A kind of problem of a stored item.
///
/// Its text form, which [`FromStr`] reads, is the name in the JSON form of a report.
///
/// ```
/// use envelope_dynamo::maintain::{Finding, FindingKind, UnknownFindingKind};
///
/// fn what_to_do(finding: &Finding) -> &'static str {
///     match finding.kind {
///         FindingKind::NotSealed | FindingKind::PlainField => "run a backfill",
///         FindingKind::UnderKey => "run a rewrap",
///         FindingKind::BranchKey => "count again, with the table of branch keys",
///         FindingKind::LocalKey | FindingKind::RsaKey => "if it is meant, `Coverage::ignore` it",
///         FindingKind::NotOpened => "this reader lacks a key, or the item is damaged",
///         _ => "inspect the item: does the schema file belong to another version or table?",
///     }
/// }
///
/// // From a report that a job has written.
/// let line = r#"{ "record": "users[user_id=u_2]", "kind": "not-sealed", "problem": ".." }"#;
/// let finding: Finding = serde_json::from_str(line)?;
/// assert_eq!(what_to_do(&finding), "run a backfill");
///
/// // From the option of a command.
/// assert_eq!("local-key".parse(), Ok(FindingKind::LocalKey));
/// let error: UnknownFindingKind = "plain".parse::<FindingKind>().unwrap_err();
/// assert!(error.to_string().contains("not-sealed"), "it lists the kinds that there are");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FindingKind {
    /// A data key is under a KMS key under which none was expected.
    UnderKey,
    /// A data key is under a branch key, and the branch keys' table was not looked at.
    BranchKey,
    /// A data key is under a version of a branch key that the branch keys' table does not have.
    UnknownBranchKey,
    /// A data key is under a local root key.
    LocalKey,
    /// A data key is under an RSA key.
    RsaKey,
    /// A data key is under a key of a private kind, or of a kind that this version of the library
    /// does not know.
    PrivateKey,
    /// A header cannot be parsed, or headers contradict each other.
    Malformed,
    /// The item is of no entity type of the schema file, or of several.
    UnknownEntity,
    /// The record has a group that the schema file does not know.
    UnknownGroup,
    /// The item has an attribute for sealed data that no record of the schema file has.
    UnknownAttribute,
    /// The item has no sealed fields, and all items should have.
    NotSealed,
    /// The record is sealed, and a field that is encrypted or authenticated stands in plaintext
    /// beside what is sealed, and all fields should be as the schema file says.
    PlainField,
    /// The record does not open.
    NotOpened,
}

impl FindingKind {
    const ALL: [(Self, &'static str); 13] = [
        (Self::UnderKey, "under-key"),
        (Self::BranchKey, "branch-key"),
        (Self::UnknownBranchKey, "unknown-branch-key"),
        (Self::LocalKey, "local-key"),
        (Self::RsaKey, "rsa-key"),
        (Self::PrivateKey, "private-key"),
        (Self::Malformed, "malformed"),
        (Self::UnknownEntity, "unknown-entity"),
        (Self::UnknownGroup, "unknown-group"),
        (Self::UnknownAttribute, "unknown-attribute"),
        (Self::NotSealed, "not-sealed"),
        (Self::PlainField, "plain-field"),
        (Self::NotOpened, "not-opened"),
    ];

    /// The name in the JSON form of a report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// Whether a report can hold in spite of such problems: not if they are what it is asked for.
    pub(crate) const fn can_be_ignored(self) -> bool {
        !matches!(
            self,
            Self::UnderKey | Self::BranchKey | Self::NotSealed | Self::PlainField | Self::NotOpened
        )
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FindingKind {
    type Err = UnknownFindingKind;

    fn from_str(text: &str) -> Result<Self, UnknownFindingKind> {
        let known = Self::ALL.iter().find(|(_, name)| *name == text);
        known.map(|(kind, _)| *kind).ok_or(UnknownFindingKind(()))
    }
}

/// There is no such kind of problem: the error of the text form of a [`FindingKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFindingKind(());

impl fmt::Display for UnknownFindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such kind of problem; the kinds are ")?;
        for (i, (_, name)) in FindingKind::ALL.iter().enumerate() {
            write!(f, "{}{name}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownFindingKind {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::maintain::report::finding::FindingKind;

    #[test]
    fn a_kind_has_one_name_in_json_and_in_text() {
        for (kind, name) in FindingKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{name}\""));
            assert_eq!(name.parse(), Ok(kind));
            assert_eq!(kind.to_string(), name);
        }
        assert!("other".parse::<FindingKind>().unwrap_err().to_string().contains("under-key"));
    }
}
