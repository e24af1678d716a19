//! The kinds of errors, in groups that say who must act.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::{ContextError, Fault, KeyError, OpenError, RewrapError, SealError, ValueError};

use crate::error::data::DataError;
use crate::error::dynamodb::DynamoDbError;
use crate::error::key::DataKeyError;
use crate::error::marks::MarksError;
use crate::error::service::ServiceError;
use crate::error::usage::UsageError;
use crate::error::write::WriteError;

/// The kind of an [`Error`](crate::Error), in groups that say who must act.
///
/// | group | meaning | who must act | [`Fault`] |
/// |---|---|---|---|
/// | [`Usage`](Self::Usage) | the call, its values or the struct is wrong | the author of the program | `Caller` |
/// | [`Data`](Self::Data) | the stored item is not the record that was sealed | whoever looks after the data | `Data` |
/// | [`Write`](Self::Write) | the stored record did not allow the write | the program, at run time | `Caller` for a failed condition or an absent record, `Operator` for a race or a lost answer |
/// | [`Key`](Self::Key) | no data key could be made or unwrapped | the operator: keys, permissions, KMS | as [`KeyError::fault`] says |
/// | [`DynamoDb`](Self::DynamoDb) | DynamoDB refused, failed or was not reached | the operator: permissions, capacity, network | `Operator`, or `Caller` if DynamoDB finds the request invalid |
///
/// A service needs one arm for each group. The kinds that programs ask for most have a short form:
/// [`Error::is_condition_failure`](crate::Error::is_condition_failure),
/// [`Error::key_error`](crate::Error::key_error) and
/// [`Error::dynamodb_error`](crate::Error::dynamodb_error).
///
/// ```
/// use envelope_dynamo::error::{ErrorKind, WriteError};
///
/// fn http_status(kind: &ErrorKind) -> u16 {
///     match kind {
///         ErrorKind::Write(WriteError::NoRecord) => 404,
///         ErrorKind::Write(_) => 409,
///         ErrorKind::Key(_) | ErrorKind::DynamoDb(_) => 503,
///         _ => 500, // a bug in the program, or damaged data
///     }
/// }
/// assert_eq!(http_status(&WriteError::ConditionFailed.into()), 409);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call, its values or the struct is wrong; nothing was written.
    Usage(UsageError),
    /// The stored item is not a record of the struct, or not the one that was sealed.
    Data(DataError),
    /// The stored record did not allow the write, or the answer to the write was lost.
    Write(WriteError),
    /// A data key could not be made or unwrapped.
    Key(DataKeyError),
    /// DynamoDB refused a request, could not be reached, or did not do the work.
    DynamoDb(ServiceError),
}

impl ErrorKind {
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Usage(_) => Fault::Caller,
            Self::Data(_) => Fault::Data,
            Self::Write(error) => error.fault(),
            Self::Key(error) => error.fault(),
            Self::DynamoDb(error) => error.fault(),
        }
    }

    /// Whether what is wrong may pass by itself.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Usage(_) | Self::Data(_) => false,
            Self::Write(error) => matches!(error, WriteError::Conflict { .. }),
            Self::Key(error) => error.key_error().is_some_and(KeyError::is_retryable),
            Self::DynamoDb(error) => error.is_transient(),
        }
    }

    /// The error below the group's message, which names the group's own error itself.
    pub(crate) fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Usage(error) => error.source(),
            Self::Data(error) => error.source(),
            Self::Write(error) => error.source(),
            Self::Key(error) => error.source(),
            Self::DynamoDb(error) => error.source(),
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::Data(error) => error.fmt(f),
            Self::Write(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::DynamoDb(error) => error.fmt(f),
        }
    }
}

impl From<UsageError> for ErrorKind {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

impl From<DataError> for ErrorKind {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}

impl From<WriteError> for ErrorKind {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

impl From<DataKeyError> for ErrorKind {
    fn from(error: DataKeyError) -> Self {
        Self::Key(error)
    }
}

impl From<ServiceError> for ErrorKind {
    fn from(error: ServiceError) -> Self {
        Self::DynamoDb(error)
    }
}

impl From<DynamoDbError> for ErrorKind {
    fn from(error: DynamoDbError) -> Self {
        Self::DynamoDb(ServiceError::Request(error))
    }
}

impl From<SealError> for ErrorKind {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Key(error) => Self::Key(DataKeyError::Generate(error)),
            SealError::Random(error) => Self::Key(DataKeyError::Random(error)),
            error => Self::Usage(UsageError::Seal(error)),
        }
    }
}

impl From<OpenError> for ErrorKind {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Key(error) => Self::Key(DataKeyError::Unwrap(error)),
            error if error.fault() == Fault::Caller => Self::Usage(UsageError::Open(error)),
            error => Self::Data(DataError::Open(error)),
        }
    }
}

impl From<ContextError> for ErrorKind {
    fn from(error: ContextError) -> Self {
        Self::Usage(UsageError::Context(error))
    }
}

impl From<MarksError> for ErrorKind {
    fn from(error: MarksError) -> Self {
        Self::Usage(UsageError::Marks(error))
    }
}

impl From<ValueError> for ErrorKind {
    fn from(source: ValueError) -> Self {
        Self::Data(DataError::Deserialize { attribute: None, source })
    }
}

impl From<RewrapError> for ErrorKind {
    fn from(error: RewrapError) -> Self {
        match error {
            RewrapError::Format(error) => OpenError::Format(error).into(),
            RewrapError::ContextForm { written, expected } => {
                OpenError::ContextForm { written, expected }.into()
            }
            RewrapError::Key(error) => OpenError::Key(error).into(),
            RewrapError::OtherDataKey => {
                DataError::NotAuthentic { authenticated: Vec::new(), now_plaintext: Vec::new() }
                    .into()
            }
            _ => DataError::Malformed("the wrapped key cannot be moved to another context").into(),
        }
    }
}
