//! How many search tags are current, for each tag of each type: as far as items tell without a key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use envelope_core::search::Generation;
use serde::{Deserialize, Serialize};

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::item::layout::is_sealed;
use crate::item::search_tags::has_tags;
use crate::maintain::stored_table::StoredTable;
use crate::maintain::tag_state::{TagState, tag_states};
use crate::record::kind::Kind;
use crate::record::search_tag::SearchTag;

/// How many generations are counted one by one, for each tag. Whoever can write the table can name
/// any number, so the rest is counted together.
const MAX_GENERATIONS: usize = 100;

/// The name of the generations that are counted together.
const REST: &str = "(more)";

/// The counts of search tags by type and attribute, such as `User` and `blind_email`.
pub(crate) type CountsByTag = BTreeMap<String, BTreeMap<String, TagCounts>>;

/// The counts of one search tag, in a [`StaleReport`](crate::maintain::StaleReport) or a
/// [`Report`](crate::maintain::Report).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TagCounts {
    /// The generations that are current, as hexadecimal digits: one, if the search keys were at
    /// hand; none, if nobody said which are current.
    pub generations: Vec<String>,
    /// Tags of a current generation.
    pub current: u64,
    /// Records that list the tag and have none: a value is absent, or empty.
    pub absent: u64,
    /// Records that do not list the tag: they were written before the mark.
    pub unlisted: u64,
    /// Tags of other generations, by the hexadecimal digits of their generation. At most 100 are
    /// counted one by one.
    pub other: BTreeMap<String, u64>,
    /// Listed attributes that are no tags.
    pub malformed: u64,
}

impl TagCounts {
    fn count(&mut self, state: TagState, is_current: bool) {
        match state {
            TagState::Unlisted => self.unlisted += 1,
            TagState::Absent => self.absent += 1,
            TagState::Malformed => self.malformed += 1,
            TagState::Of(_) if is_current => self.current += 1,
            TagState::Of(generation) => {
                let name = generation.to_string();
                let is_row = self.other.len() < MAX_GENERATIONS || self.other.contains_key(&name);
                let row = if is_row { name } else { REST.to_owned() };
                *self.other.entry(row).or_default() += 1;
            }
        }
    }
}

impl fmt::Display for TagCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.generations.is_empty() {
            write!(f, "current ({}) {}   ", self.generations.join(", "), self.current)?;
        }
        write!(f, "no value {}   not listed {}", self.absent, self.unlisted)?;
        for (generation, count) in &self.other {
            write!(f, "   generation {generation} {count}")?;
        }
        if self.malformed > 0 {
            write!(f, "   no tag {}", self.malformed)?;
        }
        Ok(())
    }
}

/// Which generations of each search tag are current.
#[derive(Clone, Debug, Default)]
pub(crate) struct CurrentTags(Vec<CurrentTag>);

#[derive(Clone, Debug)]
struct CurrentTag {
    entity: &'static str,
    attribute: &'static str,
    generations: BTreeSet<Generation>,
}

impl CurrentTags {
    /// What `current` says of each tag of the table's types.
    pub(crate) fn new(
        table: &StoredTable,
        mut current: impl FnMut(&Kind, SearchTag) -> BTreeSet<Generation>,
    ) -> Self {
        let mut all = Vec::new();
        for kind in table.kinds() {
            for (field, tag) in kind.schema.search_tags() {
                let generations = current(kind, tag);
                all.push(CurrentTag { entity: kind.name, attribute: field.name, generations });
            }
        }
        Self(all)
    }

    /// The same generations for each tag: which of them is whose, somebody else knows.
    pub(crate) fn told(table: &StoredTable, generations: &BTreeSet<Generation>) -> Self {
        Self::new(table, |_, _| generations.clone())
    }

    /// The counts before any record was counted.
    pub(crate) fn no_counts(&self) -> CountsByTag {
        let mut counts = CountsByTag::new();
        for CurrentTag { entity, attribute, generations } in &self.0 {
            let generations = generations.iter().map(ToString::to_string).collect();
            let none = TagCounts { generations, ..TagCounts::default() };
            let of_type = counts.entry((*entity).to_owned()).or_default();
            of_type.insert((*attribute).to_owned(), none);
        }
        counts
    }

    /// Counts the tags of an item of `kind`. Returns whether all are current; `None` if such
    /// records have no tags.
    ///
    /// # Errors
    ///
    /// If the item is no sealed record, or its payload is damaged. Then nothing is counted.
    pub(crate) fn count(
        &self,
        kind: &Kind,
        item: &Item,
        counts: &mut CountsByTag,
    ) -> Result<Option<bool>, ErrorKind> {
        if kind.unprotected || !has_tags(kind.schema) {
            return Ok(None);
        }
        if !is_sealed(item) {
            return Err(DataError::NotSealed.into());
        }
        let mut are_current = true;
        // Every tag is counted, after the first stale one too.
        for (field, _, state) in tag_states(kind, item)? {
            let current =
                self.0.iter().find(|it| it.entity == kind.name && it.attribute == field.name);
            let is_current =
                current.is_some_and(|it| it.generations.iter().any(|g| state.is_current(*g)));
            are_current &= is_current;
            let counts = counts.get_mut(kind.name).and_then(|of_type| of_type.get_mut(field.name));
            if let Some(counts) = counts {
                counts.count(state, is_current);
            }
        }
        Ok(Some(are_current))
    }
}
