//! Sets what a table does with items that are not sealed.

use crate::item::entity::Entity;
use crate::item::plaintext::PlaintextItems;
use crate::table::Table;
#[cfg(feature = "trust-plaintext-items")]
use crate::{error::RecordId, item::plaintext::PlaintextEvent};

impl<T: Entity, P: ?Sized> Table<T, P> {
    /// Sets what this handle does with items that are not sealed, while a table that was stored in
    /// plaintext is taken in. The default, `Refuse`, reads and writes sealed records only.
    ///
    /// The state holds for everything that this handle reads and writes: gets, batches, queries,
    /// scans, transactions, `modify`, and items that calls return.
    ///
    /// - In `ReadAndWrite`, `batch_put` sends single puts, and a put in a transaction first asks
    ///   what stands under the key (one consistent read).
    /// - In `Read` and `ReadAndWrite`, records of an index are read from the table, at the price of
    ///   another read: an item from an index may lack attributes, and nobody could tell it from a
    ///   plain one.
    /// - Updates in place, deletes and views do not ask whether an item is sealed, in any state.
    #[cfg_attr(feature = "trust-plaintext-items", doc = "```no_run")]
    #[cfg_attr(not(feature = "trust-plaintext-items"), doc = "```ignore")]
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// use envelope_dynamo::item::PlaintextItems;
    /// use envelope_dynamo::{Envelope, Table};
    ///
    /// #[derive(Envelope)]
    /// #[envelope(table = "users")]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     email: String,
    /// }
    ///
    /// let users = Table::<User>::new(dynamodb, provider)
    ///     .plaintext_items(PlaintextItems::Read)
    ///     .observe_plaintext(|event, record| println!("{event:?}: {record}"));
    /// let user: Option<User> = users.get("u_1").send().await?; // sealed or not
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// In `Read` and `ReadAndWrite`, whoever can write the table can put a plain item in place of a
    /// sealed record, and this handle believes it. Use them only while a table is taken in, only in
    /// services that need them, and watch that plain reads fall to zero
    /// ([`PlaintextItems`] names the guide).
    #[must_use]
    pub fn plaintext_items(mut self, state: PlaintextItems) -> Self {
        self.plaintext.state = state;
        self
    }

    /// Calls `observer` for each item that is read or written and is not sealed, with the record
    /// that it is. It should count and return.
    ///
    /// Reads fall to zero when the last plain item was sealed. A read after that is an alarm:
    /// somebody put a plain item in place of a record. Views and updates in place are not counted,
    /// because they do not see whether the item is sealed.
    #[cfg(feature = "trust-plaintext-items")]
    #[must_use]
    pub fn observe_plaintext(
        mut self,
        observer: impl Fn(PlaintextEvent, &RecordId) + Send + Sync + 'static,
    ) -> Self {
        self.plaintext.observer = Some(std::sync::Arc::new(observer));
        self
    }
}
