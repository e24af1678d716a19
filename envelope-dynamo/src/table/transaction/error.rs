//! The error of a transaction, and the actions that prevented it.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::Fault;

use crate::error::Error;
use crate::error::dynamodb::DynamoDbError;
use crate::error::record_id::RecordId;
use crate::error::write_outcome::WriteOutcome;

/// The number of reasons that the message shows.
const SHOWN: usize = 5;

/// Why a transaction failed.
///
/// [`write_outcome`](Self::write_outcome) says whether it may have been carried out all the same.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use aws_sdk_dynamodb::config::{BehaviorVersion, Config};
/// use envelope_dynamo::error::KeyErrorKind;
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::transaction::TransactionErrorKind;
/// use envelope_dynamo::{Envelope, Table, WriteOutcome, transact_write};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
/// # let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
/// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// let keys = TestKeyProvider::default();
/// keys.fail_next(KeyErrorKind::AccessDenied);
/// let users = Table::<User>::new(dynamodb.clone(), keys);
///
/// let error = transact_write(&dynamodb).put(users.put(&zoe)).send().await.unwrap_err();
/// assert_eq!(error.write_outcome(), WriteOutcome::NotWritten);
/// match error.kind() {
///     TransactionErrorKind::Record(error) => assert!(error.key_error().is_some()),
///     TransactionErrorKind::Cancelled { reasons, .. } => println!("{} reasons", reasons.len()),
///     other => println!("{other:?}"),
/// }
/// # assert!(matches!(error.kind(), TransactionErrorKind::Record(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct TransactionError {
    // Boxed so that a `Result` stays small on the path without errors.
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    operation: &'static str,
    kind: TransactionErrorKind,
    outcome: WriteOutcome,
    /// Whether the caller can send the same transaction again, with the same token.
    is_repeatable: bool,
}

/// The reason why a transaction failed.
///
/// Mistakes in the list of actions are found before anything is sent:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use aws_sdk_dynamodb::config::{BehaviorVersion, Config};
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::transaction::TransactionErrorKind;
/// use envelope_dynamo::{Envelope, Table, transact_write};
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
/// # let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
/// # let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
/// let users = Table::<User>::new(dynamodb.clone(), TestKeyProvider::default());
/// let error = transact_write(&dynamodb)
///     .check(users.check("u_1").if_exists())
///     .update(users.update("u_1").add(|user| user.logins, 1))
///     .send()
///     .await
///     .unwrap_err();
/// // An update can have the condition itself: `.update(users.update("u_1").condition(..))`.
/// let TransactionErrorKind::SameRecord { record, positions } = error.kind() else { panic!() };
/// assert_eq!((record.to_string().as_str(), positions), ("users[user_id=u_1]", &[0, 1]));
/// # });
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum TransactionErrorKind {
    /// An action could not be prepared, and nothing was sent; or a record that was read does not
    /// open.
    Record(Error),
    /// The transaction has more than 100 actions, the limit of DynamoDB. Nothing was sent.
    TooManyActions {
        /// The number of actions.
        actions: usize,
    },
    /// The items together are larger than 4 MB, the limit of DynamoDB. Nothing was sent.
    TooLarge {
        /// Bytes of the items, attribute names included.
        bytes: usize,
    },
    /// Two actions are on the same record, which DynamoDB refuses. Nothing was sent.
    SameRecord {
        /// The record.
        record: RecordId,
        /// The positions of the two actions, counted from 0.
        positions: [usize; 2],
    },
    /// DynamoDB cancelled the transaction because of some of its records.
    Cancelled {
        /// The actions that prevented the transaction. Empty if DynamoDB does not say.
        reasons: Vec<TransactionReason>,
        /// The number of tries.
        tries: u32,
    },
    /// The client token was used within the last ten minutes for another transaction, or for
    /// another sealing of this one.
    TokenReused,
    /// The transaction was prepared so long ago that its search tags may be those of an older
    /// search key. This call sent nothing.
    OldSearchTags {
        /// The first record with such a tag.
        record: RecordId,
    },
    /// DynamoDB refused the request or could not be reached.
    DynamoDb(DynamoDbError),
}

