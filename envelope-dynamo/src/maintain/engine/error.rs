//! Why a run did not reach its end.

use std::error::Error as StdError;
use std::fmt;

use crate::error::{DynamoDbError, Error, KeyError};
use crate::maintain::engine::counts::Counts;

/// A run of maintenance ended before its end. What it has done until then stays done; the same run,
/// started again, continues.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::{Envelope, Table};
/// use envelope_dynamo::maintain::{RunError, RunErrorKind};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// /// The exit code of a job. Whoever schedules it starts it again after 75.
/// fn exit_code(error: &RunError) -> u8 {
///     eprintln!("{} records were changed, then: {error}", error.counts().changed);
///     if error.needs_a_person() { 1 } else { 75 }
/// }
///
/// # let denied = example::dynamodb(&[
/// #     ("DescribeTable", 400, r#"{ "__type": "AccessDeniedException" }"#),
/// # ]);
/// # let outage = example::dynamodb(&[
/// #     ("DescribeTable", 500, r#"{ "__type": "InternalServerError" }"#),
/// # ]);
/// // The role of the job lacks a permission.
/// let users = Table::<User>::new(denied, TestKeyProvider::default());
/// let error = users.backfill().send().await.unwrap_err();
/// assert!(matches!(error.kind(), RunErrorKind::DynamoDb(_)));
/// assert_eq!(exit_code(&error), 1);
///
/// // DynamoDB has an outage.
/// let users = Table::<User>::new(outage, TestKeyProvider::default());
/// let error = users.backfill().send().await.unwrap_err();
/// assert_eq!(exit_code(&error), 75);
/// # });
/// ```
#[derive(Debug)]
pub struct RunError {
    kind: RunErrorKind,
    counts: Counts,
}

/// Why a run of maintenance ended before its end: the kind of a [`RunError`].
///
/// | kind | who must act |
/// |---|---|
/// | [`Refused`](Self::Refused), [`AllRefused`](Self::AllRefused), [`TooManyFailed`](Self::TooManyFailed), [`TooManyValues`](Self::TooManyValues) | a person |
/// | [`DynamoDb`](Self::DynamoDb), [`Kms`](Self::Kms) | a person; nobody in an outage, which passes: start the run again |
/// | [`Transient`](Self::Transient), [`Stopped`](Self::Stopped) | nobody: start the run again |
#[derive(Debug)]
#[non_exhaustive]
pub enum RunErrorKind {
    /// The run was refused before it began.
    Refused(Refusal),
    /// No change succeeded, and every one that was tried was refused; this is the first refusal.
    AllRefused(Box<Error>),
    /// Records failed for a cause that may pass, such as an outage of KMS, although each was tried
    /// several times; this is the last one. Records before it may have been changed.
    Transient(Box<Error>),
    /// More records failed than [`Limits::max_failed`](crate::maintain::Limits::max_failed) allows.
    TooManyFailed,
    /// The search tags have more different values than
    /// [`Leakage::max_values`](crate::maintain::Leakage::max_values) allows to count.
    TooManyValues {
        /// How many may be counted.
        max: u64,
    },
    /// DynamoDB refused to read the table, or could not be reached.
    DynamoDb(DynamoDbError),
    /// KMS refused to describe a key, or could not be reached.
    Kms(KeyError),
    /// The caller stopped the run.
    Stopped,
}

