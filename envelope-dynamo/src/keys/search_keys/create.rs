//! Creates search keys.

use envelope_core::{BranchName, KeyError, KeyErrorKind, WrapKey};

use crate::keys::key_table::change::{Attempts, Outcome};
use crate::keys::search_keys::pointer::{LONGEST_MAX_AGE, Pointer, is_max_age};
use crate::keys::search_keys::{SearchBranch, SearchKeyError, SearchKeyTable};

impl<P: WrapKey> SearchKeyTable<P> {
    /// Creates a branch with its first search key. With
    /// [`SearchKeys::per_table`](crate::keys::SearchKeys::per_table), a branch has the name of its
    /// logical table.
    ///
    /// # Errors
    ///
    /// [`SearchKeyError::Exists`], and nothing was written; [`SearchKeyError::Key`] if the name is
    /// empty or longer than 255 bytes, if [`max_age`](Self::max_age) is not between a second and a
    /// day, or if KMS refuses; [`SearchKeyError::Conflict`]; [`SearchKeyError::DynamoDb`]. If the
    /// connection broke before DynamoDB answered, [`SearchKeyError::write_outcome`] is `Unknown`.
    /// Then [`versions`](Self::versions) shows whether the branch exists.
    pub async fn create(&self, branch: &str) -> Result<SearchBranch, SearchKeyError> {
        let branch = BranchName::new(branch)?;
        if !is_max_age(&self.max_age) {
            let what = format!(
                "the `max_age` of a search key must be between a second and {} hours, not {:?}",
                LONGEST_MAX_AGE.as_secs() / 3600,
                self.max_age
            );
            return Err(KeyError::new(KeyErrorKind::Configuration, what).into());
        }
        self.refuse_existing(&branch).await?;
        let (version, item) = self.table.new_version(&branch).await?;
        let pointer = Pointer::new(version, self.max_age);
        let mut attempts = Attempts::default();
        loop {
            let puts = vec![
                self.table.put_new(item.clone())?,
                self.table.put_new(pointer.to_item(&branch))?,
            ];
            match self.table.transact(puts, false).await? {
                Outcome::Done => return Ok(SearchBranch::new(branch, pointer)),
                Outcome::ConditionFailed => {
                    self.refuse_existing(&branch).await?;
                    self.table.pause(&branch, &mut attempts).await?;
                }
                Outcome::Conflict => self.table.pause(&branch, &mut attempts).await?,
            }
        }
    }

    async fn refuse_existing(&self, branch: &BranchName) -> Result<(), SearchKeyError> {
        match self.stored_pointer(branch).await? {
            Some(_) => Err(SearchKeyError::Exists(branch.clone())),
            None => Ok(()),
        }
    }
}
