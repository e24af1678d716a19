//! Values of every shape that serde knows, for writing and for reading.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;
use serde::ser::{
    SerializeSeq as _, SerializeStruct as _, SerializeStructVariant as _, SerializeTuple as _,
    SerializeTupleStruct as _, SerializeTupleVariant as _,
};

use crate::convert::tests::*;

/// A value of the type that the attribute has.
#[derive(Debug, PartialEq)]
pub(crate) enum Any {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Unit,
    List(Vec<Any>),
    /// Sorted by key.
    Map(Vec<(String, Any)>),
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
}

struct AnyVisitor;

macro_rules! visit {
    ($($visit:ident $type:ty => $variant:ident;)*) => {$(
        fn $visit<E: de::Error>(self, value: $type) -> Result<Any, E> {
            Ok(Any::$variant(value.into()))
        }
    )*};
}

impl<'de> de::Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    visit! {
        visit_bool bool => Bool;
        visit_i64 i64 => Signed;
        visit_u64 u64 => Unsigned;
        visit_f64 f64 => Float;
        visit_str &str => Text;
        visit_bytes &[u8] => Bytes;
    }

    fn visit_unit<E: de::Error>(self) -> Result<Any, E> {
        Ok(Any::Unit)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut elements: A) -> Result<Any, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Any::List(list))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Any, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        map.sort_by(|(a, _): &(String, Any), (b, _)| a.cmp(b));
        Ok(Any::Map(map))
    }
}

/// Every shape that a type can serialize to.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Bool(bool),
    Signed(i64),
    Short(i16),
    Unsigned(u64),
    Byte(u8),
    Single(f32),
    Double(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    None,
    Some(Box<Tree>),
    Unit,
    UnitStruct,
    UnitVariant,
    Newtype(Box<Tree>),
    NewtypeVariant(Box<Tree>),
    Seq(Vec<Tree>),
    Tuple(Vec<Tree>),
    TupleStruct(Vec<Tree>),
    TupleVariant(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
    Struct(Vec<Tree>),
    StructVariant(Vec<Tree>),
    StringSet(Box<Tree>),
    NumberSet(Box<Tree>),
    BinarySet(Box<Tree>),
}

const FIELDS: [&str; 4] = ["one", "two", "three", "Variant"];

impl Serialize for Tree {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde_dynamo::{binary_set, number_set, string_set};

        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Short(value) => serializer.serialize_i16(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Byte(value) => serializer.serialize_u8(*value),
            Self::Single(value) => serializer.serialize_f32(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Char(value) => serializer.serialize_char(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::None => serializer.serialize_none(),
            Self::Some(value) => serializer.serialize_some(value),
            Self::Unit => serializer.serialize_unit(),
            Self::UnitStruct => serializer.serialize_unit_struct("Unit"),
            Self::UnitVariant => serializer.serialize_unit_variant("Enum", 0, "Variant"),
            Self::Newtype(value) => serializer.serialize_newtype_struct("Newtype", value),
            Self::NewtypeVariant(value) => {
                serializer.serialize_newtype_variant("Enum", 1, "Variant", value)
            }
            Self::Seq(values) => {
                let mut seq = serializer.serialize_seq(None)?;
                values.iter().try_for_each(|value| seq.serialize_element(value))?;
                seq.end()
            }
            Self::Tuple(values) => {
                let mut tuple = serializer.serialize_tuple(values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_element(value))?;
                tuple.end()
            }
            Self::TupleStruct(values) => {
                let mut tuple = serializer.serialize_tuple_struct("Tuple", values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_field(value))?;
                tuple.end()
            }
            Self::TupleVariant(values) => {
                let mut tuple =
                    serializer.serialize_tuple_variant("Enum", 2, "Variant", values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_field(value))?;
                tuple.end()
            }
            Self::Map(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key, value)))
            }
            Self::Struct(values) => {
                let mut fields = serializer.serialize_struct("Struct", values.len())?;
                FIELDS
                    .iter()
                    .zip(values)
                    .try_for_each(|(name, value)| fields.serialize_field(name, value))?;
                fields.end()
            }
            Self::StructVariant(values) => {
                let mut fields =
                    serializer.serialize_struct_variant("Enum", 3, "Variant", values.len())?;
                FIELDS
                    .iter()
                    .zip(values)
                    .try_for_each(|(name, value)| fields.serialize_field(name, value))?;
                fields.end()
            }
            Self::StringSet(value) => string_set::serialize(value, serializer),
            Self::NumberSet(value) => number_set::serialize(value, serializer),
            Self::BinarySet(value) => binary_set::serialize(value, serializer),
        }
    }
}

