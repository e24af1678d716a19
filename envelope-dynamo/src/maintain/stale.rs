//! Counts the records whose search tags are not current.

mod report;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use envelope_core::search::Generation;

use crate::dynamodb::Item;
use crate::keys::SearchKeys;
use crate::maintain::engine::error::{Refusal, RunError, RunErrorKind};
use crate::maintain::engine::limits::Limits;
use crate::maintain::engine::pages::{Page, Pages};
use crate::maintain::engine::part::Part;
use crate::maintain::engine::whole_table::{each_page, unless_stopped};
use crate::maintain::reindex::{require_tags, tag_attributes};
pub use crate::maintain::stale::report::StaleReport;
use crate::maintain::stored_table::StoredTable;
use crate::maintain::tag_counts::CurrentTags;
use crate::record::schema::{ENCRYPTED_PAYLOAD, RESERVED};

impl StoredTable {
    /// Counts the records that a search may miss when older search keys are gone: those whose
    /// search tags are not of the generation that writers use now with `keys`. It reads the
    /// whole table, and opens nothing.
    ///
    /// After a rotation, [`reindex`](Self::reindex) changes these records. Count again afterwards:
    /// a process that was frozen before its request may have written a tag of the older version
    /// in the meantime.
    ///
    /// ```no_run
    /// # use envelope_dynamo::keys::SearchKeys;
    /// # use envelope_dynamo::maintain::{RunError, StoredTable};
    /// # async fn example(
    /// #     users: StoredTable, keys: SearchKeys, ctrl_c: impl Future<Output = ()>,
    /// # ) -> Result<(), RunError> {
    /// let count = users.stale(&keys).observed_by(|so_far| eprintln!("{} items", so_far.items));
    /// let report = count.until(ctrl_c).await?;
    /// if !report.is_clean() {
    ///     println!("{report}\nrun `reindex`, and count again");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Needs `dynamodb:Scan` on keys, entity types, context pairs, wrapped keys, search tags and
    /// `encrypted_payload`; `dynamodb:DescribeTable` and `dynamodb:DescribeContinuousBackups`; and
    /// what reading search keys needs. [`stale_of`](Self::stale_of) needs no search key.
    pub fn stale(&self, keys: &SearchKeys) -> Stale<'_> {
        Stale::new(self, Current::Keys(keys.clone()))
    }

    /// As [`stale`](Self::stale), for somebody who has no search key and was told the generations
    /// that writers use now: one for each search tag, as `reindex` and `stale` print them.
    ///
    /// Nobody can tell here whether these are the right ones.
    pub fn stale_of(&self, generations: impl IntoIterator<Item = Generation>) -> Stale<'_> {
        Stale::new(self, Current::Told(generations.into_iter().collect()))
    }
}

/// A count of records with search tags that are not current; see [`StoredTable::stale`].
///
/// # Security
///
/// Tags and lists of names are authenticated, and the count checks neither: it has no key. Whoever
/// can write the table can change a tag so that it seems current, or hide a record from the scan.
/// Such a record does not open, or was not there. A tag that was added to a record which does not
/// list it does not count as current.
#[must_use = "nothing is counted until it is sent"]
#[derive(Clone)]
pub struct Stale<'a> {
    table: &'a StoredTable,
    current: Current,
    limits: Limits,
    observer: Option<Arc<Observer<'a>>>,
}

type Observer<'a> = dyn Fn(&StaleReport) + Send + Sync + 'a;

/// What says which tags are current.
#[derive(Clone)]
enum Current {
    Keys(SearchKeys),
    Told(BTreeSet<Generation>),
}

impl fmt::Debug for Stale<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stale").field("table", &self.table).finish_non_exhaustive()
    }
}

impl<'a> Stale<'a> {
    const fn new(table: &'a StoredTable, current: Current) -> Self {
        Self { table, current, limits: Limits::new(), observer: None }
    }

    /// Sets what the count may use of DynamoDB.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Reports after each page what has been counted so far.
    pub fn observed_by(mut self, observer: impl Fn(&StaleReport) + Send + Sync + 'a) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Counts to the end of the table.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the table could not be read to its end, if none of its types has search
    /// tags, or if the search keys could not be read. Stale records are no error: see
    /// [`StaleReport::is_clean`].
    pub async fn send(self) -> Result<StaleReport, RunError> {
        self.until(std::future::pending()).await
    }

    /// As [`send`](Self::send), but stops when `stop` is ready, such as after a signal.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`RunErrorKind::Stopped`]: half a count proves nothing.
    pub async fn until(self, stop: impl Future<Output = ()>) -> Result<StaleReport, RunError> {
        unless_stopped(self.count(), stop).await
    }

    async fn count(&self) -> Result<StaleReport, RunErrorKind> {
        require_tags(self.table)?;
        let current = self.current_tags().await?;
        let info = self.table.describe().await?;
        let total = Part::WHOLE.total_segments(info.bytes);
        let attributes = Some(self.attributes());
        let scan = Scan {
            of: self,
            report: Mutex::new(StaleReport::new(self.table.name(), &current)),
            current,
        };
        let pages = Pages { table: self.table, attributes, total };
        each_page(&pages, true, &self.limits.pace(), |page| {
            scan.page(page);
            Ok(())
        })
        .await?;
        Ok(scan.report.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is current, for each tag of each type.
    async fn current_tags(&self) -> Result<CurrentTags, RunErrorKind> {
        match &self.current {
            Current::Told(generations) if generations.is_empty() => {
                let problem = "name the generation of each search tag that writers use now";
                Err(Refusal::Setting { problem: problem.to_owned() }.into())
            }
            Current::Told(generations) => Ok(CurrentTags::told(self.table, generations)),
            // All types of a table have its logical name, and so the same search key.
            Current::Keys(keys) => {
                let live = keys.live(self.table.logical()).await?;
                Ok(CurrentTags::new(self.table, |kind, tag| {
                    [live.tag_key().generation(kind.table, tag)].into()
                }))
            }
        }
    }

    fn attributes(&self) -> Vec<String> {
        let mut names = self.table.context_attributes();
        names.push(ENCRYPTED_PAYLOAD.to_owned());
        names.extend(tag_attributes(self.table));
        names.sort_unstable();
        names.dedup();
        names
    }
}

struct Scan<'s, 'a> {
    of: &'s Stale<'a>,
    current: CurrentTags,
    report: Mutex<StaleReport>,
}

impl Scan<'_, '_> {
    fn page(&self, page: &Page) {
        let report = {
            let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
            report.pages += 1;
            report.read_units += page.read_units;
            page.items.iter().for_each(|item| self.item(item, &mut report));
            self.of.observer.is_some().then(|| report.clone())
        };
        if let (Some(observer), Some(report)) = (&self.of.observer, report) {
            observer(&report);
        }
    }

    fn item(&self, item: &Item, report: &mut StaleReport) {
        report.items += 1;
        if !RESERVED.iter().any(|name| item.contains_key(*name)) {
            return report.not_sealed += 1;
        }
        // Whose item nobody knows may be a record that a search misses.
        let table = self.of.table;
        let Ok(kind) = table.kind_of(item) else { return report.unreadable += 1 };
        match self.current.count(kind, item, &mut report.tags) {
            Ok(None) => {}
            Ok(Some(is_current)) => {
                report.records += 1;
                report.stale += u64::from(!is_current);
            }
            Err(_) => report.unreadable += 1,
        }
    }
}
