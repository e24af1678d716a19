use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use envelope_core::{
    CacheLimits, CachedKeyProvider, Context, ContextForm, DataKey, EncryptionContext, GeneratedKey,
    KeyError, KeyErrorKind, KeyEvent, KeyFuture, SharedKeyProvider, SharingLimits, UnwrapKey,
    WrapKey, WrappedKey, seal,
};

use super::{Cache, MINUTE, Note, TestKeyProvider, Wakes, cache, place, poll, read_with, text};

/// A note whose key is not in the cache and not returned until the calls are released.
async fn held() -> (Cache, Note) {
    let cache = cache(CacheLimits::new(MINUTE));
    let note = cache.write(1).await;
    cache.calls.hold();
    (cache, note)
}

#[tokio::test]
async fn any_number_of_readers_share_one_call() {
    let (cache, note) = held().await;
    let mut readers: Vec<_> = (0..64).map(|_| Box::pin(cache.read(&note))).collect();
    for reader in &mut readers {
        assert!(poll(&mut reader.as_mut()).is_pending());
    }
    assert_eq!(cache.count(KeyEvent::CacheMiss), 64);
    cache.calls.release();
    for reader in &mut readers {
        assert_eq!(poll(&mut reader.as_mut()), Poll::Ready(Ok(())));
    }
    assert_eq!(cache.calls.unwrap_calls(), 1);
    assert_eq!((cache.count(KeyEvent::Unwrapped), cache.count(KeyEvent::CacheHit)), (1, 0));
}

#[tokio::test]
async fn all_readers_of_a_failed_call_get_its_error() {
    let (cache, note) = held().await;
    cache.calls.fail_next(KeyErrorKind::Throttled);
    let mut readers: Vec<_> = (0..8).map(|_| Box::pin(cache.read(&note))).collect();
    for reader in &mut readers {
        assert!(poll(&mut reader.as_mut()).is_pending());
    }
    cache.calls.release();
    for reader in &mut readers {
        assert_eq!(poll(&mut reader.as_mut()), Poll::Ready(Err(KeyErrorKind::Throttled)));
    }
    assert_eq!(cache.calls.unwrap_calls(), 1);
    assert_eq!((cache.count(KeyEvent::Failed), cache.count(KeyEvent::Evicted)), (1, 1));
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 2);
}

/// After a waiting future was dropped, the call continues for the other waiters. Without waiters it
/// is dropped too.
#[tokio::test]
async fn a_dropped_reader_leaves_nothing_behind() {
    let (cache, note) = held().await;
    let mut second = pin!(cache.read(&note));
    {
        let mut first = pin!(cache.read(&note));
        assert!(poll(&mut first).is_pending());
        assert!(poll(&mut second).is_pending());
    }
    cache.calls.release();
    assert_eq!(poll(&mut second), Poll::Ready(Ok(())));
    assert_eq!(
        cache.calls.unwrap_calls(),
        1,
        "the first reader's call was taken over, not made again"
    );

    let other = cache.write(2).await;
    cache.calls.hold();
    assert!(poll(&mut pin!(cache.read(&other))).is_pending());
    cache.calls.release();
    assert_eq!(cache.read(&other).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 3, "the second call was dropped with its last waiter");
}

/// The call wakes all waiters, so it does not matter which of them polled it.
#[tokio::test]
async fn waiters_are_woken_when_the_polling_waiter_is_dropped() {
    let (cache, note) = held().await;
    let (wakes, mut waiter) = (Arc::<Wakes>::default(), pin!(cache.read(&note)));
    {
        let mut driver = pin!(cache.read(&note));
        assert!(poll(&mut driver).is_pending() && wakes.poll(&mut waiter).is_pending());
    }
    assert_eq!(wakes.count(), 0);
    cache.calls.release();
    assert_eq!(wakes.count(), 1);
    assert_eq!(wakes.poll(&mut waiter), Poll::Ready(Ok(())));
    assert_eq!(cache.calls.unwrap_calls(), 1);
}

#[tokio::test]
async fn all_waiters_are_woken_once_when_a_call_continues() {
    let (cache, note) = held().await;
    let (first_wakes, second_wakes) = (Arc::<Wakes>::default(), Arc::<Wakes>::default());
    let (mut first, mut second) = (pin!(cache.read(&note)), pin!(cache.read(&note)));
    for _ in 0..3 {
        assert!(
            first_wakes.poll(&mut first).is_pending()
                && second_wakes.poll(&mut second).is_pending()
        );
    }
    cache.calls.release();
    assert_eq!(
        (first_wakes.count(), second_wakes.count()),
        (1, 1),
        "however often they were polled"
    );
    assert_eq!(
        second_wakes.poll(&mut second),
        Poll::Ready(Ok(())),
        "any of them can poll the call"
    );
    assert_eq!(first_wakes.poll(&mut first), Poll::Ready(Ok(())));
}

