//! Numbers beyond `serde_dynamo`, and numbers that DynamoDB spells differently.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::error::{DataError, UsageError};
use envelope_dynamo::{Envelope, ErrorKind, Table, from_item, to_item};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};
use envelope_tests::number;

use crate::serde_parity::twins::{Item, provider};

/// 38 digits, the maximum of DynamoDB.
const LARGEST: u128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "numbers")]
struct Numbers {
    #[partition_key]
    id: i128,
    #[encrypted]
    sealed: Vec<i128>,
    #[encrypted]
    sealed_unsigned: u128,
    #[authenticated]
    large: u128,
    #[authenticated]
    small: i128,
    #[authenticated]
    fraction: f64,
    #[authenticated]
    nested: Vec<(f64, f32)>,
    #[authenticated]
    #[serde(with = "envelope_dynamo::convert::number_set")]
    set: BTreeSet<i64>,
    #[authenticated]
    #[serde(with = "envelope_dynamo::convert::string_set")]
    words: BTreeSet<String>,
    #[plaintext]
    readable: u128,
}

fn numbers() -> Numbers {
    Numbers {
        id: -7,
        sealed: vec![i128::MIN, i64::MIN.into(), -1, 0, 1, u64::MAX.into(), i128::MAX],
        sealed_unsigned: u128::MAX,
        large: LARGEST,
        small: -i128::try_from(LARGEST).unwrap(),
        fraction: -0.0,
        nested: vec![(1e-120, 0.1), (1e120, 16_777_216.0), (1.0 / 3.0, 1e30)],
        set: (-20..20).map(|i| i * 1_000_000_007).collect(),
        words: ["a", "b", "ß", "😀", "zz", "Z"].map(str::to_owned).into(),
        readable: LARGEST,
    }
}

/// Other spellings of the same numbers: a server keeps the value, not its spelling.
fn respelled(number: &str) -> Vec<String> {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let point = if digits.contains('.') { "" } else { "." };
    vec![
        format!("{sign}00{digits}"),
        format!("{sign}{digits}{point}000"),
        format!("{sign}{digits}e0"),
        format!("{sign}{digits}E+00"),
        format!("{sign}{digits}{point}0e-0"),
    ]
}

#[tokio::test]
async fn integers_of_128_bits_are_numbers_though_serde_dynamo_refuses_them() {
    let item = to_item(&numbers(), &provider()).await.unwrap();
    assert_eq!(
        (&item["large"], &item["readable"]),
        (&number("9".repeat(38)), &number("9".repeat(38)))
    );
    assert_eq!(from_item::<Numbers>(item, &provider()).await.unwrap(), numbers());
    assert!(serde_dynamo::to_attribute_value::<_, AttributeValue>(1_u128).is_err());
}

#[tokio::test]
async fn a_number_that_dynamodb_cannot_hold_is_refused_where_it_is_bound() {
    for (record, name) in [
        (Numbers { large: LARGEST + 2, ..numbers() }, "large"),
        (Numbers { fraction: 1e-131, ..numbers() }, "fraction"),
        (Numbers { fraction: 1e126, ..numbers() }, "fraction"),
        (Numbers { fraction: f64::NAN, ..numbers() }, "fraction"),
        (Numbers { nested: vec![(f64::INFINITY, 0.0)], ..numbers() }, "nested"),
        (Numbers { id: i128::MAX, ..numbers() }, "id"),
    ] {
        let error = to_item(&record, &provider()).await.unwrap_err();
        let ErrorKind::Usage(UsageError::Attribute { attribute, .. }) = error.kind() else {
            panic!("{error}")
        };
        assert_eq!(attribute, name, "{error}");
    }
}

