use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::{DataError, UsageError};

use super::*;

fn by_minutes(mut visits: Vec<Visit>) -> Vec<Visit> {
    visits.sort_by_key(|visit| visit.minutes);
    visits
}

/// Visits with distinct minutes, so that the index has one order.
fn distinct() -> Vec<Visit> {
    p_1(0..50)
}

fn north() -> Vec<Visit> {
    by_minutes(p_1((0..50_u32).filter(|number| number.is_multiple_of(3))))
}

/// The attributes that a visit needs beside its keys.
const NEEDED: &[&str] = &["encrypted_payload", "encrypted_dek", "ward", "minutes", "doctor", "day"];

#[tokio::test]
async fn an_index_is_read_by_its_own_keys() {
    let setup = setup(&distinct()).await;
    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    assert_eq!(by_ward.query("north").send().await.unwrap(), north());
    assert_eq!(by_ward.query("north").page_size(4).send().await.unwrap(), north());
    let mut descending = north();
    descending.reverse();
    assert_eq!(by_ward.query("north").descending().send().await.unwrap(), descending);
    let between = by_ward.query("north").sort(|minutes| minutes.between(20_u64, 60_u64));
    let mut expected = north();
    expected.retain(|visit| (20..=60).contains(&visit.minutes));
    assert_eq!(between.send().await.unwrap(), expected);
    // The table's keys are not keys of the index, so a filter may use them.
    let few = by_ward.query("north").filter(|visit| visit.number.lt(10));
    assert_eq!(few.send().await.unwrap(), by_minutes(p_1([0, 3, 6, 9])));
    assert_eq!(sorted(by_ward.scan().segments(2).send().await.unwrap()), distinct());
    assert_eq!(by_ward.query("north").count().await.unwrap(), 17);
}

#[tokio::test]
async fn an_index_has_the_records_that_have_its_key() {
    let setup = setup(&distinct()).await;
    let by_doctor = setup.visits.index(|indexes| indexes.by_doctor);
    assert_eq!(sorted(by_doctor.query("dr_5").send().await.unwrap()), p_1([5, 15, 25, 35, 45]));
    assert_eq!(by_doctor.scan().send().await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_local_index_has_consistent_reads() {
    let setup = setup(&few_visits()).await;
    let by_day = setup.visits.index(|indexes| indexes.by_day);
    let march = by_day.query("p_1").sort(|day| day.begins_with("2026-03-")).consistent_read();
    let read = march.send().await.unwrap();
    assert_eq!(sorted(read), p_1((0..50).filter(|number| number % 12 == 2)));
    assert_eq!(by_day.query("p_2").send().await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_index_that_has_the_keys_alone_says_what_is_missing() {
    let setup = setup_projecting(&distinct(), Projected::KeysOnly).await;
    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    let mut records = by_ward.query("north").stream().unwrap();
    let error = records.next().await.unwrap().unwrap_err();
    let ErrorKind::Usage(UsageError::NotProjected { index, missing }) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(*index, "by-ward");
    for name in ["encrypted_payload", "encrypted_dek", "day", "doctor"] {
        assert!(missing.iter().any(|missing| missing == name), "{missing:?}");
    }
    assert!(error.to_string().contains(".fetch_base_table()"), "{error}");
    assert!(records.next().await.is_none());
    let error = by_ward.scan().send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::NotProjected { .. })), "{error}");

    // For a local index, DynamoDB itself fetches attributes that are not projected.
    let by_day = setup.visits.index(|indexes| indexes.by_day);
    assert_eq!(sorted(by_day.query("p_1").send().await.unwrap()), distinct());
}

#[tokio::test]
async fn an_index_that_includes_what_a_record_needs_is_enough() {
    let others = NEEDED.iter().filter(|name| !["ward", "minutes"].contains(name));
    let included: &'static [&'static str] = others.copied().collect::<Vec<_>>().leak();
    let setup = setup_projecting(&distinct(), Projected::Include(included)).await;
    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    assert_eq!(by_ward.query("north").page_size(5).send().await.unwrap(), north());
    // The first request is refused, then 17 records are read in pages of 5.
    assert_eq!(setup.faults.calls("Query"), 5);
    assert_eq!(sorted(by_ward.scan().send().await.unwrap()), distinct());
}

/// DynamoDB refuses a request for an attribute that a global index does not project. The embedded
/// server leaves the attribute out.
#[tokio::test]
#[ignore = "needs the servers of tests/real-servers.sh"]
async fn an_optional_field_that_is_not_projected_is_not_taken_for_absent() {
    let included = Projected::Include(&["encrypted_payload", "encrypted_dek", "day"]);
    let setup = setup_projecting(&distinct(), included).await;
    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    let error = by_ward.query("north").send().await.unwrap_err();
    let ErrorKind::Usage(UsageError::NotProjected { index, missing }) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!((*index, missing.as_slice()), ("by-ward", &["doctor".to_owned()][..]));
    assert_eq!(by_ward.query("north").fetch_base_table().send().await.unwrap(), north());
}

