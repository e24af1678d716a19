//! Why a value could not be serialized or deserialized, without quoting the value.

use std::fmt;

use serde::de::{Expected, Unexpected};

/// Why a value could not be serialized or deserialized, without quoting the value.
///
/// serde's own errors quote the value (`invalid value: string "123-45-6789"`), and so may the
/// messages of a type's own serialization. This error contains types, names and expectations, and
/// nothing from the data.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::ValueError;
/// use serde::de::{Error, Unexpected};
///
/// let error = ValueError::invalid_type(Unexpected::Str("123-45-6789"), &"u8");
/// assert_eq!(error.to_string(), "found a string, expected u8");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError(Reason);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    Format(&'static str),
    Mismatch { found: &'static str, expected: String },
    Length { found: usize, expected: String },
    UnknownVariant { expected: &'static [&'static str] },
    UnknownField { expected: &'static [&'static str] },
    MissingField(&'static str),
    DuplicateField(&'static str),
    Refused,
}

impl ValueError {
    pub(crate) const TOO_DEEP: Self = Self::format("nested too deeply");

    /// An error of the data format. The text must be a constant, so that it cannot contain a value.
    #[must_use]
    pub const fn format(reason: &'static str) -> Self {
        Self(Reason::Format(reason))
    }

    /// The data does not have the field, and the field has no default.
    #[must_use]
    pub const fn missing(field: &'static str) -> Self {
        Self(Reason::MissingField(field))
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Format(reason) => f.write_str(reason),
            Reason::Mismatch { found, expected } => write!(f, "found {found}, expected {expected}"),
            Reason::Length { found, expected } => {
                write!(f, "found {found} elements, expected {expected}")
            }
            Reason::UnknownVariant { expected } => {
                write!(f, "found an unknown variant, expected one of {}", Names(expected))
            }
            Reason::UnknownField { expected } => {
                write!(f, "found an unknown field, expected one of {}", Names(expected))
            }
            Reason::MissingField(name) => write!(
                f,
                "missing field `{name}` (a field newer than the data must be an Option, or have \
                 #[serde(default)]; a renamed field needs #[serde(alias = \"its old name\")])"
            ),
            Reason::DuplicateField(name) => write!(f, "duplicate field `{name}`"),
            Reason::Refused => f.write_str(
                "refused by its type's own serialization (the reason is withheld: it may quote the \
                 value)",
            ),
        }
    }
}

impl std::error::Error for ValueError {}

impl serde::ser::Error for ValueError {
    fn custom<T: fmt::Display>(_may_quote_the_value: T) -> Self {
        Self(Reason::Refused)
    }
}

impl serde::de::Error for ValueError {
    fn custom<T: fmt::Display>(_may_quote_the_value: T) -> Self {
        Self(Reason::Refused)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(Reason::Mismatch { found: kind(&found), expected: expected.to_string() })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(Reason::Mismatch { found: kind(&found), expected: expected.to_string() })
    }

    fn invalid_length(found: usize, expected: &dyn Expected) -> Self {
        Self(Reason::Length { found, expected: expected.to_string() })
    }

    fn unknown_variant(_found: &str, expected: &'static [&'static str]) -> Self {
        Self(Reason::UnknownVariant { expected })
    }

    fn unknown_field(_found: &str, expected: &'static [&'static str]) -> Self {
        Self(Reason::UnknownField { expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Self(Reason::MissingField(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self(Reason::DuplicateField(field))
    }
}

struct Names(&'static [&'static str]);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.0.iter().enumerate() {
            write!(f, "{}`{name}`", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// The start of serde's description of a 128-bit integer that a type does not accept. The value
/// follows.
const WIDE_INTEGER: &str = "integer `";

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a floating point number",
        Unexpected::Char(_) => "a character",
        Unexpected::Str(_) => "a string",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit => "null",
        Unexpected::Option => "an option",
        Unexpected::NewtypeStruct => "a newtype",
        Unexpected::Seq => "a sequence",
        Unexpected::Map => "a map",
        Unexpected::Enum => "an enum",
        Unexpected::UnitVariant => "a unit variant",
        Unexpected::NewtypeVariant => "a newtype variant",
        Unexpected::TupleVariant => "a tuple variant",
        Unexpected::StructVariant => "a struct variant",
        Unexpected::Other(text) if text.starts_with(WIDE_INTEGER) => {
            "an integer of more than 64 bits"
        }
        _ => "something else",
    }
}

/// The name of a newtype in place of a value that this process may not read. Serializers of records
/// refuse it, so that it cannot overwrite the value. Other formats write the unit inside.
#[doc(hidden)]
pub const WITHHELD: &str = "$envelope::Withheld";

/// The error for a newtype of that name.
#[doc(hidden)]
pub const WITHHELD_VALUE: ValueError = ValueError::format(
    "a value that is withheld cannot be stored, except as a field of its group: `#[encrypted(group \
     = \"..\")]`",
);
