//! The errors of records and their keys: what failed, for which record, and who must act.
//!
//! [`Error`] is the error of a call for one record. Its [`kind`](Error::kind) is one of five groups
//! ([`ErrorKind`]), [`record`](Error::record) names the record, and
//! [`write_outcome`](Error::write_outcome) says whether the failed call wrote to the table. Batches
//! and transactions have errors of their own, with an [`Error`] for each record.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use aws_sdk_dynamodb::types::AttributeValue;
//! use envelope_dynamo::error::{DataError, Fault};
//! use envelope_dynamo::{Envelope, ErrorKind, LocalKeyProvider, RootKey, from_item, to_item};
//!
//! #[derive(Envelope)]
//! #[envelope(table = "users")]
//! struct User {
//!     #[partition_key]
//!     user_id: String,
//!     #[encrypted]
//!     email: String,
//!     #[authenticated]
//!     plan: String,
//! }
//!
//! let provider = LocalKeyProvider::new(RootKey::generate()?);
//! let user = User { user_id: "u_1".into(), email: "zoe@example.com".into(), plan: "free".into() };
//! let mut item = to_item(&user, &provider).await?;
//! item.insert("plan".into(), AttributeValue::S("enterprise".into()));
//!
//! let error = from_item::<User>(item, &provider).await.err().expect("the plan was changed");
//! assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })));
//! assert_eq!(error.fault(), Fault::Data);
//! assert!(!error.is_retryable());
//! assert!(error.to_string().starts_with("users[user_id=u_1]: not authentic"));
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # Security
//!
//! No error has a value of a field in its message or its `Debug` form, and no key bytes. The
//! record's key is shown in the form that the struct chose for the KMS context (`kms_context`).

pub(crate) mod data;
pub(crate) mod dynamodb;
pub(crate) mod key;
pub(crate) mod kind;
pub(crate) mod marks;
pub(crate) mod no_answer;
pub(crate) mod record_id;
pub(crate) mod service;
pub(crate) mod usage;
pub(crate) mod write;
pub(crate) mod write_outcome;

use std::error::Error as StdError;
use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
#[doc(inline)]
pub use envelope_core::{
    ContextError, Escaped, Fault, FormatError, KeyError, KeyErrorKind, NumberError, OpenError,
    RandomError, RewrapError, RootKeyError, SealError, ValueError,
};

use crate::dynamodb::Item;
pub use crate::error::data::DataError;
pub use crate::error::dynamodb::DynamoDbError;
pub use crate::error::key::DataKeyError;
pub use crate::error::kind::ErrorKind;
pub use crate::error::marks::{MarksError, WrittenMarks};
pub use crate::error::record_id::RecordId;
pub use crate::error::service::ServiceError;
pub use crate::error::usage::UsageError;
pub use crate::error::write::WriteError;
pub use crate::error::write_outcome::WriteOutcome;

/// Why a record could not be written or read.
///
/// The message names table, key and attribute, what failed, and what to do; it never has a value of
/// a field. The key is shown in the form that the struct chose for the KMS context: `raw` as it is,
/// `hashed` as a digest, `table` not at all, unless the key attribute is a pair of the context too.
///
/// The message also names the cause, such as DynamoDB's code, message and request id. Therefore a
/// [`source`](StdError::source) exists only for the cause of a key provider of your own.
///
/// [`WriteOutcome`] has a table of what a failed write means, and when the call may be repeated.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, Error, Table};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// fn status(error: &Error) -> u16 {
///     if error.is_condition_failure() {
///         409 // the client asked for something that the stored record does not allow
///     } else if error.is_retryable() {
///         503 // an outage or a throttled service: the same call may succeed later
///     } else {
///         eprintln!("{error}"); // names the record, and no value; `error.fault()` must act
///         500
///     }
/// }
///
/// # let dynamodb = example::dynamodb(&[
/// #     ("PutItem", 400, r#"{ "__type": "ConditionalCheckFailedException" }"#),
/// #     ("GetItem", 500, r#"{ "__type": "InternalServerError" }"#),
/// # ]);
/// let users = Table::<User>::new(dynamodb, TestKeyProvider::default());
///
/// // DynamoDB has such a user.
/// let error = users.put(&zoe).if_not_exists().send().await.unwrap_err();
/// assert_eq!(status(&error), 409);
/// assert!(error.to_string().starts_with("users[user_id=u_1]: "));
///
/// // DynamoDB has an outage.
/// let error = users.get("u_1").send().await.err().expect("no answer");
/// assert_eq!(status(&error), 503);
/// # });
/// ```
#[derive(Debug)]
pub struct Error {
    // Boxed so that a `Result` stays small on the path without errors.
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    record: RecordId,
    kind: ErrorKind,
    outcome: WriteOutcome,
    /// Whether the call has the same effect if it is made twice.
    is_repeatable: bool,
    returned: Option<Returned>,
}

/// The item that DynamoDB returned; its values are not printed.
struct Returned(Item);

impl fmt::Debug for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Returned({} attributes)", self.0.len())
    }
}

impl Error {
    pub(crate) fn new(record: RecordId, kind: impl Into<ErrorKind>) -> Self {
        let (kind, outcome) = (kind.into(), WriteOutcome::NotWritten);
        Self {
            inner: Box::new(Inner { record, kind, outcome, is_repeatable: false, returned: None }),
        }
    }

