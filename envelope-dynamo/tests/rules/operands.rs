//! Values, limits and paths in typed expressions, at their edges.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{UsageError, WriteError};
use envelope_dynamo::expression::Condition;
use envelope_dynamo::{Envelope, Error, ErrorKind, Table};
use serde::{Deserialize, Serialize};

use crate::setup::Setup;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Dose {
    units: u8,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "doses")]
struct Doses {
    #[partition_key]
    id: String,
    #[encrypted]
    note: String,
    #[plaintext]
    count: u8,
    #[plaintext]
    #[serde(default)]
    later: u8,
    #[plaintext]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absent: Option<u8>,
    #[plaintext]
    share: f64,
    #[plaintext]
    wide: u128,
    #[plaintext]
    past: Vec<u8>,
    #[plaintext]
    first: Dose,
    #[plaintext]
    #[serde(with = "envelope_dynamo::convert::string_set")]
    drugs: BTreeSet<String>,
    #[plaintext]
    #[version]
    version: u64,
}

type Attributes = <Doses as Envelope>::Attributes;

fn doses() -> Doses {
    Doses {
        id: "1".into(),
        note: "n".into(),
        count: 1,
        later: 7,
        absent: None,
        share: 0.5,
        wide: 1,
        past: vec![2, 3],
        first: Dose { units: 4 },
        drugs: BTreeSet::from(["a".into(), "b".into()]),
        version: 0,
    }
}

async fn setup() -> (Setup, Table<Doses>) {
    let setup = Setup::new().await;
    let table = setup.table::<Doses>().await;
    table.put(&doses()).send().await.expect("the record is stored");
    setup.faults.forget_calls();
    (setup, table)
}

async fn get(table: &Table<Doses>) -> Doses {
    table.get("1").send().await.expect("the record opens").expect("there is a record")
}

#[track_caller]
fn assert_no_room(error: &Error, attribute: &str) {
    let told = error.to_string();
    assert!(told.contains(&format!("`{attribute}` cannot take this addition")), "{told}");
}

/// The expression of the condition that was sent last.
fn condition(setup: &Setup) -> String {
    let body = setup.faults.requests("UpdateItem").pop().expect("a change was sent");
    let request: serde_json::Value = serde_json::from_slice(&body).expect("a request is JSON");
    request["ConditionExpression"].as_str().expect("it has a condition").to_owned()
}

#[tokio::test]
async fn a_condition_with_a_value_that_cannot_be_stored_names_its_attribute() {
    let (setup, table) = setup().await;
    let conditions: [fn(&Attributes) -> Condition<Doses>; 4] = [
        |d| d.share.lt(f64::NAN),
        |d| d.share.between(f64::NAN, 1.0),
        |d| d.share.between(1.0, f64::INFINITY),
        |d| d.share.one_of([1.0, f64::NAN]),
    ];
    for condition in conditions {
        let error = table.update("1").condition(condition).send().await.expect_err("no number");
        assert!(error.to_string().contains("`share`"), "{error}");
    }
    assert!(setup.faults.all_requests().is_empty());
}

#[tokio::test]
async fn nothing_is_one_of_no_values() {
    let (_setup, table) = setup().await;
    let found = async |condition: fn(&Attributes) -> Condition<Doses>| {
        table.scan().filter(condition).send().await.expect("DynamoDB takes the filter").len()
    };
    assert_eq!(found(|d| d.count.one_of(Vec::<u8>::new())).await, 0);
    assert_eq!(found(|d| d.absent.one_of(Vec::<u8>::new())).await, 0);
    assert_eq!(found(|d| !d.count.one_of(Vec::<u8>::new())).await, 1);
}

#[tokio::test]
async fn only_what_a_record_can_be_read_without_can_be_removed() {
    let (_setup, table) = setup().await;
    table.update("1").remove(|d| d.later).send().await.expect("it has a default");
    table.update("1").remove(|d| d.absent).send().await.expect("it is optional");
    assert_eq!(get(&table).await.later, 0);
    table.update("1").remove(|d| d.count).send().await.expect_err("it is required");
}

