//! A writer who has no data key changes keys of indexes: no query believes them beyond the fields.

use envelope_dynamo::error::DataError;
use envelope_dynamo::{Error, ErrorKind, Fault};

use super::*;

fn is_refused<T: std::fmt::Debug>(result: &Result<T, Error>, name: &str) -> bool {
    let error = result.as_ref().unwrap_err();
    assert_eq!(error.fault(), Fault::Data, "{error}");
    assert!(error.to_string().contains("PATIENT#p_1"), "the error names the record: {error}");
    matches!(
        error.kind(),
        ErrorKind::Data(DataError::IndexKeyMismatch { attribute }) if *attribute == name
    )
}

/// The results of a query of the first index.
async fn listed(bench: &Bench, doctor: &str) -> Vec<Result<Visit, Error>> {
    let table = bench.visits();
    let query = table.index(|indexes| indexes.gsi1).query(doctor);
    query.stream().unwrap().collect().await
}

#[tokio::test]
async fn a_record_that_was_listed_elsewhere_is_an_error_there() {
    let bench = Bench::new().await;
    let mine = visit("v_2", "d_2", "2026-03-07", 930);
    bench.put(&[visit("v_1", "d_1", "2026-03-07", 900), mine.clone()]).await;
    let moved = with(&bench.stored("v_1").await, "gsi1pk", text("DOCTOR#d_2"));
    bench.plant(moved).await;

    let results = listed(&bench, "d_2").await;
    assert_eq!(results.len(), 2);
    assert!(is_refused(&results[0], "gsi1pk"));
    assert_eq!(results[1].as_ref().unwrap(), &mine, "the others still come");
    let table = bench.visits();
    let index = table.index(|indexes| indexes.gsi1);
    let whole: Vec<_> = index.query("d_2").fetch_base_table().stream().unwrap().collect().await;
    assert!(is_refused(&whole[0], "gsi1pk"));
    let scanned: Vec<_> = index.scan().stream().unwrap().collect().await;
    assert_eq!(scanned.iter().filter(|result| result.is_err()).count(), 1);

    // A read by the primary key ignores the key of the index, and a write repairs it.
    let read = table.get(("p_1", "v_1")).send().await.unwrap().unwrap();
    assert_eq!(read.doctor.as_deref(), Some("d_1"));
    table.put(&read).send().await.unwrap();
    assert_eq!(bench.of_doctor("d_1").await, [read]);
    assert_eq!(bench.of_doctor("d_2").await, [mine]);
}

#[tokio::test]
async fn a_sort_key_cannot_be_changed_alone() {
    let bench = Bench::new().await;
    bench.put(&[visit("v_1", "d_1", "2026-03-07", 900)]).await;
    let later = text("VISIT#2026-12-31#000900#r-7");
    bench.plant(with(&bench.stored("v_1").await, "gsi1sk", later)).await;
    assert!(is_refused(&listed(&bench, "d_1").await[0], "gsi1sk"));
}

#[tokio::test]
async fn a_record_cannot_be_put_into_an_index() {
    let bench = Bench::new().await;
    let free = Visit { doctor: None, ..visit("v_1", "", "2026-03-07", 900) };
    bench.put(&[free]).await;
    bench.plant(with(&bench.stored("v_1").await, "gsi1pk", text("DOCTOR#d_1"))).await;
    assert!(is_refused(&listed(&bench, "d_1").await[0], "gsi1pk"));
}

/// The type of a patient has no such key, so nothing in its fields contradicts one.
#[tokio::test]
async fn a_record_of_another_type_cannot_be_put_into_an_index() {
    let bench = Bench::new().await;
    bench.clinic.put(&Clinic::Patient(patient("p_1"))).send().await.unwrap();
    let key =
        Item::from([("pk".to_owned(), text("PATIENT#p_1")), ("sk".to_owned(), text("PROFILE"))]);
    let item = stored(&bench.servers, bench.clinic.name(), key).await.unwrap();
    let item = with(&item, "gsi1pk", text("DOCTOR#d_2"));
    bench.plant(with(&item, "gsi1sk", text("VISIT#2026-03-07#000900#r-7"))).await;
    let index = bench.clinic.index_of(Visit::indexes().gsi1);
    let results: Vec<_> = index.query("d_2").stream().unwrap().collect().await;
    assert_eq!(results.len(), 1);
    assert!(is_refused(&results[0], "gsi1pk"));
}

#[tokio::test]
async fn a_field_that_is_changed_with_its_key_does_not_open() {
    let bench = Bench::new().await;
    bench.put(&[visit("v_1", "d_1", "2026-03-07", 900)]).await;
    let item = with(&bench.stored("v_1").await, "doctor", text("d_2"));
    bench.plant(with(&item, "gsi1pk", text("DOCTOR#d_2"))).await;
    let error = listed(&bench, "d_2").await.remove(0).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
}

/// A plaintext field is not protected, and neither is a key that is made of it.
#[tokio::test]
async fn a_plaintext_field_and_its_key_can_be_changed_together() {
    let bench = Bench::new().await;
    bench.put(&[visit("v_1", "d_1", "2026-03-07", 900)]).await;
    let by_ward = bench.visits();
    let by_ward = by_ward.index(|indexes| indexes.by_ward);
    let item = with(&bench.stored("v_1").await, "ward state", text("north#done"));
    bench.plant(item.clone()).await;
    let results: Vec<_> = by_ward.query(("north", "done")).stream().unwrap().collect().await;
    assert!(is_refused(&results[0], "ward state"));
    bench.plant(with(&item, "state", text("done"))).await;
    let read = by_ward.query(("north", "done")).send().await.unwrap();
    assert_eq!(read[0].state, "done");
}
