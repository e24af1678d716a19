//! Counts the failed tries of a call, and pauses before the next one.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{AsyncSleep, SharedAsyncSleep};

/// The longest first pause, unless the client's own retries start with a shorter one.
const FIRST: Duration = Duration::from_millis(25);

/// The longest pause of all: the longest pause of the SDK's own retries.
const LONGEST: Duration = Duration::from_secs(20);

/// The tries of one call, with exponential backoff and full jitter ("Exponential Backoff And
/// Jitter", AWS Architecture Blog).
///
/// The pauses use the clock that the SDK's client is configured with.
pub(crate) struct Retry {
    sleep: Option<SharedAsyncSleep>,
    first: Duration,
    /// Failed tries since the last progress.
    failed: u32,
    /// Pauses since the last progress.
    pauses: u32,
}

impl Retry {
    pub(crate) fn new(client: &Client) -> Self {
        let config = client.config();
        let first =
            config.retry_config().map_or(FIRST, |retries| retries.initial_backoff().min(FIRST));
        Self { sleep: config.sleep_impl(), first, failed: 0, pauses: 0 }
    }

    /// Uses the clock that a call used, if the client's configuration does not have one.
    pub(crate) fn adopt(&mut self, sleep: Option<SharedAsyncSleep>) {
        if self.sleep.is_none() {
            self.sleep = sleep;
        }
    }

    /// Counts a failed try. Returns the number of failed tries since the last progress.
    pub(crate) const fn failed(&mut self) -> u32 {
        self.failed += 1;
        self.failed
    }

    /// The last try did some of the work: counts and pauses start again.
    pub(crate) const fn progressed(&mut self) {
        self.failed = 0;
        self.pauses = 0;
    }

    /// Waits for a random part of a time that doubles with each pause. Does not wait if there is no
    /// clock.
    pub(crate) async fn pause(&mut self) {
        self.pause_after(Duration::ZERO).await;
    }

    /// Waits likewise after a try that lost a race and `took` this long. If each try is slow,
    /// writers of the same record must wait longer to avoid each other.
    pub(crate) async fn pause_after(&mut self, took: Duration) {
        let longest = self.first.max(took).saturating_mul(1 << self.pauses.min(16)).min(LONGEST);
        self.pauses += 1;
        if let Some(sleep) = &self.sleep {
            sleep.sleep(longest.mul_f64(fraction())).await;
        }
    }
}

/// A random number from 0 to 1. The standard library seeds each hasher anew.
fn fraction() -> f64 {
    const BITS: u32 = 32;
    let random = RandomState::new().hash_one(()) >> (u64::BITS - BITS);
    random as f64 / f64::from(u32::MAX)
}
