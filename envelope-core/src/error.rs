//! One error type per operation. Each says who must act, and none quotes a value of a record.
//!
//! | type | fails |
//! |---|---|
//! | [`SealError`] | [`seal`](crate::seal) |
//! | [`OpenError`] | [`open`](crate::open) |
//! | [`KeyError`] | a key provider |
//! | [`ContextError`] | building a [`Context`](crate::Context) |
//! | [`FormatError`] | parsing stored bytes |
//! | [`RandomError`] | the random generator of the operating system |
//!
//! Streams have errors of their own in [`stream`](crate::stream). A message names its cause, and
//! [`source`](StdError::source) continues behind that cause: printing the whole chain repeats
//! nothing.
//!
//! ```
//! use std::error::Error;
//! use envelope_core::error::{Fault, KeyError, KeyErrorKind, OpenError};
//!
//! let error = KeyError::new(KeyErrorKind::AccessDenied, "alias/users").with_source("HTTP 400");
//! let error = OpenError::Key(error);
//! assert_eq!(error.to_string(), "could not unwrap the data key: access denied: alias/users");
//! assert_eq!(error.source().unwrap().to_string(), "HTTP 400");
//! assert_eq!(error.fault(), Fault::Operator);
//! ```

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::context_form::ContextForm;

pub use crate::escaped::{Escaped, EscapedNames};
#[doc(no_inline)]
pub use crate::serde_error::ValueError;

/// Who must act on an error.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::{Fault, KeyError, KeyErrorKind};
///
/// fn who_must_act(fault: Fault) -> &'static str {
///     match fault {
///         Fault::Caller => "the author of the program",
///         Fault::Operator => "the operator of the service",
///         Fault::Data => "whoever looks after the table",
///         _ => "somebody",
///     }
/// }
///
/// let refused = KeyError::new(KeyErrorKind::AccessDenied, "alias/users");
/// assert_eq!(who_must_act(refused.fault()), "the operator of the service");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The author of the program: its input or its configuration is wrong.
    Caller,
    /// The operator of the service: keys, permissions, network or load.
    Operator,
    /// Retrying cannot help: the stored bytes are not a record that was sealed for this context.
    Data,
}

/// Why a key provider could not generate or unwrap a data key.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::{Fault, KeyError, KeyErrorKind};
///
/// let error = KeyError::new(KeyErrorKind::KeyDisabled, "the key alias/users is disabled")
///     .with_request_id("a1b2");
/// assert_eq!(error.to_string(), "key disabled: the key alias/users is disabled (request a1b2)");
/// assert_eq!(error.fault(), Fault::Operator);
/// assert!(!error.is_retryable());
/// ```
#[derive(Clone, Debug)]
pub struct KeyError {
    kind: KeyErrorKind,
    message: String,
    request_id: Option<String>,
    // Shared: every caller who waited for one call gets its error.
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What went wrong with a key.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::{KeyErrorKind, SealError};
/// use envelope_dynamo::message::{Context, seal};
/// use envelope_dynamo::testing::TestKeyProvider;
///
/// let provider = TestKeyProvider::default();
/// provider.fail_next(KeyErrorKind::Throttled);
/// match seal(b"dear", &Context::new("letters"), &provider).await {
///     Err(SealError::Key(error)) => {
///         assert_eq!(error.kind(), KeyErrorKind::Throttled);
///         assert!(error.is_retryable());
///     }
///     _ => panic!("the key provider was told to fail"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyErrorKind {
    /// The identity of the caller is not allowed to use the key (IAM, key policy, grant, or a
    /// condition on the encryption context).
    AccessDenied,
    /// The key is disabled.
    KeyDisabled,
    /// The key is scheduled for deletion, or in another state in which it cannot be used.
    PendingDeletion,
    /// The key does not exist.
    KeyNotFound,
    /// The data key was wrapped by a key that this provider is not configured to use.
    WrongKey,
    /// The wrapped key was changed, or wrapped for another encryption context. The provider cannot
    /// tell which.
    ContextMismatch,
    /// The configured key cannot wrap data keys.
    InvalidKeyUsage,
    /// The provider was called too often.
    Throttled,
    /// The provider could not be reached, or did not answer in time.
    Unreachable,
    /// The provider returned something else than was requested: another key, a key of the wrong
    /// length, or an empty blob.
    InvalidResponse,
    /// The configuration of the provider is not valid.
    Configuration,
    /// Anything else.
    Other,
}

