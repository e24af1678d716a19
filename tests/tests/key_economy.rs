//! Fewer calls for as many records: the read cache and shared data keys, counted.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use envelope_dynamo::testing::{TestClock, TestKeyProvider};
use envelope_dynamo::{
    CacheLimits, CachedKeyProvider, Envelope, KeyCounters, KeyErrorKind, KeyEvent, SharedKeyProvider, SharingLimits,
    from_item, to_item,
};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes")]
struct Note {
    #[partition_key]
    id: u64,
    #[encrypted]
    text: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "events", kms_context = "table")]
struct Event {
    #[partition_key]
    id: u64,
    #[authenticated]
    #[encryption_context]
    tenant: String,
    #[encrypted]
    text: String,
}

fn note(id: u64) -> Note {
    Note { id, text: format!("note {id}") }
}

fn event(id: u64, tenant: &str) -> Event {
    Event { id, tenant: tenant.into(), text: "x".repeat(100) }
}

const MINUTE: Duration = Duration::from_secs(60);

/// A cache over a counted provider, with a clock and counters.
struct Cache {
    calls: TestKeyProvider,
    provider: CachedKeyProvider<TestKeyProvider>,
    clock: Arc<TestClock>,
    counters: Arc<KeyCounters>,
}

fn cache(limits: CacheLimits) -> Cache {
    let (calls, clock, counters) =
        (TestKeyProvider::default(), Arc::<TestClock>::default(), Arc::<KeyCounters>::default());
    let provider = CachedKeyProvider::new(calls.clone(), limits)
        .with_clock(Arc::clone(&clock) as _)
        .observed_by(Arc::clone(&counters) as _);
    Cache { calls, provider, clock, counters }
}

type Item = std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;

impl Cache {
    async fn read(&self, item: &Item) -> Result<Note, KeyErrorKind> {
        from_item(item.clone(), &self.provider).await.map_err(|error| error.key_error().unwrap().kind())
    }
}

#[tokio::test]
async fn ten_thousand_reads_of_a_hundred_records_unwrap_a_hundred_keys() {
    let cache = cache(CacheLimits::new(5 * MINUTE));
    let mut items = Vec::new();
    for id in 0..100 {
        items.push(to_item(&note(id), &cache.provider).await.unwrap());
    }
    assert_eq!(cache.calls.generate_calls(), 100, "writing is not cached");
    for _ in 0..100 {
        for (id, item) in (0..).zip(&items) {
            assert_eq!(cache.read(item).await.unwrap(), note(id));
        }
    }
    assert_eq!(cache.calls.unwrap_calls(), 100);
    assert_eq!(cache.counters.count(KeyEvent::CacheHit), 9_900);
}

#[tokio::test]
async fn however_many_readers_wait_one_call_is_made() {
    let cache = Arc::new(cache(CacheLimits::new(MINUTE)));
    let item = to_item(&note(1), &cache.provider).await.unwrap();
    cache.calls.hold();
    let readers: Vec<_> = (0..64)
        .map(|_| {
            let (cache, item) = (Arc::clone(&cache), item.clone());
            tokio::spawn(async move { cache.read(&item).await })
        })
        .collect();
    while cache.counters.count(KeyEvent::CacheMiss) < 64 {
        tokio::task::yield_now().await;
    }
    cache.calls.release();
    for reader in readers {
        assert_eq!(reader.await.unwrap().unwrap(), note(1));
    }
    assert_eq!(cache.calls.unwrap_calls(), 1);
}

#[tokio::test]
async fn everybody_who_waited_for_a_call_that_failed_gets_its_error_and_the_next_reader_asks_again() {
    let cache = Arc::new(cache(CacheLimits::new(MINUTE)));
    let item = to_item(&note(1), &cache.provider).await.unwrap();
    cache.calls.hold();
    cache.calls.fail_next(KeyErrorKind::Throttled);
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (cache, item) = (Arc::clone(&cache), item.clone());
            tokio::spawn(async move { cache.read(&item).await })
        })
        .collect();
    while cache.counters.count(KeyEvent::CacheMiss) < 8 {
        tokio::task::yield_now().await;
    }
    cache.calls.release();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), Err(KeyErrorKind::Throttled));
    }
    assert_eq!(cache.calls.unwrap_calls(), 1);
    assert_eq!(cache.read(&item).await.unwrap(), note(1));
    assert_eq!(cache.calls.unwrap_calls(), 2);
}

