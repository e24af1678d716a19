//! Deletes one version of a search key.

use envelope_core::{BranchName, BranchVersion};

use crate::keys::key_table::change::{Attempts, Outcome};
use crate::keys::search_keys::pointer::{ALSO_SEARCH, WRITE};
use crate::keys::search_keys::{SearchKeyError, SearchKeyTable};

impl<P> SearchKeyTable<P> {
    /// Deletes a version that was [retired](Self::retire). Returns `false` if there is no such
    /// version, because it was deleted before.
    ///
    /// No record needs the version: its tags are searched for no more. But copies of the table from
    /// before the rotation have its tags. Whoever may unwrap the version can test guesses against
    /// these copies, until it is deleted. So delete it when values must stay unknown for good:
    /// after a branch of data keys was deleted, for example.
    ///
    /// One transaction deletes the version on condition that it is not searched for. The call may
    /// be repeated, for example after an error whose
    /// [`write_outcome`](SearchKeyError::write_outcome) is `Unknown`.
    ///
    /// # Errors
    ///
    /// [`SearchKeyError::Live`] if the version is searched for; [`SearchKeyError::Conflict`] if
    /// others keep changing the branch; [`SearchKeyError::Key`] if the branch does not exist;
    /// [`SearchKeyError::DynamoDb`].
    ///
    /// # Security
    ///
    /// Backups of this table, point-in-time recovery included, still contain the wrapped key.
    pub async fn delete_version(
        &self,
        branch: &str,
        version: BranchVersion,
    ) -> Result<bool, SearchKeyError> {
        let branch = BranchName::new(branch)?;
        let mut attempts = Attempts::default();
        loop {
            let used = [WRITE, ALSO_SEARCH];
            let deletion = self.table.delete_unless_used(&branch, version, &used)?;
            match self.table.transact(deletion, true).await? {
                Outcome::Done => return Ok(true),
                Outcome::ConditionFailed => {
                    if self.pointer(&branch).await?.searched().any(|live| live == version) {
                        return Err(SearchKeyError::Live { branch, version });
                    }
                    if self.table.item(&branch, &version.to_string()).await?.is_none() {
                        return Ok(false);
                    }
                    // Others have changed the branch since the condition failed.
                    self.table.pause(&branch, &mut attempts).await?;
                }
                Outcome::Conflict => self.table.pause(&branch, &mut attempts).await?,
            }
        }
    }
}
