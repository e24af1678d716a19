//! Deletes many records.

use std::future::ready;

use aws_sdk_dynamodb::operation::batch_write_item::builders::BatchWriteItemFluentBuilder;
use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use futures_util::future::BoxFuture;

use crate::error::Error;
use crate::item::size::wire_bytes;
use crate::record::Envelope;
use crate::record::key::IntoKey;
use crate::record::key_identity::KeyIdentity;
use crate::table::Table;
use crate::table::batch::Customize;
use crate::table::batch::error::BatchError;
use crate::table::batch::sender::{Sender, Write};

impl<T, P: ?Sized> Table<T, P> {
    /// Deletes any number of records by their keys, twenty-five in a request. This needs no data
    /// key.
    ///
    /// Keys are taken from the iterator as they are needed. Unprocessed keys are sent again, as by
    /// [`batch_put`](Self::batch_put).
    ///
    /// DynamoDB takes no conditions in a batch. So an item under one of these keys is deleted even
    /// if its `entity(..)` says that it is of another type. [`delete`](Self::delete) refuses it.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// # async fn example(users: Table<User>) -> Result<(), envelope_dynamo::batch::BatchError> {
    /// assert_eq!(users.batch_delete(["u_1", "u_2"]).send().await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn batch_delete<I>(&self, keys: I) -> BatchDelete<'_, T, P, I::IntoIter>
    where
        T: Envelope,
        I: IntoIterator<Item: IntoKey<T::Key>>,
    {
        BatchDelete::new(self, keys.into_iter())
    }
}

/// Builds a batch of deletes; see [`Table::batch_delete`].
#[must_use = "a batch does nothing until it is sent"]
pub struct BatchDelete<'a, T, P: ?Sized, I> {
    table: &'a Table<T, P>,
    keys: I,
    customize: Option<Customize<'a, BatchWriteItemFluentBuilder>>,
}

impl<'a, T, P, I> BatchDelete<'a, T, P, I>
where
    T: Envelope,
    P: ?Sized,
    I: Iterator<Item: IntoKey<T::Key>>,
{
    pub(crate) const fn new(table: &'a Table<T, P>, keys: I) -> Self {
        Self { table, keys, customize: None }
    }

    /// Sets what this library does not cover on each of the SDK's requests. Request items are
    /// refused ([`UsageError::Customized`](crate::error::UsageError::Customized)).
    pub fn customize(
        mut self,
        with: impl Fn(BatchWriteItemFluentBuilder) -> BatchWriteItemFluentBuilder + Send + Sync + 'a,
    ) -> Self {
        self.customize = Some(Box::new(with));
        self
    }

    /// Deletes the records, and returns the number of keys. A key without a record is no error.
    ///
    /// # Errors
    ///
    /// Fails if some records were not deleted, or may not have been. The error names each of them,
    /// with the reason.
    // Boxed for the same reason as `BatchGet::send`.
    #[must_use = "nothing is deleted until the future is awaited"]
    pub fn send(self) -> BoxFuture<'a, Result<usize, BatchError>>
    where
        P: Send + Sync,
        I: Iterator<Item: Send> + Send + 'a,
    {
        Box::pin(self.sent())
    }

    async fn sent(self) -> Result<usize, BatchError> {
        let Self { table, keys, customize } = self;
        let sender = Sender {
            operation: "batch_delete",
            client: &table.client,
            table: &table.name,
            logical: T::TABLE,
            concurrency: 1,
            customize,
            identity: KeyIdentity::of::<T>,
        };
        sender.run(keys, |key| ready(write(table, key.into_key()))).await
    }
}

fn write<T: Envelope, P: ?Sized>(table: &Table<T, P>, key: T::Key) -> Result<Write, Error> {
    let (key, id) = table.key_item(key)?;
    let identity = KeyIdentity::of::<T>(&key).map_err(|kind| Error::new(id.clone(), kind))?;
    let bytes = wire_bytes(&key);
    let delete = DeleteRequest::builder().set_key(Some(key)).build();
    Ok(Write {
        id,
        identity,
        request: WriteRequest::builder().set_delete_request(delete.ok()).build(),
        bytes,
    })
}
