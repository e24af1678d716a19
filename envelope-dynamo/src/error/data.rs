//! Errors of the stored data: what is stored is not a record of the struct.

use std::error::Error as StdError;
use std::fmt;

use envelope_core::{Escaped, EscapedNames, OpenError, ValueError};

/// The stored item is not a record of the struct, or not the one that was sealed:
/// [`ErrorKind::Data`](crate::ErrorKind::Data).
///
/// Retrying cannot help: somebody must look at the item.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataError {
    /// A field did not deserialize: what is stored is not of its type.
    Deserialize {
        /// The attribute, where one is to blame.
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
    /// The stored bytes are not sealed data of this format.
    Open(OpenError),
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
                write!(f, "`{}` is not of its field's type: {source}", Escaped(attribute))
            }
            Self::Deserialize { attribute: None, source } => write!(f, "the record does not fit the struct: {source}"),
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
            Self::KeyMismatch { attribute } => write!(
                f,
                "the record's fields make another `{attribute}` than it is stored under (was the format changed?)"
            ),
            Self::NotSealed => f.write_str(
                "the record is stored in plaintext: it has neither `encrypted_payload` nor `encrypted_dek` \
                 (was it written without this library, or not migrated yet?)",
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
                "`{attribute}` is of type {found}, and what this library stores there is binary (B): something else wrote it"
            ),
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
            Self::OlderVersion { not_before } => write!(
                f,
                "the record is older than version {not_before}, which has been seen: an earlier version has been put back, or \
                 the read is behind (is it consistent?)"
            ),
        }
    }
}

impl StdError for DataError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Open(error) => error.source(),
            _ => None,
        }
    }
}
