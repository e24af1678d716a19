//! Writes a record and claims its unique values, in one transaction.

use aws_sdk_dynamodb::Client;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::retry::Retry;
use crate::error::record_id::RecordId;
use crate::error::service::ServiceError;
use crate::error::write::WriteError;
use crate::error::write_outcome::WriteOutcome;
use crate::error::{Error, ErrorKind};
use crate::item::unique_value::UniqueValue;
use crate::table::claims::Claims;
use crate::table::claims::action::claims_of;
use crate::table::transaction::error::{TransactionError, TransactionErrorKind};
use crate::table::transaction::retry::TransactionRetry;
use crate::table::transaction::target::Action;
use crate::table::transaction::token::new_token;

/// How often claims are judged anew while others change them.
const MAX_TRIES: u32 = 10;

const OPERATION: &str = "TransactWriteItems";

/// What came of a write with claims.
pub(crate) enum Claimed {
    Done,
    /// A condition of the write of the record did not hold. Nothing was written.
    Refused(Error, AttemptOutcome),
}

impl Claims<'_> {
    /// Sends the write of a record, with claims of `values`. Takes over claims of records that do
    /// not have the value any more.
    ///
    /// # Errors
    ///
    /// [`WriteError::Taken`] if another record has one of the values; [`WriteError::Conflict`];
    /// and every error of DynamoDB.
    pub(crate) async fn write(
        &self,
        record: &Action,
        values: &[UniqueValue],
    ) -> Result<Claimed, Error> {
        let id = &record.target.id;
        let (mut claims, mut retry) = (claims_of(values), Retry::new(self.client));
        loop {
            let mut actions = vec![record.clone()];
            actions.extend(self.actions(&claims, &record.target)?);
            let outcome = AttemptOutcome::default();
            let error = match send(self.client, &actions, &outcome).await {
                Ok(()) => return Ok(Claimed::Done),
                Err(error) => error,
            };
            let reasons = match error.into_kind() {
                (TransactionErrorKind::Cancelled { reasons, .. }, _) => reasons,
                (kind, lost) => {
                    return Err(other(kind, id).or_in_doubt(lost == WriteOutcome::Unknown));
                }
            };
            let (of_claims, mut others): (Vec<_>, Vec<_>) =
                reasons.into_iter().map(|reason| reason.error).partition(is_taken);
            // A refusal of the record goes first: it says what to do.
            let at =
                others.iter().position(|error| !matches!(error.kind(), ErrorKind::DynamoDb(_)));
            if let Some(at) = at {
                return Ok(Claimed::Refused(others.swap_remove(at), outcome));
            }
            if of_claims.is_empty() {
                return Err(others.pop().unwrap_or_else(|| cancelled(id)));
            }
            let tries = retry.failed();
            if tries >= MAX_TRIES {
                return Err(Error::new(id.clone(), WriteError::Conflict { tries }));
            }
            if tries > 1 {
                retry.adopt(outcome.sleep());
                retry.pause().await;
            }
            self.judge(&mut claims, &record.target.key, id).await?;
        }
    }
}

/// Sends one transaction. It is sent again as it is if another transaction holds an item.
pub(crate) async fn send(
    client: &Client,
    actions: &[Action],
    outcome: &AttemptOutcome,
) -> Result<(), TransactionError> {
    let targets = actions.iter().map(|action| &action.target).collect();
    let mut retry = TransactionRetry::new(client, ["claim", OPERATION], targets, outcome.clone());
    let token = new_token();
    let items: Vec<_> = actions.iter().map(|action| action.item.clone()).collect();
    loop {
        let request = client
            .transact_write_items()
            .set_transact_items(Some(items.clone()))
            .client_request_token(&token);
        match request.customize().interceptor(outcome.clone()).send().await {
            Ok(_) => return Ok(()),
            Err(error) => retry.again(error).await?,
        }
    }
}

fn is_taken(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Write(WriteError::Taken { .. }))
}

/// The error of a transaction that was not cancelled.
fn other(kind: TransactionErrorKind, id: &RecordId) -> Error {
    match kind {
        TransactionErrorKind::DynamoDb(error) => {
            Error::new(id.clone(), ErrorKind::DynamoDb(ServiceError::Request(error)))
        }
        _ => cancelled(id),
    }
}

/// DynamoDB cancelled a transaction and did not say why.
fn cancelled(id: &RecordId) -> Error {
    let code = "TransactionCanceled".into();
    Error::new(id.clone(), ErrorKind::DynamoDb(ServiceError::Cancelled { code, message: None }))
}
