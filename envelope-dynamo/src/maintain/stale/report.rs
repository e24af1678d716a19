//! How many records have search tags that are not current.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::maintain::stale::Wanted;
use crate::maintain::tag_state::TagState;

/// How many generations are counted one by one, for each tag. Whoever can write the table can name
/// any number, so the rest is counted together.
const MAX_GENERATIONS: usize = 100;

/// The name of the generations that are counted together.
const REST: &str = "(more)";

/// What a count of search tags found; see
/// [`StoredTable::stale`](crate::maintain::StoredTable::stale).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StaleReport {
    /// The physical table.
    pub table: String,
    /// All items that were read.
    pub items: u64,
    /// Sealed records of types with search tags.
    pub records: u64,
    /// Those of them with a tag that is not current, each once.
    pub stale: u64,
    /// Sealed items whose tags nobody can judge: of no known type, or damaged.
    pub unreadable: u64,
    /// Items without sealed fields. They have no tags, and are not found by them.
    pub not_sealed: u64,
    /// The tags by type and attribute, such as `User` and `blind_email`.
    pub tags: BTreeMap<String, BTreeMap<String, TagCounts>>,
    /// Pages that were read.
    pub pages: u64,
    /// The read capacity units that DynamoDB has counted.
    pub read_units: f64,
}

/// The counts of one search tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TagCounts {
    /// The generations that are current, as hexadecimal digits: one, if the search keys were at
    /// hand.
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

impl StaleReport {
    pub(super) fn new(table: &str, wanted: &[Wanted]) -> Self {
        let mut report = Self { table: table.to_owned(), ..Self::default() };
        for Wanted { entity, attribute, generations } in wanted {
            let generations = generations.iter().map(ToString::to_string).collect();
            let counts = TagCounts { generations, ..TagCounts::default() };
            let tags = report.tags.entry((*entity).to_owned()).or_default();
            tags.insert((*attribute).to_owned(), counts);
        }
        report
    }

    /// Whether every record is found by its current tags: none is stale, and each could be judged.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.stale == 0 && self.unreadable == 0
    }

    pub(super) fn count_tag(
        &mut self,
        entity: &str,
        attribute: &str,
        state: TagState,
        is_current: bool,
    ) {
        let tags = self.tags.get_mut(entity).and_then(|tags| tags.get_mut(attribute));
        let Some(counts) = tags else { return };
        match state {
            TagState::Unlisted => counts.unlisted += 1,
            TagState::Absent => counts.absent += 1,
            TagState::Malformed => counts.malformed += 1,
            TagState::Of(_) if is_current => counts.current += 1,
            TagState::Of(generation) => {
                let name = generation.to_string();
                let is_row =
                    counts.other.len() < MAX_GENERATIONS || counts.other.contains_key(&name);
                let row = if is_row { name } else { REST.to_owned() };
                *counts.other.entry(row).or_default() += 1;
            }
        }
    }
}

/// One line for each tag, and one for all records.
impl fmt::Display for StaleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (entity, tags) in &self.tags {
            for (attribute, counts) in tags {
                writeln!(f, "{entity}.{attribute}   {counts}")?;
            }
        }
        write!(f, "records {}   stale {}", self.records, self.stale)?;
        if self.unreadable > 0 {
            write!(f, "   unreadable {}", self.unreadable)?;
        }
        if self.not_sealed > 0 {
            write!(f, "   no envelope {}", self.not_sealed)?;
        }
        Ok(())
    }
}

impl fmt::Display for TagCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "current ({}) {}", self.generations.join(", "), self.current)?;
        write!(f, "   no value {}   not listed {}", self.absent, self.unlisted)?;
        for (generation, count) in &self.other {
            write!(f, "   generation {generation} {count}")?;
        }
        if self.malformed > 0 {
            write!(f, "   no tag {}", self.malformed)?;
        }
        Ok(())
    }
}
