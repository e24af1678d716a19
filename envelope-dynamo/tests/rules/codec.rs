//! Values that are written read back equal, or the write is refused: none is stored that nobody can
//! read, and none reads as another value.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::convert::number_set;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{Envelope, Error, from_item, to_item};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::setup::Setup;

macro_rules! records {
    ($($record:ident #[$mark:ident])*) => {$(
        #[derive(Clone, Debug, PartialEq, Envelope)]
        #[envelope(table = "values")]
        struct $record<T> {
            #[partition_key]
            id: String,
            #[encrypted]
            secret: String,
            #[$mark]
            value: T,
        }

        impl<T: Value> $record<T> {
            fn of(value: T) -> Self {
                Self { id: "v_1".to_owned(), secret: "s".to_owned(), value }
            }

            async fn fate(value: T) -> Fate {
                let (keys, record) = (TestKeyProvider::default(), Self::of(value));
                let item = match to_item(&record, &keys).await {
                    Ok(item) => item,
                    Err(error) => return Fate::Refused(error),
                };
                let read = from_item::<Self>(item, &keys).await.expect("what was written can be read");
                assert_eq!(read, record, "read as another value");
                Fate::Survives
            }
        }
    )*};
}

records! {
    Encrypted #[encrypted]
    Authenticated #[authenticated]
    Plain #[plaintext]
}

trait Value: Clone + Debug + PartialEq + Serialize + DeserializeOwned {}

impl<T: Clone + Debug + PartialEq + Serialize + DeserializeOwned> Value for T {}

/// The fate of a value that is written; one that is read as another value, or not at all, panics.
#[derive(Debug)]
enum Fate {
    Survives,
    Refused(Error),
}

/// The fate as an encrypted, an authenticated and a plaintext field.
fn fates<T: Value>(value: &T) -> [Fate; 3] {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        [
            Encrypted::fate(value.clone()).await,
            Authenticated::fate(value.clone()).await,
            Plain::fate(value.clone()).await,
        ]
    })
}

#[track_caller]
fn survives<T: Value>(value: T) {
    for fate in fates(&value) {
        assert!(matches!(fate, Fate::Survives), "{value:?}: {fate:?}");
    }
}

#[track_caller]
fn says(fate: &Fate, why: &str) {
    let Fate::Refused(error) = fate else { panic!("stored") };
    let message = error.to_string();
    assert!(message.starts_with("values[id=v_1]: `value` ") && message.contains(why), "{message}");
}

/// The value is refused in each kind of field, for this reason.
#[track_caller]
fn is_refused<T: Value>(value: T, why: &str) {
    fates(&value).iter().for_each(|fate| says(fate, why));
}

