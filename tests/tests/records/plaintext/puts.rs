//! Puts of `ReadAndWrite`: plain, except where a sealed record stands.

use envelope_dynamo::error::{UsageError, WriteError};
use envelope_dynamo::{ErrorKind, transact_write};
use envelope_examples::Fault;

use super::*;

fn changed(id: &str) -> Patient {
    Patient { name: "New".to_owned(), ..patient(id) }
}

/// A record that was sealed between a caller's decision and its write stays sealed.
#[tokio::test]
async fn a_plain_put_gives_way_to_a_record_that_was_sealed_meanwhile() {
    let bench = Bench::new().await;
    bench.old_put(&patient("p")).await;
    let (writing, sealing) = (bench.in_state(ReadAndWrite), bench.table.table.clone());
    // Past the faults: the put that is held is the plain one alone.
    let client = bench.table.servers.dynamodb().clone();
    let sealing = Table::<Patient>::new(client, local_keys(7)).named(sealing.name());
    let change = changed("p");
    let put = writing.put(&change).send();
    bench
        .while_held("PutItem", put, async {
            sealing.put(&patient("p")).send().await.unwrap();
        })
        .await
        .unwrap();
    assert!(bench.is_sealed("p").await);
    assert_eq!(sealing.get("p").send().await.unwrap(), Some(changed("p")));
    assert_eq!(bench.plain_writes(), 0);
}

/// A transaction cannot fall back: it is cancelled, and a second one stores a sealed record.
#[tokio::test]
async fn a_transaction_gives_way_to_a_record_that_was_sealed_meanwhile() {
    let bench = Bench::new().await;
    let (table, change) = (bench.in_state(ReadAndWrite), changed("p"));
    let prepared = transact_write(table.client()).put(table.put(&change)).prepare().await.unwrap();
    bench.in_state(Read).put(&patient("p")).send().await.unwrap();
    assert!(prepared.send().await.is_err());
    assert!(bench.is_sealed("p").await);
    transact_write(table.client()).put(table.put(&change)).send().await.unwrap();
    assert!(bench.is_sealed("p").await);
    assert_eq!(table.get("p").send().await.unwrap(), Some(changed("p")));
}

#[tokio::test]
async fn conditions_hold_for_plain_and_for_sealed_records() {
    let bench = Bench::new().await;
    let (table, change) = (bench.in_state(ReadAndWrite), changed("p"));
    for sealed in [false, true] {
        bench.delete("p").await;
        if sealed {
            bench.in_state(Refuse).put(&patient("p")).send().await.unwrap();
        } else {
            bench.old_put(&patient("p")).await;
        }
        let failed = table.put(&change).if_not_exists().send().await.unwrap_err();
        assert!(matches!(failed.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{failed}");
        assert_eq!(table.open_returned(&failed).await.unwrap(), Some(patient("p")));
        let failed = table.put(&change).condition(|p| p.visits.gt(3)).send().await.unwrap_err();
        assert!(matches!(failed.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{failed}");
        table.put(&change).condition(|p| p.visits.eq(3)).if_exists().send().await.unwrap();
        let old = table.put(&patient("p")).returning_old().send().await.unwrap();
        assert_eq!(old, Some(changed("p")));
        assert_eq!(bench.is_sealed("p").await, sealed);
    }
    bench.delete("p").await;
    let failed = table.put(&change).if_exists().send().await.unwrap_err();
    assert!(matches!(failed.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{failed}");
    assert_eq!(bench.stored("p").await, None);
}

/// A plain item has nothing by which a put knows its own: it says that it is in doubt.
#[tokio::test]
async fn a_lost_answer_of_a_conditional_plain_put_is_in_doubt() {
    let bench = Bench::new().await;
    let table = bench.in_state(ReadAndWrite);
    bench.faults().fail_next("PutItem", Fault::LoseReply);
    let error = table.put(&patient("p")).if_not_exists().send().await.unwrap_err();
    assert!(error.is_in_doubt(), "{error}");
    assert_eq!(table.get("p").send().await.unwrap(), Some(patient("p")));
    // Without a condition of its own, the put can be repeated.
    bench.faults().fail_next("PutItem", Fault::LoseReply);
    table.put(&changed("p")).send().await.unwrap();
    bench.faults().fail_next("PutItem", Fault::LoseReply);
    let error = table.put(&patient("p")).returning_old().send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::AnswerLost)), "{error}");
}

#[tokio::test]
async fn a_batch_becomes_single_puts() {
    let bench = Bench::new().await;
    let table = bench.in_state(ReadAndWrite);
    bench.in_state(Refuse).put(&patient("p_3")).send().await.unwrap();
    bench.faults().forget_calls();
    let mut records: Vec<_> = (0..60).map(|n| patient(&format!("p_{n}"))).collect();
    // The last one of several with one key stays.
    records.insert(1, changed("p_0"));
    records.push(changed("p_3"));
    records.push(changed("p_59"));
    assert_eq!(table.batch_put(&records).send().await.unwrap(), 63);
    assert_eq!(bench.faults().calls("BatchWriteItem"), 0);
    let read = |id: String| {
        let table = &table;
        async move { table.get(id.as_str()).send().await.unwrap().unwrap().name }
    };
    assert_eq!(read("p_0".into()).await, "New");
    assert_eq!(read("p_3".into()).await, "New");
    assert_eq!(read("p_59".into()).await, "New");
    assert_eq!(read("p_7".into()).await, "Zoë");
    assert!(bench.is_sealed("p_3").await && !bench.is_sealed("p_4").await);

    let refused = table.batch_put(&records).customize(|batch| batch).send().await.unwrap_err();
    assert!(matches!(
        refused.failures()[0].error().kind(),
        ErrorKind::Usage(UsageError::Customized { .. })
    ));
    // A failure that is not the record's ends the batch.
    bench.faults().fail_always("PutItem", Fault::error("AccessDeniedException"));
    let failed = table.batch_put(&records).send().await.unwrap_err();
    assert_eq!((failed.taken(), failed.done(), failed.stopped()), (25, 0, true));
}

/// What is stored in plaintext must be a record that can be sealed later.
#[tokio::test]
async fn a_record_that_cannot_be_sealed_is_not_stored_in_plaintext() {
    let bench = Bench::new().await;
    let mut patient = patient("p");
    patient.diagnoses = Access::Withheld;
    let error = bench.in_state(ReadAndWrite).put(&patient).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::GroupWithheld { .. })), "{error}");
    patient.diagnoses = Access::Granted(vec!["x".repeat(400 * 1024)]);
    let error = bench.in_state(ReadAndWrite).put(&patient).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::TooLarge { .. })), "{error}");
    assert_eq!(bench.stored("p").await, None);
}
