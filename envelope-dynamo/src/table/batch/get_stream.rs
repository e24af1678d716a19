//! Streams many records by their keys: a hundred keys in a request, and unprocessed keys again.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemFluentBuilder;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use envelope_core::UnwrapKey;
use futures_core::Stream;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::retry::Retry;
use crate::error::Error;
use crate::error::dynamodb::DynamoDbError;
use crate::error::kind::ErrorKind;
use crate::error::service::ServiceError;
use crate::item::plaintext::read_item;
use crate::record::Envelope;
use crate::record::key::IntoKey;
use crate::table::Table;
use crate::table::batch::requested_keys::RequestedKeys;
use crate::table::batch::{Customize, TRIES};
use crate::table::customized::{Customized as _, RefusedSetting};
use crate::table::openings::{LentItem, Openings};
use crate::table::pausable::PausableRequest;

/// Keys that one request may name (Amazon DynamoDB API Reference, "BatchGetItem").
const MAX_KEYS: usize = 100;

/// The records of a batch get, each with its key and its own result; see
/// [`BatchGet::stream`](crate::batch::BatchGet::stream).
///
/// While the caller works on a record, no call to KMS is in progress; see
/// [`Records`](crate::read::Records#between-two-records).
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::testing::TestKeyProvider;
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
/// # let dynamodb = example::dynamodb(&[
/// #     ("BatchGetItem", 200, r#"{ "Responses": { "users": [] } }"#),
/// # ]);
/// // The table is empty.
/// let users = Table::<User>::new(dynamodb, TestKeyProvider::default());
/// let mut found = users.batch_get(["u_1", "u_2", "u_1"]).stream();
/// let mut absent = Vec::new();
/// while let Some((key, user)) = found.next().await {
///     match user {
///         Ok(Some(user)) => println!("{} has {}", user.user_id, user.email),
///         Ok(None) => absent.push(key),
///         Err(error) => eprintln!("{error}"), // of this key; the others still come
///     }
/// }
/// absent.sort_unstable(); // answers come in no particular order
/// assert_eq!(absent, ["u_1", "u_1", "u_2"]); // one for each input
/// # });
/// ```
///
/// It is also a [`Stream`], for the combinators of the `futures` crate. After `Poll::Pending`, poll
/// it until it is ready, or drop it.
#[must_use = "nothing is read until the next record is asked for"]
pub struct BatchGetStream<'a, T, P: ?Sized, K> {
    call: BatchGetCall<'a, T, P, K>,
    /// How many keys were taken: the position of the next one.
    taken: usize,
    /// The keys whose records were not returned yet, by position.
    unanswered: HashMap<usize, K>,
    requested: RequestedKeys,
    /// Results that need no opening: absent records, and errors.
    answers: VecDeque<(usize, Result<Option<T>, Error>)>,
    /// The items to open, with the positions of their keys.
    openings: Openings<'a, usize, T>,
    request: Option<BatchRequest<'a>>,
    retry: Retry,
    /// Whether DynamoDB left some keys of the last request unprocessed.
    was_unprocessed: bool,
}

/// What the caller has set.
pub(crate) struct BatchGetCall<'a, T, P: ?Sized, K> {
    pub(crate) table: &'a Table<T, P>,
    pub(crate) keys: Box<dyn Iterator<Item = K> + Send + 'a>,
    pub(crate) consistent: bool,
    pub(crate) concurrency: usize,
    pub(crate) customize: Option<Customize<'a, BatchGetItemFluentBuilder>>,
}

/// A request in progress. It returns the [`Retry`] for the next request with its output.
type BatchRequest<'a> = PausableRequest<'a, (Retry, Result<BatchGetItemOutput, DynamoDbError>)>;

/// A record, with the position of its key and the key.
type Answer<T, K> = (usize, K, Result<Option<T>, Error>);

