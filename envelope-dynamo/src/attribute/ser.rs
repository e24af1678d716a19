//! Values to attributes.

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::ValueError;
use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant,
};

use super::Depth;
use super::key::{KeySerializer, displayed};
use super::sets::Set;

/// Serializes a value into an attribute.
pub(crate) struct Serializer {
    depth: Depth,
}

impl Serializer {
    /// Starts at the outermost level.
    pub(crate) const fn new() -> Self {
        Self { depth: Depth::full() }
    }
}

macro_rules! serialize_numbers {
    ($($serialize:ident $number:ident;)*) => {$(
        fn $serialize(self, value: $number) -> Result<AttributeValue, ValueError> {
            Ok(AttributeValue::N(value.to_string()))
        }
    )*};
}

impl serde::Serializer for Serializer {
    type Ok = AttributeValue;
    type Error = ValueError;
    type SerializeSeq = ListSerializer;
    type SerializeTuple = ListSerializer;
    type SerializeTupleStruct = ListSerializer;
    type SerializeTupleVariant = ListSerializer;
    type SerializeMap = MapSerializer;
    type SerializeStruct = MapSerializer;
    type SerializeStructVariant = MapSerializer;

    serialize_numbers! {
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
        serialize_f32 f32;
        serialize_f64 f64;
    }

    fn serialize_bool(self, value: bool) -> Result<AttributeValue, ValueError> {
        Ok(AttributeValue::Bool(value))
    }

    fn serialize_char(self, value: char) -> Result<AttributeValue, ValueError> {
        Ok(AttributeValue::S(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<AttributeValue, ValueError> {
        Ok(AttributeValue::S(value.to_owned()))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<AttributeValue, ValueError> {
        displayed(value).map(AttributeValue::S)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<AttributeValue, ValueError> {
        Ok(AttributeValue::B(Blob::new(value)))
    }

    fn serialize_none(self) -> Result<AttributeValue, ValueError> {
        Ok(AttributeValue::Null(true))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<AttributeValue, ValueError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<AttributeValue, ValueError> {
        Ok(AttributeValue::Null(true))
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<AttributeValue, ValueError> {
        Ok(AttributeValue::Null(true))
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<AttributeValue, ValueError> {
        Ok(AttributeValue::S(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<AttributeValue, ValueError> {
        match Set::requested_by(name) {
            None => value.serialize(self),
            Some(set) => set.of(value.serialize(self)?),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<AttributeValue, ValueError> {
        let data = value.serialize(Self { depth: self.depth.descend()? })?;
        Ok(in_variant(Some(variant), data))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<ListSerializer, ValueError> {
        ListSerializer::new(self.depth, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<ListSerializer, ValueError> {
        ListSerializer::new(self.depth, Some(len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<ListSerializer, ValueError> {
        ListSerializer::new(self.depth, Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<ListSerializer, ValueError> {
        let list = ListSerializer::new(self.depth.descend()?, Some(len))?;
        Ok(ListSerializer { variant: Some(variant), ..list })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<MapSerializer, ValueError> {
        MapSerializer::new(self.depth, len)
    }

    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<MapSerializer, ValueError> {
        MapSerializer::new(self.depth, Some(len))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<MapSerializer, ValueError> {
        let map = MapSerializer::new(self.depth.descend()?, Some(len))?;
        Ok(MapSerializer { variant: Some(variant), ..map })
    }
}

/// A variant with data: a map with one entry, named after the variant.
fn in_variant(variant: Option<&'static str>, data: AttributeValue) -> AttributeValue {
    let Some(variant) = variant else { return data };
    let mut map = HashMap::with_capacity(1);
    map.insert(variant.to_owned(), data);
    AttributeValue::M(map)
}

/// What becomes a list: sequences, tuples, and the data of tuple variants.
pub(crate) struct ListSerializer {
    list: Vec<AttributeValue>,
    depth: Depth,
    variant: Option<&'static str>,
}

impl ListSerializer {
    fn new(depth: Depth, len: Option<usize>) -> Result<Self, ValueError> {
        Ok(Self { list: Vec::with_capacity(len.unwrap_or(0)), depth: depth.descend()?, variant: None })
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.list.push(value.serialize(Serializer { depth: self.depth })?);
        Ok(())
    }

    fn finish(self) -> AttributeValue {
        in_variant(self.variant, AttributeValue::L(self.list))
    }
}

macro_rules! serialize_list {
    ($($serialize:ident::$element:ident)*) => {$(
        impl $serialize for ListSerializer {
            type Ok = AttributeValue;
            type Error = ValueError;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
                self.push(value)
            }

            fn end(self) -> Result<AttributeValue, ValueError> {
                Ok(self.finish())
            }
        }
    )*};
}

serialize_list! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

/// What becomes a map: maps, structs, and the data of struct variants.
pub(crate) struct MapSerializer {
    map: HashMap<String, AttributeValue>,
    key: Option<String>,
    depth: Depth,
    variant: Option<&'static str>,
}

impl MapSerializer {
    fn new(depth: Depth, len: Option<usize>) -> Result<Self, ValueError> {
        let map = HashMap::with_capacity(len.unwrap_or(0));
        Ok(Self { map, key: None, depth: depth.descend()?, variant: None })
    }

    fn insert<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), ValueError> {
        self.map.insert(key, value.serialize(Serializer { depth: self.depth })?);
        Ok(())
    }

    fn finish(self) -> AttributeValue {
        in_variant(self.variant, AttributeValue::M(self.map))
    }
}

impl SerializeMap for MapSerializer {
    type Ok = AttributeValue;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        match self.key.replace(key.serialize(KeySerializer)?) {
            None => Ok(()),
            Some(_) => Err(ValueError::format("a map was given a second key before the first one's value")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = self.key.take().ok_or(ValueError::format("a map was given a value without a key"))?;
        self.insert(key, value)
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), ValueError> {
        self.insert(key.serialize(KeySerializer)?, value)
    }

    fn end(self) -> Result<AttributeValue, ValueError> {
        Ok(self.finish())
    }
}

macro_rules! serialize_fields {
    ($($serialize:ident)*) => {$(
        impl $serialize for MapSerializer {
            type Ok = AttributeValue;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), ValueError> {
                self.insert(name.to_owned(), value)
            }

            fn end(self) -> Result<AttributeValue, ValueError> {
                Ok(self.finish())
            }
        }
    )*};
}

serialize_fields! { SerializeStruct SerializeStructVariant }
