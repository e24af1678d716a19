//! The fields of a record: values are read back, and mismatches are named.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use envelope_core::{
    Content, Context, DataKey, FieldWriter, Plaintext, UntrustedPayload, ValueError, read_fields,
};
use serde::de::{
    self, DeserializeOwned, Error as _, Expected, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::ser::{self, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};
use serde::{Deserialize, Serialize};

fn plaintext(fields: FieldWriter) -> Plaintext {
    let (key, context) = (DataKey::generate().unwrap(), Context::new("users"));
    let payload = fields.finish().seal(Content::Record, &context, &key).unwrap();
    UntrustedPayload::parse(payload).unwrap().open(Content::Record, &context, &key).unwrap()
}

/// Writes `value` as a field, and reads it as `T`.
fn read<T: DeserializeOwned>(value: &impl Serialize) -> Result<T, ValueError> {
    let mut fields = FieldWriter::new(0, []);
    fields.field("field", value)?;
    let plaintext = plaintext(fields);
    let fields = read_fields(plaintext.expose()).unwrap();
    assert_eq!(fields.len(), 1);
    fields[0].1.deserialize(PhantomData)
}

fn written<T: Serialize>(value: &T) -> Result<(), ValueError> {
    FieldWriter::new(0, []).field("field", value)
}

#[test]
fn any_number_of_fields_is_read_back_in_order() {
    // The length of a map head changes at 24, 256 and 65,536 entries.
    for count in [0, 1, 23, 24, 25, 255, 256, 300, 65_535, 65_536, 70_000] {
        let names: Vec<_> = (0..count).map(|number| format!("field {number}")).collect();
        let mut fields = FieldWriter::new(0, []);
        for (number, name) in names.iter().enumerate() {
            match number % 3 {
                2 => fields.absent(name),
                _ => fields.field(name, &number).unwrap(),
            }
        }
        let plaintext = plaintext(fields);
        let fields = read_fields(plaintext.expose()).unwrap();
        assert_eq!(fields.len(), count);
        for (number, (name, value)) in fields.iter().enumerate() {
            assert_eq!(*name, names[number]);
            assert_eq!(value.is_absent(), number % 3 == 2);
            if !value.is_absent() {
                assert_eq!(value.deserialize(PhantomData::<usize>).unwrap(), number);
            }
        }
    }
}

#[test]
fn an_encoded_field_is_copied_unchanged() {
    let mut first = FieldWriter::new(0, []);
    first.field("from", &vec![Some("a"), None]).unwrap();
    first.absent("gone");
    let first = plaintext(first);
    let mut second = FieldWriter::new(0, []);
    for (name, value) in read_fields(first.expose()).unwrap() {
        second.encoded(name, &value);
    }
    assert_eq!(plaintext(second).expose(), first.expose());
}

#[test]
fn records_are_equal_if_fields_and_order_are_equal() {
    let fields = |values: &[(&str, u8)]| {
        let mut fields = FieldWriter::new(0, []);
        values.iter().for_each(|(name, value)| fields.field(name, value).unwrap());
        fields
    };
    let one = fields(&[("a", 1), ("b", 2)]);
    let same =
        |one: &FieldWriter, other: &FieldWriter| one.fields().unwrap() == other.fields().unwrap();
    assert!(same(&one, &fields(&[("a", 1), ("b", 2)])) && same(&fields(&[]), &fields(&[])));
    for other in
        [&[("a", 1), ("b", 3)][..], &[("a", 1), ("c", 2)], &[("b", 2), ("a", 1)], &[("a", 1)], &[]]
    {
        assert!(!same(&one, &fields(other)) && !same(&fields(other), &one), "{other:?}");
    }
}

#[test]
fn integers_of_every_width_are_read_back() {
    for bits in 0..128 {
        for value in [1u128 << bits, (1 << bits) - 1, u128::MAX >> bits] {
            assert_eq!(read::<u128>(&value).unwrap(), value);
            let negative = -1 - i128::try_from(value >> 1).unwrap();
            assert_eq!(read::<i128>(&negative).unwrap(), negative);
        }
    }
    assert_eq!(read::<i128>(&i128::MIN).unwrap(), i128::MIN);
}

#[test]
fn floats_are_read_back_exactly() {
    for value in [0.0, -0.0, 1.5, -1.0e300, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(read::<f64>(&value).unwrap().to_bits(), value.to_bits());
    }
    assert_eq!(read::<f32>(&0.1_f32).unwrap().to_bits(), 0.1_f32.to_bits());
    assert!(read::<f64>(&f64::NAN).unwrap().is_nan());
}

/// Serializes as bytes. For serde, a `Vec<u8>` is a sequence.
#[derive(Debug, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfBytes;
        impl Visitor<'_> for OfBytes {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes of the test")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(OfBytes)
    }
}

#[test]
fn bytes_and_unit_structs_are_read_back() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;
    for length in [0, 1, 23, 24, 255, 256, 65_536] {
        let bytes = Bytes((0..length).map(|at: u32| at as u8).collect());
        assert_eq!(read::<Bytes>(&bytes).unwrap(), bytes);
    }
    assert_eq!(read::<Unit>(&Unit).unwrap(), Unit);
    assert_eq!(read::<Option<u8>>(&Unit).unwrap(), None);
}

/// The number of elements that a sequence or map announces.
struct Announced(Option<usize>);

