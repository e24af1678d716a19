//! What a conditional write found in its place.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use envelope_core::UnwrapKey;

use super::doubt::Doubt;
use super::{Table, dynamodb_error};
use crate::binding::Item;
use crate::entity::Entity;
use crate::error::{Error, RecordId};
use crate::item::from_item;

impl<T: Entity, P: UnwrapKey + ?Sized> Table<T, P> {
    /// Opens the record that made a condition fail; `None` if there was none, or the error is not of a condition.
    ///
    /// The error holds the record as it was stored when the condition was evaluated, so nothing is read again.
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
    ///     match users.open_found(&error).await? {
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
    pub async fn open_found(&self, error: &Error) -> Result<Option<T>, Error> {
        match error.found() {
            Some(item) => from_item(item.clone(), &*self.provider).await.map(Some),
            None => Ok(None),
        }
    }
}

/// The errors of calls that take a condition.
pub(super) trait ConditionError:
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
pub(super) fn found<E: ConditionError>(error: &SdkError<E>) -> Option<&Item> {
    error.as_service_error().and_then(ConditionError::found)
}

/// A write as its errors tell of it.
pub(super) struct Writing<'t> {
    pub(super) operation: &'static str,
    /// The physical table.
    pub(super) table: &'t str,
    pub(super) id: RecordId,
    /// The key attributes of the record.
    pub(super) key: Item,
    pub(super) doubt: Doubt,
}

impl Writing<'_> {
    pub(super) fn error<E: ConditionError>(self, error: SdkError<E>) -> Error {
        let found = found(&error).map(|item| keyed(item.clone(), self.key));
        dynamodb_error(self.operation, self.table, self.id, error).or_in_doubt(self.doubt.exists()).with_found(found)
    }
}

/// `item` as the record that was asked for, whatever key it says it has.
pub(super) fn keyed(mut item: Item, key: Item) -> Item {
    item.extend(key);
    item
}
