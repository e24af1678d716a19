//! What is stored, what the index lists at which moment, and which searches are wrong.
//!
//! It knows nothing of the library. The address of a user is also stored in a readable attribute,
//! and the generation in a search tag can be read by everybody.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use aws_sdk_dynamodb::Client;
use envelope_tests::{Item, bytes_of, text};

use super::INDEX;
use super::random::Random;

/// Under which key the index lists a record.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listing {
    email: String,
    created: String,
    /// A number that grows with the version of the search key.
    version: usize,
}

/// A change of an index that is not carried out yet.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Remove,
    Put(Item),
}

impl Change {
    /// Changes the table whose index lags behind.
    pub(super) async fn carry_out(self, id: &str, client: &Client) {
        match self {
            Self::Remove => {
                let delete = client.delete_item().table_name(INDEX).key("user_id", text(id));
                delete.send().await.unwrap();
            }
            Self::Put(item) => {
                let put = client.put_item().table_name(INDEX).set_item(Some(item));
                put.send().await.unwrap();
            }
        }
    }
}

/// A search that somebody makes, in one stream or page by page.
#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) email: &'static str,
    pub(super) is_one_stream: bool,
    began: u64,
    found: BTreeMap<String, usize>,
}

impl Search {
    pub(super) fn found(&mut self, id: String) {
        *self.found.entry(id).or_default() += 1;
    }
}

/// What has happened: a test that never met these cases would show nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) searches: usize,
    /// Records that had to be found.
    pub(super) stayed: usize,
    /// Records that had to be found although they moved, since they moved at once.
    pub(super) moved_at_once: usize,
    /// Records that moved in two steps, and were missed.
    pub(super) missed_in_two_steps: usize,
    /// Records that were found on several pages.
    pub(super) repeated: usize,
    pub(super) late_writes: usize,
    pub(super) sent_prepared: usize,
    pub(super) refused_prepared: usize,
    pub(super) rotations: usize,
    pub(super) cancellations: usize,
    pub(super) retirements: usize,
}

impl std::ops::AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.searches += other.searches;
        self.stayed += other.stayed;
        self.moved_at_once += other.moved_at_once;
        self.missed_in_two_steps += other.missed_in_two_steps;
        self.repeated += other.repeated;
        self.late_writes += other.late_writes;
        self.sent_prepared += other.sent_prepared;
        self.refused_prepared += other.refused_prepared;
        self.rotations += other.rotations;
        self.cancellations += other.cancellations;
        self.retirements += other.retirements;
    }
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The steps that were made.
    pub(super) step: u64,
    pub(super) seen: Seen,
    pub(super) wrong: Vec<String>,
    stored: BTreeMap<String, Item>,
    /// What the index has still to do, by record and in order.
    pending: BTreeMap<String, VecDeque<Change>>,
    /// When the index listed a record under what.
    listed: BTreeMap<String, Vec<(u64, Option<Listing>)>>,
    /// The generations of tags, in the order in which they appeared.
    generations: Vec<Vec<u8>>,
    /// Until which step a record was one that searches may miss: it was written late.
    late_until: BTreeMap<String, u64>,
    /// Until which step records may have moved from a newer key to an older one.
    backward_until: u64,
}

const STILL: u64 = u64::MAX;

impl Ledger {
    /// Begins a search.
    pub(super) fn search(&self, email: &'static str, is_one_stream: bool) -> Search {
        Search { email, is_one_stream, began: self.step, found: BTreeMap::new() }
    }

    /// The ids of the users that have an address now.
    pub(super) fn owners(&self, email: &str) -> Vec<String> {
        let has_it = |item: &Item| item["truth"].as_s().unwrap() == email;
        let own = self.stored.iter().filter(|(_, item)| has_it(item));
        own.map(|(id, _)| id.clone()).collect()
    }

    /// Notes what the table has after a write, and what its index has to do.
    pub(super) fn stored(&mut self, new: BTreeMap<String, Item>, is_late: bool, random: &Random) {
        let ids: BTreeSet<_> = self.stored.keys().chain(new.keys()).cloned().collect();
        for id in ids {
            let (old, new) = (self.stored.get(&id), new.get(&id));
            if old == new {
                continue;
            }
            let (old, new) = (old.cloned(), new.cloned());
            let (from, to) =
                (old.map(|it| self.listing(&it)), new.as_ref().map(|it| self.listing(it)));
            let changes = self.pending.entry(id.clone()).or_default();
            // In DynamoDB an entry whose key changes is removed, and then added.
            if from.is_some() && (new.is_none() || from != to && random.below(2) == 0) {
                changes.push_back(Change::Remove);
            }
            changes.extend(new.map(Change::Put));
            if from != to {
                self.set_late(&id, is_late);
            }
        }
        self.seen.late_writes += usize::from(is_late);
        self.stored = new;
    }