#[tokio::test]
async fn elements_of_a_set_are_removed() {
    let (_setup, table) = setup().await;
    let update = table.update("1").delete_elements(|d| d.drugs, BTreeSet::from(["a".into()]));
    update.send().await.expect("they are removed");
    assert_eq!(get(&table).await.drugs, BTreeSet::from(["b".into()]));
}

/// An update with a condition and no change is only a check.
#[tokio::test]
async fn an_update_that_changes_nothing_counts_no_version() {
    let (_setup, table) = setup().await;
    table.update("1").condition(|d| d.count.eq(1)).send().await.expect("it is 1");
    let unchanged = table.update("1").condition(|d| d.count.eq(1)).modify(|_| ()).send().await;
    assert_eq!(unchanged.expect("it is 1").map(|doses| doses.version), Some(1));
    assert_eq!(get(&table).await, Doses { version: 1, ..doses() });
}

#[tokio::test]
async fn a_sum_within_a_list_or_a_struct_has_its_limit() {
    let (_setup, table) = setup().await;
    let element = table.update("1").add(|d| d.past.at(1), 253).send().await;
    assert_no_room(&element.expect_err("256"), "past[1]");
    let field = table.update("1").add(|d| d.first.field::<u8>("units"), 252).send().await;
    assert_no_room(&field.expect_err("256"), "first.units");
    assert_eq!(get(&table).await, Doses { version: 1, ..doses() });
}

/// DynamoDB stores 38 digits, and would round a number of more.
#[tokio::test]
async fn a_sum_has_no_more_digits_than_dynamodb_stores() {
    let (_setup, table) = setup().await;
    let greatest = 10_u128.pow(38) - 1;
    let error = table.update("1").add(|d| d.wide, greatest).send().await.expect_err("39 digits");
    assert_no_room(&error, "wide");
    table.update("1").add(|d| d.wide, greatest - 1).send().await.expect("38 digits");
    assert_eq!(get(&table).await.wide, greatest);
}

#[tokio::test]
async fn an_absent_number_does_not_hide_the_condition_that_failed() {
    let (_setup, table) = setup().await;
    let update = table.update("1").add(|d| d.absent, 1).condition(|d| d.count.eq(9));
    let error = update.send().await.expect_err("it is 1");
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{error}");
}

#[tokio::test]
async fn nothing_is_added_to_a_number_that_its_type_cannot_read() {
    let (setup, table) = setup().await;
    let plant = setup.dynamodb.update_item().table_name("doses");
    let plant = plant.key("id", AttributeValue::S("1".to_owned())).update_expression("SET #c = :n");
    let plant = plant.expression_attribute_names("#c", "count");
    let plant = plant.expression_attribute_values(":n", AttributeValue::N("300".to_owned()));
    plant.send().await.expect("it is planted");
    for amount in [0, 1] {
        let error = table.update("1").add(|d| d.count, amount).send().await;
        assert_no_room(&error.expect_err("300 is no u8"), "count");
    }
}

#[tokio::test]
async fn a_condition_may_be_as_long_as_dynamodb_takes_it() {
    const MOST: usize = 4096; // Amazon DynamoDB Developer Guide, "Quotas", "Expression parameters"
    let (setup, table) = setup().await;
    // A comparison with `>=` is one byte longer than one with `=`, so any length can be reached.
    let demands = |equal: usize, at_least: usize| {
        let update = table.update("1").condition(move |d| {
            let more = (1..equal).map(|_| d.count.eq(d.count));
            let more = more.chain((0..at_least).map(|_| d.count.ge(d.count)));
            more.fold(d.count.eq(d.count), Condition::and)
        });
        update.modify(|d| d.note.push('!'))
    };
    let length = async |equal, at_least| {
        demands(equal, at_least).send().await.expect("DynamoDB takes it");
        condition(&setup).len()
    };
    let (one, two) = (length(1, 0).await, length(2, 0).await);
    let (missing, each) = (MOST - one, two - one);
    let at_least = missing % each;
    let equal = missing / each - at_least;
    assert_eq!(length(1 + equal, at_least).await, MOST);
    let sent = setup.faults.calls("UpdateItem");
    let error = demands(equal, at_least + 1).send().await.expect_err("it is a byte too long");
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::ExpressionTooLong { bytes: 4097 })),
        "{error}"
    );
    assert_eq!(setup.faults.calls("UpdateItem"), sent);
}
