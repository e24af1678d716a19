//! Callers that give up or are not polled. A call belongs to its waiters only.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{self, Poll, Wake, Waker};
use std::time::Duration;

use envelope_core::testing::TestClock;
use envelope_core::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, CachedKeyProvider, Clock,
    Context, ContextForm, DataKey, EncryptionContext, GeneratedKey, HierarchicalKeyProvider,
    KeyError, KeyErrorKind, KeyFuture, SharedKeyProvider, SharingLimits, UnwrapKey, WrapKey,
    WrappedKey,
};

use super::{MINUTE, SECOND, TestKeyProvider, Wakes, cache, place, poll};

/// Counts the calls in progress: those that hold a permit if the number of calls is limited.
#[derive(Clone, Debug, Default)]
struct Counted {
    inner: TestKeyProvider,
    under_way: Arc<AtomicUsize>,
}

/// A call in progress.
struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Counted {
    fn permit(&self) -> Permit {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        Permit(Arc::clone(&self.under_way))
    }

    fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }
}

impl UnwrapKey for Counted {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            let _permit = self.permit();
            self.inner.unwrap_key(wrapped, context).await
        })
    }
}

impl WrapKey for Counted {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async move {
            let _permit = self.permit();
            self.inner.generate(context).await
        })
    }
}

impl BranchKeyStore for Counted {
    fn active<'a>(&'a self, _: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        Box::pin(async { Ok(BranchVersion::from_bytes([7; 16])) })
    }

    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        Box::pin(async move {
            let generated = self.generate(&events(branch.as_str())).await?;
            Ok(BranchKey::new(branch.clone(), version, generated.data_key))
        })
    }
}

fn events(tenant: &str) -> EncryptionContext {
    let context =
        Context::new("events").form(ContextForm::Table).pair("tenant", tenant.to_owned()).unwrap();
    context.encryption_context()
}

#[tokio::test]
async fn dropped_callers_leave_no_call_in_progress() {
    let calls = Counted::default();
    let limits = CacheLimits::new(MINUTE);
    let cached = CachedKeyProvider::new(calls.clone(), limits);
    let shared = SharedKeyProvider::new(calls.clone(), SharingLimits::new(MINUTE, 1_000));
    let branches = HierarchicalKeyProvider::per_pair(calls.clone(), "tenant", limits);
    let wrapped = calls.generate(&events("t_0")).await.unwrap().wrapped;
    calls.inner.hold();
    for tenant in 0..10 {
        let context = events(&format!("t_{tenant}"));
        let mut reader = pin!(cached.unwrap_key(&wrapped, &context));
        let (mut writer, mut deriver) =
            (pin!(shared.generate(&context)), pin!(branches.generate(&context)));
        assert!(
            poll(&mut reader).is_pending()
                && poll(&mut writer).is_pending()
                && poll(&mut deriver).is_pending()
        );
        assert_eq!(calls.under_way(), 3);
    }
    assert_eq!(calls.under_way(), 0);
}

/// Answers within five seconds of the begin of a call or not at all, like a client with a deadline.
#[derive(Debug, Default)]
struct Deadline {
    inner: TestKeyProvider,
    clock: Arc<TestClock>,
}

impl UnwrapKey for Deadline {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            let began = self.clock.now();
            let key = self.inner.unwrap_key(wrapped, context).await;
            if self.clock.now().duration_since(began) >= Duration::from_secs(5) {
                return Err(KeyError::new(KeyErrorKind::Unreachable, "no answer in time"));
            }
            key
        })
    }
}