/// Why a run of maintenance was refused before it began.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::{Envelope, Table};
/// use envelope_dynamo::maintain::{Refusal, RunErrorKind};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let dynamodb = example::dynamodb(&[
/// #     ("DescribeTable", 200, example::TABLE),
/// #     ("DescribeContinuousBackups", 200, example::NO_RECOVERY),
/// # ]);
/// let users = Table::<User>::new(dynamodb, TestKeyProvider::default());
/// let error = users.backfill().send().await.unwrap_err();
/// let RunErrorKind::Refused(refusal) = error.kind() else { panic!("{error}") };
/// assert_eq!(*refusal, Refusal::NoRecovery { table: "users".into() });
/// // A mistake could not be undone. `Run::without_recovery` says that this is meant.
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The table has other key attributes than the schema file says.
    OtherKeys {
        /// The physical table.
        table: String,
        /// The key attributes of the table, such as `pk (S), sk (S)`.
        found: String,
        /// The key attributes in the schema file.
        expected: String,
    },
    /// The table is a global table, and another region may write.
    Replicas {
        /// The physical table.
        table: String,
        /// The regions of the replicas.
        regions: Vec<String>,
    },
    /// Point-in-time recovery is off.
    NoRecovery {
        /// The physical table.
        table: String,
    },
    /// The stored headers would not show a difference between the key to move from and the key to
    /// move to.
    SameKey {
        /// The key.
        key: String,
    },
    /// A setting that makes no sense, such as an alias where a key is to be named.
    Setting {
        /// What is wrong with which setting, and what to do.
        problem: String,
    },
    /// An alias in a run of several parts, which start at different times.
    AliasInParts {
        /// The alias.
        alias: String,
    },
}

impl RunError {
    pub(crate) const fn new(kind: RunErrorKind, counts: Counts) -> Self {
        Self { kind, counts }
    }

    /// Why the run ended.
    #[must_use]
    pub const fn kind(&self) -> &RunErrorKind {
        &self.kind
    }

    /// What the run had done until then.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Whether a person must act before the run is started again.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        self.kind.needs_a_person()
    }
}

impl RunErrorKind {
    /// Whether a person must act before the run is started again.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::AllRefused(_)
            | Self::TooManyFailed
            | Self::TooManyValues { .. } => true,
            Self::DynamoDb(error) => !error.retryable,
            Self::Kms(error) => !error.is_retryable(),
            Self::Transient(_) | Self::Stopped => false,
        }
    }
}

impl From<Refusal> for RunErrorKind {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<DynamoDbError> for RunErrorKind {
    fn from(error: DynamoDbError) -> Self {
        Self::DynamoDb(error)
    }
}

impl From<KeyError> for RunErrorKind {
    fn from(error: KeyError) -> Self {
        Self::Kms(error)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl fmt::Display for RunErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "{refusal}; the run has not begun"),
            Self::AllRefused(first) => write!(
                f,
                "no record could be changed; the first refusal: {first} (check the permissions of \
                 this role, the keys, and that the schema file describes this table)"
            ),
            Self::Transient(last) => write!(
                f,
                "records failed for a cause that may pass, although each was tried 16 times; the \
                 last one: {last} (start the same run again when it has passed)"
            ),
            Self::TooManyFailed => f.write_str(
                "too many records failed; each was reported (mend what they have in common, and \
                 start the run again)",
            ),
            Self::TooManyValues { max } => write!(
                f,
                "the search tags have more than {max} different values, which is what may be \
                 counted in memory: allow more, at 40 bytes each, on a machine that has as much"
            ),
            Self::DynamoDb(error) => error.fmt(f),
            Self::Kms(error) => error.fmt(f),
            Self::Stopped => f.write_str("stopped; the run continues when it is started again"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherKeys { table, found, expected } => write!(
                f,
                "the table {table} has the key {found}, and the schema file says {expected}: name \
                 the table that the file describes, or write the file again"
            ),
            Self::Replicas { table, regions } => write!(
                f,
                "the table {table} has replicas ({}): if another region writes a record at the same \
                 time, its write is lost (run where all writes are made, and say that it is the \
                 only region that writes)",
                regions.join(", ")
            ),
            Self::NoRecovery { table } => write!(
                f,
                "point-in-time recovery of the table {table} is off: switch it on, so that a mistake \
                 can be undone, or say that the run may do without"
            ),
            Self::SameKey { key } => write!(
                f,
                "the stored records cannot show whether they were moved to {key}: it has the id of \
                 the key to move from, or the same hint (a replica of one multi-region key has)"
            ),
            Self::Setting { problem } => f.write_str(problem),
            Self::AliasInParts { alias } => write!(
                f,
                "{alias} is an alias, and parts start at different times: name both keys by ARN"
            ),
        }
    }
}

impl StdError for RunError {}
impl StdError for RunErrorKind {}
impl StdError for Refusal {}
