//! The value that a type has for an attribute that is absent from the item.

use std::marker::PhantomData;

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

/// Whether a type has a value for an absent attribute; used by derived code.
///
/// A type that serde cannot read takes the function of [`NotDeserialized`], so that the compiler
/// reports the missing `Deserialize` only once.
#[doc(hidden)]
#[derive(Debug)]
pub struct MayBeAbsent<T: ?Sized>(PhantomData<T>);

impl<T: Deserialize<'static>> MayBeAbsent<T> {
    /// Whether `T` has a value for an absent attribute.
    #[must_use]
    pub fn __may_be_absent() -> bool {
        absent_value::<T>("").is_ok()
    }
}

/// The answer for types that serde cannot read.
#[doc(hidden)]
pub trait NotDeserialized {
    /// No.
    fn __may_be_absent() -> bool {
        false
    }
}

impl<T: ?Sized> NotDeserialized for MayBeAbsent<T> {}

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