    fn set_late(&mut self, id: &str, is_late: bool) {
        let (step, until) = (self.step, self.late_until.entry(id.to_owned()).or_default());
        *until = match is_late {
            true => STILL,
            false => (*until).min(step),
        };
    }

    fn listing(&mut self, item: &Item) -> Listing {
        let generation = bytes_of(item, "blind_email")[1..5].to_vec();
        let known = self.generations.iter().position(|it| *it == generation);
        let version = known.unwrap_or_else(|| {
            self.generations.push(generation);
            self.generations.len() - 1
        });
        let email = item["truth"].as_s().unwrap().clone();
        Listing { email, created: item["created"].as_n().unwrap().clone(), version }
    }

    /// The records for which the index has something to do.
    pub(super) fn lagging(&self) -> Vec<String> {
        self.pending
            .iter()
            .filter(|(_, changes)| !changes.is_empty())
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Takes the next change of the index for a record, and notes it as carried out.
    pub(super) fn next_change(&mut self, id: &str) -> Option<Change> {
        let change = self.pending.get_mut(id)?.pop_front()?;
        let listing = match &change {
            Change::Remove => None,
            Change::Put(item) => Some(self.listing(item)),
        };
        let listed = self.listed.entry(id.to_owned()).or_default();
        if listed.last().is_none_or(|(_, last)| *last != listing) {
            listed.push((self.step, listing));
        }
        Some(change)
    }

    /// Notes that a rotation is about to be cancelled: records may move to the older key.
    pub(super) fn cancels(&mut self) {
        self.backward_until = STILL;
    }

    /// Notes that a version was retired after a count of zero.
    pub(super) fn retired(&mut self) {
        self.seen.retirements += 1;
        self.backward_until = self.backward_until.min(self.step);
        // An index that lags further behind than a count of the whole table takes.
        for id in self.lagging() {
            self.late_until.insert(id, STILL);
        }
        let mut versions = BTreeMap::new();
        for (id, item) in self.stored.clone() {
            if self.late_until.get(&id) != Some(&STILL) {
                versions.insert(self.listing(&item).version, id);
            }
        }
        if versions.len() > 1 {
            self.wrong.push(format!("retired while records have several versions: {versions:?}"));
        }
    }

    /// Judges a search that has ended.
    pub(super) fn judge(&mut self, search: &Search) {
        self.seen.searches += 1;
        self.seen.repeated += search.found.values().filter(|count| **count > 1).count();
        let twice = search.found.values().any(|count| *count > 1);
        if twice && search.is_one_stream {
            self.wrong.push(format!("a record was found twice: {search:?}"));
        }
        for id in search.found.keys() {
            let is_right =
                self.during(id, search).iter().flatten().any(|it| it.email == search.email);
            if !is_right {
                self.wrong.push(format!("{id} never had this address: {search:?}"));
            }
        }
        for id in self.listed.keys().cloned().collect::<Vec<_>>() {
            let (is_found, during) = (search.found.contains_key(&id), self.during(&id, search));
            let had_it =
                |it: &&Option<Listing>| it.as_ref().is_some_and(|it| it.email == search.email);
            if !during.iter().all(|it| had_it(&it)) {
                let moved = during.first().is_some_and(|it| had_it(&it))
                    && during.last().is_some_and(|it| had_it(&it));
                self.seen.missed_in_two_steps += usize::from(moved && !is_found);
                continue;
            }
            let must_be_found = match &*during {
                _ if self.is_excused(&id, search) => continue,
                [Some(_)] => {
                    self.seen.stayed += 1;
                    true
                }
                [Some(from), Some(to)] if self.is_forward(from, to, search) => {
                    self.seen.moved_at_once += 1;
                    true
                }
                _ => false,
            };
            if must_be_found && !is_found {
                let listed = &self.listed[&id];
                let step = self.step;
                self.wrong.push(format!("{id} was missed at step {step}: {search:?} {listed:?}"));
            }
        }
    }

    /// What the index listed for a record since a search began.
    fn during(&self, id: &str, search: &Search) -> Vec<Option<Listing>> {
        let listed = self.listed.get(id).map_or(&[][..], Vec::as_slice);
        let before = listed.partition_point(|(step, _)| *step <= search.began);
        let first = before.checked_sub(1).and_then(|at| listed[at].1.clone());
        let after = listed[before..].iter().map(|(_, listing)| listing.clone());
        [first].into_iter().chain(after).collect()
    }

    /// Whether nothing is promised: the index lags behind, or the record was written late.
    fn is_excused(&self, id: &str, search: &Search) -> bool {
        let is_lagging = self.pending.get(id).is_some_and(|changes| !changes.is_empty());
        let late_until = self.late_until.get(id).copied().unwrap_or_default();
        is_lagging || late_until > search.began
    }

    /// Whether a record moved from the older key to the newer one, and stayed otherwise.
    fn is_forward(&self, from: &Listing, to: &Listing, search: &Search) -> bool {
        from.created == to.created
            && from.version < to.version
            && self.backward_until <= search.began
    }
}
