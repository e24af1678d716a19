//! A table is moved from one KMS key to another.

use std::collections::BTreeSet;

use envelope_dynamo::maintain::{Limits, Part};

use crate::bench::{Bench, Clinic, observed, patient};

#[tokio::test]
async fn a_table_moves_to_another_key_without_a_data_key_leaving_kms() {
    let bench = Bench::new().await;
    bench.seed(20).await;
    let before = bench.items().await;
    let table = bench.stored();

    let counts = table.rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap();
    assert_eq!((counts.changed, counts.already, counts.failed), (60, 0, 0));
    // Two for each patient with its group; the visits share their data keys.
    assert_eq!(counts.kms_calls, bench.faults.calls("ReEncrypt") as u64);
    assert!((41..=45).contains(&counts.kms_calls), "{} calls", counts.kms_calls);
    bench.assert_all_open(&bench.new, 20).await;
    assert!(bench.table(&bench.old).of::<crate::bench::Patient>().get("p_1").send().await.is_err());

    let after = bench.items().await;
    for (key, item) in &before {
        for (name, value) in item {
            let is_moved = name.starts_with("encrypted_dek");
            assert_eq!(after[key][name] == *value, !is_moved, "{key} {name}");
        }
    }
    let again = table.rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap();
    assert_eq!((again.changed, again.already, again.kms_calls), (0, 60, 0));
    assert_eq!(bench.items().await, after, "a second run writes nothing");
}

/// What the role of the rotator needs, and nothing else.
#[tokio::test]
async fn maintenance_calls_nothing_that_shows_a_data_key_or_another_attribute() {
    let bench = Bench::new().await;
    bench.seed(5).await;
    bench.faults.forget_calls();
    bench.stored().rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap();
    for operation in ["Decrypt", "GenerateDataKey", "Encrypt", "GetItem", "Query", "PutItem"] {
        assert_eq!(bench.faults.calls(operation), 0, "{operation}");
    }
    let allowed: BTreeSet<_> =
        ["encrypted_dek", "encrypted_dek_medical", "pk", "sk", "ward"].into_iter().collect();
    for operation in ["Scan", "UpdateItem"] {
        let requests = envelope_tests::requests(&bench.faults, operation);
        assert!(!requests.is_empty());
        for request in requests {
            let names = request["ExpressionAttributeNames"].as_object().unwrap();
            let named: BTreeSet<_> = names.values().map(|name| name.as_str().unwrap()).collect();
            assert!(named.is_subset(&allowed), "{operation} names {named:?}");
            assert!(request.get("ReturnValuesOnConditionCheckFailure").is_none());
            assert!(operation == "UpdateItem" || request["Select"] == "SPECIFIC_ATTRIBUTES");
        }
    }
}

#[tokio::test]
async fn the_parts_of_a_run_move_every_record_once() {
    let bench = Bench::new().await;
    bench.seed(15).await;
    let table = bench.stored();
    let mut changed = 0;
    for index in 0..8 {
        let run = table.rewrap(bench.kms(), &bench.old, &bench.new);
        let counts = run.part(Part::of(index, 8).unwrap()).send().await.unwrap();
        assert_eq!(counts.already + counts.failed, 0);
        changed += counts.changed;
    }
    assert_eq!(changed, 45);
    bench.assert_all_open(&bench.new, 15).await;
}

/// Plain items and records of other keys stay; nothing of them is an error.
#[tokio::test]
async fn each_class_of_record_is_counted() {
    let bench = Bench::new().await;
    bench.seed(3).await;
    let third = envelope_examples::servers::create_kms_key(bench.servers.kms()).await.unwrap();
    bench.table(&bench.new).put(&Clinic::Patient(patient(10))).send().await.unwrap();
    bench.table(&third).put(&Clinic::Patient(patient(11))).send().await.unwrap();
    bench.table_with(bench.both()).put(&Clinic::Patient(patient(12))).send().await.unwrap();
    let mut plain = bench.items().await.into_values().next().unwrap();
    plain.retain(|name, _| !name.starts_with("encrypted_"));
    plain.insert("sk".into(), envelope_tests::text("NOTE"));
    envelope_tests::plant(&bench.servers, &bench.name, plain).await;

    bench.faults.forget_calls();
    let run = bench.stored();
    let (counts, failed) = observed(run.rewrap(bench.kms(), &bench.old, &bench.new)).await;
    let counts = counts.unwrap();
    assert_eq!(failed, [""; 0]);
    assert_eq!(
        [counts.changed, counts.already, counts.other_key, counts.not_sealed, counts.failed],
        [10, 1, 1, 1, 0]
    );
    // The record under both keys lost its old entries without a call.
    assert_eq!(bench.faults.calls("ReEncrypt") as u64, counts.kms_calls);
    let read = bench.table(&bench.new).of::<crate::bench::Patient>().get("p_12").send().await;
    assert_eq!(read.unwrap(), Some(patient(12)));
}

/// Another writer puts a record between the scan and the update.
#[tokio::test]
async fn a_record_that_is_put_meanwhile_is_moved_as_it_was_put() {
    let bench = Bench::new().await;
    bench.seed(1).await;
    let table = bench.stored();
    bench.faults.hold("UpdateItem");
    let run = async { table.rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap() };
    let putting = async {
        envelope_tests::called(&bench.faults, "UpdateItem", 1).await;
        let mut later = patient(0);
        later.name = "another name".into();
        bench.table(&bench.old).put(&Clinic::Patient(later)).send().await.unwrap();
        bench.faults.release("UpdateItem");
    };
    let (counts, ()) = tokio::join!(run, putting);
    assert_eq!((counts.changed, counts.failed), (3, 0));
    let read = bench.table(&bench.new).of::<crate::bench::Patient>().get("p_0").send().await;
    assert_eq!(read.unwrap().unwrap().name, "another name");
}

#[tokio::test]
async fn a_run_that_is_stopped_continues_where_it_stopped() {
    let bench = Bench::new().await;
    bench.seed(10).await;
    let table = bench.stored();
    bench.faults.hold("UpdateItem");
    let slow = Limits::new().in_flight(4);
    let run = table.rewrap(bench.kms(), &bench.old, &bench.new).limits(slow);
    let stopped = run.until(envelope_tests::called(&bench.faults, "UpdateItem", 3)).await;
    let error = stopped.unwrap_err();
    assert!(!error.needs_a_person());
    assert_eq!(error.to_string(), "stopped; the run continues when it is started again");
    bench.faults.release("UpdateItem");
    let counts = table.rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap();
    assert_eq!(counts.seen(), 30);
    bench.assert_all_open(&bench.new, 10).await;
}
