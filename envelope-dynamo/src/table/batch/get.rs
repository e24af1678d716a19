//! Reading many records by their keys: a hundred in a request, what DynamoDB leaves aside again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemFluentBuilder;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use envelope_core::UnwrapKey;
use futures_core::Stream;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::retry::Retry;
use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::dynamodb::DynamoDbError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::service::ServiceError;
use crate::item::from_item;
use crate::record::Envelope;
use crate::record::key::IntoKey;
use crate::record::key_identity::KeyIdentity;
use crate::table::Table;
use crate::table::batch::{Customize, Sending, TRIES};
use crate::table::bounded::CONCURRENCY;
use crate::table::customized::{Customized as _, RefusedSetting};
use crate::table::openings::Openings;

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

/// Keys that one request may name (Amazon DynamoDB API Reference, "BatchGetItem").
const MAX_KEYS: usize = 100;

/// A read of many records being built; see [`Table::batch_get`].
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
    /// [`ServiceError::Unprocessed`](crate::error::ServiceError::Unprocessed). Where the other records are wanted all the same, use
    /// [`stream`](Self::stream).
    // Boxed, so that the caller's future does not mention `I`: the compiler does not find a future
    // `Send` that holds the type of a closure over borrowed arguments. So it is with the
    // stream.
    #[must_use = "nothing is read until the future is awaited"]
    pub fn send(self) -> Sending<'a, Result<Vec<Option<T>>, Error>>
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
        BatchGetStream {
            retry: Retry::new(&table.client),
            asking: None,
            was_left: false,
            is_second: false,
            call: BatchGet { table, keys: Box::new(keys), consistent, concurrency, customize },
            taken: 0,
            unanswered: HashMap::new(),
            asked: HashMap::new(),
            answers: VecDeque::new(),
            found: Openings::new(),
            left_aside: false,
            fruitless: 0,
        }
    }
}

/// Records as they are read and opened; see [`BatchGet::stream`].
///
/// While the caller works on a record, nothing is under way, as with
/// [`Records`](crate::read::Records#between-two-records).
///
/// It is a [`Stream`] as well, for the combinators of the `futures` crate: after `Poll::Pending`,
/// poll it until it is ready, or drop it.
#[must_use = "nothing is read until the next record is asked for"]
pub struct BatchGetStream<'a, T, P: ?Sized, K> {
    call: BatchGet<'a, T, P, Box<dyn Iterator<Item = K> + Send + 'a>>,
    /// Keys taken so far: the position of the next one.
    taken: usize,
    /// The keys that have no answer yet, by position.
    unanswered: HashMap<usize, K>,
    /// What DynamoDB has still to answer: at most as much as one request names, and no key twice.
    asked: HashMap<KeyIdentity, Asked>,
    /// What needs no opening: records that are not there, and errors.
    answers: VecDeque<(usize, Result<Option<T>, Error>)>,
    /// The items still to be opened, with the positions of the keys.
    found: Openings<'a, usize, T>,
    /// The request that is under way.
    asking: Option<Asking<'a>>,
    /// Whether nobody polled the request for a while.
    was_left: bool,
    /// Whether the request is sent for the second time, for that reason.
    is_second: bool,
    retry: Retry,
    /// Whether DynamoDB left something of the last request aside.
    left_aside: bool,
    /// Requests in a row that DynamoDB did nothing about.
    fruitless: u32,
}

/// A request, and how long to wait before the next one.
type Asking<'a> =
    Pin<Box<dyn Future<Output = (Retry, Result<BatchGetItemOutput, DynamoDbError>)> + Send + 'a>>;

/// A record, with the position of its key and the key.
type Answer<T, K> = (usize, K, Result<Option<T>, Error>);

struct Asked {
    key: Item,
    id: RecordId,
    /// Where the key stands in the input, which may name it several times.
    positions: Vec<usize>,
}

