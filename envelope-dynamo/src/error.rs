//! What can go wrong with a record, and who must act.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use envelope_core::{
    ContextError, ContextForm, Escaped, EscapedNames, Fault, KeyError, OpenError, SealError,
    ValueError,
};

use crate::binding::Item;
use crate::marks::MarksError;
use crate::outage::NoAnswer;
use crate::outcome::WriteOutcome;

/// Why a record could not be written or read: which record, and what is wrong with it.
///
/// The message names table, key and attribute, never a value; the key stands in the form that the
/// struct chose for the KMS context (`raw` as it is, `hashed` as a digest, `table` not at all).
///
/// [`WriteOutcome`] has a table of what a failed write means, and when the call may be repeated.
#[derive(Debug)]
pub struct Error {
    // Boxed so that a `Result` stays small on the path without errors.
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    record: RecordId,
    kind: ErrorKind,
    outcome: WriteOutcome,
    /// Whether the call leads to the same end if it is made again after all.
    is_repeatable: bool,
    returned: Option<Returned>,
}

/// The item that DynamoDB returned; its values are not printed.
struct Returned(Item);

impl fmt::Debug for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Returned({} attributes)", self.0.len())
    }
}

impl Error {
    pub(crate) fn new(record: RecordId, kind: impl Into<ErrorKind>) -> Self {
        let (kind, outcome) = (kind.into(), WriteOutcome::NotWritten);
        Self {
            inner: Box::new(Inner { record, kind, outcome, is_repeatable: false, returned: None }),
        }
    }

    /// The same failure, better told.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    /// The error of a write of which a try may have been carried out.
    pub(crate) fn or_in_doubt(mut self, in_doubt: bool) -> Self {
        if in_doubt && self.inner.outcome == WriteOutcome::NotWritten {
            self.inner.outcome = WriteOutcome::Unknown;
        }
        self
    }

    /// The error of a call that leads to the same end if it is made twice.
    pub(crate) fn repeatable_if(mut self, is_repeatable: bool) -> Self {
        self.inner.is_repeatable = is_repeatable;
        self
    }

    /// An error that came after the write was carried out; `returned` is the item that the write
    /// returned.
    pub(crate) fn after_write(mut self, returned: Option<Item>) -> Self {
        self.inner.outcome = WriteOutcome::Written;
        self.with_returned(returned)
    }

    /// The error of a write that found `item` where it was to write.
    pub(crate) fn with_returned(mut self, item: Option<Item>) -> Self {
        self.inner.returned = item.map(Returned);
        self
    }

    /// The item that DynamoDB returned with the failed call, as it is stored: what is sealed in it
    /// is still sealed.
    ///
    /// It is the item that made a condition fail, or the item that a write returned and that could
    /// not be opened. Keep it where it would be lost otherwise: a delete has taken it out of
    /// the table. [`Table::open_returned`](crate::Table::open_returned) opens it.
    #[must_use]
    pub fn returned_item(&self) -> Option<&Item> {
        self.inner.returned.as_ref().map(|returned| &returned.0)
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// Which record.
    #[must_use]
    pub fn record(&self) -> &RecordId {
        &self.inner.record
    }

    /// Who can put it right.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.kind().fault()
    }

    /// The key provider's error, if that is what failed.
    #[must_use]
    pub fn key_error(&self) -> Option<&KeyError> {
        match self.kind() {
            ErrorKind::Seal(SealError::Key(error)) | ErrorKind::Open(OpenError::Key(error)) => {
                Some(error)
            }
            _ => None,
        }
    }

    /// Whether the failed call wrote to the table; [`WriteOutcome`] has a table of what each error
    /// means.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table, WriteOutcome};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let deleted = match users.delete("u_1").returning_old().send().await {
    ///     Ok(deleted) => deleted,
    ///     Err(error) => match error.write_outcome() {
    ///         WriteOutcome::NotWritten => return Err(error), // the record still stands
    ///         WriteOutcome::Unknown => return Err(error), // read the table before anything else is done
    ///         WriteOutcome::Written => users.open_returned(&error).await?, // it is gone, and the error has it
    ///     },
    /// };
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn write_outcome(&self) -> WriteOutcome {
        self.inner.outcome
    }

