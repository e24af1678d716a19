//! The scan of a whole table, with more segments than one and never as many as a change uses.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use envelope_core::{BranchVersion, UnwrapKey};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::dynamodb::Item;
use crate::error::DynamoDbError;
use crate::keys::key_table::item::VERSION;
use crate::maintain::coverage::judge::{Judge, Rules};
use crate::maintain::coverage::open::open_stored;
use crate::maintain::coverage::sample::Sample;
use crate::maintain::coverage::server_time::ServerTime;
use crate::maintain::coverage::tally::Tally;
use crate::maintain::coverage::{Coverage, CoverageEvent};
use crate::maintain::engine::error::RunErrorKind;
use crate::maintain::engine::limits::Pace;
use crate::maintain::engine::pages::{Page, Pages};
use crate::maintain::engine::part::SEGMENTS_AT_ONCE;
use crate::maintain::reindex::tag_attributes;
use crate::maintain::report::{Expected, FindingKind, Opened, ReadCounts, Report, Scope};
use crate::maintain::stored_table::StoredTable;
use crate::record::schema::ENCRYPTED_PAYLOAD;
use crate::table::bounded;

/// A segment has about this many bytes.
const SEGMENT_BYTES: u64 = 1 << 30;

/// The most segments, about.
const MAX_SEGMENTS: u64 = 1 << 12;

/// What is done with each record.
#[derive(Clone, Copy)]
pub(crate) enum Mode<'a> {
    Headers,
    OpenAll(&'a dyn UnwrapKey),
    OpenSample(&'a dyn UnwrapKey, u64),
    /// The versions of branch keys are listed.
    BranchKeys,
}

/// The scan of one table.
pub(crate) struct Scan<'a> {
    coverage: &'a Coverage<'a>,
    /// The table of the caller, for names.
    table: &'a StoredTable,
    /// The same table, whose client notes DynamoDB's time.
    timed: StoredTable,
    time: ServerTime,
    rules: &'a Rules,
    mode: Mode<'a>,
    scope: Scope,
    pace: Pace,
    state: Mutex<State<'a>>,
}

struct State<'a> {
    tally: Tally<'a>,
    opened: Opened,
    sample: Sample<Item>,
    versions: HashSet<[u8; BranchVersion::BYTES]>,
    /// How many findings the observer has seen.
    reported: usize,
}

impl<'a> Scan<'a> {
    pub(crate) async fn new(
        coverage: &'a Coverage<'a>,
        table: &'a StoredTable,
        rules: &'a Rules,
        mode: Mode<'a>,
    ) -> Result<Self, RunErrorKind> {
        let time = ServerTime::default();
        let config = table.client.config().to_builder().interceptor(time.clone()).build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        let mut timed = table.clone();
        timed.client = client;
        // Its answer is older than everything that is read.
        let info = timed.describe().await?;
        let sample = match mode {
            Mode::OpenSample(_, records) => records,
            _ => 0,
        };
        let scope = Scope {
            table: table.name().to_owned(),
            logical_table: table.logical().to_owned(),
            table_arn: info.arn,
            table_id: info.id,
            replicas: info.replicas,
            schema_sha256: table.schema_digest().to_owned(),
            begin: None,
            end: None,
            segments: segments(info.bytes),
            all_attributes: rules.all_attributes,
            not_proved: not_proved(table, rules, mode),
        };
        let state = State {
            tally: Tally::new(
                table,
                Judge::new(table, rules),
                &coverage.current_tags,
                coverage.max_named,
            ),
            opened: Opened {
                sample: matches!(mode, Mode::OpenSample(..)).then_some(sample),
                ..Opened::default()
            },
            sample: Sample::new(sample),
            versions: HashSet::new(),
            reported: 0,
        };
        let pace = coverage.limits.pace();
        let state = Mutex::new(state);
        Ok(Self { coverage, table, timed, time, rules, mode, scope, pace, state })
    }

