//! The errors of the table of search keys.

use std::error::Error as StdError;
use std::fmt;
use std::time::SystemTime;

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use envelope_core::{BranchName, BranchVersion, Escaped, Fault, KeyError, KeyErrorKind};

use crate::error::dynamodb::DynamoDbError;
use crate::error::write_outcome::WriteOutcome;
use crate::keys::key_table::error::{KeyTableError, of_dynamodb};
use crate::keys::key_table::purpose::Purpose;

/// Why search keys could not be created, rotated, retired, listed or deleted.
///
/// The message names the branch, as CloudTrail does, and never a key.
///
/// ```no_run
/// use envelope_dynamo::KmsKeyWrapper;
/// use envelope_dynamo::keys::{SearchKeyError, SearchKeyTable};
///
/// /// Creates the branch unless it exists.
/// async fn ensure(
///     keys: &SearchKeyTable<KmsKeyWrapper>,
///     branch: &str,
/// ) -> Result<(), SearchKeyError> {
///     match keys.create(branch).await {
///         Ok(_) | Err(SearchKeyError::Exists(_)) => Ok(()),
///         Err(error) => Err(error),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SearchKeyError {
    /// The branch exists already. Nothing was written.
    Exists(BranchName),
    /// The branch already has two versions that are searched for. Nothing was written.
    Rotating {
        /// The branch.
        branch: BranchName,
        /// When one of the versions may be retired.
        retire_from: SystemTime,
    },
    /// There is no rotation to cancel. Nothing was written.
    NotRotating(BranchName),
    /// The newer version is already written, so that the rotation cannot be cancelled any more.
    TooLate {
        /// The branch.
        branch: BranchName,
        /// Since when it is written.
        write_from: SystemTime,
    },
    /// A process may still write under the version that shall be retired. Nothing was written.
    TooEarly {
        /// The branch.
        branch: BranchName,
        /// When the version may be retired.
        retire_from: SystemTime,
    },
    /// The version to delete is searched for. Nothing was deleted.
    Live {
        /// The branch.
        branch: BranchName,
        /// The version.
        version: BranchVersion,
    },
    /// Others changed the branch at the same time. This call has written nothing that counts.
    Conflict(BranchName),
    /// The branch does not exist, its name is not valid, or KMS refused or could not be reached.
    Key(KeyError),
    /// DynamoDB refused or could not be reached.
    DynamoDb(DynamoDbError),
}

impl SearchKeyError {
    /// Who must act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Exists(_)
            | Self::Rotating { .. }
            | Self::NotRotating(_)
            | Self::TooLate { .. }
            | Self::TooEarly { .. }
            | Self::Live { .. } => Fault::Caller,
            Self::Key(error) => error.fault(),
            Self::Conflict(_) | Self::DynamoDb(_) => Fault::Operator,
        }
    }

    /// Whether the failed call changed the table of search keys. [`WriteOutcome`] lists what each
    /// outcome means.
    #[must_use]
    pub const fn write_outcome(&self) -> WriteOutcome {
        match self {
            Self::DynamoDb(error) => error.outcome,
            _ => WriteOutcome::NotWritten,
        }
    }

    /// Whether the same call may succeed later without anybody acting, and then has the same result
    /// as one call.
    ///
    /// If the outcome is unknown, `cancel`, `retire` and `delete_version` may be called again.
    /// `create` and `rotate` may not: they may already have created a version.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict(_) => true,
            Self::Key(error) => error.is_retryable(),
            Self::DynamoDb(error) => error.retryable,
            _ => false,
        }
    }

    /// The key provider's error, if that is what failed.
    #[must_use]
    pub const fn key_error(&self) -> Option<&KeyError> {
        match self {
            Self::Key(error) => Some(error),
            _ => None,
        }
    }

    const fn branch(&self) -> Option<&BranchName> {
        match self {
            Self::Exists(branch)
            | Self::Rotating { branch, .. }
            | Self::NotRotating(branch)
            | Self::TooLate { branch, .. }
            | Self::TooEarly { branch, .. }
            | Self::Live { branch, .. }
            | Self::Conflict(branch) => Some(branch),
            Self::Key(_) | Self::DynamoDb(_) => None,
        }
    }
}

impl fmt::Display for SearchKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(branch) = self.branch() {
            write!(f, "the search key `{}` ", Escaped(branch.as_str()))?;
        }
        match self {
            Self::Exists(_) => f.write_str("exists: `rotate` gives it a new version"),
            Self::Rotating { retire_from, .. } => write!(
                f,
                "already has two versions that are searched for: write all records anew, and \
                 `retire` the other version, from {} on, before you rotate again",
                shown(*retire_from)
            ),
            Self::NotRotating(_) => f.write_str("has one version: there is nothing to cancel"),
            Self::TooLate { write_from, .. } => write!(
                f,
                "is written under its new version since {}: the rotation cannot be cancelled any \
                 more; finish it, and rotate again if the new version must go",
                shown(*write_from)
            ),
            Self::TooEarly { retire_from, .. } => write!(
                f,
                "may still be written under the version to retire: retire it from {} on",
                shown(*retire_from)
            ),
            Self::Live { version, .. } => write!(
                f,
                "is searched for under the version {version}: `rotate` and `retire` it before you \
                 delete it"
            ),
            Self::Conflict(_) => {
                f.write_str("is being changed by others: look at it with `list`, and try again")
            }
            Self::Key(error) => write!(f, "{error}"),
            Self::DynamoDb(error) if error.outcome == WriteOutcome::Unknown => {
                write!(f, "{error}; it may have been carried out all the same (`list` tells)")
            }
            Self::DynamoDb(error) => write!(f, "{error}"),
        }
    }
}

/// RFC 3339, UTC.
fn shown(time: SystemTime) -> String {
    let time = DateTime::from_secs(DateTime::from(time).secs());
    time.fmt(DateTimeFormat::DateTime).unwrap_or_else(|_| "a time unknown".to_owned())
}

impl StdError for SearchKeyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Key(error) => error.source(),
            // The message says everything that the SDK's error says.
            _ => None,
        }
    }
}

impl From<KeyError> for SearchKeyError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<DynamoDbError> for SearchKeyError {
    fn from(error: DynamoDbError) -> Self {
        Self::DynamoDb(error)
    }
}

impl From<KeyTableError> for SearchKeyError {
    fn from(error: KeyTableError) -> Self {
        match error {
            KeyTableError::Conflict(branch) => Self::Conflict(branch),
            KeyTableError::Key(error) => Self::Key(error),
            KeyTableError::DynamoDb(error) => Self::DynamoDb(error),
        }
    }
}

/// The error for a call that writes a record or searches.
impl From<SearchKeyError> for KeyError {
    fn from(error: SearchKeyError) -> Self {
        match error {
            SearchKeyError::Key(error) => error,
            SearchKeyError::DynamoDb(error) => of_dynamodb(Purpose::Search, error),
            other => Self::new(KeyErrorKind::Other, other.to_string()),
        }
    }
}
