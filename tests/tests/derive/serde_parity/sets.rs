//! Sets, by this library's modules and by those of `serde_dynamo`.

use std::collections::{BTreeSet, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::{from_item, to_item};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::serde_parity::twins::{Item, provider};
use crate::serde_parity::with::bytes;

/// Bytes for serde; `Vec<u8>` is a list. Not a newtype, which `serde_dynamo` does not read from a
/// set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Blob(Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        bytes::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bytes::deserialize(deserializer).map(Self)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Colour {
    Red,
    #[serde(rename = "vert")]
    Green,
}

fn strings() -> BTreeSet<String> {
    ["a", "ß", "😀", "b"].map(str::to_owned).into()
}

fn blobs() -> BTreeSet<Blob> {
    [Blob(vec![]), Blob(vec![0, 255]), Blob(vec![0])].into()
}

alike! {
    of_each_kind: {
        #[serde(with = "::serde_dynamo::string_set")]
        strings: BTreeSet<String>,
        #[serde(with = "::serde_dynamo::number_set")]
        numbers: BTreeSet<i64>,
        #[serde(with = "::serde_dynamo::binary_set")]
        binaries: BTreeSet<Blob>,
        /// Without a module this is a list.
        list: BTreeSet<String>,
    } = { strings: strings(), numbers: [i64::MIN, 0, i64::MAX].into(), binaries: blobs(), list: strings() };

    of_what_is_a_string_or_number_to_serde: {
        #[serde(with = "::serde_dynamo::string_set")]
        characters: BTreeSet<char>,
        #[serde(with = "::serde_dynamo::string_set")]
        colours: BTreeSet<Colour>,
        #[serde(with = "::serde_dynamo::string_set")]
        ids: BTreeSet<uuid::Uuid>,
        #[serde(with = "::serde_dynamo::number_set")]
        floats: Vec<f64>,
    } = {
        characters: ['a', '😀'].into(),
        colours: [Colour::Red, Colour::Green].into(),
        ids: [uuid::Uuid::from_u128(7), uuid::Uuid::nil()].into(),
        floats: vec![0.5, -1.0, 1e100],
    };

    left_out_where_empty: {
        #[serde(with = "::serde_dynamo::string_set", default, skip_serializing_if = "BTreeSet::is_empty")]
        empty: BTreeSet<String>,
        #[serde(with = "::serde_dynamo::number_set", default, skip_serializing_if = "HashSet::is_empty")]
        full: HashSet<u8>,
    } = { empty: BTreeSet::new(), full: [1].into() } absent ["empty"];

    inside_of_a_field: { nested: Vec<Tagged> } = { nested: vec![Tagged { tags: strings() }] };
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tagged {
    #[serde(with = "::serde_dynamo::string_set")]
    tags: BTreeSet<String>,
}

/// The shape of `of_each_kind`, by this library's modules.
#[derive(Clone, Debug, PartialEq, envelope_dynamo::Envelope)]
#[envelope(table = "records", unmarked = "plaintext")]
struct Ours {
    #[partition_key]
    id: String,
    #[encrypted]
    anchor: String,
    #[serde(with = "envelope_dynamo::convert::string_set")]
    strings: BTreeSet<String>,
    #[serde(with = "envelope_dynamo::convert::number_set")]
    numbers: BTreeSet<i64>,
    #[serde(with = "envelope_dynamo::convert::binary_set")]
    binaries: BTreeSet<Blob>,
    list: BTreeSet<String>,
}

#[tokio::test]
async fn our_serde_modules_do_what_those_of_serde_dynamo_do() {
    let theirs: Item = serde_dynamo::to_item(of_each_kind::plain::record()).unwrap();
    let mut item = to_item(&of_each_kind::plain::record(), &provider()).await.unwrap();
    let read: Ours = from_item(item.clone(), &provider()).await.unwrap();
    assert_eq!((&read.strings, &read.binaries), (&strings(), &blobs()));
    let ours = to_item(&read, &provider()).await.unwrap();
    for name in ["strings", "numbers", "binaries", "list"] {
        assert_eq!(ours[name], theirs[name]);
    }
    // A list that was stored before the field became a set is read as a set.
    item.insert("strings".to_owned(), AttributeValue::L(vec![AttributeValue::S("a".into())]));
    let read: Ours = from_item(item, &provider()).await.unwrap();
    assert_eq!(read.strings, BTreeSet::from(["a".to_owned()]));
}

#[tokio::test]
async fn a_set_is_a_set_in_the_table() {
    let item = to_item(&of_each_kind::plain::record(), &provider()).await.unwrap();
    assert!(matches!(&item["strings"], AttributeValue::Ss(set) if set.len() == 4), "{item:?}");
    assert!(matches!(&item["numbers"], AttributeValue::Ns(set) if set.len() == 3), "{item:?}");
    assert!(matches!(&item["binaries"], AttributeValue::Bs(set) if set.len() == 3), "{item:?}");
    assert!(matches!(&item["list"], AttributeValue::L(_)), "{item:?}");
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, envelope_dynamo::Envelope)]
#[envelope(table = "records", unmarked = "plaintext")]
struct NotASet {
    #[partition_key]
    id: String,
    #[encrypted]
    anchor: String,
    #[serde(with = "::serde_dynamo::number_set")]
    numbers: Vec<String>,
}

#[tokio::test]
async fn elements_of_another_kind_are_refused_by_both() {
    let record = NotASet { id: "r".into(), anchor: "a".into(), numbers: vec!["1".into()] };
    assert!(serde_dynamo::to_item::<_, Item>(&record).is_err());
    let error = to_item(&record, &provider()).await.unwrap_err();
    assert!(
        error.to_string().contains("`numbers`") && error.to_string().contains("is not a number"),
        "{error}"
    );
}