#[tokio::test]
async fn a_caller_after_one_that_gave_up_makes_its_own_call() {
    let context = place(1).encryption_context();
    let wrapped = TestKeyProvider::default().generate(&context).await.unwrap().wrapped;
    for gives_up in [true, false] {
        let provider = CachedKeyProvider::new(Deadline::default(), CacheLimits::new(MINUTE));
        provider.inner().inner.hold();
        let mut first = Some(Box::pin(provider.unwrap_key(&wrapped, &context)));
        assert!(first.iter_mut().all(|first| poll(&mut first.as_mut()).is_pending()));
        if gives_up {
            first = None;
        }
        provider.inner().inner.release();
        provider.inner().clock.advance(30 * SECOND);
        provider.unwrap_key(&wrapped, &context).await.unwrap();
        assert_eq!(provider.inner().inner.unwrap_calls(), 2);
        if let Some(first) = &mut first {
            let Poll::Ready(Err(error)) = poll(&mut first.as_mut()) else {
                panic!("its own call took too long")
            };
            assert_eq!(error.kind(), KeyErrorKind::Unreachable);
        }
        provider.unwrap_key(&wrapped, &context).await.unwrap();
        assert_eq!(provider.inner().inner.unwrap_calls(), 2, "the key of the second call is kept");
    }
}

#[tokio::test]
async fn a_caller_that_is_not_polled_delays_nobody() {
    let cache = cache(CacheLimits::new(MINUTE));
    let note = cache.write(1).await;
    cache.calls.hold();
    let (mut paused, mut reader) = (pin!(cache.read(&note)), pin!(cache.read(&note)));
    assert!(poll(&mut paused).is_pending() && poll(&mut reader).is_pending());
    cache.calls.release();
    assert_eq!(poll(&mut reader), Poll::Ready(Ok(())));
    assert_eq!(cache.read(&note).await, Ok(()));
    assert_eq!(poll(&mut paused), Poll::Ready(Ok(())));
    assert_eq!(cache.calls.unwrap_calls(), 1);
}

/// Runs its calls in tasks of the runtime on which they begin.
#[derive(Clone, Debug, Default)]
struct OnRuntime(Counted);

impl UnwrapKey for OnRuntime {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            let (calls, wrapped, context) = (self.0.clone(), wrapped.to_vec(), context.clone());
            tokio::spawn(async move { calls.unwrap_key(&wrapped, &context).await }).await.unwrap()
        })
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

#[test]
fn a_call_on_a_runtime_that_is_gone_is_repeated() {
    let context = Arc::new(place(1).encryption_context());
    let calls = OnRuntime::default();
    let wrapped = Arc::new(runtime().block_on(calls.0.inner.generate(&context)).unwrap().wrapped);
    let provider = Arc::new(CachedKeyProvider::new(calls.clone(), CacheLimits::new(MINUTE)));
    calls.0.inner.hold();
    // The task of the first caller ends with its runtime. The future of the second outlives it.
    let mut outliving = Box::pin(provider.unwrap_key(&wrapped, &context));
    {
        let gone = runtime();
        let (provider, wrapped, context) =
            (Arc::clone(&provider), Arc::clone(&wrapped), Arc::clone(&context));
        gone.spawn(async move { provider.unwrap_key(&wrapped, &context).await.map(drop) });
        gone.block_on(tokio::task::yield_now());
        assert_eq!(calls.0.inner.unwrap_calls(), 1);
    }
    runtime().block_on(async {
        let mut outliving = outliving.as_mut();
        assert!(poll(&mut outliving).is_pending());
        tokio::task::yield_now().await;
    });
    assert_eq!(calls.0.inner.unwrap_calls(), 2);
    calls.0.inner.release();
    runtime().block_on(provider.unwrap_key(&wrapped, &context)).unwrap();
    assert_eq!(calls.0.inner.unwrap_calls(), 3);
}

/// Its first call wakes itself while it is polled, then polls `meanwhile`, and does not continue
/// before it is polled again.
struct Reentrant<F: Fn() + Send + Sync>(F, TestKeyProvider);

impl<F: Fn() + Send + Sync> std::fmt::Debug for Reentrant<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reentrant")
    }
}

impl<F: Fn() + Send + Sync> UnwrapKey for Reentrant<F> {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            let mut is_polled_first = true;
            std::future::poll_fn(|context| {
                if !std::mem::take(&mut is_polled_first) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                (self.0)();
                Poll::Pending
            })
            .await;
            self.1.unwrap_key(wrapped, context).await
        })
    }
}

