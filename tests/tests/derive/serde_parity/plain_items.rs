//! Items that `serde_dynamo` wrote, and others that it may meet, while a plaintext table is taken
//! in: both libraries read the same record or none, write the same item, and sealing changes no
//! value.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::item::PlaintextItems::{Read, ReadAndWrite};
use envelope_dynamo::item::from_item_or_plaintext;
use envelope_dynamo::{Access, Envelope, from_item, to_item};
use envelope_tests::{TestTable, local_keys, stored};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::serde_parity::twins::{Item, provider};

/// A record with a field for each way of serde to read a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Envelope)]
#[envelope(table = "everything")]
struct Everything {
    #[partition_key]
    id: String,
    #[encrypted]
    scalars: Scalars,
    #[encrypted]
    options: Options,
    #[encrypted]
    keys: Keys,
    #[encrypted]
    sets: Sets,
    #[encrypted]
    enums: Vec<Enums>,
    #[encrypted(group = "more")]
    flat: Access<Flat>,
    #[encrypted]
    #[serde(default, alias = "old", skip_serializing_if = "Option::is_none")]
    maybe: Option<Any>,
    #[authenticated]
    bound: Options,
    #[authenticated]
    #[serde(default)]
    tag: Plan,
    #[plaintext]
    open: Scalars,
    #[plaintext]
    #[serde(default)]
    json: serde_json::Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Scalars {
    small: i8,
    large: u64,
    single: f32,
    double: f64,
    flag: bool,
    letter: char,
    text: String,
    unit: (),
    nothing: Nothing,
    newtype: Newtype<u16>,
    pair: (char, i64),
    tuple: Tuple,
    array: [u8; 3],
    bytes: ByteBuf,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nothing;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tuple(f32, Option<String>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Options {
    plain: Option<i32>,
    twice: Option<Option<String>>,
    unit: Option<()>,
    newtype: Newtype<Option<char>>,
    list: Option<Vec<Option<bool>>>,
    #[serde(default)]
    defaulted: Vec<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "Skipped")]
    skipped: Option<Box<Options>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Keys {
    integers: BTreeMap<i16, u8>,
    flags: BTreeMap<bool, Option<u8>>,
    letters: BTreeMap<char, String>,
    variants: BTreeMap<Plan, f64>,
    newtypes: BTreeMap<Newtype<u64>, Nothing>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sets {
    #[serde(
        default,
        skip_serializing_if = "BTreeSet::is_empty",
        with = "serde_dynamo::string_set"
    )]
    texts: BTreeSet<String>,
    #[serde(
        default,
        skip_serializing_if = "BTreeSet::is_empty",
        with = "serde_dynamo::number_set"
    )]
    numbers: BTreeSet<i32>,
    #[serde(
        default,
        skip_serializing_if = "BTreeSet::is_empty",
        with = "serde_dynamo::binary_set"
    )]
    blobs: BTreeSet<ByteBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Plan {
    #[default]
    Free,
    #[serde(alias = "PRO")]
    Pro,
    #[serde(other)]
    Other,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Enums {
    External(Box<External>),
    Internal(Internal),
    Adjacent(Adjacent),
    Any(Any),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum External {
    Unit,
    Newtype(u8),
    Tuple(u8, String),
    Struct { a: Option<u8> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tag")]
enum Internal {
    Unit,
    Newtype(Flat),
    Struct {
        #[serde(alias = "A")]
        a: Option<f32>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tag", content = "content")]
enum Adjacent {
    Unit,
    Newtype(Option<char>),
    Tuple(u8, bool),
    Struct { a: Vec<u8> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Any {
    Flag(bool),
    Whole(i64),
    Fraction(f64),
    Text(String),
    Pair(u8, u8),
    Named { a: u8 },
    List(Vec<Any>),
    Map(BTreeMap<String, Any>),
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    named: Option<u8>,
    #[serde(flatten)]
    inner: Option<Inner>,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    inner: String,
}

/// An item with a value in every field.
fn full() -> Item {
    let scalars = Scalars {
        small: -8,
        large: u64::MAX,
        single: 0.1,
        double: -2.5,
        flag: true,
        letter: 'é',
        text: "text".into(),
        unit: (),
        nothing: Nothing,
        newtype: Newtype(7),
        pair: ('a', i64::MIN),
        tuple: Tuple(1.5, None),
        array: [0, 1, 255],
        bytes: ByteBuf::from([0, 255]),
    };
    let options = Options {
        plain: Some(1),
        twice: Some(Some("twice".into())),
        unit: None,
        newtype: Newtype(Some('n')),
        list: Some(vec![Some(true), None]),
        defaulted: vec![1],
        skipped: None,
    };
    let options = Options { skipped: Some(Box::new(options.clone())), ..options };
    let flat = Flat {
        named: Some(1),
        inner: Some(Inner { inner: "inner".into() }),
        rest: BTreeMap::from([("rest".into(), serde_json::json!([1, { "a": null }]))]),
    };
    let record = Everything {
        id: "e_1".into(),
        scalars: scalars.clone(),
        options: options.clone(),
        keys: Keys {
            integers: [(-1, 1)].into(),
            flags: [(true, None)].into(),
            letters: [('k', "v".into())].into(),
            variants: [(Plan::Pro, 0.5)].into(),
            newtypes: [(Newtype(9), Nothing)].into(),
        },
        sets: Sets {
            texts: ["a".into(), "b".into()].into(),
            numbers: [1, -2].into(),
            blobs: [ByteBuf::from([1])].into(),
        },
        enums: vec![
            Enums::External(Box::new(External::Struct { a: Some(1) })),
            Enums::External(Box::new(External::Tuple(1, "t".into()))),
            Enums::Internal(Internal::Newtype(flat.clone())),
            Enums::Internal(Internal::Struct { a: Some(0.25) }),
            Enums::Adjacent(Adjacent::Tuple(1, true)),
            Enums::Adjacent(Adjacent::Struct { a: vec![1, 2] }),
            Enums::Any(Any::Map([("x".into(), Any::Pair(1, 2))].into())),
        ],
        flat: Access::Granted(flat),
        maybe: Some(Any::Fraction(0.5)),
        bound: options,
        tag: Plan::Pro,
        open: scalars,
        json: serde_json::json!({ "a": [1, 0.5, "t", true, null] }),
    };
    serde_dynamo::to_item(record).unwrap()
}

/// A value that some type reads, in place of another.
fn value() -> impl Strategy<Value = AttributeValue> {
    let text = ["", "a", "é", "ab", "1", "true", "free", "PRO", "Unit", "Newtype", "2024-02-28"];
    let name = ["a", "A", "tag", "content", "named", "Unit", "Newtype", "Tuple", "Struct", "1"];
    // As DynamoDB returns numbers: without an exponent, and without zeros at the end.
    let number = ["0", "1", "-1", "1.5", "255", "256", "65536", "-129", "9223372036854775808"];
    let texts = || select(text.to_vec()).prop_map(str::to_owned);
    let numbers = || select(number.to_vec()).prop_map(str::to_owned);
    let leaf = prop_oneof![
        texts().prop_map(AttributeValue::S),
        numbers().prop_map(AttributeValue::N),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null(true)),
        vec(any::<u8>(), 0..4).prop_map(|bytes| AttributeValue::B(Blob::new(bytes))),
        Just(AttributeValue::Ss(vec!["a".into(), "b".into()])),
        Just(AttributeValue::Ns(vec!["1".into(), "2".into()])),
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let names = select(name.to_vec()).prop_map(str::to_owned);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(AttributeValue::L),
            btree_map(names, inner, 0..3)
                .prop_map(|map| AttributeValue::M(map.into_iter().collect())),
        ]
    })
}

/// A change of an item: at a place that an index chooses, the value is removed or replaced, or
/// moves to another name.
#[derive(Clone, Debug)]
enum Change {
    Remove(Index),
    Replace(Index, AttributeValue),
    Rename(Index, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let names = select(vec!["Skipped", "skipped", "old", "A", "a", "named", "tag", "more"]);
    prop_oneof![
        1 => any::<Index>().prop_map(Change::Remove),
        4 => (any::<Index>(), value()).prop_map(|(at, value)| Change::Replace(at, value)),
        1 => (any::<Index>(), names).prop_map(|(at, name)| Change::Rename(at, name)),
    ]
}

fn items() -> impl Strategy<Value = Item> {
    vec(change(), 0..4).prop_map(|changes| {
        let mut item = full();
        let id = item.remove("id").unwrap();
        let mut root = AttributeValue::M(item);
        for change in changes {
            let mut places = Vec::new();
            find(&root, &mut Vec::new(), &mut places);
            if !places.is_empty() {
                apply(&mut root, &change, &places);
            }
        }
        let AttributeValue::M(mut item) = root else { unreachable!("the root stays a map") };
        item.insert("id".to_owned(), id);
        item
    })
}

/// The ways to all values below the root. A step is the name of an entry, or the number of an
/// element.
fn find(value: &AttributeValue, at: &mut Vec<String>, places: &mut Vec<Vec<String>>) {
    let nested: BTreeMap<String, &AttributeValue> = match value {
        AttributeValue::M(map) => map.iter().map(|(name, value)| (name.clone(), value)).collect(),
        AttributeValue::L(list) => {
            list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => BTreeMap::new(),
    };
    for (step, value) in nested {
        at.push(step);
        places.push(at.clone());
        find(value, at, places);
        at.pop();
    }
}

fn apply(root: &mut AttributeValue, change: &Change, places: &[Vec<String>]) {
    let (Change::Remove(at) | Change::Replace(at, _) | Change::Rename(at, _)) = change;
    let (last, way) = at.get(places).split_last().unwrap();
    let mut parent = root;
    for step in way {
        parent = match parent {
            AttributeValue::M(map) => map.get_mut(step).unwrap(),
            AttributeValue::L(list) => &mut list[step.parse::<usize>().unwrap()],
            _ => unreachable!("only maps and lists have values below them"),
        };
    }
    match (parent, change) {
        (AttributeValue::M(map), Change::Remove(_)) => drop(map.remove(last)),
        (AttributeValue::M(map), Change::Replace(_, value)) => {
            map.insert(last.clone(), value.clone());
        }
        (AttributeValue::M(map), Change::Rename(_, name)) => {
            let value = map.remove(last).unwrap();
            map.insert((*name).to_owned(), value);
        }
        (AttributeValue::L(list), Change::Replace(_, value)) => {
            list[last.parse::<usize>().unwrap()] = value.clone();
        }
        (AttributeValue::L(list), _) => drop(list.remove(last.parse().unwrap())),
        _ => unreachable!("only maps and lists have values below them"),
    }
}

/// The record that both libraries read.
async fn read_alike(item: &Item) -> Option<Everything> {
    let theirs = serde_dynamo::from_item::<_, Everything>(item.clone());
    let ours = from_item_or_plaintext::<Everything>(item.clone(), &provider(), Read).await;
    assert_eq!(ours.as_ref().ok(), theirs.as_ref().ok(), "{ours:?} {theirs:?}");
    ours.ok()
}

/// A record that was read from plaintext can be sealed, and opens as it was.
async fn sealed_alike(record: &Everything) {
    match to_item(record, &provider()).await {
        Ok(sealed) => {
            assert_eq!(&from_item::<Everything>(sealed, &provider()).await.unwrap(), record);
        }
        Err(error) => panic!("{error}: {record:?}"),
    }
}

fn run(cases: u32, test: impl AsyncFn(Item)) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let read = std::cell::Cell::new(0);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&items(), |item| {
        runtime.block_on(async {
            let is_read = serde_dynamo::from_item::<_, Everything>(item.clone()).is_ok();
            read.set(read.get() + usize::from(is_read));
            test(item).await;
        });
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    read.get()
}

#[test]
fn both_read_the_same_record_or_none_and_sealing_changes_no_value() {
    let read = run(1_000, async |item| {
        if let Some(record) = read_alike(&item).await {
            sealed_alike(&record).await;
        }
    });
    assert!((100..900).contains(&read), "{read} of 1000 items were read");
}

#[test]
fn a_plain_put_stores_what_serde_dynamo_stores() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = runtime.block_on(TestTable::<Everything>::with(|_, _| local_keys(7)));
    let table = bench.table.clone().plaintext_items(ReadAndWrite);
    run(300, async |item| {
        let Ok(record) = serde_dynamo::from_item::<_, Everything>(item) else { return };
        let key = || Item::from([("id".to_owned(), AttributeValue::S(record.id.clone()))]);
        let get = || stored(&bench.servers, bench.table.name(), key());
        bench.plant(serde_dynamo::to_item(&record).unwrap()).await;
        let theirs = get().await.unwrap();
        table.put(&record).send().await.unwrap();
        let ours = get().await.unwrap();
        assert_eq!(sorted(&ours), sorted(&theirs));
        assert_eq!(serde_dynamo::from_item::<_, Everything>(ours).unwrap(), record);
    });
}

/// The attributes as text, with maps and sets in order.
fn sorted(item: &Item) -> String {
    fn value(of: &AttributeValue) -> String {
        match of {
            AttributeValue::M(map) => {
                let map: BTreeMap<_, _> =
                    map.iter().map(|(name, of)| (name.clone(), value(of))).collect();
                format!("{map:?}")
            }
            AttributeValue::L(list) => format!("{:?}", list.iter().map(value).collect::<Vec<_>>()),
            AttributeValue::Ss(set) => format!("SS {:?}", set.iter().collect::<BTreeSet<_>>()),
            AttributeValue::Ns(set) => format!("NS {:?}", set.iter().collect::<BTreeSet<_>>()),
            AttributeValue::Bs(set) => {
                format!("BS {:?}", set.iter().map(AsRef::as_ref).collect::<BTreeSet<&[u8]>>())
            }
            of => format!("{of:?}"),
        }
    }
    value(&AttributeValue::M(item.clone()))
}