/// Reports the begin of a call. The first call blocks its thread until told to continue.
#[derive(Debug)]
struct Blocking {
    began: Sender<()>,
    go_on: Mutex<Option<Receiver<()>>>,
    inner: TestKeyProvider,
}

impl UnwrapKey for Blocking {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            self.began.send(()).unwrap();
            let go_on = self.go_on.lock().unwrap().take();
            go_on.into_iter().for_each(|go_on| go_on.recv().unwrap());
            self.inner.unwrap_key(wrapped, context).await
        })
    }
}

/// A cache around such a provider, a note, the receiver of begins, and the sender that continues.
async fn blocking() -> (CachedKeyProvider<Blocking>, Note, Receiver<()>, Sender<()>) {
    let ((began, has_begun), (go_on, told_to_go_on)) = (channel(), channel());
    let inner = TestKeyProvider::default();
    let note = Note { id: 1, sealed: seal(text(1).as_bytes(), &place(1), &inner).await.unwrap() };
    let blocking = Blocking { began, go_on: Mutex::new(Some(told_to_go_on)), inner };
    let provider = CachedKeyProvider::new(blocking, CacheLimits::new(MINUTE));
    (provider, note, has_begun, go_on)
}

#[tokio::test]
async fn a_waiter_does_not_block_while_another_thread_polls() {
    let (provider, note, has_begun, go_on) = blocking().await;
    let (wakes, mut waiter) = (Arc::<Wakes>::default(), pin!(read_with(&note, &provider)));
    std::thread::scope(|scope| {
        let go_on = go_on; // a failure here drops it, and ends the other thread
        let driver = scope.spawn(|| poll(&mut pin!(read_with(&note, &provider))));
        has_begun.recv().unwrap();
        assert!(wakes.poll(&mut waiter).is_pending());
        assert_eq!(wakes.count(), 0);
        go_on.send(()).unwrap();
        assert_eq!(driver.join().unwrap(), Poll::Ready(Ok(())));
    });
    assert_eq!(wakes.count(), 1);
    assert_eq!(wakes.poll(&mut waiter), Poll::Ready(Ok(())));
    assert_eq!(provider.inner().inner.unwrap_calls(), 1);
}

#[tokio::test]
async fn a_key_that_was_cleared_during_its_call_is_not_stored() {
    let (cache, note) = held().await;
    let mut reader = pin!(cache.read(&note));
    assert!(poll(&mut reader).is_pending());
    cache.provider.clear();
    cache.calls.release();
    assert_eq!(poll(&mut reader), Poll::Ready(Ok(())));
    assert_eq!(cache.keys_held(), 0);
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(cache.calls.unwrap_calls(), 2);
}

#[tokio::test]
async fn a_call_that_ends_after_its_successor_changes_nothing() {
    for (fault, expected) in
        [(None, Ok(())), (Some(KeyErrorKind::AccessDenied), Err(KeyErrorKind::AccessDenied))]
    {
        let (cache, note) = held().await;
        let (mut first, mut second) = (pin!(cache.read(&note)), pin!(cache.read(&note)));
        assert!(poll(&mut first).is_pending());
        cache.provider.clear();
        assert!(poll(&mut second).is_pending());
        fault.into_iter().for_each(|kind| cache.calls.fail_next(kind));
        cache.calls.release();
        assert_eq!(poll(&mut first), Poll::Ready(expected));
        assert_eq!((cache.keys_held(), cache.count(KeyEvent::Evicted)), (0, 0));
        assert_eq!(poll(&mut second), Poll::Ready(Ok(())));
        assert_eq!(cache.read(&note).await, Ok(()));
        assert_eq!(cache.calls.unwrap_calls(), 2);
    }
}

#[tokio::test]
async fn waiters_are_woken_when_the_polling_thread_panics() {
    let (provider, note, has_begun, go_on) = blocking().await;
    let (wakes, mut waiter) = (Arc::<Wakes>::default(), pin!(read_with(&note, &provider)));
    std::thread::scope(|scope| {
        let driver = scope.spawn(|| poll(&mut pin!(read_with(&note, &provider))));
        has_begun.recv().unwrap();
        assert!(wakes.poll(&mut waiter).is_pending());
        drop(go_on);
        assert!(driver.join().is_err());
    });
    assert_eq!(wakes.count(), 1);
    assert_eq!(wakes.poll(&mut waiter), Poll::Ready(Err(KeyErrorKind::Other)));
}

