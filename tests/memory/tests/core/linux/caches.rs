//! A key is in memory only as long as it may be used.

use std::sync::Arc;
use std::time::Duration;

use envelope_core::testing::TestClock;
use envelope_core::{
    CacheLimits, CachedKeyProvider, Context, ContextForm, DataKey, EncryptionContext,
    HierarchicalKeyProvider, KeyFuture, Sealed, SharedKeyProvider, SharingLimits, UnwrapKey,
    WrapKey, WrappedKey, open,
};
use envelope_memory_tests::{
    Find, Place, Search, Service, alone, assert_nothing, at_once, found_besides, leave_behind,
};

use super::providers::OneBranch;
use super::seeded::{self, Seeded};
use super::{context, seal_and_open, secrets_of};

const AGE: Duration = Duration::from_secs(300);
const RECORDS: usize = 100;

type Cached = CachedKeyProvider<Seeded>;

/// A cache with the keys of `RECORDS` records, or of as many as its limit allows.
fn filled(limits: CacheLimits) -> Service<(Vec<Sealed>, Cached, Arc<TestClock>)> {
    Service::after(move || {
        leave_behind();
        let clock = Arc::new(TestClock::default());
        let provider =
            CachedKeyProvider::new(Seeded::default(), limits).with_clock(Arc::clone(&clock) as _);
        (seal_and_open(RECORDS, &provider), provider, clock)
    })
}

/// The numbers of the data keys in memory. Asserts that each is there once, on the heap.
#[track_caller]
fn held(records: &[Sealed], stack: usize) -> Vec<usize> {
    let finds = found_besides(|| secrets_of(records, |number, _| seeded::masked(number)), stack);
    let is_key =
        |find: &Find| find.name == "data key" && find.place == Place::Heap && find.part == (0..32);
    assert!(finds.iter().all(is_key), "{}", Find::summary(&finds));
    let mut numbers: Vec<_> = finds.iter().map(|find| find.number).collect();
    numbers.sort_unstable();
    numbers
}

/// Uses the cache again, and searches again.
#[track_caller]
fn held_after<P: Send + 'static>(
    records: &[Sealed],
    provider: P,
    step: impl FnOnce(P) -> P + Send + 'static,
) -> Vec<usize> {
    let service = Service::after(move || {
        leave_behind();
        step(provider)
    });
    held(records, service.stack())
}

#[test]
fn a_cached_key_is_in_memory_once_until_it_is_removed() {
    let _alone = alone();
    let service = filled(CacheLimits::new(AGE));
    let stack = service.stack();
    let (records, provider, _) = service.output;
    assert_eq!(held(&records, stack), (0..RECORDS).collect::<Vec<_>>());
    let cleared = held_after(&records, provider, |provider| {
        provider.clear();
        provider
    });
    assert_eq!(cleared, []);
}

#[test]
fn keys_are_gone_with_the_cache() {
    let _alone = alone();
    let service = filled(CacheLimits::new(AGE));
    let (records, provider, _) = service.output;
    assert_eq!(held_after(&records, Some(provider), |_| None), []);
}

#[test]
fn an_evicted_key_is_gone() {
    let _alone = alone();
    let service = filled(CacheLimits::new(AGE).max_entries(7));
    let stack = service.stack();
    let (records, ..) = service.output;
    assert_eq!(held(&records, stack), (RECORDS - 7..RECORDS).collect::<Vec<_>>());
}

/// Nobody requests the other keys again, and yet they must be removed.
#[test]
fn an_expired_key_is_gone_after_a_request_for_another() {
    let _alone = alone();
    let service = filled(CacheLimits::new(AGE));
    let (records, provider, clock) = service.output;
    let first = records[0].clone();
    let held = held_after(&records, provider, move |provider| {
        clock.advance(AGE);
        at_once(open(&first, &context(), &provider)).unwrap();
        provider
    });
    assert_eq!(held, [0]);
}

#[test]
fn an_expired_key_is_gone_after_remove_expired() {
    let _alone = alone();
    let service = filled(CacheLimits::new(AGE).while_unreachable(AGE));
    let stack = service.stack();
    let (records, provider, clock) = service.output;
    clock.advance(2 * AGE - Duration::from_secs(1));
    provider.remove_expired();
    assert_eq!(held(&records, stack).len(), RECORDS, "they may still be served during an outage");
    clock.advance(Duration::from_secs(1));
    let held = held_after(&records, provider, |provider| {
        provider.remove_expired();
        provider
    });
    assert_eq!(held, []);
}

#[test]
fn a_used_up_key_is_gone() {
    let _alone = alone();
    let service = filled(CacheLimits::new(AGE).max_uses(1));
    let (records, provider, _) = service.output;
    let (first, second) = (records[0].clone(), records[1].clone());
    let held = held_after(&records, provider, move |provider| {
        at_once(open(&first, &context(), &provider)).unwrap();
        at_once(open(&second, &context(), &provider)).unwrap();
        provider.remove_expired();
        provider
    });
    assert_eq!(held, (2..RECORDS).collect::<Vec<_>>());
}

/// Holds a key, and waits for ever.
#[derive(Debug)]
struct Stuck;

impl UnwrapKey for Stuck {
    fn unwrap_key<'a>(
        &'a self,
        _: &'a [WrappedKey],
        _: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async {
            let key = seeded::data_key(0);
            std::future::pending::<()>().await;
            Ok(key)
        })
    }
}

#[test]
fn the_key_of_an_abandoned_call_is_gone() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let provider = Box::leak(Box::new(CachedKeyProvider::new(Stuck, CacheLimits::new(AGE))));
        let context = Box::leak(Box::new(context().encryption_context()));
        let mut reader = provider.unwrap_key(&[], context);
        assert!(
            reader
                .as_mut()
                .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
                .is_pending()
        );
        reader
    });
    let key = || {
        let mut search = Search::default();
        search.add("data key", &seeded::masked(0));
        search
    };
    let stack = service.stack();
    let finds = found_besides(key, stack);
    assert_eq!(finds.len(), 1, "{}", Find::summary(&finds));

    let reader = service.output;
    let service = Service::after(move || {
        leave_behind();
        drop(reader);
    });
    assert_nothing(key, service.stack());
}

#[test]
fn an_expired_shared_key_is_gone_after_another_request() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let clock = Arc::new(TestClock::default());
        let provider = SharedKeyProvider::new(Seeded::default(), SharingLimits::new(AGE, 1_000));
        let provider = provider.with_clock(Arc::clone(&clock) as _);
        let sealed = seal_and_open(1, &provider);
        let tenant =
            Context::new("letters").form(ContextForm::Table).pair("to", "grandfather").unwrap();
        clock.advance(AGE);
        at_once(provider.generate(&tenant.encryption_context())).unwrap();
        (sealed, provider)
    });
    let stack = service.stack();
    assert_eq!(held(&service.output.0, stack), []);
}

#[test]
fn an_expired_branch_key_is_gone_after_remove_expired() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let clock = Arc::new(TestClock::default());
        let provider = HierarchicalKeyProvider::per_table(OneBranch, CacheLimits::new(AGE));
        let provider = provider.with_clock(Arc::clone(&clock) as _);
        seal_and_open(1, &provider);
        clock.advance(AGE);
        provider.remove_expired();
        provider
    });
    let key = || {
        let mut search = Search::default();
        search.add("branch key", &super::providers::root(3));
        search
    };
    assert_nothing(key, service.stack());
}