    /// The same error with another kind.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    /// The error of a write that an earlier try may have carried out.
    pub(crate) fn or_in_doubt(mut self, in_doubt: bool) -> Self {
        if in_doubt && self.inner.outcome == WriteOutcome::NotWritten {
            self.inner.outcome = WriteOutcome::Unknown;
        }
        self
    }

    /// The error of a call that has the same effect if it is made twice.
    pub(crate) fn repeatable_if(mut self, is_repeatable: bool) -> Self {
        self.inner.is_repeatable = is_repeatable;
        self
    }

    /// An error that came after the write was carried out; `returned` is the item that the write
    /// returned.
    pub(crate) fn after_write(mut self, returned: Option<Item>) -> Self {
        self.inner.outcome = WriteOutcome::Written;
        self.with_returned(returned)
    }

    /// The error of a write that found `item` in the table.
    pub(crate) fn with_returned(mut self, item: Option<Item>) -> Self {
        self.inner.returned = item.map(Returned);
        self
    }

    /// The item that DynamoDB returned with the failed call, as it is stored, still sealed.
    ///
    /// It is the item that made a condition fail, or the item that a write returned and that could
    /// not be opened. After a delete, this may be the only copy: keep it.
    /// [`Table::open_returned`](crate::Table::open_returned) opens it.
    #[must_use]
    pub fn returned_item(&self) -> Option<&Item> {
        self.inner.returned.as_ref().map(|returned| &returned.0)
    }

    /// The kind of the error, in groups that say who must act.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// The kind of the error alone.
    #[cfg(feature = "maintain")]
    pub(crate) fn into_kind(self) -> ErrorKind {
        self.inner.kind
    }

    /// The record that the error is about.
    #[must_use]
    pub fn record(&self) -> &RecordId {
        &self.inner.record
    }

    /// Who must act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.kind().fault()
    }

    /// The key provider's error, if that is what failed.
    #[must_use]
    pub fn key_error(&self) -> Option<&KeyError> {
        match self.kind() {
            ErrorKind::Key(error) => error.key_error(),
            _ => None,
        }
    }

    /// DynamoDB's error, if it refused a request or could not be reached.
    #[must_use]
    pub fn dynamodb_error(&self) -> Option<&DynamoDbError> {
        match self.kind() {
            ErrorKind::DynamoDb(ServiceError::Request(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether the condition of the request did not hold: short for
    /// [`WriteError::ConditionFailed`].
    #[must_use]
    pub fn is_condition_failure(&self) -> bool {
        matches!(self.kind(), ErrorKind::Write(WriteError::ConditionFailed))
    }

    /// Whether the failed call wrote to the table; [`WriteOutcome`] has a table of what each error
    /// means.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table, WriteOutcome};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let deleted = match users.delete("u_1").returning_old().send().await {
    ///     Ok(deleted) => deleted,
    ///     Err(error) => match error.write_outcome() {
    ///         WriteOutcome::NotWritten => return Err(error), // the record is still there
    ///         WriteOutcome::Unknown => return Err(error), // read the table first
    ///         // Deleted; the error has the record.
    ///         WriteOutcome::Written => users.open_returned(&error).await?,
    ///     },
    /// };
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn write_outcome(&self) -> WriteOutcome {
        self.inner.outcome
    }

    /// Whether it is unknown if the write was carried out: short for [`WriteOutcome::Unknown`].
    ///
    /// If false, the outcome is known: [`write_outcome`](Self::write_outcome) has it.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.write_outcome() == WriteOutcome::Unknown
    }

    /// Whether the same call may succeed later without anybody acting, and has the same effect as
    /// one call.
    ///
    /// Always false after the write was carried out. If the outcome is unknown, true only for a
    /// call that has the same effect twice: see the table of [`WriteOutcome`].
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        let may_be_repeated = match self.write_outcome() {
            WriteOutcome::NotWritten => true,
            WriteOutcome::Unknown => self.inner.is_repeatable,
            WriteOutcome::Written => false,
        };
        may_be_repeated && self.kind().is_transient()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.record(), self.kind())?;
        f.write_str(match (self.write_outcome(), self.kind()) {
            (WriteOutcome::Unknown, _) => "; an answer was lost, so the write may have been carried out (read the record to find out)",
            (
                WriteOutcome::Written,
                ErrorKind::Write(WriteError::AnswerLost)
                | ErrorKind::DynamoDb(ServiceError::TableNotReady),
            ) => "",
            (WriteOutcome::Written, _) if self.returned_item().is_some() => {
                "; the write was carried out, and this error has the record that it returned \
                 (`Table::open_returned` opens it)"
            }
            (WriteOutcome::Written, _) => "; the write itself was carried out",
            (
                WriteOutcome::NotWritten,
                ErrorKind::Write(
                    WriteError::ConditionFailed
                    | WriteError::Conflict { .. }
                    | WriteError::Taken { .. },
                ),
            ) => {
                "; nothing was written"
            }
            (WriteOutcome::NotWritten, _) => "",
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.kind().source()
    }
}

/// DynamoDB's error for the record `id`.
pub(crate) fn dynamodb_error<E>(
    operation: &'static str,
    table: &str,
    id: RecordId,
    error: SdkError<E>,
) -> Error
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static,
{
    let kind: ErrorKind = match error.code() {
        Some("ConditionalCheckFailedException") => WriteError::ConditionFailed.into(),
        _ => DynamoDbError::new(operation, table, error).into(),
    };
    Error::new(id, kind)
}
