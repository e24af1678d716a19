use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::DataError;

use super::*;

#[tokio::test]
async fn one_returns_the_only_record_or_none() {
    let setup = setup(&few_visits()).await;
    let of_patient = |patient: &'static str| setup.visits.query(patient);
    let third = of_patient("p_1").sort(|number| number.eq(3_u32)).one().await.unwrap();
    assert_eq!(third, Some(visit("p_1", 3)));
    assert_eq!(of_patient("nobody").one().await.unwrap(), None);
    let few = of_patient("p_1").filter(|visit| visit.minutes.eq(21_u64));
    assert_eq!(few.one().await.unwrap(), Some(visit("p_1", 3)), "the filter leaves one");
}

#[tokio::test]
async fn one_fails_after_the_second_record() {
    let setup = setup(&few_visits()).await;
    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    setup.faults.forget_calls();
    let error = by_ward.query("north").one().await.unwrap_err();
    let ErrorKind::Data(DataError::SeveralRecords { index, at_least }) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!((*index, *at_least), (Some("by-ward"), 2));
    assert!(error.to_string().starts_with("visits: at least 2 records match"), "{error}");
    assert!(!error.to_string().contains("north"), "{error}");
    assert_eq!(setup.faults.calls("Query"), 1);
    let error = setup.visits.query("p_2").limit(1).one().await.unwrap_err();
    assert!(error.to_string().contains("the query of the table"), "a limit hides none: {error}");
}

#[tokio::test]
async fn one_reports_a_record_that_does_not_open() {
    let setup = setup(&few_visits()).await;
    let mut item = setup.item("p_2", 0).await;
    item.insert("ward".to_owned(), text("west"));
    setup.store(vec![item]).await;
    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    let error = by_ward.query("west").one().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
}
