//! The value of a searchable field, from which a search tag is computed (FORMAT 13).
//!
//! Records that are written and questions that are asked take their values from here, so that one
//! value always has one tag. The value is what the record seals, so a question is written as a
//! field would be.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::search::SearchValue;
use envelope_core::{FieldValue, FieldWriter, ValueError};
use serde::Serialize;
use zeroize::{Zeroize as _, Zeroizing};

/// Room for a value. The buffer grows without leaving copies.
const BYTES: usize = 64;

/// The value of a searchable field. Wiped on drop.
#[derive(Clone)]
pub enum SearchedValue {
    /// A string.
    Text(Zeroizing<String>),
    /// A number, not yet in its canonical form.
    Number(Zeroizing<String>),
    /// Bytes.
    Bytes(Zeroizing<Vec<u8>>),
}

/// The values that one tag is computed from, in the order of its fields; `None` if a field has no
/// value. Then there is no tag.
pub(crate) type SearchedValues = Result<Option<Arc<[SearchedValue]>>, ValueError>;

impl SearchedValue {
    /// The value that a field of a record would have, as serde writes it; `None` for `None`.
    ///
    /// # Errors
    ///
    /// If the value does not serialize, or cannot be searched.
    pub fn of<V: Serialize + ?Sized>(value: &V) -> Result<Option<Self>, ValueError> {
        let mut written = FieldWriter::new(BYTES, []);
        written.field("", value)?;
        match written.fields()?.as_slice() {
            [(_, value)] => Self::of_sealed(value),
            _ => Ok(None),
        }
    }

    /// The value of an encrypted field; `None` if it has none.
    ///
    /// # Errors
    ///
    /// If the value is neither a string, an integer, bytes nor an enum variant without data, or if
    /// the number has more than 38 digits.
    pub(crate) fn of_sealed(value: &FieldValue<'_>) -> Result<Option<Self>, ValueError> {
        Ok(SearchValue::of_field(value)?.map(|value| match value {
            SearchValue::Text(text) => Self::Text(Zeroizing::new(text.to_owned())),
            SearchValue::Number(number) => Self::Number(Zeroizing::new(number.as_str().to_owned())),
            SearchValue::Bytes(bytes) => Self::Bytes(Zeroizing::new(bytes.to_vec())),
        }))
    }

    /// The value of a readable attribute; `None` if it is absent or null.
    ///
    /// # Errors
    ///
    /// If the attribute is neither a string, a number nor bytes.
    pub(crate) fn of_attribute(
        attribute: Option<&AttributeValue>,
    ) -> Result<Option<Self>, ValueError> {
        let value = match attribute {
            None | Some(AttributeValue::Null(_)) => return Ok(None),
            Some(AttributeValue::S(text)) => Self::Text(Zeroizing::new(text.clone())),
            Some(AttributeValue::N(number)) => Self::Number(Zeroizing::new(number.clone())),
            Some(AttributeValue::B(bytes)) => Self::Bytes(Zeroizing::new(bytes.as_ref().to_vec())),
            Some(_) => return Err(SearchValue::NOT_SEARCHABLE),
        };
        value.checked().map(Some)
    }

    /// The value for the computation of a tag.
    ///
    /// # Errors
    ///
    /// If the number has more than 38 digits. Such a value was refused before.
    pub(crate) fn borrowed(&self) -> Result<SearchValue<'_>, ValueError> {
        match self {
            Self::Text(text) => Ok(SearchValue::Text(text)),
            Self::Number(number) => {
                SearchValue::number(number).map_err(|_| SearchValue::NUMBER_TOO_LONG)
            }
            Self::Bytes(bytes) => Ok(SearchValue::Bytes(bytes)),
        }
    }

    fn checked(self) -> Result<Self, ValueError> {
        self.borrowed()?;
        Ok(self)
    }
}

/// Joins the values of the fields of one tag, for derived code.
///
/// # Errors
///
/// The first error among the values.
pub fn searched_values<const N: usize>(
    values: [Result<Option<SearchedValue>, ValueError>; N],
) -> SearchedValues {
    values.into_iter().collect()
}

/// Shows the type alone.
impl fmt::Debug for SearchedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "S(..)",
            Self::Number(_) => "N(..)",
            Self::Bytes(_) => "B(..)",
        })
    }
}