/// The value survives in an encrypted field alone; the others refuse it for this reason.
#[track_caller]
fn survives_sealed_alone<T: Value>(value: T, why: &str) {
    let [sealed, others @ ..] = fates(&value);
    assert!(matches!(sealed, Fate::Survives), "{value:?}: {sealed:?}");
    others.iter().for_each(|fate| says(fate, why));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal<T> {
    Held { held: T },
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "content")]
enum Adjacent<T> {
    Held(T),
    Pair(T, T),
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged<T> {
    Held(T),
    Float(f64),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flat<T> {
    id: u8,
    #[serde(flatten)]
    rest: T,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Held<T> {
    held: T,
}

const WIDE: &str = "it holds an `i128` or `u128` that reads back as another value";
const KEYS: &str = "it holds a map whose keys are integers or booleans";
const NULL: &str = "it holds `Some` of a value that is stored as null";
const NUMBER: &str = "holds a number that DynamoDB cannot store";

#[test]
fn integers_of_128_bits_are_refused_where_serde_cannot_read_them() {
    for value in [0, 5, -5, i128::from(u64::MAX) + 2, 10_i128.pow(37)] {
        is_refused(Internal::Held { held: value }, WIDE);
        is_refused(Untagged::Held(value), WIDE);
        is_refused(vec![Some(Untagged::Held(value))], WIDE);
        is_refused(Flat { id: 1, rest: Held { held: value } }, WIDE);
    }
    is_refused(Internal::Held { held: 7_u128 }, WIDE);
    survives(Untagged::<i128>::Float(1.5));
    survives(Untagged::<i128>::Text("18446744073709551617".to_owned()));
    survives(Internal::<i128>::Nothing);
}

#[test]
fn integers_of_128_bits_survive_everywhere_else() {
    for value in [0, -1, i128::from(u64::MAX) + 2, 10_i128.pow(37), -(10_i128.pow(37))] {
        survives(value);
        survives(Some(vec![Held { held: value }]));
        survives(Adjacent::Held(value));
        survives(Adjacent::Pair(value, 1));
    }
    survives(u128::from(u64::MAX) + 1);
    survives_sealed_alone(i128::MIN, NUMBER);
    survives_sealed_alone(u128::MAX, NUMBER);
    survives_sealed_alone(vec![Held { held: u128::MAX }], NUMBER);
}

#[test]
fn some_of_nothing_is_refused_where_it_would_read_as_none() {
    is_refused(Some(None::<u8>), NULL);
    is_refused(Some(()), NULL);
    is_refused(Some(serde_json::Value::Null), NULL);
    is_refused(vec![Held { held: Some(None::<String>) }], NULL);
    is_refused(Internal::Held { held: Some(None::<String>) }, NULL);
    survives(None::<Option<u8>>);
    survives(Some(Some(1)));
    survives(Some(vec![None::<u8>]));
}

#[test]
fn a_wide_integer_put_by_others_does_not_read_as_a_float() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (keys, record) = (TestKeyProvider::default(), Plain::of(Untagged::<i128>::Float(0.5)));
        let mut item = to_item(&record, &keys).await.expect("the record is sealed");
        item.insert("value".to_owned(), AttributeValue::N("18446744073709551617".to_owned()));
        let error = from_item::<Plain<Untagged<i128>>>(item, &keys)
            .await
            .expect_err("no variant holds it")
            .to_string();
        assert!(
            error.contains("`value`") && error.contains("an integer of more than 64 bits"),
            "{error}"
        );
    });
}

/// The common way to tell "absent" from "null".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Patch {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    nickname: Option<Option<String>>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[test]
fn some_of_nothing_survives_where_the_type_reads_it() {
    survives(Patch { nickname: Some(None) });
    survives(Patch { nickname: None });
    survives(Patch { nickname: Some(Some("Zoe".to_owned())) });
}

