//! serde's side of splitting a record: only a struct with named fields is a record.

use envelope_core::ValueError;
use serde::ser::{Impossible, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::item::split::Router;

const NOT_A_STRUCT: ValueError =
    ValueError::format("a record serializes as a struct with named fields");

macro_rules! refuse {
    ($($method:ident($($argument:ty),*) $ok:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, ValueError> {
            Err(NOT_A_STRUCT)
        })*
    };
}

type No = Impossible<(), ValueError>;

impl<'r> Serializer for &'r mut Router {
    type Ok = ();
    type Error = ValueError;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = Fields<'r>;
    type SerializeStructVariant = No;

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Fields<'r>, ValueError> {
        Ok(Fields(self))
    }

    fn serialize_some<V: Serialize + ?Sized>(self, _value: &V) -> Result<(), ValueError> {
        Err(NOT_A_STRUCT)
    }

    fn serialize_newtype_struct<V: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &V,
    ) -> Result<(), ValueError> {
        Err(NOT_A_STRUCT)
    }

    fn serialize_newtype_variant<V: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &V,
    ) -> Result<(), ValueError> {
        Err(NOT_A_STRUCT)
    }

    refuse! {
        serialize_bool(bool) ();
        serialize_i8(i8) ();
        serialize_i16(i16) ();
        serialize_i32(i32) ();
        serialize_i64(i64) ();
        serialize_u8(u8) ();
        serialize_u16(u16) ();
        serialize_u32(u32) ();
        serialize_u64(u64) ();
        serialize_f32(f32) ();
        serialize_f64(f64) ();
        serialize_char(char) ();
        serialize_str(&str) ();
        serialize_bytes(&[u8]) ();
        serialize_none() ();
        serialize_unit() ();
        serialize_unit_struct(&'static str) ();
        serialize_unit_variant(&'static str, u32, &'static str) ();
        serialize_seq(Option<usize>) No;
        serialize_map(Option<usize>) No;
        serialize_tuple(usize) No;
        serialize_tuple_struct(&'static str, usize) No;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) No;
        serialize_struct_variant(&'static str, u32, &'static str, usize) No;
    }
}

pub(super) struct Fields<'r>(&'r mut Router);

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = ValueError;

    fn serialize_field<V: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &V,
    ) -> Result<(), ValueError> {
        self.0.route(key, value)
    }

    fn end(self) -> Result<(), ValueError> {
        Ok(())
    }
}
