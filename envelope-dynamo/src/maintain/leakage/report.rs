//! What the search tags of a table reveal, in figures.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;

use serde::Serialize;

/// How many of the most frequent values are reported.
const MOST_FREQUENT: usize = 10;

/// How many records DynamoDB writes a second, at most, under one key of an index: 1,000 write
/// units, one for each entry of up to 1 KB (Amazon DynamoDB Developer Guide, "Best practices for
/// designing and using partition keys effectively").
const WRITES_PER_KEY: u64 = 1_000;

/// What the search tags of a table reveal; see
/// [`StoredTable::leakage`](crate::maintain::StoredTable::leakage).
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::keys::{LocalSearchKeys, SearchKey, SearchKeys};
/// # use envelope_dynamo::maintain::SchemaFile;
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::to_item_with;
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::maintain::{LeakageReport, StoredTable};
///
/// #[derive(Envelope)]
/// #[envelope(table = "users", index(name = "by-city", partition_key = city))]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     #[searchable]
///     city: String,
/// }
///
/// # let search_keys = LocalSearchKeys::new(SearchKey::from_slice(&[1; 32])?);
/// # let search_keys: SearchKeys = search_keys.into();
/// # let mut items = Vec::new();
/// # for (id, city) in [("u_1", "Bern"), ("u_2", "Bern"), ("u_3", "Chur")] {
/// #     let user = User { user_id: id.into(), city: city.into() };
/// #     items.push(to_item_with(&user, &TestKeyProvider::default(), &search_keys).await?);
/// # }
/// # let dynamodb = example::users(&items);
/// # let schema = SchemaFile::new().with::<User>();
/// // Two users live in one city, and one lives in another.
/// let table = StoredTable::new(dynamodb, &schema, "users")?;
/// let report: LeakageReport = table.leakage().send().await?;
/// let city = &report.tags["blind_city"];
/// assert_eq!((city.records, city.values, city.largest_key()), (3, 2, 2));
/// // Who knows how many users each city has knows where each of them lives.
/// assert_eq!(city.named_at_best, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LeakageReport {
    /// The physical table.
    pub table: String,
    /// All items that were read.
    pub items: u64,
    /// The search tags, by attribute, such as `blind_email`. Record types that share a table share
    /// its tags.
    pub tags: BTreeMap<String, TagLeakage>,
    /// Pages that were read.
    pub pages: u64,
    /// The read capacity units that DynamoDB has counted.
    pub read_units: f64,
}

/// What one search tag reveals to whoever reads the table.
///
/// The same figures can be computed before a field becomes searchable, from how often its values
/// occur:
///
/// ```
/// use envelope_dynamo::maintain::TagLeakage;
///
/// // 1,000 patients in four wards: 600, 300, and twice 50 of them.
/// let wards = TagLeakage::of_counts([600, 300, 50, 50]);
/// assert_eq!((wards.records, wards.values, wards.once), (1_000, 4, 0));
/// assert_eq!(wards.most_frequent, [600, 300, 50, 50]);
/// // Who has a ward of 50 is known up to the toss of a coin; all others are known.
/// assert_eq!(wards.named_at_best, 0.95);
///
/// // 1,000 account numbers, all different: one guess in 1,000 is right.
/// let accounts = TagLeakage::of_counts([1; 1_000]);
/// assert_eq!((accounts.values, accounts.once, accounts.named_at_best), (1_000, 1_000, 0.001));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TagLeakage {
    /// Items with this tag.
    pub records: u64,
    /// Different tags. That is how many different values there are, if `generations` is 1.
    pub values: u64,
    /// Values that one record alone has.
    pub once: u64,
    /// How many records share each of the ten most frequent values, the most frequent one first.
    pub most_frequent: Vec<u64>,
    /// The share of the records, from 0 to 1, whose value is named on average by somebody who
    /// knows exactly how many records of this table have each value, and nothing else.
    ///
    /// Nobody who has only frequencies names more. Values that occur equally often cannot be told
    /// apart: of those that each have `c` records, one is guessed on average, whatever the guess.
    /// So this is the sum of all different `c`, divided by the number of records.
    ///
    /// It bounds the attack that ranks tags by frequencies of the population, which are not
    /// exactly those of this table. It does **not** bound somebody who also reads other attributes
    /// of the records, who sees which records change, or who can test guesses with a search key.
    pub named_at_best: f64,
    /// Generations of tags, up to 100. During a rotation there are two, and a value that has tags
    /// of both is counted as two values.
    pub generations: u64,
    /// Attributes of this name that are no tags.
    pub malformed: u64,
}

