//! The true time, and clocks of processes that are wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use envelope_dynamo::keys::Clock;

/// The day on which a history begins, in seconds since 1970.
const START: u64 = 1_800_000_000;

/// By how much the time of day of a process may be wrong, in seconds. AWS refuses requests from 15
/// minutes on; a minute is left for a rotation that is stored late.
pub(super) const MAX_SKEW: i64 = 14 * 60;

/// The true time, in seconds since the history began.
#[derive(Clone, Debug, Default)]
pub(super) struct Time(Arc<AtomicU64>);

impl Time {
    pub(super) fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// The clocks of a process. One of them tells how much time passes: if `Instant` stands still, the
/// time of day runs on; if the time of day jumps, `Instant` runs on.
#[derive(Debug)]
pub(super) struct ProcessClock {
    time: Time,
    start: Instant,
    /// By how many seconds the time of day is wrong.
    skew: AtomicI64,
    /// How many seconds `Instant` has missed.
    missed: AtomicU64,
    is_frozen: AtomicBool,
    frozen_since: AtomicU64,
}

impl ProcessClock {
    pub(super) fn new(time: &Time, skew: i64) -> Self {
        Self {
            time: time.clone(),
            start: Instant::now(),
            skew: skew.into(),
            missed: 0.into(),
            is_frozen: false.into(),
            frozen_since: 0.into(),
        }
    }

    /// Sets the time of day.
    pub(super) fn set_skew(&self, skew: i64) {
        self.skew.store(skew, Ordering::SeqCst);
    }

    /// Stops `Instant`, or lets it run again from where it stood.
    pub(super) fn freeze(&self, is_frozen: bool) {
        let now = self.time.now();
        if self.is_frozen.swap(is_frozen, Ordering::SeqCst) {
            let stood = now - self.frozen_since.load(Ordering::SeqCst);
            self.missed.fetch_add(stood, Ordering::SeqCst);
        }
        self.frozen_since.store(now, Ordering::SeqCst);
    }
}

impl Clock for ProcessClock {
    fn now(&self) -> Instant {
        let now = match self.is_frozen.load(Ordering::SeqCst) {
            true => self.frozen_since.load(Ordering::SeqCst),
            false => self.time.now(),
        };
        self.start + Duration::from_secs(now - self.missed.load(Ordering::SeqCst))
    }

    fn system_time(&self) -> SystemTime {
        let now = START + self.time.now();
        let now = now.checked_add_signed(self.skew.load(Ordering::SeqCst)).unwrap();
        UNIX_EPOCH + Duration::from_secs(now)
    }
}