/// A dropped future takes nothing with it: the call goes on with whoever waits, or with the next to come.
#[tokio::test]
async fn a_reader_that_goes_away_leaves_nothing_behind() {
    let cache = cache(CacheLimits::new(MINUTE));
    let item = to_item(&note(1), &cache.provider).await.unwrap();
    let mut context = Context::from_waker(Waker::noop());
    cache.calls.hold();
    let mut second = pin!(cache.read(&item));
    {
        let mut first = pin!(cache.read(&item));
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
    }
    cache.calls.release();
    assert_eq!(second.await.unwrap(), note(1));
    assert_eq!(cache.calls.unwrap_calls(), 1, "the first reader's call was taken over, not made again");

    let other = to_item(&note(2), &cache.provider).await.unwrap();
    cache.calls.hold();
    {
        let mut dropped = pin!(cache.read(&other));
        assert!(matches!(dropped.as_mut().poll(&mut context), Poll::Pending));
    }
    cache.calls.release();
    assert_eq!(cache.read(&other).await.unwrap(), note(2));
}

/// The driver of a shared call is dropped in the very moment in which the call could go on.
#[tokio::test]
async fn whoever_waits_is_woken_when_the_one_who_drove_the_call_goes_away() {
    let cache = Arc::new(cache(CacheLimits::new(MINUTE)));
    let item = to_item(&note(1), &cache.provider).await.unwrap();
    cache.calls.hold();
    let driver = {
        let (cache, item) = (Arc::clone(&cache), item.clone());
        tokio::spawn(async move { cache.read(&item).await })
    };
    while cache.calls.unwrap_calls() == 0 {
        tokio::task::yield_now().await;
    }
    let waiter = {
        let (cache, item) = (Arc::clone(&cache), item.clone());
        tokio::spawn(async move { cache.read(&item).await })
    };
    while cache.counters.count(KeyEvent::CacheMiss) < 2 {
        tokio::task::yield_now().await;
    }
    cache.calls.release();
    driver.abort();
    assert_eq!(waiter.await.unwrap().unwrap(), note(1));
    assert_eq!(cache.calls.unwrap_calls(), 1);
}

#[tokio::test]
async fn keys_are_asked_for_again_when_they_are_old_or_used_up() {
    let cache = cache(CacheLimits::new(10 * MINUTE).max_uses(5));
    let item = to_item(&note(1), &cache.provider).await.unwrap();
    for _ in 0..6 {
        cache.read(&item).await.unwrap();
    }
    assert_eq!(cache.calls.unwrap_calls(), 1, "fetched once, taken from the cache five times");
    cache.read(&item).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 2, "used up");
    cache.clock.advance(9 * MINUTE - Duration::from_secs(1));
    cache.read(&item).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 2);
    cache.clock.advance(20 * MINUTE);
    cache.read(&item).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 3, "too old");
}

#[tokio::test]
async fn one_reader_refreshes_a_key_ahead_of_its_expiry_while_the_others_are_served() {
    let cache = Arc::new(cache(CacheLimits::new(10 * MINUTE)));
    let item = to_item(&note(1), &cache.provider).await.unwrap();
    cache.read(&item).await.unwrap();
    cache.clock.advance(9 * MINUTE);
    cache.calls.hold();
    let refresher = {
        let (cache, item) = (Arc::clone(&cache), item.clone());
        tokio::spawn(async move { cache.read(&item).await })
    };
    while cache.calls.unwrap_calls() < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        assert_eq!(cache.read(&item).await.unwrap(), note(1), "served without waiting");
    }
    cache.calls.release();
    refresher.await.unwrap().unwrap();
    cache.clock.advance(8 * MINUTE);
    cache.read(&item).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 2, "as young as its refresh");
}

#[tokio::test]
async fn a_refusal_throws_the_key_out_at_once() {
    let cache = cache(CacheLimits::new(10 * MINUTE).while_unreachable(60 * MINUTE));
    let item = to_item(&note(1), &cache.provider).await.unwrap();
    cache.read(&item).await.unwrap();
    cache.clock.advance(9 * MINUTE);
    cache.calls.fail_always(KeyErrorKind::AccessDenied);
    assert_eq!(cache.read(&item).await, Err(KeyErrorKind::AccessDenied), "though the key is not yet too old");
    assert_eq!(cache.read(&item).await, Err(KeyErrorKind::AccessDenied));
    assert_eq!(cache.counters.count(KeyEvent::Evicted), 2);
    cache.calls.fail_always(KeyErrorKind::Unreachable);
    assert_eq!(cache.read(&item).await, Err(KeyErrorKind::Unreachable), "there is nothing left to bridge with");
}