impl TransactionError {
    pub(crate) fn new(operation: &'static str, kind: TransactionErrorKind) -> Self {
        let outcome = WriteOutcome::NotWritten;
        Self { inner: Box::new(Inner { operation, kind, outcome, is_repeatable: true }) }
    }

    pub(crate) fn or_in_doubt(mut self, in_doubt: bool) -> Self {
        if in_doubt {
            self.inner.outcome = WriteOutcome::Unknown;
        }
        self
    }

    /// Marks a transaction that the caller cannot send again: a new one would have another token.
    pub(crate) fn sent_once(mut self) -> Self {
        self.inner.is_repeatable = false;
        self
    }

    /// The reason, and whether the transaction may have been carried out.
    pub(crate) fn into_kind(self) -> (TransactionErrorKind, WriteOutcome) {
        (self.inner.kind, self.inner.outcome)
    }

    /// Whether DynamoDB is still carrying out an earlier attempt.
    pub(crate) fn is_in_progress(&self) -> bool {
        let TransactionErrorKind::DynamoDb(error) = self.kind() else { return false };
        error.code() == Some("TransactionInProgressException")
    }

    /// The reason why the transaction failed.
    #[must_use]
    pub fn kind(&self) -> &TransactionErrorKind {
        &self.inner.kind
    }

    /// The actions because of which DynamoDB cancelled the transaction, in their order. Empty if it
    /// was not cancelled.
    #[must_use]
    pub fn reasons(&self) -> &[TransactionReason] {
        match self.kind() {
            TransactionErrorKind::Cancelled { reasons, .. } => reasons,
            _ => &[],
        }
    }

    /// Whether the failed call wrote to the tables; [`WriteOutcome`] has a table of what each error
    /// means.
    #[must_use]
    pub fn write_outcome(&self) -> WriteOutcome {
        self.inner.outcome
    }

    /// Whether the transaction may have been carried out although it failed: short for
    /// [`WriteOutcome::Unknown`]. It was sent, and no answer came that tells.
    ///
    /// Send it again with
    /// [`PreparedTransaction::send`](crate::transaction::PreparedTransaction::send): for ten
    /// minutes, that tells for certain.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.write_outcome() == WriteOutcome::Unknown
    }

    /// Who must act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self.kind() {
            TransactionErrorKind::Record(error) => error.fault(),
            TransactionErrorKind::Cancelled { reasons, .. } => {
                let faults = || reasons.iter().map(|reason| reason.error.fault());
                faults()
                    .find(|fault| *fault == Fault::Caller)
                    .or_else(|| faults().next())
                    .unwrap_or(Fault::Operator)
            }
            TransactionErrorKind::DynamoDb(error) => error.fault(),
            TransactionErrorKind::TooManyActions { .. }
            | TransactionErrorKind::TooLarge { .. }
            | TransactionErrorKind::SameRecord { .. }
            | TransactionErrorKind::TokenReused
            | TransactionErrorKind::OldSearchTags { .. } => Fault::Caller,
        }
    }

    /// Whether the same call may succeed later without anybody acting, and has the effect of one
    /// call.
    ///
    /// If the transaction is in doubt, only
    /// [`PreparedTransaction::send`](crate::transaction::PreparedTransaction::send) may be
    /// repeated: DynamoDB recognizes its token for ten minutes. A transaction that is built
    /// again has another token and would be carried out again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        (self.inner.is_repeatable || !self.is_in_doubt()) && self.is_transient()
    }

    /// Whether the cause may pass without anybody acting.
    fn is_transient(&self) -> bool {
        match self.kind() {
            TransactionErrorKind::Record(error) => error.is_retryable(),
            TransactionErrorKind::Cancelled { reasons, .. } => {
                !reasons.is_empty() && reasons.iter().all(|reason| reason.error.is_retryable())
            }
            TransactionErrorKind::DynamoDb(error) => error.retryable,
            _ => false,
        }
    }
}

