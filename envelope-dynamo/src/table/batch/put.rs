//! Seals and stores many records.

use std::borrow::Borrow;

use aws_sdk_dynamodb::operation::batch_write_item::builders::BatchWriteItemFluentBuilder;
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use envelope_core::WrapKey;
use futures_util::future::BoxFuture;

use crate::error::Error;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::item::entity::Entity;
use crate::item::size::wire_bytes;
use crate::record::Envelope;
use crate::record::key_identity::KeyIdentity;
use crate::record::unique::Unclaimed;
use crate::record::version::Unversioned;
use crate::table::Table;
use crate::table::batch::Customize;
use crate::table::batch::error::BatchError;
use crate::table::batch::put_plaintext::put_each;
use crate::table::batch::sender::{Sender, Write};
use crate::table::bounded::CONCURRENCY;
use crate::table::write::put::SealedRecord;

impl<T: Entity, P: WrapKey + ?Sized> Table<T, P> {
    /// Stores any number of records, twenty-five in a request. Records under the same keys are
    /// replaced.
    ///
    /// One request after the other is sealed and sent. So a million records need the memory of
    /// twenty-five. Each record is sealed once. What DynamoDB leaves unprocessed is sent again
    /// after a pause, as it was sealed. After ten requests in a row without any progress, the
    /// batch gives up.
    ///
    /// Of several records with one key, the last one stays. A record that cannot be sealed or is
    /// too large fails alone. A batch is no transaction: a part of it may be stored while the rest
    /// fails.
    ///
    /// DynamoDB takes no conditions in a batch, unlike for a [`put`](Self::put). So a record with a
    /// `#[version]` or a unique field does not compile here. Put such records one by one with
    /// [`put_mut`](Self::put_mut), or several in one
    /// [transaction](crate::transact_write()).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let records = (0..1_000_000)
    ///     .map(|n| User { user_id: format!("u_{n}"), email: format!("{n}@example.com") });
    /// if let Err(error) = users.batch_put(records).send().await {
    ///     for failure in error.failures() {
    ///         println!("{} was not stored: {}", failure.position(), failure.error());
    ///     }
    ///     println!("all others up to {} were", error.taken());
    /// }
    /// # }
    /// ```
    pub fn batch_put<I>(&self, records: I) -> BatchPut<'_, T, P, I::IntoIter>
    where
        T: Unversioned + Unclaimed,
        I: IntoIterator<Item: Borrow<T>>,
    {
        BatchPut::new(self, records.into_iter())
    }
}

/// Builds a batch of puts; see [`Table::batch_put`].
#[must_use = "a batch does nothing until it is sent"]
pub struct BatchPut<'a, T, P: ?Sized, I> {
    table: &'a Table<T, P>,
    records: I,
    concurrency: usize,
    customize: Option<Customize<'a, BatchWriteItemFluentBuilder>>,
}

impl<'a, T, P, I> BatchPut<'a, T, P, I>
where
    T: Entity,
    P: WrapKey + ?Sized,
    I: Iterator<Item: Borrow<T>>,
{
    pub(crate) const fn new(table: &'a Table<T, P>, records: I) -> Self {
        Self { table, records, concurrency: CONCURRENCY, customize: None }
    }

    /// Seals at most this many records at a time: 16 by default, at least one. With a key provider
    /// that calls KMS for each record, this limits the concurrent calls.
    pub const fn concurrency(mut self, records: usize) -> Self {
        self.concurrency = records;
        self
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

    /// Seals and stores the records, and returns how many.
    ///
    /// # Errors
    ///
    /// Fails if some records were not stored, or may not have been. The error names each of them,
    /// with the reason: the errors of [`Put::send`](crate::write::Put::send), and
    /// [`ServiceError::Unprocessed`](crate::error::ServiceError::Unprocessed).
    // Boxed for the same reason as `BatchGet::send`.
    #[must_use = "nothing is stored until the future is awaited"]
    pub fn send(self) -> BoxFuture<'a, Result<usize, BatchError>>
    where
        T: Sync,
        I: Iterator<Item: Send> + Send + 'a,
    {
        Box::pin(self.sent())
    }

    async fn sent(self) -> Result<usize, BatchError> {
        let Self { table, records, concurrency, customize } = self;
        if table.plaintext.state.writes() {
            let mut failed = BatchError::before("batch_put", T::First::TABLE);
            if customize.is_some() {
                failed.refuse(RecordId::of_table(T::First::TABLE), SINGLE_PUTS);
                return Err(failed);
            }
            return put_each(table, records, concurrency, failed).await;
        }
        let sender = Sender {
            operation: "batch_put",
            client: &table.client,
            table: &table.name,
            logical: T::First::TABLE,
            concurrency,
            customize,
            identity: KeyIdentity::of::<T::First>,
        };
        sender.run(records, |record| async move { write(record.borrow(), table).await }).await
    }
}

/// `customize` is about requests that are not sent then.
const SINGLE_PUTS: UsageError = UsageError::Customized {
    setting: "BatchWriteItem",
    instead: "single puts: `PlaintextItems::ReadAndWrite` makes a batch of them",
};

async fn write<T: Entity, P: WrapKey + ?Sized>(
    record: &T,
    table: &Table<T, P>,
) -> Result<Write, Error> {
    let mut pending = record.split()?.check_one_kind(table.kinds)?;
    // `Unversioned` and `Unclaimed`: there is no version that DynamoDB would have to compare, and
    // no value to claim.
    let _ = pending.set_managed_fields(table.clock.system_time())?;
    let SealedRecord { item, id, .. } = table.seal(pending).await?;
    let identity =
        KeyIdentity::of::<T::First>(&item).map_err(|kind| Error::new(id.clone(), kind))?;
    let bytes = wire_bytes(&item);
    let put = PutRequest::builder().set_item(Some(item)).build();
    Ok(Write {
        id,
        identity,
        request: WriteRequest::builder().set_put_request(put.ok()).build(),
        bytes,
    })
}