#[tokio::test]
async fn an_outage_is_bridged_within_bounds_and_only_when_asked_for() {
    for (grace, at_eleven_minutes) in [(Duration::ZERO, Err(KeyErrorKind::Unreachable)), (5 * MINUTE, Ok(note(1)))] {
        let cache = cache(CacheLimits::new(10 * MINUTE).while_unreachable(grace));
        let item = to_item(&note(1), &cache.provider).await.unwrap();
        cache.read(&item).await.unwrap();
        cache.calls.fail_always(KeyErrorKind::Unreachable);
        cache.clock.advance(9 * MINUTE);
        assert_eq!(cache.read(&item).await, Ok(note(1)), "not yet too old");
        assert_eq!(cache.counters.count(KeyEvent::ServedWhileUnreachable), 1);
        let calls = cache.calls.unwrap_calls();
        assert_eq!(cache.read(&item).await, Ok(note(1)));
        assert_eq!(cache.calls.unwrap_calls(), calls, "an outage is not asked about with every read");
        cache.clock.advance(2 * MINUTE);
        assert_eq!(cache.read(&item).await, at_eleven_minutes);
        cache.clock.advance(10 * MINUTE);
        assert_eq!(cache.read(&item).await, Err(KeyErrorKind::Unreachable), "beyond every bound");
        cache.calls.recover();
        assert_eq!(cache.read(&item).await, Ok(note(1)));
    }
}

#[tokio::test]
async fn the_key_not_used_for_longest_makes_room() {
    let cache = cache(CacheLimits::new(MINUTE).max_entries(2));
    let mut items = Vec::new();
    for id in 0..3 {
        items.push(to_item(&note(id), &cache.provider).await.unwrap());
    }
    for at in [0, 1, 0, 2, 0] {
        cache.read(&items[at]).await.unwrap();
    }
    assert_eq!(cache.calls.unwrap_calls(), 3, "0 stayed, 1 made room for 2");
    cache.read(&items[1]).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 4);
    assert_eq!(cache.counters.count(KeyEvent::Evicted), 2);
}

/// A cached key proves no less than a call would: the context is part of what it is found by.
#[tokio::test]
async fn a_moved_record_does_not_open_from_the_cache() {
    let cache = cache(CacheLimits::new(MINUTE));
    let mut item = to_item(&note(1), &cache.provider).await.unwrap();
    cache.read(&item).await.unwrap();
    item.insert("id".into(), aws_sdk_dynamodb::types::AttributeValue::N("2".into()));
    assert_eq!(cache.read(&item).await, Err(KeyErrorKind::ContextMismatch));
}

fn sharing(limits: SharingLimits) -> (TestKeyProvider, SharedKeyProvider<TestKeyProvider>, Arc<TestClock>) {
    let (calls, clock) = (TestKeyProvider::default(), Arc::<TestClock>::default());
    let provider = SharedKeyProvider::new(calls.clone(), limits).with_clock(Arc::clone(&clock) as _);
    (calls, provider, clock)
}

#[tokio::test]
async fn ten_thousand_writes_and_reads_cost_a_call_per_bound_of_records() {
    let calls = TestKeyProvider::default();
    let cached = CachedKeyProvider::new(calls.clone(), CacheLimits::new(MINUTE)).keeping_generated();
    let provider = SharedKeyProvider::new(cached, SharingLimits::new(MINUTE, 1_000));
    let mut items = Vec::new();
    for id in 0..10_000 {
        items.push(to_item(&event(id, "t1"), &provider).await.unwrap());
    }
    assert_eq!(calls.generate_calls(), 10);
    for (id, item) in (0..).zip(&items) {
        assert_eq!(from_item::<Event>(item.clone(), &provider).await.unwrap(), event(id, "t1"));
    }
    assert_eq!(calls.unwrap_calls(), 0, "what it wrote, it reads without asking");
    calls.assert_calls_at_most(10_000 / 1_000 + 2);

    let another = CachedKeyProvider::new(calls.clone(), CacheLimits::new(MINUTE));
    for (id, item) in (0..).zip(items) {
        assert_eq!(from_item::<Event>(item, &another).await.unwrap(), event(id, "t1"));
    }
    assert_eq!(calls.unwrap_calls(), 10, "another process asks once per data key");
}

