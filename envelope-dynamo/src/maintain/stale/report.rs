//! How many records have search tags that are not current.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::maintain::tag_counts::{CurrentTags, TagCounts};

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

impl StaleReport {
    pub(super) fn new(table: &str, current: &CurrentTags) -> Self {
        Self { table: table.to_owned(), tags: current.no_counts(), ..Self::default() }
    }

    /// Whether every record is found by its current tags: none is stale, and each could be judged.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.stale == 0 && self.unreadable == 0
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
