//! Errors of DynamoDB itself.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::Fault;

use crate::error::dynamodb::DynamoDbError;

/// DynamoDB refused a request, could not be reached, or did not do the work:
/// [`ErrorKind::DynamoDb`](crate::ErrorKind::DynamoDb).
///
/// A throttled table shows in three ways: in a single call, in a batch and in a transaction.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::error::ServiceError;
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, ErrorKind, Table};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// fn is_throttled(kind: &ErrorKind) -> bool {
///     let ErrorKind::DynamoDb(error) = kind else { return false };
///     match error {
///         ServiceError::Request(refusal) => {
///             matches!(
///                 refusal.code(),
///                 Some("ProvisionedThroughputExceededException" | "ThrottlingException")
///             )
///         }
///         ServiceError::Unprocessed { .. } => true,
///         ServiceError::Cancelled { code, .. } => {
///             matches!(&**code, "ProvisionedThroughputExceeded" | "ThrottlingError")
///         }
///         _ => false,
///     }
/// }
///
/// # let dynamodb = example::dynamodb(&[
/// #     ("GetItem", 400, r#"{ "__type": "ProvisionedThroughputExceededException" }"#),
/// # ]);
/// let users = Table::<User>::new(dynamodb, TestKeyProvider::default());
/// let error = users.get("u_1").send().await.err().expect("the table is throttled");
/// assert!(is_throttled(error.kind()) && error.is_retryable());
/// assert!(is_throttled(&ServiceError::Unprocessed { tries: 10 }.into()));
/// # });
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ServiceError {
    /// DynamoDB refused the request or could not be reached.
    Request(DynamoDbError),
    /// A transaction was cancelled because of this record, but not because of a condition; nothing
    /// was written.
    Cancelled {
        /// DynamoDB's code, such as `TransactionConflict` (Amazon DynamoDB API Reference,
        /// "CancellationReason").
        code: Box<str>,
        /// DynamoDB's message.
        message: Option<Box<str>>,
    },
    /// DynamoDB answered, but did not process the record: the table is throttled. The record was
    /// not read or written.
    Unprocessed {
        /// The number of requests in a row that made no progress.
        tries: u32,
    },
    /// The table was created, and could not be used within two minutes.
    TableNotReady,
}

impl ServiceError {
    /// A request that DynamoDB finds invalid is the program's; everything else the operator's.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Request(error) => error.fault(),
            Self::Cancelled { code, .. } if &**code == "ValidationError" => Fault::Caller,
            Self::Cancelled { .. } | Self::Unprocessed { .. } | Self::TableNotReady => {
                Fault::Operator
            }
        }
    }

    /// Whether the same request may succeed later without anybody acting.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Request(error) => error.retryable,
            Self::Unprocessed { .. } => true,
            Self::Cancelled { code, .. } => matches!(
                &**code,
                "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded"
            ),
            Self::TableNotReady => false,
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => write!(f, "{error}"),
            Self::Cancelled { code, message } => {
                f.write_str(code)?;
                message.as_deref().map_or(Ok(()), |message| write!(f, ": {message}"))
            }
            Self::Unprocessed { tries } => {
                write!(
                    f,
                    "DynamoDB left the record unprocessed {tries} times in a row: has the table enough capacity?"
                )
            }
            Self::TableNotReady => f.write_str("the table was created, but it was not seen ready within two minutes: look at its status, and at the right to dynamodb:DescribeTable"),
        }
    }
}

impl StdError for ServiceError {}
