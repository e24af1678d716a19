//! Sends a transaction again that lost a race, or whose table was throttled: with the same bytes
//! and the same token.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::retry::Retry;
use crate::error::Error;
use crate::error::dynamodb::DynamoDbError;
use crate::error::kind::ErrorKind;
use crate::error::service::ServiceError;
use crate::error::write::WriteError;
use crate::expression::limit::name_limit;
use crate::record::item_key::with_requested_key;
use crate::table::own_type::name_other_type;
use crate::table::transaction::error::{TransactionError, TransactionErrorKind, TransactionReason};
use crate::table::transaction::tables;
use crate::table::transaction::target::Target;

/// The number of tries of a transaction.
const TRIES: u32 = 10;

/// The number of tries while DynamoDB says that it is already carrying out the transaction. The SDK
/// makes three attempts of each try. Together they take longer than the five seconds that AWS asks
/// for (Amazon DynamoDB API Reference, "TransactionInProgressException").
const TRIES_IN_PROGRESS: u32 = 5;

/// The tries of one transaction.
pub(crate) struct TransactionRetry<'a> {
    /// The operation's name in this library, and in DynamoDB.
    operation: [&'static str; 2],
    tables: String,
    targets: Vec<&'a Target>,
    pub(crate) outcome: AttemptOutcome,
    retry: Retry,
}

/// The errors of the two operations.
pub(crate) trait Cancellable:
    ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static
{
    fn reasons(&self) -> Option<&[CancellationReason]>;
}

macro_rules! cancellable {
    ($($error:ty),*) => {$(
        impl Cancellable for $error {
            fn reasons(&self) -> Option<&[CancellationReason]> {
                match self {
                    Self::TransactionCanceledException(cancelled) => Some(cancelled.cancellation_reasons()),
                    _ => None,
                }
            }
        }
    )*};
}

cancellable!(TransactGetItemsError, TransactWriteItemsError);

impl<'a> TransactionRetry<'a> {
    /// `outcome` also covers earlier calls.
    pub(crate) fn new(
        client: &Client,
        operation: [&'static str; 2],
        targets: Vec<&'a Target>,
        outcome: AttemptOutcome,
    ) -> Self {
        let tables = tables(targets.iter().map(|target| target.place.0.as_str()));
        Self { operation, tables, targets, outcome, retry: Retry::new(client) }
    }

    /// Waits until the next try. Returns the error of the transaction if another try does not help.
    pub(crate) async fn again<E: Cancellable>(
        &mut self,
        error: SdkError<E>,
    ) -> Result<(), TransactionError> {
        let failed = self.retry.failed();
        let error = self.error(error, failed);
        let is_in_progress = error.is_in_progress();
        if is_in_progress {
            self.outcome.set_unknown();
        }
        let has_lost_a_race =
            matches!(error.kind(), TransactionErrorKind::Cancelled { .. }) && error.is_retryable();
        let tries = if is_in_progress { TRIES_IN_PROGRESS } else { TRIES };
        if failed >= tries || !(is_in_progress || has_lost_a_race) {
            return Err(error.or_in_doubt(is_in_progress));
        }
        self.retry.adopt(self.outcome.sleep());
        self.retry.pause().await;
        Ok(())
    }

    fn error<E: Cancellable>(&self, error: SdkError<E>, tries: u32) -> TransactionError {
        let [name, operation] = self.operation;
        if let Some(reasons) = error.as_service_error().and_then(Cancellable::reasons) {
            // Had an earlier try been carried out, its token would have told: this answer leaves no
            // doubt.
            let reasons = self.reasons(reasons);
            return TransactionError::new(name, TransactionErrorKind::Cancelled { reasons, tries });
        }
        if error.code() == Some("IdempotentParameterMismatchException") {
            return TransactionError::new(name, TransactionErrorKind::TokenReused);
        }
        let error = DynamoDbError::new(operation, &self.tables, error);
        TransactionError::new(name, TransactionErrorKind::DynamoDb(error))
            .or_in_doubt(self.outcome.is_unknown())
    }

    /// The actions that prevented the transaction. DynamoDB answers for each action in turn, for
    /// most of them with `None`.
    fn reasons(&self, reasons: &[CancellationReason]) -> Vec<TransactionReason> {
        let reasons = self.targets.iter().zip(reasons).enumerate();
        let reason = |(position, (target, reason)): (usize, (&&Target, &CancellationReason))| {
            let found = reason
                .item()
                .filter(|item| !item.is_empty())
                .map(|item| with_requested_key(item.clone(), target.key.clone()));
            let kind: ErrorKind = match reason.code()? {
                "None" => return None,
                "ConditionalCheckFailed" if let Some(claim) = &target.claim => {
                    WriteError::Taken { field: claim.name }.into()
                }
                "ConditionalCheckFailed" if target.must_exist && found.is_none() => {
                    WriteError::NoRecord.into()
                }
                "ConditionalCheckFailed" => WriteError::ConditionFailed.into(),
                code => ErrorKind::DynamoDb(ServiceError::Cancelled {
                    code: code.into(),
                    message: reason.message().map(Into::into),
                }),
            };
            let mut error = Error::new(target.id.clone(), kind).with_returned(found);
            if let Some(kind) = &target.kind {
                error = name_other_type(error, kind);
            }
            let position = target.claim.map_or(position, |claim| claim.position);
            Some(TransactionReason { position, error: name_limit(error, &target.limits) })
        };
        reasons.filter_map(reason).collect()
    }
}
