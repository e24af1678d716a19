//! Creates branches, and rotates their keys.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use envelope_core::{BranchName, BranchVersion, WrapKey};

use crate::keys::branch_keys::pointer::{ACTIVE_VERSION, Pointer};
use crate::keys::branch_keys::{BranchKeyError, BranchKeyTable};
use crate::keys::key_table::change::{Attempts, Outcome};
use crate::keys::key_table::error::{KeyTableError, unbuilt};
use crate::keys::key_table::item;

impl<P: WrapKey> BranchKeyTable<P> {
    /// Creates a branch with its first key, and returns the version of the key.
    ///
    /// # Errors
    ///
    /// [`BranchKeyError::Exists`] or [`BranchKeyError::Deleting`], and nothing was written;
    /// [`BranchKeyError::Key`] if the name is empty or longer than 255 bytes, or if KMS refuses;
    /// [`BranchKeyError::Conflict`]; [`BranchKeyError::DynamoDb`]. If the connection broke before
    /// DynamoDB answered, [`BranchKeyError::write_outcome`] is `Unknown`. Then
    /// [`versions`](Self::versions) shows whether the branch exists.
    pub async fn create(&self, branch: &str) -> Result<BranchVersion, BranchKeyError> {
        let branch = BranchName::new(branch)?;
        self.refuse_existing(&branch).await?;
        let (version, item) = self.0.new_version(&branch).await?;
        let mut attempts = Attempts::default();
        loop {
            let mut pointer = item::key(&branch, item::POINTER);
            pointer.insert(ACTIVE_VERSION.to_owned(), item::text(version));
            match self
                .0
                .transact(vec![self.0.put_new(item.clone())?, self.0.put_new(pointer)?], false)
                .await?
            {
                Outcome::Done => return Ok(version),
                Outcome::ConditionFailed => {
                    self.refuse_existing(&branch).await?;
                    self.0.pause(&branch, &mut attempts).await?;
                }
                Outcome::Conflict => self.0.pause(&branch, &mut attempts).await?,
            }
        }
    }

    /// Gives a branch a new key, and returns its version. New records are written under the new
    /// key.
    ///
    /// Records under older versions still open. A process that has the older version in its cache
    /// writes under it until its [`CacheLimits`](crate::keys::CacheLimits) expire.
    ///
    /// If several callers rotate a branch at the same time, each gets a version that became active
    /// after its call began. That version may be another caller's. No version that was ever active
    /// is lost.
    ///
    /// # Errors
    ///
    /// [`KeyNotFound`](crate::error::KeyErrorKind::KeyNotFound) for a branch that does not exist;
    /// [`BranchKeyError::Deleting`]; [`BranchKeyError::Conflict`] if others keep changing the
    /// branch; [`BranchKeyError::Key`] if KMS refuses; [`BranchKeyError::DynamoDb`].
    pub async fn rotate(&self, branch: &str) -> Result<BranchVersion, BranchKeyError> {
        let branch = BranchName::new(branch)?;
        let old = self.active_version(&branch).await?;
        let (version, item) = self.0.new_version(&branch).await?;
        let mut attempts = Attempts::default();
        loop {
            match self
                .0
                .transact(
                    vec![self.0.put_new(item.clone())?, self.point(&branch, old, version)?],
                    false,
                )
                .await?
            {
                Outcome::Done => return Ok(version),
                Outcome::ConditionFailed | Outcome::Conflict => {
                    let active = self.active_version(&branch).await?;
                    if active != old {
                        return Ok(active);
                    }
                    self.0.pause(&branch, &mut attempts).await?;
                }
            }
        }
    }

    async fn refuse_existing(&self, branch: &BranchName) -> Result<(), BranchKeyError> {
        match self.pointer(branch).await? {
            Some(Pointer::Active(_)) => Err(BranchKeyError::Exists(branch.clone())),
            Some(Pointer::Deleting) => Err(BranchKeyError::Deleting(branch.clone())),
            None => Ok(()),
        }
    }

    /// Makes `new` the active version, on condition that `old` is still active.
    fn point(
        &self,
        branch: &BranchName,
        old: BranchVersion,
        new: BranchVersion,
    ) -> Result<TransactWriteItem, KeyTableError> {
        let update = Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(item::key(branch, item::POINTER)))
            .condition_expression("#active = :old")
            .update_expression("SET #active = :new")
            .expression_attribute_names("#active", ACTIVE_VERSION)
            .expression_attribute_values(":old", item::text(old))
            .expression_attribute_values(":new", item::text(new))
            .build();
        Ok(TransactWriteItem::builder().update(update.map_err(unbuilt)?).build())
    }
}