/// Panics at its first call.
#[derive(Debug, Default)]
struct Panicking {
    inner: TestKeyProvider,
    has_panicked: AtomicBool,
}

impl Panicking {
    fn panic_once(&self) {
        assert!(self.has_panicked.swap(true, Ordering::SeqCst), "a provider that panics");
    }
}

impl UnwrapKey for Panicking {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            let key = self.inner.unwrap_key(wrapped, context).await;
            self.panic_once();
            key
        })
    }
}

impl WrapKey for Panicking {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async move {
            let generated = self.inner.generate(context).await;
            self.panic_once();
            generated
        })
    }
}

fn assert_says_so<T: std::fmt::Debug>(outcome: Poll<Result<T, KeyError>>) {
    let Poll::Ready(Err(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.kind(), KeyErrorKind::Other);
    assert!(error.to_string().ends_with(": the key provider panicked"), "{error}");
}

#[tokio::test]
async fn a_panic_fails_all_waiting_readers_but_not_the_next_one() {
    let context = place(1).encryption_context();
    let GeneratedKey { data_key, wrapped } =
        TestKeyProvider::default().generate(&context).await.unwrap();
    let provider = CachedKeyProvider::new(Panicking::default(), CacheLimits::new(MINUTE));
    let read = || provider.unwrap_key(&wrapped, &context);
    provider.inner().inner.hold();
    let (mut driver, mut first, mut second) = (pin!(read()), pin!(read()), pin!(read()));
    for reader in [&mut driver, &mut first, &mut second] {
        assert!(poll(reader).is_pending());
    }
    provider.inner().inner.release();
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut driver))).is_err());
    assert_says_so(poll(&mut first));
    assert_eq!(read().await.unwrap().expose(), data_key.expose());
    assert_says_so(poll(&mut second));
    assert_eq!(read().await.unwrap().expose(), data_key.expose());
    assert_eq!(provider.inner().inner.unwrap_calls(), 2);
}

#[tokio::test]
async fn a_panic_without_other_waiters_fails_nobody_else() {
    let context = place(1).encryption_context();
    let GeneratedKey { data_key, wrapped } =
        TestKeyProvider::default().generate(&context).await.unwrap();
    let provider = CachedKeyProvider::new(Panicking::default(), CacheLimits::new(MINUTE));
    let read = || provider.unwrap_key(&wrapped, &context);
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut pin!(read())))).is_err());
    assert_eq!(read().await.unwrap().expose(), data_key.expose());
    assert_eq!(provider.inner().inner.unwrap_calls(), 2);
}

/// The reader that began the call is not polled: its runtime is gone, for example.
#[tokio::test]
async fn another_reader_repeats_a_call_that_panicked() {
    let context = place(1).encryption_context();
    let GeneratedKey { data_key, wrapped } =
        TestKeyProvider::default().generate(&context).await.unwrap();
    let provider = CachedKeyProvider::new(Panicking::default(), CacheLimits::new(MINUTE));
    let read = || provider.unwrap_key(&wrapped, &context);
    provider.inner().inner.hold();
    let mut paused = pin!(read());
    assert!(poll(&mut paused).is_pending());
    provider.inner().inner.release();
    assert_eq!(read().await.unwrap().expose(), data_key.expose());
    assert_says_so(poll(&mut paused));
    assert_eq!(provider.inner().inner.unwrap_calls(), 2);
}

#[tokio::test]
async fn a_panic_fails_all_waiting_writers_but_not_the_next_one() {
    let context = Context::new("events").form(ContextForm::Table).encryption_context();
    let provider = SharedKeyProvider::new(Panicking::default(), SharingLimits::new(MINUTE, 1_000));
    let write = || provider.generate(&context);
    provider.inner().inner.hold();
    let (mut driver, mut first, mut second) = (pin!(write()), pin!(write()), pin!(write()));
    for writer in [&mut driver, &mut first, &mut second] {
        assert!(poll(writer).is_pending());
    }
    provider.inner().inner.release();
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut driver))).is_err());
    assert_says_so(poll(&mut first));
    let key = write().await.unwrap();
    assert_says_so(poll(&mut second));
    assert_eq!(write().await.unwrap().data_key.expose(), key.data_key.expose());
    assert_eq!(provider.inner().inner.generate_calls(), 2);
}
