//! Builds a read of many records by their keys.

use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemFluentBuilder;
use envelope_core::UnwrapKey;
use futures_util::future::BoxFuture;

use crate::error::Error;
use crate::record::Envelope;
use crate::record::key::IntoKey;
use crate::table::Table;
use crate::table::batch::Customize;
use crate::table::batch::get_stream::{BatchGetCall, BatchGetStream};
use crate::table::bounded::CONCURRENCY;

impl<T, P: UnwrapKey + ?Sized> Table<T, P> {
    /// Reads any number of records by their keys, a hundred in a request.
    ///
    /// DynamoDB leaves keys unprocessed if the answer would be too large or if it throttles the
    /// table. They are requested again after a pause. After ten requests in a row without any
    /// progress, the batch gives up.
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
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let found: Vec<Option<User>> = users.batch_get(["u_1", "u_2"]).send().await?;
    ///
    /// let keys = (0..1_000_000).map(|n| format!("u_{n}"));
    /// let mut stream = users.batch_get(keys).consistent_read().stream();
    /// while let Some((key, user)) = stream.next().await {
    ///     match user {
    ///         Ok(Some(user)) => println!("{key} has a mailbox of {} bytes", user.email.len()),
    ///         Ok(None) => println!("there is no {key}"),
    ///         Err(error) => eprintln!("{error}"), // this one record; the others still come
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn batch_get<I>(&self, keys: I) -> BatchGet<'_, T, P, I::IntoIter>
    where
        T: Envelope,
        I: IntoIterator<Item: IntoKey<T::Key> + Clone>,
    {
        BatchGet::new(self, keys.into_iter())
    }
}

/// Builds a read of many records; see [`Table::batch_get`].
#[must_use = "a read does nothing until it is sent"]
pub struct BatchGet<'a, T, P: ?Sized, I> {
    table: &'a Table<T, P>,
    keys: I,
    consistent: bool,
    concurrency: usize,
    customize: Option<Customize<'a, BatchGetItemFluentBuilder>>,
}

impl<'a, T, P, I> BatchGet<'a, T, P, I>
where
    T: Envelope + 'a,
    P: UnwrapKey + ?Sized,
    I: Iterator<Item: IntoKey<T::Key> + Clone>,
{
    pub(crate) const fn new(table: &'a Table<T, P>, keys: I) -> Self {
        Self { table, keys, consistent: false, concurrency: CONCURRENCY, customize: None }
    }

    /// Reads the latest write, at twice the price. By default a read may miss the latest writes.
    pub const fn consistent_read(mut self) -> Self {
        self.consistent = true;
        self
    }

    /// Opens at most this many records at a time: 16 by default, at least one. With a key provider
    /// that calls KMS for each record, this limits the concurrent calls.
    pub const fn concurrency(mut self, records: usize) -> Self {
        self.concurrency = records;
        self
    }

    /// Sets what this library does not cover on each of the SDK's requests. Request items are
    /// refused ([`UsageError::Customized`](crate::error::UsageError::Customized)).
    pub fn customize(
        mut self,
        with: impl Fn(BatchGetItemFluentBuilder) -> BatchGetItemFluentBuilder + Send + Sync + 'a,
    ) -> Self {
        self.customize = Some(Box::new(with));
        self
    }

    /// Reads and opens the records, in the order of the keys; `None` for a key without a record.
    ///
    /// # Errors
    ///
    /// The first error of any record, as of [`Get::send`](crate::read::Get::send), and
    /// [`ServiceError::Unprocessed`](crate::error::ServiceError::Unprocessed). Where the other
    /// records are wanted all the same, use [`stream`](Self::stream).
    // Boxed, so that the type of the caller's future does not contain `I`. Otherwise the compiler
    // cannot prove that the future is `Send` if `I` contains a closure over borrowed arguments. The
    // stream boxes its keys for the same reason.
    #[must_use = "nothing is read until the future is awaited"]
    pub fn send(self) -> BoxFuture<'a, Result<Vec<Option<T>>, Error>>
    where
        T: Send,
        I: Iterator<Item: Send> + Send + 'a,
    {
        Box::pin(self.stream().into_records())
    }

    /// Streams the records, each with its key and its own result.
    ///
    /// Keys are taken from the iterator as they are needed, a hundred at a time. So the iterator
    /// may be of any length.
    pub fn stream(self) -> BatchGetStream<'a, T, P, I::Item>
    where
        I: Send + 'a,
    {
        let Self { table, keys, consistent, concurrency, customize } = self;
        let keys = Box::new(keys);
        BatchGetStream::new(BatchGetCall { table, keys, consistent, concurrency, customize })
    }
}
