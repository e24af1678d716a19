//! For tests of code that uses key providers: count calls, inject faults, and set the time.
//!
//! [`TestKeyProvider`] counts its calls, and fails or waits when told to. [`TestClock`] is the
//! clock of a cache.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use std::time::Duration;
//! # use envelope_core as envelope_dynamo;
//! use envelope_dynamo::keys::{CacheLimits, CachedKeyProvider};
//! use envelope_dynamo::message::{Context, open, seal};
//! use envelope_dynamo::testing::{TestClock, TestKeyProvider};
//!
//! let clock = Arc::new(TestClock::default());
//! let limits = CacheLimits::new(Duration::from_secs(300));
//! let provider = CachedKeyProvider::new(TestKeyProvider::default(), limits)
//!     .with_clock(clock.clone());
//! let context = Context::new("letters");
//! let sealed = seal(b"dear", &context, &provider).await?;
//! open(&sealed, &context, &provider).await?;
//! clock.advance(Duration::from_secs(301));
//! open(&sealed, &context, &provider).await?;
//! assert_eq!(provider.inner().unwrap_calls(), 2, "the key in the cache has expired");
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

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
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::KeyErrorKind;
/// use envelope_dynamo::message::{Context, open, seal};
/// use envelope_dynamo::testing::TestKeyProvider;
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
    /// A provider around `root`. Every call succeeds until a fault is injected.
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

    /// How often a data key was requested.
    #[must_use]
    pub fn generate_calls(&self) -> u64 {
        self.0.generated.load(Ordering::SeqCst)
    }

    /// How often the unwrapping of a data key was requested.
    #[must_use]
    pub fn unwrap_calls(&self) -> u64 {
        self.0.unwrapped.load(Ordering::SeqCst)
    }

    /// How often the wrapping of an existing data key was requested, for a further party.
    #[must_use]
    pub fn wrap_calls(&self) -> u64 {
        self.0.wrapped.load(Ordering::SeqCst)
    }

    /// Makes the next call fail. Several faults are used one after the other.
    pub fn fail_next(&self, kind: KeyErrorKind) {
        self.plan().next.push_back(kind);
    }

    /// Makes every call fail until [`recover`](Self::recover).
    pub fn fail_always(&self, kind: KeyErrorKind) {
        self.plan().always = Some(kind);
    }

    /// Removes all faults.
    pub fn recover(&self) {
        let mut plan = self.plan();
        plan.next.clear();
        plan.always = None;
    }

    /// Makes calls wait until [`release`](Self::release). They are counted when they begin.
    pub fn hold(&self) {
        self.plan().held = true;
    }

    /// Lets the waiting calls continue.
    pub fn release(&self) {
        let mut plan = self.plan();
        plan.held = false;
        plan.waiting.drain(..).for_each(Waker::wake);
    }

    /// Asserts that the code under test made at most `calls` calls.
    ///
    /// # Panics
    ///
    /// If it made more calls. The message has the number of each kind.
    #[track_caller]
    pub fn assert_calls_at_most(&self, calls: u64) {
        let (generated, wrapped, unwrapped) =
            (self.generate_calls(), self.wrap_calls(), self.unwrap_calls());
        assert!(
            generated + wrapped + unwrapped <= calls,
            "expected at most {calls} calls, but {generated} data keys were generated, {wrapped} \
             wrapped and {unwrapped} unwrapped"
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
            Some(kind) => Err(KeyError::new(kind, "injected by the test")),
            None => Ok(()),
        }
    }
}

impl Default for TestKeyProvider {
    /// A provider around a fixed root key. All default providers open each other's records.
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

/// A clock that moves only with [`advance`](Self::advance) and [`suspend`](Self::suspend).
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use std::time::Duration;
/// use envelope_dynamo::keys::Clock;
/// use envelope_dynamo::testing::TestClock;
///
/// let clock = TestClock::default();
/// let (instant, time_of_day) = (clock.now(), clock.system_time());
/// clock.advance(Duration::from_secs(60));
/// clock.suspend(Duration::from_secs(3_600));
/// assert_eq!(clock.now() - instant, Duration::from_secs(60));
/// let passed = clock.system_time().duration_since(time_of_day).unwrap();
/// assert_eq!(passed, Duration::from_secs(3_660));
/// ```
#[derive(Debug)]
pub struct TestClock {
    start: Instant,
    started_at: SystemTime,
    passed: Mutex<Duration>,
    suspended: Mutex<Duration>,
}

impl Default for TestClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            started_at: SystemTime::now(),
            passed: Mutex::default(),
            suspended: Mutex::default(),
        }
    }
}

impl TestClock {
    /// Moves the clock forward by `time`.
    pub fn advance(&self, time: Duration) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }

    /// Moves the time of day forward by `time`. The monotonic clock stands still, as it may while a
    /// machine is suspended or a function in the cloud is frozen.
    pub fn suspend(&self, time: Duration) {
        *self.suspended.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.start + *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn system_time(&self) -> SystemTime {
        let suspended = *self.suspended.lock().unwrap_or_else(PoisonError::into_inner);
        self.started_at + suspended + *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
