//! The report of [`StoredTable::coverage`](crate::maintain::StoredTable::coverage).

mod copies;
pub(crate) mod finding;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::maintain::report::copies::{Copies, CopyKind, NotAsked, OtherCopy};
pub use crate::maintain::report::finding::{Finding, FindingKind};
use crate::maintain::tag_counts::TagCounts;

/// What a table holds, by the headers of its records: which entity types, and which keys can unwrap
/// their data keys.
///
/// It serializes with stable names. Its `Display` form is the text for an operator; the first line
/// says what was looked at.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::item::to_plaintext_item;
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::{Envelope, maintain::SchemaFile, to_item};
/// use envelope_dynamo::maintain::{FindingKind, Report, StoredTable};
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
/// # let sealed = to_item(&user("u_1"), &keys).await?;
/// # let plain = to_plaintext_item(&user("u_2"))?;
/// # let dynamodb = example::users(&[sealed, plain]);
/// # let schema = SchemaFile::new().with::<User>();
/// // One record is sealed, and one item is still in plaintext.
/// let table = StoredTable::new(dynamodb, &schema, "users")?;
/// let report = table.coverage().expect_sealed().send().await?;
/// assert!(!report.holds());
/// assert_eq!((report.read.items, report.read.sealed), (2, 1));
/// assert_eq!(report.entities["User"].not_sealed, 1);
/// assert_eq!((report.keys[0].kind.as_str(), report.keys[0].count), ("local", 1)); // or "aws-kms"
/// assert_eq!(report.problems[&FindingKind::NotSealed], 1);
/// assert_eq!(report.findings[0].record, "users[user_id=u_2]");
///
/// // A report that was kept for an audit says what was looked at, and what was expected.
/// let kept: Report = serde_json::from_str(&serde_json::to_string(&report)?)?;
/// assert_eq!(kept.scope.table_arn, "arn:aws:dynamodb:eu-central-1:111122223333:table/users");
/// assert!(kept.expected.sealed && kept.expected.none_under.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Security
///
/// A report counts *claims*: whoever can write the table can write any key hint into a header. Only
/// opening proves that a record opens ([`Coverage::open`](crate::maintain::Coverage::open)). And it
/// is a report, not a signature: it is worth as much as the place where it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// What was looked at.
    pub scope: Scope,
    /// Whether what was expected of the table holds; see [`Report::holds`].
    pub(crate) holds: bool,
    /// What was expected of the table.
    pub expected: Expected,
    /// How much was read.
    pub read: ReadCounts,
    /// The items by entity type. An item that is of no type of the schema file is under
    /// `(unknown)`.
    pub entities: BTreeMap<String, EntityCounts>,
    /// The wrapped keys, by what their headers claim.
    pub keys: Vec<KeyCounts>,
    /// The search tags by type and attribute, such as `User` and `blind_email`: how many are
    /// current, as far as somebody without a search key can tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, BTreeMap<String, TagCounts>>,
    /// The number of items with a problem, by the kind of problem. An item with problems of
    /// several kinds counts for each.
    pub problems: BTreeMap<FindingKind, u64>,
    /// Items with a problem, by name: of each kind only the first ones.
    pub findings: Vec<Finding>,
    /// What came of opening records, if that was asked for.
    pub opened: Option<Opened>,
    /// The report of the branch keys' table, if that was asked for.
    pub branch_keys: Option<Box<Self>>,
    /// The copies that were not read, if every item was expected to be sealed.
    pub copies: Option<Copies>,
}

impl Report {
    /// Whether what was expected of the table holds: there is no problem but of the kinds that were
    /// to be ignored, in this table and in the branch keys' table.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.holds
    }

    pub(crate) fn decide(&mut self) {
        let ignored = &self.expected.ignored;
        let is_clean = self.problems.keys().all(|kind| ignored.contains(kind));
        self.holds = is_clean && self.branch_keys.as_ref().is_none_or(|report| report.holds);
    }
}

