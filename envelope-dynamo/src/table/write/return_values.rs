//! The record that a write returns, or that made its condition fail.

use envelope_core::UnwrapKey;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::item::entity::Entity;
use crate::item::plaintext::read_item;
use crate::table::Table;

/// A put or a delete that returns the record that was stored before, opened; see
/// [`Put::returning_old`](crate::write::Put::returning_old) and
/// [`Delete::returning_old`](crate::write::Delete::returning_old).
///
/// ```no_run
/// # use envelope_dynamo::{Envelope, Error, Table};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
/// # async fn example(users: Table<User>, zoe: User) -> Result<(), Error> {
/// match users.put(&zoe).returning_old().send().await? {
///     None => println!("{} is new", zoe.user_id),
///     Some(old) if old.email != zoe.email => println!("{} has moved", old.user_id),
///     Some(_) => {}
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is sent"]
pub struct ReturningOld<C>(pub(crate) C);

/// An update that returns the record as it is stored afterwards, opened; see
/// [`Update::returning_new`](crate::write::Update::returning_new).
///
/// ```no_run
/// # use envelope_dynamo::{Envelope, Error, Table};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key] user_id: String,
/// #     #[encrypted] email: String,
/// #     #[plaintext] logins: u64,
/// # }
/// # async fn example(users: Table<User>) -> Result<(), Error> {
/// // One request, and the whole record: unlike the update itself, this needs the data key.
/// let user = users.update("u_1").add(|user| user.logins, 1).returning_new().send().await?;
/// println!("welcome for the {}th time, {}", user.logins, user.email);
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is sent"]
pub struct ReturningNew<C>(pub(crate) C);

impl<T: Entity, P: UnwrapKey + ?Sized> Table<T, P> {
    /// Opens the record that DynamoDB returned with a failed call. Returns `None` if there is none.
    ///
    /// It is either the record that made a condition fail, as it was stored when DynamoDB evaluated
    /// the condition; or the record that a write returned and that could not be opened then
    /// (KMS was throttled, say). The item is in the error: nothing is read again, so this call
    /// can be repeated later with the same error.
    ///
    /// Any other error gives `None`: DynamoDB returns a record only for a condition that did not
    /// hold, and for `returning_old` and `returning_new`.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
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
            Some(item) => {
                read_item(&mut item.clone(), &*self.provider, &self.plaintext).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// Opens the record that a write returned. If that fails, the error says that the write was
    /// carried out, and keeps the item.
    pub(crate) async fn open_written(&self, item: Item) -> Result<T, Error> {
        let record = read_item(&mut item.clone(), &*self.provider, &self.plaintext).await;
        record.map_err(|error| error.after_write(Some(item)))
    }
}