#[tokio::test]
async fn whole_records_are_fetched_from_the_table_in_the_order_of_the_index() {
    for projected in [Projected::KeysOnly, Projected::All, Projected::Include(&["day"])] {
        let setup = setup_projecting(&distinct(), projected).await;
        let by_ward = setup.visits.index(|indexes| indexes.by_ward);
        assert_eq!(by_ward.query("north").fetch_base_table().send().await.unwrap(), north());
        let mut records = by_ward.query("north").fetch_base_table().page_size(4).stream().unwrap();
        let mut read = take(&mut records, 6).await;
        read.extend(
            by_ward
                .query("north")
                .fetch_base_table()
                .resume(carried(records.resume_token()))
                .send()
                .await
                .unwrap(),
        );
        assert_eq!(read, north());
        let filtered =
            by_ward.query("north").fetch_base_table().filter(|visit| visit.patient.eq("p_2"));
        assert_eq!(filtered.send().await.unwrap(), []);
        assert_eq!(sorted(by_ward.scan().fetch_base_table().send().await.unwrap()), distinct());
    }
}

#[tokio::test]
async fn more_records_are_fetched_than_one_call_takes() {
    let all: Vec<_> = (0..260).map(|i| visit(&format!("p_{i}"), i * 3)).collect();
    let setup = setup_projecting(&all, Projected::KeysOnly).await;
    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    assert_eq!(
        sorted(by_ward.query("north").fetch_base_table().send().await.unwrap()),
        sorted(all)
    );
    assert_eq!(setup.faults.calls("BatchGetItem"), 3);
}

/// An index may return a record twice while its index key changes. DynamoDB refuses a request that
/// names one key twice.
#[tokio::test]
async fn a_record_that_an_index_names_twice_is_fetched_once_and_given_twice() {
    let setup = setup_projecting(&distinct(), Projected::KeysOnly).await;
    let entry = |number: u32, minutes: u64| {
        serde_json::json!({
            "patient": { "S": "p_1" }, "number": { "N": number.to_string() },
            "ward": { "S": "north" }, "minutes": { "N": minutes.to_string() }
        })
    };
    let body = serde_json::json!({ "Items": [entry(3, 1), entry(6, 2), entry(3, 21)], "Count": 3, "ScannedCount": 3 });
    setup.faults.fail_next(
        "Query",
        envelope_examples::Fault::Reply { status: 200, body: body.to_string() },
    );
    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    let mut records = by_ward.query("north").fetch_base_table().stream().unwrap();
    assert_eq!(take(&mut records, 3).await, p_1([3, 6, 3]));
    assert!(records.next().await.is_none());
    let requests = setup.requests("BatchGetItem");
    let keys = requests[0]["RequestItems"][setup.visits.name()]["Keys"].as_array().unwrap();
    assert_eq!((requests.len(), keys.len()), (1, 2));
    assert_eq!(setup.keys.unwrap_calls(), 2);
}

#[tokio::test]
async fn a_record_that_is_gone_when_it_is_fetched_is_left_out() {
    let setup = setup_projecting(&distinct(), Projected::KeysOnly).await;
    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    setup.faults.hold("BatchGetItem");
    let mut records = by_ward.query("north").fetch_base_table().stream().unwrap();
    let mut first = Box::pin(records.next());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    while setup.faults.calls("BatchGetItem") == 0 {
        assert!(first.as_mut().poll(&mut context).is_pending());
        tokio::task::yield_now().await;
    }
    setup.delete("p_1", 3).await;
    setup.faults.release("BatchGetItem");
    let mut read = vec![first.await.unwrap().unwrap()];
    read.extend(records.try_collect::<Vec<_>>().await.unwrap());
    let mut expected = north();
    expected.retain(|visit| visit.number != 3);
    assert_eq!(read, expected);
}

#[tokio::test]
async fn what_an_index_says_is_believed_as_far_as_the_record_vouches_for_it() {
    let setup = setup(&distinct()).await;
    // An attacker with write access moves two records within the index.
    let mut ward = setup.item("p_1", 1).await;
    ward.insert("ward".into(), text("east"));
    let mut minutes = setup.item("p_1", 3).await;
    minutes.insert("minutes".into(), number(5_000));
    setup.store(vec![ward, minutes]).await;

    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    let error = by_ward.query("east").send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
    assert_eq!(error.record().to_string(), "visits[patient=p_1, number=1]");
    // Anybody with write access can change plaintext attributes.
    let last = by_ward.query("north").descending().limit(1).send().await.unwrap();
    assert_eq!(last, [Visit { minutes: 5_000, ..visit("p_1", 3) }]);
}
