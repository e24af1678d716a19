//! Map keys. DynamoDB stores them as strings, so only types with one string form can be keys.

use std::fmt::{Display, Write as _};

use envelope_core::{FragileValues, ValueError, WITHHELD, WITHHELD_VALUE};
use serde::de::{IntoDeserializer, Visitor};
use serde::ser::Impossible;
use serde::{Deserializer, Serialize, Serializer, forward_to_deserialize_any};

use crate::convert::number::deserialize_integers;

const NOT_A_KEY: ValueError = ValueError::format(
    "found a map key that is not a string, a character, an integer, a boolean or an enum \
     variant without data: DynamoDB stores map keys as strings",
);

/// Serializes a map key into the string that DynamoDB stores.
pub(crate) struct KeySerializer<'f> {
    fragile: Option<&'f mut FragileValues>,
}

impl<'f> KeySerializer<'f> {
    /// For a part of a composed key, which is read back on its own.
    pub(crate) const fn new() -> Self {
        Self { fragile: None }
    }

    /// For a key of a map. Keys that are not text are counted in `fragile`.
    pub(crate) const fn counting(fragile: &'f mut FragileValues) -> Self {
        Self { fragile: Some(fragile) }
    }
}

macro_rules! serialize_typed {
    ($($serialize:ident $type:ty;)*) => {$(
        fn $serialize(self, value: $type) -> Result<String, ValueError> {
            if let Some(fragile) = self.fragile {
                fragile.text_keys += 1;
            }
            Ok(value.to_string())
        }
    )*};
}

macro_rules! serialize_display {
    ($($serialize:ident $type:ty;)*) => {$(
        fn $serialize(self, value: $type) -> Result<String, ValueError> {
            Ok(value.to_string())
        }
    )*};
}

macro_rules! refuse {
    ($($serialize:ident($($argument:ty),*) $ok:ty;)*) => {$(
        fn $serialize(self, $(_: $argument),*) -> Result<$ok, ValueError> {
            Err(NOT_A_KEY)
        }
    )*};
}

impl Serializer for KeySerializer<'_> {
    type Ok = String;
    type Error = ValueError;
    type SerializeSeq = Impossible<String, ValueError>;
    type SerializeTuple = Impossible<String, ValueError>;
    type SerializeTupleStruct = Impossible<String, ValueError>;
    type SerializeTupleVariant = Impossible<String, ValueError>;
    type SerializeMap = Impossible<String, ValueError>;
    type SerializeStruct = Impossible<String, ValueError>;
    type SerializeStructVariant = Impossible<String, ValueError>;

    serialize_typed! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_u128 u128;
    }

    serialize_display! {
        serialize_char char;
        serialize_str &str;
    }

    refuse! {
        serialize_f32(f32) String;
        serialize_f64(f64) String;
        serialize_bytes(&[u8]) String;
        serialize_none() String;
        serialize_unit() String;
        serialize_unit_struct(&'static str) String;
        serialize_seq(Option<usize>) Self::SerializeSeq;
        serialize_tuple(usize) Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) Self::SerializeTupleVariant;
        serialize_map(Option<usize>) Self::SerializeMap;
        serialize_struct(&'static str, usize) Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) Self::SerializeStructVariant;
    }

    /// Refused even if the value is a string, because `None` has no string form.
    fn serialize_some<T: Serialize + ?Sized>(self, _value: &T) -> Result<String, ValueError> {
        Err(NOT_A_KEY)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<String, ValueError> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<String, ValueError> {
        if name == WITHHELD {
            return Err(WITHHELD_VALUE);
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<String, ValueError> {
        Err(NOT_A_KEY)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<String, ValueError> {
        display_to_string(value)
    }
}

/// The text of a value. Unlike `to_string`, it does not panic if the `Display` implementation
/// fails.
pub(crate) fn display_to_string<T: Display + ?Sized>(value: &T) -> Result<String, ValueError> {
    let mut text = String::new();
    write!(text, "{value}").map_err(<ValueError as serde::ser::Error>::custom)?;
    Ok(text)
}

/// Rebuilds a map key from the string that DynamoDB stores.
pub(crate) struct KeyDeserializer(pub(crate) String);

impl<'de> Deserializer<'de> for KeyDeserializer {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_string(self.0)
    }

    deserialize_integers!("a map key");

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0.parse() {
            Ok(boolean) => visitor.visit_bool(boolean),
            Err(_) => Err(ValueError::format(
                "found a map key that is neither `true` nor `false`, expected a boolean",
            )),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ValueError> for KeyDeserializer {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
