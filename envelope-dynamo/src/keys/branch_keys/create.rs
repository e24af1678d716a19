//! Creates branches, and rotates their keys.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use envelope_core::{BranchName, BranchVersion, WrapKey};

use crate::dynamodb::Item;
use crate::keys::branch_keys::change::{Attempts, Outcome, unbuilt};
use crate::keys::branch_keys::item::Pointer;
use crate::keys::branch_keys::{BranchKeyError, BranchKeyTable, item};

impl<P: WrapKey> BranchKeyTable<P> {
    /// Creates a branch with its first key, and says its version.
    ///
    /// # Errors
    ///
    /// [`BranchKeyError::Exists`] and [`BranchKeyError::Deleting`], nothing having been written; a
    /// name that is empty or longer than 255 bytes; and whatever KMS and DynamoDB answer. If
    /// DynamoDB's answer was lost, [`BranchKeyError::write_outcome`] is `Unknown`:
    /// [`versions`](Self::versions) tells whether there is a branch now.
    pub async fn create(&self, branch: &str) -> Result<BranchVersion, BranchKeyError> {
        let branch = BranchName::new(branch)?;
        self.refuse_if_standing(&branch).await?;
        let (version, item) = self.new_version(&branch).await?;
        let mut attempts = Attempts::default();
        loop {
            let mut pointer = item::key(&branch, item::POINTER);
            pointer.insert(item::ACTIVE_VERSION.to_owned(), item::text(version));
            match self
                .transact(vec![self.put_new(item.clone())?, self.put_new(pointer)?], false)
                .await?
            {
                Outcome::Done => return Ok(version),
                Outcome::ConditionFailed => {
                    self.refuse_if_standing(&branch).await?;
                    self.pause(&branch, &mut attempts).await?;
                }
                Outcome::Conflict => self.pause(&branch, &mut attempts).await?,
            }
        }
    }

    /// Gives a branch a new key, under which records are written from now on, and says its version.
    ///
    /// What was written under older versions opens as before. Processes that have the older version
    /// in their cache write under it for as long as their [`CacheLimits`](crate::keys::CacheLimits)
    /// say.
    ///
    /// If several rotate a branch at the same moment, each gets a version that became active after
    /// it had called; it may be another's. No version that was ever active is lost.
    ///
    /// # Errors
    ///
    /// [`KeyNotFound`](crate::error::KeyErrorKind::KeyNotFound) for a branch that does not exist;
    /// [`BranchKeyError::Deleting`]; [`BranchKeyError::Conflict`] if others do not cease to
    /// write the branch; and whatever KMS and DynamoDB answer.
    pub async fn rotate(&self, branch: &str) -> Result<BranchVersion, BranchKeyError> {
        let branch = BranchName::new(branch)?;
        let old = self.active_version(&branch).await?;
        let (version, item) = self.new_version(&branch).await?;
        let mut attempts = Attempts::default();
        loop {
            match self
                .transact(
                    vec![self.put_new(item.clone())?, self.point(&branch, old, version)?],
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
                    self.pause(&branch, &mut attempts).await?;
                }
            }
        }
    }

    async fn refuse_if_standing(&self, branch: &BranchName) -> Result<(), BranchKeyError> {
        match self.pointer(branch).await? {
            Some(Pointer::Active(_)) => Err(BranchKeyError::Exists(branch.clone())),
            Some(Pointer::Deleting) => Err(BranchKeyError::Deleting(branch.clone())),
            None => Ok(()),
        }
    }

    /// A new branch key: what the provider calls a data key. Its plaintext is dropped here, and
    /// wiped.
    async fn new_version(
        &self,
        branch: &BranchName,
    ) -> Result<(BranchVersion, Item), BranchKeyError> {
        let version = BranchVersion::generate()?;
        let generated = self.provider.generate(&self.context(branch, version)?).await?;
        Ok((version, item::version_item(branch, version, generated.wrapped)?))
    }

    fn put_new(&self, item: Item) -> Result<TransactWriteItem, BranchKeyError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#branch)")
            .expression_attribute_names("#branch", item::BRANCH)
            .build();
        Ok(TransactWriteItem::builder().put(put.map_err(unbuilt)?).build())
    }

    /// Makes `new` the active version if `old` still is.
    fn point(
        &self,
        branch: &BranchName,
        old: BranchVersion,
        new: BranchVersion,
    ) -> Result<TransactWriteItem, BranchKeyError> {
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(item::key(branch, item::POINTER)))
            .condition_expression("#active = :old")
            .update_expression("SET #active = :new")
            .expression_attribute_names("#active", item::ACTIVE_VERSION)
            .expression_attribute_values(":old", item::text(old))
            .expression_attribute_values(":new", item::text(new))
            .build();
        Ok(TransactWriteItem::builder().update(update.map_err(unbuilt)?).build())
    }
}