impl<'de> Deserialize<'de> for Announced {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counting;
        impl<'de> Visitor<'de> for Counting {
            type Value = Announced;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("several")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Announced, A::Error> {
                let announced = seq.size_hint();
                while seq.next_element::<de::IgnoredAny>()?.is_some() {}
                assert_eq!(seq.size_hint(), Some(0));
                Ok(Announced(announced))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Announced, A::Error> {
                let announced = map.size_hint();
                while map.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
                assert_eq!(map.size_hint(), Some(0));
                Ok(Announced(announced))
            }
        }
        deserializer.deserialize_any(Counting)
    }
}

/// With it, a `Vec` allocates once and does not move its elements, which may be secret.
#[test]
fn sequences_and_maps_announce_their_length() {
    assert_eq!(read::<Announced>(&vec![7; 300]).unwrap().0, Some(300));
    assert_eq!(read::<Announced>(&BTreeMap::from([(1, 'a'), (2, 'b')])).unwrap().0, Some(2));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Plan {
    Free,
    Paid(u8),
}

#[test]
fn a_unit_variant_has_no_data() {
    assert_eq!(read::<Plan>(&"Free").unwrap(), Plan::Free);
    assert_eq!(read::<Plan>(&BTreeMap::from([("Free", ())])).unwrap(), Plan::Free);
    assert!(read::<Plan>(&BTreeMap::from([("Free", 5)])).is_err());
    assert_eq!(read::<Plan>(&Plan::Paid(5)).unwrap(), Plan::Paid(5));
}

/// Serializes another number of elements than it declares.
struct Miscounted(Kind, usize);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Seq,
    Tuple,
    TupleStruct,
    TupleVariant,
    Map,
    Struct,
    StructVariant,
}

impl Serialize for Miscounted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use ser::{SerializeStructVariant, SerializeTupleStruct, SerializeTupleVariant};
        let Self(kind, declared) = *self;
        match kind {
            Kind::Seq => {
                let mut all = serializer.serialize_seq(Some(declared))?;
                all.serialize_element(&1)?;
                all.end()
            }
            Kind::Tuple => {
                let mut all = serializer.serialize_tuple(declared)?;
                all.serialize_element(&1)?;
                all.end()
            }
            Kind::TupleStruct => {
                let mut all = serializer.serialize_tuple_struct("T", declared)?;
                all.serialize_field(&1)?;
                all.end()
            }
            Kind::TupleVariant => {
                let mut all = serializer.serialize_tuple_variant("T", 0, "V", declared)?;
                all.serialize_field(&1)?;
                all.end()
            }
            Kind::Map => {
                let mut all = serializer.serialize_map(Some(declared))?;
                all.serialize_entry("a", &1)?;
                all.end()
            }
            Kind::Struct => {
                let mut all = serializer.serialize_struct("T", declared)?;
                all.serialize_field("a", &1)?;
                all.end()
            }
            Kind::StructVariant => {
                let mut all = serializer.serialize_struct_variant("T", 0, "V", declared)?;
                all.serialize_field("a", &1)?;
                all.end()
            }
        }
    }
}

#[test]
fn a_type_that_miscounts_its_elements_is_refused() {
    use Kind::{Map, Seq, Struct, StructVariant, Tuple, TupleStruct, TupleVariant};
    for kind in [Seq, Tuple, TupleStruct, TupleVariant, Map, Struct, StructVariant] {
        written(&Miscounted(kind, 1)).unwrap();
        for declared in [0, 2] {
            let error = written(&Miscounted(kind, declared)).unwrap_err();
            assert!(
                error.to_string().contains("another number of elements"),
                "{kind:?}, {declared}: {error}"
            );
        }
    }
}

#[test]
fn a_mismatch_names_the_kind_and_never_the_value() {
    let is = |unexpected: Unexpected<'_>, kind: &str| {
        let expected: &dyn Expected = &"a card number";
        for error in [
            ValueError::invalid_type(unexpected, expected),
            ValueError::invalid_value(unexpected, expected),
        ] {
            let said = error.to_string();
            assert!(said.contains(kind) && said.contains("a card number"), "{said}");
            assert!(!said.contains("4111"), "{said}");
        }
    };
    is(Unexpected::Bool(true), "a boolean");
    is(Unexpected::Unsigned(4111), "an integer");
    is(Unexpected::Signed(-4111), "an integer");
    is(Unexpected::Float(4111.0), "a floating point number");
    is(Unexpected::Char('4'), "a character");
    is(Unexpected::Str("4111"), "a string");
    is(Unexpected::Bytes(b"4111"), "bytes");
    is(Unexpected::Unit, "null");
    is(Unexpected::Option, "an option");
    is(Unexpected::NewtypeStruct, "a newtype");
    is(Unexpected::Seq, "a sequence");
    is(Unexpected::Map, "a map");
    is(Unexpected::Enum, "an enum");
    is(Unexpected::UnitVariant, "a unit variant");
    is(Unexpected::NewtypeVariant, "a newtype variant");
    is(Unexpected::TupleVariant, "a tuple variant");
    is(Unexpected::StructVariant, "a struct variant");
    is(Unexpected::Other("4111"), "something else");
    let said = ValueError::unknown_variant("4111", &["Free", "Paid"]).to_string();
    assert!(said.contains("`Free`, `Paid`") && !said.contains("4111"), "{said}");
    let said = ValueError::invalid_length(3, &"a pair").to_string();
    assert!(said.contains('3') && said.contains("a pair"), "{said}");
}
