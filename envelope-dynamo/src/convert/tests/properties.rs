//! Random values and random attributes, written and read by both libraries.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use proptest::prelude::*;
use proptest::sample::select;

use crate::convert::tests::tree::{Any, Tree, trees};
use crate::convert::tests::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn values_of_any_shape_are_stored_alike(tree in trees()) {
        let ours = to_attribute_value(&tree).ok();
        let theirs = serde_dynamo::to_attribute_value::<_, AttributeValue>(&tree).ok();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn json_is_stored_alike_and_comes_back(json in jsons()) {
        let stored = stored_alike(&json);
        prop_assert_eq!(read_alike::<serde_json::Value>(&stored), Some(json));
    }

    #[test]
    fn attributes_of_any_shape_are_read_alike_without_a_type(attribute in attributes()) {
        read_alike::<Any>(&attribute);
        read_alike::<serde_json::Value>(&attribute);
        read_alike::<Option<Any>>(&attribute);
        read_alike::<BTreeMap<String, Any>>(&attribute);
    }

    #[test]
    fn attributes_of_any_shape_are_read_alike_as_any_type(attribute in attributes()) {
        for_each_type(&attribute);
    }

    #[test]
    fn small_attributes_are_read_alike_as_any_type(attribute in scalars()) {
        for_each_type(&attribute);
        for_each_type(&l([attribute.clone()]));
        for_each_type(&m([("One", attribute.clone())]));
        for_each_type(&m([("1", attribute)]));
    }
}

#[track_caller]
fn for_each_type(attribute: &AttributeValue) {
    macro_rules! each {
        ($($type:ty;)*) => {$(
            read_alike::<$type>(attribute);
            read_alike::<Option<$type>>(attribute);
            read_alike::<BTreeMap<String, $type>>(attribute);
        )*};
    }
    each! {
        bool; char; String; ByteBuf; (); i8; i16; i32; i64; u8; u16; u32; u64; f32; f64;
        Vec<bool>; Vec<char>; Vec<String>; Vec<ByteBuf>; Vec<()>; Vec<i64>; Vec<f64>; Vec<Vec<u8>>; Vec<External>;
        (u8, String); (String, String); [f64; 2]; Tuple; Newtype<String>; Newtype<u8>; Newtype<Vec<u8>>; Unit;
        BTreeMap<u8, Any>; BTreeMap<bool, Any>; BTreeMap<char, Any>; BTreeMap<Newtype<u8>, Any>; BTreeMap<External, Any>;
        Strict; Flat; External; Internal; Adjacent; Untagged;
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Newtype<T>(T);

#[derive(Debug, PartialEq, Deserialize)]
struct Tuple(String, u8);

// This library does not inspect ignored fields, but `serde_dynamo` does. The types therefore deny
// unknown fields.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[serde(default, rename = "One")]
    one: Option<u8>,
    #[serde(default, rename = "1")]
    two: String,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Flat {
    #[serde(default, rename = "One")]
    one: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Any>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
enum External {
    One,
    Two(u8),
    Three(u8, String),
    Four { one: Option<u8> },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "tag")]
enum Internal {
    One,
    Two { content: Option<Any> },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "tag", content = "content", deny_unknown_fields)]
enum Adjacent {
    One,
    Two(Any),
    Three(u8, String),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Flag(bool),
    Int(i32),
    Strict(Strict),
    Pair(u8, u8),
    Bytes(ByteBuf),
    Any(Any),
}

fn jsons() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        // A float without a fraction comes back as an integer.
        any::<i32>().prop_map(|value| (f64::from(value) + 0.5).into()),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(".{0,4}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Texts, among them some that one of the types above reads. No two spell the same number.
fn texts() -> impl Strategy<Value = String> {
    let known = ["", "a", "é", "ab", "true", "1", "-5", "1.5", "One", "Two", "tag", "content"];
    prop_oneof![3 => select(known.to_vec()).prop_map(str::to_owned), 1 => "[a-z Α-Ω🦀]{0,4}"]
}

fn numbers() -> impl Strategy<Value = String> {
    let odd = [
        "",
        "-0",
        "+1",
        "1.",
        "1e2",
        "NaN",
        "-inf",
        "256",
        "18446744073709551616",
        "x",
        "1e999",
        " 1",
        "0.10",
    ];
    prop_oneof![
        2 => select(odd.to_vec()).prop_map(str::to_owned),
        2 => any::<u8>().prop_map(|value| value.to_string()),
        1 => any::<i64>().prop_map(|value| value.to_string()),
        1 => any::<u64>().prop_map(|value| value.to_string()),
        1 => any::<f64>().prop_map(|value| value.to_string()),
    ]
}

fn blobs() -> impl Strategy<Value = Blob> {
    prop_oneof![
        texts().prop_map(Blob::new),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Blob::new)
    ]
}

fn scalars() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        2 => texts().prop_map(AttributeValue::S),
        2 => numbers().prop_map(AttributeValue::N),
        1 => blobs().prop_map(AttributeValue::B),
        1 => any::<bool>().prop_map(AttributeValue::Bool),
        1 => any::<bool>().prop_map(AttributeValue::Null),
        1 => prop::collection::vec(texts(), 0..4).prop_map(AttributeValue::Ss),
        1 => prop::collection::vec(numbers(), 0..4).prop_map(AttributeValue::Ns),
        1 => prop::collection::vec(blobs(), 0..4).prop_map(AttributeValue::Bs),
    ]
}

fn attributes() -> impl Strategy<Value = AttributeValue> {
    scalars().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(AttributeValue::L),
            prop::collection::hash_map(texts(), inner.clone(), 0..4).prop_map(AttributeValue::M),
            (select(vec!["One", "Two", "Three", "Four", "1"]), inner).prop_map(|(name, value)| {
                AttributeValue::M(HashMap::from([(name.to_owned(), value)]))
            }),
        ]
    })
}

#[test]
fn the_random_values_cover_what_is_stored_and_what_is_refused() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut tree = || trees().new_tree(&mut runner).unwrap().current();
    let results: Vec<_> =
        (0..500).map(|_: u16| to_attribute_value::<Tree>(&tree()).is_ok()).collect();
    let stored = results.iter().filter(|&&ok| ok).count();
    assert!((400..490).contains(&stored), "{stored} of {}", results.len());
}
