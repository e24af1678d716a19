use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use envelope_core::{CacheLimits, KeyErrorKind, KeyEvent};

use super::{MINUTE, SECOND, TICK, cache, poll};

#[tokio::test]
async fn a_refusal_removes_the_key_at_once() {
    let cache = cache(CacheLimits::new(10 * MINUTE).while_unreachable(60 * MINUTE));
    let note = cache.fetched(1).await;
    cache.clock.advance(9 * MINUTE);
    cache.calls.fail_always(KeyErrorKind::AccessDenied);
    assert_eq!(
        cache.read(&note).await,
        Err(KeyErrorKind::AccessDenied),
        "though the key is not yet too old"
    );
    assert_eq!(cache.keys_held(), 0);
    assert_eq!(cache.read(&note).await, Err(KeyErrorKind::AccessDenied));
    assert_eq!((cache.count(KeyEvent::Evicted), cache.count(KeyEvent::Failed)), (2, 2));
    cache.calls.fail_always(KeyErrorKind::Unreachable);
    assert_eq!(
        cache.read(&note).await,
        Err(KeyErrorKind::Unreachable),
        "there is nothing left to bridge with"
    );
    assert_eq!(cache.count(KeyEvent::ServedWhileUnreachable), 0);
}

#[tokio::test]
async fn an_outage_is_bridged_within_limits_and_only_if_enabled() {
    for (grace, at_eleven_minutes) in
        [(Duration::ZERO, Err(KeyErrorKind::Unreachable)), (5 * MINUTE, Ok(()))]
    {
        let cache = cache(CacheLimits::new(10 * MINUTE).while_unreachable(grace));
        let note = cache.fetched(1).await;
        cache.calls.fail_always(KeyErrorKind::Unreachable);
        cache.clock.advance(9 * MINUTE);
        assert_eq!(cache.read(&note).await, Ok(()), "not yet too old");
        assert_eq!(cache.count(KeyEvent::ServedWhileUnreachable), 1);
        let calls = cache.calls.unwrap_calls();
        assert_eq!(cache.read(&note).await, Ok(()));
        assert_eq!(
            cache.calls.unwrap_calls(),
            calls,
            "an outage is not asked about with every read"
        );
        cache.clock.advance(2 * MINUTE);
        assert_eq!(cache.read(&note).await, at_eleven_minutes);
        cache.clock.advance(10 * MINUTE);
        assert_eq!(cache.read(&note).await, Err(KeyErrorKind::Unreachable), "beyond every limit");
        cache.calls.recover();
        assert_eq!(cache.read(&note).await, Ok(()));
    }
}

#[tokio::test]
async fn throttling_is_bridged_like_an_outage() {
    let cache = cache(CacheLimits::new(10 * MINUTE).while_unreachable(MINUTE));
    let note = cache.fetched(1).await;
    cache.clock.advance(11 * MINUTE - TICK);
    cache.calls.fail_next(KeyErrorKind::Throttled);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(
        (cache.count(KeyEvent::ServedWhileUnreachable), cache.count(KeyEvent::CacheHit)),
        (1, 0)
    );
}

#[tokio::test]
async fn during_an_outage_one_call_is_made_per_second() {
    let cache = cache(CacheLimits::new(10 * MINUTE));
    let note = cache.fetched(1).await;
    cache.calls.fail_always(KeyErrorKind::Unreachable);
    cache.clock.advance(9 * MINUTE);
    assert_eq!(cache.read(&note).await, Ok(()));
    cache.clock.advance(SECOND - TICK);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!((cache.calls.unwrap_calls(), cache.count(KeyEvent::ServedWhileUnreachable)), (2, 2));
    cache.clock.advance(TICK);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!((cache.calls.unwrap_calls(), cache.count(KeyEvent::ServedWhileUnreachable)), (3, 3));
    cache.clock.advance(SECOND);
    cache.calls.recover();
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!((cache.calls.unwrap_calls(), cache.count(KeyEvent::ServedWhileUnreachable)), (4, 3));
    cache.clock.advance(9 * MINUTE - TICK);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 4, "the outage is over, and the key is fresh");
    assert_eq!(cache.count(KeyEvent::Evicted), 0);
}

