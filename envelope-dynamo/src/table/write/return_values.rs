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
    /// ```
    /// # mod example {
    /// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # use envelope_dynamo::testing::TestKeyProvider;
    /// # use envelope_dynamo::to_item;
    /// use envelope_dynamo::{Envelope, Table};
    ///
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User {
    /// #     #[partition_key]
    /// #     user_id: String,
    /// #     #[encrypted]
    /// #     email: String,
    /// # }
    /// # let keys = TestKeyProvider::default();
    /// # let stored = User { user_id: "u_1".into(), email: "zoe@example.org".into() };
    /// # let refusal = example::condition_failed(&to_item(&stored, &keys).await?);
    /// # let dynamodb = example::dynamodb(&[("PutItem", 400, &refusal)]);
    /// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
    /// // A user with this key is stored.
    /// let users = Table::<User>::new(dynamodb, keys);
    /// let error = users.put(&zoe).if_not_exists().send().await.unwrap_err();
    /// match users.open_returned(&error).await? {
    ///     Some(stored) => assert_eq!(stored.email, "zoe@example.org"),
    ///     None => return Err(error), // it failed for another reason
    /// }
    /// # assert!(error.returned_item().is_some());
    /// # Ok::<(), envelope_dynamo::Error>(()) }).unwrap();
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
