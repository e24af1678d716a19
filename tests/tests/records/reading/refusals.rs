use std::fmt::Debug;

use envelope_dynamo::error::UsageError;
use envelope_dynamo::{ErrorKind, Fault};
use envelope_tests::all_it_says;

use super::*;

#[derive(Debug, envelope_dynamo::View)]
#[view(of = Visit)]
struct Minutes {
    #[allow(dead_code)]
    minutes: u64,
}

async fn refused<T: Debug>(setup: &Setup, outcome: Result<T, Error>) -> Error {
    let error = outcome.unwrap_err();
    assert_eq!(setup.faults.all_requests().len(), 0, "{error}");
    assert_eq!(error.fault(), Fault::Caller, "{error}");
    assert!(!all_it_says(&error).contains(SECRET), "{error}");
    error
}

#[tokio::test]
async fn expressions_that_are_strings_are_not_sent() {
    let setup = setup(&[]).await;
    let visits = &setup.visits;
    let direct = visits.query("p").customize(|query| {
        query.filter_expression("notes = :n").expression_attribute_values(":n", text(SECRET))
    });
    let hidden = visits.query("p").customize(|query| {
        let query = query.filter_expression("#n = :n").expression_attribute_names("#n", "notes");
        query.expression_attribute_values(":n", text(SECRET))
    });
    for query in [direct, hidden] {
        let error = refused(&setup, query.send().await).await;
        assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Customized { .. })), "{error}");
    }
    let legacy = aws_sdk_dynamodb::types::Condition::builder()
        .comparison_operator(aws_sdk_dynamodb::types::ComparisonOperator::Eq)
        .attribute_value_list(text(SECRET))
        .build()
        .unwrap();
    let filter = visits.query("p").customize(|query| query.query_filter("notes", legacy.clone()));
    let keys = visits.query("p").customize(|query| query.key_conditions("notes", legacy.clone()));
    for query in [filter, keys] {
        refused(&setup, query.send().await).await;
    }
    let expression = visits.scan().customize(|scan| scan.filter_expression("contains(notes, :n)"));
    let legacy = visits.scan().customize(|scan| scan.scan_filter("notes", legacy.clone()));
    for scan in [expression, legacy] {
        let error = refused(&setup, scan.send().await).await;
        assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Customized { .. })), "{error}");
    }
    let error =
        visits.scan().customize(|scan| scan.filter_expression("contains(notes, :n)")).count().await;
    refused(&setup, error).await;
}

#[tokio::test]
async fn a_filter_on_the_key_that_is_queried_is_not_sent() {
    let setup = setup(&[]).await;
    let error = setup
        .visits
        .query("p")
        .filter(|visit| visit.minutes.gt(3).or(visit.number.gt(3)))
        .send()
        .await;
    let error = refused(&setup, error).await;
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::FilterOnKey { attribute: "number" })),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "visits: the filter names the key attribute `number`, and DynamoDB refuses filters on the keys of a query; \
         nothing was sent (give the partition key to the query, and conditions on the sort key to `.sort(..)`)"
    );
    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    let error =
        refused(&setup, by_ward.query("p").filter(|visit| visit.minutes.gt(3)).send().await).await;
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::FilterOnKey { attribute: "minutes" })),
        "{error}"
    );
    // A scan may filter by any readable attribute.
    assert_eq!(setup.visits.scan().filter(|visit| visit.number.gt(3)).send().await.unwrap(), []);
}

#[tokio::test]
async fn keys_that_cannot_be_keys_are_not_sent() {
    let setup = setup(&[]).await;
    let by_doctor = setup.visits.index(|indexes| indexes.by_doctor);
    let error = refused(&setup, by_doctor.query(None::<String>).send().await).await;
    assert!(
        error.to_string().starts_with("visits: `doctor` is a key attribute, but not a string"),
        "{error}"
    );
}

#[tokio::test]
async fn invalid_segments_are_refused_before_anything_is_sent() {
    let setup = setup(&[]).await;
    let scans = [
        setup.visits.scan().segments(0),
        setup.visits.scan().segments(1_000_001),
        setup.visits.scan().segment(3, 3),
        setup.visits.scan().segment(0, 0),
        setup.visits.scan().segment(u32::MAX, u32::MAX),
    ];
    for scan in scans {
        let error = refused(&setup, scan.send().await).await;
        assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Segments)), "{error}");
    }
    // No stream is returned: its token would say that everything was read.
    let error = refused(&setup, setup.visits.scan().segments(0).stream()).await;
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Segments)), "{error}");
    let views = setup.visits.query("p").filter(|visit| visit.number.gt(3)).views::<Minutes>();
    let error = refused(&setup, views).await;
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::FilterOnKey { .. })), "{error}");
}

#[tokio::test]
async fn a_refusal_by_dynamodb_is_an_error_that_says_so() {
    let setup = setup(&[]).await;
    let missing = Table::<Visit>::new(setup.servers.dynamodb().clone(), setup.keys.clone())
        .named(unique_name("none"));
    let error = missing.query("p").send().await.unwrap_err();
    assert!(error.to_string().contains("Query on the table none-"), "{error}");
    assert!(error.to_string().contains("ResourceNotFoundException"), "{error}");
    let error =
        setup.visits.query("p").sort(|number| number.begins_with(SECRET)).send().await.unwrap_err();
    assert_eq!(error.fault(), Fault::Caller, "{error}");
}

#[tokio::test]
async fn nothing_that_is_sealed_is_sent_by_any_reading() {
    let setup = setup(&few_visits()).await;
    let visits = &setup.visits;
    let by_ward = visits.index(|indexes| indexes.by_ward);
    visits
        .query("p_1")
        .sort(|number| number.lt(30))
        .filter(|visit| visit.minutes.gt(3))
        .page_size(4)
        .send()
        .await
        .unwrap();
    visits.scan().segments(2).filter(|visit| visit.ward.eq("north")).send().await.unwrap();
    by_ward.query("north").fetch_base_table().send().await.unwrap();
    let requests = setup.faults.all_requests();
    assert!(requests.len() > 10);
    assert!(requests.iter().all(|request| !String::from_utf8_lossy(request).contains(SECRET)));
}

#[tokio::test]
async fn a_stream_prints_no_record() {
    let setup = setup(&few_visits()).await;
    let mut records = setup.visits.query("p_1").stream().unwrap();
    take(&mut records, 2).await;
    assert_eq!(format!("{records:?}"), "Records { segments: 1, .. }");
}