impl KeyErrorKind {
    const fn describe(self) -> &'static str {
        match self {
            Self::AccessDenied => "access denied",
            Self::KeyDisabled => "key disabled",
            Self::PendingDeletion => "key pending deletion or unusable",
            Self::KeyNotFound => "key not found",
            Self::WrongKey => "wrong key",
            Self::ContextMismatch => "wrapped for another context, or changed",
            Self::InvalidKeyUsage => "key cannot wrap data keys",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::InvalidResponse => "invalid response",
            Self::Configuration => "invalid configuration",
            Self::Other => "key provider failed",
        }
    }

    const fn fault(self) -> Fault {
        match self {
            Self::ContextMismatch => Fault::Data,
            Self::Configuration => Fault::Caller,
            _ => Fault::Operator,
        }
    }
}

impl KeyError {
    /// An error of `kind`. The `message` names the key and what to do about it, and never contains
    /// key bytes or values of the encryption context.
    #[must_use]
    pub fn new(kind: KeyErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), request_id: None, source: None }
    }

    pub(crate) fn invalid_response(message: impl Into<String>) -> Self {
        Self::new(KeyErrorKind::InvalidResponse, message)
    }

    /// Adds the provider's request id, with which an operator finds the call in a log.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> KeyErrorKind {
        self.kind
    }

    /// The provider's id of the failed request, if it returned one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Whether the same call may succeed later although nobody acts.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, KeyErrorKind::Throttled | KeyErrorKind::Unreachable)
    }

    /// Who must act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.kind.fault()
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.describe(), self.message)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl StdError for KeyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The operating system gave no random bytes.
///
/// A key provider passes it on with `?`, as a [`KeyError`]:
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::{KeyError, RandomError};
/// use envelope_dynamo::keys::DataKey;
///
/// fn two_keys() -> Result<[DataKey; 2], KeyError> {
///     let one: Result<DataKey, RandomError> = DataKey::generate();
///     Ok([one?, DataKey::generate()?])
/// }
///
/// let [one, other] = two_keys()?;
/// assert_ne!(one.expose(), other.expose());
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomError(pub(crate) getrandom::Error);

impl fmt::Display for RandomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the operating system gave no random bytes: {}", self.0)
    }
}

impl StdError for RandomError {}

impl From<RandomError> for KeyError {
    fn from(error: RandomError) -> Self {
        Self::new(KeyErrorKind::Other, error.to_string())
    }
}

/// Why a [`Context`](crate::Context) is not valid.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::ContextError;
/// use envelope_dynamo::message::Context;
///
/// let error = Context::new("users").pair("table", "orders").unwrap_err();
/// assert_eq!(error, ContextError::ReservedName("table".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContextError {
    /// The name of a pair is empty, starts with `aws:`, or is one that the format sets itself.
    ReservedName(String),
    /// The value of a pair is empty, or its name is used twice. Names are compared without regard
    /// to case, as KMS grants do.
    Pair(String),
    /// An authenticated attribute is named twice.
    DuplicateAttribute(String),
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedName(name) => write!(
                f,
                "the encryption context cannot have a pair named `{}`: a name must not be empty or \
                 start with `aws:`, and the format itself sets `table`, `partition_key`, \
                 `sort_key` and `envelope`",
                Escaped(name)
            ),
            Self::Pair(name) => write!(
                f,
                "the pair `{}` of the encryption context has an empty value or is named twice",
                Escaped(name)
            ),
            Self::DuplicateAttribute(name) => {
                write!(f, "the authenticated attribute `{}` is named twice", Escaped(name))
            }
        }
    }
}

