//! Turns errors of KMS into kinds that a caller can match.

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::RequestId;
use envelope_core::{KeyError, KeyErrorKind};

use crate::error::dynamodb::on_one_line;
use crate::error::no_answer::{NoAnswer, innermost};
use crate::keys::kms::arn::advice;

/// The error of `operation` with `key`.
pub(crate) fn key_error<E>(error: SdkError<E>, key: &str, operation: &str) -> KeyError
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static,
{
    let kind = kind(&error);
    let code = error.code().unwrap_or(match &error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(failure) => {
            let why = failure.as_connector_error().and_then(|error| NoAnswer::of(error).describe());
            why.unwrap_or("KMS could not be reached")
        }
        SdkError::ConstructionFailure(_) => "the request could not be built",
        _ => "an answer that is not KMS's",
    });
    let request_id = error.request_id().map(str::to_owned);
    let mut what = format!("{operation} with {key}: {code}");
    let cause = match &error {
        SdkError::DispatchFailure(failure) => {
            failure.as_connector_error().and_then(|error| innermost(error))
        }
        SdkError::ConstructionFailure(_) => innermost(&error),
        _ => error.message().map(Into::into),
    };
    if let Some(cause) = cause {
        // KMS may quote what it was sent: the encryption context, and so keys of records.
        what += &format!(": {}", on_one_line(&cause));
    }
    if matches!(kind, KeyErrorKind::KeyNotFound | KeyErrorKind::Configuration) {
        what += &advice(key);
    }
    // The message says everything that the SDK's error says, so that error is no source: a chain
    // would print it twice. The raw answer may hold a data key, and is not printed at all.
    with_request_id(KeyError::new(kind, what), request_id)
}

/// Adds the id of the request that failed, if the answer had one.
pub(crate) fn with_request_id(error: KeyError, request_id: Option<String>) -> KeyError {
    match request_id {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}

/// Matches error codes by name, because the SDK has no types for several of them.
fn kind<E: ProvideErrorMetadata>(error: &SdkError<E>) -> KeyErrorKind {
    match error.code() {
        Some("AccessDeniedException" | "NotAuthorizedException") => KeyErrorKind::AccessDenied,
        Some("DisabledException") => KeyErrorKind::KeyDisabled,
        Some("KMSInvalidStateException") => KeyErrorKind::PendingDeletion,
        Some("NotFoundException") => KeyErrorKind::KeyNotFound,
        Some("IncorrectKeyException") => KeyErrorKind::WrongKey,
        Some("InvalidCiphertextException") => KeyErrorKind::ContextMismatch,
        Some("InvalidKeyUsageException") => KeyErrorKind::InvalidKeyUsage,
        Some("ThrottlingException" | "LimitExceededException" | "TooManyRequestsException") => {
            KeyErrorKind::Throttled
        }
        Some(
            "KeyUnavailableException"
            | "DependencyTimeoutException"
            | "KMSInternalException"
            | "ServiceUnavailable",
        ) => KeyErrorKind::Unreachable,
        Some("InvalidArnException" | "ValidationException" | "InvalidGrantTokenException") => {
            KeyErrorKind::Configuration
        }
        Some(_) => KeyErrorKind::Other,
        None => match error {
            SdkError::TimeoutError(_) | SdkError::ResponseError(_) => KeyErrorKind::Unreachable,
            SdkError::DispatchFailure(failure) => match failure
                .as_connector_error()
                .map(NoAnswer::of)
            {
                Some(NoAnswer::Outage) => KeyErrorKind::Unreachable,
                Some(NoAnswer::NoCredentials) => KeyErrorKind::Configuration,
                Some(NoAnswer::CredentialsRefused | NoAnswer::Other) | None => KeyErrorKind::Other,
            },
            SdkError::ServiceError(service) if service.raw().status().is_server_error() => {
                KeyErrorKind::Unreachable
            }
            SdkError::ServiceError(service) if service.raw().status().is_success() => {
                KeyErrorKind::InvalidResponse
            }
            SdkError::ConstructionFailure(_) => KeyErrorKind::Configuration,
            _ => KeyErrorKind::Other,
        },
    }
}