impl<'a, T, P, K> BatchGetStream<'a, T, P, K>
where
    T: Envelope + 'a,
    P: UnwrapKey + ?Sized,
    K: IntoKey<T::Key> + Clone,
{
    /// The next record with its key, in whatever order they come; `None` at the end.
    ///
    /// A key that is in the input several times is answered as often. Dropping the future loses
    /// nothing: openings that are under way are given up, and begun again by the next call;
    /// what was begun again stays under way.
    ///
    /// # Errors
    ///
    /// Each record's are its own: as of [`Get::send`](crate::read::Get::send), and
    /// [`ServiceError::Unprocessed`](crate::error::ServiceError::Unprocessed). Where a request fails, each of its keys has that error, and
    /// the next call goes on with the keys after them: a caller to whom
    /// [`Fault::Operator`](crate::Fault::Operator) says that it is not the record's will break off.
    pub async fn next(&mut self) -> Option<(K, Result<Option<T>, Error>)> {
        self.advance().await.map(|(_, key, record)| (key, record))
    }

    /// The next record, with the position of its key.
    async fn advance(&mut self) -> Option<Answer<T, K>> {
        let next = Next(self);
        poll_fn(|context| next.0.poll(context)).await
    }

    /// All that are left, in the order of their keys.
    async fn into_records(mut self) -> Result<Vec<Option<T>>, Error> {
        let mut records = Vec::new();
        while let Some((position, _, record)) = self.advance().await {
            records.push((position, record?));
        }
        records.sort_unstable_by_key(|(position, _)| *position);
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Answer<T, K>>> {
        loop {
            let provider = &*self.call.table.provider;
            ready!(self.found.poll(context, |item| Box::pin(from_item(item, provider))));
            let opened = self.found.take().map(|(position, record)| (position, record.map(Some)));
            if let Some((position, record)) = opened.or_else(|| self.answers.pop_front()) {
                return Poll::Ready(
                    self.unanswered.remove(&position).map(|key| (position, key, record)),
                );
            }
            if self.begin_window() {
                continue;
            }
            if let Some(asking) = &mut self.asking {
                let (retry, output) = ready!(asking.as_mut().poll(context));
                (self.asking, self.retry) = (None, retry);
                let may_be_late = std::mem::take(&mut self.was_left) && !self.is_second;
                self.is_second = output.is_err() && may_be_late;
                match output {
                    Ok(output) => self.sort(output),
                    // Its time may have run out while nobody polled it. Once: a caller that goes
                    // away each time is to learn of the failure.
                    Err(_) if may_be_late => self.ask(),
                    Err(error) => {
                        self.give_up(|| ErrorKind::DynamoDb(ServiceError::Request(error.clone())))
                    }
                }
            } else if self.take_keys() {
                self.ask();
            } else {
                return Poll::Ready(None);
            }
        }
    }

    /// Begins to open as many records as may be opened at a time; whether there are any.
    fn begin_window(&mut self) -> bool {
        (0..self.call.concurrency.max(1)).take_while(|_| self.found.begin()).count() > 0
    }

    /// Takes as many keys as a request may name; whether there is anything to do.
    fn take_keys(&mut self) -> bool {
        // Keys that stand in the input several times count as often here, so that what is held
        // stays bounded.
        while self.unanswered.len() < MAX_KEYS
            && let Some(key) = self.call.keys.next()
        {
            let position = self.taken;
            self.taken += 1;
            self.unanswered.insert(position, key.clone());
            match asked(self.call.table, key.into_key()) {
                Ok((identity, asked)) => {
                    self.asked.entry(identity).or_insert(asked).positions.push(position)
                }
                Err(error) => self.answers.push_back((position, Err(error))),
            }
        }
        !(self.asked.is_empty() && self.answers.is_empty())
    }

    /// Asks for everything that has no answer yet.
    fn ask(&mut self) {
        if self.asked.is_empty() {
            return;
        }
        match self.request() {
            Ok(request) => self.asking = Some(self.asking(request)),
            Err(refused) => self.give_up(|| refused.into()),
        }
    }

    fn asking(&mut self, request: BatchGetItemFluentBuilder) -> Asking<'a> {
        let table = self.call.table;
        let mut retry = std::mem::replace(&mut self.retry, Retry::new(&table.client));
        let left_aside = self.left_aside;
        Box::pin(async move {
            if left_aside {
                retry.pause().await;
            }
            let outcome = AttemptOutcome::default();
            let output = request.customize().interceptor(outcome.clone()).send().await;
            retry.adopt(outcome.sleep());
            (retry, output.map_err(|error| DynamoDbError::new("BatchGetItem", &table.name, error)))
        })
    }

    fn request(&self) -> Result<BatchGetItemFluentBuilder, RefusedSetting> {
        let request = self.call.table.client.batch_get_item();
        let request = match &self.call.customize {
            Some(customize) => customize(request).checked()?,
            None => request,
        };
        let keys = self.asked.values().map(|asked| asked.key.clone()).collect();
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(self.call.consistent)
            .build();
        let items = keys.ok().map(|keys| HashMap::from([(self.call.table.name.to_string(), keys)]));
        Ok(request.set_request_items(items))
    }

    fn sort(&mut self, output: BatchGetItemOutput) {
        let before = self.asked.len();
        for item in output.responses.into_iter().flatten().flat_map(|(_, items)| items) {
            let Some(asked) =
                KeyIdentity::of::<T>(&item).ok().and_then(|identity| self.asked.remove(&identity))
            else {
                continue;
            };
            for position in asked.positions {
                self.found.push(position, item.clone());
            }
        }
        let unprocessed =
            output.unprocessed_keys.into_iter().flatten().flat_map(|(_, keys)| keys.keys);
        let unprocessed: HashSet<_> =
            unprocessed.filter_map(|key| KeyIdentity::of::<T>(&key).ok()).collect();
        for (_, missing) in self.asked.extract_if(|identity, _| !unprocessed.contains(identity)) {
            self.answers.extend(missing.positions.into_iter().map(|position| (position, Ok(None))));
        }
        self.left_aside = !self.asked.is_empty();
        if self.asked.len() < before {
            self.fruitless = 0;
            self.retry.progressed();
            return;
        }
        self.fruitless += 1;
        if self.fruitless == TRIES {
            self.give_up(|| ErrorKind::DynamoDb(ServiceError::Unprocessed { tries: TRIES }));
        }
    }

    /// Answers everything that was asked with an error.
    fn give_up(&mut self, kind: impl Fn() -> ErrorKind) {
        for (_, Asked { id, positions, .. }) in self.asked.drain() {
            let errors = positions
                .into_iter()
                .map(|position| (position, Err(Error::new(id.clone(), kind()))));
            self.answers.extend(errors);
        }
        self.left_aside = false;
        self.fruitless = 0;
        self.retry.progressed();
    }
}

/// A call of `next`: when it ends, or is dropped, nothing stays under way that nobody polls.
struct Next<'s, 'a, T, P: ?Sized, K>(&'s mut BatchGetStream<'a, T, P, K>);

impl<T, P: ?Sized, K> Drop for Next<'_, '_, T, P, K> {
    fn drop(&mut self) {
        self.0.found.give_up();
        self.0.was_left |= self.0.asking.is_some();
    }
}

/// Nothing in it is pinned in place.
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

fn asked<T: Envelope, P: ?Sized>(
    table: &Table<T, P>,
    key: T::Key,
) -> Result<(KeyIdentity, Asked), Error> {
    let (key, id) = table.key_item(key)?;
    let identity = KeyIdentity::of::<T>(&key).map_err(|kind| Error::new(id.clone(), kind))?;
    Ok((identity, Asked { key, id, positions: Vec::new() }))
}
