//! Why a table of keys could not be read or changed. The public errors of both tables contain it.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use envelope_core::{BranchName, KeyError, KeyErrorKind, RandomError};

use crate::error::dynamodb::DynamoDbError;
use crate::error::no_answer::NoAnswer;
use crate::keys::key_table::KeyTable;
use crate::keys::key_table::purpose::Purpose;

/// What can fail in either table.
#[derive(Debug)]
pub(crate) enum KeyTableError {
    /// Others changed the branch at the same time, in every attempt. Nothing was written.
    Conflict(BranchName),
    Key(KeyError),
    DynamoDb(DynamoDbError),
}

impl From<KeyError> for KeyTableError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<RandomError> for KeyTableError {
    fn from(error: RandomError) -> Self {
        Self::Key(error.into())
    }
}

impl From<DynamoDbError> for KeyTableError {
    fn from(error: DynamoDbError) -> Self {
        Self::DynamoDb(error)
    }
}

impl<P> KeyTable<P> {
    /// The error of a request that changes nothing.
    pub(crate) fn failed<E>(&self, operation: &'static str, error: SdkError<E>) -> KeyTableError
    where
        E: ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static,
    {
        DynamoDbError::new(operation, &self.name, error).into()
    }
}

/// The error of an SDK builder that lacks a required field. The builders here have all of them.
pub(crate) fn unbuilt(error: impl std::error::Error + Send + Sync + 'static) -> KeyTableError {
    KeyError::new(KeyErrorKind::Other, "a request to DynamoDB cannot be built")
        .with_source(error)
        .into()
}

/// The error for a call that writes or reads a record.
pub(crate) fn of_dynamodb(purpose: Purpose, error: DynamoDbError) -> KeyError {
    let kind = match error.code() {
        Some(
            "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "RequestLimitExceeded",
        ) => KeyErrorKind::Throttled,
        Some("AccessDeniedException") => KeyErrorKind::AccessDenied,
        Some("ResourceNotFoundException") => KeyErrorKind::Configuration,
        _ if error.no_answer == Some(NoAnswer::NoCredentials) => KeyErrorKind::Configuration,
        _ if error.retryable => KeyErrorKind::Unreachable,
        _ => KeyErrorKind::Other,
    };
    let (operation, key) = (error.operation, purpose.key());
    let mut what = match error.code() {
        Some(code) => format!("{operation} on the table of {key}s was refused: {code}"),
        None => format!("{operation} did not reach the table of {key}s, or was not answered"),
    };
    for said in error.message.iter().chain(&error.cause) {
        what += &format!(": {said}");
    }
    match error.request_id {
        Some(id) => KeyError::new(kind, what).with_request_id(id),
        None => KeyError::new(kind, what),
    }
}