impl<'a, T, P, K> BatchGetStream<'a, T, P, K>
where
    T: Envelope + 'a,
    P: UnwrapKey + ?Sized,
    K: IntoKey<T::Key> + Clone,
{
    pub(crate) fn new(call: BatchGetCall<'a, T, P, K>) -> Self {
        Self {
            retry: Retry::new(&call.table.client),
            call,
            taken: 0,
            unanswered: HashMap::new(),
            requested: RequestedKeys::default(),
            answers: VecDeque::new(),
            openings: Openings::new(),
            request: None,
            was_unprocessed: false,
        }
    }

    /// Returns the next record with its key, in no particular order; `None` at the end.
    ///
    /// A key that is in the input several times is answered as many times.
    ///
    /// Dropping the future loses no record. Openings in progress are cancelled, and the next call
    /// starts them again. Those that were started again stay in progress.
    ///
    /// # Errors
    ///
    /// Each record has its own result, with the errors of [`Get::send`](crate::read::Get::send) and
    /// [`ServiceError::Unprocessed`]. If a request fails, each of its keys has this error, and the
    /// next call continues with the keys after them. To stop there, check whether
    /// [`Error::fault`] is [`Fault::Operator`](crate::Fault::Operator): the error is then not about
    /// the record.
    pub async fn next(&mut self) -> Option<(K, Result<Option<T>, Error>)> {
        self.advance().await.map(|(_, key, record)| (key, record))
    }

    /// The next record, with the position of its key.
    async fn advance(&mut self) -> Option<Answer<T, K>> {
        let next = Next(self);
        poll_fn(|context| next.0.poll(context)).await
    }

    /// All remaining records, in the order of their keys.
    pub(crate) async fn into_records(mut self) -> Result<Vec<Option<T>>, Error> {
        let mut records = Vec::new();
        while let Some((position, _, record)) = self.advance().await {
            records.push((position, record?));
        }
        records.sort_unstable_by_key(|(position, _)| *position);
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Answer<T, K>>> {
        loop {
            let table = self.call.table;
            let open = |mut item: LentItem| {
                async move { read_item(&mut item, &*table.provider, &table.plaintext).await }
                    .boxed()
            };
            ready!(self.openings.poll(context, open));
            if let Some((position, record)) = self.take_answer() {
                let key = self.unanswered.remove(&position);
                return Poll::Ready(key.map(|key| (position, key, record)));
            }
            if self.start_window() {
                continue;
            }
            if let Some(request) = &mut self.request {
                let (retry, output) = ready!(request.poll(context));
                let may_be_late = request.may_be_late();
                (self.request, self.retry) = (None, retry);
                match output {
                    Ok(output) => self.sort(output),
                    Err(_) if may_be_late => self.send(PausableRequest::second),
                    Err(error) => {
                        self.fail_all(|| ErrorKind::DynamoDb(ServiceError::Request(error.clone())))
                    }
                }
            } else if self.take_keys() {
                self.send(PausableRequest::new);
            } else {
                return Poll::Ready(None);
            }
        }
    }

    fn take_answer(&mut self) -> Option<(usize, Result<Option<T>, Error>)> {
        let opened = self.openings.take().map(|(position, record)| (position, record.map(Some)));
        opened.or_else(|| self.answers.pop_front())
    }

    /// Starts to open as many records as may be opened at a time. Returns whether there were any.
    fn start_window(&mut self) -> bool {
        let limit = self.call.concurrency.max(1);
        (0..limit).take_while(|_| self.openings.start_next()).count() > 0
    }

    /// Takes as many keys as a request may name. Returns whether there is anything to do.
    fn take_keys(&mut self) -> bool {
        // A key that the input names several times counts as often here: this bounds the memory.
        while self.unanswered.len() < MAX_KEYS
            && let Some(key) = self.call.keys.next()
        {
            let position = self.taken;
            self.taken += 1;
            self.unanswered.insert(position, key.clone());
            if let Err(error) = self.requested.add(self.call.table, key.into_key(), position) {
                self.answers.push_back((position, Err(error)));
            }
        }
        !(self.requested.is_empty() && self.answers.is_empty())
    }

    /// Requests the keys that have no answer yet.
    fn send(&mut self, pausable: fn(BatchOutput<'a>) -> BatchRequest<'a>) {
        if self.requested.is_empty() {
            return;
        }
        match self.build() {
            Ok(builder) => self.request = Some(pausable(self.output(builder))),
            Err(refused) => self.fail_all(|| refused.into()),
        }
    }

    fn output(&mut self, builder: BatchGetItemFluentBuilder) -> BatchOutput<'a> {
        let table = self.call.table;
        let mut retry = std::mem::replace(&mut self.retry, Retry::new(&table.client));
        let was_unprocessed = self.was_unprocessed;
        Box::pin(async move {
            if was_unprocessed {
                retry.pause().await;
            }
            let outcome = AttemptOutcome::default();
            let output = builder.customize().interceptor(outcome.clone()).send().await;
            retry.adopt(outcome.sleep());
            (retry, output.map_err(|error| DynamoDbError::new("BatchGetItem", &table.name, error)))
        })
    }

    fn build(&self) -> Result<BatchGetItemFluentBuilder, RefusedSetting> {
        let builder = self.call.table.client.batch_get_item();
        let builder = match &self.call.customize {
            Some(customize) => customize(builder).checked()?,
            None => builder,
        };
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(self.requested.keys()))
            .consistent_read(self.call.consistent)
            .build();
        let items = keys.ok().map(|keys| HashMap::from([(self.call.table.name.to_string(), keys)]));
        Ok(builder.set_request_items(items))
    }

    fn sort(&mut self, output: BatchGetItemOutput) {
        let before = self.requested.len();
        let answered = self.requested.take_answered::<T>(output);
        for (position, item) in answered.items {
            self.openings.push(position, item);
        }
        self.answers.extend(answered.missing.into_iter().map(|position| (position, Ok(None))));
        self.was_unprocessed = !self.requested.is_empty();
        if self.requested.len() < before {
            self.retry.progressed();
        } else if self.retry.failed() == TRIES {
            self.fail_all(|| ErrorKind::DynamoDb(ServiceError::Unprocessed { tries: TRIES }));
        }
    }

    /// Answers all requested keys with an error.
    fn fail_all(&mut self, kind: impl Fn() -> ErrorKind) {
        let errors = self.requested.fail_all(kind);
        self.answers.extend(errors.map(|(position, error)| (position, Err(error))));
        self.was_unprocessed = false;
        self.retry.progressed();
    }
}

/// The output of a request, and the [`Retry`] for the next one.
type BatchOutput<'a> = BoxFuture<'a, (Retry, Result<BatchGetItemOutput, DynamoDbError>)>;

/// A call of `next`. When it ends or is dropped, it cancels what would stay in progress without
/// anybody to poll it.
struct Next<'s, 'a, T, P: ?Sized, K>(&'s mut BatchGetStream<'a, T, P, K>);

impl<T, P: ?Sized, K> Drop for Next<'_, '_, T, P, K> {
    fn drop(&mut self) {
        self.0.openings.cancel();
        if let Some(request) = &mut self.0.request {
            request.pause();
        }
    }
}

/// No field is pinned in place.
impl<T, P: ?Sized, K> Unpin for BatchGetStream<'_, T, P, K> {}

impl<'a, T, P, K> Stream for BatchGetStream<'a, T, P, K>
where
    T: Envelope + 'a,
    P: UnwrapKey + ?Sized,
    K: IntoKey<T::Key> + Clone,
{
    type Item = (K, Result<Option<T>, Error>);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context).map(|answer| answer.map(|(_, key, record)| (key, record)))
    }
}
