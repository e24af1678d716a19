//! For tests of code that uses key providers: calls counted, faults injected, time set by hand.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use crate::{
    Clock, DataKey, EncryptionContext, GeneratedKey, KeyError, KeyErrorKind, KeyFuture,
    LocalKeyProvider, Recipient, RootKey, UnwrapKey, WrapKey, WrappedKey,
};

/// A provider that counts its calls, and fails or waits when told to.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_core::testing::TestKeyProvider;
/// use envelope_core::{Context, KeyErrorKind, open, seal};
///
/// let provider = TestKeyProvider::default();
/// let context = Context::new("letters");
/// let sealed = seal(b"dear", &context, &provider).await?;
/// open(&sealed, &context, &provider).await?;
/// assert_eq!((provider.generate_calls(), provider.unwrap_calls()), (1, 1));
///
/// provider.fail_next(KeyErrorKind::Throttled);
/// assert!(open(&sealed, &context, &provider).await.is_err());
/// provider.assert_calls_at_most(3);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct TestKeyProvider(Arc<Inner>);

struct Inner {
    provider: LocalKeyProvider,
    generated: AtomicU64,
    unwrapped: AtomicU64,
    wrapped: AtomicU64,
    plan: Mutex<Plan>,
}

#[derive(Default)]
struct Plan {
    next: VecDeque<KeyErrorKind>,
    always: Option<KeyErrorKind>,
    held: bool,
    waiting: Vec<Waker>,
}

impl TestKeyProvider {
    /// A provider whose every call succeeds, around `root`.
    #[must_use]
    pub fn new(root: RootKey) -> Self {
        Self(Arc::new(Inner {
            provider: LocalKeyProvider::new(root),
            generated: AtomicU64::new(0),
            unwrapped: AtomicU64::new(0),
            wrapped: AtomicU64::new(0),
            plan: Mutex::default(),
        }))
    }

    /// How many data keys were asked for.
    #[must_use]
    pub fn generate_calls(&self) -> u64 {
        self.0.generated.load(Ordering::SeqCst)
    }

    /// How many data keys were asked to be unwrapped.
    #[must_use]
    pub fn unwrap_calls(&self) -> u64 {
        self.0.unwrapped.load(Ordering::SeqCst)
    }

    /// How often a data key that existed already was asked to be wrapped, for a further party.
    #[must_use]
    pub fn wrap_calls(&self) -> u64 {
        self.0.wrapped.load(Ordering::SeqCst)
    }

    /// Makes the next call fail; several wait in line.
    pub fn fail_next(&self, kind: KeyErrorKind) {
        self.plan().next.push_back(kind);
    }

    /// Makes every call fail until [`recover`](Self::recover).
    pub fn fail_always(&self, kind: KeyErrorKind) {
        self.plan().always = Some(kind);
    }

    /// Ends all faults.
    pub fn recover(&self) {
        let mut plan = self.plan();
        plan.next.clear();
        plan.always = None;
    }

    /// Makes calls wait until [`release`](Self::release); they are counted when they begin.
    pub fn hold(&self) {
        self.plan().held = true;
    }

    /// Lets the calls go on that wait.
    pub fn release(&self) {
        let mut plan = self.plan();
        plan.held = false;
        plan.waiting.drain(..).for_each(Waker::wake);
    }

    /// Asserts that this handler, job or test made `calls` calls or fewer.
    ///
    /// # Panics
    ///
    /// When it made more, with how many of each kind.
    #[track_caller]
    pub fn assert_calls_at_most(&self, calls: u64) {
        let (generated, wrapped, unwrapped) =
            (self.generate_calls(), self.wrap_calls(), self.unwrap_calls());
        assert!(
            generated + wrapped + unwrapped <= calls,
            "{generated} data keys were generated, {wrapped} wrapped and {unwrapped} unwrapped, more than {calls} calls in all"
        );
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn outcome(&self) -> Result<(), KeyError> {
        std::future::poll_fn(|context| {
            let mut plan = self.plan();
            if plan.held {
                plan.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        let mut plan = self.plan();
        match plan.next.pop_front().or(plan.always) {
            Some(kind) => Err(KeyError::new(kind, "a fault that was asked for")),
            None => Ok(()),
        }
    }
}

impl Default for TestKeyProvider {
    /// A provider around a root key that every test shares; what one seals another opens.
    fn default() -> Self {
        match RootKey::from_bytes(b"a root key that protects nothing") {
            Ok(root) => Self::new(root),
            Err(_) => unreachable!("the text is 32 bytes long"),
        }
    }
}

impl WrapKey for TestKeyProvider {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async move {
            self.0.generated.fetch_add(1, Ordering::SeqCst);
            self.outcome().await?;
            self.0.provider.generate(context).await
        })
    }
}

impl Recipient for TestKeyProvider {
    fn wrap_data_key<'a>(
        &'a self,
        data_key: &'a DataKey,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async move {
            self.0.wrapped.fetch_add(1, Ordering::SeqCst);
            self.outcome().await?;
            self.0.provider.wrap_data_key(data_key, context).await
        })
    }
}

impl UnwrapKey for TestKeyProvider {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            self.0.unwrapped.fetch_add(1, Ordering::SeqCst);
            self.outcome().await?;
            self.0.provider.unwrap_key(wrapped, context).await
        })
    }
}

impl fmt::Debug for TestKeyProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "TestKeyProvider({} generated, {} unwrapped)",
            self.generate_calls(),
            self.unwrap_calls()
        )
    }
}

/// A clock that moves when told to.
#[derive(Debug)]
pub struct TestClock {
    start: Instant,
    started_at: SystemTime,
    passed: Mutex<Duration>,
}

impl Default for TestClock {
    fn default() -> Self {
        Self { start: Instant::now(), started_at: SystemTime::now(), passed: Mutex::default() }
    }
}

impl TestClock {
    /// Moves on by `time`.
    pub fn advance(&self, time: Duration) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.start + *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn system_time(&self) -> SystemTime {
        self.started_at + *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
