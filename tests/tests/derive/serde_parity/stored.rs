//! Random records, stored through `Table`, and by `serde_dynamo` and the plain SDK.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::{Envelope, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::serde_parity::twins::provider;

const RECORDS: u32 = 1000;
/// Records with integers of 128 bits, which `serde_dynamo` refuses, up to the 38 digits that
/// DynamoDB holds.
const WIDE_RECORDS: u32 = 200;

/// A value of any shape that DynamoDB can store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Flag(bool),
    Signed(i64),
    Unsigned(u64),
    Wide(u128),
    Float(f64),
    Character(char),
    Text(String),
    Bytes(#[serde(with = "crate::serde_parity::with::bytes")] Vec<u8>),
    Uuid(Uuid),
    Optional(Option<Box<Shape>>),
    List(Vec<Shape>),
    Pair(Box<Shape>, Box<Shape>),
    Map(BTreeMap<String, Shape>),
    ByNumber(BTreeMap<i32, Shape>),
    Struct {
        #[serde(rename = "a.b", skip_serializing_if = "Option::is_none")]
        a: Option<u8>,
        #[serde(default)]
        b: Vec<Shape>,
    },
    Strings(#[serde(with = "serde_dynamo::string_set")] BTreeSet<String>),
    Numbers(#[serde(with = "serde_dynamo::number_set")] BTreeSet<i64>),
}

/// Sealed by `Envelope`, or in plain text by serde's own derive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Envelope)]
#[envelope(table = "oddities", kms_context = "hashed")]
struct Oddity {
    #[partition_key]
    id: String,
    #[sort_key]
    rank: i64,
    #[encrypted]
    sealed: Shape,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "sealed too")]
    perhaps_sealed: Option<Shape>,
    #[authenticated]
    bound: Shape,
    #[authenticated]
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "#bound")]
    perhaps_bound: Option<Shape>,
    #[plaintext]
    #[serde(rename = "$['a")]
    readable: Shape,
    #[encrypted]
    rest: BTreeMap<String, i32>,
}

/// Text from every Unicode plane, and the empty text.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-z]{0,12}", "\\PC{0,12}", Just(String::new())]
}

fn name() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("DynamoDB has no empty names", |name| !name.is_empty())
}

/// Within the range of DynamoDB: 1E-130 to 9.99E+125.
fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-1.0..1.0, -120..120)
            .prop_map(|(fraction, exponent): (f64, i32)| fraction * 10_f64.powi(exponent)),
        Just(-0.0),
        any::<f32>().prop_filter("a number", |n| n.is_finite()).prop_map(f64::from),
    ]
}

fn wide() -> impl Strategy<Value = Shape> {
    any::<u128>().prop_map(|n| Shape::Wide(n % 10_u128.pow(38)))
}

fn leaf() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Nothing),
        any::<bool>().prop_map(Shape::Flag),
        any::<i64>().prop_map(Shape::Signed),
        any::<u64>().prop_map(Shape::Unsigned),
        float().prop_map(Shape::Float),
        any::<char>().prop_map(Shape::Character),
        text().prop_map(Shape::Text),
        vec(any::<u8>(), 0..40).prop_map(Shape::Bytes),
        any::<u128>().prop_map(|n| Shape::Uuid(Uuid::from_u128(n))),
        btree_set(name(), 1..5).prop_map(Shape::Strings),
        btree_set(any::<i64>(), 1..5).prop_map(Shape::Numbers),
    ]
}

/// Nested within the 32 levels that DynamoDB stores; a variant is one level.
fn shape(leaf: impl Strategy<Value = Shape> + 'static) -> impl Strategy<Value = Shape> {
    leaf.prop_recursive(5, 24, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            option::of(boxed.clone()).prop_map(Shape::Optional),
            vec(inner.clone(), 0..4).prop_map(Shape::List),
            (boxed.clone(), boxed).prop_map(|(a, b)| Shape::Pair(a, b)),
            btree_map(name(), inner.clone(), 0..4).prop_map(Shape::Map),
            btree_map(any::<i32>(), inner.clone(), 0..4).prop_map(Shape::ByNumber),
            (option::of(any::<u8>()), vec(inner, 0..3)).prop_map(|(a, b)| Shape::Struct { a, b }),
        ]
    })
}

