//! The work of a run: reads pages, judges each record, writes the changed ones, and counts.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::KeyErrorKind;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::retry::Retry;
use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::write::WriteError;
use crate::error::{DynamoDbError, Error};
use crate::maintain::engine::counts::Counts;
use crate::maintain::engine::error::RunErrorKind;
use crate::maintain::engine::limits::{Limits, Pace};
use crate::maintain::engine::pages::{Page, Pages, is_throttling};
use crate::maintain::engine::part::{Part, SEGMENTS_AT_ONCE};
use crate::maintain::engine::refusals::Refusals;
use crate::maintain::engine::run::{Observer, Run, RunEvent};
use crate::maintain::engine::step::{Calls, Change, Standing, Step};
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

/// Works on the segments of a part.
pub(crate) struct Worker<'a> {
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
    pub(crate) fn new(run: &'a Run<'_>, total: u32) -> Self {
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

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) async fn work(&self, part: Part) -> Result<(), RunErrorKind> {
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
        let calls = Calls::new(&self.pace);
        self.refusals.begin();
        let settled = self.change(item, &calls).await;
        self.refusals.end();
        let kms_calls = calls.made();
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
        if calls.made() > 0 {
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
