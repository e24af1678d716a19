use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use envelope_core::{CacheLimits, KeyErrorKind, KeyEvent};

use super::{MINUTE, SECOND, TICK, cache, poll};

#[tokio::test]
async fn keys_are_fetched_again_when_they_are_old_or_used_up() {
    let cache = cache(CacheLimits::new(10 * MINUTE).max_uses(5));
    let note = cache.write(1).await;
    for _ in 0..6 {
        cache.read(&note).await.unwrap();
    }
    assert_eq!(cache.calls.unwrap_calls(), 1, "fetched once, taken from the cache five times");
    cache.read(&note).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 2, "used up");
    cache.clock.advance(9 * MINUTE - TICK);
    cache.read(&note).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 2);
    cache.clock.advance(20 * MINUTE);
    cache.read(&note).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 3, "too old");
}

#[tokio::test]
async fn a_key_is_refreshed_at_nine_tenths_of_its_age_and_not_before() {
    let cache = cache(CacheLimits::new(10 * MINUTE));
    let note = cache.fetched(1).await;
    cache.clock.advance(9 * MINUTE - TICK);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 1);
    cache.clock.advance(TICK);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 2);
    assert_eq!((cache.count(KeyEvent::CacheHit), cache.count(KeyEvent::CacheMiss)), (1, 2));
    assert_eq!(cache.count(KeyEvent::Evicted), 0, "its successor replaced it");
}

#[tokio::test]
async fn one_reader_refreshes_a_key_ahead_of_its_expiry_while_the_others_are_served() {
    let cache = cache(CacheLimits::new(10 * MINUTE));
    let note = cache.fetched(1).await;
    cache.clock.advance(9 * MINUTE);
    cache.calls.hold();
    let mut refresher = pin!(cache.read(&note));
    assert!(poll(&mut refresher).is_pending());
    for _ in 0..10 {
        assert_eq!(
            poll(&mut pin!(cache.read(&note))),
            Poll::Ready(Ok(())),
            "served without waiting"
        );
    }
    cache.calls.release();
    assert_eq!(poll(&mut refresher), Poll::Ready(Ok(())));
    cache.clock.advance(9 * MINUTE - TICK);
    cache.read(&note).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 2, "its age counts from the refresh");
}

#[tokio::test]
async fn a_key_that_is_being_refreshed_is_served_until_it_is_too_old() {
    let cache = cache(CacheLimits::new(10 * MINUTE));
    let note = cache.fetched(1).await;
    cache.clock.advance(10 * MINUTE - TICK);
    cache.calls.hold();
    let mut refresher = pin!(cache.read(&note));
    assert!(poll(&mut refresher).is_pending());
    assert_eq!(poll(&mut pin!(cache.read(&note))), Poll::Ready(Ok(())));
    cache.clock.advance(TICK);
    let mut late = pin!(cache.read(&note));
    assert!(poll(&mut late).is_pending());
    cache.calls.release();
    assert_eq!((poll(&mut late), poll(&mut refresher)), (Poll::Ready(Ok(())), Poll::Ready(Ok(()))));
    assert_eq!(cache.calls.unwrap_calls(), 2, "both waited for one call");
}

/// Nobody knows when KMS answered: much time may pass before the answer is read.
#[tokio::test]
async fn the_age_of_a_key_counts_from_the_begin_of_its_call() {
    let cache = cache(CacheLimits::new(10 * MINUTE));
    let note = cache.write(1).await;
    cache.calls.hold();
    let mut reader = pin!(cache.read(&note));
    assert!(poll(&mut reader).is_pending());
    cache.clock.advance(5 * MINUTE);
    cache.calls.release();
    assert_eq!(poll(&mut reader), Poll::Ready(Ok(())));
    cache.clock.advance(4 * MINUTE - TICK);
    cache.read(&note).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 1);
    cache.clock.advance(TICK);
    cache.read(&note).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 2, "nine tenths of its age");
}

#[tokio::test]
async fn a_key_that_arrives_expired_is_served_only_to_its_waiters() {
    let cache = cache(CacheLimits::new(10 * MINUTE));
    let note = cache.write(1).await;
    cache.calls.hold();
    let mut reader = pin!(cache.read(&note));
    assert!(poll(&mut reader).is_pending());
    cache.calls.release();
    cache.clock.advance(10 * MINUTE);
    cache.calls.fail_always(KeyErrorKind::KeyDisabled);
    assert_eq!(cache.read(&note).await, Err(KeyErrorKind::KeyDisabled), "it makes its own call");
    cache.calls.recover();
    assert_eq!(poll(&mut reader), Poll::Ready(Ok(())));
    assert_eq!((cache.calls.unwrap_calls(), cache.keys_held()), (2, 0));
}

