//! One write of one record, and the errors that report how it failed.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::{Error, dynamodb_error};
use crate::record::item_key::with_requested_key;

/// A write that is about to be sent.
pub(crate) struct WriteAttempt<'t> {
    operation: &'static str,
    /// The physical table.
    table: &'t str,
    id: RecordId,
    /// The key attributes of the record.
    key: Item,
    /// Whether the table ends in the same state if the write is made twice.
    is_repeatable: bool,
    pub(crate) outcome: AttemptOutcome,
}

impl<'t> WriteAttempt<'t> {
    pub(crate) fn new(operation: &'static str, table: &'t str, id: RecordId, key: Item) -> Self {
        Self { operation, table, id, key, is_repeatable: false, outcome: AttemptOutcome::default() }
    }

    pub(crate) const fn repeatable_if(mut self, is_repeatable: bool) -> Self {
        self.is_repeatable = is_repeatable;
        self
    }

    /// The item that DynamoDB returned, under the key that was asked for.
    pub(crate) fn returned(&self, item: Item) -> Item {
        with_requested_key(item, self.key.clone())
    }

    /// The write failed, with the error of the SDK.
    pub(crate) fn error<E: ConditionError>(self, error: SdkError<E>) -> Error {
        let found = found(&error).map(|item| with_requested_key(item.clone(), self.key));
        dynamodb_error(self.operation, self.table, self.id, error)
            .or_in_doubt(self.outcome.is_unknown())
            .repeatable_if(self.is_repeatable)
            .with_returned(found)
    }

    /// The write failed for a reason that the condition tells.
    pub(crate) fn failed(self, kind: impl Into<ErrorKind>) -> Error {
        Error::new(self.id, kind).or_in_doubt(self.outcome.is_unknown())
    }

    /// The write was carried out, and what came after it failed.
    pub(crate) fn error_after(self, kind: impl Into<ErrorKind>) -> Error {
        Error::new(self.id, kind).after_write(None)
    }
}

/// The errors of the operations that write one record on a condition.
pub(crate) trait ConditionError:
    ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static
{
    /// The stored item for which the condition did not hold.
    fn found(&self) -> Option<&Item>;
}

macro_rules! condition_error {
    ($($error:ty),*) => {$(
        impl ConditionError for $error {
            fn found(&self) -> Option<&Item> {
                match self {
                    Self::ConditionalCheckFailedException(failed) => failed.item(),
                    _ => None,
                }
            }
        }
    )*};
}

condition_error!(PutItemError, UpdateItemError, DeleteItemError);

/// The stored item for which the condition of a write did not hold.
pub(crate) fn found<E: ConditionError>(error: &SdkError<E>) -> Option<&Item> {
    error.as_service_error().and_then(ConditionError::found)
}

/// Whether the condition of a write did not hold.
pub(crate) fn is_failed_condition<E: ConditionError>(error: &SdkError<E>) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}

/// Whether a transaction was writing the same record.
pub(crate) fn is_transaction_conflict<E: ConditionError>(error: &SdkError<E>) -> bool {
    error.code() == Some("TransactionConflictException")
}