/// What a [`Report`] looked at: one table, in one region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scope {
    /// The physical table name.
    pub table: String,
    /// The logical table name.
    pub logical_table: String,
    /// The ARN of the table, which names account and region.
    pub table_arn: String,
    /// DynamoDB's id of the table: a table that is created again under the same name has another.
    pub table_id: String,
    /// The other regions that have a replica of the table. They were not read.
    pub replicas: Vec<String>,
    /// SHA-256 of the schema file as the library writes it, as hexadecimal text.
    pub schema_sha256: String,
    /// Before the first item was read, by DynamoDB's clock; `None` if DynamoDB did not say.
    pub begin: Option<String>,
    /// After the last item was read, by DynamoDB's clock; `None` if DynamoDB did not say.
    pub end: Option<String>,
    /// In how many segments the table was scanned.
    pub segments: u32,
    /// Whether all attributes were read, or those that the schema file names.
    pub all_attributes: bool,
    /// What this report does not prove.
    pub not_proved: Vec<String>,
}

/// What was expected of a table, in a [`Report`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Expected {
    /// The KMS keys under which no data key may be.
    pub none_under: Vec<String>,
    /// Whether every item must be sealed, with every field that is to be encrypted or
    /// authenticated.
    pub sealed: bool,
    /// The kinds of problems that were to be ignored.
    pub ignored: Vec<FindingKind>,
}

/// How much of a table was read, in a [`Report`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReadCounts {
    /// All items.
    pub items: u64,
    /// Items with sealed fields or wrapped keys.
    pub sealed: u64,
    /// Items without.
    pub not_sealed: u64,
    /// Records of unprotected types, which have none by their schema.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unprotected: u64,
    /// Pages of items.
    pub pages: u64,
    /// The read capacity units that DynamoDB counted.
    pub read_units: f64,
}

/// The items of one entity type, in a [`Report`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EntityCounts {
    /// Items with sealed fields or wrapped keys.
    pub sealed: u64,
    /// Items without.
    pub not_sealed: u64,
    /// Records of an unprotected type, which have none by its schema.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unprotected: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The wrapped keys whose headers claim the same, in a [`Report`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeyCounts {
    /// The entity type, or `(unknown)`.
    pub entity: String,
    /// The group; `None` for a record's own data key.
    pub group: Option<String>,
    /// Which kind of key wraps the data key: `aws-kms`, `branch`, `local`, `rsa-oaep`, or `kind
    /// N`.
    pub kind: String,
    /// Which key of that kind, in hexadecimal: for `aws-kms` the first 4 bytes of SHA-256 of the
    /// key id, for `branch` the version. `None` for keys that are too many to be listed one by
    /// one.
    pub key: Option<String>,
    /// The form of the context: `raw`, `hashed` or `table`.
    pub form: String,
    /// How many data keys it wraps.
    pub count: u64,
}

/// What came of opening records, in a [`Report`] of
/// [`Coverage::open`](crate::maintain::Coverage::open).
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, maintain::SchemaFile, to_item};
/// use envelope_dynamo::maintain::StoredTable;
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
/// # let old = LocalKeyProvider::new(RootKey::generate()?);
/// # let new = LocalKeyProvider::new(RootKey::generate()?);
/// # let items = [to_item(&user("u_1"), &new).await?, to_item(&user("u_2"), &old).await?];
/// # let dynamodb = example::users(&items);
/// # let schema = SchemaFile::new().with::<User>();
/// // Do all records open with the new key alone? (Copies of the table are another question.)
/// let table = StoredTable::new(dynamodb, &schema, "users")?;
/// let report = table.coverage().open(new).send().await?;
/// let opened = report.opened.as_ref().expect("it was asked for");
/// assert_eq!((opened.opened, opened.failed), (1, 1)); // not yet
/// assert!(report.findings[0].record.contains("u_2") && !report.holds());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Opened {
    /// How many records were to be opened; `None` for all.
    pub sample: Option<u64>,
    /// Records that opened, with every group that the provider may open.
    pub opened: u64,
    /// Records that did not open. Each has a finding.
    pub failed: u64,
    /// Records that were deleted before they could be opened.
    pub deleted: u64,
    /// Groups that opened.
    pub groups: u64,
    /// Groups that the provider may not open.
    pub withheld: u64,
}
