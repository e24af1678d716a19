//! The serde serializer that writes values as attributes.

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{FragileValues, ValueError, WITHHELD, WITHHELD_VALUE, check_struct_name};
use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use crate::convert::Depth;
use crate::convert::key::{KeySerializer, display_to_string};
use crate::convert::sets::Set;

/// Serializes a value into an attribute.
pub(crate) struct Serializer<'f> {
    depth: Depth,
    fragile: &'f mut FragileValues,
}

impl<'f> Serializer<'f> {
    /// Starts at the outermost level. Values that some types cannot read back are counted in
    /// `fragile`.
    pub(crate) const fn new(fragile: &'f mut FragileValues) -> Self {
        Self { depth: Depth::full(), fragile }
    }
}

macro_rules! serialize_numbers {
    ($($serialize:ident $number:ident;)*) => {$(
        fn $serialize(self, value: $number) -> Result<AttributeValue, ValueError> {
            Ok(AttributeValue::N(value.to_string()))
        }
    )*};
}

impl<'f> serde::Serializer for Serializer<'f> {
    type Ok = AttributeValue;
    type Error = ValueError;
    type SerializeSeq = ListSerializer<'f>;
    type SerializeTuple = ListSerializer<'f>;
    type SerializeTupleStruct = ListSerializer<'f>;
    type SerializeTupleVariant = ListSerializer<'f>;
    type SerializeMap = MapSerializer<'f>;
    type SerializeStruct = MapSerializer<'f>;
    type SerializeStructVariant = MapSerializer<'f>;

    serialize_numbers! {
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_f32 f32;
        serialize_f64 f64;
    }

    fn serialize_i128(self, value: i128) -> Result<AttributeValue, ValueError> {
        self.fragile.wide_integers += 1;
        Ok(AttributeValue::N(value.to_string()))
    }

    fn serialize_u128(self, value: u128) -> Result<AttributeValue, ValueError> {
        self.fragile.wide_integers += 1;
        Ok(AttributeValue::N(value.to_string()))
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
        display_to_string(value).map(AttributeValue::S)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<AttributeValue, ValueError> {
        Ok(AttributeValue::B(Blob::new(value)))
    }

    fn serialize_none(self) -> Result<AttributeValue, ValueError> {
        Ok(AttributeValue::Null(true))
    }

    fn serialize_some<T: Serialize + ?Sized>(
        self,
        value: &T,
    ) -> Result<AttributeValue, ValueError> {
        let attribute = value.serialize(Serializer { depth: self.depth, fragile: self.fragile })?;
        if matches!(attribute, AttributeValue::Null(_)) {
            self.fragile.null_options += 1;
        }
        Ok(attribute)
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
            None if name == WITHHELD => Err(WITHHELD_VALUE),
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
        let data = value.serialize(Self { depth: self.depth.descend()?, ..self })?;
        Ok(in_variant(Some(variant), data))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<ListSerializer<'f>, ValueError> {
        ListSerializer::new(self, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<ListSerializer<'f>, ValueError> {
        ListSerializer::new(self, Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<ListSerializer<'f>, ValueError> {
        ListSerializer::new(self, Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<ListSerializer<'f>, ValueError> {
        let list = ListSerializer::new(Self { depth: self.depth.descend()?, ..self }, Some(len))?;
        Ok(ListSerializer { variant: Some(variant), ..list })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<MapSerializer<'f>, ValueError> {
        MapSerializer::new(self, len)
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<MapSerializer<'f>, ValueError> {
        check_struct_name(name)?;
        MapSerializer::new(self, Some(len))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<MapSerializer<'f>, ValueError> {
        let map = MapSerializer::new(Self { depth: self.depth.descend()?, ..self }, Some(len))?;
        Ok(MapSerializer { variant: Some(variant), ..map })
    }
}

/// A variant with data is a map with one entry, whose name is the name of the variant.
fn in_variant(variant: Option<&'static str>, data: AttributeValue) -> AttributeValue {
    let Some(variant) = variant else { return data };
    let mut map = HashMap::with_capacity(1);
    map.insert(variant.to_owned(), data);
    AttributeValue::M(map)
}

/// Serializes sequences, tuples, and the data of tuple variants as lists.
pub(crate) struct ListSerializer<'f> {
    list: Vec<AttributeValue>,
    depth: Depth,
    fragile: &'f mut FragileValues,
    variant: Option<&'static str>,
}

impl<'f> ListSerializer<'f> {
    fn new(outer: Serializer<'f>, len: Option<usize>) -> Result<Self, ValueError> {
        let list = Vec::with_capacity(len.unwrap_or(0));
        Ok(Self { list, depth: outer.depth.descend()?, fragile: outer.fragile, variant: None })
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.list.push(value.serialize(Serializer { depth: self.depth, fragile: self.fragile })?);
        Ok(())
    }

    fn finish(self) -> AttributeValue {
        in_variant(self.variant, AttributeValue::L(self.list))
    }
}

macro_rules! serialize_list {
    ($($serialize:ident::$element:ident)*) => {$(
        impl $serialize for ListSerializer<'_> {
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

/// Serializes maps, structs, and the data of struct variants as maps.
pub(crate) struct MapSerializer<'f> {
    map: HashMap<String, AttributeValue>,
    key: Option<String>,
    depth: Depth,
    fragile: &'f mut FragileValues,
    variant: Option<&'static str>,
}

impl<'f> MapSerializer<'f> {
    fn new(outer: Serializer<'f>, len: Option<usize>) -> Result<Self, ValueError> {
        let map = HashMap::with_capacity(len.unwrap_or(0));
        Ok(Self {
            map,
            key: None,
            depth: outer.depth.descend()?,
            fragile: outer.fragile,
            variant: None,
        })
    }

    fn key_of<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<String, ValueError> {
        key.serialize(KeySerializer::counting(self.fragile))
    }

    fn insert<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), ValueError> {
        self.map
            .insert(key, value.serialize(Serializer { depth: self.depth, fragile: self.fragile })?);
        Ok(())
    }

    fn finish(self) -> AttributeValue {
        in_variant(self.variant, AttributeValue::M(self.map))
    }
}

impl SerializeMap for MapSerializer<'_> {
    type Ok = AttributeValue;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        let key = self.key_of(key)?;
        match self.key.replace(key) {
            None => Ok(()),
            Some(_) => Err(ValueError::format(
                "a map key was serialized before the value of the previous key",
            )),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = self
            .key
            .take()
            .ok_or(ValueError::format("a map value was serialized without a key"))?;
        self.insert(key, value)
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), ValueError> {
        let key = self.key_of(key)?;
        self.insert(key, value)
    }

    fn end(self) -> Result<AttributeValue, ValueError> {
        Ok(self.finish())
    }
}

macro_rules! serialize_fields {
    ($($serialize:ident)*) => {$(
        impl $serialize for MapSerializer<'_> {
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
