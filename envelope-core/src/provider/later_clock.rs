//! The clock of caches: it does not stop while the machine is suspended.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::clock::Clock;
use super::shared_call::lock;

/// Measures each span of time by two clocks, and takes the longer one.
///
/// `Instant` may stand still while a machine is suspended, and a function in the cloud is frozen
/// between calls. The time of day runs on, but may be set back. So an age by this clock may be too
/// long. It is too short only if both clocks say so.
#[doc(hidden)]
#[derive(Debug)]
pub struct LaterClock {
    clock: Arc<dyn Clock>,
    last: Mutex<Reading>,
}

/// Both clocks at the last look, and the time that was made of them.
#[derive(Clone, Copy, Debug)]
struct Reading {
    monotonic: Instant,
    system: SystemTime,
    later: Instant,
}

impl LaterClock {
    /// Measures by both clocks of `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let (monotonic, system) = (clock.now(), clock.system_time());
        Self { clock, last: Mutex::new(Reading { monotonic, system, later: monotonic }) }
    }
}

impl Clock for LaterClock {
    fn now(&self) -> Instant {
        let mut last = lock(&self.last);
        let (monotonic, system) = (self.clock.now(), self.clock.system_time());
        let passed = monotonic.saturating_duration_since(last.monotonic);
        let passed = passed.max(system.duration_since(last.system).unwrap_or(Duration::ZERO));
        // A time of day in the far future must not overflow, and must age what is known.
        let later = last.later.checked_add(passed).or_else(|| last.later.checked_add(CENTURY));
        *last = Reading { monotonic, system, later: later.unwrap_or(last.later) };
        last.later
    }

    fn system_time(&self) -> SystemTime {
        self.clock.system_time()
    }
}

/// Longer than anything is kept.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Both clocks, set by hand.
    #[derive(Debug)]
    struct Hands(Mutex<(Instant, SystemTime)>);

    impl Clock for Hands {
        fn now(&self) -> Instant {
            lock(&self.0).0
        }

        fn system_time(&self) -> SystemTime {
            lock(&self.0).1
        }
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn each_span_is_the_longer_of_two() {
        let (start, day) = (Instant::now(), SystemTime::now());
        let hands = Arc::new(Hands(Mutex::new((start, day))));
        let clock = LaterClock::new(Arc::clone(&hands) as _);
        let at = |monotonic, system| {
            *lock(&hands.0) = (start + monotonic, system);
            clock.now() - start
        };
        assert_eq!(at(Duration::ZERO, day), Duration::ZERO);
        // The machine is suspended: the monotonic clock stands still.
        assert_eq!(at(Duration::ZERO, day + HOUR), HOUR);
        // The time of day is set back while an hour passes.
        assert_eq!(at(HOUR, day), 2 * HOUR);
        // It counts from there: another suspension is noticed.
        assert_eq!(at(HOUR, day + HOUR), 3 * HOUR);
        assert_eq!(at(HOUR, day + HOUR), 3 * HOUR);
        assert_eq!(clock.system_time(), day + HOUR);
    }

    #[test]
    fn a_time_of_day_in_the_far_future_ages_everything() {
        let hands = Arc::new(Hands(Mutex::new((Instant::now(), SystemTime::UNIX_EPOCH))));
        let clock = LaterClock::new(Arc::clone(&hands) as _);
        let before = clock.now();
        let far = Duration::from_secs(i64::MAX.unsigned_abs() / 2);
        lock(&hands.0).1 = SystemTime::UNIX_EPOCH.checked_add(far).unwrap();
        assert!(clock.now() - before >= CENTURY);
    }
}
