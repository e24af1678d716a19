use std::time::Duration;

use envelope_dynamo::error::KeyErrorKind;
use envelope_dynamo::keys::{CacheLimits, SharingLimits};
use envelope_dynamo::{CachedKeyProvider, KmsKeyProvider, SharedKeyProvider};
use envelope_examples::servers::create_table;

use super::*;

#[tokio::test]
async fn each_data_key_is_unwrapped_once_and_within_the_limit() {
    let setup = setup(&few_visits()).await;
    for (concurrency, at_a_time) in [(1, 1), (4, 4), (0, 1), (1_000, 50)] {
        let before = setup.keys.unwrap_calls();
        setup.keys.hold();
        let mut records = setup.visits.query("p_1").concurrency(concurrency).stream().unwrap();
        let mut first = Box::pin(records.next());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        while setup.keys.unwrap_calls() - before < at_a_time {
            assert!(first.as_mut().poll(&mut context).is_pending());
            tokio::task::yield_now().await;
        }
        for _ in 0..20 {
            assert!(first.as_mut().poll(&mut context).is_pending());
            tokio::task::yield_now().await;
        }
        assert_eq!(setup.keys.unwrap_calls() - before, at_a_time, "{concurrency}");
        setup.keys.release();
        assert_eq!(first.await.unwrap().unwrap(), visit("p_1", 0));
        assert_eq!(records.try_collect::<Vec<_>>().await.unwrap(), p_1(1..50));
        assert_eq!(setup.keys.unwrap_calls() - before, 50);
    }
}

#[tokio::test]
async fn segments_share_the_bound() {
    let all: Vec<_> = (0..100).map(|i| visit(&format!("p_{i}"), i)).collect();
    let setup = setup(&all).await;
    setup.keys.hold();
    let mut records = setup.visits.scan().segments(4).concurrency(6).stream().unwrap();
    let mut first = Box::pin(records.next());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    while setup.keys.unwrap_calls() < 6 || setup.faults.calls("Scan") < 4 {
        assert!(first.as_mut().poll(&mut context).is_pending());
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        assert!(first.as_mut().poll(&mut context).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(setup.keys.unwrap_calls(), 6);
    setup.keys.release();
    assert!(first.await.unwrap().is_ok());
    assert_eq!(records.try_collect::<Vec<_>>().await.unwrap().len(), 99);
}

#[tokio::test]
async fn a_missing_data_key_fails_only_its_own_record() {
    let setup = setup(&few_visits()).await;
    for _ in 0..2 {
        setup.keys.fail_next(KeyErrorKind::Throttled);
    }
    let mut records = setup.visits.query("p_1").stream().unwrap();
    let (visits, errors) = parted(&mut records).await;
    assert_eq!((visits, errors.len()), (p_1(2..50), 2));
    assert!(errors.iter().all(Error::is_retryable));
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "events", kms_context = "table")]
struct Event {
    #[partition_key]
    stream: String,
    #[sort_key]
    number: u32,
    #[encrypted]
    body: String,
}

fn event(number: u32) -> Event {
    Event { stream: "e_1".into(), number, body: format!("{SECRET} {number}") }
}

/// The calls of KMS for writing 40 events and reading them in pages of 20.
async fn kms_calls(
    provider: impl FnOnce(KmsKeyProvider) -> Box<dyn KeyProvider>,
) -> (usize, usize) {
    use ScalarAttributeType::{N, S};
    let (servers, faults, table) =
        (Servers::from_env().await.unwrap(), Faults::new(), unique_name("events"));
    create_table(servers.dynamodb(), &table, ("stream", S), Some(("number", N))).await.unwrap();
    let kms = KmsKeyProvider::new(servers.kms_through(&faults), servers.kms_key_id());
    let events = Table::<Event>::new(servers.dynamodb().clone(), provider(kms)).named(table);
    for number in 0..40 {
        events.put(&event(number)).send().await.unwrap();
    }
    let written = faults.calls("GenerateDataKey");
    assert_eq!(
        events.query("e_1").page_size(20).send().await.unwrap(),
        (0..40).map(event).collect::<Vec<_>>()
    );
    (written, faults.calls("Decrypt"))
}

#[tokio::test]
async fn records_that_share_a_data_key_cost_one_call_a_page() {
    let limits = SharingLimits::new(Duration::from_secs(3_600), 10_000);
    assert_eq!(kms_calls(|kms| Box::new(SharedKeyProvider::new(kms, limits))).await, (1, 2));
    let cached = |kms| CachedKeyProvider::new(kms, CacheLimits::new(Duration::from_secs(3_600)));
    assert_eq!(
        kms_calls(|kms| Box::new(SharedKeyProvider::new(cached(kms), limits))).await,
        (1, 1)
    );
    assert_eq!(kms_calls(|kms| Box::new(kms)).await, (40, 40));
}
