//! How many records have search tags that are not current.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::maintain::tag_counts::{CurrentTags, TagCounts};

/// What a count of search tags found; see
/// [`StoredTable::stale`](crate::maintain::StoredTable::stale).
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::keys::{LocalSearchKeys, SearchKey, SearchKeys};
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::to_item;
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::maintain::{SchemaFile, StaleReport, StoredTable};
///
/// # mod before {
/// #     use envelope_dynamo::Envelope;
/// #     #[derive(Envelope)]
/// #     #[envelope(table = "users")]
/// #     pub struct User {
/// #         #[partition_key]
/// #         pub user_id: String,
/// #         #[encrypted]
/// #         pub email: String,
/// #     }
/// # }
/// #[derive(Envelope)]
/// #[envelope(table = "users", index(name = "by-email", partition_key = email))]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     #[searchable(normalize(trim, ascii_lowercase))] // since today
///     email: String,
/// }
///
/// # let keys: SearchKeys = LocalSearchKeys::new(SearchKey::from_slice(&[1; 32])?).into();
/// # let zoe = before::User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// # let dynamodb = example::users(&[to_item(&zoe, &TestKeyProvider::default()).await?]);
/// // The only record was written yesterday.
/// let schema = SchemaFile::new().with::<User>();
/// let table = StoredTable::new(dynamodb, &schema, "users")?;
/// let report: StaleReport = table.stale(&keys).send().await?;
/// assert!(!report.is_clean(), "a search does not find every record: run `reindex`");
/// assert_eq!((report.records, report.stale), (1, 1));
/// assert_eq!(report.tags["User"]["blind_email"].unlisted, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
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
