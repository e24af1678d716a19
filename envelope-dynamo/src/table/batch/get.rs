//! Builds a read of many records by their keys.

use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemFluentBuilder;
use envelope_core::UnwrapKey;
use futures_util::future::BoxFuture;

use crate::error::Error;
use crate::record::Envelope;
use crate::record::key::IntoKey;
use crate::table::Table;
use crate::table::batch::Customize;
use crate::table::batch::get_stream::BatchGetStream;
use crate::table::bounded::CONCURRENCY;

impl<T: Envelope, P: UnwrapKey + ?Sized> Table<T, P> {
    /// Reads any number of records by their keys, a hundred in a request.
    ///
    /// What DynamoDB leaves unprocessed, because the answer would be too large or the table is
    /// throttled, is asked for again after a pause, until it has done nothing for ten requests
    /// in a row.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let found: Vec<Option<User>> = users.batch_get(["u_1", "u_2"]).send().await?;
    ///
    /// let mut stream = users.batch_get((0..1_000_000).map(|n| format!("u_{n}"))).consistent_read().stream();
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
        I: IntoIterator<Item: IntoKey<T::Key> + Clone>,
    {
        BatchGet::new(self, keys.into_iter())
    }
}

/// A read of many records being built; see [`Table::batch_get`].
#[must_use = "a read does nothing until it is sent"]
pub struct BatchGet<'a, T, P: ?Sized, I> {
    pub(crate) table: &'a Table<T, P>,
    pub(crate) keys: I,
    pub(crate) consistent: bool,
    pub(crate) concurrency: usize,
    pub(crate) customize: Option<Customize<'a, BatchGetItemFluentBuilder>>,
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

    /// Reads what was written last, at twice the price; by default a read may be a moment behind.
    pub const fn consistent_read(mut self) -> Self {
        self.consistent = true;
        self
    }

    /// Opens at most this many records at a time, 16 by default: so many calls to KMS may be under
    /// way.
    pub const fn concurrency(mut self, records: usize) -> Self {
        self.concurrency = records;
        self
    }

    /// Sets what this library does not cover on each of the SDK's requests; request items are
    /// refused ([`UsageError::Customized`](crate::error::UsageError::Customized)).
    pub fn customize(
        mut self,
        with: impl Fn(BatchGetItemFluentBuilder) -> BatchGetItemFluentBuilder + Send + Sync + 'a,
    ) -> Self {
        self.customize = Some(Box::new(with));
        self
    }

    /// Reads and opens the records, in the order of the keys; `None` where there is none.
    ///
    /// # Errors
    ///
    /// The first error of any record, as of [`Get::send`](crate::read::Get::send), and
    /// [`ServiceError::Unprocessed`](crate::error::ServiceError::Unprocessed). Where the other
    /// records are wanted all the same, use [`stream`](Self::stream).
    // Boxed, so that the caller's future does not mention `I`: the compiler does not find a future
    // `Send` that holds the type of a closure over borrowed arguments. So it is with the
    // stream.
    #[must_use = "nothing is read until the future is awaited"]
    pub fn send(self) -> BoxFuture<'a, Result<Vec<Option<T>>, Error>>
    where
        T: Send,
        I: Iterator<Item: Send> + Send + 'a,
    {
        Box::pin(self.stream().into_records())
    }

    /// Reads and opens the records one by one, as they come: each with its key, each its own
    /// result.
    ///
    /// Keys are taken from the iterator as they are needed, a hundred at a time, so that it may be
    /// as long as it likes.
    pub fn stream(self) -> BatchGetStream<'a, T, P, I::Item>
    where
        I: Send + 'a,
    {
        let Self { table, keys, consistent, concurrency, customize } = self;
        let keys = Box::new(keys) as Box<dyn Iterator<Item = I::Item> + Send + 'a>;
        BatchGetStream::new(BatchGet { table, keys, consistent, concurrency, customize })
    }
}
