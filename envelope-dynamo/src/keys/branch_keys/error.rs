//! The errors of the table of branch keys.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::{
    BranchName, BranchVersion, Escaped, Fault, KeyError, KeyErrorKind, RandomError,
};

use crate::error::dynamodb::DynamoDbError;
use crate::error::write_outcome::WriteOutcome;
use crate::keys::key_table::error::{KeyTableError, of_dynamodb};
use crate::keys::key_table::purpose::Purpose;

/// Why branch keys could not be created, rotated, listed or deleted.
///
/// The message names the branch, as CloudTrail does, and never a key.
///
/// ```no_run
/// use envelope_dynamo::keys::{BranchKeyError, BranchKeyTable};
/// # use envelope_dynamo::KmsKeyWrapper;
///
/// /// Creates the branch unless it exists.
/// async fn ensure(
///     keys: &BranchKeyTable<KmsKeyWrapper>,
///     branch: &str,
/// ) -> Result<(), BranchKeyError> {
///     match keys.create(branch).await {
///         Ok(_) | Err(BranchKeyError::Exists(_)) => Ok(()),
///         Err(error) => Err(error),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum BranchKeyError {
    /// The branch exists already. Nothing was written.
    Exists(BranchName),
    /// The branch is being deleted, or its deletion was interrupted.
    Deleting(BranchName),
    /// The version to delete is the active one. Nothing was deleted.
    ActiveVersion {
        /// The branch.
        branch: BranchName,
        /// Its active version.
        version: BranchVersion,
    },
    /// Others changed the branch at the same time, in every attempt. This call has written nothing.
    Conflict(BranchName),
    /// Others changed the branch at the same time, in every attempt to delete it. A part of the
    /// branch may be deleted.
    Interrupted(BranchName),
    /// The branch does not exist, its name is not valid, or KMS refused or could not be reached.
    Key(KeyError),
    /// DynamoDB refused or could not be reached.
    DynamoDb(DynamoDbError),
}

impl BranchKeyError {
    /// Who must act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Exists(_) | Self::ActiveVersion { .. } => Fault::Caller,
            Self::Key(error) => error.fault(),
            Self::Deleting(_) | Self::Conflict(_) | Self::Interrupted(_) | Self::DynamoDb(_) => {
                Fault::Operator
            }
        }
    }

    /// Whether the failed call changed the table of branch keys. [`WriteOutcome`] lists what each
    /// outcome means.
    #[must_use]
    pub const fn write_outcome(&self) -> WriteOutcome {
        match self {
            Self::Exists(_)
            | Self::Deleting(_)
            | Self::ActiveVersion { .. }
            | Self::Conflict(_)
            | Self::Key(_) => WriteOutcome::NotWritten,
            Self::Interrupted(_) => WriteOutcome::Unknown,
            Self::DynamoDb(error) => error.outcome,
        }
    }

    /// Whether the same call may succeed later without anybody acting, and then has the same result
    /// as one call.
    ///
    /// If the outcome is unknown, `delete` and `delete_version` may be called again: they continue
    /// where they stopped. `create` and `rotate` may not: they may already have created a version.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict(_) | Self::Interrupted(_) => true,
            Self::Key(error) => error.is_retryable(),
            Self::DynamoDb(error) => error.retryable,
            Self::Exists(_) | Self::Deleting(_) | Self::ActiveVersion { .. } => false,
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
}

impl fmt::Display for BranchKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(branch) => {
                write!(
                    f,
                    "the branch `{}` exists: `rotate` gives it a new key",
                    Escaped(branch.as_str())
                )
            }
            Self::Deleting(branch) => write!(
                f,
                "the branch `{}` is being deleted, or its deletion was interrupted: `delete` it \
                 again to finish",
                Escaped(branch.as_str())
            ),
            Self::ActiveVersion { branch, version } => write!(
                f,
                "the version {version} of the branch `{}` is active: `rotate` the branch, and wait \
                 until no process writes under this version, before you delete it",
                Escaped(branch.as_str())
            ),
            Self::Conflict(branch) => write!(
                f,
                "the branch `{}` is being changed by others: nothing was written, try again",
                Escaped(branch.as_str())
            ),
            Self::Interrupted(branch) => write!(
                f,
                "the branch `{}` is being changed by others while it is deleted: `delete` it again \
                 to finish",
                Escaped(branch.as_str())
            ),
            Self::Key(error) => write!(f, "{error}"),
            Self::DynamoDb(error) if error.outcome == WriteOutcome::Unknown => write!(
                f,
                "{error}; it may have been carried out all the same, wholly or in part (`list` and \
                 `versions` tell)"
            ),
            Self::DynamoDb(error) => write!(f, "{error}"),
        }
    }
}

impl StdError for BranchKeyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Key(error) => error.source(),
            // The message says everything that the SDK's error says.
            Self::DynamoDb(_)
            | Self::Exists(_)
            | Self::Deleting(_)
            | Self::ActiveVersion { .. }
            | Self::Conflict(_)
            | Self::Interrupted(_) => None,
        }
    }
}

impl From<KeyError> for BranchKeyError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<DynamoDbError> for BranchKeyError {
    fn from(error: DynamoDbError) -> Self {
        Self::DynamoDb(error)
    }
}

impl From<KeyTableError> for BranchKeyError {
    fn from(error: KeyTableError) -> Self {
        match error {
            KeyTableError::Conflict(branch) => Self::Conflict(branch),
            KeyTableError::Key(error) => Self::Key(error),
            KeyTableError::DynamoDb(error) => Self::DynamoDb(error),
        }
    }
}

impl From<RandomError> for BranchKeyError {
    fn from(error: RandomError) -> Self {
        Self::Key(error.into())
    }
}

/// The error for a call that writes or reads a record.
impl From<BranchKeyError> for KeyError {
    fn from(error: BranchKeyError) -> Self {
        match error {
            BranchKeyError::Key(error) => error,
            BranchKeyError::DynamoDb(error) => of_dynamodb(Purpose::Branch, error),
            BranchKeyError::Deleting(_) => Self::new(KeyErrorKind::KeyNotFound, error.to_string()),
            BranchKeyError::Exists(_)
            | BranchKeyError::ActiveVersion { .. }
            | BranchKeyError::Conflict(_)
            | BranchKeyError::Interrupted(_) => Self::new(KeyErrorKind::Other, error.to_string()),
        }
    }
}
