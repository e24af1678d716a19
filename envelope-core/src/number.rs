//! DynamoDB numbers: one canonical text per value (FORMAT 2.2).

use std::cmp::Ordering;
use std::fmt;

use zeroize::Zeroizing;

/// Significant digits that a DynamoDB number can have.
///
/// Source: Amazon DynamoDB Developer Guide, "Supported data types and naming rules", section
/// Number.
const MAX_DIGITS: usize = 38;
/// The decimal exponent of the largest magnitude, 9.99..E+125 (same source).
const MAX_EXPONENT: i64 = 125;
/// The decimal exponent of the smallest magnitude, 1E-130 (same source).
const MIN_EXPONENT: i64 = -130;
/// The longest canonical text: a sign, `0.`, 129 zeros and 38 digits.
const MAX_CANONICAL_BYTES: usize = 170;

/// A decimal number in canonical form, such as `-12.5`, `0` or `1000`. To DynamoDB, `1.0`, `1` and
/// `10E-1` are the same number.
///
/// A text that the number owns is wiped on drop, because the number may be the value of an
/// encrypted field.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::message::Number;
///
/// assert_eq!(Number::parse("+01.500e2")?.as_str(), "150");
/// assert_eq!(Number::parse("-0.0")?, Number::parse("0")?);
/// assert!(Number::parse("NaN").is_err());
/// # Ok::<(), envelope_core::NumberError>(())
/// ```
#[derive(Clone)]
pub struct Number<'a>(Text<'a>);

/// As `Cow<str>`, but wiped.
#[derive(Clone)]
enum Text<'a> {
    Borrowed(&'a str),
    Owned(Zeroizing<String>),
}

/// The text is not a DynamoDB number: it is not decimal, has more than 38 significant digits, or is
/// out of range.
///
/// Such a number is refused, and never rounded:
///
/// ```
/// # mod envelope_dynamo {
/// #     pub use envelope_core::message;
/// #     pub mod error { pub use envelope_core::NumberError; }
/// # }
/// use envelope_dynamo::error::NumberError;
/// use envelope_dynamo::message::Number;
///
/// for text in ["12,50", "Infinity", "1e126", "3.14159265358979323846264338327950288419"] {
///     assert_eq!(Number::parse(text), Err(NumberError));
/// }
/// assert!(Number::parse("3.1415926535897932384626433832795028842").is_ok(), "38 digits");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberError;

impl<'a> Number<'a> {
    /// Parses a decimal number, with or without sign, fraction and exponent.
    ///
    /// # Errors
    ///
    /// If `text` is not a decimal number, has more than 38 significant digits, or a magnitude
    /// outside of 1E-130 to 9.99E+125. DynamoDB refuses these too.
    pub fn parse(text: &'a str) -> Result<Self, NumberError> {
        if is_canonical_integer(text) {
            return Ok(Self(Text::Borrowed(text)));
        }
        let canonical = Decimal::parse(text)?.to_canonical();
        let is_canonical = *canonical == text;
        Ok(Self(if is_canonical { Text::Borrowed(text) } else { Text::Owned(canonical) }))
    }

    /// The same number, borrowing nothing.
    pub(crate) fn into_owned(self) -> Number<'static> {
        Number(Text::Owned(match self.0 {
            Text::Borrowed(text) => Zeroizing::new(text.to_owned()),
            Text::Owned(text) => text,
        }))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Borrowed(text) => text,
            Text::Owned(text) => text,
        }
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Number<'_> {}