    /// Reads the table to its end.
    pub(crate) async fn run(self) -> Result<(Tally<'a>, Report), RunErrorKind> {
        let (tally, report, _) = self.run_for_versions().await?;
        Ok((tally, report))
    }

    /// The same, for the branch keys' table: with the versions that it has.
    pub(crate) async fn run_for_versions(
        self,
    ) -> Result<(Tally<'a>, Report, HashSet<[u8; BranchVersion::BYTES]>), RunErrorKind> {
        let attributes = (!self.rules.all_attributes).then(|| self.attributes());
        let pages = Pages { table: &self.timed, attributes, total: self.scope.segments };
        let mut segments = 0..self.scope.segments;
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < SEGMENTS_AT_ONCE as usize
                && let Some(segment) = segments.next()
            {
                running.push(self.segment(&pages, segment));
            }
            match running.next().await {
                Some(done) => done?,
                None => break,
            }
        }
        drop(running);
        if let Mode::OpenSample(provider, _) = self.mode {
            self.open_sample(provider).await?;
        }
        let Self { mode, mut scope, time, state, .. } = self;
        (scope.begin, scope.end) = time.first_and_last();
        let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let report = Report {
            scope,
            holds: false,
            expected: Expected::default(),
            read: ReadCounts::default(),
            entities: Default::default(),
            keys: Vec::new(),
            tags: Default::default(),
            problems: Default::default(),
            findings: Vec::new(),
            opened: matches!(mode, Mode::OpenAll(_) | Mode::OpenSample(..)).then_some(state.opened),
            branch_keys: None,
            copies: None,
        };
        Ok((state.tally, report, state.versions))
    }

    /// The attributes that are read.
    fn attributes(&self) -> Vec<String> {
        let mut names = self.table.context_attributes();
        names.push(ENCRYPTED_PAYLOAD.to_owned());
        names.extend(tag_attributes(self.table));
        if self.rules.all_sealed {
            names.extend(self.table.protected_attributes());
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn segment(&self, pages: &Pages<'_>, segment: u32) -> Result<(), DynamoDbError> {
        let mut after: Option<Item> = None;
        loop {
            let page = pages.read(segment, after.as_ref(), true, &self.pace.read).await?;
            let to_open = self.count(&page);
            if let Mode::OpenAll(provider) = self.mode {
                self.open(provider, to_open).await;
            }
            self.report();
            match page.next {
                None => return Ok(()),
                next => after = next,
            }
        }
    }

    /// Counts the items of a page. Returns the records, by the position of their kind.
    fn count<'p>(&self, page: &'p Page) -> Vec<(usize, &'p Item)> {
        let mut state = self.state();
        let state = &mut *state;
        state.tally.read.pages += 1;
        state.tally.read.read_units += page.read_units;
        let mut records = Vec::new();
        for item in &page.items {
            let judged = state.tally.count(item);
            let kind = self.table.kinds().get(judged.kind);
            if !judged.is_sealed || kind.is_some_and(|kind| kind.unprotected) {
                continue;
            }
            match self.mode {
                Mode::Headers => {}
                Mode::OpenAll(_) => records.push((judged.kind, item)),
                Mode::OpenSample(..) => state.sample.offer(|| self.table.key(item)),
                Mode::BranchKeys => {
                    let version = item.get(VERSION).and_then(|version| version.as_s().ok());
                    let version = version.and_then(|version| BranchVersion::parse(version));
                    state.versions.extend(version.map(|version| *version.as_bytes()));
                }
            }
        }
        records
    }

    /// Opens records, and counts what came of it.
    async fn open(&self, provider: &dyn UnwrapKey, records: Vec<(usize, &Item)>) {
        let each = self.coverage.limits.in_flight.div_ceil(SEGMENTS_AT_ONCE as usize);
        let opening = records.iter().map(|(kind, item)| self.open_one(provider, *kind, item));
        bounded::all(each, opening).await;
    }

    async fn open_one(&self, provider: &dyn UnwrapKey, kind: usize, item: &Item) {
        let outcome = match self.table.kinds().get(kind) {
            Some(of) => {
                let opened = open_stored(&self.timed, of, item, provider, &self.pace).await;
                opened.map_err(|error| error.to_string())
            }
            None => Err("its entity type is unknown".to_owned()),
        };
        let mut state = self.state();
        match outcome {
            Ok(groups) => {
                state.opened.opened += 1;
                state.opened.groups += groups.opened;
                state.opened.withheld += groups.withheld;
            }
            Err(problem) => {
                state.opened.failed += 1;
                state.tally.found(kind, item, FindingKind::NotOpened, problem);
            }
        }
    }

    /// Reads the chosen records again, and opens them.
    async fn open_sample(&self, provider: &dyn UnwrapKey) -> Result<(), RunErrorKind> {
        let chosen = std::mem::replace(&mut self.state().sample, Sample::new(0)).into_chosen();
        let judge = Judge::new(self.table, self.rules);
        let opening = chosen.iter().map(|key| async {
            match self.get(key).await? {
                Some(item) => self.open_one(provider, judge.judge(&item).kind, &item).await,
                None => self.state().opened.deleted += 1,
            }
            Ok::<_, DynamoDbError>(())
        });
        let done = bounded::all(self.coverage.limits.in_flight, opening).await;
        self.report();
        Ok(done.into_iter().collect::<Result<(), _>>()?)
    }

    async fn get(&self, key: &Item) -> Result<Option<Item>, DynamoDbError> {
        let table = &self.timed;
        let get = table.client.get_item().table_name(&table.name).set_key(Some(key.clone()));
        let output = get.consistent_read(true).send().await;
        let output = output.map_err(|error| DynamoDbError::new("GetItem", &table.name, error))?;
        Ok(output.item)
    }

    fn report(&self) {
        let Some(observer) = &self.coverage.observer else { return };
        let (read, new) = {
            let mut state = self.state();
            let findings = state.tally.findings();
            let new = findings.get(state.reported..).unwrap_or_default().to_vec();
            state.reported += new.len();
            (state.tally.read, new)
        };
        new.iter().for_each(|finding| observer(CoverageEvent::Found(finding)));
        observer(CoverageEvent::Page(&read));
    }
}

