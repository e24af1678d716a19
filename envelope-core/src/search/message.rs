//! The values that a tag is computed from, and their canonical bytes (FORMAT 13.3).

use std::fmt;

use zeroize::Zeroizing;

use crate::cbor::{head_bytes, major};
use crate::number::{Number, NumberError};
use crate::search::step::Step;
use crate::value::{Value, head};

/// The value of a searched field, of one of the types that a key attribute of DynamoDB can have.
///
/// ```
/// use envelope_core::search::SearchValue;
///
/// let value = SearchValue::number("1.50")?;
/// assert_eq!(format!("{value:?}"), "N(..)", "values are not printed");
/// assert!(SearchValue::number("NaN").is_err());
/// # Ok::<(), envelope_core::NumberError>(())
/// ```
#[derive(Clone)]
pub enum SearchValue<'a> {
    /// `S`
    Text(&'a str),
    /// `N`
    Number(Number<'a>),
    /// `B`
    Bytes(&'a [u8]),
}

impl<'a> SearchValue<'a> {
    /// The number that `text` writes. `1`, `1.0` and `10E-1` are one value.
    ///
    /// # Errors
    ///
    /// If `text` is not a number that DynamoDB stores, as for [`Number::parse`].
    pub fn number(text: &'a str) -> Result<Self, NumberError> {
        Number::parse(text).map(Self::Number)
    }

    /// The most bytes that the value has in a message.
    fn max_bytes(&self) -> usize {
        let length = match self {
            Self::Text(text) => text.len(),
            Self::Number(number) => number.as_str().len(),
            Self::Bytes(bytes) => bytes.len(),
        };
        1 + 2 + head_bytes(length as u64) + length
    }

    /// Appends the value after the `steps`. `None` if it is empty then.
    fn encode(&self, steps: &[Step], out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Number(number) => Value::Number(number.clone()).encode(out),
            Self::Bytes([]) => return None,
            Self::Bytes(bytes) => Value::bytes(*bytes).encode(out),
            Self::Text(text) if steps.is_empty() => encode_text(text, out)?,
            Self::Text(text) => {
                let mut text = Zeroizing::new((*text).to_owned());
                steps.iter().for_each(|step| step.apply(&mut text));
                encode_text(&text, out)?;
            }
        }
        Some(())
    }
}

fn encode_text(text: &str, out: &mut Vec<u8>) -> Option<()> {
    if text.is_empty() {
        return None;
    }
    Value::string(text).encode(out);
    Some(())
}

/// Shows only the type.
impl fmt::Debug for SearchValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "S(..)",
            Self::Number(_) => "N(..)",
            Self::Bytes(_) => "B(..)",
        })
    }
}

/// The canonical bytes of the values of a tag, after the steps. Wiped on drop.
///
/// Two lists of values are the same to a search exactly if their messages are equal. The message
/// does not depend on the search key: one message has a tag under each key.
///
/// Messages need not be compared in constant time: both are known to the process that compares
/// them, and a stored value is only compared with a question that has the same tag.
///
/// ```
/// use envelope_core::search::{Definition, SearchValue, Step};
///
/// let fields = [("email", &[Step::Trim, Step::AsciiLowercase][..])];
/// let by_email = Definition::new("users", "email", &fields);
/// let message = |email| by_email.message(&[SearchValue::Text(email)]);
/// assert_eq!(message(" Zoe@Example.com"), message("zoe@example.com"));
/// assert_ne!(message("zoe@example.com"), message("zoe@example.org"));
/// assert_eq!(message("  "), None, "nothing to find");
/// ```
#[derive(PartialEq, Eq)]
pub struct SearchMessage(Zeroizing<Vec<u8>>);

impl SearchMessage {
    /// `None` if a value is empty after its steps. Panics if there are not as many values as lists
    /// of steps.
    pub(super) fn new<'s>(
        values: &[SearchValue<'_>],
        steps: impl ExactSizeIterator<Item = &'s [Step]>,
    ) -> Option<Self> {
        assert_eq!(
            values.len(),
            steps.len(),
            "a search needs one value for each field of its definition"
        );
        let count = values.len() as u64;
        let most = head_bytes(count) + values.iter().map(SearchValue::max_bytes).sum::<usize>();
        // The buffer never grows, because growing would leave a copy behind.
        let mut message = Zeroizing::new(Vec::with_capacity(most));
        head(&mut message, major::ARRAY, count);
        for (value, steps) in values.iter().zip(steps) {
            value.encode(steps, &mut message)?;
        }
        Some(Self(message))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Shows nothing of the values.
impl fmt::Debug for SearchMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SearchMessage(..)")
    }
}
