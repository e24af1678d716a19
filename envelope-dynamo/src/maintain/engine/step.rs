//! What the engine asks of a kind of run: where a record stands, and what to change.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::maintain::engine::error::RunErrorKind;
use crate::maintain::engine::limits::Pace;
use crate::maintain::engine::part::Part;
use crate::maintain::engine::update::Update;
use crate::maintain::stored_table::StoredTable;

/// Where a record stands before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Due,
    Already,
    OtherKey,
    NotSealed,
    /// It is of another type than the run is for, or of an unprotected type.
    OtherEntity,
}

/// A call to KMS that a record needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KmsCall {
    /// For this record alone.
    Own,
    /// Shared by all records whose call has the same hash.
    Shared(u64),
}

/// What a step does with a record that is due.
pub(crate) enum Change {
    Update(Update),
    /// Nothing, after all: the record stands otherwise than it seemed.
    Is(Standing),
}

impl From<Update> for Change {
    /// An empty update says that the step has no key for the record.
    fn from(update: Update) -> Self {
        if update.set.is_empty() { Self::Is(Standing::OtherKey) } else { Self::Update(update) }
    }
}

/// What the change of a record that is due would be and cost.
pub(crate) struct Rehearsed {
    pub(crate) standing: Standing,
    /// The bytes of the item after the change; `None` if it stays about as long as it is.
    pub(crate) bytes: Option<u64>,
    /// The calls to KMS; `None` if the step cannot tell beforehand.
    pub(crate) kms_calls: Option<Vec<KmsCall>>,
}

impl Rehearsed {
    /// Nothing is changed.
    pub(crate) const fn is(standing: Standing) -> Self {
        Self { standing, bytes: None, kms_calls: None }
    }
}

/// What a run does with each record.
pub(crate) trait Step: fmt::Debug + Send + Sync {
    /// Checks the step's own settings before anything is read.
    fn prepare<'s>(
        &'s mut self,
        table: &'s StoredTable,
        part: Part,
    ) -> BoxFuture<'s, Result<(), RunErrorKind>>;

    /// Whether the run is for some types of record, so that it meets items of others.
    fn is_of_types(&self) -> bool {
        false
    }

    /// The attributes that are read; `None` for all.
    fn attributes(&self, table: &StoredTable) -> Option<Vec<String>>;

    /// The attributes that the run changes beside payloads and wrapped keys.
    fn changed_attributes(&self, _table: &StoredTable) -> Vec<String> {
        Vec::new()
    }

    /// Where the record stands. No data key is asked for.
    fn standing<'s>(
        &'s self,
        table: &'s StoredTable,
        item: &'s Item,
    ) -> BoxFuture<'s, Result<Standing, Error>>;

    /// The calls to KMS that the update of a record needs that is due; `None` if the step cannot
    /// tell beforehand.
    fn kms_calls(&self, _table: &StoredTable, _item: &Item) -> Option<Vec<KmsCall>> {
        None
    }

    /// What the change of a record that is due would be, for the dry run. Nothing is changed, and
    /// KMS is not called for each record.
    fn rehearse<'s>(
        &'s self,
        table: &'s StoredTable,
        item: &'s Item,
    ) -> BoxFuture<'s, Result<Rehearsed, Error>> {
        let kms_calls = self.kms_calls(table, item);
        let rehearsed = Rehearsed { standing: Standing::Due, bytes: None, kms_calls };
        std::future::ready(Ok(rehearsed)).boxed()
    }

    /// The change of a record that is due.
    fn update<'s>(
        &'s self,
        table: &'s StoredTable,
        item: &'s Item,
        calls: &'s Calls<'_>,
    ) -> BoxFuture<'s, Result<Change, Error>>;
}

/// The calls that a step makes: paced and counted.
pub(crate) struct Calls<'a> {
    pace: &'a Pace,
    kms: AtomicU64,
}

impl<'a> Calls<'a> {
    pub(crate) const fn new(pace: &'a Pace) -> Self {
        Self { pace, kms: AtomicU64::new(0) }
    }

    /// How many calls to KMS were made.
    pub(crate) fn made(&self) -> u64 {
        self.kms.load(Ordering::Relaxed)
    }

    /// Waits for the permission to call KMS once.
    pub(crate) async fn kms(&self) {
        self.pace_kms().await;
        self.count_kms(1);
    }

    /// Waits for the permission to call KMS once. Whether it was called is counted later.
    pub(crate) async fn pace_kms(&self) {
        self.pace.kms.take().await;
    }

    /// Counts calls to KMS that were made.
    pub(crate) fn count_kms(&self, calls: usize) {
        self.kms.fetch_add(calls as u64, Ordering::Relaxed);
    }
}
