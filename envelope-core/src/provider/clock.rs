//! The time that key providers use. Tests replace it.

use std::fmt;
use std::time::{Instant, SystemTime};

/// The clocks that the ages of keys are measured by.
///
/// A cache measures each span of time by both, and takes the longer one. [`Instant`] may stand still
/// while a machine is suspended or a function in the cloud is frozen, and the time of day may be set
/// back.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present time; never earlier than the last result.
    fn now(&self) -> Instant;

    /// The time of day, for comparisons between machines.
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
