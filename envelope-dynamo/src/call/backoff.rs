//! Pauses between tries that DynamoDB did not take, or that lost a race.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{AsyncSleep, SharedAsyncSleep};

/// The longest pause before the first try that follows another, unless the client's own retries
/// wait for less.
const FIRST: Duration = Duration::from_millis(25);

/// The longest pause of all: what the SDK's own retries pause at most.
const LONGEST: Duration = Duration::from_secs(20);

/// Exponential backoff with full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog),
/// by the clock that the SDK's client is configured with.
pub(crate) struct Backoff {
    sleep: Option<SharedAsyncSleep>,
    first: Duration,
    tries: u32,
}

impl Backoff {
    pub(crate) fn new(client: &Client) -> Self {
        let config = client.config();
        let first =
            config.retry_config().map_or(FIRST, |retries| retries.initial_backoff().min(FIRST));
        Self { sleep: config.sleep_impl(), first, tries: 0 }
    }

    /// Sleeps by what a call slept by, where the client itself does not tell.
    pub(crate) fn adopt(&mut self, sleep: Option<SharedAsyncSleep>) {
        if self.sleep.is_none() {
            self.sleep = sleep;
        }
    }

    /// Pauses as at first again: the last try got somewhere.
    pub(crate) const fn start_again(&mut self) {
        self.tries = 0;
    }

    /// Waits for a random part of a time that doubles with each try; not at all without a clock.
    pub(crate) async fn pause(&mut self) {
        self.pause_after(Duration::ZERO).await;
    }

    /// The same after a try that lost a race and `took` so long: where all are slow, all must wait
    /// longer to miss each other.
    pub(crate) async fn pause_after(&mut self, took: Duration) {
        let longest = self.first.max(took).saturating_mul(1 << self.tries.min(16)).min(LONGEST);
        self.tries += 1;
        if let Some(sleep) = &self.sleep {
            sleep.sleep(longest.mul_f64(fraction())).await;
        }
    }
}

/// A random number from 0 to 1; the standard library seeds each hasher anew.
fn fraction() -> f64 {
    const BITS: u32 = 32;
    let random = RandomState::new().hash_one(()) >> (u64::BITS - BITS);
    random as f64 / f64::from(u32::MAX)
}
