//! An error that DynamoDB returned, or the reason why it did not answer.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use envelope_core::Fault;

use crate::error::no_answer::{NoAnswer, innermost};
use crate::error::write_outcome::WriteOutcome;

/// A request that DynamoDB refused, or did not answer.
///
/// The message has everything that the SDK's error says: the code, DynamoDB's message and the
/// request id, or the innermost cause of a request without an answer. So this error has no
/// [`source`](StdError::source), and nothing is printed twice; [`sdk_error`](Self::sdk_error)
/// returns the SDK's own error.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use aws_sdk_dynamodb::operation::get_item::GetItemError;
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
/// # let dynamodb = example::dynamodb(&[
/// #     ("GetItem", 400, r#"{ "__type": "ResourceNotFoundException" }"#),
/// # ]);
/// // Nobody has created this table.
/// let users = Table::<User>::new(dynamodb, TestKeyProvider::default()).named("prod-users");
/// let error = users.get("u_1").send().await.err().expect("there is no table");
///
/// let refusal = error.dynamodb_error().expect("DynamoDB has refused");
/// assert_eq!(refusal.code(), Some("ResourceNotFoundException")); // None without an answer
/// assert_eq!(refusal.request_id(), Some("R1")); // for the support of AWS
/// assert!(refusal.to_string().contains("prod-users"), "the physical table");
///
/// let sdk_error = refusal.sdk_error().and_then(|error| error.downcast_ref::<GetItemError>());
/// assert!(sdk_error.is_some_and(|error| error.is_resource_not_found_exception()));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct DynamoDbError {
    pub(crate) operation: &'static str,
    /// The physical table.
    pub(crate) table: Box<str>,
    pub(crate) code: Option<Box<str>>,
    pub(crate) message: Option<Box<str>>,
    pub(crate) request_id: Option<Box<str>>,
    pub(crate) retryable: bool,
    /// Why the request was not answered, if the SDK could not dispatch it.
    pub(crate) no_answer: Option<NoAnswer>,
    /// The outcome for a table of branch keys; a record's error has its own.
    pub(crate) outcome: WriteOutcome,
    /// The innermost cause, where there was no answer.
    pub(crate) cause: Option<Box<str>>,
    pub(crate) sdk_error: Option<Arc<dyn StdError + Send + Sync>>,
}

impl DynamoDbError {
    /// The program must act on a request that DynamoDB finds invalid and on missing credentials;
    /// the operator on everything else.
    pub(crate) fn fault(&self) -> Fault {
        match (self.code(), self.no_answer) {
            (Some("ValidationException"), _) | (_, Some(NoAnswer::NoCredentials)) => Fault::Caller,
            _ => Fault::Operator,
        }
    }

    /// The error of a call that may have been carried out. It may be repeated only if
    /// `is_repeatable`.
    pub(crate) fn or_in_doubt(mut self, in_doubt: bool, is_repeatable: bool) -> Self {
        if in_doubt {
            self.outcome = WriteOutcome::Unknown;
            self.retryable &= is_repeatable;
        }
        self
    }

    /// DynamoDB's error code, such as `ResourceNotFoundException`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// DynamoDB's id of the request that failed.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The SDK's own error, such as a `GetItemError`, to downcast.
    ///
    /// There is none for an answer that the SDK could not read: the raw answer may hold items.
    #[must_use]
    pub fn sdk_error(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.sdk_error.as_deref()
    }
}

impl fmt::Display for DynamoDbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => {
                write!(f, "{} on the table {} was refused: {code}", self.operation, self.table)?
            }
            None if self.no_answer.is_some_and(|why| why != NoAnswer::Outage) => {
                write!(f, "{} on the table {} was not sent", self.operation, self.table)?;
            }
            None => {
                write!(
                    f,
                    "{} on the table {} did not reach DynamoDB, or was not answered by it",
                    self.operation, self.table
                )?;
            }
        }
        for said in self.message.iter().chain(&self.cause) {
            write!(f, ": {}", on_one_line(said))?;
        }
        if self.code() == Some("ResourceNotFoundException") {
            f.write_str(" (is it in this region and account, and is that its physical name?)")?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl StdError for DynamoDbError {}

/// A foreign text without line breaks and other control characters: it may quote what was sent.
pub(crate) fn on_one_line(said: &str) -> String {
    said.replace(char::is_control, " ")
}

/// The innermost cause of a request that was not sent or not answered.
fn cause<E>(error: &SdkError<E>) -> Option<Box<str>>
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    match error {
        SdkError::DispatchFailure(failure) => innermost(failure.as_connector_error()?),
        SdkError::TimeoutError(_) => Some("no answer in time".into()),
        SdkError::ConstructionFailure(_) => innermost(error),
        // The raw answer may hold items.
        SdkError::ResponseError(_) => Some("the answer could not be read".into()),
        // The body of such an answer is not DynamoDB's.
        SdkError::ServiceError(service) if error.code().is_none() => {
            Some(format!("HTTP status {}", service.raw().status().as_u16()).into())
        }
        _ => None,
    }
}

/// Why the request was not answered, if the SDK could not dispatch it.
pub(crate) fn no_answer<E>(error: &SdkError<E>) -> Option<NoAnswer> {
    match error {
        SdkError::DispatchFailure(failure) => failure.as_connector_error().map(NoAnswer::of),
        _ => None,
    }
}

pub(crate) fn is_retryable<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::DispatchFailure(_) => no_answer(error) == Some(NoAnswer::Outage),
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(service) if service.raw().status().is_server_error() => true,
        _ => matches!(
            error.code(),
            Some(
                "ProvisionedThroughputExceededException"
                    | "ThrottlingException"
                    | "RequestLimitExceeded"
                    | "TransactionConflictException"
                    | "TransactionInProgressException"
                    | "ReplicatedWriteConflictException"
            )
        ),
    }
}

impl DynamoDbError {
    pub(crate) fn new<E>(operation: &'static str, table: &str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static,
    {
        let no_answer = no_answer(&error);
        Self {
            operation,
            table: table.into(),
            retryable: is_retryable(&error),
            no_answer,
            outcome: WriteOutcome::NotWritten,
            message: error.message().or_else(|| no_answer?.describe()).map(Into::into),
            request_id: error.request_id().map(Into::into),
            code: error.code().map(Into::into),
            cause: cause(&error),
            sdk_error: match error {
                // The raw answer may hold items, and is printed by `Debug`.
                SdkError::ResponseError(_) => None,
                SdkError::ServiceError(service) => Some(Arc::new(service.into_err())),
                other => Some(Arc::new(other)),
            },
        }
    }
}
