//! How fast a run may be, and the token buckets that hold it to that.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// A quarter of the KMS quota of most regions (AWS KMS Developer Guide, "Request quotas": 10,000
/// symmetric calls a second, shared by everybody in account and region).
const KMS_CALLS: f64 = 2_500.0;

/// How many records are changed at a time.
const IN_FLIGHT: usize = 64;

/// How many failed records end a run.
const MAX_FAILED: u64 = 1_000;

/// What a run may use of what it shares with the application: per process, not for all parts.
///
/// ```no_run
/// # async fn example(
/// #     table: envelope_dynamo::maintain::StoredTable,
/// #     kms: aws_sdk_kms::Client,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// use envelope_dynamo::maintain::{Limits, Part};
///
/// // 64 jobs, of which 16 run at a time, share 4,000 calls to KMS a second.
/// let of_job = Limits::new().kms(4_000.0 / 16.0).write_units(20_000.0 / 16.0).max_failed(100);
/// let (old, new) = ("arn:aws:kms:..:key/old", "arn:aws:kms:..:key/new"); // parts name keys by ARN
/// table.rewrap(kms, old, new).part(Part::of(17, 64)?).limits(of_job).send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Limits {
    kms: f64,
    read_units: f64,
    write_units: f64,
    pub(crate) in_flight: usize,
    pub(crate) max_failed: u64,
}

impl Limits {
    /// 2,500 calls to KMS a second, a quarter of the quota of most regions; DynamoDB without a
    /// limit; 64 records at a time; the end of the run after 1,000 failed records.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            kms: KMS_CALLS,
            read_units: f64::INFINITY,
            write_units: f64::INFINITY,
            in_flight: IN_FLIGHT,
            max_failed: MAX_FAILED,
        }
    }

    /// At most so many calls to KMS a second.
    #[must_use]
    pub const fn kms(mut self, calls: f64) -> Self {
        self.kms = calls;
        self
    }

    /// At most so many read units of the table a second.
    #[must_use]
    pub const fn read_units(mut self, units: f64) -> Self {
        self.read_units = units;
        self
    }

    /// At most so many write units of the table a second.
    #[must_use]
    pub const fn write_units(mut self, units: f64) -> Self {
        self.write_units = units;
        self
    }

    /// Changes at most so many records at a time, at least one for each of four segments.
    #[must_use]
    pub const fn in_flight(mut self, records: usize) -> Self {
        self.in_flight = records;
        self
    }

    /// Ends the run when more than so many records have failed.
    #[must_use]
    pub const fn max_failed(mut self, records: u64) -> Self {
        self.max_failed = records;
        self
    }

    /// The rates of KMS calls, read units and write units; infinite if there is no limit.
    pub(crate) const fn rates(&self) -> [f64; 3] {
        [self.kms, self.read_units, self.write_units]
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace {
            kms: Bucket::new(self.kms),
            read: Bucket::new(self.read_units),
            write: Bucket::new(self.write_units),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

/// The buckets of one run.
pub(crate) struct Pace {
    pub(crate) kms: Bucket,
    pub(crate) read: Bucket,
    pub(crate) write: Bucket,
}

/// What throttling leaves of a rate.
const AFTER_THROTTLING: f64 = 0.8;
/// What a quiet time adds to a rate, up to the limit.
const AFTER_QUIET: f64 = 1.1;
const QUIET: Duration = Duration::from_secs(10);
/// The slowest rate, however often a service throttles.
const SLOWEST: f64 = 1.0;

/// A token bucket that holds one second's tokens at most.
///
/// What a call to DynamoDB costs is known after the call, so a bucket can be in debt; then nobody
/// starts a call until the debt is paid. Throttling takes a fifth of the rate, and ten quiet
/// seconds add a tenth.
pub(crate) struct Bucket(Option<Mutex<State>>);

struct State {
    highest: f64,
    rate: f64,
    tokens: f64,
    at: Instant,
    changed: Instant,
}

impl Bucket {
    /// A bucket for `rate` tokens a second; an infinite rate has no bucket.
    fn new(rate: f64) -> Self {
        let now = Instant::now();
        let rate = rate.max(SLOWEST);
        let state = State { highest: rate, rate, tokens: rate, at: now, changed: now };
        Self(rate.is_finite().then(|| Mutex::new(state)))
    }

    fn state(&self) -> Option<MutexGuard<'_, State>> {
        let state = self.0.as_ref()?;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.refill();
        Some(state)
    }

    /// Takes the token of one call, and waits until it is there.
    pub(crate) async fn take(&self) {
        let wait = self.state().map(|mut state| {
            state.tokens -= 1.0;
            state.debt()
        });
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            sleep(wait).await;
        }
    }

    /// Waits until the bucket is not in debt.
    pub(crate) async fn ready(&self) {
        loop {
            match self.state().map(|state| state.debt()) {
                Some(debt) if !debt.is_zero() => sleep(debt).await,
                _ => return,
            }
        }
    }

    /// Takes what a call has cost.
    pub(crate) fn spend(&self, tokens: f64) {
        if let Some(mut state) = self.state() {
            state.tokens -= tokens;
        }
    }

    /// The service has throttled a call.
    pub(crate) fn throttled(&self) {
        if let Some(mut state) = self.state() {
            state.rate = (state.rate * AFTER_THROTTLING).max(SLOWEST);
            state.changed = state.at;
        }
    }
}