impl StdError for ContextError {}

/// Why bytes are not an `encrypted_payload`, an `encrypted_dek` or the header of a stream (FORMAT
/// 3, 4 and 12).
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::FormatError;
/// use envelope_dynamo::keys::EncryptedDek;
///
/// assert_eq!(EncryptedDek::parse(&[1, 0]), Err(FormatError::Truncated("encrypted_dek")));
/// assert_eq!(EncryptedDek::parse(&[9]), Err(FormatError::UnknownVersion("encrypted_dek", 9)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// The bytes end before the named part does.
    Truncated(&'static str),
    /// Bytes follow the end of the named part.
    TrailingBytes(&'static str),
    /// The named part has a version of the format that this reader does not know.
    UnknownVersion(&'static str, u8),
    /// The bytes were sealed with a cipher suite that this reader does not know.
    UnknownSuite(u8),
    /// The named part is not encoded as the format demands.
    Malformed(&'static str),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(part) => write!(f, "{part} is truncated"),
            Self::TrailingBytes(part) => write!(f, "unexpected bytes follow {part}"),
            Self::UnknownVersion(part, version) => {
                write!(
                    f,
                    "{part} has format version {version}, which this program does not know: \
                     upgrade the program, unless these bytes are not sealed data"
                )
            }
            Self::UnknownSuite(suite) => {
                write!(
                    f,
                    "sealed with cipher suite {suite}, which this program does not know: upgrade \
                     the program"
                )
            }
            Self::Malformed(part) => write!(f, "{part} is malformed"),
        }
    }
}

impl StdError for FormatError {}

/// Why data could not be sealed.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::{Fault, KeyErrorKind, SealError};
/// use envelope_dynamo::message::{Context, seal};
/// use envelope_dynamo::testing::TestKeyProvider;
///
/// let provider = TestKeyProvider::default();
/// provider.fail_next(KeyErrorKind::KeyDisabled);
/// let error = seal(b"dear", &Context::new("letters"), &provider).await.unwrap_err();
/// assert!(matches!(error, SealError::Key(_)));
/// assert_eq!(error.fault(), Fault::Operator);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SealError {
    /// The context is not valid.
    Context(ContextError),
    /// The key provider returned no data key.
    Key(KeyError),
    /// The operating system gave no random bytes.
    Random(RandomError),
    /// The plaintext is longer than AES-GCM can seal at once (NIST SP 800-38D: 64 GiB less 32
    /// bytes).
    TooLong,
    /// A stream has more than 2^32 chunks: 256 TiB of plaintext in chunks of the default size
    /// (FORMAT 12.3).
    TooManyChunks,
}

impl SealError {
    /// Who must act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Context(_) | Self::TooLong | Self::TooManyChunks => Fault::Caller,
            Self::Key(error) => error.fault(),
            Self::Random(_) => Fault::Operator,
        }
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context(error) => write!(f, "invalid context: {error}"),
            Self::Key(error) => write!(f, "could not get a data key: {error}"),
            Self::Random(error) => write!(f, "could not seal: {error}"),
            Self::TooLong => f.write_str(
                "the plaintext is longer than one AES-GCM message can be (64 GiB less 32 bytes): \
                 seal it as a stream",
            ),
            Self::TooManyChunks => f.write_str(
                "the stream has more than 2^32 chunks: use larger chunks or several streams",
            ),
        }
    }
}

impl StdError for SealError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // The message names the error itself.
            Self::Key(error) => error.source(),
            Self::Context(_) | Self::Random(_) | Self::TooLong | Self::TooManyChunks => None,
        }
    }
}

impl From<ContextError> for SealError {
    fn from(error: ContextError) -> Self {
        Self::Context(error)
    }
}

impl From<KeyError> for SealError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<RandomError> for SealError {
    fn from(error: RandomError) -> Self {
        Self::Random(error)
    }
}

