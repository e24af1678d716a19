//! What a run counts.

use std::ops::AddAssign;

use serde::Serialize;

/// The records that a run has seen, by what became of them, and what it has consumed.
///
/// A record counts once, with its groups: as failed if any of its keys failed.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::item::to_plaintext_item;
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::{Envelope, Table, to_item};
/// use envelope_dynamo::maintain::Counts;
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
/// // One item is in plaintext, and one was sealed by an earlier run.
/// let users = Table::<User>::new(dynamodb, keys);
/// let counts: Counts = users.backfill().send().await?;
/// assert_eq!((counts.changed, counts.already), (1, 1));
/// assert_eq!(counts.seen(), 2);
/// assert_eq!(counts.failed, 0); // `Ok` says only that the run has reached the end of the table
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Records that the run changed.
    pub changed: u64,
    /// Records that were as the run makes them.
    pub already: u64,
    /// Records that are under neither the key to move from nor the key to move to.
    pub other_key: u64,
    /// Items without sealed fields.
    pub not_sealed: u64,
    /// Items of other types than the run is for, and records of unprotected types, which it did
    /// not touch.
    pub other_entity: u64,
    /// Records that could not be changed. Each is reported by name.
    pub failed: u64,
    /// How often another writer was faster, and the record was read again.
    pub overtaken: u64,
    /// Pages that were read, those that were read again included.
    pub pages: u64,
    /// Calls to KMS, those that failed included.
    pub kms_calls: u64,
    /// The read capacity units that DynamoDB has counted.
    pub read_units: f64,
    /// The write capacity units that DynamoDB has counted.
    pub write_units: f64,
}

impl Counts {
    /// The records and items that were judged.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.changed
            + self.already
            + self.other_key
            + self.not_sealed
            + self.other_entity
            + self.failed
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.changed += other.changed;
        self.already += other.already;
        self.other_key += other.other_key;
        self.not_sealed += other.not_sealed;
        self.other_entity += other.other_entity;
        self.failed += other.failed;
        self.overtaken += other.overtaken;
        self.pages += other.pages;
        self.kms_calls += other.kms_calls;
        self.read_units += other.read_units;
        self.write_units += other.write_units;
    }
}
