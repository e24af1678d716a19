//! Deletes branches: crypto-shredding.

use std::time::SystemTime;

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, TransactWriteItem};
use envelope_core::BranchName;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::dynamodb::Item;
use crate::error::dynamodb::DynamoDbError;
use crate::keys::branch_keys::pointer::{ACTIVE_VERSION, DELETING};
use crate::keys::branch_keys::{BranchKeyError, BranchKeyTable};
use crate::keys::key_table::change::{Attempts, Outcome};
use crate::keys::key_table::error::{KeyTableError, unbuilt};
use crate::keys::key_table::item;

impl<P> BranchKeyTable<P> {
    /// Deletes a branch and every version of its key, and returns the number of versions. Then
    /// nobody can read the records that were written under the branch, in any table, stream or
    /// backup (crypto-shredding).
    ///
    /// From the first step on, nobody can start to write under the branch. If the call is
    /// interrupted, call it again: it continues where it stopped. Deleting a branch that does not
    /// exist returns 0.
    ///
    /// # Security
    ///
    /// A process that has a key in its cache can read and write until its
    /// [`CacheLimits`](crate::keys::CacheLimits) expire. What it writes meanwhile is lost as well.
    /// Backups of *this* table, point-in-time recovery included, contain the wrapped keys. The
    /// records are unreadable only after those backups have expired, or after the KMS key was
    /// deleted.
    ///
    /// # Errors
    ///
    /// [`BranchKeyError::DynamoDb`] and [`BranchKeyError::Interrupted`]. Then a part of the
    /// deletion may be done, and [`BranchKeyError::write_outcome`] is `Unknown`.
    pub async fn delete(&self, branch: &str) -> Result<usize, BranchKeyError> {
        let branch = BranchName::new(branch)?;
        // A deletion mark on a branch that never existed would keep others from creating it.
        if self.0.items(&branch).await?.is_empty() {
            return Ok(0);
        }
        self.mark_as_deleting(&branch).await?;
        self.delete_versions(&branch).await.map_err(|error| match error {
            BranchKeyError::DynamoDb(error) => error.or_in_doubt(true, true).into(),
            BranchKeyError::Conflict(branch) => BranchKeyError::Interrupted(branch),
            other => other,
        })
    }

    async fn delete_versions(&self, branch: &BranchName) -> Result<usize, BranchKeyError> {
        let (mut deleted, mut attempts) = (0, Attempts::default());
        loop {
            let versions: Vec<Item> =
                self.0.items(branch).await?.into_iter().filter(|item| !is_pointer(item)).collect();
            if versions.is_empty() {
                self.delete_pointer(branch).await?;
                return Ok(deleted);
            }
            for version in versions {
                match self.0.transact(self.while_deleting(branch, version)?, true).await? {
                    Outcome::Done => deleted += 1,
                    // Somebody else has finished the deletion, and may have created the branch
                    // again.
                    Outcome::ConditionFailed => return Ok(deleted),
                    Outcome::Conflict => self.0.pause(branch, &mut attempts).await?,
                }
            }
        }
    }

    /// Replaces the active version by a deletion mark, in one step.
    async fn mark_as_deleting(&self, branch: &BranchName) -> Result<(), BranchKeyError> {
        let update = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .set_key(Some(item::key(branch, item::POINTER)))
            .update_expression("SET #deleting = :now REMOVE #active")
            .expression_attribute_names("#deleting", DELETING)
            .expression_attribute_names("#active", ACTIVE_VERSION)
            .expression_attribute_values(":now", item::seconds_of(SystemTime::now()));
        let outcome = AttemptOutcome::default();
        let marked = update.customize().interceptor(outcome.clone()).send().await;
        let failed = |error| {
            DynamoDbError::new("UpdateItem", &self.0.name, error)
                .or_in_doubt(outcome.is_unknown(), true)
        };
        Ok(marked.map(drop).map_err(failed)?)
    }

    /// Deletes a version, on condition that the deletion mark is still there. Otherwise the branch
    /// may be a new one of the same name.
    fn while_deleting(
        &self,
        branch: &BranchName,
        version: Item,
    ) -> Result<Vec<TransactWriteItem>, KeyTableError> {
        let check = ConditionCheck::builder()
            .table_name(&self.0.name)
            .set_key(Some(item::key(branch, item::POINTER)))
            .condition_expression("attribute_exists(#deleting)")
            .expression_attribute_names("#deleting", DELETING)
            .build();
        let key = version
            .into_iter()
            .filter(|(name, _)| [item::BRANCH, item::VERSION].contains(&name.as_str()))
            .collect();
        let delete = Delete::builder().table_name(&self.0.name).set_key(Some(key)).build();
        Ok(vec![
            TransactWriteItem::builder().condition_check(check.map_err(unbuilt)?).build(),
            TransactWriteItem::builder().delete(delete.map_err(unbuilt)?).build(),
        ])
    }

    async fn delete_pointer(&self, branch: &BranchName) -> Result<(), BranchKeyError> {
        let delete = self
            .0
            .client
            .delete_item()
            .table_name(&self.0.name)
            .set_key(Some(item::key(branch, item::POINTER)))
            .condition_expression("attribute_exists(#deleting)")
            .expression_attribute_names("#deleting", DELETING);
        match delete.send().await {
            Ok(_) => Ok(()),
            // Somebody else has finished the deletion.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|it| it.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(self.0.failed("DeleteItem", error).into()),
        }
    }
}

fn is_pointer(item: &Item) -> bool {
    item.get(item::VERSION) == Some(&item::text(item::POINTER))
}
