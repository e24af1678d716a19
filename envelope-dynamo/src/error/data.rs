//! Errors of the stored data: what is stored is not a record of the struct.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::{Escaped, EscapedNames, OpenError, ValueError};

/// The stored item is not a record of the struct, or not the one that was sealed:
/// [`ErrorKind::Data`](crate::ErrorKind::Data).
///
/// Retrying cannot help: somebody must look at the item.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::collections::HashMap;
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use envelope_dynamo::error::DataError;
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, ErrorKind, from_item};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// // Somebody has stored a user in plaintext.
/// let text = |text: &str| AttributeValue::S(text.to_owned());
/// let item = HashMap::from([
///     ("user_id".to_owned(), text("u_1")),
///     ("email".to_owned(), text("zoe@example.com")),
/// ]);
/// let opened = from_item::<User>(item, &TestKeyProvider::default()).await;
/// let error = opened.err().expect("nothing proves who wrote it");
/// assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotSealed)));
/// # });
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum DataError {
    /// A field did not deserialize: the stored value does not fit the field's type.
    Deserialize {
        /// The attribute, if the error belongs to one.
        attribute: Option<String>,
        /// Why.
        source: ValueError,
    },
    /// The item is of another entity type than the struct.
    WrongEntity {
        /// The struct.
        entity: &'static str,
        /// The attribute that says so.
        attribute: &'static str,
        /// The expected value: the format of a composed key, or a constant.
        expected: &'static str,
    },
    /// The item fits no record of the enum.
    NoEntity {
        /// The records.
        entities: Vec<&'static str>,
    },
    /// The item fits several records of the enum.
    SeveralEntities {
        /// The records that it fits.
        entities: Vec<&'static str>,
    },
    /// The record is stored under another composed key than its fields make.
    KeyMismatch {
        /// The key attribute.
        attribute: &'static str,
    },
    /// An index lists the record under another composed key than its fields make.
    ///
    /// Somebody changed the key or a `#[plaintext]` field of it, or the format of the key has
    /// changed since the record was written.
    IndexKeyMismatch {
        /// The key attribute of the index.
        attribute: &'static str,
    },
    /// The record is stored in plaintext: it has neither `encrypted_payload` nor `encrypted_dek`.
    NotSealed,
    /// The item has an attribute of sealed data, and the struct is `#[envelope(unprotected)]`,
    /// whose records have none.
    SealedUnprotected {
        /// The struct.
        entity: &'static str,
        /// The attribute.
        attribute: String,
    },
    /// One of `encrypted_payload` and `encrypted_dek` is absent, or the sealed groups contradict
    /// each other.
    Malformed(&'static str),
    /// The stored bytes are not sealed data of this format.
    Open(OpenError),
    /// The payload or the wrapped key of a group is missing, with which the record was sealed.
    IncompleteGroup {
        /// The group.
        group: &'static str,
        /// The attribute that is missing.
        missing: String,
    },
    /// The item has a payload or a wrapped key of a group that was not sealed with the record.
    AddedGroup {
        /// The group.
        group: &'static str,
    },
    /// The attribute of a payload or of a wrapped key is not binary: this library did not write it.
    NotBinary {
        /// The attribute.
        attribute: String,
        /// DynamoDB's name for the type of the attribute.
        found: &'static str,
    },
    /// The record, its context or its data key differs from what was sealed.
    ///
    /// Every failure after a key was used is this one error. Which check failed would help only an
    /// attacker.
    NotAuthentic {
        /// The authenticated attributes that the stored record names. The names are not
        /// authentic either.
        authenticated: Vec<String>,
        /// Those of them that the struct marks `#[plaintext]` now: an update in place would
        /// explain the failure.
        now_plaintext: Vec<String>,
    },
    /// The function that reads items of another program failed.
    Unread {
        /// Its error.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Several records match a query of which [`one`](crate::read::Query::one) was asked.
    SeveralRecords {
        /// The index; `None` for the table itself.
        index: Option<&'static str>,
        /// How many were read. There may be more.
        at_least: usize,
    },
    /// The record is authentic, but older than the version that was asked for.
    OlderVersion {
        /// The version that was asked for.
        not_before: u64,
    },
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deserialize { attribute: Some(attribute), source } => {
                write!(f, "`{}` cannot be read as its field's type: {source}", Escaped(attribute))
            }
            Self::Deserialize { attribute: None, source } => write!(f, "the record does not fit the struct: {source}"),
            Self::WrongEntity { entity, attribute, expected } => {
                write!(f, "the item is not of type `{entity}`: its `{attribute}` is not `{expected}`")
            }
            Self::NoEntity { entities } => {
                write!(
                    f,
                    "the item is not one of {}: neither its keys nor the attribute of its entity type fit",
                    entities.join(", ")
                )
            }
            Self::SeveralEntities { entities } => write!(
                f,
                "the item could be each of {}: their keys have the same form (give each type an attribute with `entity(..)`)",
                entities.join(", ")
            ),
            Self::KeyMismatch { attribute } => write!(
                f,
                "the record is stored under another `{attribute}` than its fields make (was the format of the key changed?)"
            ),
            Self::IndexKeyMismatch { attribute } => write!(
                f,
                "the index lists the record under another `{attribute}` than its fields make (was the attribute \
                 changed, or the format of the key? `Table::get` reads the record, and a put or `modify` writes the \
                 key again)"
            ),
            Self::NotSealed => f.write_str(
                "the record is stored in plaintext: it has neither `encrypted_payload` nor `encrypted_dek` \
                 (was it written without this library, or not migrated yet? `Table::plaintext_items` reads such items \
                 while a table is taken in)",
            ),
            Self::SealedUnprotected { entity, attribute } => write!(
                f,
                "the item has `{}`, and records of `{entity}` are stored unprotected (was the struct protected when \
                 the record was written? then read it with that struct and put it with this one; otherwise somebody \
                 has changed the item)",
                Escaped(attribute)
            ),
            Self::Malformed(what) => f.write_str(what),
            Self::Open(error) => write!(f, "{error}"),
            Self::IncompleteGroup { group, missing } => {
                write!(f, "the record was sealed with the group `{group}`, but `{missing}` is missing")
            }
            Self::AddedGroup { group } => {
                write!(f, "the item has the group `{group}`, which was not sealed with the record")
            }
            Self::NotBinary { attribute, found } => write!(
                f,
                "`{attribute}` has type {found}, but this library stores binary (B) there: another program wrote it"
            ),
            Self::NotAuthentic { authenticated, now_plaintext } => {
                write!(
                    f,
                    "{}; the record names as authenticated [{}]",
                    OpenError::Authentication,
                    EscapedNames(authenticated)
                )?;
                match now_plaintext.as_slice() {
                    [] => Ok(()),
                    names => {
                        write!(f, " (the struct marks [{}] #[plaintext] now: was the record updated in place?)", EscapedNames(names))
                    }
                }
            }
            Self::Unread { source } => write!(f, "the item of another program could not be read: {source}"),
            Self::SeveralRecords { index, at_least } => {
                write!(f, "at least {at_least} records match the query of ")?;
                match index {
                    Some(index) => write!(f, "the index `{index}`")?,
                    None => f.write_str("the table")?,
                }
                f.write_str(
                    ", and `one` returns one at most (read them all with `.send()` or `.stream()`; an index does not \
                     make a value unique)",
                )
            }
            Self::OlderVersion { not_before } => write!(
                f,
                "the record is older than version {not_before}, which was seen before: somebody restored an earlier version, \
                 or the read was not consistent"
            ),
        }
    }
}

impl StdError for DataError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Open(error) => error.source(),
            Self::Unread { source } => Some(&**source),
            _ => None,
        }
    }
}