impl TagLeakage {
    /// The figures of values that occur so often.
    #[must_use]
    pub fn of_counts(counts: impl IntoIterator<Item = u64>) -> Self {
        let mut of = Self::default();
        let (mut most, mut different) = (BinaryHeap::new(), BTreeSet::new());
        for count in counts.into_iter().filter(|count| *count > 0) {
            of.records += count;
            of.values += 1;
            of.once += u64::from(count == 1);
            different.insert(count);
            most.push(Reverse(count));
            if most.len() > MOST_FREQUENT {
                most.pop();
            }
        }
        of.most_frequent = most.into_sorted_vec().into_iter().map(|Reverse(count)| count).collect();
        of.named_at_best = share(different.into_iter().sum(), of.records);
        of
    }

    /// The records under the largest key of an index by this tag alone: those of the most frequent
    /// value. An index whose partition key has other attributes too has smaller keys.
    #[must_use]
    pub fn largest_key(&self) -> u64 {
        self.most_frequent.first().copied().unwrap_or_default()
    }

    /// The seconds that DynamoDB takes at least to write all records under the largest key of an
    /// index, when a rotation gives them another tag: it writes 1,000 a second under one key.
    /// Beyond that it throttles, the writes of the table too.
    #[must_use]
    pub fn seconds_of_largest_key(&self) -> u64 {
        self.largest_key().div_ceil(WRITES_PER_KEY)
    }

    /// The records that have one of the ten most frequent values.
    #[must_use]
    pub fn records_of_most_frequent(&self) -> u64 {
        self.most_frequent.iter().sum()
    }
}

#[allow(clippy::cast_precision_loss)] // a share needs no more than 52 bits
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Two lines for each tag.
impl fmt::Display for LeakageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (attribute, tag) in &self.tags {
            writeln!(f, "{attribute}   {tag}")?;
        }
        write!(f, "items {}", self.items)
    }
}

impl fmt::Display for TagLeakage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [most, ten] = [self.largest_key(), self.records_of_most_frequent()];
        write!(f, "records {}   values {}   once {}", self.records, self.values, self.once)?;
        write!(f, "   most frequent {most}   ten most frequent {ten}")?;
        write!(f, "   named at best {:.1} %", 100.0 * self.named_at_best)?;
        let seconds = self.seconds_of_largest_key();
        write!(f, "\n   largest key of an index: {most}, written in {seconds} s at least")?;
        if self.generations > 1 {
            write!(f, "\n   tags of {} generations: values of both count twice", self.generations)?;
        }
        if self.malformed > 0 {
            write!(f, "\n   no tag {}", self.malformed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use crate::maintain::leakage::report::TagLeakage;

    #[test]
    fn figures_of_counts() {
        let empty = TagLeakage::of_counts([]);
        assert_eq!((empty.records, empty.named_at_best, empty.largest_key()), (0, 0.0, 0));
        let boolean = TagLeakage::of_counts([0, 70_000, 30_000]);
        assert_eq!((boolean.values, boolean.named_at_best), (2, 1.0));
        assert_eq!((boolean.largest_key(), boolean.seconds_of_largest_key()), (70_000, 70));
        let equal = TagLeakage::of_counts([50, 50]);
        assert_eq!(equal.named_at_best, 0.5, "which is which is a toss of a coin");
        let many = TagLeakage::of_counts((1..=12).chain([1, 1]));
        assert_eq!(many.most_frequent, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
        assert_eq!((many.once, many.records_of_most_frequent()), (3, 75));
        assert_eq!(many.named_at_best, 78.0 / 80.0);
        assert_eq!(TagLeakage::of_counts([1_001]).seconds_of_largest_key(), 2);
    }
}