#[test]
fn map_keys_that_are_no_text_survive_or_are_refused() {
    let numbers = || HashMap::from([(7_u32, 1_u8), (4_000_000_000, 2)]);
    survives(numbers());
    survives(BTreeMap::from([(i64::MIN, true)]));
    survives(BTreeMap::from([(true, 1_u8), (false, 2)]));
    survives(BTreeMap::from([('é', 1_u8)]));
    survives_sealed_alone(Internal::Held { held: numbers() }, KEYS);
    survives_sealed_alone(Untagged::Held(numbers()), KEYS);
    survives_sealed_alone(Untagged::Held(HashMap::from([(true, 1_u8)])), KEYS);
    survives(Untagged::Held(HashMap::from([('x', 1_u8)])));
    survives(Internal::Held { held: HashMap::from([("x".to_owned(), 1_u8)]) });
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum ByKey {
    Text(BTreeMap<String, u8>),
    Number(BTreeMap<u32, u8>),
}

#[test]
fn keys_that_would_read_as_keys_of_another_type_are_refused() {
    survives_sealed_alone(ByKey::Number(BTreeMap::from([(1, 1)])), KEYS);
    survives(ByKey::Text(BTreeMap::from([("1".to_owned(), 1)])));
}

/// Tag and content are entries of a map, whose order is random.
#[test]
fn an_adjacently_tagged_enum_is_read_whatever_the_order_of_its_map() {
    for _ in 0..32 {
        survives(Adjacent::Held(HashMap::from([(7_u32, 1_u8)])));
        survives(Adjacent::Held(i128::from(u64::MAX) + 2));
        survives(vec![Adjacent::Pair(true, false), Adjacent::Nothing]);
    }
}

#[test]
fn floats_characters_and_bytes_survive_or_are_refused() {
    for float in [0.1, -0.1, 1e100, 1e-100, f64::EPSILON, 9_007_199_254_740_993.0, 1e23] {
        survives(float);
        survives(Untagged::<bool>::Float(float));
        survives(Internal::Held { held: float });
    }
    survives(f32::EPSILON);
    survives(1e23_f32);
    for float in [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE] {
        survives_sealed_alone(float, NUMBER);
        survives_sealed_alone(BTreeMap::from([("k".to_owned(), vec![float])]), NUMBER);
    }
    survives('\u{1f980}');
    survives(Untagged::Held('\0'));
    survives(Internal::Held { held: 'x' });
    survives(Bytes(vec![0, 255]));
    survives(Internal::Held { held: Bytes(vec![]) });
    survives(Untagged::Held(Bytes(vec![1])));
}

#[derive(Clone, Debug, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }

        deserializer.deserialize_byte_buf(Visitor)
    }
}

/// What serde_json's `RawValue` serializes as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "$serde_json::private::RawValue")]
struct RawJson {
    #[serde(rename = "$serde_json::private::RawValue")]
    text: String,
}

