//! Creating, rotating and deleting branches: conditional writes, so that nobody's work is lost.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::config::AsyncSleep;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, ConditionCheck, Delete, KeySchemaElement, KeyType, Put,
    ScalarAttributeType, TransactWriteItem, Update,
};
use envelope_core::{BranchName, BranchVersion, KeyError, KeyErrorKind, WrapKey};

use crate::call::attempt_outcome::AttemptOutcome;
use crate::dynamodb::Item;
use crate::error::dynamodb::DynamoDbError;
use crate::error::write_outcome::WriteOutcome;
use crate::keys::branch_keys::item::Pointer;
use crate::keys::branch_keys::{BranchKeyError, BranchKeyTable, failed, item};

/// AWS takes about ten seconds to create a table.
const CREATION_TIMEOUT: Duration = Duration::from_secs(300);

/// How often a change is tried that others keep getting in the way of.
const ATTEMPTS: u32 = 8;

/// Before the second try; twice as long before every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    ConditionFailed,
    /// Another transaction was writing the same items.
    Conflict,
}

impl<P> BranchKeyTable<P> {
    /// Creates the table, with on-demand billing, and waits until it can be used.
    ///
    /// What else it should have (deletion protection, tags, replicas) is yours to set. Mind that
    /// point-in-time recovery and other backups of this table keep the keys of deleted
    /// branches.
    ///
    /// # Errors
    ///
    /// When there is such a table already, or DynamoDB refuses or does not have it ready within
    /// five minutes.
    pub async fn create_table(&self) -> Result<(), BranchKeyError> {
        let mut creation = self
            .client
            .create_table()
            .table_name(&self.name)
            .billing_mode(BillingMode::PayPerRequest);
        for (name, role) in [(item::BRANCH, KeyType::Hash), (item::VERSION, KeyType::Range)] {
            let element = KeySchemaElement::builder().attribute_name(name).key_type(role).build();
            let kind = ScalarAttributeType::S;
            let definition =
                AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build();
            creation = creation
                .key_schema(element.map_err(unbuilt)?)
                .attribute_definitions(definition.map_err(unbuilt)?);
        }
        let outcome = AttemptOutcome::default();
        let created = creation.customize().interceptor(outcome.clone()).send().await;
        created.map_err(|error| {
            DynamoDbError::new("CreateTable", &self.name, error)
                .or_in_doubt(outcome.is_unknown(), false)
        })?;
        let ready = self
            .client
            .wait_until_table_exists()
            .table_name(&self.name)
            .wait(CREATION_TIMEOUT)
            .await;
        ready.map(drop).map_err(|error| {
            BranchKeyError::DynamoDb(DynamoDbError {
                operation: "DescribeTable",
                table: self.name.as_str().into(),
                code: None,
                message: Some("the table was created, but is not yet known to be active".into()),
                request_id: None,
                retryable: false,
                no_answer: None,
                outcome: WriteOutcome::Written,
                source: Some(std::sync::Arc::new(error)),
            })
        })
    }