fn oddity(leaf: BoxedStrategy<Shape>) -> impl Strategy<Value = Oddity> {
    let shape = || shape(leaf.clone());
    let rest = btree_map("\\*\\PC{0,8}", any::<i32>(), 0..4);
    let key = ("\\PC{1,40}", any::<i64>());
    (key, shape(), option::of(shape()), shape(), option::of(shape()), shape(), rest).prop_map(
        |((id, rank), sealed, perhaps_sealed, bound, perhaps_bound, readable, rest)| Oddity {
            id,
            rank,
            sealed,
            perhaps_sealed,
            bound,
            perhaps_bound,
            readable,
            rest,
        },
    )
}

/// One physical table for sealed records, and one for plain ones.
struct Tables {
    sealed: Table<Oddity>,
    plain: String,
}

impl Tables {
    async fn create() -> Self {
        let servers = Servers::from_env().await.unwrap();
        let (partition, sort) = (("id", ScalarAttributeType::S), ("rank", ScalarAttributeType::N));
        let [sealed, plain] = ["sealed", "plain"].map(unique_name);
        for name in [&sealed, &plain] {
            create_table(servers.dynamodb(), name, partition.clone(), Some(sort.clone()))
                .await
                .unwrap();
        }
        Self {
            sealed: Table::<Oddity>::new(servers.dynamodb().clone(), provider()).named(sealed),
            plain,
        }
    }

    async fn stored(&self, table: &str, oddity: &Oddity) -> HashMap<String, AttributeValue> {
        let get = self.sealed.client().get_item().table_name(table).consistent_read(true);
        let get = get.key("id", AttributeValue::S(oddity.id.clone()));
        get.key("rank", AttributeValue::N(oddity.rank.to_string()))
            .send()
            .await
            .unwrap()
            .item
            .unwrap()
    }

    /// `Table` reads what it wrote.
    async fn comes_back(&self, oddity: &Oddity) -> Result<(), TestCaseError> {
        let failed =
            |error: envelope_dynamo::Error| TestCaseError::fail(format!("{error} {error:?}"));
        self.sealed.put(oddity).send().await.map_err(failed)?;
        let read = self
            .sealed
            .get((&oddity.id, &oddity.rank))
            .consistent_read()
            .send()
            .await
            .map_err(failed)?;
        prop_assert_eq!(read.as_ref(), Some(oddity));
        Ok(())
    }

    /// The plain SDK reads the same readable attributes.
    async fn as_in_serde_dynamo(&self, oddity: &Oddity) -> Result<(), TestCaseError> {
        let item = serde_dynamo::to_item(oddity).unwrap();
        let put = self.sealed.client().put_item().table_name(&self.plain);
        put.set_item(Some(item)).send().await.unwrap();
        let mut plain = self.stored(&self.plain, oddity).await;
        let read: Oddity = serde_dynamo::from_item(plain.clone()).unwrap();
        prop_assert_eq!(&read, oddity);

        let sealed = self.stored(self.sealed.name(), oddity).await;
        plain.retain(|name, _| sealed.contains_key(name));
        for (name, attribute) in
            sealed.into_iter().filter(|(name, _)| !name.starts_with("encrypted_"))
        {
            // DynamoDB returns sets in any order.
            prop_assert_eq!(
                ordered(attribute),
                plain.remove(&name).map_or(AttributeValue::Null(false), ordered),
                "{}",
                name
            );
        }
        Ok(())
    }
}

/// With the elements of sets in order.
fn ordered(attribute: AttributeValue) -> AttributeValue {
    match attribute {
        AttributeValue::Ss(mut set) => {
            set.sort_unstable();
            AttributeValue::Ss(set)
        }
        AttributeValue::Ns(mut set) => {
            set.sort_unstable();
            AttributeValue::Ns(set)
        }
        AttributeValue::L(list) => AttributeValue::L(list.into_iter().map(ordered).collect()),
        AttributeValue::M(map) => {
            AttributeValue::M(map.into_iter().map(|(name, value)| (name, ordered(value))).collect())
        }
        other => other,
    }
}

fn run(cases: u32, oddities: impl Strategy<Value = Oddity>, is_plain: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tables = runtime.block_on(Tables::create());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&oddities, |oddity| {
        runtime.block_on(async {
            tables.comes_back(&oddity).await?;
            if is_plain { tables.as_in_serde_dynamo(&oddity).await } else { Ok(()) }
        })
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn a_thousand_random_records_are_stored_as_serde_dynamo_does() {
    run(RECORDS, oddity(leaf().boxed()), true);
}

#[test]
fn integers_of_128_bits_come_back_as_they_were() {
    run(WIDE_RECORDS, oddity(prop_oneof![wide(), leaf()].boxed()), false);
}
