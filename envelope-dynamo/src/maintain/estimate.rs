//! What a run will do and cost, without doing it.

mod indexes;
mod tally;
mod text;

use serde::Serialize;

use crate::dynamodb::Item;
use crate::error::DynamoDbError;
use crate::maintain::demand::{DEFAULT_TABLE_UNITS, Demand, Dollars, LimitTime, Rates};
use crate::maintain::engine::counts::Counts;
use crate::maintain::engine::error::{RunError, RunErrorKind};
use crate::maintain::engine::limits::Pace;
use crate::maintain::engine::pages::{Page, Pages};
use crate::maintain::engine::part::Part;
use crate::maintain::engine::preflight::TableInfo;
use crate::maintain::engine::run::Run;
use crate::maintain::estimate::indexes::Index;
use crate::maintain::estimate::tally::Tally;

/// How many pages an estimate reads unless it is told otherwise.
const MAX_PAGES: u32 = 64;

/// Bytes of a page (Amazon DynamoDB API Reference, "Scan").
const PAGE_BYTES: u64 = 1 << 20;

/// By how much segments are divided that turn out too long.
const LARGER: u32 = 256;

/// The most segments of a sample: DynamoDB allows 1,000,000, and a power of two is needed.
const MAX_SEGMENTS: u32 = 1 << 19;

impl<'a> Run<'a> {
    /// Tells what this run would do and cost, without changing anything: the dry run.
    ///
    /// It reads whole items, since a write costs what the whole item is long. A table of more than
    /// about 64 pages of 1 MiB is sampled.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     table: envelope_dynamo::maintain::StoredTable,
    /// #     kms: aws_sdk_kms::Client,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let run = table.rewrap(kms, "alias/users-2025", "alias/users-2026");
    /// let estimate = run.estimate().send().await?;
    /// println!("{estimate}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Needs `dynamodb:Scan` without a list of attributes, and sees the plaintext attributes. If
    /// that is denied, it reads what the run reads, takes the average size of the table's items
    /// for each, and says so.
    pub const fn estimate(self) -> Estimation<'a> {
        Estimation { run: self, max_pages: Some(MAX_PAGES) }
    }
}

/// An estimate that is not made yet; see [`Run::estimate`].
#[must_use = "nothing is estimated until it is sent"]
#[derive(Debug)]
pub struct Estimation<'a> {
    run: Run<'a>,
    max_pages: Option<u32>,
}

/// What a run would do and cost; see [`Run::estimate`].
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::item::to_plaintext_item;
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::{Envelope, Table, to_item};
/// use envelope_dynamo::maintain::Estimate;
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let user = |id: &str| User { user_id: id.into(), email: "zoe@example.com".into() };
/// # let keys = TestKeyProvider::default();
/// # let sealed = to_item(&user("u_1"), &keys).await?;
/// # let plain = to_plaintext_item(&user("u_2"))?;
/// # let dynamodb = example::users(&[sealed, plain]);
/// let users = Table::<User>::new(dynamodb, keys);
/// let estimate: Estimate = users.backfill().estimate().send().await?;
/// assert_eq!((estimate.classes.due, estimate.classes.already), (1.0, 1.0));
/// assert!(estimate.sample.is_none(), "the table is small, so the figures are exact");
/// assert_eq!((estimate.demand.write_units, estimate.demand.kms_calls), (1.0, 0.0));
/// assert!(estimate.dollars.total() < 0.01);
/// for risk in estimate.side_effects.iter().chain(&estimate.unknown) {
///     println!("{risk}"); // such as what a stream and its readers will see
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// The table.
    pub table: TableInfo,
    /// The part of the table that the run would work on, such as `0/1`.
    pub part: String,
    /// What was read; `None` if the whole part was.
    pub sample: Option<SampleInfo>,
    /// How many items the run would meet.
    pub items: f64,
    /// Their bytes.
    pub bytes: f64,
    /// The items by what the run would do with them.
    pub classes: Classes,
    /// What the run would ask of DynamoDB and KMS.
    pub demand: Demand,
    /// How long each limit makes the run, the longest first: that one binds.
    pub times: Vec<LimitTime>,
    /// What it would cost at list prices.
    pub dollars: Dollars,
    /// What else the run would cause.
    pub side_effects: Vec<String>,
    /// What is not known, or only roughly.
    pub unknown: Vec<String>,
}

