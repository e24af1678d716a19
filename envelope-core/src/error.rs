//! One error type per operation; each says who must act and never quotes a value.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::escaped::{Escaped, EscapedNames};
use crate::context_form::ContextForm;

/// Who can put an error right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The program that made the call: its input or its configuration.
    Caller,
    /// Whoever runs the service: keys, permissions, network, load.
    Operator,
    /// Nobody by trying again: what is stored is not a record that was sealed for this place.
    Data,
}

/// Why a key provider could not generate or unwrap a data key.
///
/// ```
/// use envelope_core::{Fault, KeyError, KeyErrorKind};
///
/// let error = KeyError::new(KeyErrorKind::KeyDisabled, "the key alias/users is disabled").with_request_id("a1b2");
/// assert_eq!(error.to_string(), "key disabled: the key alias/users is disabled (request a1b2)");
/// assert_eq!(error.fault(), Fault::Operator);
/// assert!(!error.is_retryable());
/// ```
#[derive(Clone, Debug)]
pub struct KeyError {
    kind: KeyErrorKind,
    message: String,
    request_id: Option<String>,
    // Shared, so that everybody who waited for one call gets its error.
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What went wrong with a key: what a caller matches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyErrorKind {
    /// The caller's identity may not use the key (IAM, key policy, grant, or encryption-context
    /// condition).
    AccessDenied,
    /// The key is disabled.
    KeyDisabled,
    /// The key is scheduled for deletion, or in another state in which it cannot be used.
    PendingDeletion,
    /// The key does not exist.
    KeyNotFound,
    /// The data key is wrapped by a key that this provider is not configured to use.
    WrongKey,
    /// The wrapped key was changed, or its encryption context is not this record's: the provider
    /// cannot tell which.
    ContextMismatch,
    /// The configured key is not one that wraps data keys.
    InvalidKeyUsage,
    /// The provider is asked too often.
    Throttled,
    /// The provider could not be reached or did not answer in time.
    Unreachable,
    /// The provider's answer is not what was asked for: another key, a key of the wrong length, an
    /// empty blob.
    InvalidResponse,
    /// The provider's configuration is unusable.
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
            Self::ContextMismatch => "not wrapped for this place, or changed",
            Self::InvalidKeyUsage => "key not usable for data keys",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::InvalidResponse => "invalid answer",
            Self::Configuration => "configuration",
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
    /// An error of `kind`; `message` names the key and what to do, never key bytes or context
    /// values.
    #[must_use]
    pub fn new(kind: KeyErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), request_id: None, source: None }
    }

    pub(crate) fn invalid_response(message: impl Into<String>) -> Self {
        Self::new(KeyErrorKind::InvalidResponse, message)
    }

    /// Adds the provider's request id, by which its operator finds the call in a log.
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

    /// The provider's id of the request that failed, where it gave one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Whether the same call may succeed later without anybody acting.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, KeyErrorKind::Throttled | KeyErrorKind::Unreachable)
    }

    /// Who can put it right.
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

/// A [`Context`](crate::Context) that cannot be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContextError {
    /// The name of a context pair is empty, starts with `aws:`, or is one the format uses itself.
    ReservedName(String),
    /// A context pair has no value, or a name stands twice (KMS grants compare names without regard
    /// to case).
    Pair(String),
    /// An authenticated attribute's name stands twice.
    DuplicateAttribute(String),
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedName(name) => write!(
                f,
                "the encryption context cannot have a pair named `{}`: names are not empty, do not start with `aws:`, \
                 and `table`, `partition_key`, `sort_key` and `envelope` are taken",
                Escaped(name)
            ),
            Self::Pair(name) => write!(
                f,
                "the encryption context pair `{}` is empty or stands twice",
                Escaped(name)
            ),
            Self::DuplicateAttribute(name) => {
                write!(f, "the authenticated attribute `{}` stands twice", Escaped(name))
            }
        }
    }
}

impl StdError for ContextError {}

