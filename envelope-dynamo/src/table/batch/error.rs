//! Which records of a batch were not written, and why.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::Fault;

use crate::error::Error;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;

/// How many failures the message describes.
const SHOWN: usize = 5;

/// Which records of a batch were not written, and why.
///
/// All inputs before [`taken`](Self::taken) that are not among the [`failures`](Self::failures)
/// were written.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use aws_sdk_dynamodb::config::{BehaviorVersion, Config};
/// use envelope_dynamo::error::KeyErrorKind;
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, Table, WriteOutcome};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
/// # let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
/// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// let keys = TestKeyProvider::default();
/// keys.fail_next(KeyErrorKind::AccessDenied);
/// let users = Table::<User>::new(dynamodb, keys);
///
/// let error = users.batch_put([&zoe]).send().await.unwrap_err();
/// assert_eq!((error.taken(), error.done()), (1, 0));
/// for failure in error.failures() {
///     assert_eq!(failure.position(), 0);
///     assert_eq!(failure.error().record().to_string(), "users[user_id=u_1]");
///     assert_eq!(failure.error().write_outcome(), WriteOutcome::NotWritten);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct BatchError {
    pub(crate) operation: &'static str,
    pub(crate) table: &'static str,
    pub(crate) taken: usize,
    pub(crate) done: usize,
    pub(crate) failures: Vec<BatchFailure>,
    pub(crate) stopped: bool,
}

impl BatchError {
    /// A batch that has not taken any input.
    pub(crate) const fn before(operation: &'static str, table: &'static str) -> Self {
        Self { operation, table, taken: 0, done: 0, failures: Vec::new(), stopped: false }
    }

    /// Refuses the batch as a whole, before anything is sent.
    pub(crate) fn refuse(&mut self, record: RecordId, kind: UsageError) {
        self.failures.push(BatchFailure { position: 0, error: Error::new(record, kind) });
        self.stopped = true;
    }

    /// How many inputs the batch took from the iterator.
    ///
    /// A batch continues after records that fail for a reason of their own. It
    /// [stops](Self::stopped) after twenty-five inputs of which none was written, if the reason is
    /// not in the records. The inputs after this number were not touched.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// Whether the batch stopped before the end of its inputs.
    #[must_use]
    pub const fn stopped(&self) -> bool {
        self.stopped
    }

    /// How many records were written or deleted.
    #[must_use]
    pub const fn done(&self) -> usize {
        self.done
    }

    /// The failures, in the order of the inputs. At least one.
    #[must_use]
    pub fn failures(&self) -> &[BatchFailure] {
        &self.failures
    }

    /// Who must act: the operator if any of the failures needs the operator.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let faults = || self.failures.iter().map(|failure| failure.error.fault());
        match faults().find(|fault| *fault == Fault::Operator) {
            Some(operator) => operator,
            None => faults().next().unwrap_or(Fault::Operator),
        }
    }

    /// Whether every failed input may succeed later without anybody acting.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.failures.iter().all(|failure| failure.error.is_retryable())
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = self.failures.iter().filter(|failure| failure.error.is_in_doubt()).count();
        write!(
            f,
            "{} on {}: of {} records {} were done and {} failed",
            self.operation,
            self.table,
            self.taken,
            self.done,
            self.failures.len()
        )?;
        if unknown > 0 {
            write!(f, ", {unknown} of which may have been done all the same")?;
        }
        if self.stopped {
            f.write_str("; it stopped there")?;
        }
        for failure in self.failures.iter().take(SHOWN) {
            write!(f, "; {failure}")?;
        }
        match self.failures.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            others => write!(f, "; and {others} more"),
        }
    }
}

impl StdError for BatchError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.failures.first().and_then(|failure| failure.error.source())
    }
}

/// One input of a batch that failed.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::batch::BatchFailure;
/// use envelope_dynamo::error::KeyErrorKind;
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, Table};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let user = |id: &str| User { user_id: id.into(), email: "zoe@example.com".into() };
/// # let imported = [user("u_1"), user("u_2")];
/// # let dynamodb = example::dynamodb(&[("BatchWriteItem", 200, "{}")]);
/// # let keys = TestKeyProvider::default();
/// # keys.fail_next(KeyErrorKind::Throttled);
/// let users = Table::<User>::new(dynamodb, keys);
/// // KMS is throttled, and gives the first record no data key.
/// let error = users.batch_put(&imported).send().await.unwrap_err();
/// assert_eq!((error.taken(), error.done()), (2, 1));
///
/// // Nobody else writes these records meanwhile, so a put may be sent again, also if it is in doubt.
/// let may_be_repeated = |failure: &&BatchFailure| failure.error().is_retryable();
/// let again = error.failures().iter().filter(may_be_repeated);
/// let again: Vec<_> = again.map(|failure| &imported[failure.position()]).collect();
/// assert_eq!(again[0].user_id, "u_1");
/// users.batch_put(again).send().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct BatchFailure {
    pub(crate) position: usize,
    pub(crate) error: Error,
}

impl BatchFailure {
    /// The position among the inputs, counted from 0.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Which record failed, and why. [`Error::write_outcome`] says whether it may have been written
    /// all the same.
    ///
    /// Putting or deleting the record again leads to the same result, unless somebody else wrote it
    /// in between.
    #[must_use]
    pub const fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for BatchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input {}, {}", self.position, self.error)
    }
}
