//! Time as key providers see it; a test's own time in tests.

use std::fmt;
use std::time::{Instant, SystemTime};

/// Tells the time that ages of keys are measured by.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Now; never earlier than before.
    fn now(&self) -> Instant;

    /// The time of day, for what is compared across machines.
    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// The monotonic clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}