    /// Deletes a branch and every version of its key, and says how many there were: what was
    /// written under them, in whichever table, stream or backup, can be read by nobody any more
    /// (crypto-shredding).
    ///
    /// From the first step on nobody is given the branch to write under. If the call is
    /// interrupted, call it again: it goes on where it stopped. A branch that does not exist
    /// has no versions, and deleting it is no error.
    ///
    /// # Security
    ///
    /// Processes that have a key in their cache read and write on for as long as their
    /// [`CacheLimits`](crate::keys::CacheLimits) say, and what they write meanwhile is lost with
    /// the rest; so may a caller keep what was read. Backups of *this* table, point-in-time
    /// recovery among them, hold the wrapped keys: the records are beyond reach once those have
    /// expired, or once the KMS key is gone.
    ///
    /// # Errors
    ///
    /// Whatever DynamoDB answers, and [`BranchKeyError::Interrupted`]. The deletion may be done in
    /// part then, and [`BranchKeyError::write_outcome`] is `Unknown`.
    pub async fn delete(&self, branch: &str) -> Result<usize, BranchKeyError> {
        let branch = BranchName::new(branch)?;
        // Marking a branch that never was would keep others from creating it.
        if self.items(&branch).await?.is_empty() {
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
        let (mut deleted, mut attempts) = (0, 0);
        loop {
            let versions: Vec<Item> =
                self.items(branch).await?.into_iter().filter(|item| !is_pointer(item)).collect();
            if versions.is_empty() {
                self.delete_pointer(branch).await?;
                return Ok(deleted);
            }
            for version in versions {
                match self.transact(self.while_deleting(branch, version)?, true).await? {
                    Outcome::Done => deleted += 1,
                    // Somebody else has finished, and may have created the branch anew.
                    Outcome::ConditionFailed => return Ok(deleted),
                    Outcome::Conflict => self.pause(branch, &mut attempts).await?,
                }
            }
        }
    }

    /// Takes the active version away, in one step with saying why.
    async fn mark_as_deleting(&self, branch: &BranchName) -> Result<(), BranchKeyError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(item::key(branch, item::POINTER)))
            .update_expression("SET #deleting = :now REMOVE #active")
            .expression_attribute_names("#deleting", item::DELETING)
            .expression_attribute_names("#active", item::ACTIVE_VERSION)
            .expression_attribute_values(":now", item::now());
        let outcome = AttemptOutcome::default();
        let marked = update.customize().interceptor(outcome.clone()).send().await;
        let failed = |error| {
            DynamoDbError::new("UpdateItem", &self.name, error)
                .or_in_doubt(outcome.is_unknown(), true)
        };
        Ok(marked.map(drop).map_err(failed)?)
    }

    /// Deletes a version, provided that the branch is still being deleted: it may be a new one of
    /// the same name.
    fn while_deleting(
        &self,
        branch: &BranchName,
        version: Item,
    ) -> Result<Vec<TransactWriteItem>, BranchKeyError> {
        let check = ConditionCheck::builder()
            .table_name(&self.name)
            .set_key(Some(item::key(branch, item::POINTER)))
            .condition_expression("attribute_exists(#deleting)")
            .expression_attribute_names("#deleting", item::DELETING)
            .build();
        let key = version
            .into_iter()
            .filter(|(name, _)| [item::BRANCH, item::VERSION].contains(&name.as_str()))
            .collect();
        let delete = Delete::builder().table_name(&self.name).set_key(Some(key)).build();
        Ok(vec![
            TransactWriteItem::builder().condition_check(check.map_err(unbuilt)?).build(),
            TransactWriteItem::builder().delete(delete.map_err(unbuilt)?).build(),
        ])
    }

    async fn delete_pointer(&self, branch: &BranchName) -> Result<(), BranchKeyError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(item::key(branch, item::POINTER)))
            .condition_expression("attribute_exists(#deleting)")
            .expression_attribute_names("#deleting", item::DELETING);
        match delete.send().await {
            Ok(_) => Ok(()),
            // Somebody else has finished.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|it| it.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(failed("DeleteItem", &self.name, error)),
        }
    }

    async fn transact(
        &self,
        items: Vec<TransactWriteItem>,
        is_repeatable: bool,
    ) -> Result<Outcome, BranchKeyError> {
        let outcome = AttemptOutcome::default();
        // The SDK's tries have one token, so that the second does not find in its way what the
        // first has done.
        let request = self.client.transact_write_items().set_transact_items(Some(items));
        let error = match request.customize().interceptor(outcome.clone()).send().await {
            Ok(_) => return Ok(Outcome::Done),
            Err(error) => error,
        };
        let is_in_progress = error.code() == Some("TransactionInProgressException");
        let in_doubt = outcome.is_unknown() || is_in_progress;
        let failed = |error| {
            DynamoDbError::new("TransactWriteItems", &self.name, error)
                .or_in_doubt(in_doubt, is_repeatable)
        };
        cancelled(&error).ok_or_else(|| failed(error).into())
    }

    /// Waits for others to finish, where the client knows how to wait; not forever.
    async fn pause(&self, branch: &BranchName, attempts: &mut u32) -> Result<(), BranchKeyError> {
        *attempts += 1;
        if *attempts >= ATTEMPTS {
            return Err(BranchKeyError::Conflict(branch.clone()));
        }
        if let Some(sleep) = self.client.config().sleep_impl() {
            sleep.sleep(FIRST_PAUSE * (1 << (*attempts - 1))).await;
        }
        Ok(())
    }
}

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
        let mut attempts = 0;
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
        let mut attempts = 0;
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

fn is_pointer(item: &Item) -> bool {
    item.get(item::VERSION) == Some(&item::text(item::POINTER))
}

/// Why a transaction was cancelled, if it was and for a reason known here.
fn cancelled(error: &SdkError<TransactWriteItemsError>) -> Option<Outcome> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) =
        error.as_service_error()?
    else {
        return None;
    };
    let has = |code: &str| {
        cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some(code))
    };
    if has("ConditionalCheckFailed") {
        return Some(Outcome::ConditionFailed);
    }
    has("TransactionConflict").then_some(Outcome::Conflict)
}

/// The SDK's builders refuse what lacks a field; here none does.
fn unbuilt(error: impl std::error::Error + Send + Sync + 'static) -> BranchKeyError {
    KeyError::new(KeyErrorKind::Other, "a request to DynamoDB cannot be built")
        .with_source(error)
        .into()
}
