//! Errors of the program: the call, its values or the struct must change.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::{ContextError, Escaped, EscapedNames, OpenError, SealError, ValueError};

use crate::error::marks::MarksError;

/// The call, its values or the struct is wrong: [`ErrorKind::Usage`](crate::ErrorKind::Usage).
///
/// Nothing was written.
#[derive(Debug)]
#[non_exhaustive]
pub enum UsageError {
    /// A field did not serialize.
    Serialize {
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
    /// The encryption context cannot be bound.
    Context(ContextError),
    /// The record cannot be sealed as it is; nothing was sent.
    Seal(SealError),
    /// The record was sealed under another KMS context form, or with other authenticated
    /// attributes, than the struct names.
    Open(OpenError),
    /// The struct cannot be used in this way.
    Struct(&'static str),
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
    /// A change of a record was to give it another key; nothing was sent.
    KeyChanged {
        /// The key attribute.
        attribute: &'static str,
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
    /// A record of an enum would be stored, read, changed or deleted under a key that fits several
    /// of the enum's records.
    AmbiguousKey {
        /// Those that it fits.
        entities: Vec<&'static str>,
    },
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serialize { attribute: Some(attribute), source } => {
                write!(f, "`{}` cannot be serialized: {source}", Escaped(attribute))
            }
            Self::Serialize { attribute: None, source } => write!(f, "the record cannot be serialized: {source}"),
            Self::Attribute { attribute, reason } => write!(f, "`{}` {reason}", Escaped(attribute)),
            Self::Context(error) => write!(f, "{error}"),
            Self::Seal(error) => write!(f, "{error}"),
            Self::Open(error) => write!(f, "{error}"),
            Self::Struct(what) => f.write_str(what),
            Self::Marks(error) => write!(f, "{error}"),
            Self::TooLarge { bytes } => {
                write!(
                    f,
                    "the sealed item is {bytes} bytes, more than the {} that DynamoDB takes",
                    crate::dynamodb::MAX_ITEM_BYTES
                )
            }
            Self::ExpressionTooLong { bytes } => write!(
                f,
                "the change needs an expression of {bytes} bytes, more than the {} that DynamoDB takes, since each \
                 authenticated attribute must be as it was read; nothing was sent (put the record with a `#[version]`, or \
                 keep many authenticated values in one attribute)",
                crate::dynamodb::MAX_EXPRESSION_BYTES
            ),
            Self::GroupWithheld { group } => write!(
                f,
                "the values of the group `{group}` are withheld, so that storing the record would destroy them; nothing was \
                 sent (whoever may not read the group can change the rest of the record, not put it anew)"
            ),
            Self::PartOfGroupWithheld { group } => write!(
                f,
                "some fields of the group `{group}` are withheld and others are not, but they are sealed together; nothing \
                 was sent"
            ),
            Self::UnknownGroups { groups } => write!(
                f,
                "the record has groups that the struct does not have, [{}], and they are bound to the encryption context, \
                 which the change would replace: nobody could open them any more; nothing was sent (change it with the \
                 version of the struct that has the groups)",
                EscapedNames(groups)
            ),
            Self::KeyChanged { attribute } => write!(
                f,
                "the change gives the record another key, `{attribute}`; nothing was sent (put it under the new key and \
                 delete it under the old one)"
            ),
            Self::Customized { setting, instead } => write!(
                f,
                "`customize` must not set `{setting}`: use {instead}, which cannot name what is sealed; nothing was sent"
            ),
            Self::KeyTypeUnknown { attribute } => write!(
                f,
                "the type of the key `{attribute}` does not say what it is in DynamoDB: a string, a number or bytes; nothing was \
                 sent (create the table with the SDK's own client)"
            ),
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
            Self::AmbiguousKey { entities } => write!(
                f,
                "the key fits each of {}, and could be that of another's record: give them formats that no value makes \
                 alike, or tell them apart with `entity(..)`",
                entities.join(", ")
            ),
        }
    }
}

impl StdError for UsageError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Seal(error) => error.source(),
            Self::Open(error) => error.source(),
            _ => None,
        }
    }
}
