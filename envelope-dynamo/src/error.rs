//! What can go wrong with a record, and who must act.

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

/// Why a record could not be written or read: which record, and what is wrong with it.
///
/// The message names table, key and attribute, never a value; the key stands in the form that the
/// struct chose for the KMS context (`raw` as it is, `hashed` as a digest, `table` not at all).
///
/// [`WriteOutcome`] has a table of what a failed write means, and when the call may be repeated.
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
    /// Whether the call leads to the same end if it is made again after all.
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

    /// The same failure, better told.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    /// The error of a write of which a try may have been carried out.
    pub(crate) fn or_in_doubt(mut self, in_doubt: bool) -> Self {
        if in_doubt && self.inner.outcome == WriteOutcome::NotWritten {
            self.inner.outcome = WriteOutcome::Unknown;
        }
        self
    }

    /// The error of a call that leads to the same end if it is made twice.
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

    /// The error of a write that found `item` where it was to write.
    pub(crate) fn with_returned(mut self, item: Option<Item>) -> Self {
        self.inner.returned = item.map(Returned);
        self
    }

    /// The item that DynamoDB returned with the failed call, as it is stored: what is sealed in it
    /// is still sealed.
    ///
    /// It is the item that made a condition fail, or the item that a write returned and that could
    /// not be opened. Keep it where it would be lost otherwise: a delete has taken it out of
    /// the table. [`Table::open_returned`](crate::Table::open_returned) opens it.
    #[must_use]
    pub fn returned_item(&self) -> Option<&Item> {
        self.inner.returned.as_ref().map(|returned| &returned.0)
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// Which record.
    #[must_use]
    pub fn record(&self) -> &RecordId {
        &self.inner.record
    }

    /// Who can put it right.
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
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table, WriteOutcome};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let deleted = match users.delete("u_1").returning_old().send().await {
    ///     Ok(deleted) => deleted,
    ///     Err(error) => match error.write_outcome() {
    ///         WriteOutcome::NotWritten => return Err(error), // the record still stands
    ///         WriteOutcome::Unknown => return Err(error), // read the table before anything else is done
    ///         WriteOutcome::Written => users.open_returned(&error).await?, // it is gone, and the error has it
    ///     },
    /// };
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn write_outcome(&self) -> WriteOutcome {
        self.inner.outcome
    }

    /// Whether it is not known if the write was carried out: short for [`WriteOutcome::Unknown`].
    ///
    /// Where this is false the outcome is known, one way or the other:
    /// [`write_outcome`](Self::write_outcome) says which.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.write_outcome() == WriteOutcome::Unknown
    }

    /// Whether the same call may succeed later without anybody acting, and leads to the same end as
    /// one call.
    ///
    /// Never after the write was carried out; and where that is not known, only of a call that does
    /// no harm twice: see the table of [`WriteOutcome`].
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
                ErrorKind::Write(WriteError::ConditionFailed | WriteError::Conflict { .. }),
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