#[tokio::test]
async fn a_key_at_its_limit_is_not_served_during_the_pause() {
    let cache = cache(CacheLimits::new(10 * MINUTE).while_unreachable(5 * MINUTE));
    let note = cache.fetched(1).await;
    cache.calls.fail_always(KeyErrorKind::Unreachable);
    cache.clock.advance(15 * MINUTE - SECOND / 2);
    assert_eq!(cache.read(&note).await, Ok(()));
    cache.clock.advance(SECOND / 2 - TICK);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 2);
    cache.clock.advance(TICK);
    assert_eq!(cache.read(&note).await, Err(KeyErrorKind::Unreachable));
    assert_eq!((cache.calls.unwrap_calls(), cache.count(KeyEvent::Evicted)), (3, 1));
}

#[tokio::test]
async fn the_age_at_the_failure_of_the_call_decides() {
    for (waited, expected, held) in
        [(MINUTE - TICK, Ok(()), 1), (MINUTE, Err(KeyErrorKind::Unreachable), 0)]
    {
        let cache = cache(CacheLimits::new(10 * MINUTE));
        let note = cache.fetched(1).await;
        cache.clock.advance(9 * MINUTE);
        cache.calls.hold();
        cache.calls.fail_next(KeyErrorKind::Unreachable);
        let mut reader = pin!(cache.read(&note));
        assert!(poll(&mut reader).is_pending());
        cache.clock.advance(waited);
        cache.calls.release();
        assert_eq!(poll(&mut reader), Poll::Ready(expected));
        assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (held, 1 - held as u64));
    }
}

#[tokio::test]
async fn uses_are_counted_during_an_outage() {
    let cache = cache(CacheLimits::new(10 * MINUTE).max_uses(3));
    let note = cache.fetched(1).await;
    cache.calls.fail_always(KeyErrorKind::Unreachable);
    cache.clock.advance(9 * MINUTE);
    for _ in 0..3 {
        assert_eq!(cache.read(&note).await, Ok(()));
    }
    assert_eq!((cache.calls.unwrap_calls(), cache.count(KeyEvent::ServedWhileUnreachable)), (2, 3));
    assert_eq!(cache.read(&note).await, Err(KeyErrorKind::Unreachable), "used three times");
    assert_eq!((cache.calls.unwrap_calls(), cache.count(KeyEvent::ServedWhileUnreachable)), (3, 3));
    assert_eq!(cache.count(KeyEvent::Evicted), 1);
}

#[tokio::test]
async fn a_key_that_bridged_an_outage_is_removed_when_it_expires() {
    let cache = cache(CacheLimits::new(10 * MINUTE));
    let note = cache.fetched(1).await;
    cache.clock.advance(9 * MINUTE);
    cache.calls.fail_next(KeyErrorKind::Unreachable);
    assert_eq!(cache.read(&note).await, Ok(()));
    cache.clock.advance(MINUTE - TICK);
    cache.provider.remove_expired();
    assert_eq!(cache.count(KeyEvent::Evicted), 0);
    cache.clock.advance(TICK);
    cache.provider.remove_expired();
    assert_eq!(cache.count(KeyEvent::Evicted), 1);
}

#[tokio::test]
async fn all_waiters_are_served_in_an_outage_with_one_pause() {
    let cache = cache(CacheLimits::new(10 * MINUTE).while_unreachable(10 * MINUTE));
    let note = cache.fetched(1).await;
    cache.clock.advance(10 * MINUTE);
    cache.calls.fail_next(KeyErrorKind::Unreachable);
    cache.calls.hold();
    let (mut first, mut late) = (pin!(cache.read(&note)), pin!(cache.read(&note)));
    assert!(poll(&mut first).is_pending() && poll(&mut late).is_pending());
    cache.calls.release();
    assert_eq!(poll(&mut first), Poll::Ready(Ok(())));
    cache.clock.advance(SECOND);
    assert_eq!(poll(&mut late), Poll::Ready(Ok(())));
    assert_eq!(
        (cache.count(KeyEvent::ServedWhileUnreachable), cache.count(KeyEvent::Failed)),
        (2, 1)
    );
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 3, "a late waiter did not prolong the pause");
}