impl State {
    fn refill(&mut self) {
        let now = Instant::now();
        let earned = now.duration_since(self.at).as_secs_f64() * self.rate;
        self.tokens = (self.tokens + earned).min(self.rate);
        self.at = now;
        if now.duration_since(self.changed) >= QUIET {
            self.rate = (self.rate * AFTER_QUIET).min(self.highest);
            self.changed = now;
        }
    }

    /// The time until the tokens that are owed are earned.
    fn debt(&self) -> Duration {
        Duration::from_secs_f64((-self.tokens / self.rate).max(0.0))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, advance};

    use crate::maintain::engine::limits::Bucket;

    /// Tokio's clock stands still except where a test waits.
    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_rate_and_one_second_at_once() {
        let (bucket, start) = (Bucket::new(100.0), Instant::now());
        for _ in 0..100 {
            bucket.take().await;
        }
        assert!(start.elapsed() < Duration::from_millis(5), "the first second is there");
        for _ in 0..300 {
            bucket.take().await;
        }
        let elapsed = start.elapsed().as_secs_f64();
        assert!((2.9..3.2).contains(&elapsed), "300 tokens took {elapsed} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_debt_is_paid_before_the_next_call() {
        let (bucket, start) = (Bucket::new(10.0), Instant::now());
        bucket.ready().await;
        bucket.spend(60.0);
        assert_eq!(start.elapsed(), Duration::ZERO);
        bucket.ready().await;
        let elapsed = start.elapsed().as_secs_f64();
        assert!((4.9..5.2).contains(&elapsed), "50 tokens of debt took {elapsed} s");
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_slows_a_bucket_and_quiet_lets_it_recover() {
        let bucket = Bucket::new(100.0);
        let rate = |bucket: &Bucket| bucket.state().unwrap().rate;
        bucket.throttled();
        assert!((rate(&bucket) - 80.0).abs() < 0.001);
        advance(Duration::from_secs(10)).await;
        assert!((rate(&bucket) - 88.0).abs() < 0.001);
        for _ in 0..10 {
            advance(Duration::from_secs(10)).await;
            rate(&bucket);
        }
        assert!((rate(&bucket) - 100.0).abs() < 0.001, "the limit stays");
        for _ in 0..100 {
            bucket.throttled();
        }
        assert!((rate(&bucket) - 1.0).abs() < 0.001, "it never stops");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nobody_waits() {
        let (bucket, start) = (Bucket::new(f64::INFINITY), Instant::now());
        bucket.spend(1e12);
        bucket.throttled();
        bucket.ready().await;
        bucket.take().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
