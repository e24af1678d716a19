//! Deletes one version of a branch's key.

use envelope_core::{BranchName, BranchVersion};

use crate::keys::branch_keys::pointer::{ACTIVE_VERSION, Pointer};
use crate::keys::branch_keys::{BranchKeyError, BranchKeyTable};
use crate::keys::key_table::change::{Attempts, Outcome};

impl<P> BranchKeyTable<P> {
    /// Deletes one version of a branch's key, which is not the active one. Returns `false` if there
    /// is no such version, because it was deleted before.
    ///
    /// Use it for a version that no record needs any more: its records were deleted, or were sealed
    /// again under a newer version. [`delete`](Self::delete) deletes a whole branch.
    ///
    /// One transaction deletes the version on condition that another version is active. So a
    /// rotation at the same time cannot make it active in between. The call may be repeated, for
    /// example after an error whose [`write_outcome`](BranchKeyError::write_outcome) is `Unknown`.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{BranchKeyTable, KmsKeyWrapper};
    /// # async fn example(
    /// #     keys: BranchKeyTable<KmsKeyWrapper>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let versions = keys.versions("p_1").await?; // the oldest first
    /// if let [oldest, .., _] = versions.as_slice() {
    ///     keys.delete_version("p_1", oldest.version()).await?;
    ///     assert!(!keys.delete_version("p_1", oldest.version()).await?, "it was deleted before");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BranchKeyError::ActiveVersion`] for the active version; [`BranchKeyError::Deleting`] if
    /// the whole branch is being deleted and still has this version;
    /// [`KeyNotFound`](crate::error::KeyErrorKind::KeyNotFound) if the branch has this version but
    /// no active one, because its pointer is missing; [`BranchKeyError::Conflict`] if others keep
    /// changing the branch; [`BranchKeyError::Key`] if the name is not valid;
    /// [`BranchKeyError::DynamoDb`].
    ///
    /// # Security
    ///
    /// Nobody can read the records under this version any more, in any table, stream or backup, and
    /// nobody can bring the key back. This function does not know whether there are such records.
    /// Before you call it:
    ///
    /// - Read every table that uses the branch, and count the records whose `encrypted_dek` names
    ///   this version ([`EncryptedDek`](crate::keys::EncryptedDek)).
    /// - Wait after the rotation. A process that had this version in its cache writes under it
    ///   until its [`CacheLimits`](crate::keys::CacheLimits) expire. Records that were sealed but
    ///   not sent yet (transactions, queues) are also under it.
    ///
    /// A process that has the key in its cache can still read until its limits expire. Backups of
    /// *this* table, point-in-time recovery included, still contain the wrapped key.
    pub async fn delete_version(
        &self,
        branch: &str,
        version: BranchVersion,
    ) -> Result<bool, BranchKeyError> {
        let branch = BranchName::new(branch)?;
        let mut attempts = Attempts::default();
        loop {
            let deletion = self.0.delete_unless_used(&branch, version, &[ACTIVE_VERSION])?;
            match self.0.transact(deletion, true).await? {
                Outcome::Done => return Ok(true),
                Outcome::ConditionFailed => {
                    if !self.has_inactive(&branch, version).await? {
                        return Ok(false);
                    }
                    // Others have changed the branch since the condition failed.
                    self.0.pause(&branch, &mut attempts).await?;
                }
                Outcome::Conflict => self.0.pause(&branch, &mut attempts).await?,
            }
        }
    }

    /// Whether the branch has this version and may lose it. Fails if it has the version and may
    /// not.
    async fn has_inactive(
        &self,
        branch: &BranchName,
        version: BranchVersion,
    ) -> Result<bool, BranchKeyError> {
        let pointer = self.pointer(branch).await?;
        if pointer == Some(Pointer::Active(version)) {
            return Err(BranchKeyError::ActiveVersion { branch: branch.clone(), version });
        }
        if self.0.item(branch, &version.to_string()).await?.is_none() {
            return Ok(false);
        }
        match pointer {
            Some(Pointer::Active(_)) => Ok(true),
            Some(Pointer::Deleting) => Err(BranchKeyError::Deleting(branch.clone())),
            None => Err(self.no_pointer(branch).into()),
        }
    }
}