impl fmt::Display for TransactionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.inner.operation;
        match self.kind() {
            TransactionErrorKind::Record(error) => write!(f, "{operation}: {error}")?,
            TransactionErrorKind::TooManyActions { actions } => write!(
                f,
                "{operation}: {actions} actions, more than the {} that DynamoDB takes at once; nothing was sent",
                crate::table::transaction::MAX_ACTIONS
            )?,
            TransactionErrorKind::TooLarge { bytes } => write!(
                f,
                "{operation}: the items are {bytes} bytes together, more than the {} that DynamoDB takes at once; nothing was sent",
                crate::table::transaction::MAX_BYTES
            )?,
            TransactionErrorKind::SameRecord { record, positions: [first, second] } => write!(
                f,
                "{operation}: actions {first} and {second} are both on {record}, and DynamoDB takes one action on a record; nothing was sent"
            )?,
            TransactionErrorKind::Cancelled { reasons, tries } => {
                write!(f, "{operation} was cancelled by DynamoDB")?;
                if *tries > 1 {
                    write!(f, " {tries} times")?;
                }
                for (i, reason) in reasons.iter().take(SHOWN).enumerate() {
                    write!(f, "{}{reason}", if i == 0 { ": " } else { "; " })?;
                }
                if let others @ 1.. = reasons.len().saturating_sub(SHOWN) {
                    write!(f, "; and {others} more")?;
                }
            }
            TransactionErrorKind::TokenReused => write!(
                f,
                "{operation}: the client token was used in the last ten minutes for another transaction, or for another \
                 sealing of this one (prepare it once, and send that again)"
            )?,
            TransactionErrorKind::OldSearchTags { record } => write!(
                f,
                "{operation}: the search tags of {record} were computed longer ago than the `max_age` of the search \
                 keys, so searches might miss the record; not sent (prepare the transaction again)"
            )?,
            TransactionErrorKind::DynamoDb(error) => write!(f, "{error}")?,
        }
        f.write_str(match (self.is_in_doubt(), self.is_in_progress()) {
            (true, true) => {
                "; an earlier try of it is still being carried out (send the same prepared transaction again)"
            }
            (true, false) => {
                "; the answer to a try was lost, so the transaction may have been carried out all the same"
            }
            (false, _) => "",
        })
    }
}

impl StdError for TransactionError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.kind() {
            TransactionErrorKind::Record(error) => error.source(),
            _ => None,
        }
    }
}

/// An action because of which a transaction was cancelled.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, Table, transact_write};
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
/// # let dynamodb = example::dynamodb(&[("TransactWriteItems", 400, r#"{
/// #     "__type": "TransactionCanceledException",
/// #     "CancellationReasons": [{ "Code": "None" }, { "Code": "ConditionalCheckFailed" }] }"#)]);
/// let users = Table::<User>::new(dynamodb.clone(), TestKeyProvider::default());
/// let error = transact_write(&dynamodb)
///     .put(users.put(&zoe).if_not_exists())
///     .delete(users.delete("u_2").if_exists())
///     .send()
///     .await
///     .unwrap_err();
/// // Actions that had no part in it are no reasons.
/// let [reason] = error.reasons() else { panic!("{error}") };
/// assert_eq!(reason.position(), 1); // the delete
/// assert_eq!(reason.error().record().to_string(), "users[user_id=u_2]");
/// assert!(reason.error().is_condition_failure(), "there is no such user");
/// # });
/// ```
#[derive(Debug)]
pub struct TransactionReason {
    pub(crate) position: usize,
    pub(crate) error: Error,
}

impl TransactionReason {
    /// The position of the action, counted from 0.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Which record, and why: [`ConditionFailed`](crate::error::WriteError::ConditionFailed),
    /// [`Taken`](crate::error::WriteError::Taken) if another record has a unique value of the put,
    /// [`Cancelled`](crate::error::ServiceError::Cancelled), or
    /// [`WrongEntity`](crate::error::DataError::WrongEntity) for an item of another type.
    #[must_use]
    pub const fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for TransactionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "action {}, {}", self.position, self.error)
    }
}
