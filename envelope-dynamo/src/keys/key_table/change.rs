//! One change to a table of keys: a transaction with conditions, tried again after
//! conflicts.

use std::time::Duration;

use aws_sdk_dynamodb::config::AsyncSleep;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use envelope_core::BranchName;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::error::dynamodb::DynamoDbError;
use crate::keys::key_table::KeyTable;
use crate::keys::key_table::error::KeyTableError;

/// How many conflicts with other writers end a change.
const ATTEMPTS: u32 = 8;

/// The pause before the second attempt. It doubles before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    ConditionFailed,
    /// Another transaction was writing the same items.
    Conflict,
}

/// The attempts of one change.
#[derive(Debug, Default)]
pub(crate) struct Attempts(u32);

impl<P> KeyTable<P> {
    pub(crate) async fn transact(
        &self,
        items: Vec<TransactWriteItem>,
        is_repeatable: bool,
    ) -> Result<Outcome, KeyTableError> {
        let outcome = AttemptOutcome::default();
        // All attempts of the SDK have the same client token. So a second attempt succeeds if the
        // first one was carried out.
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

    /// Waits before the next attempt, if the client has a way to sleep. Fails after too many
    /// attempts.
    pub(crate) async fn pause(
        &self,
        branch: &BranchName,
        attempts: &mut Attempts,
    ) -> Result<(), KeyTableError> {
        attempts.0 += 1;
        if attempts.0 >= ATTEMPTS {
            return Err(KeyTableError::Conflict(branch.clone()));
        }
        if let Some(sleep) = self.client.config().sleep_impl() {
            sleep.sleep(FIRST_PAUSE * (1 << (attempts.0 - 1))).await;
        }
        Ok(())
    }
}

/// Why DynamoDB cancelled the transaction. `None` for any other error.
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