/// Wipes a value that was passed to a search, if its type is one of those below; used by derived
/// code.
#[doc(hidden)]
#[derive(Debug)]
pub struct Wipe<T: ?Sized>(PhantomData<T>);

macro_rules! wiped {
    ($($type:ty)*) => {$(
        impl Wipe<$type> {
            /// Overwrites the value. The compiler prefers this function to the one of
            /// [`NotWiped`].
            pub fn __wipe(mut value: $type) {
                value.zeroize();
            }
        }
    )*};
}

wiped! { String Option<String> Vec<u8> Option<Vec<u8>> }

/// What happens to all other types: they are dropped.
#[doc(hidden)]
pub trait NotWiped {
    /// The type.
    type Value;

    /// Drops the value.
    fn __wipe(_: Self::Value) {}
}

impl<T> NotWiped for Wipe<T> {
    type Value = T;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use envelope_core::search::SearchValue;
    use serde::Serialize;

    use super::{SearchedValue, Wipe};

    fn captured<V: Serialize>(value: V) -> String {
        match SearchedValue::of(&value) {
            Ok(Some(SearchedValue::Text(text))) => format!("S {}", *text),
            Ok(Some(SearchedValue::Number(text))) => format!("N {}", *text),
            Ok(Some(SearchedValue::Bytes(bytes))) => format!("B {:?}", *bytes),
            Ok(None) => "absent".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[derive(Serialize)]
    struct Newtype<T>(T);

    #[derive(Serialize)]
    enum State {
        Open,
        #[serde(rename = "closed")]
        Closed,
        With(u8),
    }

    #[derive(Serialize)]
    struct Bytes(#[serde(serialize_with = "as_bytes")] &'static [u8]);

    fn as_bytes<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    #[test]
    fn strings_integers_and_bytes_are_captured_as_serde_writes_them() {
        assert_eq!(captured(" Zoë "), "S  Zoë ");
        assert_eq!(captured('é'), "S é");
        assert_eq!(captured(uuid::Uuid::nil()), "S 00000000-0000-0000-0000-000000000000");
        assert_eq!(captured(std::net::Ipv4Addr::LOCALHOST), "S 127.0.0.1");
        assert_eq!(captured(State::Open), "S Open");
        assert_eq!(captured(State::Closed), "S closed");
        assert_eq!(captured(-7_i8), "N -7");
        assert_eq!(captured(u64::MAX), "N 18446744073709551615");
        assert_eq!(captured(10_i128.pow(37)), format!("N 1{}", "0".repeat(37)));
        assert_eq!(captured(Bytes(b"ab")), "B [97, 98]");
        assert_eq!(captured(Some(Newtype("x"))), "S x");
        assert_eq!(captured(Newtype(Some(3_u8))), "N 3");
    }

    #[test]
    fn an_absent_value_is_captured_as_absent_and_an_empty_one_as_empty() {
        assert_eq!(captured(None::<String>), "absent");
        assert_eq!(captured(Newtype(None::<u8>)), "absent");
        assert_eq!(captured(serde_json::Value::Null), "absent");
        assert_eq!(captured(""), "S ");
    }

    #[test]
    fn every_other_value_is_refused() {
        let refused = [
            captured(true),
            captured(1.0_f32),
            captured(1.0_f64),
            captured(vec!["x"]),
            captured(("x", "y")),
            captured(BTreeMap::from([("k", "v")])),
            captured(State::With(1)),
        ];
        for message in refused {
            assert_eq!(message, SearchValue::NOT_SEARCHABLE.to_string());
        }
        assert_eq!(captured(u128::MAX), SearchValue::NUMBER_TOO_LONG.to_string());
    }

    #[test]
    fn debug_shows_no_value() {
        let value = SearchedValue::of("zoe@example.com").expect("a string");
        assert_eq!(format!("{value:?}"), "Some(S(..))");
    }

    #[test]
    fn owned_strings_and_bytes_are_wiped_and_other_types_dropped() {
        use super::NotWiped as _;
        Wipe::<String>::__wipe("zoe@example.com".to_owned());
        Wipe::<Option<Vec<u8>>>::__wipe(Some(vec![1]));
        Wipe::<u64>::__wipe(7);
    }
}
