//! The serde deserializer that reads values from attributes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::ValueError;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, Unexpected, VariantAccess, Visitor,
};

use crate::convert::Depth;
use crate::convert::key::KeyDeserializer;
use crate::convert::number::Number;
use crate::convert::sets::{Bytes, Text};

/// Reads a value from an attribute. It consumes the attribute; the value borrows nothing.
pub(crate) struct Deserializer {
    attribute: AttributeValue,
    depth: Depth,
}

impl Deserializer {
    /// Reads from `attribute`.
    pub(crate) const fn new(attribute: AttributeValue) -> Self {
        Self { attribute, depth: Depth::full() }
    }
}

macro_rules! deserialize_numbers {
    ($($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            match self.attribute {
                AttributeValue::N(text) => Number(text).$deserialize(visitor),
                other => Err(mismatch(&other, &visitor)),
            }
        }
    )*};
}

impl<'de> serde::Deserializer<'de> for Deserializer {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.attribute {
            AttributeValue::S(string) => visitor.visit_string(string),
            AttributeValue::N(text) => Number(text).deserialize_any(visitor),
            AttributeValue::B(bytes) => visitor.visit_byte_buf(bytes.into_inner()),
            AttributeValue::Bool(boolean) => visitor.visit_bool(boolean),
            AttributeValue::Null(true) => visitor.visit_unit(),
            AttributeValue::M(_) => self.deserialize_map(visitor),
            _ => self.deserialize_seq(visitor),
        }
    }

    deserialize_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.attribute {
            AttributeValue::Bool(boolean) => visitor.visit_bool(boolean),
            other => Err(mismatch(&other, &visitor)),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let AttributeValue::S(string) = &self.attribute else {
            return Err(mismatch(&self.attribute, &visitor));
        };
        let mut characters = string.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => visitor.visit_char(character),
            _ => Err(mismatch(&self.attribute, &visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.attribute {
            AttributeValue::S(string) => visitor.visit_string(string),
            other => Err(mismatch(&other, &visitor)),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.attribute {
            AttributeValue::B(bytes) => visitor.visit_byte_buf(bytes.into_inner()),
            other => Err(mismatch(&other, &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.attribute {
            AttributeValue::Null(true) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.attribute {
            AttributeValue::Null(true) => visitor.visit_unit(),
            other => Err(mismatch(&other, &visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    /// Reads a list or any set. Elements that the visitor does not read are dropped, as in
    /// `serde_dynamo`.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.attribute {
            AttributeValue::L(list) => {
                let depth = self.depth.descend()?;
                let elements = list.into_iter().map(|attribute| Self { attribute, depth });
                visitor.visit_seq(SeqDeserializer::new(elements))
            }
            AttributeValue::Ss(strings) => {
                visitor.visit_seq(SeqDeserializer::new(strings.into_iter().map(Text)))
            }
            AttributeValue::Ns(numbers) => {
                visitor.visit_seq(SeqDeserializer::new(numbers.into_iter().map(Number)))
            }
            AttributeValue::Bs(binaries) => {
                visitor.visit_seq(SeqDeserializer::new(binaries.into_iter().map(Bytes)))
            }
            other => Err(mismatch(&other, &visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.attribute {
            AttributeValue::M(map) => visit_entries(map.into_iter(), self.depth, visitor),
            other => Err(mismatch(&other, &visitor)),
        }
    }

    /// Reads a map, or a list with the fields in the order of the struct.
    ///
    /// The struct's first field is passed to the visitor first. serde reads an adjacently tagged
    /// enum as a struct of tag and content. It buffers content that comes before the tag, and some
    /// types cannot be read from that buffer.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.attribute {
            AttributeValue::L(_) => self.deserialize_seq(visitor),
            AttributeValue::M(mut map) => {
                let first = fields.first().and_then(|name| map.remove_entry(*name));
                visit_entries(first.into_iter().chain(map), self.depth, visitor)
            }
            other => Err(mismatch(&other, &visitor)),
        }
    }

    /// Reads the name of a variant without data, or a map with one entry: the variant and its data.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.attribute {
            AttributeValue::S(variant) => visitor.visit_enum(variant.into_deserializer()),
            AttributeValue::M(map) => {
                visitor.visit_enum(Variant::only_entry(map, self.depth.descend()?)?)
            }
            other => Err(mismatch(&other, &visitor)),
        }
    }

    /// Does not inspect the attribute, so that its type may be unknown to the AWS SDK.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }
}

impl<'de> IntoDeserializer<'de, ValueError> for Deserializer {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn visit_entries<'de, V: Visitor<'de>>(
    entries: impl Iterator<Item = (String, AttributeValue)>,
    outer: Depth,
    visitor: V,
) -> Result<V::Value, ValueError> {
    let depth = outer.descend()?;
    let entries =
        entries.map(|(key, attribute)| (KeyDeserializer(key), Deserializer { attribute, depth }));
    visitor.visit_map(MapDeserializer::new(entries))
}

/// A variant with its data.
struct Variant {
    name: String,
    data: Deserializer,
}

impl Variant {
    fn only_entry(map: HashMap<String, AttributeValue>, depth: Depth) -> Result<Self, ValueError> {
        let mut entries = map.into_iter();
        match (entries.next(), entries.next()) {
            (Some((name, attribute)), None) => {
                Ok(Self { name, data: Deserializer { attribute, depth } })
            }
            _ => Err(ValueError::format(
                "found a map, expected an enum: a map with one entry, named after a variant",
            )),
        }
    }
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = ValueError;
    type Variant = Deserializer;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Deserializer), ValueError> {
        seed.deserialize(self.name.into_deserializer()).map(|variant| (variant, self.data))
    }
}

impl<'de> VariantAccess<'de> for Deserializer {
    type Error = ValueError;

    /// Drops the data, as `serde_dynamo` does: an earlier version of the variant may have had some.
    fn unit_variant(self) -> Result<(), ValueError> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, ValueError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        serde::Deserializer::deserialize_seq(self, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        serde::Deserializer::deserialize_map(self, visitor)
    }
}

/// An error that names the type that was found and the one that was expected, but never the value.
#[cold]
fn mismatch<'de, V: Visitor<'de>>(found: &AttributeValue, expected: &V) -> ValueError {
    let found = match found {
        AttributeValue::S(_) => Unexpected::Str(""),
        AttributeValue::N(text) if text.parse::<i128>().is_ok() => Unexpected::Signed(0),
        AttributeValue::N(_) => Unexpected::Float(0.0),
        AttributeValue::B(_) => Unexpected::Bytes(&[]),
        AttributeValue::Bool(_) => Unexpected::Bool(false),
        AttributeValue::Null(_) => Unexpected::Unit,
        AttributeValue::M(_) => Unexpected::Map,
        AttributeValue::L(_)
        | AttributeValue::Ss(_)
        | AttributeValue::Ns(_)
        | AttributeValue::Bs(_) => Unexpected::Seq,
        _ => return UNKNOWN_TYPE,
    };
    ValueError::invalid_type(found, expected)
}

const UNKNOWN_TYPE: ValueError = ValueError::format(
    "found an attribute of a type that this version of the AWS SDK does not know: \
     update aws-sdk-dynamodb",
);
