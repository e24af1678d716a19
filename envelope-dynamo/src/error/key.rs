//! Errors of data keys: what the key provider refused or could not do.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::{Fault, KeyError, KeyErrorKind, RandomError};

/// A data key could not be made or unwrapped: [`ErrorKind::Key`](crate::ErrorKind::Key).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::error::{DataKeyError, KeyErrorKind};
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, ErrorKind, from_item, to_item};
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
/// let keys = TestKeyProvider::default();
/// let item = to_item(&zoe, &keys).await?;
/// keys.fail_next(KeyErrorKind::AccessDenied); // as KMS without `kms:Decrypt`
/// let error = from_item::<User>(item, &keys).await.err().expect("KMS has refused");
/// assert!(matches!(error.kind(), ErrorKind::Key(DataKeyError::Unwrap(_))));
/// assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::AccessDenied);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum DataKeyError {
    /// The key provider did not generate a data key; nothing was sent to DynamoDB.
    Generate(KeyError),
    /// The key provider did not unwrap the record's data key.
    Unwrap(KeyError),
    /// The search keys of the table could not be had; no record was sent to DynamoDB.
    Search(KeyError),
    /// The operating system gave no random bytes; nothing was sent to DynamoDB.
    Random(RandomError),
}

impl DataKeyError {
    /// The key provider's error.
    pub(crate) const fn key_error(&self) -> Option<&KeyError> {
        match self {
            Self::Generate(error) | Self::Unwrap(error) | Self::Search(error) => Some(error),
            Self::Random(_) => None,
        }
    }

    /// Whoever the key provider names; random bytes are the operator's.
    pub(crate) fn fault(&self) -> Fault {
        self.key_error().map_or(Fault::Operator, KeyError::fault)
    }
}

impl fmt::Display for DataKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generate(error) => write!(f, "could not get a data key: {error}"),
            Self::Unwrap(error) if error.kind() == KeyErrorKind::ContextMismatch => write!(
                f,
                "the data key does not belong to this record (was the record copied from another \
                 key or table, or has `table = \"..\"` or a pair of its KMS context changed?): \
                 {error}"
            ),
            Self::Unwrap(error) => write!(f, "could not unwrap the data key: {error}"),
            Self::Search(error) => write!(f, "could not get the search keys: {error}"),
            Self::Random(error) => write!(f, "could not seal: {error}"),
        }
    }
}

impl StdError for DataKeyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The message names the key provider's error itself.
        self.key_error()?.source()
    }
}
