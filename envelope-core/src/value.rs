//! Attribute values in the canonical form that sealed data is bound to (FORMAT 2).

use std::borrow::Cow;
use std::fmt;

use crate::cbor::{FALSE, TRUE, major, write_head};
use crate::number::Number;

/// The value of a key or of an authenticated attribute, of one of DynamoDB's ten types.
///
/// DynamoDB rewrites numbers (`1.0` is read as `1`) and returns sets in any order. Sealed data is
/// bound to the canonical form, which stays the same.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::message::{Number, Value};
///
/// let value = Value::Number(Number::parse("1.0")?);
/// assert!(value == Value::Number(Number::parse("1")?));
/// assert_eq!(format!("{value:?}"), "N(..)", "values are not printed");
/// # Ok::<(), envelope_core::NumberError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// `NULL`
    Null,
    /// `BOOL`
    Bool(bool),
    /// `N`
    Number(Number<'a>),
    /// `S`
    String(Cow<'a, str>),
    /// `B`
    Bytes(Cow<'a, [u8]>),
    /// `L`
    List(Vec<Self>),
    /// `M`, in any order; names are distinct
    Map(Vec<(Cow<'a, str>, Self)>),
    /// `SS`, in any order
    StringSet(Vec<Cow<'a, str>>),
    /// `NS`, in any order
    NumberSet(Vec<Number<'a>>),
    /// `BS`, in any order
    BytesSet(Vec<Cow<'a, [u8]>>),
}

impl<'a> Value<'a> {
    /// A string value.
    pub fn string(text: impl Into<Cow<'a, str>>) -> Self {
        Self::String(text.into())
    }

    /// A binary value.
    pub fn bytes(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self::Bytes(bytes.into())
    }

    /// Appends the canonical encoding: a CBOR array of the type name and the value (FORMAT 2.1).
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        head(out, major::ARRAY, 2);
        text(out, self.type_name());
        match self {
            Self::Null => out.push(TRUE),
            Self::Bool(value) => out.push(if *value { TRUE } else { FALSE }),
            Self::Number(number) => text(out, number.as_str()),
            Self::String(string) => text(out, string),
            Self::Bytes(value) => bytes(out, value),
            Self::List(values) => {
                head(out, major::ARRAY, values.len() as u64);
                values.iter().for_each(|value| value.encode(out));
            }
            Self::Map(entries) => encode_map(out, entries),
            Self::StringSet(set) => encode_set(out, set.iter().map(AsRef::as_ref), text),
            Self::NumberSet(set) => encode_set(out, set.iter().map(Number::as_str), text),
            Self::BytesSet(set) => encode_set(out, set.iter().map(AsRef::as_ref), bytes),
        }
    }

    const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bool(_) => "BOOL",
            Self::Number(_) => "N",
            Self::String(_) => "S",
            Self::Bytes(_) => "B",
            Self::List(_) => "L",
            Self::Map(_) => "M",
            Self::StringSet(_) => "SS",
            Self::NumberSet(_) => "NS",
            Self::BytesSet(_) => "BS",
        }
    }
}

/// Shows only the type: a value that is readable in the table may still not belong in a log.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(..)", self.type_name())
    }
}

pub(crate) fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    write_head(major, argument, |bytes| out.extend_from_slice(bytes));
}

pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    head(out, major::TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    head(out, major::BYTES, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// The order of text keys in deterministic CBOR: shorter first, then bytewise (RFC 8949, section
/// 4.2.1).
pub(crate) fn cbor_order(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn encode_map(out: &mut Vec<u8>, entries: &[(Cow<'_, str>, Value<'_>)]) {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable_by(|(a, _), (b, _)| cbor_order(a, b));
    head(out, major::MAP, sorted.len() as u64);
    for (name, value) in sorted {
        text(out, name);
        value.encode(out);
    }
}

/// Encodes a set as an array of distinct elements in bytewise order.
fn encode_set<'s, T: Ord + ?Sized + 's>(
    out: &mut Vec<u8>,
    set: impl Iterator<Item = &'s T>,
    encode: fn(&mut Vec<u8>, &T),
) {
    let mut sorted: Vec<&T> = set.collect();
    sorted.sort_unstable();
    sorted.dedup();
    head(out, major::ARRAY, sorted.len() as u64);
    sorted.into_iter().for_each(|element| encode(out, element));
}
