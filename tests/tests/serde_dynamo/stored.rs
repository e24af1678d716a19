//! A thousand records of odd shapes, stored in DynamoDB and read back.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_dynamo::{Envelope, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::twins::provider;

const RECORDS: u32 = 1000;

/// A value of any shape that DynamoDB stores.
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
    Bytes(#[serde(with = "crate::with::bytes")] Vec<u8>),
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
    Strings(#[serde(with = "envelope_dynamo::string_set")] BTreeSet<String>),
    Numbers(#[serde(with = "envelope_dynamo::number_set")] BTreeSet<i64>),
}

#[derive(Clone, Debug, PartialEq, Envelope)]
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
    readable: Shape,
    #[encrypted]
    #[serde(flatten)]
    rest: BTreeMap<String, i32>,
}

/// Text from every plane, the empty one among it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-z]{0,12}", "\\PC{0,12}", Just(String::new())]
}

fn name() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("DynamoDB has no empty names", |name| !name.is_empty())
}

/// Within what DynamoDB holds: 1E-130 to 9.99E+125.
fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-1.0..1.0, -120..120).prop_map(|(fraction, exponent): (f64, i32)| fraction * 10_f64.powi(exponent)),
        Just(-0.0),
        any::<f32>().prop_filter("a number", |n| n.is_finite()).prop_map(f64::from),
    ]
}

fn leaf() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Nothing),
        any::<bool>().prop_map(Shape::Flag),
        any::<i64>().prop_map(Shape::Signed),
        any::<u64>().prop_map(Shape::Unsigned),
        any::<u128>().prop_map(|n| Shape::Wide(n % 10_u128.pow(38))),
        float().prop_map(Shape::Float),
        any::<char>().prop_map(Shape::Character),
        text().prop_map(Shape::Text),
        vec(any::<u8>(), 0..40).prop_map(Shape::Bytes),
        any::<u128>().prop_map(|n| Shape::Uuid(Uuid::from_u128(n))),
        btree_set(name(), 1..5).prop_map(Shape::Strings),
        btree_set(any::<i64>(), 1..5).prop_map(Shape::Numbers),
    ]
}

/// Nested as deep as stays within the 32 levels that DynamoDB stores: a variant is a level of its own.
fn shape() -> impl Strategy<Value = Shape> {
    leaf().prop_recursive(5, 24, 4, |inner| {
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

fn oddity() -> impl Strategy<Value = Oddity> {
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

#[test]
fn a_thousand_records_of_odd_shapes_come_back_as_they_were() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let table = runtime.block_on(async {
        let servers = Servers::from_env().await.unwrap();
        let physical = unique_name(Oddity::TABLE);
        let (partition, sort) = (("id", ScalarAttributeType::S), ("rank", ScalarAttributeType::N));
        create_table(servers.dynamodb(), &physical, partition, Some(sort)).await.unwrap();
        Table::<Oddity>::new(servers.dynamodb().clone(), provider()).named(physical)
    });
    let config = Config { cases: RECORDS, failure_persistence: None, ..Config::default() };
    let stored = TestRunner::new(config).run(&oddity(), |oddity| {
        runtime.block_on(async {
            table.put(&oddity).send().await.map_err(|error| TestCaseError::fail(format!("{error} {error:?}")))?;
            let read = table.get((&oddity.id, &oddity.rank)).consistent_read().send().await;
            let read = read.map_err(|error| TestCaseError::fail(format!("{error} {error:?}")))?;
            prop_assert_eq!(read, Some(oddity));
            Ok(())
        })
    });
    stored.unwrap_or_else(|failure| panic!("{failure}"));
}
