//! The time that key providers use. Tests replace it.

use std::fmt;
use std::time::{Instant, SystemTime};

/// The clocks that the ages of keys are measured by.
///
/// A cache measures each span of time by both, and takes the longer one. [`Instant`] may stand
/// still while a machine is suspended or a function in the cloud is frozen, and the time of day may
/// be set back.
///
/// Tests use `TestClock` (feature `testing`), or a clock of their own:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::{Duration, Instant, SystemTime};
/// use envelope_dynamo::keys::{CacheLimits, CachedKeyProvider, Clock, SystemClock};
/// use envelope_dynamo::message::{Context, open, seal};
/// use envelope_dynamo::testing::TestKeyProvider;
///
/// /// A laptop that sleeps: its monotonic clock stands still.
/// #[derive(Debug)]
/// struct Asleep {
///     since: Instant,
///     seconds: AtomicU64,
/// }
///
/// impl Clock for Asleep {
///     fn now(&self) -> Instant {
///         self.since
///     }
///
///     fn system_time(&self) -> SystemTime {
///         SystemTime::UNIX_EPOCH + Duration::from_secs(self.seconds.load(Ordering::Relaxed))
///     }
/// }
///
/// let clock = Arc::new(Asleep { since: SystemClock.now(), seconds: AtomicU64::new(0) });
/// let limits = CacheLimits::new(Duration::from_secs(300));
/// let keys = CachedKeyProvider::new(TestKeyProvider::default(), limits).with_clock(clock.clone());
/// let context = Context::new("letters");
/// let sealed = seal(b"dear", &context, &keys).await?;
///
/// open(&sealed, &context, &keys).await?;
/// clock.seconds.store(3600, Ordering::Relaxed);
/// open(&sealed, &context, &keys).await?;
/// assert_eq!(keys.inner().unwrap_calls(), 2, "the key of before the sleep was not used");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present time; never earlier than the last result.
    fn now(&self) -> Instant;

    /// The time of day, for comparisons between machines.
    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// The clocks of the system, which providers use by default. [`Clock`] has an example.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}
