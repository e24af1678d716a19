//! Enums in each of serde's representations.

use std::collections::BTreeMap;

use crate::convert::tests::*;

macro_rules! representations {
    ($($name:ident #[$representation:meta] $newtype:ty;)*) => {$(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[$representation]
        enum $name {
            Unit,
            Newtype($newtype),
            Struct { one: u8, two: Option<String> },
            Map(BTreeMap<String, u8>),
        }

        impl $name {
            fn each(newtype: $newtype) -> [Self; 5] {
                [
                    Self::Unit,
                    Self::Newtype(newtype),
                    Self::Struct { one: 1, two: None },
                    Self::Struct { one: 1, two: Some("2".to_owned()) },
                    Self::Map(BTreeMap::from([("k".to_owned(), 1)])),
                ]
            }
        }
    )*};
}

representations! {
    External #[serde(rename_all = "snake_case")] u8;
    Internal #[serde(tag = "tag")] Inner;
    Adjacent #[serde(tag = "tag", content = "content")] u8;
    Untagged #[serde(untagged)] f32;
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    id: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tuple {
    None(),
    One(u8),
    Two(u8, String),
}

#[track_caller]
fn stored_and_read<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    same(value);
}

#[test]
fn every_representation_is_stored_and_read_alike() {
    External::each(7).into_iter().for_each(stored_and_read);
    Internal::each(Inner { id: 7 }).into_iter().for_each(stored_and_read);
    Adjacent::each(7).into_iter().for_each(stored_and_read);
    Untagged::each(0.5).into_iter().for_each(stored_and_read);
}

#[test]
fn externally_tagged_variants_have_these_forms() {
    same_as(External::Unit, s("unit"));
    same_as(External::Newtype(7), m([("newtype", n("7"))]));
    let fields = m([("one", n("1")), ("two", AttributeValue::Null(true))]);
    same_as(External::Struct { one: 1, two: None }, m([("struct", fields)]));
    same_as(Tuple::None(), m([("None", l([]))]));
    same_as(Tuple::One(1), m([("One", n("1"))]));
    same_as(Tuple::Two(1, "2".to_owned()), m([("Two", l([n("1"), s("2")]))]));
}

#[test]
fn a_sequence_or_option_of_enums_is_stored_and_read_alike() {
    same(vec![Some(Tuple::One(1)), None, Some(Tuple::Two(2, String::new()))]);
    same(vec![Newtype(External::Unit), Newtype(External::Newtype(1))]);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat<T> {
    id: u8,
    #[serde(flatten)]
    rest: T,
}

#[test]
fn flattened_enums_are_stored_and_read_alike() {
    same(Flat { id: 1, rest: External::Newtype(2) });
    same(Flat { id: 1, rest: External::Struct { one: 1, two: None } });
    same(Flat { id: 1, rest: Tuple::Two(1, "2".to_owned()) });
    Adjacent::each(7).into_iter().for_each(|rest| stored_and_read(Flat { id: 1, rest }));
    same(Flat { id: 1, rest: Internal::Struct { one: 1, two: None } });
    same(Flat { id: 1, rest: Internal::Unit });
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Forward {
    Known,
    #[serde(other)]
    Other,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Guess {
    Flag(bool),
    Small(u8),
    Large(i64),
    Float(f64),
    Text(String),
    Bytes(ByteBuf),
    List(Vec<Guess>),
    Nothing(()),
}

#[test]
fn untagged_variants_are_guessed_alike() {
    let attributes = [
        AttributeValue::Bool(true),
        n("255"),
        n("256"),
        n("-1"),
        n("1.5"),
        n("18446744073709551615"),
        n("1e400"),
        n("x"),
        s("t"),
        b(b"t"),
        l([n("1"), l([s("x")])]),
        AttributeValue::Ss(vec!["a".to_owned()]),
        AttributeValue::Ns(vec!["1".to_owned(), "2.5".to_owned()]),
        AttributeValue::Bs(vec![aws_sdk_dynamodb::primitives::Blob::new(b"b")]),
        AttributeValue::Null(true),
        AttributeValue::Null(false),
        m([]),
    ];
    for attribute in attributes {
        read_alike::<Guess>(&attribute);
    }
}

#[test]
fn malformed_enums_are_read_alike() {
    let attributes = [
        s("unit"),
        s("newtype"),
        s("Known"),
        s("unknown"),
        s(""),
        n("0"),
        AttributeValue::Null(true),
        l([s("Two")]),
        l([s("Newtype"), n("1")]),
        m([]),
        m([("unit", n("1"))]),
        m([("unit", AttributeValue::Null(false))]),
        m([("newtype", n("1"))]),
        m([("newtype", n("x"))]),
        m([("newtype", n("1")), ("unit", n("1"))]),
        m([("Known", s("data"))]),
        m([("unknown", s("data"))]),
        m([("None", l([n("1")]))]),
        m([("Two", l([n("1"), s("2"), s("over")]))]),
        m([("Two", l([n("1")]))]),
        m([("Two", AttributeValue::Ss(vec!["1".to_owned()]))]),
        m([("Two", m([]))]),
        m([("struct", l([n("1"), s("2")]))]),
        m([("struct", m([("one", n("1"))]))]),
        m([("struct", m([("one", n("1")), ("over", n("1"))]))]),
        m([("tag", s("Unit")), ("content", n("1"))]),
        m([("tag", s("Unit"))]),
        m([("tag", n("0"))]),
    ];
    for attribute in attributes {
        read_alike::<External>(&attribute);
        read_alike::<Internal>(&attribute);
        read_alike::<Adjacent>(&attribute);
        read_alike::<Untagged>(&attribute);
        read_alike::<Tuple>(&attribute);
        read_alike::<Forward>(&attribute);
        read_alike::<Option<Newtype<External>>>(&attribute);
    }
}