    /// Whether it is not known if the write was carried out: short for [`WriteOutcome::Unknown`].
    ///
    /// Where this is false the outcome is known, one way or the other:
    /// [`write_outcome`](Self::write_outcome) says which.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.write_outcome() == WriteOutcome::Unknown
    }

    /// Whether the same call may succeed later without anybody acting, and leads to the same end as
    /// one call.
    ///
    /// Never after the write was carried out; and where that is not known, only of a call that does
    /// no harm twice: see the table of [`WriteOutcome`].
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        let may_be_repeated = match self.write_outcome() {
            WriteOutcome::NotWritten => true,
            WriteOutcome::Unknown => self.inner.is_repeatable,
            WriteOutcome::Written => false,
        };
        may_be_repeated && self.is_transient()
    }

    /// Whether what is wrong may pass by itself.
    fn is_transient(&self) -> bool {
        match self.kind() {
            ErrorKind::DynamoDb(error) => error.retryable,
            ErrorKind::Conflict { .. } | ErrorKind::Unprocessed { .. } => true,
            ErrorKind::Cancelled { code, .. } => {
                matches!(
                    &**code,
                    "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded"
                )
            }
            _ => self.key_error().is_some_and(KeyError::is_retryable),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.record(), self.kind())?;
        f.write_str(match (self.write_outcome(), self.kind()) {
            (WriteOutcome::Unknown, _) => "; the answer to a try was lost, so it may have been written all the same",
            (WriteOutcome::Written, ErrorKind::AnswerLost | ErrorKind::TableNotReady) => "",
            (WriteOutcome::Written, _) if self.returned_item().is_some() => {
                "; the write was carried out, and the record that it returned is kept (`Table::open_returned` opens it)"
            }
            (WriteOutcome::Written, _) => "; the write before it was carried out",
            (WriteOutcome::NotWritten, ErrorKind::ConditionFailed | ErrorKind::Conflict { .. }) => {
                "; nothing was written"
            }
            (WriteOutcome::NotWritten, _) => "",
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.kind() {
            ErrorKind::Seal(error) => error.source(),
            ErrorKind::Open(error) => error.source(),
            ErrorKind::DynamoDb(error) => error.source.as_deref().map(|source| source as _),
            _ => None,
        }
    }
}

/// What is wrong with a record.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A field did not serialize.
    Serialize {
        /// The attribute, where one is to blame.
        attribute: Option<String>,
        /// Why.
        source: ValueError,
    },
    /// A field did not deserialize: what is stored is not of its type.
    Deserialize {
        /// The attribute, where one is to blame.
        attribute: Option<String>,
        /// Why.
        source: ValueError,
    },
    /// An attribute's value cannot stand where it is: a key of a wrong type, a number DynamoDB
    /// cannot hold.
    Attribute {
        /// The attribute.
        attribute: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The item is of another entity type than the struct.
    WrongEntity {
        /// The struct.
        entity: &'static str,
        /// The attribute that says so.
        attribute: &'static str,
        /// What it would be: the format of a composed key, or a constant.
        expected: &'static str,
    },
    /// The item is none of an enum's records.
    NoEntity {
        /// The records.
        entities: Vec<&'static str>,
    },
    /// The item could be more than one of an enum's records.
    SeveralEntities {
        /// Those that it could be.
        entities: Vec<&'static str>,
    },
    /// A record of an enum would be stored, read, changed or deleted under a key that fits several
    /// of the enum's records.
    AmbiguousKey {
        /// Those that it fits.
        entities: Vec<&'static str>,
    },
    /// A composed key is not the one that the record's fields make.
    KeyMismatch {
        /// The key attribute.
        attribute: &'static str,
    },
    /// The record is stored in plaintext: it has neither `encrypted_payload` nor `encrypted_dek`.
    NotSealed,
    /// One of `encrypted_payload` and `encrypted_dek` is absent, or what is sealed cannot be taken
    /// apart.
    Malformed(&'static str),
    /// The record was sealed with a group of which the payload or the wrapped key is missing.
    IncompleteGroup {
        /// The group.
        group: &'static str,
        /// The attribute that is missing.
        missing: String,
    },
    /// The item has a payload or a wrapped key of a group with which the record was not sealed.
    AddedGroup {
        /// The group.
        group: &'static str,
    },
    /// An attribute that holds a payload or a wrapped key is not binary: this library did not write
    /// it.
    NotBinary {
        /// The attribute.
        attribute: String,
        /// DynamoDB's name for the type that it has.
        found: &'static str,
    },
    /// The encryption context cannot be bound.
    Context(ContextError),
    /// The record could not be sealed; nothing was sent.
    Seal(SealError),
    /// The record could not be opened.
    Open(OpenError),
    /// The record, what it is bound to, or its data key is not what was sealed.
    ///
    /// After a key has been used there is this one answer, whatever the reason.
    NotAuthentic {
        /// The attributes that were authenticated when the record was written, if what it says is
        /// true.
        authenticated: Vec<String>,
        /// Those of them that the struct marks `#[plaintext]`: an update in place would explain
        /// the failure.
        now_plaintext: Vec<String>,
    },
    /// The record is authentic, but was written under other marks than the struct has now.
    Marks(MarksError),
    /// The item is larger than DynamoDB takes; nothing was sent.
    TooLarge {
        /// Bytes of the item, attribute names included.
        bytes: usize,
    },
    /// The expression that changes a record would be longer than DynamoDB takes; nothing was sent.
    ///
    /// A [`modify`](crate::Update::modify) demands of every authenticated attribute of the record
    /// that it is as it was read, which takes about 32 bytes of the condition for each.
    ExpressionTooLong {
        /// Bytes of the expression.
        bytes: usize,
    },
    /// The condition of the request did not hold.
    ///
    /// The error keeps the record that was found instead:
    /// [`Table::open_returned`](crate::Table::open_returned).
    ConditionFailed,
    /// The write was carried out, and the answer that had the record which it returns was lost.
    ///
    /// The record that a put replaced or a delete took away, if there was one, is gone.
    AnswerLost,
    /// The record does not have the values of a group, and storing it would destroy them; nothing
    /// was sent.
    GroupWithheld {
        /// The group.
        group: &'static str,
    },
    /// Of a group's fields some are withheld and others are not; nothing was sent.
    PartOfGroupWithheld {
        /// The group.
        group: &'static str,
    },
    /// A change of the encryption context, to which groups are bound that the struct does not have;
    /// nothing was sent.
    UnknownGroups {
        /// The groups.
        groups: Vec<String>,
    },
    /// There is no record under the key to be updated; nothing was written.
    NoRecord,
    /// A change of a record was to give it another key; nothing was sent.
    KeyChanged {
        /// The key attribute.
        attribute: &'static str,
    },
    /// The record is authentic, but older than the version that was asked for.
    OlderVersion {
        /// The version that was asked for.
        not_before: u64,
    },
    /// Other writers changed the record each time between its being read and its being written, or
    /// a transaction held it.
    Conflict {
        /// How often it was tried.
        tries: u32,
    },
    /// `customize` set an expression, or something else that only a typed call may say; nothing was
    /// sent.
    Customized {
        /// What was set on the SDK's builder.
        setting: &'static str,
        /// The typed call to use instead.
        instead: &'static str,
    },
    /// The Rust type of a key does not say whether it is a string, a number or bytes; nothing was
    /// sent.
    KeyTypeUnknown {
        /// The attribute.
        attribute: &'static str,
    },
    /// The table was created, and could not be used within two minutes.
    TableNotReady,
    /// DynamoDB answered, but left the record aside each time: the table is throttled. Nothing was
    /// read or written.
    Unprocessed {
        /// How often in a row the record was asked for, or sent, without any progress.
        tries: u32,
    },
    /// A transaction was cancelled on account of this record, for another reason than a condition;
    /// nothing was written.
    Cancelled {
        /// DynamoDB's code, such as `TransactionConflict` (Amazon DynamoDB API Reference,
        /// "CancellationReason").
        code: Box<str>,
        /// DynamoDB's message.
        message: Option<Box<str>>,
    },
    /// A check in a transaction has no condition; nothing was sent.
    CheckWithoutCondition,
    /// An update in a transaction changes nothing; nothing was sent.
    UpdateWithoutChange,
    /// A filter names an attribute of the key that is queried; nothing was sent.
    FilterOnKey {
        /// The attribute.
        attribute: &'static str,
    },
    /// An index does not have what a record needs to be opened.
    NotProjected {
        /// The index.
        index: &'static str,
        /// The attributes that it would have to have, as far as DynamoDB says.
        missing: Vec<String>,
    },
    /// The token was taken from another query or scan; nothing was sent.
    ForeignResumeToken,
    /// A scan has 1 to 1,000,000 segments, counted from 0; nothing was sent.
    Segments,
    /// DynamoDB refused the request or could not be reached.
    DynamoDb(DynamoDbError),
}

impl ErrorKind {
    fn fault(&self) -> Fault {
        match self {
            Self::Serialize { .. }
            | Self::Attribute { .. }
            | Self::Context(_)
            | Self::TooLarge { .. }
            | Self::ExpressionTooLong { .. }
            | Self::ConditionFailed
            | Self::GroupWithheld { .. }
            | Self::PartOfGroupWithheld { .. }
            | Self::UnknownGroups { .. }
            | Self::NoRecord
            | Self::KeyChanged { .. }
            | Self::Customized { .. }
            | Self::CheckWithoutCondition
            | Self::KeyTypeUnknown { .. }
            | Self::UpdateWithoutChange
            | Self::FilterOnKey { .. }
            | Self::NotProjected { .. }
            | Self::ForeignResumeToken
            | Self::Segments
            | Self::AmbiguousKey { .. }
            | Self::Marks(_) => Fault::Caller,
            Self::Deserialize { .. }
            | Self::WrongEntity { .. }
            | Self::NoEntity { .. }
            | Self::SeveralEntities { .. }
            | Self::KeyMismatch { .. }
            | Self::NotSealed
            | Self::Malformed(_)
            | Self::IncompleteGroup { .. }
            | Self::AddedGroup { .. }
            | Self::NotBinary { .. }
            | Self::NotAuthentic { .. }
            | Self::OlderVersion { .. } => Fault::Data,
            Self::Seal(error) => error.fault(),
            Self::Open(error) => error.fault(),
            Self::Cancelled { code, .. } if &**code == "ValidationError" => Fault::Caller,
            Self::Cancelled { .. } | Self::Unprocessed { .. } => Fault::Operator,
            Self::DynamoDb(error) => error.fault(),
            Self::TableNotReady | Self::AnswerLost => Fault::Operator,
            Self::Conflict { .. } => Fault::Operator,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serialize { attribute: Some(attribute), source } => {
                write!(f, "`{}` cannot be serialized: {source}", Escaped(attribute))
            }
            Self::Serialize { attribute: None, source } => write!(f, "the record cannot be serialized: {source}"),
            Self::Deserialize { attribute: Some(attribute), source } => {
                write!(f, "`{}` is not of its field's type: {source}", Escaped(attribute))
            }
            Self::Deserialize { attribute: None, source } => write!(f, "the record does not fit the struct: {source}"),
            Self::Attribute { attribute, reason } => write!(f, "`{}` {reason}", Escaped(attribute)),
            Self::WrongEntity { entity, attribute, expected } => {
                write!(f, "the item is no `{entity}`: its `{attribute}` is not `{expected}`")
            }
            Self::NoEntity { entities } => {
                write!(
                    f,
                    "the item is none of {}: neither its keys nor what tells its entity type fit",
                    entities.join(", ")
                )
            }
            Self::SeveralEntities { entities } => write!(
                f,
                "the item could be each of {}: their keys have the same form (tell them apart with `entity(..)`)",
                entities.join(", ")
            ),
            Self::AmbiguousKey { entities } => write!(
                f,
                "the key fits each of {}, and could be that of another's record: give them formats that no value makes \
                 alike, or tell them apart with `entity(..)`",
                entities.join(", ")
            ),
            Self::KeyMismatch { attribute } => write!(
                f,
                "the record's fields make another `{attribute}` than it is stored under (was the format changed?)"
            ),
            Self::NotSealed => f.write_str(
                "the record is stored in plaintext: it has neither `encrypted_payload` nor `encrypted_dek` \
                 (was it written without this library, or not migrated yet?)",
            ),
            Self::Malformed(what) => f.write_str(what),
            Self::IncompleteGroup { group, missing } => {
                write!(f, "the record was sealed with the group `{group}`, but `{missing}` is missing")
            }
            Self::AddedGroup { group } => {
                write!(f, "the item has the group `{group}`, which was not sealed with the record")
            }
            Self::NotBinary { attribute, found } => write!(
                f,
                "`{attribute}` is of type {found}, and what this library stores there is binary (B): something else wrote it"
            ),
            Self::Context(error) => write!(f, "{error}"),
            Self::Seal(error) => write!(f, "{error}"),
            Self::Open(error) => write!(f, "{error}"),
            Self::NotAuthentic { authenticated, now_plaintext } => {
                write!(
                    f,
                    "{}; written, it says, with authenticated [{}]",
                    OpenError::Authentication,
                    EscapedNames(authenticated)
                )?;
                match now_plaintext.as_slice() {
                    [] => Ok(()),
                    names => {
                        write!(f, " (of which [{}] is #[plaintext] now: was it updated in place?)", EscapedNames(names))
                    }
                }
            }
            Self::Marks(error) => write!(f, "{error}"),
            Self::TooLarge { bytes } => {
                write!(
                    f,
                    "the sealed item is {bytes} bytes, more than the {} that DynamoDB takes",
                    crate::size::MAX_ITEM_BYTES
                )
            }
            Self::ConditionFailed => f.write_str("the condition did not hold"),
            Self::AnswerLost => f.write_str(
                "the write was carried out, but the answer to a try was lost, and with it the record that stood there \
                 before",
            ),
            Self::GroupWithheld { group } => write!(
                f,
                "the values of the group `{group}` are withheld, so that storing the record would destroy them; nothing was \
                 sent (whoever may not read the group can change the rest of the record, not put it anew)"
            ),
            Self::ExpressionTooLong { bytes } => write!(
                f,
                "the change needs an expression of {bytes} bytes, more than the {} that DynamoDB takes, since each \
                 authenticated attribute must be as it was read; nothing was sent (put the record with a `#[version]`, or \
                 keep many authenticated values in one attribute)",
                crate::expression::MAX_EXPRESSION_BYTES
            ),
            Self::UnknownGroups { groups } => write!(
                f,
                "the record has groups that the struct does not have, [{}], and they are bound to the encryption context, \
                 which the change would replace: nobody could open them any more; nothing was sent (change it with the \
                 version of the struct that has the groups)",
                EscapedNames(groups)
            ),
            Self::PartOfGroupWithheld { group } => write!(
                f,
                "some fields of the group `{group}` are withheld and others are not, but they are sealed together; nothing \
                 was sent"
            ),
            Self::OlderVersion { not_before } => write!(
                f,
                "the record is older than version {not_before}, which has been seen: an earlier version has been put back, or \
                 the read is behind (is it consistent?)"
            ),
            Self::KeyChanged { attribute } => write!(
                f,
                "the change gives the record another key, `{attribute}`; nothing was sent (put it under the new key and \
                 delete it under the old one)"
            ),
            Self::Conflict { tries: 1 } => f.write_str("another writer changed the record after it was read"),
            Self::Conflict { tries } => {
                write!(f, "other writers changed the record after it was read, {tries} times in a row")
            }
            Self::NoRecord => f.write_str("there is no record under this key; an update never creates one"),
            Self::Customized { setting, instead } => write!(
                f,
                "`customize` must not set `{setting}`: use {instead}, which cannot name what is sealed; nothing was sent"
            ),
            Self::KeyTypeUnknown { attribute } => write!(
                f,
                "the type of the key `{attribute}` does not say what it is in DynamoDB: a string, a number or bytes; nothing was \
                 sent (create the table with the SDK's own client)"
            ),
            Self::TableNotReady => f.write_str("the table was created, but cannot be used yet"),
            Self::Unprocessed { tries } => {
                write!(f, "DynamoDB left the record unprocessed {tries} times in a row: has the table enough capacity?")
            }
            Self::Cancelled { code, message } => {
                f.write_str(code)?;
                message.as_deref().map_or(Ok(()), |message| write!(f, ": {message}"))
            }
            Self::CheckWithoutCondition => f.write_str("the check has no condition; nothing was sent"),
            Self::UpdateWithoutChange => f.write_str("the update changes nothing; nothing was sent"),
            Self::FilterOnKey { attribute } => write!(
                f,
                "a filter names `{attribute}`, a key of what is queried, which DynamoDB refuses; the partition key is given \
                 to the query, conditions on the sort key to `.sort(..)`; nothing was sent"
            ),
            Self::NotProjected { index, missing } => write!(
                f,
                "the index `{index}` does not have [{}], which the record needs: read it with `.fetch_base()`, or give the \
                 index the projection ALL (or INCLUDE with these)",
                EscapedNames(missing)
            ),
            Self::ForeignResumeToken => f.write_str(
                "the resume token was taken from another query or scan: it fits the same table, index, partition, sort \
                 condition, direction, segments and filter (whose values may differ); nothing was sent",
            ),
            Self::Segments => {
                f.write_str("a scan has 1 to 1,000,000 segments, and they are counted from 0; nothing was sent")
            }
            Self::DynamoDb(error) => write!(f, "{error}"),
        }
    }
}

impl From<SealError> for ErrorKind {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

impl From<OpenError> for ErrorKind {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<ContextError> for ErrorKind {
    fn from(error: ContextError) -> Self {
        Self::Context(error)
    }
}

impl From<MarksError> for ErrorKind {
    fn from(error: MarksError) -> Self {
        Self::Marks(error)
    }
}

/// What DynamoDB answered, or that it could not be asked.
#[derive(Clone, Debug)]
pub struct DynamoDbError {
    pub(crate) operation: &'static str,
    /// The physical table.
    pub(crate) table: Box<str>,
    pub(crate) code: Option<Box<str>>,
    pub(crate) message: Option<Box<str>>,
    pub(crate) request_id: Option<Box<str>>,
    pub(crate) retryable: bool,
    /// Why it was not answered, where the request was not dispatched.
    pub(crate) no_answer: Option<NoAnswer>,
    /// The outcome for a table of branch keys; a record's error has its own.
    pub(crate) outcome: WriteOutcome,
    pub(crate) source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl DynamoDbError {
    /// A request that DynamoDB finds wrong in itself, and missing credentials, are the program's;
    /// everything else is the operator's.
    pub(crate) fn fault(&self) -> Fault {
        match (self.code(), self.no_answer) {
            (Some("ValidationException"), _) | (_, Some(NoAnswer::NoCredentials)) => Fault::Caller,
            _ => Fault::Operator,
        }
    }

    /// The error of a call that may have been carried out, and is to be made again only if that
    /// does no harm.
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
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
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

/// Which record an error is about: logical table, and key attributes as far as they may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordId {
    table: &'static str,
    keys: Vec<(&'static str, String)>,
}

impl RecordId {
    pub(crate) const fn of_table(table: &'static str) -> Self {
        Self { table, keys: Vec::new() }
    }

    pub(crate) fn with_key(
        mut self,
        name: &'static str,
        form: ContextForm,
        shown: Option<&str>,
    ) -> Self {
        let text = match (form, shown) {
            (_, None) => "(withheld)".to_owned(),
            (ContextForm::Hashed, Some(digest)) => format!("(sha256 {digest})"),
            (_, Some(value)) => value.to_owned(),
        };
        self.keys.push((name, text));
        self
    }

    /// The logical table.
    #[must_use]
    pub const fn table(&self) -> &'static str {
        self.table
    }

    /// The key attributes and their values, in the form that the struct chose for the KMS context.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.keys.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.table)?;
        for (i, (name, value)) in self.keys.iter().enumerate() {
            write!(f, "{}{name}={}", if i == 0 { "[" } else { ", " }, Escaped(value))?;
        }
        f.write_str(if self.keys.is_empty() { "" } else { "]" })
    }
}
