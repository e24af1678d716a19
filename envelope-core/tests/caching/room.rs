use std::pin::pin;
use std::task::Poll;

use envelope_core::{CacheLimits, KeyErrorKind, KeyEvent};

use super::{MINUTE, SECOND, cache, poll};

#[tokio::test]
async fn the_least_recently_used_key_is_evicted() {
    let cache = cache(CacheLimits::new(MINUTE).max_entries(2));
    let mut notes = Vec::new();
    for id in 0..3 {
        notes.push(cache.write(id).await);
    }
    for at in [0, 1, 0, 2, 0] {
        cache.read(&notes[at]).await.unwrap();
    }
    assert_eq!(cache.calls.unwrap_calls(), 3, "0 stayed, 1 made room for 2");
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (2, 1));
    cache.read(&notes[1]).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 4);
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (2, 2));
}

#[tokio::test]
async fn keys_are_evicted_in_the_order_of_their_last_use() {
    let cache = cache(CacheLimits::new(MINUTE).max_entries(3));
    let mut notes = Vec::new();
    for id in 0..8 {
        notes.push(cache.write(id).await);
    }
    let mut expected: Vec<usize> = Vec::new();
    let mut calls = 0;
    for at in
        [0, 1, 2, 2, 2, 0, 0, 1, 3, 2, 1, 1, 4, 3, 1, 5, 4, 1, 6, 6, 5, 7, 1, 6, 0, 0, 7, 6, 2, 7]
    {
        match expected.iter().position(|other| *other == at) {
            Some(position) => _ = expected.remove(position),
            None => calls += 1,
        }
        expected.push(at);
        if expected.len() > 3 {
            expected.remove(0);
        }
        cache.read(&notes[at]).await.unwrap();
        assert_eq!(cache.calls.unwrap_calls(), calls, "{at}");
    }
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (3, calls - 3));
}

#[tokio::test]
async fn a_thousand_keys_are_kept_by_default() {
    let cache = cache(CacheLimits::new(MINUTE));
    for id in 0..1_000 {
        cache.fetched(id).await;
    }
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (1_000, 0));
    cache.fetched(1_000).await;
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (1_000, 1));
}

#[tokio::test]
async fn a_cache_without_entries_calls_each_time() {
    let cache = cache(CacheLimits::new(MINUTE).max_entries(0));
    let note = cache.write(1).await;
    for calls in 1..4 {
        assert_eq!(cache.read(&note).await, Ok(()));
        assert_eq!((cache.calls.unwrap_calls(), cache.count(KeyEvent::Evicted)), (calls, calls));
    }
    assert_eq!(cache.keys_held(), 0);
}

#[tokio::test]
async fn a_key_that_was_evicted_during_its_call_is_not_stored() {
    let cache = cache(CacheLimits::new(MINUTE).max_entries(1));
    let (note, other) = (cache.write(1).await, cache.write(2).await);
    cache.calls.hold();
    let (mut first, mut second) = (pin!(cache.read(&note)), pin!(cache.read(&other)));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    assert_eq!(cache.count(KeyEvent::Evicted), 1);
    cache.calls.release();
    assert_eq!((poll(&mut first), poll(&mut second)), (Poll::Ready(Ok(())), Poll::Ready(Ok(()))));
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (1, 1));
    assert_eq!(cache.read(&other).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 2);
}

#[tokio::test]
async fn a_refused_key_is_not_evicted_again() {
    let cache = cache(CacheLimits::new(MINUTE).max_entries(1));
    let note = cache.write(1).await;
    cache.calls.fail_next(KeyErrorKind::AccessDenied);
    assert_eq!(cache.read(&note).await, Err(KeyErrorKind::AccessDenied));
    assert_eq!(cache.count(KeyEvent::Evicted), 1);
    cache.fetched(2).await;
    assert_eq!(cache.count(KeyEvent::Evicted), 1);
    cache.fetched(3).await;
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (1, 2));
}

#[tokio::test]
async fn an_expired_key_is_not_evicted_again_but_a_fresh_one_is() {
    let cache = cache(CacheLimits::new(MINUTE).max_entries(2));
    cache.fetched(1).await;
    cache.clock.advance(30 * SECOND);
    let young = cache.fetched(2).await;
    cache.clock.advance(30 * SECOND);
    cache.provider.remove_expired();
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (1, 1));
    cache.fetched(3).await;
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (2, 1));
    let last = cache.fetched(4).await;
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (2, 2));
    assert_eq!(cache.read(&last).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 4);
    assert_eq!(cache.read(&young).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 5, "the fresh one was evicted next");
}
