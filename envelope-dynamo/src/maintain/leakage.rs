//! Measures what the search tags of a table reveal to whoever reads it.

mod occurrences;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::search::{Generation, Tag};

use crate::dynamodb::Item;
use crate::maintain::engine::error::{RunError, RunErrorKind};
use crate::maintain::engine::limits::Limits;
use crate::maintain::engine::pages::{Page, Pages};
use crate::maintain::engine::part::Part;
use crate::maintain::engine::whole_table::{each_page, unless_stopped};
use crate::maintain::leakage::occurrences::Occurrences;
pub use crate::maintain::leakage::report::{LeakageReport, TagLeakage};
use crate::maintain::reindex::{require_tags, tag_attributes};
use crate::maintain::stored_table::StoredTable;

/// How many different values are counted, unless the caller allows more: in 600 MB of memory.
const MAX_VALUES: u64 = 28_000_000;

/// How many generations are counted.
const MAX_GENERATIONS: usize = 100;

impl StoredTable {
    /// Measures what the search tags of the table reveal to whoever reads it: how many different
    /// values there are, how often the most frequent ones occur, and which share of the records
    /// could be named by frequencies alone. It needs no key, and opens nothing.
    ///
    /// The counts are exact. They are made in one process, because the number of different values
    /// cannot be added up from parts of a table. [`Leakage::max_values`] bounds its memory.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::maintain::{SchemaFile, StoredTable};
    ///
    /// let schema: SchemaFile = std::fs::read_to_string("envelope.schema.json")?.parse()?;
    /// let table = StoredTable::new(dynamodb, &schema, "users")?.named("prod-users");
    /// let report = table.leakage().send().await?;
    /// let email = &report.tags["blind_email"];
    /// println!("{} addresses, {} of them once", email.values, email.once);
    /// assert!(email.named_at_best < 0.01, "frequencies name one record in a hundred at most");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`TagLeakage::of_counts`] has the same figures for values that are counted elsewhere, for
    /// example before their field becomes searchable.
    ///
    /// # Security
    ///
    /// Needs `dynamodb:Scan` on search tags, `dynamodb:DescribeTable` and
    /// `dynamodb:DescribeContinuousBackups`. Results and memory have counts, and no tags: a value
    /// is remembered by a hash under a random key. Nothing that is read is authenticated, so
    /// whoever can write the table can change the figures.
    pub const fn leakage(&self) -> Leakage<'_> {
        Leakage { table: self, max_values: MAX_VALUES, limits: Limits::new(), observer: None }
    }
}

/// A measurement of what search tags reveal; see [`StoredTable::leakage`].
#[must_use = "nothing is counted until it is sent"]
#[derive(Clone)]
pub struct Leakage<'a> {
    table: &'a StoredTable,
    max_values: u64,
    limits: Limits,
    observer: Option<Arc<Observer<'a>>>,
}

type Observer<'a> = dyn Fn(u64) + Send + Sync + 'a;

impl fmt::Debug for Leakage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leakage")
            .field("table", &self.table)
            .field("max_values", &self.max_values)
            .finish_non_exhaustive()
    }
}

impl<'a> Leakage<'a> {
    /// Counts at most so many different values, of all tags together: 28 million by default, which
    /// take 600 MB. Otherwise the count ends with [`RunErrorKind::TooManyValues`].
    ///
    /// A value takes 19 to 39 bytes, however many records have it. A hundred million of them, such
    /// as the e-mail addresses of a hundred million records, take 2.3 GB.
    pub const fn max_values(mut self, values: u64) -> Self {
        self.max_values = values;
        self
    }

    /// Sets what the count may use of DynamoDB.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Reports after each page how many items have been read so far.
    pub fn observed_by(mut self, observer: impl Fn(u64) + Send + Sync + 'a) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Counts to the end of the table.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the table could not be read to its end, if none of its types has search
    /// tags, or if there are more values than may be counted.
    pub async fn send(self) -> Result<LeakageReport, RunError> {
        self.until(std::future::pending()).await
    }

    /// As [`send`](Self::send), but stops when `stop` is ready, such as after a signal.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`RunErrorKind::Stopped`]: half a count proves nothing.
    pub async fn until(self, stop: impl Future<Output = ()>) -> Result<LeakageReport, RunError> {
        unless_stopped(self.count(), stop).await
    }

    async fn count(&self) -> Result<LeakageReport, RunErrorKind> {
        require_tags(self.table)?;
        let info = self.table.describe().await?;
        let attributes = tag_attributes(self.table);
        let counting = Mutex::new(Counting::new(self, &attributes));
        let total = Part::WHOLE.total_segments(info.bytes);
        let pages = Pages { table: self.table, attributes: Some(attributes), total };
        let pace = self.limits.pace();
        each_page(&pages, false, &pace, |page| {
            let items = {
                let mut counting = counting.lock().unwrap_or_else(PoisonError::into_inner);
                counting.page(page)?;
                counting.report.items
            };
            self.observer.iter().for_each(|observer| observer(items));
            Ok(())
        })
        .await?;
        Ok(counting.into_inner().unwrap_or_else(PoisonError::into_inner).finish())
    }
}

/// What was counted so far.
struct Counting {
    max_values: u64,
    values: u64,
    tags: BTreeMap<String, CountedTag>,
    report: LeakageReport,
}

#[derive(Default)]
struct CountedTag {
    occurrences: Occurrences,
    generations: BTreeSet<Generation>,
    malformed: u64,
}

impl Counting {
    fn new(of: &Leakage<'_>, attributes: &[String]) -> Self {
        let tags = attributes.iter().map(|name| (name.clone(), CountedTag::default())).collect();
        let report = LeakageReport { table: of.table.name().to_owned(), ..Default::default() };
        Self { max_values: of.max_values, values: 0, tags, report }
    }

    fn page(&mut self, page: &Page) -> Result<(), RunErrorKind> {
        self.report.pages += 1;
        self.report.read_units += page.read_units;
        self.report.items += page.items.len() as u64;
        page.items.iter().try_for_each(|item| self.item(item))
    }

    fn item(&mut self, item: &Item) -> Result<(), RunErrorKind> {
        for (attribute, counted) in &mut self.tags {
            let Some(value) = item.get(attribute) else { continue };
            self.values += u64::from(counted.add(value));
            if self.values > self.max_values {
                return Err(RunErrorKind::TooManyValues { max: self.max_values });
            }
        }
        Ok(())
    }

    fn finish(self) -> LeakageReport {
        let tags = self.tags.into_iter().map(|(attribute, counted)| (attribute, counted.finish()));
        LeakageReport { tags: tags.collect(), ..self.report }
    }
}

impl CountedTag {
    /// Returns whether this is the first tag of its value.
    fn add(&mut self, value: &AttributeValue) -> bool {
        let tag = value.as_b().ok().and_then(|bytes| Tag::parse(bytes.as_ref()).ok());
        let Some(tag) = tag else {
            self.malformed += 1;
            return false;
        };
        if self.generations.len() < MAX_GENERATIONS {
            self.generations.insert(tag.generation());
        }
        self.occurrences.add(&tag)
    }

    fn finish(self) -> TagLeakage {
        let generations = self.generations.len() as u64;
        let of = TagLeakage::of_counts(self.occurrences.counts());
        TagLeakage { generations, malformed: self.malformed, ..of }
    }
}
