//! The error of a record whose marks do not fit those of the struct.

use std::fmt;

use envelope_core::{Escaped, EscapedNames};

/// The marks under which a record was written; authentic, since the record opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenMarks {
    /// The fields that were encrypted.
    pub encrypted: Vec<String>,
    /// The attributes that were authenticated.
    pub authenticated: Vec<String>,
}

/// An authentic record whose marks do not fit the struct's.
///
/// Printed, it names the encrypted fields that the struct names as well, and counts the others.
#[derive(Clone, PartialEq, Eq)]
pub struct MarksError {
    pub(crate) attribute: String,
    pub(crate) problem: Problem,
    pub(crate) written: WrittenMarks,
    /// Of the encrypted fields, those that the struct names.
    pub(crate) named: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The struct protects a field that the record left unprotected.
    WrittenUnprotected(&'static str),
    /// A field that the record sealed also stands in the item, where anybody could have put it.
    AlsoInTheClear,
    /// An attribute is taken for a field that the record protects under another of its names.
    MarkedUnderAnotherName,
    /// An attribute is taken for a field that may be sealed in a group which was not opened.
    MayStandInUnseenGroup,
    /// The record says two things of one field.
    BothSealedAndReadable,
    /// A field of a group that the reader does not see was written before it belonged to the group.
    SealedOutsideOfGroup,
}

impl MarksError {
    /// The attribute whose marks do not fit.
    #[must_use]
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// The marks under which the record was written.
    ///
    /// # Security
    ///
    /// The names of encrypted fields are sealed as well. No error has those that the struct does
    /// not have.
    #[must_use]
    pub const fn written(&self) -> &WrittenMarks {
        &self.written
    }
}

impl fmt::Display for MarksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Escaped(&self.attribute);
        match self.problem {
            Problem::WrittenUnprotected(mark) => {
                write!(
                    f,
                    "`{name}` is marked #[{mark}], but the record was written with it unprotected, so that anybody could have \
                     put it there (to read such records while they are migrated: #[{mark}(accept = \"plaintext\")])"
                )
            }
            Problem::AlsoInTheClear => {
                write!(
                    f,
                    "`{name}` is sealed in the record, and also stands in the item in the clear, where anybody could have put it"
                )
            }
            Problem::MarkedUnderAnotherName => {
                write!(
                    f,
                    "`{name}` stands in the item in the clear, where anybody could have put it, but the record protects that \
                     field, under another of its names"
                )
            }
            Problem::MayStandInUnseenGroup => {
                write!(
                    f,
                    "`{name}` stands in the item in the clear, where anybody could have put it, and the record has groups \
                     that this reader does not see, in which the field may be sealed"
                )
            }
            Problem::BothSealedAndReadable => {
                write!(f, "the record says of `{name}` that it is both sealed and readable")
            }
            Problem::SealedOutsideOfGroup => {
                write!(
                    f,
                    "`{name}` belongs to a group that is withheld from this reader, but the record was written with it sealed \
                     outside of the group (somebody who may read the group has to store the record anew)"
                )
            }
        }?;
        write!(f, "; written with encrypted [{}]", EscapedNames(&self.named))?;
        match self.written.encrypted.len() - self.named.len() {
            0 => Ok(()),
            others => write!(f, " and {others} that the struct does not name"),
        }?;
        write!(f, ", authenticated [{}]", EscapedNames(&self.written.authenticated))
    }
}

/// Without the names that may be data.
impl fmt::Debug for MarksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MarksError")
            .field("attribute", &self.attribute)
            .field("problem", &self.problem)
            .field("encrypted", &self.named)
            .field("authenticated", &self.written.authenticated)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for MarksError {}
