//! The engine: reads a part of a table, and changes each record that a step finds due.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::KeyErrorKind;
use futures_util::future::{BoxFuture, Either, select};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::retry::Retry;
use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::write::WriteError;
use crate::error::{DynamoDbError, Error};
use crate::maintain::engine::counts::Counts;
use crate::maintain::engine::error::{RunError, RunErrorKind};
use crate::maintain::engine::limits::{Limits, Pace};
use crate::maintain::engine::pages::{Page, Pages, is_throttling};
use crate::maintain::engine::part::{Part, SEGMENTS_AT_ONCE};
use crate::maintain::engine::preflight::Accepted;
use crate::maintain::engine::refusals::Refusals;
use crate::maintain::engine::update::{Update, Updated};
use crate::maintain::stored_table::StoredTable;
use crate::table::bounded;
use crate::table::claims::write::Claimed;

/// How often a record is tried while other writers are faster, or a service is throttled.
const MAX_TRIES: u32 = 16;

/// So many records in a row that failed for causes that may pass, such as an outage, end a run: the
/// others would fail as well.
const TRANSIENT_IN_A_ROW: u64 = 16;

/// Runs that claim values are refused before they begin if there is no table of claims.
const NO_CLAIMS: DataError = DataError::Malformed("there is no table of claims");

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

/// Something that a run reports while it works.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use aws_sdk_dynamodb::types::AttributeValue;
/// # use envelope_dynamo::item::to_plaintext_item;
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::{Envelope, Table};
/// use std::sync::Mutex;
///
/// use envelope_dynamo::maintain::RunEvent;
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
/// # let mut odd = to_plaintext_item(&user("u_2"))?;
/// # odd.insert("email".into(), AttributeValue::N("7".into()));
/// # let dynamodb = example::users(&[to_plaintext_item(&user("u_1"))?, odd]);
/// // The e-mail address of one item is a number.
/// let failed = Mutex::new(Vec::new());
/// let users = Table::<User>::new(dynamodb, keys);
/// let run = users.backfill().observed_by(|event| match event {
///     RunEvent::Failed(error) => failed.lock().unwrap().push(error.record().to_string()),
///     RunEvent::Page(counts) => println!("{} records so far", counts.seen()),
///     _ => {}
/// });
/// let counts = run.send().await?;
/// assert_eq!((counts.changed, counts.failed), (1, 1));
/// assert_eq!(*failed.lock().unwrap(), ["users[user_id=u_2]"]); // it stays as it was
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RunEvent<'a> {
    /// A page of records has been judged and changed.
    Page(&'a Counts),
    /// A record could not be changed, and stays as it was. The error names it.
    Failed(&'a Error),
}

type Observer<'a> = dyn Fn(RunEvent<'_>) + Send + Sync + 'a;

/// A run of maintenance over a table, or a part of it.
///
/// It has no state beside the records: whoever starts it again after a stop or a crash continues.
/// Any number of processes can work on parts of the same table, and on the same part.
#[must_use = "a run does nothing until it is sent"]
pub struct Run<'a> {
    pub(crate) table: Cow<'a, StoredTable>,
    pub(crate) step: Box<dyn Step + 'a>,
    pub(crate) part: Part,
    pub(crate) limits: Limits,
    accepted: Accepted,
    observer: Option<Arc<Observer<'a>>>,
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, step, part, .. } = self;
        f.debug_struct("Run")
            .field("table", table)
            .field("step", step)
            .field("part", part)
            .finish_non_exhaustive()
    }
}

impl<'a> Run<'a> {
    pub(crate) fn new(table: &'a StoredTable, step: impl Step + 'a) -> Self {
        Self::of(Cow::Borrowed(table), step)
    }

    pub(crate) fn of(table: Cow<'a, StoredTable>, step: impl Step + 'a) -> Self {
        Self {
            table,
            step: Box::new(step),
            part: Part::WHOLE,
            limits: Limits::new(),
            accepted: Accepted::default(),
            observer: None,
        }
    }

