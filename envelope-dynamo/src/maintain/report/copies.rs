//! The copies of a table's items that a report did not read.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many copies of one kind the text names; the JSON form has all of them.
const NAMED: usize = 20;

/// Where states of a table's items may stand that the scan did not read. If the items were plain
/// then, so are these copies: sealing a record does not reach them.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::{Envelope, maintain::SchemaFile, to_item};
/// use envelope_dynamo::maintain::{CopyKind, StoredTable};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// # let dynamodb = example::users(&[to_item(&user, &TestKeyProvider::default()).await?]);
/// # let schema = SchemaFile::new().with::<User>();
/// // After a backfill: every item is sealed, and point-in-time recovery still has the plain ones.
/// let table = StoredTable::new(dynamodb, &schema, "users")?;
/// let report = table.coverage().expect_sealed().send().await?;
/// assert!(report.holds());
/// let copies = report.copies.expect("they are listed with `expect_sealed`");
/// assert!(copies.known.iter().any(|copy| copy.kind == CopyKind::PointInTimeRecovery));
/// // DynamoDB does not know the recovery points of AWS Backup, so a person has to look there.
/// assert!(copies.not_asked.iter().any(|unknown| unknown.kind == CopyKind::Backup));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Copies {
    /// The copies of which DynamoDB knows.
    pub known: Vec<OtherCopy>,
    /// What could not be asked.
    pub not_asked: Vec<NotAsked>,
}

/// A copy of a table's items, in [`Copies`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OtherCopy {
    /// What it is.
    pub kind: CopyKind,
    /// Its ARN, or its name: the table for point-in-time recovery, the region of a replica, the
    /// index.
    pub name: String,
    /// The time of the oldest items in it (RFC 3339), if DynamoDB says so.
    pub since: Option<String>,
    /// Its state, and how long it stays.
    pub detail: String,
}

/// A kind of copy that could not be asked for, in [`Copies`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotAsked {
    /// What it is.
    pub kind: CopyKind,
    /// Which call was refused and how, or where to ask.
    pub problem: String,
}

/// What a copy of a table's items is, in [`Copies`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CopyKind {
    /// Point-in-time recovery of this table.
    PointInTimeRecovery,
    /// A backup.
    Backup,
    /// An export to S3.
    Export,
    /// The stream of this table.
    Stream,
    /// A Kinesis data stream that gets the changes of this table.
    KinesisStream,
    /// A replica of a global table.
    Replica,
    /// An index that names an encrypted field.
    Index,
}

impl CopyKind {
    const ALL: [Self; 7] = [
        Self::PointInTimeRecovery,
        Self::Backup,
        Self::Export,
        Self::Stream,
        Self::KinesisStream,
        Self::Replica,
        Self::Index,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::PointInTimeRecovery => "point-in-time recovery",
            Self::Backup => "backup",
            Self::Export => "export",
            Self::Stream => "stream",
            Self::KinesisStream => "Kinesis stream",
            Self::Replica => "replica",
            Self::Index => "index",
        }
    }
}

impl fmt::Display for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not read, and in plaintext where the items were plain:")?;
        if self.known.is_empty() {
            f.write_str(" no copy that DynamoDB knows of")?;
        }
        for kind in CopyKind::ALL {
            let mut all = self.known.iter().filter(|copy| copy.kind == kind);
            for copy in all.by_ref().take(NAMED) {
                write!(f, "\n  {copy}")?;
            }
            if let more @ 1.. = all.count() {
                write!(f, "\n  {}: {more} more, which the JSON form has", kind.name())?;
            }
        }
        for NotAsked { kind, problem } in &self.not_asked {
            write!(f, "\n  not asked: {}: {problem}", kind.name())?;
        }
        Ok(())
    }
}

impl fmt::Display for OtherCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, since, detail } = self;
        write!(f, "{} {name}", kind.name())?;
        if let Some(since) = since {
            write!(f, " of {since}")?;
        }
        write!(f, ": {detail}")
    }
}
