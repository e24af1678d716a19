//! The error of a record whose marks do not fit those of the struct.

use std::fmt;

use envelope_core::{Escaped, EscapedNames};

/// The marks under which a record was written; authentic, since the record opened.
///
/// [`MarksError`] has them, and an example.
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
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::error::{UsageError, WrittenMarks};
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, ErrorKind, from_item, to_item};
///
/// mod before {
///     # use envelope_dynamo::Envelope;
///     #[derive(Envelope)]
///     #[envelope(table = "users")]
///     pub struct User {
///         #[partition_key]
///         pub user_id: String,
///         #[encrypted]
///         pub email: String,
///         #[plaintext]
///         pub plan: String,
///     }
/// }
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
///     #[authenticated] // plaintext before
///     plan: String,
/// }
///
/// # let (email, plan) = ("zoe@example.com".into(), "pro".into());
/// # let zoe = before::User { user_id: "u_1".into(), email, plan };
/// # let keys = TestKeyProvider::default();
/// let item = to_item(&zoe, &keys).await?;
/// let error = from_item::<User>(item, &keys).await.err().expect("anybody could change the plan");
/// let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else { panic!("{error}") };
/// assert_eq!(marks.attribute(), "plan");
/// let written: &WrittenMarks = marks.written();
/// assert_eq!(written.encrypted, ["email"]);
/// assert!(written.authenticated.is_empty());
/// assert!(marks.to_string().contains(r#"#[authenticated(accept = "plaintext")]"#), "the repair");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
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
    /// The item has a field in plaintext that the record sealed; anybody could have put it there.
    AlsoInTheClear,
    /// The item has an attribute of a field that the record protects under another of its names.
    MarkedUnderAnotherName,
    /// The item has an attribute of a field that may be sealed in a group that was not opened.
    MayStandInUnseenGroup,
    /// The record names one field as both sealed and readable.
    BothSealedAndReadable,
    /// A field was sealed outside of the group that it belongs to now, which the reader cannot
    /// open.
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
                    "`{name}` is marked #[{mark}], but the record was written with it unprotected, so anybody could have \
                     changed the value (to read such records during a migration: #[{mark}(accept = \"plaintext\")])"
                )
            }
            Problem::AlsoInTheClear => {
                write!(
                    f,
                    "`{name}` is sealed in the record, but the item also has it in plaintext, where anybody could have put it"
                )
            }
            Problem::MarkedUnderAnotherName => {
                write!(
                    f,
                    "`{name}` is in the item in plaintext, where anybody could have put it, but the record protects that \
                     field under another of its names"
                )
            }
            Problem::MayStandInUnseenGroup => {
                write!(
                    f,
                    "`{name}` is in the item in plaintext, where anybody could have put it, and the field may be sealed in \
                     a group of the record that this reader cannot open"
                )
            }
            Problem::BothSealedAndReadable => {
                write!(f, "the record names `{name}` as both sealed and readable")
            }
            Problem::SealedOutsideOfGroup => {
                write!(
                    f,
                    "`{name}` belongs to a group that is withheld from this reader, but the record was written with it sealed \
                     outside of the group (a reader with access to the group must store the record again)"
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
