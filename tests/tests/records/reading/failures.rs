use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::ServiceError;
use envelope_examples::Fault;
use envelope_tests::all_it_says;

use super::*;

/// More failures than the SDK retries.
const PERSISTENT: usize = 3;

fn fail_page(setup: &Setup, operation: &str, fault: &Fault) {
    for _ in 0..PERSISTENT {
        setup.faults.fail_next(operation, fault.clone());
    }
}

#[tokio::test]
async fn a_failed_page_is_one_error_and_reading_resumes_there() {
    let setup = setup(&few_visits()).await;
    let faults = [
        Fault::error("ThrottlingException"),
        Fault::error("ProvisionedThroughputExceededException"),
        Fault::Reply { status: 503, body: String::new() },
        Fault::Io,
        Fault::Timeout,
        Fault::LoseReply,
    ];
    for fault in faults {
        for good_pages in [0, 1, 4] {
            let mut records =
                setup.visits.query("p_1").page_size(10).concurrency(1).stream().unwrap();
            let mut read = take(&mut records, good_pages * 10 / 2).await;
            // The next page is requested at the latest with the last record of this one.
            let before = setup.faults.calls("Query");
            fail_page(&setup, "Query", &fault);
            let (visits, errors) = parted(&mut records).await;
            read.extend(visits);
            assert!(setup.faults.all_used() && setup.faults.calls("Query") > before);
            assert_eq!(errors.len(), 1, "{fault:?}: {errors:?}");
            assert!(
                matches!(errors[0].kind(), ErrorKind::DynamoDb(ServiceError::Request(_))),
                "{}",
                errors[0]
            );
            assert!(errors[0].is_retryable(), "{}", errors[0]);
            assert!(!all_it_says(&errors[0]).contains(SECRET));
            assert!(records.next().await.is_none());
            let token = carried(records.resume_token());
            assert!(token.is_some());
            read.extend(setup.visits.query("p_1").resume(token).send().await.unwrap());
            assert_eq!(read, p_1(0..50), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn failures_that_the_sdk_retries_are_not_noticed() {
    let setup = setup(&few_visits()).await;
    setup.faults.fail_next("Query", Fault::error("ThrottlingException"));
    setup.faults.fail_next("Query", Fault::LoseReply);
    assert_eq!(setup.visits.query("p_1").page_size(10).send().await.unwrap(), p_1(0..50));
    assert!(setup.faults.all_used());
}

#[tokio::test]
async fn segments_fail_and_resume_independently() {
    let all: Vec<_> = (0..200).map(|i| visit(&format!("p_{i}"), i)).collect();
    let setup = setup(&all).await;
    let scan = || setup.visits.scan().segments(4).page_size(10);
    let mut records = scan().stream().unwrap();
    let mut read = take(&mut records, 20).await;
    setup.faults.fail_always("Scan", Fault::Io);
    let (visits, errors) = parted(&mut records).await;
    setup.faults.recover("Scan");
    read.extend(visits);
    assert_eq!(errors.len(), 4);
    assert!(read.len() < all.len());
    read.extend(scan().resume(carried(records.resume_token())).send().await.unwrap());
    assert_eq!(sorted(read), sorted(all));
}

#[tokio::test]
async fn a_scan_with_random_faults_completes_by_its_tokens() {
    let all: Vec<_> = (0..150).map(|i| visit(&format!("p_{i}"), i)).collect();
    let setup = setup(&all).await;
    for seed in 1..=5 {
        setup.faults.fail_randomly(600, seed);
        let (mut read, mut token, mut broken) = (Vec::new(), None, 0);
        loop {
            let mut records =
                setup.visits.scan().segments(3).page_size(9).resume(token).stream().unwrap();
            let (visits, errors) = parted(&mut records).await;
            read.extend(visits);
            broken += errors.len();
            token = carried(records.resume_token());
            if token.is_none() {
                break;
            }
        }
        setup.faults.stop_failing_randomly();
        assert!(broken > 0);
        assert_eq!(sorted(read), sorted(all.clone()), "{seed}");
    }
}

#[tokio::test]
async fn unprocessed_keys_of_a_fetch_are_requested_again() {
    let setup = setup_projecting(&few_visits(), Projected::KeysOnly).await;
    let by_doctor = setup.visits.index(|indexes| indexes.by_doctor);
    let whole = sorted(by_doctor.query("dr_5").fetch_base_table().send().await.unwrap());
    assert_eq!(whole, p_1([5, 15, 25, 35, 45]));

    setup.faults.fail_next("BatchGetItem", Fault::Unprocessed { processed: 2 });
    setup.faults.fail_next("BatchGetItem", Fault::Unprocessed { processed: 0 });
    assert_eq!(sorted(by_doctor.query("dr_5").fetch_base_table().send().await.unwrap()), whole);
    assert!(setup.faults.all_used());

    setup.faults.fail_always("BatchGetItem", Fault::Unprocessed { processed: 0 });
    let mut records = by_doctor.query("dr_5").fetch_base_table().stream().unwrap();
    let (visits, errors) = parted(&mut records).await;
    assert_eq!((visits.len(), errors.len()), (0, 1));
    assert!(
        matches!(errors[0].kind(), ErrorKind::DynamoDb(ServiceError::Unprocessed { .. })),
        "{}",
        errors[0]
    );
    setup.faults.recover("BatchGetItem");
    let rest = by_doctor.query("dr_5").fetch_base_table().resume(carried(records.resume_token()));
    assert_eq!(sorted(rest.send().await.unwrap()), whole);
}
