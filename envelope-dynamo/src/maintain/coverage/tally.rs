//! Counts what the items of a table claim.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use envelope_core::BranchVersion;
use envelope_core::search::Generation;

use crate::dynamodb::Item;
use crate::error::record_id::RecordId;
use crate::maintain::coverage::judge::{Entry, Judge, Judged, key_kind_name};
use crate::maintain::report::{EntityCounts, Finding, FindingKind, KeyCounts, ReadCounts, Report};
use crate::maintain::stored_table::{StoredTable, hex};
use crate::maintain::tag_counts::{CountsByTag, CurrentTags};
use crate::record::item_key::record_id;

/// How many keys are counted one by one. Whoever can write the table can name any number of keys,
/// so the rest is counted together.
const MAX_ROWS: usize = 1_000;

/// How many versions of branch keys are remembered, to compare them with the branch keys' table.
const MAX_VERSIONS: usize = 1 << 18;

/// The entity type of an item that is of no known type.
const UNKNOWN: &str = "(unknown)";

type Version = [u8; BranchVersion::BYTES];

/// The counts of one scan.
pub(crate) struct Tally<'a> {
    table: &'a StoredTable,
    judge: Judge<'a>,
    /// How many findings of each kind are named.
    max_named: usize,
    pub(crate) read: ReadCounts,
    entities: Vec<EntityCounts>,
    /// By what the entry claims; without the key where there are too many.
    rows: HashMap<(Entry, bool), u64>,
    problems: BTreeMap<FindingKind, u64>,
    findings: Vec<Finding>,
    named: BTreeMap<FindingKind, usize>,
    current_tags: CurrentTags,
    tags: CountsByTag,
    /// The versions of branch keys that records name: how many do, and the first one.
    named_versions: HashMap<Version, (u64, String)>,
    /// Whether there were more versions than are remembered.
    pub(crate) has_more_versions: bool,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(
        table: &'a StoredTable,
        judge: Judge<'a>,
        current_tags: &BTreeSet<Generation>,
        max_named: usize,
    ) -> Self {
        let current_tags = CurrentTags::told(table, current_tags);
        Self {
            table,
            judge,
            max_named,
            read: ReadCounts::default(),
            entities: vec![EntityCounts::default(); table.kinds().len() + 1],
            rows: HashMap::new(),
            problems: BTreeMap::new(),
            findings: Vec::new(),
            named: BTreeMap::new(),
            tags: current_tags.no_counts(),
            current_tags,
            named_versions: HashMap::new(),
            has_more_versions: false,
        }
    }

    /// Counts an item. Returns what it claims.
    pub(crate) fn count(&mut self, item: &Item) -> Judged {
        let mut judged = self.judge.judge(item);
        self.read.items += 1;
        let is_unprotected =
            self.table.kinds().get(judged.kind).is_some_and(|kind| kind.unprotected);
        let entity = self.entities.get_mut(judged.kind);
        let (read, entity) = match (judged.is_sealed, is_unprotected) {
            (true, _) => (&mut self.read.sealed, entity.map(|counts| &mut counts.sealed)),
            (false, false) => {
                (&mut self.read.not_sealed, entity.map(|counts| &mut counts.not_sealed))
            }
            (false, true) => {
                (&mut self.read.unprotected, entity.map(|counts| &mut counts.unprotected))
            }
        };
        *read += 1;
        if let Some(kind) = self.table.kinds().get(judged.kind) {
            // What is wrong with the headers is a problem that was found above.
            let _ = self.current_tags.count(kind, item, &mut self.tags);
        }
        entity.into_iter().for_each(|count| *count += 1);
        for entry in &judged.entries {
            let is_listed = self.rows.len() < MAX_ROWS || self.rows.contains_key(&(*entry, true));
            let entry = match is_listed {
                true => *entry,
                false => Entry { id: ([0; 16], 0), ..*entry },
            };
            *self.rows.entry((entry, is_listed)).or_default() += 1;
        }
        for version in &judged.versions {
            self.named_version(*version, judged.kind, item);
        }
        for (kind, problem) in std::mem::take(&mut judged.problems) {
            self.found(judged.kind, item, kind, problem);
        }
        judged
    }

    fn named_version(&mut self, version: Version, kind: usize, item: &Item) {
        if let Some((count, _)) = self.named_versions.get_mut(&version) {
            *count += 1;
        } else if self.named_versions.len() < MAX_VERSIONS {
            let record = self.id(kind, item).to_string();
            self.named_versions.insert(version, (1, record));
        } else {
            self.has_more_versions = true;
        }
    }

    /// Reports the records under versions that the branch keys' table does not have.
    pub(crate) fn compare_versions(&mut self, existing: &HashSet<Version>) {
        let named = std::mem::take(&mut self.named_versions);
        let mut missing: Vec<_> =
            named.into_iter().filter(|(version, _)| !existing.contains(version)).collect();
        missing.sort_unstable();
        for (version, (count, record)) in missing {
            let version = BranchVersion::from_bytes(version);
            let problem = format!(
                "the branch keys' table has no version {version}, which {count} data keys name"
            );
            let kind = FindingKind::UnknownBranchKey;
            *self.problems.entry(kind).or_default() += count;
            if self.is_named(kind) {
                self.findings.push(Finding { record, kind, problem });
            }
        }
    }

    /// The findings so far.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Counts a problem of `item`, and names the item unless there were many.
    pub(crate) fn found(&mut self, of: usize, item: &Item, kind: FindingKind, problem: String) {
        *self.problems.entry(kind).or_default() += 1;
        if self.is_named(kind) {
            let record = self.id(of, item).to_string();
            self.findings.push(Finding { record, kind, problem });
        }
    }

    /// Whether one more finding of this kind is named; counts it.
    fn is_named(&mut self, kind: FindingKind) -> bool {
        let named = self.named.entry(kind).or_default();
        *named += 1;
        *named <= self.max_named
    }

    fn id(&self, kind: usize, item: &Item) -> RecordId {
        match self.table.kinds().get(kind) {
            Some(kind) => record_id(kind, item),
            None => self.table.id(item),
        }
    }

    fn entity(&self, kind: usize) -> String {
        self.table.kinds().get(kind).map_or(UNKNOWN, |kind| kind.name).to_owned()
    }

    pub(crate) fn into_report(self, report: &mut Report) {
        let entities = self.entities.iter().enumerate();
        report.entities = entities
            .filter(|(kind, counts)| {
                *kind < self.table.kinds().len() || **counts != EntityCounts::default()
            })
            .map(|(kind, counts)| (self.entity(kind), *counts))
            .collect();
        let row = |((entry, is_listed), count): (&(Entry, bool), &u64)| {
            let (bytes, length) = entry.id;
            KeyCounts {
                entity: self.entity(entry.kind),
                group: entry.group.map(str::to_owned),
                kind: key_kind_name(entry.key_kind),
                key: is_listed.then(|| hex(bytes.get(..length).unwrap_or_default())),
                form: entry.form.to_string(),
                count: *count,
            }
        };
        report.keys = self.rows.iter().map(row).collect();
        report.keys.sort_unstable();
        report.tags = self.tags;
        report.read = self.read;
        report.problems = self.problems;
        report.findings = self.findings;
    }
}