/// The items that a run would meet, by what it would do with them, in an [`Estimate`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Classes {
    /// Records that it would change.
    pub due: f64,
    /// Records that are as it makes them.
    pub already: f64,
    /// Records under neither key.
    pub other_key: f64,
    /// Items without sealed fields.
    pub not_sealed: f64,
    /// Items of other types than the run is for, and records of unprotected types; `None` if there
    /// are none and the run is for all types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_entity: Option<f64>,
    /// Records that would fail, as far as can be told without their keys.
    pub failed: f64,
}

/// From how much of a table an [`Estimate`] is made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SampleInfo {
    /// Pages that were read.
    pub pages: u32,
    /// Items that were read.
    pub items: u64,
    /// Segments that were read.
    pub segments: u32,
    /// Segments of the whole table.
    pub of_segments: u32,
    /// By which the sample was multiplied: from the number of items that DynamoDB tells, up to six
    /// hours old, or from the number of segments if it tells none.
    pub factor: f64,
}

impl Estimation<'_> {
    /// Reads at most about so many pages of 1 MiB.
    pub const fn pages(mut self, pages: u32) -> Self {
        self.max_pages = Some(pages);
        self
    }

    /// Reads the whole table, or the whole part of the run: as many read units as the run needs.
    pub const fn all_pages(mut self) -> Self {
        self.max_pages = None;
        self
    }

    /// Reads, and estimates.
    ///
    /// # Errors
    ///
    /// If the run's settings make no sense, and if the table cannot be read.
    pub async fn send(mut self) -> Result<Estimate, RunError> {
        self.estimate().await.map_err(|kind| RunError::new(kind, Counts::default()))
    }

    async fn estimate(&mut self) -> Result<Estimate, RunErrorKind> {
        let run = &mut self.run;
        let info = run.table.describe().await?;
        let indexes = Index::all(&run.table, &run.step.changed_attributes(&run.table)).await?;
        run.step.prepare(&run.table, run.part).await?;
        let run = &*run;
        let mut reading = Reading {
            run,
            pace: run.limits.pace(),
            attributes: None,
            average: None,
            pages: 0,
            max_pages: self.max_pages,
        };
        let total = run.part.total_segments(info.bytes);
        let (tally, sample) = match reading.whole(&info, &indexes, total).await? {
            Some(tally) => (tally, None),
            None => {
                let (tally, sample) = reading.sample(&info, &indexes, total).await?;
                (tally, Some(sample))
            }
        };
        let is_average = reading.average.is_some();
        Ok(self.conclude(info, &indexes, &tally, sample, is_average))
    }

    fn conclude(
        &self,
        table: TableInfo,
        indexes: &[Index],
        tally: &Tally,
        sample: Option<SampleInfo>,
        is_average: bool,
    ) -> Estimate {
        let factor = sample.map_or(1.0, |sample| sample.factor);
        let [kms, read_units, write_units] = self.run.limits.rates();
        let or_quota = |rate: f64| if rate.is_finite() { rate } else { DEFAULT_TABLE_UNITS };
        let rates =
            Rates { kms, read_units: or_quota(read_units), write_units: or_quota(write_units) };
        let demand = tally.demand(sample.is_none(), factor);
        let mut classes = tally.classes.times(factor);
        if self.run.step.is_of_types() {
            classes.other_entity.get_or_insert(0.0);
        }
        let mut estimate = Estimate {
            part: self.run.part.to_string(),
            items: tally.items * factor,
            bytes: tally.bytes * factor,
            classes,
            times: demand.times(&rates),
            dollars: demand.dollars(),
            demand,
            side_effects: Vec::new(),
            unknown: Vec::new(),
            table,
            sample,
        };
        estimate.note_side_effects(indexes);
        estimate.note_unknown(tally.kms_unknown, tally.has_shared_calls(), is_average);
        estimate
    }
}

/// The reading of an estimate.
struct Reading<'a> {
    run: &'a Run<'a>,
    pace: Pace,
    /// The attributes to read; `None` for all.
    attributes: Option<Vec<String>>,
    /// The size that each item is taken to have, if whole items may not be read.
    average: Option<u64>,
    pages: u32,
    max_pages: Option<u32>,
}

