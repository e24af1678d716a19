//! What is wrong with a record.

use std::fmt;

use envelope_core::{ContextError, Escaped, EscapedNames, Fault, OpenError, SealError, ValueError};

use crate::error::dynamodb::DynamoDbError;
use crate::error::marks::MarksError;

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
    /// A [`modify`](crate::write::Update::modify) demands of every authenticated attribute of the
    /// record that it is as it was read, which takes about 32 bytes of the condition for each.
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
    pub(crate) fn fault(&self) -> Fault {
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
                    crate::dynamodb::MAX_ITEM_BYTES
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
                crate::dynamodb::MAX_EXPRESSION_BYTES
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
                "the index `{index}` does not have [{}], which the record needs: read it with `.fetch_base_table()`, or give the \
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

impl From<ValueError> for ErrorKind {
    fn from(source: ValueError) -> Self {
        Self::Deserialize { attribute: None, source }
    }
}
