//! Lists the branches of search keys, and the versions of a branch.

use std::time::{Duration, SystemTime};

use envelope_core::{BranchName, BranchVersion};

use crate::keys::key_table::item;
use crate::keys::key_table::purpose::Purpose;
use crate::keys::key_table::read::Pointers;
use crate::keys::search_keys::pointer::{Pointer, Since};
use crate::keys::search_keys::{SearchKeyError, SearchKeyTable};

/// Which versions of a branch's search key are used, and from when. [`SearchKeyTable::branch`] and
/// [`SearchKeyTable::list`] return it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchBranch {
    name: BranchName,
    pointer: Pointer,
}

impl SearchBranch {
    pub(crate) const fn new(name: BranchName, pointer: Pointer) -> Self {
        Self { name, pointer }
    }

    /// The name of the branch.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The version that is written, or will be from [`write_from`](Self::write_from) on.
    #[must_use]
    pub const fn write(&self) -> BranchVersion {
        self.pointer.write
    }

    /// The other version that is searched for, during a rotation.
    #[must_use]
    pub fn also_search(&self) -> Option<BranchVersion> {
        Some(self.pointer.other?.version)
    }

    /// The version that is written at this time.
    #[must_use]
    pub fn written_at(&self, time: SystemTime) -> BranchVersion {
        self.pointer.written_at(time)
    }

    /// When writers change to [`write`](Self::write), during a rotation; in whole seconds. Until
    /// then the rotation can be cancelled. `None` also after it was cancelled.
    #[must_use]
    pub fn write_from(&self) -> Option<SystemTime> {
        match self.pointer.other?.since {
            Since::WriteFrom(time) => Some(time),
            Since::Cancelled(_) => None,
        }
    }

    /// When the rotation was cancelled; in whole seconds.
    #[must_use]
    pub fn cancelled(&self) -> Option<SystemTime> {
        match self.pointer.other?.since {
            Since::WriteFrom(_) => None,
            Since::Cancelled(time) => Some(time),
        }
    }

    /// From when on [`also_search`](Self::also_search) may be retired: no process writes it then.
    #[must_use]
    pub fn retire_from(&self) -> Option<SystemTime> {
        self.pointer.retire_from()
    }

    /// How long a process may use what it read about the branch.
    #[must_use]
    pub const fn max_age(&self) -> Duration {
        self.pointer.max_age
    }
}

/// One version of a branch's search key. [`SearchKeyTable::versions`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchKeyVersion {
    version: BranchVersion,
    created: SystemTime,
    is_live: bool,
}

impl SearchKeyVersion {
    /// The UUID of the version.
    #[must_use]
    pub const fn version(&self) -> BranchVersion {
        self.version
    }

    /// When the version was created, in seconds, by the clock of the process that created it.
    #[must_use]
    pub const fn created(&self) -> SystemTime {
        self.created
    }

    /// Whether searches ask for this version.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.is_live
    }
}

/// The branches of a table, which are read page by page. [`SearchKeyTable::list`] has an example.
#[derive(Debug)]
pub struct SearchBranches(Pointers);

impl SearchBranches {
    /// Returns the next branch, in no particular order; `None` after the last one.
    ///
    /// If DynamoDB refuses a page, the next call requests this page again. An item that cannot be
    /// parsed is one error, and the other items still come.
    pub async fn next(&mut self) -> Option<Result<SearchBranch, SearchKeyError>> {
        let parse = |item| {
            let name = item::parse_branch(&item, Purpose::Search)?;
            Ok(SearchBranch::new(name, Pointer::parse(&item)?))
        };
        match self.0.next().await? {
            Ok(item) => Some(parse(item)),
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl<P> SearchKeyTable<P> {
    /// Lists all branches.
    ///
    /// Reads the whole table, page by page.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{KmsKeyProvider, keys::SearchKeyTable};
    /// # async fn example(
    /// #     keys: SearchKeyTable<KmsKeyProvider>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::SystemTime;
    ///
    /// let mut branches = keys.list();
    /// while let Some(branch) = branches.next().await {
    ///     let branch = branch?;
    ///     if branch.retire_from().is_some_and(|time| time <= SystemTime::now()) {
    ///         println!("write all records of {:?} anew, then retire the old key", branch.name());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> SearchBranches {
        SearchBranches(self.table.pointers())
    }

    /// Which versions of a branch's search key are used, and from when.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{KmsKeyProvider, keys::SearchKeyTable};
    /// # async fn example(
    /// #     keys: SearchKeyTable<KmsKeyProvider>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let rotated = keys.rotate("users").await?;
    /// let read = keys.branch("users").await?;
    /// assert_eq!(read.write(), rotated.write());
    /// assert!(read.also_search().is_some(), "both versions are searched for");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyNotFound`](crate::error::KeyErrorKind::KeyNotFound) for a branch that does not exist,
    /// and [`SearchKeyError::DynamoDb`].
    pub async fn branch(&self, branch: &str) -> Result<SearchBranch, SearchKeyError> {
        let branch = BranchName::new(branch)?;
        let pointer = self.pointer(&branch).await?;
        Ok(SearchBranch::new(branch, pointer))
    }

    /// Lists the versions of a branch's search key, the oldest first: the one or two that are used,
    /// and those that were retired. Versions of the same second are in no particular order.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{KmsKeyProvider, keys::SearchKeyTable};
    /// # async fn example(
    /// #     keys: SearchKeyTable<KmsKeyProvider>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// // Delete the versions that were retired.
    /// for version in keys.versions("users").await? {
    ///     if !version.is_live() {
    ///         keys.delete_version("users", version.version()).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`branch`](Self::branch).
    pub async fn versions(&self, branch: &str) -> Result<Vec<SearchKeyVersion>, SearchKeyError> {
        let branch = BranchName::new(branch)?;
        let pointer = self.pointer(&branch).await?;
        let versions = self.table.versions(&branch).await?.into_iter();
        let versions = versions.map(|(version, created)| SearchKeyVersion {
            version,
            created,
            is_live: pointer.searched().any(|live| live == version),
        });
        Ok(versions.collect())
    }
}
