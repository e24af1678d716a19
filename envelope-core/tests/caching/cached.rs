use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;

use envelope_core::testing::TestClock;
use envelope_core::{
    CacheLimits, CachedKeyProvider, Content, Context, ContextForm, DataKey, EncryptedDek,
    EncryptionContext, KeyCounters, KeyErrorKind, KeyEvent, KeyFuture, KeyKind, KeyObserver,
    OpenError, PayloadBuilder, SharedKeyProvider, SharingLimits, UnwrapKey, WrapKey, WrappedKey,
    open, seal,
};

use super::{Cache, MINUTE, Note, TICK, TestKeyProvider, cache, place, poll, read_with};

fn keeping_generated(limits: CacheLimits) -> Cache {
    let cache = cache(limits);
    Cache { provider: cache.provider.keeping_generated(), ..cache }
}

#[tokio::test]
async fn ten_thousand_reads_of_a_hundred_records_unwrap_a_hundred_keys() {
    let cache = cache(CacheLimits::new(5 * MINUTE));
    let mut notes = Vec::new();
    for id in 0..100 {
        notes.push(cache.write(id).await);
    }
    assert_eq!(cache.calls.generate_calls(), 100, "writing is not cached");
    for _ in 0..100 {
        for note in &notes {
            assert_eq!(cache.read(note).await, Ok(()));
        }
    }
    assert_eq!(cache.calls.unwrap_calls(), 100);
    assert_eq!((cache.count(KeyEvent::CacheHit), cache.count(KeyEvent::CacheMiss)), (9_900, 100));
    assert_eq!((cache.count(KeyEvent::Unwrapped), cache.count(KeyEvent::Failed)), (100, 0));
}

/// A cached key proves as much as a call: the context is part of its id.
#[tokio::test]
async fn a_moved_record_does_not_open_from_the_cache() {
    let cache = cache(CacheLimits::new(MINUTE));
    let note = cache.fetched(1).await;
    let moved = Note { id: 2, sealed: note.sealed.clone() };
    assert_eq!(cache.read(&moved).await, Err(KeyErrorKind::ContextMismatch));
    assert_eq!(cache.count(KeyEvent::Failed), 1);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 2, "the key for its own context stays");
}

/// Unwraps everything, and returns another key each time.
#[derive(Debug, Default)]
struct Anything(AtomicU8);

impl UnwrapKey for Anything {
    fn unwrap_key<'a>(
        &'a self,
        _: &'a [WrappedKey],
        _: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async {
            DataKey::from_slice(&[self.0.fetch_add(1, Ordering::SeqCst); DataKey::BYTES])
        })
    }
}

#[tokio::test]
async fn requests_that_differ_in_any_part_have_different_keys() {
    let cached = CachedKeyProvider::new(Anything::default(), CacheLimits::new(MINUTE));
    let key = |kind, id: &str, bytes: &str| WrappedKey::new(kind, id, bytes).unwrap();
    let (local, kms) = (KeyKind::LOCAL, KeyKind::AWS_KMS);
    let requests = [
        (1, vec![]),
        (1, vec![key(local, "ab", "cd")]),
        (2, vec![key(local, "ab", "cd")]),
        (1, vec![key(kms, "ab", "cd")]),
        (1, vec![key(local, "ax", "cd")]),
        (1, vec![key(local, "ab", "cx")]),
        (1, vec![key(local, "a", "bcd")]),
        (1, vec![key(local, "abc", "d")]),
        (1, vec![key(local, "ab", "cd"), key(local, "ef", "gh")]),
        (1, vec![key(local, "ef", "gh"), key(local, "ab", "cd")]),
        (1, vec![key(local, "ab", "cd"), key(local, "e", "fgh")]),
    ];
    for turn in ["fetched", "from the cache"] {
        for (expected, (id, wrapped)) in (0..).zip(&requests) {
            let key = cached.unwrap_key(wrapped, &place(*id).encryption_context()).await.unwrap();
            assert_eq!(key.expose(), &[expected; DataKey::BYTES], "{turn}: {wrapped:?}");
        }
    }
}

#[tokio::test]
async fn a_cached_key_is_shared_and_not_copied() {
    let provider = CachedKeyProvider::new(Anything::default(), CacheLimits::new(MINUTE));
    let context = place(1).encryption_context();
    let key = provider.unwrap_key(&[], &context).await.unwrap();
    let mut payload = PayloadBuilder::new(5, []);
    payload.extend_from_slice(b"seven");
    payload.seal(Content::Bytes, &place(1), &key).unwrap();
    assert_eq!(provider.unwrap_key(&[], &context).await.unwrap().sealed_bytes(), 5);
}