#[tokio::test]
async fn a_bound_number_may_be_spelled_anew_but_not_changed() {
    let item = to_item(&numbers(), &provider()).await.unwrap();
    for name in ["id", "large", "small", "fraction"] {
        let written = item[name].as_n().unwrap();
        for spelling in respelled(written) {
            let mut item = item.clone();
            item.insert(name.to_owned(), number(&spelling));
            let read = from_item::<Numbers>(item, &provider()).await;
            match read {
                Ok(read) => assert_eq!(read, numbers(), "{name}: {spelling}"),
                // It is authentic, but the parser of integers refuses a point or an exponent.
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::Data(DataError::Deserialize { .. })),
                    "{spelling}: {error}"
                ),
            }
        }
        let mut item = item.clone();
        item.insert(name.to_owned(), number("5"));
        from_item::<Numbers>(item, &provider()).await.unwrap_err();
    }
    for spelling in ["0", "-0.0", "0e9", "00", ".0"] {
        let mut item = item.clone();
        item.insert("fraction".to_owned(), number(spelling));
        assert_eq!(from_item::<Numbers>(item, &provider()).await.unwrap(), numbers(), "{spelling}");
    }
}

#[tokio::test]
async fn a_bound_set_may_come_in_any_order_but_not_with_other_elements() {
    let item = to_item(&numbers(), &provider()).await.unwrap();
    let (numbers_set, words) =
        (item["set"].as_ns().unwrap().clone(), item["words"].as_ss().unwrap().clone());
    for turn in 0..6 {
        let (mut set, mut strings) = (numbers_set.clone(), words.clone());
        set.rotate_left(turn * 7);
        strings.rotate_left(turn);
        let mut item = item.clone();
        item.insert("set".to_owned(), AttributeValue::Ns(set.into_iter().rev().collect()));
        item.insert("words".to_owned(), AttributeValue::Ss(strings.into_iter().rev().collect()));
        assert_eq!(from_item::<Numbers>(item, &provider()).await.unwrap(), numbers());
    }
    let [mut fewer, mut list] = [item.clone(), item];
    fewer.insert("set".to_owned(), AttributeValue::Ns(numbers_set[1..].to_vec()));
    list.insert(
        "words".to_owned(),
        AttributeValue::L(words.into_iter().map(AttributeValue::S).collect()),
    );
    for item in [fewer, list] {
        let error = from_item::<Numbers>(item, &provider()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
    }
}

#[tokio::test]
async fn a_record_opens_after_dynamodb_normalized_its_numbers_and_sets() {
    let servers = Servers::from_env().await.unwrap();
    let physical = unique_name("numbers");
    create_table(servers.dynamodb(), &physical, ("id", ScalarAttributeType::N), None)
        .await
        .unwrap();
    let table = Table::<Numbers>::new(servers.dynamodb().clone(), provider()).named(&*physical);
    table.put(&numbers()).send().await.unwrap();
    assert_eq!(table.get(-7).consistent_read().send().await.unwrap(), Some(numbers()));

    // The same numbers in other spellings, and sets in another order, without the library.
    let mut item: Item = to_item(&numbers(), &provider()).await.unwrap();
    item.insert("id".to_owned(), number("-7.00"));
    item.insert("fraction".to_owned(), number("0.000"));
    item.insert("large".to_owned(), number("99999999999999999999999999999999999999.0"));
    item.insert(
        "nested".to_owned(),
        AttributeValue::L(vec![
            AttributeValue::L(vec![number("0.001E-117"), number("1E-1")]),
            AttributeValue::L(vec![number("10e119"), number("16777216.000")]),
            AttributeValue::L(vec![
                number("3.333333333333333E-1"),
                number("1000000000000000000000000000000"),
            ]),
        ]),
    );
    let reversed =
        item["set"].as_ns().unwrap().iter().rev().map(|number| format!("{number}.0")).collect();
    item.insert("set".to_owned(), AttributeValue::Ns(reversed));
    let words = item["words"].as_ss().unwrap().iter().rev().cloned().collect();
    item.insert("words".to_owned(), AttributeValue::Ss(words));
    servers.dynamodb().put_item().table_name(&physical).set_item(Some(item)).send().await.unwrap();
    let nested = vec![(1e-120, 0.1), (1e120, 16_777_216.0), (0.333_333_333_333_333_3, 1e30)];
    let read = table.get(-7).consistent_read().send().await.unwrap().unwrap();
    assert_eq!(read, Numbers { nested, ..numbers() });
}
