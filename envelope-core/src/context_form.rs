//! The three forms of the KMS encryption context (FORMAT 5.2).

use std::fmt;

/// How the primary key of a record appears in the KMS encryption context, which CloudTrail logs in
/// clear.
///
/// The associated data of the payload always contains the full key, whichever form is chosen. A
/// form cannot be changed while records of another form are stored.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::message::{Context, ContextForm, Value};
///
/// let context = Context::new("users").partition_key("id", Value::string("u_1"));
/// let names = |form| {
///     let context = context.clone().form(form).encryption_context();
///     context.pairs().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
/// };
/// assert_eq!(names(ContextForm::Raw), ["partition_key", "table"]);
/// assert_eq!(names(ContextForm::Hashed), ["partition_key", "table"]);
/// assert_eq!(names(ContextForm::Table), ["table"]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContextForm {
    /// `table`, `partition_key` and `sort_key` in clear: auditable, the default.
    #[default]
    Raw,
    /// `table` in clear, `partition_key` and `sort_key` as SHA-256 digests: for keys such as an
    /// e-mail address.
    ///
    /// # Security
    ///
    /// A digest hides a key from a casual reader of CloudTrail, but not from somebody who can guess
    /// the key and compare.
    Hashed,
    /// Only `table`: one data key may seal every record of the table.
    Table,
}

impl ContextForm {
    /// The byte that names the form in `encrypted_dek` (FORMAT 3.2).
    pub(crate) const fn to_byte(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Hashed => 1,
            Self::Table => 2,
        }
    }

    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Raw),
            1 => Some(Self::Hashed),
            2 => Some(Self::Table),
            _ => None,
        }
    }
}

impl fmt::Display for ContextForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Hashed => "hashed",
            Self::Table => "table",
        })
    }
}