#[tokio::test]
async fn removed_keys_are_fetched_again() {
    let cache = cache(CacheLimits::new(MINUTE).max_entries(1));
    let note = cache.fetched(1).await;
    assert_eq!(cache.keys_held(), 1);
    cache.provider.clear();
    assert_eq!(cache.keys_held(), 0);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 2);
    assert_eq!(cache.count(KeyEvent::Evicted), 0);
    cache.fetched(2).await;
    assert_eq!(cache.count(KeyEvent::Evicted), 1, "a key that is gone is not evicted again");
}

#[tokio::test]
async fn a_key_that_is_still_held_outlives_the_cache() {
    let cache = cache(CacheLimits::new(MINUTE));
    let (note, context) = (cache.fetched(1).await, place(1).encryption_context());
    let dek = EncryptedDek::parse(&note.sealed.encrypted_dek).unwrap();
    let key = cache.provider.unwrap_key(dek.keys(), &context).await.unwrap();
    cache.provider.clear();
    let again = cache.provider.unwrap_key(dek.keys(), &context).await.unwrap();
    assert_eq!(key.expose(), again.expose());
    assert_eq!(cache.calls.unwrap_calls(), 2);
}

#[tokio::test]
async fn a_generated_key_is_kept_only_for_its_context() {
    let cache = keeping_generated(CacheLimits::new(MINUTE));
    let note = cache.write(1).await;
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.provider.inner().unwrap_calls(), 0);
    let moved = Note { id: 2, sealed: note.sealed };
    assert_eq!(cache.read(&moved).await, Err(KeyErrorKind::ContextMismatch));
}

#[tokio::test]
async fn a_generated_key_is_kept_only_if_enabled() {
    let cache = cache(CacheLimits::new(MINUTE));
    let note = cache.write(1).await;
    assert_eq!(cache.keys_held(), 0);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 1);
}

#[tokio::test]
async fn a_generated_key_expires_like_a_fetched_one() {
    let cache = keeping_generated(CacheLimits::new(10 * MINUTE).max_uses(2));
    cache.clock.advance(MINUTE);
    let (old, used) = (cache.write(1).await, cache.write(2).await);
    for _ in 0..2 {
        assert_eq!(cache.read(&used).await, Ok(()));
    }
    assert_eq!(cache.calls.unwrap_calls(), 0);
    assert_eq!(cache.read(&used).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 1, "used up");
    cache.clock.advance(9 * MINUTE - TICK);
    assert_eq!(cache.read(&old).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 1);
    cache.clock.advance(TICK);
    assert_eq!(cache.read(&old).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 2, "nine tenths of its age");
}

#[tokio::test]
async fn a_generated_key_is_as_old_as_the_call_that_made_it() {
    let cache = keeping_generated(CacheLimits::new(10 * MINUTE));
    cache.calls.hold();
    let mut writer = pin!(cache.write(1));
    assert!(poll(&mut writer).is_pending());
    cache.clock.advance(9 * MINUTE - TICK);
    cache.calls.release();
    let Poll::Ready(note) = poll(&mut writer) else { panic!("still waiting") };
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 0);
    cache.clock.advance(TICK);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 1, "nine tenths of its age");
}

/// The cache is around the sharing provider, so it sees the same key with every record.
#[tokio::test]
async fn a_key_that_is_returned_again_keeps_its_age() {
    let (calls, clock) = (TestKeyProvider::default(), Arc::<TestClock>::default());
    let shared = SharedKeyProvider::new(calls.clone(), SharingLimits::new(60 * MINUTE, 1_000));
    let provider = CachedKeyProvider::new(shared, CacheLimits::new(10 * MINUTE));
    let provider = provider.keeping_generated().with_clock(Arc::clone(&clock) as _);
    let context = Context::new("notes").form(ContextForm::Table).encryption_context();
    for _ in 0..2 {
        let generated = provider.generate(&context).await.unwrap();
        provider.unwrap_key(&generated.wrapped, &context).await.unwrap();
        assert_eq!((calls.generate_calls(), calls.unwrap_calls()), (1, 0));
        clock.advance(9 * MINUTE / 2);
    }
    let generated = provider.generate(&context).await.unwrap();
    provider.unwrap_key(&generated.wrapped, &context).await.unwrap();
    assert_eq!((calls.generate_calls(), calls.unwrap_calls()), (1, 1), "nine minutes old");
}

