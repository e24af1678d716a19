//! What a run asks of DynamoDB and KMS, and what that costs in time and money.

use serde::Serialize;

/// The day of the list prices below. Prices of us-east-1, in dollars.
pub(crate) const PRICES_OF: &str = "2026-11-22, us-east-1, on-demand";

/// A million read request units (<https://aws.amazon.com/dynamodb/pricing/on-demand/>).
const MILLION_READ_UNITS: f64 = 0.125;

/// A million write request units (same source).
const MILLION_WRITE_UNITS: f64 = 0.625;

/// 10,000 requests of a symmetric key (<https://aws.amazon.com/kms/pricing/>).
const TEN_THOUSAND_KMS_CALLS: f64 = 0.03;

/// 100,000 management events in a further copy of a trail
/// (<https://aws.amazon.com/cloudtrail/pricing/>).
const HUNDRED_THOUSAND_TRAIL_EVENTS: f64 = 2.0;

/// A million management events that GuardDuty looks at
/// (<https://aws.amazon.com/guardduty/pricing/>).
const MILLION_GUARDDUTY_EVENTS: f64 = 4.0;

/// Bytes of a write unit and of a read unit (Amazon DynamoDB Developer Guide, "Read/write capacity
/// mode"). An eventually consistent read counts half.
pub(crate) const WRITE_UNIT_BYTES: u64 = 1024;
const READ_UNIT_BYTES: f64 = 4096.0;

/// The read and write units a second of a table by default, each (Amazon DynamoDB Developer Guide,
/// "Quotas").
pub(crate) const DEFAULT_TABLE_UNITS: f64 = 40_000.0;

/// What a run asks of DynamoDB and KMS.
///
/// ```
/// use envelope_dynamo::maintain::{Demand, Rates};
///
/// // 500 million records of 1,328 bytes move to another KMS key.
/// let demand = Demand::of_rewrap(500_000_000, 1_328);
/// assert_eq!(demand.write_units, 1e9);
/// assert_eq!(demand.dollars().total().round(), 2_135.0);
/// let times = demand.times(&Rates { kms: 10_000.0, ..Rates::default() });
/// assert_eq!((times[0].limit, times[0].seconds), ("kms", 50_000.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Demand {
    /// Read units: 4 KiB, or 8 KiB read with eventual consistency.
    pub read_units: f64,
    /// Write units: each begun KiB of an item.
    pub write_units: f64,
    /// Calls to KMS.
    pub kms_calls: f64,
}

impl Demand {
    /// A rewrap of `items` items of `bytes` bytes each, without indexes and groups: an eventually
    /// consistent scan, and for each item a call to KMS and a write.
    #[must_use]
    pub fn of_rewrap(items: u64, bytes: u64) -> Self {
        let kms_calls = float(items);
        let write_units = kms_calls * float(write_units(bytes));
        Self {
            read_units: float(items) * float(bytes) / READ_UNIT_BYTES / 2.0,
            write_units,
            kms_calls,
        }
    }

    /// A consistent scan of `items` items of `bytes` bytes each: the demand of coverage.
    #[must_use]
    pub fn of_coverage(items: u64, bytes: u64) -> Self {
        let read_units = float(items) * float(bytes) / READ_UNIT_BYTES;
        Self { read_units, ..Self::default() }
    }

    /// The same with another number of calls to KMS.
    #[must_use]
    pub const fn with_kms_calls(mut self, calls: f64) -> Self {
        self.kms_calls = calls;
        self
    }

    /// What it costs at list prices.
    #[must_use]
    pub fn dollars(&self) -> Dollars {
        Dollars {
            reads: self.read_units * MILLION_READ_UNITS / 1e6,
            writes: self.write_units * MILLION_WRITE_UNITS / 1e6,
            kms: self.kms_calls * TEN_THOUSAND_KMS_CALLS / 1e4,
            trail_copy: self.kms_calls * HUNDRED_THOUSAND_TRAIL_EVENTS / 1e5,
            guard_duty: self.kms_calls * MILLION_GUARDDUTY_EVENTS / 1e6,
            prices_of: PRICES_OF,
        }
    }

    /// How long each limit makes it, the longest first: that one binds.
    #[must_use]
    pub fn times(&self, rates: &Rates) -> Vec<LimitTime> {
        let time =
            |limit, amount: f64, rate: f64| LimitTime { limit, rate, seconds: amount / rate };
        let mut times = vec![
            time("kms", self.kms_calls, rates.kms),
            time("read-units", self.read_units, rates.read_units),
            time("write-units", self.write_units, rates.write_units),
        ];
        times.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        times
    }
}

/// The write units of an item.
pub(crate) const fn write_units(bytes: u64) -> u64 {
    let units = bytes.div_ceil(WRITE_UNIT_BYTES);
    if units == 0 { 1 } else { units }
}

/// The read units of `bytes` bytes of items, read with eventual consistency.
pub(crate) fn read_units(bytes: f64) -> f64 {
    bytes / READ_UNIT_BYTES / 2.0
}

/// What can be done in a second, for [`Demand::times`]; [`Demand`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rates {
    /// Calls to KMS.
    pub kms: f64,
    /// Read units of the table.
    pub read_units: f64,
    /// Write units of the table.
    pub write_units: f64,
}

impl Default for Rates {
    /// The quotas of a table, 40,000 read units and as many write units, and 10,000 calls to KMS,
    /// the quota of most regions.
    fn default() -> Self {
        Self { kms: 10_000.0, read_units: DEFAULT_TABLE_UNITS, write_units: DEFAULT_TABLE_UNITS }
    }
}

/// What a run costs at list prices.
///
/// ```
/// use envelope_dynamo::maintain::{Demand, Dollars};
///
/// // Ten million records of 800 bytes move to another KMS key.
/// let dollars: Dollars = Demand::of_rewrap(10_000_000, 800).dollars();
/// assert_eq!((dollars.kms, dollars.writes), (30.0, 6.25));
/// // If a second trail records the calls to KMS, it costs more than all the rest.
/// assert_eq!(dollars.trail_copy, 200.0);
/// assert!(dollars.total() < 37.0, "not in the total: not every account has one");
/// println!("at the prices of {}", dollars.prices_of);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Dollars {
    /// Reads of the table.
    pub reads: f64,
    /// Writes of the table and its indexes.
    pub writes: f64,
    /// Calls to KMS.
    pub kms: f64,
    /// Not in the total: each further copy of the CloudTrail events of these calls.
    pub trail_copy: f64,
    /// Not in the total: GuardDuty, if it looks at these events.
    pub guard_duty: f64,
    /// The day and the region of the prices.
    pub prices_of: &'static str,
}

impl Dollars {
    /// Reads, writes and KMS.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.reads + self.writes + self.kms
    }
}

/// How long one limit makes a run.
///
/// ```
/// use envelope_dynamo::maintain::{Demand, LimitTime, Rates};
///
/// // Half of the quota of KMS is left to the application.
/// let rates = Rates { kms: 5_000.0, ..Rates::default() };
/// let times = Demand::of_rewrap(10_000_000, 800).times(&rates);
/// let LimitTime { limit, seconds, .. } = times[0]; // the longest first: it binds
/// assert_eq!((limit, seconds), ("kms", 2_000.0));
/// assert!(times[1..].iter().all(|other| other.seconds <= 250.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LimitTime {
    /// `kms`, `read-units` or `write-units`.
    pub limit: &'static str,
    /// What can be done in a second.
    pub rate: f64,
    /// How long it takes.
    pub seconds: f64,
}

/// A count as a float. Exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}