pub(crate) fn trees() -> impl Strategy<Value = Tree> {
    leaves().prop_recursive(5, 40, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let several = prop::collection::vec(inner.clone(), 0..4);
        let entries = prop::collection::vec((keys(), inner), 0..4);
        prop_oneof![
            several.clone().prop_map(Tree::Seq),
            several.clone().prop_map(Tree::Tuple),
            several.clone().prop_map(Tree::TupleStruct),
            several.clone().prop_map(Tree::TupleVariant),
            several.clone().prop_map(Tree::Struct),
            several.prop_map(Tree::StructVariant),
            entries.prop_map(Tree::Map),
            boxed.clone().prop_map(Tree::Some),
            boxed.clone().prop_map(Tree::Newtype),
            boxed.prop_map(Tree::NewtypeVariant),
            sets(),
        ]
    })
}

fn leaves() -> impl Strategy<Value = Tree> {
    let units = [Tree::None, Tree::Unit, Tree::UnitStruct, Tree::UnitVariant];
    prop_oneof![
        texts(),
        numbers(),
        binaries(),
        any::<bool>().prop_map(Tree::Bool),
        select(units.to_vec())
    ]
}

fn texts() -> impl Strategy<Value = Tree> {
    prop_oneof![
        ".{0,8}".prop_map(Tree::Text),
        any::<char>().prop_map(Tree::Char),
        Just(Tree::UnitVariant)
    ]
}

fn numbers() -> impl Strategy<Value = Tree> {
    prop_oneof![
        any::<i64>().prop_map(Tree::Signed),
        any::<i16>().prop_map(Tree::Short),
        any::<u64>().prop_map(Tree::Unsigned),
        any::<u8>().prop_map(Tree::Byte),
        prop::num::f32::ANY.prop_map(Tree::Single),
        prop::num::f64::ANY.prop_map(Tree::Double),
    ]
}

fn binaries() -> impl Strategy<Value = Tree> {
    any::<Vec<u8>>().prop_map(Tree::Bytes)
}

/// Mostly values that can be keys. Sequences and bytes are left out: `serde_dynamo` panics at them.
fn keys() -> impl Strategy<Value = Tree> {
    let scalar = prop_oneof![
        8 => texts(),
        8 => (0_i64..4).prop_map(Tree::Signed),
        8 => any::<bool>().prop_map(Tree::Bool),
        1 => select(vec![Tree::None, Tree::Unit, Tree::Double(0.5), Tree::Tuple(vec![]), Tree::Struct(vec![])]),
    ];
    (scalar, 0..20).prop_map(|(key, wrapper)| match wrapper {
        0 => Tree::Some(Box::new(key)),
        1 => Tree::NewtypeVariant(Box::new(key)),
        2..10 => Tree::Newtype(Box::new(key)),
        _ => key,
    })
}

/// Mostly values that can be a set.
fn sets() -> impl Strategy<Value = Tree> {
    fn seq(element: impl Strategy<Value = Tree> + 'static) -> BoxedStrategy<Box<Tree>> {
        prop_oneof![
            12 => prop::collection::vec(element, 0..4).prop_map(Tree::Seq),
            1 => prop::collection::vec(leaves(), 0..2).prop_map(Tree::Tuple),
            1 => leaves(),
        ]
        .prop_map(Box::new)
        .boxed()
    }
    prop_oneof![
        seq(texts()).prop_map(Tree::StringSet),
        seq(numbers()).prop_map(Tree::NumberSet),
        seq(binaries()).prop_map(Tree::BinarySet),
    ]
}