/// The order of the canonical texts, not of the numbers.
impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The common case, which needs no parsing.
fn is_canonical_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    match digits {
        [b'0'] => text == "0",
        [b'1'..=b'9', rest @ ..] => {
            digits.len() <= MAX_DIGITS && rest.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// `0.d1d2d3.. * 10^point`; the digits have no leading and no trailing zeros.
struct Decimal {
    negative: bool,
    digits: Zeroizing<String>,
    point: i64,
}

impl Decimal {
    fn parse(text: &str) -> Result<Self, NumberError> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return Err(NumberError);
        }
        let digits = Zeroizing::new([whole, fraction].concat());
        let significant = digits.trim_start_matches('0');
        let leading = i64::try_from(digits.len() - significant.len()).map_err(|_| NumberError)?;
        let point = i64::try_from(whole.len()).map_err(|_| NumberError)? - leading + exponent;
        let digits = Zeroizing::new(significant.trim_end_matches('0').to_owned());
        let number = if digits.is_empty() {
            Self { negative: false, digits, point: 0 }
        } else {
            Self { negative, digits, point }
        };
        number.in_range()
    }

    fn in_range(self) -> Result<Self, NumberError> {
        let exponent = self.point - 1;
        let fits = self.digits.is_empty()
            || (self.digits.len() <= MAX_DIGITS
                && (MIN_EXPONENT..=MAX_EXPONENT).contains(&exponent));
        if fits { Ok(self) } else { Err(NumberError) }
    }

    /// The text never grows beyond its first allocation, so that no copy stays behind.
    fn to_canonical(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(MAX_CANONICAL_BYTES));
        let zeros = |n: i64| std::iter::repeat_n('0', usize::try_from(n).unwrap_or(0));
        let whole_digits = usize::try_from(self.point).unwrap_or(0).min(self.digits.len());
        let (whole, fraction) = self.digits.split_at(whole_digits);
        if self.negative {
            text.push('-');
        }
        text.push_str(if self.point > 0 { whole } else { "0" });
        text.extend(zeros(self.point - whole.len() as i64));
        if !fraction.is_empty() {
            text.push('.');
            text.extend(zeros(-self.point));
            text.push_str(fraction);
        }
        text
    }
}

fn parse_exponent(text: &str) -> Result<i64, NumberError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NumberError);
    }
    text.parse().map_err(|_| NumberError)
}

impl fmt::Debug for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(..)")
    }
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not a DynamoDB number: expected a decimal number with at most 38 significant digits, \
             from 1E-130 to 9.99E+125",
        )
    }
}

impl std::error::Error for NumberError {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Number;

    #[test]
    fn every_spelling_of_a_number_has_one_canonical_form() {
        let spellings: [(&str, &[&str]); 8] = [
            ("0", &["0", "-0", "+0", "00", "0.0", "0e9", ".0", "0.", "-0.000E-5"]),
            ("1", &["1", "01", "1.0", "+1", "10e-1", "0.1e1", "1.", "1E0", "1e+0"]),
            ("-12.5", &["-12.5", "-12.50", "-0125e-1", "-1.25E1"]),
            ("0.5", &["0.5", ".5", "5e-1", "00.50"]),
            ("0.0012", &["0.0012", "12e-4", "1.2e-3"]),
            ("150", &["150", "1.5e2", "15e1", "150.0"]),
            (
                "12345678901234567890123456789012345678",
                &["12345678901234567890123456789012345678.000"],
            ),
            ("120000", &["1.2e5", "120000", "12e4"]),
        ];
        for (canonical, texts) in spellings {
            for text in texts {
                assert_eq!(Number::parse(text).unwrap().as_str(), canonical, "{text}");
            }
        }
        assert_eq!(Number::parse("1e125").unwrap().as_str().len(), 126);
        assert_eq!(Number::parse("-1e-130").unwrap().as_str().len(), 3 + 130);
    }

    #[test]
    fn texts_that_dynamodb_refuses_are_refused() {
        for text in [
            "",
            "-",
            "+",
            ".",
            "e1",
            "1e",
            "1e+",
            "1e1.5",
            "NaN",
            "inf",
            "0x10",
            "1_000",
            " 1",
            "1 ",
            "١",
            "--1",
            "1e126",
            "1e-131",
            "123456789012345678901234567890123456789",
            "1e99999999999999999999",
            "1.1.1",
        ] {
            assert!(Number::parse(text).is_err(), "{text:?}");
        }
    }
}
