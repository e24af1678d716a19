//! Numbers, which DynamoDB stores as decimal text.
//!
//! `Display` writes the text and `FromStr` reads it. DynamoDB returns the text in its own normal
//! form (`1.50` as `1.5`, `1e2` as `100`), which `FromStr` also reads.

use envelope_core::ValueError;
use serde::de::{IntoDeserializer, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

/// Implements `deserialize_i8` to `deserialize_u128` for a newtype over decimal text.
macro_rules! deserialize_integers {
    ($found:literal) => {
        $crate::convert::number::deserialize_integers! {
            $found
            deserialize_i8 visit_i8 i8;
            deserialize_i16 visit_i16 i16;
            deserialize_i32 visit_i32 i32;
            deserialize_i64 visit_i64 i64;
            deserialize_i128 visit_i128 i128;
            deserialize_u8 visit_u8 u8;
            deserialize_u16 visit_u16 u16;
            deserialize_u32 visit_u32 u32;
            deserialize_u64 visit_u64 u64;
            deserialize_u128 visit_u128 u128;
        }
    };
    ($found:literal $($deserialize:ident $visit:ident $integer:ident;)+) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            match str::parse::<$integer>(self.0.as_ref()) {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(ValueError::format(
                    concat!(
                        "found ", $found, " that is not a whole number in the range of ",
                        stringify!($integer),
                    ),
                )),
            }
        }
    )+};
}
pub(crate) use deserialize_integers;

const NOT_A_NUMBER: ValueError =
    ValueError::format("found a number attribute whose text is not a number");

/// Whether `text` is exactly `float`, as `Display` writes it or with all its digits.
fn is_written_as(float: f64, text: &str) -> bool {
    float.to_string() == text || format!("{float:.0}") == text
}

/// The text of a number attribute, or of an element of a number set.
pub(crate) struct Number<T>(pub(crate) T);

impl<'de, T: AsRef<str>> Deserializer<'de> for Number<T> {
    type Error = ValueError;

    /// Reads the first of `i64`, `u64`, `f64`, `i128` and `u128` that represents the text exactly.
    /// A whole number that fits an integer type is never rounded to the nearest `f64`.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let text = self.0.as_ref();
        if let Ok(number) = text.parse() {
            return visitor.visit_i64(number);
        }
        if let Ok(number) = text.parse() {
            return visitor.visit_u64(number);
        }
        let float = text.parse().map_err(|_| NOT_A_NUMBER)?;
        match (text.parse(), text.parse()) {
            _ if is_written_as(float, text) => visitor.visit_f64(float),
            (Ok(number), _) => visitor.visit_i128(number),
            (_, Ok(number)) => visitor.visit_u128(number),
            _ => visitor.visit_f64(float),
        }
    }

    deserialize_integers!("a number");

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_f32(self.0.as_ref().parse().map_err(|_| NOT_A_NUMBER)?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_f64(self.0.as_ref().parse().map_err(|_| NOT_A_NUMBER)?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        enum identifier
    }
}

impl<'de, T: AsRef<str>> IntoDeserializer<'de, ValueError> for Number<T> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
