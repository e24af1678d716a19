//! Errors of a write that the stored record decided.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::Fault;

/// The stored record did not allow the write, or the answer to the write was lost:
/// [`ErrorKind::Write`](crate::ErrorKind::Write).
///
/// Other programs and users cause these errors. The program decides at run time what to do.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::error::WriteError;
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
/// #     #[plaintext]
/// #     logins: u64,
/// # }
/// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into(), logins: 0 };
/// # let dynamodb = example::dynamodb(&[
/// #     ("PutItem", 400, r#"{ "__type": "ConditionalCheckFailedException" }"#),
/// #     ("UpdateItem", 400, r#"{ "__type": "ConditionalCheckFailedException" }"#),
/// # ]);
/// let users = Table::<User>::new(dynamodb, TestKeyProvider::default());
///
/// // There is such a user.
/// let error = users.put(&zoe).if_not_exists().send().await.unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)));
///
/// // There is no such user, and an update creates none.
/// let error = users.update("u_9").add(|user| user.logins, 1).send().await.unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Write(WriteError::NoRecord)));
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// The condition of the request did not hold.
    ///
    /// The error keeps the record that was found instead:
    /// [`Table::open_returned`](crate::Table::open_returned).
    ConditionFailed,
    /// There is no record under the key, and an update never creates one; nothing was written.
    NoRecord,
    /// Each time, another writer changed the record between reading and writing it, or a
    /// transaction held the record.
    Conflict {
        /// The number of tries.
        tries: u32,
    },
    /// Another record has the value of a `#[searchable(unique)]` field. Nothing was written.
    ///
    /// The error does not say which record it is, nor what the value is.
    Taken {
        /// The name of the field's search tag: the stored name of the field.
        field: &'static str,
    },
    /// The write was carried out, but the answer with the previous record was lost.
    ///
    /// If there was a record, the put replaced it or the delete removed it.
    AnswerLost,
}

impl WriteError {
    /// The program decides on a condition. Races and lost answers are the operator's: load and
    /// network.
    pub(crate) const fn fault(&self) -> Fault {
        match self {
            Self::ConditionFailed | Self::NoRecord | Self::Taken { .. } => Fault::Caller,
            Self::Conflict { .. } | Self::AnswerLost => Fault::Operator,
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConditionFailed => f.write_str("the condition did not hold"),
            Self::NoRecord => f.write_str("there is no record under this key; an update never creates one"),
            Self::Conflict { tries: 1 } => f.write_str("another writer changed the record after it was read"),
            Self::Conflict { tries } => {
                write!(f, "other writers changed the record after it was read, {tries} times in a row")
            }
            Self::Taken { field } => write!(
                f,
                "another record has the value of the unique field `{field}`"
            ),
            Self::AnswerLost => f.write_str(
                "the write was carried out, but DynamoDB's answer was lost, and with it the record that was stored before",
            ),
        }
    }
}

impl StdError for WriteError {}