/// Bytes that are not an `encrypted_payload`, an `encrypted_dek` or the header of a stream (FORMAT
/// 3, 4 and 12).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// The bytes end before the named part does.
    Truncated(&'static str),
    /// Bytes follow the end.
    TrailingBytes(&'static str),
    /// Written by a version of the format that this reader does not know.
    UnknownVersion(&'static str, u8),
    /// Sealed with a suite that this reader does not know.
    UnknownSuite(u8),
    /// A part is not encoded in the one way the format allows.
    Malformed(&'static str),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(part) => write!(f, "{part} is cut short"),
            Self::TrailingBytes(part) => write!(f, "{part} has bytes after its end"),
            Self::UnknownVersion(part, version) => {
                write!(
                    f,
                    "{part} has format version {version}, which this reader does not know: upgrade it, or the bytes are no record"
                )
            }
            Self::UnknownSuite(suite) => {
                write!(f, "sealed with suite {suite}, which this reader does not know: upgrade it")
            }
            Self::Malformed(part) => write!(f, "{part} is malformed"),
        }
    }
}

impl StdError for FormatError {}

/// Why something could not be sealed.
#[derive(Debug)]
#[non_exhaustive]
pub enum SealError {
    /// The context cannot be bound.
    Context(ContextError),
    /// No data key was to be had.
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
    /// Who can put it right.
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
            Self::Context(_) => f.write_str("the context cannot be bound"),
            Self::Key(_) => f.write_str("no data key to seal with"),
            Self::Random(_) => f.write_str("no random bytes to seal with"),
            Self::TooLong => f.write_str("the plaintext is longer than one AES-GCM message may be"),
            Self::TooManyChunks => f.write_str(
                "the stream is longer than 2^32 chunks: take larger chunks, or several streams",
            ),
        }
    }
}

impl StdError for SealError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Context(error) => Some(error),
            Self::Key(error) => Some(error),
            Self::Random(error) => Some(error),
            Self::TooLong | Self::TooManyChunks => None,
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

/// Why something could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The stored bytes are not of this format.
    Format(FormatError),
    /// The context cannot be bound.
    Context(ContextError),
    /// The data key was wrapped under another context form than the reader uses.
    ContextForm {
        /// The form the stored bytes name.
        written: ContextForm,
        /// The form the reader's context uses.
        expected: ContextForm,
    },
    /// The context names other authenticated attributes than the stored bytes do.
    AuthenticatedNames {
        /// The names that the stored bytes carry.
        written: Vec<String>,
        /// The names that the context carries.
        given: Vec<String>,
    },
    /// The data key was not to be had.
    Key(KeyError),
    /// The bytes, their associated data or their data key are not those that were sealed.
    ///
    /// After a key has been used there is this one answer, without detail: what failed would help
    /// only an attacker.
    Authentication,
}

impl OpenError {
    /// Who can put it right.
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
            Self::Format(_) => f.write_str("the stored bytes are not a sealed record"),
            Self::Context(_) => f.write_str("the context cannot be bound"),
            Self::ContextForm { written, expected } => {
                write!(
                    f,
                    "sealed under the KMS context form `{written}`, but the reader uses `{expected}`: a form cannot change \
                     while there are records under another (set kms_context = \"{written}\", or rewrite them)"
                )
            }
            Self::AuthenticatedNames { written, given } => {
                write!(
                    f,
                    "sealed with authenticated attributes [{}], but opened with [{}]",
                    EscapedNames(written),
                    EscapedNames(given)
                )
            }
            Self::Key(_) => f.write_str("the data key could not be unwrapped"),
            Self::Authentication => f.write_str(
                "not authentic: the record was changed, moved from another place, or sealed under another key",
            ),
        }
    }
}

impl StdError for OpenError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Format(error) => Some(error),
            Self::Context(error) => Some(error),
            Self::Key(error) => Some(error),
            Self::ContextForm { .. } | Self::AuthenticatedNames { .. } | Self::Authentication => {
                None
            }
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
    fn a_system_that_gives_no_random_bytes_is_named_with_its_reason() {
        let error = RandomError(getrandom::Error::UNSUPPORTED);
        let said =
            format!("the operating system gave no random bytes: {}", getrandom::Error::UNSUPPORTED);
        assert_eq!(error.to_string(), said);
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
