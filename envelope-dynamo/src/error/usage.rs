//! Errors of the program: the call, its values or the struct must change.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::{ContextError, Escaped, EscapedNames, OpenError, SealError, ValueError};

use crate::error::marks::MarksError;

/// The call, its values or the struct is wrong: [`ErrorKind::Usage`](crate::ErrorKind::Usage).
///
/// Nothing was written.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::error::{Fault, UsageError};
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, ErrorKind, to_item};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// // DynamoDB has no empty keys.
/// let nobody = User { user_id: String::new(), email: "zoe@example.com".into() };
/// let error = to_item(&nobody, &TestKeyProvider::default()).await.unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { .. })), "{error}");
/// assert_eq!(error.fault(), Fault::Caller);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum UsageError {
    /// A field did not serialize.
    Serialize {
        /// The attribute, if the error belongs to one.
        attribute: Option<String>,
        /// Why.
        source: ValueError,
    },
    /// The value of an attribute is not valid there: a key of a wrong type, or a number that
    /// DynamoDB cannot store.
    Attribute {
        /// The attribute.
        attribute: String,
        /// The problem, as the end of a sentence that begins with the attribute.
        reason: &'static str,
    },
    /// The pairs of the encryption context are not valid.
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
    /// The condition of a [`modify`](crate::write::Update::modify) names every authenticated
    /// attribute of the record, with about 32 bytes for each: the attribute must not have changed
    /// since it was read. The condition of a backfill also names those that are sealed, and of an
    /// item of another program nearly all.
    ExpressionTooLong {
        /// Bytes of the expression.
        bytes: usize,
    },
    /// The values of a group are withheld from this reader, so storing the record would destroy
    /// them; nothing was sent.
    GroupWithheld {
        /// The group.
        group: &'static str,
    },
    /// Some fields of a group are withheld and others are not; nothing was sent.
    PartOfGroupWithheld {
        /// The group.
        group: &'static str,
    },
    /// The change would replace the encryption context of groups that the struct does not have;
    /// nothing was sent.
    UnknownGroups {
        /// The groups.
        groups: Vec<String>,
    },
    /// The closure of a `modify` changed the record's key; nothing was sent.
    KeyChanged {
        /// The key attribute.
        attribute: &'static str,
    },
    /// `customize` set an expression, or another setting that only a typed call may make; nothing
    /// was sent.
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
    /// An update in a transaction changes nothing; nothing was sent.
    UpdateWithoutChange,
    /// A filter names an attribute of the key that is queried; nothing was sent.
    FilterOnKey {
        /// The attribute.
        attribute: &'static str,
    },
    /// The index does not have all attributes that opening a record needs.
    NotProjected {
        /// The index.
        index: &'static str,
        /// The attributes that are missing, as far as DynamoDB says.
        missing: Vec<String>,
    },
    /// The resume token belongs to another query or scan; nothing was sent.
    ForeignResumeToken,
    /// A scan has 1 to 1,000,000 segments, counted from 0; nothing was sent.
    Segments,
    /// The record has a search tag that must be computed, and there are no search keys; nothing was
    /// sent.
    NoSearchKeys {
        /// The attribute of the search tag.
        attribute: &'static str,
        /// What takes search keys.
        instead: &'static str,
    },
    /// The record has a unique field, and there is no table of claims; nothing was sent.
    NoClaims {
        /// The attribute of the field's search tag.
        attribute: &'static str,
    },
    /// The key fits several records of an enum; nothing was sent.
    AmbiguousKey {
        /// The records that the key fits.
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
                    "the sealed item is {bytes} bytes, more than the {} that DynamoDB stores; nothing was \
                 sent (keep large values elsewhere, or split the record)",
                    crate::dynamodb::MAX_ITEM_BYTES
                )
            }
            Self::ExpressionTooLong { bytes } => write!(
                f,
                "the change needs an expression of {bytes} bytes, more than the {} that DynamoDB takes, because its \
                 condition names each attribute that must be as it was read; nothing was sent (put the record with a \
                 `#[version]`, or keep many values in one attribute)",
                crate::dynamodb::MAX_EXPRESSION_BYTES
            ),
            Self::GroupWithheld { group } => write!(
                f,
                "the values of the group `{group}` are withheld, so that storing the record would destroy them; nothing was \
                 sent (without access to the group, change the rest with `modify`, and do not put the record)"
            ),
            Self::PartOfGroupWithheld { group } => write!(
                f,
                "some fields of the group `{group}` are withheld and others are not, but a group is sealed as a \
                 whole; nothing was sent (set all of them, or none)"
            ),
            Self::UnknownGroups { groups } => write!(
                f,
                "the record has groups that the struct does not have, [{}]. They are bound to the encryption context, so a \
                 change of the context would make them unreadable; nothing was sent (change the record with a version \
                 of the struct that has these groups)",
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
                "the Rust type of the key `{attribute}` does not say whether DynamoDB stores a string, a number or bytes; \
                 nothing was sent (create the table with the SDK's own client)"
            ),
            Self::UpdateWithoutChange => f.write_str("the update changes nothing; nothing was sent"),
            Self::FilterOnKey { attribute } => write!(
                f,
                "the filter names the key attribute `{attribute}`, and DynamoDB refuses filters on the keys of a query; \
                 nothing was sent (give the partition key to the query, and conditions on the sort key to `.sort(..)`)"
            ),
            Self::NotProjected { index, missing } => write!(
                f,
                "the index `{index}` does not have [{}], without which the record cannot be opened: read it with \
                 `.fetch_base_table()`, or give the index the projection ALL (or INCLUDE with these attributes)",
                EscapedNames(missing)
            ),
            Self::ForeignResumeToken => f.write_str(
                "the resume token belongs to another query or scan: table, index, partition, sort condition, direction, \
                 segments and filter must be the same (values in the filter may differ); nothing was sent",
            ),
            Self::Segments => {
                f.write_str("a scan has 1 to 1,000,000 segments, and the first segment has the number 0; nothing was sent")
            }
            Self::NoSearchKeys { attribute, instead } => write!(
                f,
                "the search tag `{attribute}` must be computed, and there are no search keys; nothing was sent (use \
                 {instead})"
            ),
            Self::NoClaims { attribute } => write!(
                f,
                "the search tag `{attribute}` is unique, and there is no table of claims; nothing was sent (use \
                 `Table::with_claims`)"
            ),
            Self::AmbiguousKey { entities } => write!(
                f,
                "the key fits each of {}, so it could be the key of another type's record; nothing was sent (give the keys \
                 formats that no value makes equal, or give each type an attribute with `entity(..)`)",
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