#[tokio::test]
async fn a_call_is_joined_until_its_key_would_be_too_old() {
    for (waited, calls) in [(10 * MINUTE - TICK, 1), (10 * MINUTE, 2)] {
        let cache = cache(CacheLimits::new(10 * MINUTE));
        let note = cache.write(1).await;
        cache.calls.hold();
        let (mut first, mut second) = (pin!(cache.read(&note)), pin!(cache.read(&note)));
        assert!(poll(&mut first).is_pending());
        cache.clock.advance(waited);
        assert!(poll(&mut second).is_pending());
        assert_eq!(cache.calls.unwrap_calls(), calls);
        cache.calls.release();
        assert_eq!(
            (poll(&mut first), poll(&mut second)),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(())))
        );
    }
}

/// Only the first of the waiters stores the key. A late waiter resets neither its age nor its uses.
#[tokio::test]
async fn a_late_waiter_does_not_store_the_key_again() {
    let cache = cache(CacheLimits::new(10 * MINUTE).max_uses(1));
    let note = cache.write(1).await;
    cache.calls.hold();
    let (mut first, mut late) = (pin!(cache.read(&note)), pin!(cache.read(&note)));
    assert!(poll(&mut first).is_pending() && poll(&mut late).is_pending());
    cache.calls.release();
    assert_eq!(poll(&mut first), Poll::Ready(Ok(())));
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(poll(&mut late), Poll::Ready(Ok(())));
    assert_eq!(cache.calls.unwrap_calls(), 1);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 2, "the only use was taken before");
}

#[tokio::test]
async fn an_unused_key_is_removed_within_a_tenth_of_its_age() {
    let cache = cache(CacheLimits::new(10 * MINUTE));
    cache.fetched(1).await;
    cache.clock.advance(9 * MINUTE + SECOND);
    let other = cache.fetched(2).await;
    assert_eq!(cache.count(KeyEvent::Evicted), 0);
    cache.clock.advance(MINUTE - TICK);
    cache.read(&other).await.unwrap();
    assert_eq!(
        (cache.keys_held(), cache.count(KeyEvent::Evicted)),
        (2, 0),
        "looked for a moment less than that ago"
    );
    cache.clock.advance(TICK);
    cache.read(&other).await.unwrap();
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (1, 1));
    assert_eq!(cache.calls.unwrap_calls(), 2);
}

#[tokio::test]
async fn keys_are_removed_exactly_at_their_maximal_age() {
    for grace in [Duration::ZERO, 5 * MINUTE] {
        let cache = cache(CacheLimits::new(10 * MINUTE).while_unreachable(grace));
        cache.fetched(1).await;
        cache.clock.advance(TICK);
        cache.fetched(2).await;
        cache.clock.advance(10 * MINUTE + grace - TICK - TICK);
        cache.provider.remove_expired();
        assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (2, 0));
        cache.clock.advance(TICK);
        cache.provider.remove_expired();
        assert_eq!(
            (cache.keys_held(), cache.count(KeyEvent::Evicted)),
            (1, 1),
            "one may not be served any more"
        );
        cache.clock.advance(TICK);
        cache.provider.remove_expired();
        assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (0, 2));
        cache.provider.remove_expired();
        assert_eq!(cache.count(KeyEvent::Evicted), 2);
    }
}

#[tokio::test]
async fn used_up_keys_are_removed_with_expired_ones() {
    let cache = cache(CacheLimits::new(10 * MINUTE).max_uses(2));
    let note = cache.fetched(1).await;
    cache.read(&note).await.unwrap();
    cache.provider.remove_expired();
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (1, 0), "one use is left");
    cache.read(&note).await.unwrap();
    cache.provider.remove_expired();
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (0, 1));
}

#[tokio::test]
async fn removing_expired_keys_postpones_the_next_removal() {
    let cache = cache(CacheLimits::new(10 * MINUTE));
    cache.fetched(1).await;
    cache.clock.advance(10 * MINUTE - SECOND);
    cache.provider.remove_expired();
    cache.clock.advance(MINUTE - TICK);
    cache.fetched(2).await;
    assert_eq!(cache.count(KeyEvent::Evicted), 0);
    cache.clock.advance(TICK);
    cache.fetched(3).await;
    assert_eq!(cache.count(KeyEvent::Evicted), 1);
}

