//! Branch keys in a DynamoDB table of their own, each wrapped by a key provider.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod delete_version;
pub(crate) mod error;
pub(crate) mod list;
pub(crate) mod pointer;

use std::fmt;

use aws_sdk_dynamodb::Client;
use envelope_core::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, Escaped, KeyError, KeyErrorKind,
    KeyFuture, UnwrapKey,
};

pub use crate::keys::branch_keys::error::BranchKeyError;
pub use crate::keys::branch_keys::list::{Branch, BranchKeyVersion, Branches};
use crate::keys::branch_keys::pointer::Pointer;
use crate::keys::key_table::purpose::Purpose;
use crate::keys::key_table::{KeyTable, item};

/// The table that stores the branch keys of a
/// [`HierarchicalKeyProvider`](crate::HierarchicalKeyProvider).
///
/// `P` wraps the branch keys. It is usually a [`KmsKeyProvider`](crate::KmsKeyProvider). A service
/// that writes and reads records needs `dynamodb:GetItem` on this table, and `kms:Decrypt`. An
/// operator who creates and rotates branches needs `kms:GenerateDataKeyWithoutPlaintext` alone,
/// with a [`KmsKeyWrapper`](crate::KmsKeyWrapper): KMS makes the branch keys, and the operator
/// never sees one.
///
/// | call | does |
/// |---|---|
/// | [`create_table`](Self::create_table) | creates the table, once |
/// | [`create`](Self::create) | creates a branch and its first key |
/// | [`rotate`](Self::rotate) | creates a new key for new records; the older keys stay for older records |
/// | [`list`](Self::list), [`versions`](Self::versions) | lists the branches, and the versions of one |
/// | [`delete_version`](Self::delete_version) | deletes one older key: its records are unreadable from then on |
/// | `rewrap`, with the feature `maintain` | moves all keys to another KMS key; records do not change |
/// | [`delete`](Self::delete) | deletes the branch and all its keys: its records are unreadable from then on |
///
/// ```no_run
/// # async fn example(
/// #     dynamodb: aws_sdk_dynamodb::Client,
/// #     kms: aws_sdk_kms::Client,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use envelope_dynamo::{BranchKeyTable, Envelope, HierarchicalKeyProvider, KmsKeyProvider, Table};
/// use envelope_dynamo::keys::CacheLimits;
///
/// #[derive(Envelope)]
/// #[envelope(table = "visits")]
/// struct Visit {
///     #[partition_key]
///     visit_id: String,
///     #[authenticated]
///     #[encryption_context]
///     patient: String,
///     #[encrypted]
///     diagnosis: String,
/// }
///
/// let kms = KmsKeyProvider::new(kms, "alias/branch-keys");
/// let keys = BranchKeyTable::new(dynamodb.clone(), "branch-keys", kms);
/// keys.create_table().await?; // once
/// keys.create("p_1").await?; // once per patient
///
/// let limits = CacheLimits::new(Duration::from_secs(300));
/// let provider = HierarchicalKeyProvider::per_pair(keys, "patient", limits);
/// let visits = Table::<Visit>::new(dynamodb, provider);
/// let visit = Visit { visit_id: "v_1".into(), patient: "p_1".into(), diagnosis: "a cold".into() };
/// visits.put(&visit).send().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// Nothing in this table is trusted. The KMS encryption context of a branch key names this table,
/// the branch and the version. So a key that was moved to another branch, version or table does not
/// unwrap. Whoever can write the table can delete keys, and can make an older version of the same
/// branch active again.
///
/// The names of branches are readable in the table and in CloudTrail.
pub struct BranchKeyTable<P>(KeyTable<P>);

impl<P> BranchKeyTable<P> {
    /// Uses the table with the logical name `logical`. This is also its physical name, unless you
    /// set another with [`named`](Self::named).
    ///
    /// Every branch key is bound to the logical name, and does not unwrap under another.
    pub fn new(client: Client, logical: impl Into<String>, provider: P) -> Self {
        Self(KeyTable::new(client, logical.into(), provider, Purpose::Branch))
    }

    /// Uses the table with the physical name `name`: one for each environment, or one that was
    /// restored from a backup.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self(self.0.named(name.into()))
    }

    /// The physical table name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    #[cfg(feature = "maintain")]
    pub(crate) const fn table(&self) -> &KeyTable<P> {
        &self.0
    }

    /// The logical table name, to which every branch key is bound.
    #[must_use]
    pub fn logical(&self) -> &str {
        &self.0.logical
    }

    /// Creates the table, with on-demand billing, and waits until it can be used.
    ///
    /// Set deletion protection, tags and replicas yourself. Point-in-time recovery and other
    /// backups of this table keep the keys of deleted branches.
    ///
    /// # Errors
    ///
    /// Fails if the table exists already, if DynamoDB refuses, or if the table is not ready within
    /// five minutes.
    pub async fn create_table(&self) -> Result<(), BranchKeyError> {
        Ok(self.0.create_table().await?)
    }

    async fn pointer(&self, branch: &BranchName) -> Result<Option<Pointer>, BranchKeyError> {
        let item = self.0.item(branch, item::POINTER).await?;
        Ok(item.as_ref().map(Pointer::parse).transpose()?)
    }

    /// The active version of a branch. Fails if the branch does not exist.
    async fn active_version(&self, branch: &BranchName) -> Result<BranchVersion, BranchKeyError> {
        match self.pointer(branch).await? {
            Some(Pointer::Active(version)) => Ok(version),
            Some(Pointer::Deleting) => Err(BranchKeyError::Deleting(branch.clone())),
            None => Err(self.no_branch(branch).into()),
        }
    }

    fn no_branch(&self, branch: &BranchName) -> KeyError {
        let what = format!(
            "the branch `{}` has no key in the table `{}`: it was never created \
             (`BranchKeyTable::create`), or it was deleted",
            Escaped(branch.as_str()),
            self.0.name
        );
        KeyError::new(KeyErrorKind::KeyNotFound, what)
    }

    fn no_pointer(&self, branch: &BranchName) -> KeyError {
        let what = format!(
            "the branch `{}` has keys in the table `{}`, but no active version: `delete` the \
             branch, or restore its item `{}`",
            Escaped(branch.as_str()),
            self.0.name,
            item::POINTER
        );
        KeyError::new(KeyErrorKind::KeyNotFound, what)
    }
}

impl<P: UnwrapKey> BranchKeyStore for BranchKeyTable<P> {
    fn active<'a>(&'a self, branch: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        Box::pin(async move { Ok(self.active_version(branch).await?) })
    }

    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        Box::pin(async move {
            let key = self.0.unwrapped(branch, version).await.map_err(BranchKeyError::from)?;
            Ok(BranchKey::new(branch.clone(), version, key))
        })
    }
}

impl<P> fmt::Debug for BranchKeyTable<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug(f, "BranchKeyTable")
    }
}