impl Reading<'_> {
    /// Reads the whole part; `None` if it has too many pages.
    async fn whole(
        &mut self,
        info: &TableInfo,
        indexes: &[Index],
        total: u32,
    ) -> Result<Option<Tally>, RunErrorKind> {
        let pages = info.bytes / PAGE_BYTES / u64::from(self.run.part.count());
        if self.max_pages.is_some_and(|most| pages > u64::from(most)) {
            return Ok(None);
        }
        let mut tally = Tally::default();
        for segment in self.run.part.segments(total) {
            if !self.segment(info, indexes, (segment, total), &mut tally).await? {
                self.pages = 0;
                return Ok(None);
            }
        }
        Ok(Some(tally))
    }

    /// Reads segments, far from each other, until there are enough pages.
    async fn sample(
        &mut self,
        info: &TableInfo,
        indexes: &[Index],
        of_run: u32,
    ) -> Result<(Tally, SampleInfo), RunErrorKind> {
        let pages = u32::try_from(info.bytes / PAGE_BYTES).unwrap_or(u32::MAX);
        let most = self.max_pages.unwrap_or(MAX_PAGES);
        let total = pages.max(of_run).max(most.saturating_mul(2)).min(MAX_SEGMENTS);
        let mut total = total.next_power_of_two();
        let (tally, segments) = loop {
            match self.some_segments(info, indexes, total, most).await? {
                Some(read) => break read,
                // DynamoDB's size of the table was too small by far.
                None => total = total.saturating_mul(LARGER).min(MAX_SEGMENTS),
            }
        };
        let by_segments = f64::from(total) / f64::from(segments);
        let by_items = tally.factor_to(info.items);
        let factor = by_items.unwrap_or(by_segments) / f64::from(self.run.part.count());
        let items = tally.seen;
        let sample = SampleInfo { pages: self.pages, items, segments, of_segments: total, factor };
        Ok((tally, sample))
    }

    /// Reads whole segments, about `most` pages, and counts them; `None` if the first segments are
    /// much longer than that.
    async fn some_segments(
        &mut self,
        info: &TableInfo,
        indexes: &[Index],
        total: u32,
        most: u32,
    ) -> Result<Option<(Tally, u32)>, RunErrorKind> {
        let (mut tally, mut segments) = (Tally::default(), 0);
        self.pages = 0;
        // The last segment is read to its end: half of one is no sample.
        self.max_pages = (total < MAX_SEGMENTS).then_some(most.saturating_mul(4));
        for segment in Part::WHOLE.segments(total) {
            if !self.segment(info, indexes, (segment, total), &mut tally).await? {
                return Ok(None);
            }
            segments += 1;
            if self.pages >= most {
                break;
            }
        }
        Ok(Some((tally, segments)))
    }

    /// Reads a segment; false if there are too many pages.
    async fn segment(
        &mut self,
        info: &TableInfo,
        indexes: &[Index],
        (segment, total): (u32, u32),
        tally: &mut Tally,
    ) -> Result<bool, RunErrorKind> {
        let mut after: Option<Item> = None;
        loop {
            if self.max_pages.is_some_and(|most| self.pages >= most) {
                return Ok(false);
            }
            let page = self.page(info, (segment, total), after.as_ref()).await?;
            self.pages += 1;
            tally.read_units += page.read_units;
            for item in &page.items {
                tally.count(self.run, indexes, item, self.average).await;
            }
            match page.next {
                None => return Ok(true),
                next => after = next,
            }
        }
    }

    async fn page(
        &mut self,
        info: &TableInfo,
        (segment, total): (u32, u32),
        after: Option<&Item>,
    ) -> Result<Page, DynamoDbError> {
        let table = &*self.run.table;
        let pages = Pages { table, attributes: self.attributes.clone(), total };
        let error = match pages.read(segment, after, false, &self.pace.read).await {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        let narrower = self.run.step.attributes(table);
        let is_denied = error.code() == Some("AccessDeniedException");
        if !is_denied || narrower.is_none() || self.attributes.is_some() {
            return Err(error);
        }
        self.attributes = narrower;
        self.average = Some(info.bytes.checked_div(info.items).unwrap_or_default());
        let pages = Pages { table, attributes: self.attributes.clone(), total };
        pages.read(segment, after, false, &self.pace.read).await
    }
}