/// An expired key is wiped even while its successor is being fetched. The next reader joins that
/// call.
#[tokio::test]
async fn an_expired_key_is_removed_while_it_is_being_refreshed() {
    for uses in [1, u64::MAX] {
        let cache = cache(CacheLimits::new(10 * MINUTE).max_uses(uses));
        let note = cache.fetched(1).await;
        cache.read(&note).await.unwrap();
        cache.clock.advance(if uses == 1 { MINUTE / 2 } else { 10 * MINUTE - TICK });
        cache.calls.hold();
        let (mut first, mut second) = (pin!(cache.read(&note)), pin!(cache.read(&note)));
        assert!(poll(&mut first).is_pending());
        assert_eq!(cache.keys_held(), 1);
        cache.clock.advance(TICK);
        cache.provider.remove_expired();
        assert_eq!(
            (cache.keys_held(), cache.count(KeyEvent::Evicted)),
            (0, 0),
            "the call is under way"
        );
        assert!(poll(&mut second).is_pending());
        cache.calls.release();
        assert_eq!(
            (poll(&mut first), poll(&mut second)),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(())))
        );
        assert_eq!(cache.calls.unwrap_calls(), 2);
    }
}

#[tokio::test]
async fn a_call_is_kept_as_long_as_somebody_waits_for_it() {
    let cache = cache(CacheLimits::new(10 * MINUTE));
    let note = cache.write(1).await;
    cache.calls.hold();
    {
        let mut reader = pin!(cache.read(&note));
        assert!(poll(&mut reader).is_pending());
        cache.clock.advance(20 * MINUTE);
        cache.provider.remove_expired();
        assert_eq!(cache.count(KeyEvent::Evicted), 0);
    }
    cache.provider.remove_expired();
    assert_eq!(cache.count(KeyEvent::Evicted), 1);
    cache.calls.release();
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 2, "the first call was dropped with its last waiter");
}

#[tokio::test]
async fn an_abandoned_refresh_is_made_by_the_next_reader() {
    let cache = cache(CacheLimits::new(10 * MINUTE));
    let note = cache.fetched(1).await;
    cache.clock.advance(9 * MINUTE);
    cache.calls.hold();
    assert!(poll(&mut pin!(cache.read(&note))).is_pending());
    let mut refresher = pin!(cache.read(&note));
    assert!(poll(&mut refresher).is_pending(), "it does not wait for an abandoned refresh");
    assert_eq!(
        poll(&mut pin!(cache.read(&note))),
        Poll::Ready(Ok(())),
        "served while somebody refreshes"
    );
    assert_eq!(cache.calls.unwrap_calls(), 3);
    cache.clock.advance(MINUTE);
    cache.provider.remove_expired();
    assert_eq!(
        (cache.keys_held(), cache.count(KeyEvent::Evicted)),
        (0, 0),
        "the key is gone, the call is not"
    );
    cache.calls.release();
    assert_eq!(poll(&mut refresher), Poll::Ready(Ok(())));
    assert_eq!(cache.calls.unwrap_calls(), 3);
}

#[tokio::test]
async fn the_longest_duration_is_a_valid_maximal_age() {
    let cache = cache(CacheLimits::new(Duration::MAX).while_unreachable(Duration::MAX));
    let note = cache.fetched(1).await;
    cache.clock.advance(1_000_000 * MINUTE);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 1);
}

#[tokio::test]
async fn with_a_maximal_age_of_zero_every_read_is_a_call() {
    let cache = cache(CacheLimits::new(Duration::ZERO));
    let note = cache.write(1).await;
    for calls in 1..4 {
        assert_eq!(cache.read(&note).await, Ok(()));
        assert_eq!(cache.calls.unwrap_calls(), calls);
    }
    cache.calls.fail_next(KeyErrorKind::Unreachable);
    assert_eq!(cache.read(&note).await, Err(KeyErrorKind::Unreachable));
    assert_eq!(cache.count(KeyEvent::CacheHit), 0);
}

#[tokio::test]
async fn an_age_counts_while_the_machine_is_suspended() {
    let cache = cache(CacheLimits::new(5 * MINUTE));
    let note = cache.fetched(1).await;
    cache.clock.suspend(4 * MINUTE);
    cache.read(&note).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 1);
    cache.clock.suspend(MINUTE);
    cache.read(&note).await.unwrap();
    assert_eq!(cache.calls.unwrap_calls(), 2, "five minutes passed by the time of day");
    cache.clock.suspend(5 * MINUTE);
    cache.provider.remove_expired();
    assert_eq!(cache.keys_held(), 0);
}