/// An odd number above 1: a change uses a power of two.
fn segments(table_bytes: u64) -> u32 {
    let by_size = (table_bytes / SEGMENT_BYTES).min(MAX_SEGMENTS);
    u32::try_from(by_size / 2 * 2 + 5).unwrap_or(5)
}

fn not_proved(table: &StoredTable, rules: &Rules, mode: Mode<'_>) -> Vec<String> {
    let mut list = Vec::new();
    if !matches!(mode, Mode::OpenAll(_)) {
        list.push("that the headers name the keys that wrap the data keys");
        if !tag_attributes(table).is_empty() {
            list.push("that records have the search tags that were written with them");
        }
    }
    if !rules.all_attributes {
        list.push("what attributes hold that the schema file does not name");
    }
    list.push("what other tables and regions, backups, exports, streams, caches and queues hold");
    list.push("that no writer still uses a key");
    if rules.all_sealed {
        list.push(
            "that nobody stores plaintext behind the scan: begin it when no process is left that \
             writes plain items, with the guard on the table",
        );
    }
    list.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use crate::maintain::coverage::scan::segments;
    use crate::maintain::engine::part::Part;

    #[test]
    fn coverage_and_rewrap_divide_a_table_differently() {
        for gib in [0, 1, 2, 3, 64, 100, 662, 100_000] {
            let (bytes, other) = (gib << 30, Part::WHOLE.total_segments(gib << 30));
            assert!(segments(bytes) > 1 && segments(bytes) != other, "{gib} GiB");
            assert!(!segments(bytes).is_power_of_two());
        }
        assert_eq!((segments(0), segments(662 << 30), segments(u64::MAX)), (5, 667, 4101));
    }
}