/// Why sealed data could not be opened.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::{Fault, OpenError};
/// use envelope_dynamo::message::{Context, open, seal};
/// use envelope_dynamo::testing::TestKeyProvider;
///
/// let provider = TestKeyProvider::default();
/// let context = Context::new("letters");
/// let mut sealed = seal(b"dear", &context, &provider).await?;
/// *sealed.encrypted_payload.last_mut().unwrap() ^= 1;
/// let error = open(&sealed, &context, &provider).await.unwrap_err();
/// assert!(matches!(error, OpenError::Authentication));
/// assert_eq!(error.fault(), Fault::Data);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The stored bytes are not sealed data of this format.
    Format(FormatError),
    /// The context is not valid.
    Context(ContextError),
    /// The data key was wrapped under another context form than the reader uses.
    ContextForm {
        /// The form that the stored bytes name.
        written: ContextForm,
        /// The form of the reader's context.
        expected: ContextForm,
    },
    /// The context names other authenticated attributes than the stored bytes.
    AuthenticatedNames {
        /// The names in the stored bytes.
        written: Vec<String>,
        /// The names in the reader's context.
        given: Vec<String>,
    },
    /// The key provider did not unwrap the data key.
    Key(KeyError),
    /// The bytes, the context or the data key differ from those that were sealed.
    ///
    /// Every failure after a key was used is this one error. Which check failed would help only an
    /// attacker.
    Authentication,
}

impl OpenError {
    /// Who must act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Format(_) | Self::Authentication => Fault::Data,
            Self::Context(_) | Self::ContextForm { .. } | Self::AuthenticatedNames { .. } => {
                Fault::Caller
            }
            Self::Key(error) => error.fault(),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(error) => write!(f, "the stored bytes are not sealed data: {error}"),
            Self::Context(error) => write!(f, "invalid context: {error}"),
            Self::ContextForm { written, expected } => {
                write!(
                    f,
                    "sealed under the KMS context form `{written}`, but the reader uses \
                     `{expected}`: set kms_context = \"{written}\", or rewrite the records that \
                     have the other form"
                )
            }
            Self::AuthenticatedNames { written, given } => {
                write!(
                    f,
                    "sealed with the authenticated attributes [{}], but the reader names [{}]",
                    EscapedNames(written),
                    EscapedNames(given)
                )
            }
            Self::Key(error) => write!(f, "could not unwrap the data key: {error}"),
            Self::Authentication => f.write_str(
                "not authentic: the record was changed, moved from another place, or sealed under \
                 another key",
            ),
        }
    }
}

impl StdError for OpenError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // The message names the error itself.
            Self::Key(error) => error.source(),
            Self::Format(_)
            | Self::Context(_)
            | Self::ContextForm { .. }
            | Self::AuthenticatedNames { .. }
            | Self::Authentication => None,
        }
    }
}

impl From<FormatError> for OpenError {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl From<ContextError> for OpenError {
    fn from(error: ContextError) -> Self {
        Self::Context(error)
    }
}

impl From<KeyError> for OpenError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyError, KeyErrorKind, OpenError, RandomError};

    #[test]
    fn an_error_of_the_random_generator_names_its_reason() {
        let error = RandomError(getrandom::Error::UNSUPPORTED);
        let message =
            format!("the operating system gave no random bytes: {}", getrandom::Error::UNSUPPORTED);
        assert_eq!(error.to_string(), message);
        assert_eq!(KeyError::from(error).kind(), KeyErrorKind::Other);
    }

    #[test]
    fn a_name_from_the_table_cannot_start_a_line_in_a_log() {
        let forged = "plan]\n2026-11-21 INFO everything is fine\u{1b}[2J".to_owned();
        let error = OpenError::AuthenticatedNames {
            written: vec![forged],
            given: vec!["größe".to_owned()],
        };
        let message = error.to_string();
        assert!(!message.contains(char::is_control), "{message:?}");
        assert!(message.contains("größe"));
    }
}