#[tokio::test]
async fn generated_keys_are_evicted_and_expire_during_writes() {
    let cache = keeping_generated(CacheLimits::new(10 * MINUTE).max_entries(2));
    for id in 0..3 {
        cache.write(id).await;
    }
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (2, 1));
    cache.clock.advance(10 * MINUTE);
    cache.write(3).await;
    assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (1, 3), "too old");
}

#[tokio::test]
async fn a_data_key_that_could_not_be_made_is_not_kept() {
    let cache = keeping_generated(CacheLimits::new(MINUTE));
    cache.calls.fail_next(KeyErrorKind::Throttled);
    let error = cache.provider.generate(&place(1).encryption_context()).await.unwrap_err();
    assert_eq!((error.kind(), cache.keys_held()), (KeyErrorKind::Throttled, 0));
}

/// The shared key of a context is inserted with every record, and takes one entry.
#[tokio::test]
async fn a_shared_key_takes_one_entry_of_the_cache() {
    let shared =
        SharedKeyProvider::new(TestKeyProvider::default(), SharingLimits::new(MINUTE, 1_000));
    let counters = Arc::<KeyCounters>::default();
    let cached = CachedKeyProvider::new(shared, CacheLimits::new(MINUTE).max_entries(2))
        .keeping_generated()
        .observed_by(Arc::clone(&counters) as _);
    let write = async |tenant: &'static str| {
        let context =
            Context::new("events").form(ContextForm::Table).pair("tenant", tenant).unwrap();
        seal(b"text", &context, &cached).await.unwrap()
    };
    for tenant in ["t1", "t2", "t1", "t1"] {
        write(tenant).await;
    }
    assert_eq!(counters.count(KeyEvent::Evicted), 0);
    let third = write("t3").await;
    assert_eq!(counters.count(KeyEvent::Evicted), 1);
    let first = write("t1").await;
    assert_eq!(counters.count(KeyEvent::Evicted), 1, "t2 was evicted, not t1");
    write("t4").await;
    write("t5").await;
    assert_eq!(counters.count(KeyEvent::Evicted), 3);
    assert_eq!(cached.inner().inner().generate_calls(), 5);
    assert_ne!(first.encrypted_dek, third.encrypted_dek);
}

#[tokio::test]
async fn a_wrong_context_does_not_evict_the_key() {
    let cache = cache(CacheLimits::new(MINUTE));
    let mut note = cache.fetched(1).await;
    *note.sealed.encrypted_payload.last_mut().unwrap() ^= 1;
    let error = open(&note.sealed, &place(1), &cache.provider).await.unwrap_err();
    assert!(matches!(error, OpenError::Authentication), "{error}");
    assert_eq!((cache.calls.unwrap_calls(), cache.count(KeyEvent::CacheHit)), (1, 1));
}

#[tokio::test]
async fn an_observer_is_optional() {
    let provider = CachedKeyProvider::new(TestKeyProvider::default(), CacheLimits::new(MINUTE));
    let note = Note { id: 1, sealed: seal(b"note 1", &place(1), &provider).await.unwrap() };
    for _ in 0..3 {
        assert_eq!(read_with(&note, &provider).await, Ok(()));
    }
    assert_eq!(
        provider.inner().unwrap_calls(),
        1,
        "by the clock of the system it is not a minute old"
    );
}

/// Panics at the first miss.
#[derive(Debug, Default)]
struct Clumsy(AtomicU8);

impl KeyObserver for Clumsy {
    fn observe(&self, event: KeyEvent) {
        assert!(
            event != KeyEvent::CacheMiss || self.0.fetch_add(1, Ordering::SeqCst) > 0,
            "a clumsy observer"
        );
    }
}

#[tokio::test]
async fn an_observer_that_panics_does_not_block_the_cache() {
    let cached = CachedKeyProvider::new(TestKeyProvider::default(), CacheLimits::new(MINUTE))
        .observed_by(Arc::new(Clumsy::default()));
    let provider = Arc::new(cached);
    let sealed = seal(b"note 1", &place(1), &provider).await.unwrap();
    let (note, reader) = (Note { id: 1, sealed: sealed.clone() }, Arc::clone(&provider));
    let first = tokio::spawn(async move { open(&sealed, &place(1), &reader).await });
    assert!(first.await.unwrap_err().is_panic());
    assert_eq!(read_with(&note, &provider).await, Ok(()));
    assert_eq!(read_with(&note, &provider).await, Ok(()));
    assert_eq!(provider.inner().unwrap_calls(), 1);
}