/// Two threads at the worst moment: the call is woken while the first one polls it, and then the
/// second one polls.
#[tokio::test]
async fn a_caller_during_a_poll_is_woken_if_the_call_was_woken() {
    type Later = Box<dyn FnMut() + Send>;
    let second: Arc<std::sync::Mutex<Option<Later>>> = Arc::default();
    let meanwhile = {
        let second = Arc::clone(&second);
        move || {
            let mut later = second.lock().unwrap().take();
            later.iter_mut().for_each(|later| later());
        }
    };
    let context = Arc::new(place(1).encryption_context());
    let wrapped = Arc::new(TestKeyProvider::default().generate(&context).await.unwrap().wrapped);
    let calls = Reentrant(meanwhile, TestKeyProvider::default());
    let provider = Arc::new(CachedKeyProvider::new(calls, CacheLimits::new(MINUTE)));
    let waiter: Arc<std::sync::Mutex<KeyFuture<'static, DataKey>>> =
        Arc::new(std::sync::Mutex::new({
            let (provider, wrapped, context) =
                (Arc::clone(&provider), Arc::clone(&wrapped), Arc::clone(&context));
            Box::pin(async move { provider.unwrap_key(&wrapped, &context).await })
        }));
    let wakes = Arc::<Wakes>::default();
    *second.lock().unwrap() = Some(Box::new({
        let (waiter, wakes) = (Arc::clone(&waiter), Arc::clone(&wakes));
        move || assert!(wakes.poll(&mut waiter.lock().unwrap().as_mut()).is_pending())
    }));
    let first_wakes = Arc::<Wakes>::default();
    let mut first = pin!(provider.unwrap_key(&wrapped, &context));
    assert!(first_wakes.poll(&mut first).is_pending());
    assert_eq!((first_wakes.count(), wakes.count()), (1, 1), "the first may never be polled again");
    assert!(wakes.poll(&mut waiter.lock().unwrap().as_mut()).is_ready());
}

/// Polls its future whenever it is woken, on the thread that wakes it.
struct Block(std::thread::Thread);

impl Wake for Block {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Block(std::thread::current())));
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut task::Context::from_waker(&waker)) {
            return Some(output);
        }
        std::thread::park();
    }
    None
}

/// Each call is woken from another thread, several times; every third caller gives up after a poll.
#[test]
fn no_wake_up_is_lost_between_threads() {
    #[derive(Debug)]
    struct Elsewhere(DataKey);
    impl UnwrapKey for Elsewhere {
        fn unwrap_key<'a>(
            &'a self,
            _: &'a [WrappedKey],
            _: &'a EncryptionContext,
        ) -> KeyFuture<'a, DataKey> {
            Box::pin(async move {
                for _ in 0..3 {
                    let mut is_woken = false;
                    std::future::poll_fn(|context| {
                        if std::mem::replace(&mut is_woken, true) {
                            return Poll::Ready(());
                        }
                        let waker = context.waker().clone();
                        std::thread::spawn(move || waker.wake());
                        Poll::Pending
                    })
                    .await;
                }
                Ok(self.0.share())
            })
        }
    }
    let provider =
        CachedKeyProvider::new(Elsewhere(DataKey::generate().unwrap()), CacheLimits::new(MINUTE));
    let wrapped =
        block_on(TestKeyProvider::default().generate(&events("t")), 1).unwrap().unwrap().wrapped;
    for round in 0..50 {
        let context = events(&round.to_string());
        std::thread::scope(|scope| {
            for caller in 0..6 {
                let (provider, wrapped, context) = (&provider, &wrapped, &context);
                scope.spawn(move || {
                    let polls = if caller % 3 == 0 { 1 } else { usize::MAX };
                    let key = block_on(provider.unwrap_key(wrapped, context), polls);
                    assert!(key.map_or(caller % 3 == 0, |key| key.is_ok()));
                });
            }
        });
    }
}
