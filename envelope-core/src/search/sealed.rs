//! The searched value of an encrypted field (FORMAT 13.3).

use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::cbor::{NULL, ReadError, Reader, major};
use crate::number::Number;
use crate::record::FieldValue;
use crate::search::message::SearchValue;
use crate::serde_error::ValueError;

/// The most digits of an integer, and its sign.
const MAX_INTEGER_BYTES: usize = 40;

impl<'p> SearchValue<'p> {
    /// The error for a value of another type: a float, a bool, a list, a map or a set.
    pub const NOT_SEARCHABLE: ValueError = ValueError::format(
        "the field is searchable, and its value is not a string, an integer, bytes or an enum \
         variant without data",
    );
    /// The error for an integer of more than 38 significant digits.
    pub const NUMBER_TOO_LONG: ValueError = ValueError::format(
        "the field is searchable, and its number has more than 38 digits, which DynamoDB cannot \
         store",
    );

    /// The value of an encrypted field as it is sealed. `None` if the field has no value: it is
    /// null, or was not serialized.
    ///
    /// ```
    /// use envelope_core::FieldWriter;
    /// use envelope_core::search::SearchValue;
    ///
    /// let mut fields = FieldWriter::new(64, []);
    /// fields.field("born", &1984)?;
    /// fields.field("email", &None::<String>)?;
    /// fields.field("weight", &71.5)?;
    /// let written = fields.fields()?;
    /// let value = |position: usize| SearchValue::of_field(&written[position].1);
    /// assert!(matches!(value(0)?, Some(SearchValue::Number(born)) if born.as_str() == "1984"));
    /// assert!(value(1)?.is_none());
    /// assert!(value(2).is_err(), "two floats that look equal may differ");
    /// # Ok::<(), envelope_core::ValueError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NOT_SEARCHABLE`](Self::NOT_SEARCHABLE) or [`NUMBER_TOO_LONG`](Self::NUMBER_TOO_LONG).
    pub fn of_field(field: &FieldValue<'p>) -> Result<Option<Self>, ValueError> {
        if field.is_absent() || field.as_bytes() == [NULL] {
            return Ok(None);
        }
        let mut reader = Reader::new(field.as_bytes());
        let head = reader.head()?;
        let value = match head.major {
            major::TEXT => Self::Text(reader.text(head.argument)?),
            major::BYTES => Self::Bytes(reader.bytes(head.argument)?),
            major::UNSIGNED => integer(false, head.argument.into())?,
            major::NEGATIVE => integer(true, u128::from(head.argument) + 1)?,
            major::TAG => bignum(head.argument, reader.bignum(head.argument)?)?,
            _ => return Err(Self::NOT_SEARCHABLE),
        };
        Ok(Some(value))
    }
}

/// The number of a bignum (FORMAT 4.5-3): tag 3 has the magnitude of `-1 - n`.
fn bignum(tag: u64, digits: &[u8]) -> Result<SearchValue<'static>, ValueError> {
    let magnitude = digits.iter().fold(0, |n, digit| (n << 8) | u128::from(*digit));
    if tag == 2 {
        return integer(false, magnitude);
    }
    integer(true, magnitude.checked_add(1).ok_or(ReadError::Malformed)?)
}

fn integer(is_negative: bool, magnitude: u128) -> Result<SearchValue<'static>, ValueError> {
    let mut text = Zeroizing::new(String::with_capacity(MAX_INTEGER_BYTES));
    let sign = if is_negative { "-" } else { "" };
    // Writing to a `String` does not fail.
    let _ = write!(text, "{sign}{magnitude}");
    let number = Number::parse(&text).map_err(|_| SearchValue::NUMBER_TOO_LONG)?;
    Ok(SearchValue::Number(number.into_owned()))
}
