use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use envelope_core::{
    CacheLimits, CachedKeyProvider, Clock, ContextForm, KeyCounters, KeyErrorKind, KeyEvent,
    KeyObserver, LocalKeyProvider, ObservedKeyProvider, RootKey, SealError, SharedKeyProvider,
    SharingLimits, SystemClock, WrapKey, seal,
};

use super::{MINUTE, Note, TestKeyProvider, cache, place, read_with, text};

const EVENTS: [KeyEvent; 10] = [
    KeyEvent::Generated,
    KeyEvent::Shared,
    KeyEvent::Unwrapped,
    KeyEvent::CacheHit,
    KeyEvent::CacheMiss,
    KeyEvent::Evicted,
    KeyEvent::ServedWhileUnreachable,
    KeyEvent::ActiveVersionFetched,
    KeyEvent::BranchKeyFetched,
    KeyEvent::Failed,
];

#[test]
fn every_event_is_counted_by_itself() {
    let counters = KeyCounters::default();
    for event in EVENTS {
        assert_eq!(counters.count(event), 0, "{event:?}");
    }
    for (times, event) in (1..).zip(EVENTS) {
        (0..times).for_each(|_| counters.observe(event));
    }
    for (times, event) in (1..).zip(EVENTS) {
        assert_eq!(counters.count(event), times, "{event:?}");
    }
}

#[tokio::test]
async fn an_observed_provider_reports_its_calls() {
    let (calls, counters) = (TestKeyProvider::default(), Arc::<KeyCounters>::default());
    let provider = ObservedKeyProvider::new(calls.clone(), Arc::clone(&counters) as _);
    let counts = || EVENTS.map(|event| counters.count(event));
    let note =
        Note { id: 1, sealed: seal(text(1).as_bytes(), &place(1), &provider).await.unwrap() };
    assert_eq!(counts(), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(read_with(&note, &provider).await, Ok(()));
    assert_eq!(read_with(&note, &provider).await, Ok(()));
    assert_eq!(counts(), [1, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    calls.fail_always(KeyErrorKind::Throttled);
    let error = seal(b"", &place(1), &provider).await.unwrap_err();
    assert!(matches!(error, SealError::Key(error) if error.kind() == KeyErrorKind::Throttled));
    assert_eq!(counts(), [1, 0, 2, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(read_with(&note, &provider).await, Err(KeyErrorKind::Throttled));
    assert_eq!(counts(), [1, 0, 2, 0, 0, 0, 0, 0, 0, 2]);
    assert_eq!((provider.inner().generate_calls(), provider.inner().unwrap_calls()), (2, 3));
}

#[tokio::test]
async fn debug_output_shows_no_key() {
    let root = RootKey::from_bytes(&[0xc5; 32]).unwrap();
    let observed =
        ObservedKeyProvider::new(LocalKeyProvider::new(root), Arc::<KeyCounters>::default());
    let cached = CachedKeyProvider::new(observed, CacheLimits::new(MINUTE)).keeping_generated();
    let shared = SharedKeyProvider::new(cached, SharingLimits::new(MINUTE, 10));
    let context = place(1).form(ContextForm::Table).encryption_context();
    let generated = shared.generate(&context).await.unwrap();
    let shown = format!("{shared:?} {generated:?}");
    assert!(shown.contains("fetched: Some(Fetched { value: DataKey(..)"), "{shown}");
    assert!(shown.contains("key: Made(GeneratedKey { data_key: DataKey(..)"), "{shown}");
    let digits = format!("{:?}", generated.data_key.expose());
    assert!(
        !shown.contains("197, 197") && !shown.contains(digits.trim_matches(['[', ']'])),
        "{shown}"
    );
}

#[test]
fn limits_are_compared_and_shown_as_they_were_set() {
    let limits = CacheLimits::new(MINUTE).max_uses(5).max_entries(7).while_unreachable(2 * MINUTE);
    assert_eq!(
        format!("{limits:?}"),
        "CacheLimits { max_age: 60s, max_uses: 5, max_entries: 7, grace: 120s }"
    );
    assert_eq!(
        format!("{:?}", CacheLimits::new(MINUTE)),
        format!(
            "CacheLimits {{ max_age: 60s, max_uses: {}, max_entries: 1000, grace: 0ns }}",
            u64::MAX
        )
    );
    assert_eq!(
        format!("{:?}", SharingLimits::new(MINUTE, 5).max_bytes(6).max_contexts(7)),
        "SharingLimits { max_age: 60s, max_records: 5, max_bytes: 6, max_contexts: 7 }"
    );
    assert_eq!(
        format!("{:?}", SharingLimits::new(MINUTE, 5)),
        format!(
            "SharingLimits {{ max_age: 60s, max_records: 5, max_bytes: {}, max_contexts: 1000 }}",
            u64::MAX
        )
    );
    assert_ne!(limits, limits.max_uses(6));
    assert_ne!(SharingLimits::new(MINUTE, 5), SharingLimits::new(MINUTE, 6));
}

#[tokio::test]
async fn debug_shows_a_call_in_progress() {
    let cache = cache(CacheLimits::new(MINUTE));
    let note = cache.write(1).await;
    cache.calls.hold();
    assert!(super::poll(&mut std::pin::pin!(cache.read(&note))).is_pending());
    let shown = format!("{:?}", cache.provider);
    assert!(shown.contains("call: Some(SharedCall(..))"), "{shown}");
}

/// A clock that does not implement the time of day.
#[derive(Debug)]
struct Standing(Instant);

impl Clock for Standing {
    fn now(&self) -> Instant {
        self.0
    }
}

#[test]
fn the_system_clock_returns_the_system_time() {
    let (before, day) = (Instant::now(), SystemTime::now());
    let (now, after) = (SystemClock.now(), Instant::now());
    assert!(before <= now && now <= after);
    for clock in [&SystemClock as &dyn Clock, &Standing(before)] {
        let apart =
            clock.system_time().duration_since(day).unwrap_or_else(|error| error.duration());
        assert!(apart < Duration::from_secs(86_400), "{clock:?}");
    }
}