    /// Works on one part of the table, in place of all of it.
    pub fn part(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// Sets what the run may use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Reports each page and each failed record while the run works.
    pub fn observed_by(mut self, observer: impl Fn(RunEvent<'_>) + Send + Sync + 'a) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Says that no other region writes this global table.
    ///
    /// # Security
    ///
    /// If another region does write it (global tables with eventual consistency), writes of that
    /// region are lost: the condition of the run is checked in this region alone.
    pub fn only_writer_region(mut self) -> Self {
        self.accepted.only_writer_region = true;
        self
    }

    /// Runs although point-in-time recovery of the table is off.
    pub fn without_recovery(mut self) -> Self {
        self.accepted.no_recovery = true;
        self
    }

    /// Runs to the end of the part.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the run ended before its end. A record that failed is no such error: it is
    /// reported, and counted in [`Counts::failed`].
    pub async fn send(self) -> Result<Counts, RunError> {
        self.until(std::future::pending()).await
    }

    /// As [`send`](Self::send), but stops when `stop` is ready, such as after a signal. Requests
    /// under way are dropped; one that arrives nevertheless does no harm.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`RunErrorKind::Stopped`].
    pub async fn until(mut self, stop: impl Future<Output = ()>) -> Result<Counts, RunError> {
        let early = |kind| RunError::new(kind, Counts::default());
        let info = self.table.describe().await.map_err(early)?;
        let safe = self.table.check_safe(&info, self.accepted);
        safe.map_err(|refusal| early(refusal.into()))?;
        self.step.prepare(&self.table, self.part).await.map_err(early)?;
        let worker = Worker::new(&self, self.part.total_segments(info.bytes));
        let work = std::pin::pin!(worker.work(self.part));
        let done = match select(work, std::pin::pin!(stop)).await {
            Either::Left((done, _)) => done,
            Either::Right(((), _)) => Err(RunErrorKind::Stopped),
        };
        let counts = worker.counts();
        done.map(|()| counts).map_err(|kind| RunError::new(kind, counts))
    }
}

/// The calls that a step makes: paced and counted.
pub(crate) struct Calls<'a> {
    pace: &'a Pace,
    kms: AtomicU64,
}

impl Calls<'_> {
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

/// What became of one record.
enum Settled {
    Is(Standing),
    Changed,
    /// Another writer was faster.
    Overtaken {
        may_be_ours: bool,
    },
    Failed,
}

struct Worker<'a> {
    table: &'a StoredTable,
    step: &'a dyn Step,
    limits: &'a Limits,
    pages: Pages<'a>,
    pace: Pace,
    observer: Option<&'a Observer<'a>>,
    counts: Mutex<Counts>,
    refusals: Refusals,
    /// Records since the last success that failed for a cause that may pass.
    transient_in_a_row: AtomicU64,
    last_transient: Mutex<Option<Error>>,
}

impl<'a> Worker<'a> {
    fn new(run: &'a Run<'_>, total: u32) -> Self {
        let attributes = run.step.attributes(&run.table);
        Self {
            table: &run.table,
            step: &*run.step,
            limits: &run.limits,
            pages: Pages { table: &run.table, attributes, total },
            pace: run.limits.pace(),
            observer: run.observer.as_deref(),
            counts: Mutex::default(),
            refusals: Refusals::default(),
            transient_in_a_row: AtomicU64::new(0),
            last_transient: Mutex::default(),
        }
    }

    fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    async fn work(&self, part: Part) -> Result<(), RunErrorKind> {
        let mut segments = part.segments(self.pages.total);
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < SEGMENTS_AT_ONCE as usize
                && let Some(segment) = segments.next()
            {
                running.push(self.segment(segment));
            }
            match running.next().await {
                Some(done) => done?,
                None => break,
            }
        }
        self.none_transient()?;
        let counts = self.counts();
        match counts.changed == 0 && counts.already == 0 {
            true => self.refusals.check_any(),
            false => Ok(()),
        }
    }

    /// Fails if records failed for a cause that may pass: then another run helps.
    fn none_transient(&self) -> Result<(), RunErrorKind> {
        let last = self.last_transient.lock().unwrap_or_else(PoisonError::into_inner).take();
        last.map_or(Ok(()), |last| Err(RunErrorKind::Transient(Box::new(last))))
    }

    async fn segment(&self, segment: u32) -> Result<(), RunErrorKind> {
        let mut after: Option<Item> = None;
        // The records that were settled on the page before, in case that page has shrunk when it
        // was read again.
        let mut settled = HashSet::new();
        loop {
            let page = self.read(segment, after.as_ref(), false).await?;
            let (next, now_settled) = self.settle(segment, after.as_ref(), page, settled).await?;
            settled = now_settled;
            self.report(RunEvent::Page(&self.counts()));
            match next {
                None => return Ok(()),
                next => after = next,
            }
        }
    }

    async fn read(
        &self,
        segment: u32,
        after: Option<&Item>,
        is_consistent: bool,
    ) -> Result<Page, DynamoDbError> {
        let page = self.pages.read(segment, after, is_consistent, &self.pace.read).await?;
        self.count(|counts| {
            counts.pages += 1;
            counts.read_units += page.read_units;
        });
        Ok(page)
    }

    /// Settles all records of a page. If other writers were faster, the page is read again,
    /// consistently: so a role that reads by scans alone is enough.
    async fn settle(
        &self,
        segment: u32,
        after: Option<&Item>,
        mut page: Page,
        mut settled: HashSet<String>,
    ) -> Result<(Option<Item>, HashSet<String>), RunErrorKind> {
        let mut retry = Retry::new(&self.table.client);
        // Records whose last update may have been carried out although it seemed to lose.
        let mut perhaps_ours = HashSet::new();
        let mut was_read_again = false;
        loop {
            let items: Vec<_> = page
                .items
                .iter()
                .map(|item| (name(&self.table.key(item)), item))
                .filter(|(name, _)| !settled.contains(name))
                .collect();
            let each = self.limits.in_flight.div_ceil(SEGMENTS_AT_ONCE as usize);
            let outcomes =
                bounded::try_all(each, items.iter().map(|(_, item)| self.record(item))).await?;
            let (mut overtaken, is_last_try) = (false, retry.failed() >= MAX_TRIES);
            for ((name, item), outcome) in items.into_iter().zip(outcomes) {
                match outcome {
                    Settled::Overtaken { may_be_ours } => {
                        self.count(|counts| counts.overtaken += 1);
                        if is_last_try {
                            let conflict = WriteError::Conflict { tries: MAX_TRIES };
                            self.failed(Error::new(self.table.id(item), conflict))?;
                            continue;
                        }
                        overtaken = true;
                        if may_be_ours {
                            perhaps_ours.insert(name);
                        }
                        continue;
                    }
                    Settled::Is(Standing::Already) if perhaps_ours.contains(&name) => {
                        self.count(|counts| counts.changed += 1);
                    }
                    Settled::Is(Standing::Already) => self.count(|counts| counts.already += 1),
                    Settled::Is(Standing::OtherKey) => self.count(|counts| counts.other_key += 1),
                    Settled::Is(Standing::NotSealed) => self.count(|counts| counts.not_sealed += 1),
                    Settled::Is(Standing::OtherEntity) => {
                        self.count(|counts| counts.other_entity += 1);
                    }
                    // Counted when it happened: whether anything succeeded decides about refusals.
                    Settled::Changed | Settled::Failed => {}
                    Settled::Is(Standing::Due) => {}
                }
                settled.insert(name);
            }
            if !overtaken {
                return Ok((page.next, if was_read_again { settled } else { HashSet::new() }));
            }
            was_read_again = true;
            retry.pause().await;
            page = self.read(segment, after, true).await?;
        }
    }

    /// Judges one record, and changes it if it is due.
    async fn record(&self, item: &Item) -> Result<Settled, RunErrorKind> {
        let calls = Calls { pace: &self.pace, kms: AtomicU64::new(0) };
        self.refusals.begin();
        let settled = self.change(item, &calls).await;
        self.refusals.end();
        let kms_calls = calls.kms.load(Ordering::Relaxed);
        if kms_calls > 0 {
            self.count(|counts| counts.kms_calls += kms_calls);
        }
        match settled {
            Ok(settled) => Ok(settled),
            Err(error) => {
                self.failed(error)?;
                Ok(Settled::Failed)
            }
        }
    }

    async fn change(&self, item: &Item, calls: &Calls<'_>) -> Result<Settled, Error> {
        let mut retry = Retry::new(&self.table.client);
        loop {
            let error = match self.try_change(item, calls).await {
                Ok(settled) => return Ok(settled),
                Err(error) => error,
            };
            if !error.is_retryable() || retry.failed() >= MAX_TRIES {
                return Err(error);
            }
            self.slow_down(&error);
            retry.pause().await;
        }
    }

    async fn try_change(&self, item: &Item, calls: &Calls<'_>) -> Result<Settled, Error> {
        let standing = self.step.standing(self.table, item).await?;
        if standing != Standing::Due {
            return Ok(Settled::Is(standing));
        }
        let change = self.step.update(self.table, item, calls).await?;
        if calls.kms.load(Ordering::Relaxed) > 0 {
            self.refusals.kms_agreed();
        }
        match change {
            Change::Update(update) if update.has_claims() => {
                self.write_claimed(item, &update).await
            }
            Change::Update(update) => self.write(item, &update).await,
            Change::Is(standing) => Ok(Settled::Is(standing)),
        }
    }

    async fn write(&self, item: &Item, update: &Update) -> Result<Settled, Error> {
        let (outcome, mut retry) = (AttemptOutcome::default(), Retry::new(&self.table.client));
        loop {
            self.pace.write.ready().await;
            let error = match update.send(self.table, self.table.key(item), &outcome).await {
                Ok(Updated::Done { write_units }) => {
                    self.pace.write.spend(write_units);
                    self.count(|counts| {
                        counts.write_units += write_units;
                        counts.changed += 1;
                    });
                    self.refusals.dynamodb_agreed();
                    self.transient_in_a_row.store(0, Ordering::Relaxed);
                    return Ok(Settled::Changed);
                }
                Ok(Updated::Overtaken { may_be_ours }) => {
                    return Ok(Settled::Overtaken { may_be_ours });
                }
                Err(error) => *error,
            };
            let error = DynamoDbError::new("UpdateItem", &self.table.name, error);
            let (is_retryable, tries) = (error.retryable, retry.failed());
            let error = Error::new(self.table.id(item), error)
                .or_in_doubt(outcome.is_unknown())
                .repeatable_if(true);
            if !is_retryable || tries >= MAX_TRIES {
                return Err(error);
            }
            self.slow_down(&error);
            retry.adopt(outcome.sleep());
            retry.pause().await;
        }
    }

    /// Writes a record, and claims its unique values in the same transaction.
    async fn write_claimed(&self, item: &Item, update: &Update) -> Result<Settled, Error> {
        let kind = self.table.kind_of(item)?;
        let no_claims = || Error::new(self.table.id(item), NO_CLAIMS);
        let claims = self.table.claims(kind).ok_or_else(no_claims)?;
        let action = update.action(self.table, kind, item)?;
        self.pace.write.ready().await;
        let written = claims.write(&action, &update.unique).await;
        match written.map_err(|error| error.repeatable_if(true))? {
            Claimed::Done => {
                // DynamoDB writes each item of a transaction twice.
                let claimed = update.unique.iter().map(|value| value.tags.len()).sum::<usize>();
                let write_units = 2.0 * (action.bytes.div_ceil(1_024) + claimed) as f64;
                self.pace.write.spend(write_units);
                self.count(|counts| {
                    counts.write_units += write_units;
                    counts.changed += 1;
                });
                self.refusals.dynamodb_agreed();
                self.transient_in_a_row.store(0, Ordering::Relaxed);
                Ok(Settled::Changed)
            }
            Claimed::Refused(_, outcome) => {
                Ok(Settled::Overtaken { may_be_ours: outcome.is_unknown() })
            }
        }
    }

    fn slow_down(&self, error: &Error) {
        if error.key_error().is_some_and(|error| error.kind() == KeyErrorKind::Throttled) {
            self.pace.kms.throttled();
        }
        if error.dynamodb_error().is_some_and(is_throttling) {
            self.pace.write.throttled();
        }
    }

    /// Reports a record that failed. Fails if the run must not go on.
    fn failed(&self, error: Error) -> Result<(), RunErrorKind> {
        self.report(RunEvent::Failed(&error));
        self.count(|counts| counts.failed += 1);
        if error.is_retryable() {
            let in_a_row = self.transient_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
            *self.last_transient.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            if in_a_row >= TRANSIENT_IN_A_ROW {
                self.none_transient()?;
            }
        } else {
            self.refusals.count(error);
        }
        self.refusals.check()?;
        match self.counts().failed > self.limits.max_failed {
            true => Err(RunErrorKind::TooManyFailed),
            false => Ok(()),
        }
    }

    fn report(&self, event: RunEvent<'_>) {
        if let Some(observer) = self.observer {
            observer(event);
        }
    }
}

/// The key of an item as one text, which no other key has.
fn name(key: &Item) -> String {
    let sorted: BTreeMap<&str, &AttributeValue> =
        key.iter().map(|(name, value)| (name.as_str(), value)).collect();
    format!("{sorted:?}")
}
