//! Numbers that DynamoDB adds to: what is stored can always be read again by the field's type.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{UsageError, WriteError};
use envelope_dynamo::expression::Addable;
use envelope_dynamo::{Envelope, Error, ErrorKind, Table, WriteOutcome, transact_write};
use envelope_examples::Fault as Injected;

use super::setup::Setup;

#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Percent(u8);

impl Addable for Percent {
    const RANGE: Option<(i128, i128)> = Some((0, 100));
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "counters")]
struct Counter {
    #[partition_key]
    id: String,
    #[encrypted]
    note: String,
    #[plaintext]
    small: u8,
    #[plaintext]
    signed: i8,
    #[plaintext]
    large: u64,
    #[plaintext]
    share: f64,
    #[plaintext]
    done: Percent,
    #[plaintext]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absent: Option<u8>,
    #[plaintext]
    #[version]
    revision: u8,
}

fn counter(revision: u8) -> Counter {
    let note = "n".to_owned();
    Counter {
        id: "c".to_owned(),
        note,
        small: 250,
        signed: -128,
        large: 0,
        share: 0.5,
        done: Percent(99),
        absent: None,
        revision,
    }
}

/// A table with the counter `c`, whose next version is `revision + 1`.
async fn setup(revision: u8) -> (Setup, Table<Counter>) {
    let setup = Setup::new().await;
    let counters = setup.table::<Counter>().await;
    counters.put(&counter(0)).send().await.expect("the counter is stored");
    let update = setup
        .dynamodb
        .update_item()
        .table_name("counters")
        .key("id", AttributeValue::S("c".to_owned()));
    let update = update.update_expression("SET revision = :r");
    let update = update.expression_attribute_values(":r", AttributeValue::N(revision.to_string()));
    update.send().await.expect("the version is set");
    setup.faults.forget_calls();
    (setup, counters)
}

#[track_caller]
fn assert_names(error: &Error, attribute: &str) {
    let names = matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { attribute: named, .. }) if named == attribute);
    assert!(
        names && error.write_outcome() == WriteOutcome::NotWritten && !error.is_retryable(),
        "{error}"
    );
}

#[tokio::test]
async fn a_version_that_its_type_cannot_count_further_is_not_counted_in_place() {
    let (setup, counters) = setup(u8::MAX - 1).await;
    counters.update("c").add(|c| c.large, 1).send().await.expect("254 becomes 255");
    let error = counters.update("c").add(|c| c.large, 1).send().await.expect_err("there is no 256");
    assert_names(&error, "revision");
    assert_eq!(
        error.to_string(),
        "counters[id=c]: `revision` is a version that has reached the maximum of its type"
    );
    let error = counters
        .update("c")
        .add(|c| c.large, 1)
        .returning_new()
        .send()
        .await
        .expect_err("there is no 256");
    assert_names(&error, "revision");
    let error = counters
        .update("c")
        .add(|c| c.large, 1)
        .modify(|_| ())
        .send()
        .await
        .expect_err("there is no 256");
    assert_names(&error, "revision");
    let transaction =
        transact_write(&setup.dynamodb).update(counters.update("c").add(|c| c.large, 1));
    let error = transaction.send().await.expect_err("there is no 256");
    assert_names(error.reasons().first().expect("a reason").error(), "revision");
    let read = counters.get("c").send().await.expect("it opens").expect("it is there");
    assert_eq!((read.revision, read.large), (u8::MAX, 1));
}

#[tokio::test]
async fn a_sum_that_leaves_the_range_of_its_type_is_not_stored() {
    let (setup, counters) = setup(1).await;
    let update = || counters.update("c");
    assert_names(&update().add(|c| c.small, 6).send().await.expect_err("256"), "small");
    assert_names(&update().add(|c| c.small, -251).send().await.expect_err("-1"), "small");
    assert_names(&update().add(|c| c.signed, -1).send().await.expect_err("-129"), "signed");
    assert_names(&update().add(|c| c.large, -1).send().await.expect_err("-1"), "large");
    assert_names(&update().add(|c| c.done, 2).send().await.expect_err("101"), "done");
    assert_names(&update().add(|c| c.absent, -1).send().await.expect_err("-1"), "absent");
    assert_names(
        &update().add(|c| c.small, 6).modify(|c| c.note.push('!')).send().await.expect_err("256"),
        "small",
    );
    let transaction = transact_write(&setup.dynamodb).update(update().add(|c| c.small, 6));
    assert_names(
        transaction.send().await.expect_err("256").reasons().first().expect("a reason").error(),
        "small",
    );
    let unchanged = counters.get("c").send().await.expect("it opens");
    assert_eq!(unchanged, Some(counter(1)));

    let updated = update()
        .add(|c| c.small, 5)
        .add(|c| c.signed, 255)
        .add(|c| c.large, u64::MAX)
        .add(|c| c.done, 1);
    let updated =
        updated.add(|c| c.absent, 255).add(|c| c.share, -1.5).returning_new().send().await;
    let expected =
        Counter { small: 255, signed: 127, large: u64::MAX, absent: Some(255), ..counter(2) };
    assert_eq!(
        updated.expect("each fits"),
        Counter { share: -1.0, done: Percent(100), ..expected }
    );
}

#[tokio::test]
async fn an_amount_that_never_fits_is_refused_before_anything_is_sent() {
    let (setup, counters) = setup(1).await;
    for (error, reason) in [
        (counters.update("c").add(|c| c.small, 256).send().await, "cannot take this addition"),
        (counters.update("c").add(|c| c.small, -256).send().await, "cannot take this addition"),
        (counters.update("c").add(|c| c.large, u128::MAX).send().await, "not a whole number"),
        (counters.update("c").add(|c| c.large, 0.5).send().await, "not a whole number"),
    ] {
        let error = error.expect_err("refused");
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert!(setup.faults.all_requests().is_empty());
}

#[tokio::test]
async fn another_condition_is_still_a_condition() {
    let (setup, counters) = setup(1).await;
    let error = counters.update("c").add(|c| c.small, 1).condition(|c| c.large.eq(7)).send().await;
    assert!(matches!(
        error.expect_err("it is 0").kind(),
        ErrorKind::Write(WriteError::ConditionFailed)
    ));
    let none =
        counters.update("nobody").add(|c| c.small, 1).send().await.expect_err("there is none");
    assert!(matches!(none.kind(), ErrorKind::Write(WriteError::NoRecord)));

    // The first try made it 255, and its answer was lost.
    setup.faults.fail_next("UpdateItem", Injected::LoseReply);
    let error = counters.update("c").add(|c| c.small, 5).send().await.expect_err("260");
    assert_eq!((error.write_outcome(), error.is_retryable()), (WriteOutcome::Unknown, false));
}

#[tokio::test]
async fn what_is_not_stored_as_a_number_is_named() {
    let (setup, counters) = setup(1).await;
    let update = setup
        .dynamodb
        .update_item()
        .table_name("counters")
        .key("id", AttributeValue::S("c".to_owned()));
    let update = update
        .update_expression("SET small = :n")
        .expression_attribute_values(":n", AttributeValue::Null(true));
    update.send().await.expect("planted");
    let error = counters.update("c").add(|c| c.small, 1).send().await.expect_err("null");
    assert_names(&error, "small");
    assert!(error.to_string().contains("is not stored as a whole number"), "{error}");
}
