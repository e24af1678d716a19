//! The value that a type has for an attribute that is absent from the item.

use envelope_core::ValueError;
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// The value of an absent attribute: `None` for an option, an error for anything else.
///
/// # Errors
///
/// If the type has no value for an absent attribute.
pub(crate) fn absent_value<T: Deserialize<'static>>(name: &'static str) -> Result<T, ValueError> {
    T::deserialize(Absent(name))
}

/// Whether a type has a value for an attribute that the item does not have.
#[must_use]
pub fn may_be_absent<T: Deserialize<'static>>() -> bool {
    absent_value::<T>("").is_ok()
}

struct Absent(&'static str);

impl<'de> Deserializer<'de> for Absent {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, ValueError> {
        Err(ValueError::missing(self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
