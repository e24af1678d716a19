//! The table of search keys.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use envelope_core::search::SearchKey;
use envelope_core::{
    BranchName, BranchVersion, Clock, Escaped, KeyError, KeyErrorKind, KeyFuture, SystemClock,
    UnwrapKey,
};

use crate::keys::key_table::purpose::Purpose;
use crate::keys::key_table::{KeyTable, item};
use crate::keys::search_keys::SearchKeyError;
use crate::keys::search_keys::pointer::{DEFAULT_MAX_AGE, Pointer};
use crate::keys::search_keys::stored::SearchKeyStore;

/// The table that stores search keys: the keys of the search tags of `#[searchable]` fields.
///
/// `P` wraps the search keys. It is usually a [`KmsKeyProvider`](crate::KmsKeyProvider) with a KMS
/// key of its own. Whoever writes searchable fields or searches needs `dynamodb:GetItem` on this
/// table, and `kms:Decrypt` on that KMS key for the encryption context `purpose` = `search`.
/// Whoever only reads by primary key needs neither. An operator who creates and rotates needs
/// `kms:GenerateDataKeyWithoutPlaintext` alone, with a [`KmsKeyWrapper`](crate::KmsKeyWrapper), and
/// never sees a search key.
///
/// | call | does |
/// |---|---|
/// | [`create_table`](Self::create_table) | creates the table, once |
/// | [`create`](Self::create) | creates a branch and its first key |
/// | [`rotate`](Self::rotate) | adds a version: searched for from now on, written from a later time on |
/// | [`cancel`](Self::cancel) | takes a rotation back, until that time |
/// | [`retire`](Self::retire) | ends a rotation: the older version is not searched for any more |
/// | [`list`](Self::list), [`versions`](Self::versions) | lists the branches, and the versions of one |
/// | `rewrap`, with the feature `maintain` | moves all keys to another KMS key; records do not change |
/// | [`delete_version`](Self::delete_version) | deletes a version that was retired |
///
/// A [`SearchKeys`](crate::keys::SearchKeys) for a [`Table`](crate::Table) is made of it.
///
/// # Rotation
///
/// ```no_run
/// # use envelope_dynamo::{KmsKeyWrapper, keys::SearchKeyTable};
/// # async fn example(
/// #     keys: SearchKeyTable<KmsKeyWrapper>,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// let rotation = keys.rotate("users").await?;
/// // Both versions are searched for, and the old one is written: until `write_from`.
/// println!("the new key is written from {:?} on", rotation.write_from());
/// println!("then write all records anew; retire from {:?} on", rotation.retire_from());
///
/// // After that time, and after all records were written anew:
/// let retired = keys.retire("users").await?;
/// assert!(retired.is_some());
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// Nothing in this table is trusted. The KMS encryption context of a search key names its purpose,
/// this table, the branch and the version. So a key that was moved to another branch, version or
/// table, or to a table of branch keys, does not unwrap. Whoever can write the table can delete
/// keys, and can make an older version of the same branch the one that is written, or keep a live
/// version from being searched for: then searches miss records.
///
/// The names of branches are readable in the table and in CloudTrail.
pub struct SearchKeyTable<P> {
    pub(crate) table: KeyTable<P>,
    pub(crate) max_age: Duration,
    pub(crate) clock: Arc<dyn Clock>,
}

impl<P> SearchKeyTable<P> {
    /// Uses the table with the logical name `logical`. This is also its physical name, unless you
    /// set another with [`named`](Self::named).
    ///
    /// Every search key is bound to the logical name, and does not unwrap under another.
    pub fn new(client: Client, logical: impl Into<String>, provider: P) -> Self {
        Self {
            table: KeyTable::new(client, logical.into(), provider, Purpose::Search),
            max_age: DEFAULT_MAX_AGE,
            clock: Arc::new(SystemClock),
        }
    }

    /// Uses the table with the physical name `name`: one for each environment, or one that was
    /// restored from a backup.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.table = self.table.named(name.into());
        self
    }

    /// Gives this `max_age` to the branches that [`create`](Self::create) creates: how long a
    /// process may use what it read about the branch. Five minutes by default; a second to a day.
    ///
    /// A rotation takes at least two times this time and an hour. A branch keeps its `max_age`. A
    /// process may use less ([`SearchKeys::max_age`](crate::keys::SearchKeys::max_age)).
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Takes the time of day from `clock`: for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The physical table name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.table.name
    }

    /// The logical table name, to which every search key is bound.
    #[must_use]
    pub fn logical(&self) -> &str {
        &self.table.logical
    }

    /// Creates the table, with on-demand billing, and waits until it can be used.
    ///
    /// Set deletion protection, point-in-time recovery, tags and replicas yourself. If the table is
    /// lost, no record is: create it and its branches anew, and write all records anew.
    ///
    /// # Errors
    ///
    /// Fails if the table exists already, if DynamoDB refuses, or if the table is not ready within
    /// five minutes.
    pub async fn create_table(&self) -> Result<(), SearchKeyError> {
        Ok(self.table.create_table().await?)
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.system_time()
    }

    /// The pointer of a branch, if the branch exists. Its times are not checked.
    pub(crate) async fn stored_pointer(
        &self,
        branch: &BranchName,
    ) -> Result<Option<Pointer>, SearchKeyError> {
        let item = self.table.item(branch, item::POINTER).await?;
        Ok(item.as_ref().map(Pointer::parse).transpose()?)
    }

    /// The pointer of a branch, which exists.
    pub(crate) async fn pointer(&self, branch: &BranchName) -> Result<Pointer, SearchKeyError> {
        self.stored_pointer(branch).await?.ok_or_else(|| self.no_branch(branch).into())
    }

    pub(crate) fn no_branch(&self, branch: &BranchName) -> KeyError {
        let what = format!(
            "there is no search key `{}` in the table `{}`: create it once with \
             `SearchKeyTable::create`",
            Escaped(branch.as_str()),
            self.table.name
        );
        KeyError::new(KeyErrorKind::KeyNotFound, what)
    }
}

impl<P: UnwrapKey> SearchKeyStore for SearchKeyTable<P> {
    fn pointer<'a>(&'a self, branch: &'a BranchName) -> KeyFuture<'a, Pointer> {
        Box::pin(async move { Ok(Self::pointer(self, branch).await?) })
    }

    fn search_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, SearchKey> {
        Box::pin(async move {
            let key = self.table.unwrapped(branch, version).await.map_err(SearchKeyError::from)?;
            Ok(SearchKey::from(key))
        })
    }
}

impl<P> fmt::Debug for SearchKeyTable<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table.debug(f, "SearchKeyTable")
    }
}
