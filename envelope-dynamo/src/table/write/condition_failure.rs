//! What a write found in its place, or returned.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use envelope_core::UnwrapKey;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::write::WriteError;
use crate::error::{Error, dynamodb_error};
use crate::expression::Limit;
use crate::item::entity::Entity;
use crate::item::from_item;
use crate::record::item_key::with_requested_key;
use crate::table::Table;

impl<T: Entity, P: UnwrapKey + ?Sized> Table<T, P> {
    /// Opens the record that DynamoDB returned with a failed call; `None` if it returned none.
    ///
    /// That is the record that made a condition fail, as it was stored when the condition was
    /// evaluated; or the record that a write returned, if it could not be opened then (KMS was
    /// throttled, say). Nothing is read again, so it can be tried again later with the same
    /// error.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// # let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
    /// let users = Table::<User>::new(dynamodb, provider);
    /// if let Err(error) = users.put(&user).if_not_exists().send().await {
    ///     match users.open_returned(&error).await? {
    ///         Some(other) => println!("{} is taken", other.user_id),
    ///         None => return Err(error),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_item`](crate::from_item()).
    pub async fn open_returned(&self, error: &Error) -> Result<Option<T>, Error> {
        match error.returned_item() {
            Some(item) => from_item(item.clone(), &*self.provider).await.map(Some),
            None => Ok(None),
        }
    }
}

/// The errors of calls that take a condition.
pub(crate) trait ConditionError:
    ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static
{
    /// The item that stood where the condition did not hold.
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

/// The item that stood where the condition of a call did not hold.
pub(crate) fn found<E: ConditionError>(error: &SdkError<E>) -> Option<&Item> {
    error.as_service_error().and_then(ConditionError::found)
}

/// Opens what a write returned; if that fails, the error says that the write was carried out, and
/// keeps what it returned.
pub(crate) async fn open_written<T: Entity>(
    item: Item,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<T, Error> {
    from_item(item.clone(), provider).await.map_err(|error| error.after_write(Some(item)))
}

/// Names the limit that made the conditions of an update fail, if it was one.
pub(crate) fn name_limit(error: Error, limits: &[Limit]) -> Error {
    let found = error
        .returned_item()
        .filter(|_| matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)));
    match found.and_then(|found| limits.iter().find_map(|limit| limit.violated_by(found))) {
        Some(kind) => error.with_kind(kind),
        None => error,
    }
}

/// A write as its errors tell of it.
pub(crate) struct WriteAttempt<'t> {
    pub(crate) operation: &'static str,
    /// The physical table.
    pub(crate) table: &'t str,
    pub(crate) id: RecordId,
    /// The key attributes of the record.
    pub(crate) key: Item,
    /// Whether it leads to the same end if it is made twice.
    pub(crate) is_repeatable: bool,
    pub(crate) outcome: AttemptOutcome,
}

impl WriteAttempt<'_> {
    pub(crate) fn error<E: ConditionError>(self, error: SdkError<E>) -> Error {
        let found = found(&error).map(|item| with_requested_key(item.clone(), self.key));
        dynamodb_error(self.operation, self.table, self.id, error)
            .or_in_doubt(self.outcome.is_unknown())
            .repeatable_if(self.is_repeatable)
            .with_returned(found)
    }

    /// The write was carried out, and the answer that had the old record was lost.
    pub(crate) fn answer_lost(self) -> Error {
        Error::new(self.id, ErrorKind::Write(WriteError::AnswerLost)).after_write(None)
    }
}