#[test]
fn raw_json_is_refused() {
    is_refused(RawJson { text: "{}".to_owned() }, "only serde_json can read");
    is_refused(vec![Some(RawJson { text: "{}".to_owned() })], "only serde_json can read");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn no_value_reads_as_another(wide: i128, narrow: i64, small: u32, float: f64, text: String, flag: bool) {
        let option = match small % 3 {
            0 => None,
            1 => Some(None),
            _ => Some(Some(small)),
        };
        let numbers = BTreeMap::from([(small, narrow)]);
        fates(&wide);
        fates(&Internal::Held { held: wide });
        fates(&Adjacent::Pair(wide, 1));
        fates(&Untagged::Held(wide));
        fates(&Untagged::Held(narrow));
        fates(&Internal::Held { held: (narrow, text.clone(), flag) });
        fates(&option);
        fates(&Untagged::Held(Held { held: option }));
        fates(&numbers);
        fates(&Internal::Held { held: numbers.clone() });
        fates(&Adjacent::Held(numbers.clone()));
        fates(&Untagged::Held(numbers));
        fates(&Internal::Held { held: float });
        fates(&Adjacent::Held((float, text.chars().next())));
        fates(&Untagged::<bool>::Float(float));
        fates(&Flat { id: 1, rest: Internal::Held { held: text } });
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum FloatFirst {
    Float(f64),
    Whole(u64),
}

/// serde takes the first variant that accepts a value, and a float accepts integers and rounds
/// them. Nothing that this library sees tells that from a value that was a float.
#[tokio::test]
async fn an_untagged_enum_with_a_float_first_rounds_integers() {
    let (keys, whole) = (TestKeyProvider::default(), 9_007_199_254_740_993);
    let item = to_item(&Encrypted::of(FloatFirst::Whole(whole)), &keys)
        .await
        .expect("the record is sealed");
    let read = from_item::<Encrypted<FloatFirst>>(item, &keys).await.expect("the record opens");
    assert_eq!(read.value, FloatFirst::Float(9_007_199_254_740_992.0));
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "draws")]
struct Draw {
    #[partition_key]
    id: String,
    #[encrypted]
    secret: String,
    #[authenticated]
    #[serde(with = "number_set")]
    numbers: BTreeSet<u32>,
    #[plaintext]
    odds: f64,
    #[plaintext]
    history: BTreeMap<String, Vec<f64>>,
    #[plaintext]
    #[ttl]
    expires: Option<u64>,
}

fn draw() -> Draw {
    Draw {
        id: "d_1".to_owned(),
        secret: "s".to_owned(),
        numbers: BTreeSet::from([7]),
        odds: 0.5,
        history: BTreeMap::new(),
        expires: None,
    }
}

/// DynamoDB's own answer to these does not name the attribute.
#[tokio::test]
async fn what_dynamodb_refuses_is_refused_by_name_and_never_sent() {
    let setup = Setup::new().await;
    let draws = setup.table::<Draw>().await;
    draws.put(&draw()).send().await.expect("the record is stored");
    let sent = setup.faults.all_requests().len();
    let history = BTreeMap::from([("monday".to_owned(), vec![0.5, f64::INFINITY])]);
    for (name, refused) in [
        ("`numbers` holds an empty set", Draw { numbers: BTreeSet::new(), ..draw() }),
        ("`odds` holds a number", Draw { odds: f64::NAN, ..draw() }),
        ("`odds` holds a number", Draw { odds: 1e126, ..draw() }),
        ("`history` holds a number", Draw { history, ..draw() }),
        ("`expires` cannot be serialized", Draw { expires: Some(1 << 63), ..draw() }),
    ] {
        let message = draws.put(&refused).send().await.expect_err("refused").to_string();
        assert!(message.starts_with(&format!("draws[id=d_1]: {name}")), "{message}");
    }
    let error = draws.update("d_1").set(|d| d.odds, f64::NAN).send().await.expect_err("refused");
    assert!(error.to_string().starts_with("draws[id=d_1]: `odds` holds a number"), "{error}");
    assert_eq!(setup.faults.all_requests().len(), sent);
}

#[tokio::test]
async fn an_attribute_of_another_type_than_binary_is_named() {
    let keys = TestKeyProvider::default();
    for name in ["encrypted_payload", "encrypted_dek"] {
        let mut item = to_item(&Encrypted::of(1), &keys).await.expect("the record is sealed");
        item.insert(name.to_owned(), AttributeValue::S("QUJD".to_owned()));
        let error =
            from_item::<Encrypted<u8>>(item, &keys).await.expect_err("not binary").to_string();
        assert!(error.starts_with(&format!("values[id=v_1]: `{name}` has type S, ")), "{error}");
    }
}

#[tokio::test]
async fn an_error_of_a_value_names_the_record_and_the_attribute() {
    let raw = RawJson { text: "{}".to_owned() };
    let error = to_item(&Encrypted::of(raw), &TestKeyProvider::default())
        .await
        .expect_err("refused")
        .to_string();
    assert!(
        error.starts_with("values[id=v_1]: `value` cannot be serialized: only serde_json"),
        "{error}"
    );
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "series")]
struct Series {
    #[partition_key]
    id: String,
    #[encrypted]
    secret: String,
    #[authenticated]
    times: Vec<u64>,
}

/// Trailing zeros take no room in DynamoDB: these numbers are 3 bytes each, and 19 digits each.
#[tokio::test]
async fn a_record_of_many_round_numbers_is_not_too_large() {
    let setup = Setup::new().await;
    let table = setup.table::<Series>().await;
    let times = vec![1_700_000_000_000_000_000; 35_000];
    let series = Series { id: "s_1".to_owned(), secret: "s".to_owned(), times };
    table.put(&series).send().await.expect("DynamoDB stores it");
    assert_eq!(table.get("s_1").send().await.expect("the record opens"), Some(series.clone()));
    let times = vec![1_234_567_891_234_567_891; 35_000];
    let error = table.put(&Series { times, ..series }).send().await.expect_err("too large");
    assert!(error.to_string().contains("more than the 409600"), "{error}");
}
