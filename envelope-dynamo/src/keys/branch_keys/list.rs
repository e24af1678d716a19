//! Lists branches, and the versions of a branch.

use std::time::SystemTime;

use envelope_core::{BranchName, BranchVersion};

use crate::dynamodb::Item;
use crate::keys::branch_keys::pointer::Pointer;
use crate::keys::branch_keys::{BranchKeyError, BranchKeyTable};
use crate::keys::key_table::item;
use crate::keys::key_table::purpose::Purpose;
use crate::keys::key_table::read::Pointers;

/// A branch. [`BranchKeyTable::list`] has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    name: BranchName,
    active: Option<BranchVersion>,
}

impl Branch {
    /// The name of the branch.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The version under which records are written; `None` if the branch is being deleted, or its
    /// deletion was interrupted.
    #[must_use]
    pub const fn active(&self) -> Option<BranchVersion> {
        self.active
    }

    fn parse(item: &Item) -> Result<Self, BranchKeyError> {
        let name = item::parse_branch(item, Purpose::Branch)?;
        Ok(Self { name, active: Pointer::parse(item)?.active() })
    }
}

/// One version of a branch's key. [`BranchKeyTable::versions`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchKeyVersion {
    version: BranchVersion,
    created: SystemTime,
    is_active: bool,
}

impl BranchKeyVersion {
    /// The UUID of the version, which records name.
    #[must_use]
    pub const fn version(&self) -> BranchVersion {
        self.version
    }

    /// When the version was created, in seconds, by the clock of the process that created it.
    #[must_use]
    pub const fn created(&self) -> SystemTime {
        self.created
    }

    /// Whether new records are written under this version.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.is_active
    }
}

/// The branches of a table, which are read page by page. [`BranchKeyTable::list`] has an example.
#[derive(Debug)]
pub struct Branches(Pointers);

impl Branches {
    /// Returns the next branch, in no particular order; `None` after the last one.
    ///
    /// If DynamoDB refuses a page, the next call requests this page again. An item that cannot be
    /// parsed is one error, and the other items still come.
    pub async fn next(&mut self) -> Option<Result<Branch, BranchKeyError>> {
        match self.0.next().await? {
            Ok(item) => Some(Branch::parse(&item)),
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl<P> BranchKeyTable<P> {
    /// Lists all branches, including those whose deletion was not finished.
    ///
    /// Reads the whole table, page by page.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{BranchKeyTable, KmsKeyProvider};
    /// # async fn example(
    /// #     keys: BranchKeyTable<KmsKeyProvider>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::keys::Branch;
    ///
    /// // Finish the deletions that were interrupted.
    /// let mut branches = keys.list();
    /// while let Some(branch) = branches.next().await {
    ///     let branch: Branch = branch?;
    ///     if branch.active().is_none() {
    ///         keys.delete(branch.name()).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> Branches {
        Branches(self.0.pointers())
    }

    /// Lists the versions of a branch's key, the oldest first. Versions of the same second are in
    /// no particular order.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{BranchKeyTable, KmsKeyProvider};
    /// # async fn example(
    /// #     keys: BranchKeyTable<KmsKeyProvider>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// // Rotate the key of a patient once a year.
    /// let year = Duration::from_secs(365 * 24 * 60 * 60);
    /// for version in keys.versions("p_1").await? {
    ///     if version.is_active() && version.created().elapsed()? > year {
    ///         keys.rotate("p_1").await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyNotFound`](crate::error::KeyErrorKind::KeyNotFound) for a branch without a key, and
    /// [`BranchKeyError::DynamoDb`].
    pub async fn versions(&self, branch: &str) -> Result<Vec<BranchKeyVersion>, BranchKeyError> {
        let branch = BranchName::new(branch)?;
        let active = self.pointer(&branch).await?.and_then(Pointer::active);
        let versions = self.0.versions(&branch).await?;
        if versions.is_empty() {
            return Err(self.no_branch(&branch).into());
        }
        let versions = versions.into_iter().map(|(version, created)| BranchKeyVersion {
            version,
            created,
            is_active: active == Some(version),
        });
        Ok(versions.collect())
    }
}