#[tokio::test]
async fn a_generated_key_is_kept_for_its_own_place_alone() {
    let cached = CachedKeyProvider::new(TestKeyProvider::default(), CacheLimits::new(MINUTE)).keeping_generated();
    let item = to_item(&note(1), &cached).await.unwrap();
    assert_eq!(from_item::<Note>(item.clone(), &cached).await.unwrap(), note(1));
    assert_eq!(cached.inner().unwrap_calls(), 0);
    let mut moved = item;
    moved.insert("id".into(), aws_sdk_dynamodb::types::AttributeValue::N("2".into()));
    let error = from_item::<Note>(moved, &cached).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::ContextMismatch);
}

#[tokio::test]
async fn a_shared_key_is_bounded_by_age_and_bytes() {
    let (calls, provider, clock) = sharing(SharingLimits::new(MINUTE, u64::MAX).max_bytes(1_000));
    let write = async |id| to_item(&event(id, "t1"), &provider).await.unwrap();
    write(0).await;
    clock.advance(MINUTE - Duration::from_millis(1));
    write(1).await;
    assert_eq!(calls.generate_calls(), 1);
    clock.advance(Duration::from_millis(1));
    write(2).await;
    assert_eq!(calls.generate_calls(), 2, "too old");
    for id in 3..12 {
        write(id).await;
    }
    // Each record is a little over 100 bytes of plaintext, so the tenth crosses the bound and the eleventh is beyond it.
    assert_eq!(calls.generate_calls(), 2);
    write(12).await;
    assert_eq!(calls.generate_calls(), 3, "too many bytes");
}

#[tokio::test]
async fn every_set_of_context_pairs_has_a_data_key_of_its_own() {
    let (calls, provider, clock) = sharing(SharingLimits::new(MINUTE, 1_000).max_contexts(2));
    let write = async |tenant| {
        clock.advance(Duration::from_secs(1));
        to_item(&event(1, tenant), &provider).await.unwrap()
    };
    let dek = |item: &Item| item["encrypted_dek"].as_b().unwrap().clone();
    let (first, second, again) = (write("t1").await, write("t2").await, write("t1").await);
    assert_eq!(calls.generate_calls(), 2);
    assert_eq!(dek(&first), dek(&again));
    assert_ne!(dek(&first), dek(&second));
    write("t3").await;
    write("t2").await;
    assert_eq!(calls.generate_calls(), 3, "the oldest, t1, made room");
}

#[tokio::test]
async fn records_under_one_data_key_cannot_be_exchanged() {
    let (_, provider, _) = sharing(SharingLimits::new(MINUTE, 1_000));
    let alice = to_item(&event(1, "t1"), &provider).await.unwrap();
    let mut moved = alice.clone();
    moved.insert("id".into(), aws_sdk_dynamodb::types::AttributeValue::N("2".into()));
    let error = from_item::<Event>(moved, &provider).await.unwrap_err();
    assert!(matches!(error.kind(), envelope_dynamo::ErrorKind::NotAuthentic { .. }), "{error}");
}

#[tokio::test]
async fn a_shared_key_is_refused_where_each_record_has_a_context_of_its_own() {
    let (calls, provider, _) = sharing(SharingLimits::new(MINUTE, 1_000));
    let error = to_item(&note(1), &provider).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::Configuration);
    assert!(error.key_error().unwrap().to_string().contains("kms_context = \"table\""), "{error}");
    assert_eq!(calls.generate_calls(), 0);
}

#[tokio::test]
async fn writers_who_start_at_once_share_one_call_and_a_failed_one_is_forgotten() {
    let (calls, provider, _) = sharing(SharingLimits::new(MINUTE, 1_000));
    let provider = Arc::new(provider);
    calls.fail_next(KeyErrorKind::Throttled);
    to_item(&event(0, "t1"), &*provider).await.unwrap_err();
    calls.hold();
    let writers: Vec<_> = (0..16)
        .map(|id| {
            let provider = Arc::clone(&provider);
            tokio::spawn(async move { to_item(&event(id, "t1"), &*provider).await })
        })
        .collect();
    while calls.generate_calls() < 2 {
        tokio::task::yield_now().await;
    }
    calls.release();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(calls.generate_calls(), 2);
}
