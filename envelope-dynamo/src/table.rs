//! Typed calls on one table: what is stored is sealed before the request is built.

pub(crate) mod batch;
pub(crate) mod bounded;
pub(crate) mod create;
pub(crate) mod customized;
pub(crate) mod openings;
pub(crate) mod read;
pub(crate) mod transaction;
pub(crate) mod write;

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use envelope_core::{Clock, KeyProvider, SystemClock, UnwrapKey, WrapKey};

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::dynamodb::{DynamoDbError, is_retryable, no_answer};
use crate::error::record_id::RecordId;
use crate::error::write_outcome::WriteOutcome;
use crate::item::context::keyed_context;
use crate::item::entity::{Entity, EntityOf};
use crate::item::split::key_item;
use crate::record::Envelope;
use crate::record::index::Index;
use crate::record::item_key::record_id;
use crate::record::key::{IntoKey, IntoValue, RecordKey};
use crate::record::kind::Kind;
use crate::record::view::View;
pub use crate::table::batch::{
    BatchDelete, BatchError, BatchFailure, BatchGet, BatchGetStream, BatchPut,
};
pub use crate::table::create::CreateTable;
use crate::table::read::KeyOf;
pub use crate::table::read::get::Get;
pub use crate::table::read::get_view::GetView;
pub use crate::table::read::indexed::Indexed;
pub use crate::table::read::query::Query;
pub use crate::table::read::records::Records;
pub use crate::table::read::scan::Scan;
pub use crate::table::transaction::{
    Gets, PreparedTransaction, TransactGet, Transaction, TransactionError, TransactionErrorKind,
    TransactionReason, transact_get, transact_write,
};
pub use crate::table::write::check::Check;
pub use crate::table::write::delete::Delete;
pub use crate::table::write::modify::{Modify, TryModify};
pub use crate::table::write::put::{Put, Puttable};
pub use crate::table::write::return_values::{ReturningNew, ReturningOld};
pub use crate::table::write::rewrap::{Rewrap, RewrapTo, Rewrapped};
pub use crate::table::write::update::Update;

/// A DynamoDB table of records of type `T`.
///
/// `P` says what this handle may do: `dyn KeyProvider` (the default) writes and reads, `dyn
/// WrapKey` writes alone: a handle without the capability has no method that could read.
///
/// ```no_run
/// # async fn example(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
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
/// let users = Table::<User>::new(dynamodb, KmsKeyProvider::new(kms, "alias/users"));
/// users.put(&User { user_id: "u_1".into(), email: "zoe@example.com".into() }).send().await?;
/// let user: Option<User> = users.get("u_1").send().await?;
/// # Ok(())
/// # }
/// ```
pub struct Table<T, P: ?Sized = dyn KeyProvider> {
    client: Client,
    name: Arc<str>,
    provider: Arc<P>,
    clock: Arc<dyn Clock>,
    /// The kinds of record that the table holds, as far as this handle knows: those of the enum
    /// that it was made for.
    kinds: &'static [Kind],
    record: PhantomData<fn() -> T>,
}

impl<T: Entity> Table<T> {
    /// The table that is physically named as the struct says, for writing and reading.
    pub fn new(client: Client, provider: impl KeyProvider + 'static) -> Self {
        Self::with_capability(client, Arc::new(provider))
    }
}

impl<T: Entity> Table<T, dyn WrapKey> {
    /// The table for writing alone: for a service that must not be able to read what it stores.
    ///
    /// ```compile_fail,E0599
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client) {
    /// # use envelope_dynamo::{Envelope, KmsKeyWrapper, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let users = Table::<User, _>::write_only(dynamodb, KmsKeyWrapper::new(kms, "alias/users"));
    /// users.get("u_1"); // no method named `get`
    /// # }
    /// ```
    pub fn write_only(client: Client, provider: impl WrapKey + 'static) -> Self {
        Self::with_capability(client, Arc::new(provider))
    }
}

impl<T: Entity> Table<T, dyn UnwrapKey> {
    /// The table for reading alone.
    pub fn read_only(client: Client, provider: impl UnwrapKey + 'static) -> Self {
        Self::with_capability(client, Arc::new(provider))
    }
}

impl<T: Entity, P: ?Sized> Table<T, P> {
    fn with_capability(client: Client, provider: Arc<P>) -> Self {
        Self {
            client,
            name: T::First::TABLE.into(),
            provider,
            clock: Arc::new(SystemClock),
            kinds: T::KINDS,
            record: PhantomData,
        }
    }

    /// Names the physical table, where it is not the logical one: per environment, or after a
    /// restore under another name.
    ///
    /// A name or an ARN. Records stay bound to the logical name, so what was sealed in one physical
    /// table opens in another that holds a copy of it.
    #[must_use]
    pub fn named(mut self, physical: impl Into<Arc<str>>) -> Self {
        self.name = physical.into();
        self
    }

    /// The same table as one of records of one type, for a table of an enum.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "shop")]
    /// # #[partition_key(name = "pk", format = "USER#{user_id}")]
    /// # struct User { #[key] user_id: String, #[encrypted] email: String }
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "shop")]
    /// # #[partition_key(name = "pk", format = "ORDER#{order_id}")]
    /// # struct Order { #[key] order_id: String, #[encrypted] card: String }
    /// #[derive(Envelope)]
    /// enum Shop {
    ///     User(User),
    ///     Order(Order),
    /// }
    ///
    /// let shop = Table::<Shop>::new(dynamodb, provider);
    /// let order: Option<Order> = shop.of::<Order>().get("o_1").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn of<R: EntityOf<T>>(&self) -> Table<R, P> {
        Table {
            client: self.client.clone(),
            name: Arc::clone(&self.name),
            provider: Arc::clone(&self.provider),
            clock: Arc::clone(&self.clock),
            kinds: self.kinds,
            record: PhantomData,
        }
    }

    /// The clock by which records are stamped (`#[created]`, `#[updated]`) and expire (`#[ttl]`);
    /// the system's unless set.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The physical table name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SDK's client, for what this library does not cover.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }
}

impl<T: Envelope, P: ?Sized> Table<T, P> {
    /// Deletes a record by its key; needs no data key.
    pub fn delete(&self, key: impl IntoKey<T::Key>) -> Delete<'_, T, P> {
        Delete::new(self, key.into_key())
    }

    /// Demands something of a record, for a transaction that does not write it; see
    /// [`transact_write`](crate::transact_write()).
    pub fn check(&self, key: impl IntoKey<T::Key>) -> Check<'_, T, P> {
        Check::new(self, key.into_key())
    }

    /// Deletes any number of records by their keys, twenty-five in a request; needs no data key.
    ///
    /// Keys are taken from the iterator as they are needed. Unprocessed ones are dealt with as by
    /// [`batch_put`](Self::batch_put).
    pub fn batch_delete<I>(&self, keys: I) -> BatchDelete<'_, T, P, I::IntoIter>
    where
        I: IntoIterator<Item: IntoKey<T::Key>>,
    {
        BatchDelete::new(self, keys.into_iter())
    }

    /// Reads some of the readable attributes of the record under a key; needs no data key.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{Envelope, LocalKeyProvider, Table, View};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] logins: u64 }
    /// #[derive(View)]
    /// #[view(of = User)]
    /// struct Usage {
    ///     logins: u64,
    /// }
    ///
    /// # async fn example(users: Table<User>) -> Result<(), envelope_dynamo::Error> {
    /// let usage: Option<Usage> = users.view::<Usage>("u_1").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Nothing is verified; see [`View`].
    pub fn view<V: View<Record = T>>(&self, key: impl IntoKey<T::Key>) -> GetView<'_, V, P> {
        GetView::new(self, key.into_key())
    }

    /// Moves the data key of a record, and those of its groups, to another key; what they seal
    /// stays as it is.
    ///
    /// The record is read, its data keys are wrapped again, and written on condition that each
    /// payload and each wrapped key is still the one that was read. If another writer was
    /// faster, all of that is done again.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// # use envelope_dynamo::{Envelope, KmsKeyProvider, KmsKeyWrapper, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let (old, new) = (KmsKeyProvider::new(kms.clone(), "alias/2025"), KmsKeyWrapper::new(kms.clone(), "alias/2026"));
    /// let users = Table::<User>::new(dynamodb, KmsKeyProvider::new(kms, "alias/2026").also_decrypts("alias/2025"));
    /// let moved = users.rewrap("u_1").re_encrypt(&old, &new).send().await?;
    /// assert!(moved.is_some(), "there is such a user");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Copies of the old wrapped keys (backups, streams) still open with the old key. In a global
    /// table the condition looks at one replica: run this in the region that writes.
    pub fn rewrap(&self, key: impl IntoKey<T::Key>) -> Rewrap<'_, T, P> {
        Rewrap::new(self, key.into_key())
    }

    /// Changes `#[plaintext]` attributes of a record where they stand, without touching what is
    /// sealed; needs no data key.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] logins: u64, #[plaintext] note: Option<String> }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// users.update("u_1").add(|u| u.logins, 1).set(|u| u.note, "trial").condition(|u| u.logins.lt(100)).send().await
    /// # }
    /// ```
    pub fn update(&self, key: impl IntoKey<T::Key>) -> Update<'_, T, P> {
        Update::new(self, key.into_key())
    }

    /// The key attributes of a primary key under which stand records of `T`, and of no other kind
    /// that the table holds.
    fn key_item(&self, key: T::Key) -> Result<(Item, RecordId), Error> {
        let item =
            key_item::<T>(key).map_err(|kind| Error::new(RecordId::of_table(T::TABLE), kind))?;
        let id = record_id::<T>(&item);
        let checked =
            keyed_context::<T>(&item).and_then(|_| Kind::of::<T>().assert_owns(self.kinds, &item));
        match checked {
            Ok(()) => Ok((item, id)),
            Err(kind) => Err(Error::new(id, kind)),
        }
    }
}

impl<T: Entity, P: WrapKey + ?Sized> Table<T, P> {
    /// Stores a record, replacing what stands under its key.
    pub const fn put<'a>(&'a self, record: &'a T) -> Put<'a, T, P> {
        Put::new(self, record)
    }

    /// Stores any number of records, twenty-five in a request, replacing what stands under their
    /// keys.
    ///
    /// Records are taken from the iterator, sealed and sent as the requests before them are done,
    /// so that a million of them need the memory of twenty-five. Each is sealed once: what
    /// DynamoDB leaves unprocessed is sent again after a pause as it was sealed, until DynamoDB
    /// has done nothing for ten requests in a row.
    ///
    /// The records are stored in their order as far as it can be told: of several with one key, the
    /// last one stays. A record that cannot be sealed or is too large fails alone. Unlike a
    /// [`put`](Self::put), DynamoDB takes no conditions here, and a batch is no transaction:
    /// some of it may be stored while the rest fails.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let records = (0..1_000_000).map(|n| User { user_id: format!("u_{n}"), email: format!("{n}@example.com") });
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
        I: IntoIterator<Item: Borrow<T>>,
    {
        BatchPut::new(self, records.into_iter())
    }
}

impl<T: Envelope, P: WrapKey + ?Sized> Table<T, P> {
    /// Stores a record, as [`put`](Self::put) does; afterwards `record` has the version and the
    /// stamps that were stored.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// #[derive(Envelope)]
    /// #[envelope(table = "users")]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     email: String,
    ///     #[authenticated]
    ///     #[version]
    ///     version: u64,
    /// }
    ///
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let mut user = User { user_id: "u_1".into(), email: "zoe@example.com".into(), version: 0 };
    /// users.put_mut(&mut user).send().await?; // fails if there is such a user
    /// user.email = "zoe@example.org".into();
    /// users.put_mut(&mut user).send().await?; // fails if somebody else has changed it
    /// assert_eq!(user.version, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn put_mut<'a>(&'a self, record: &'a mut T) -> Put<'a, T, P, &'a mut T> {
        Put::new(self, record)
    }
}

impl<T: Envelope, P: UnwrapKey + ?Sized> Table<T, P> {
    /// Reads the record under a key: the partition key, or the pair `(partition, sort)`.
    pub fn get(&self, key: impl IntoKey<T::Key>) -> Get<'_, T, P> {
        Get::new(self, key.into_key())
    }

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

impl<T: Entity + 'static, P: UnwrapKey + ?Sized + 'static> Table<T, P> {
    /// Reads the records under one partition key, in the order of the sort key.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "visits")]
    /// # struct Visit { #[partition_key] patient: String, #[sort_key] day: String, #[encrypted] notes: String, #[plaintext] minutes: u32 }
    /// let visits = Table::<Visit>::new(dynamodb, provider);
    /// let mut long = visits
    ///     .query("p_1")
    ///     .sort(|day| day.between("2026-01-01", "2026-03-31"))
    ///     .filter(|visit| visit.minutes.gt(30))
    ///     .descending()
    ///     .limit(10)
    ///     .stream()?;
    /// while let Some(visit) = long.next().await {
    ///     println!("{}", visit?.notes);
    /// }
    /// let next = long.resume_token(); // for `.resume(next)`, here or in another process
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// The keys that a query names reach DynamoDB as they stand in the table, in clear. Nothing
    /// that is encrypted can be named.
    pub fn query(
        &self,
        partition: impl IntoValue<<KeyOf<T> as RecordKey>::Partition>,
    ) -> Query<'_, T, P> {
        let key = T::First::primary_key();
        Query::new(self, key, key.partition.operand(partition))
    }

    /// Reads all records.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let mut records = users.scan().segments(4).stream()?;
    /// while let Some(user) = records.next().await {
    ///     println!("{}", user?.user_id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn scan(&self) -> Scan<'_, T, P> {
        Scan::new(self, T::First::primary_key())
    }

    /// Reads by one of the indexes that the struct names: `#[envelope(index(..))]`.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// #[derive(Envelope)]
    /// #[envelope(table = "users", index(name = "by-plan", partition_key = plan, sort_key = created))]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     email: String,
    ///     #[authenticated]
    ///     plan: String,
    ///     #[plaintext]
    ///     created: u64,
    /// }
    ///
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let by_plan = users.index(|indexes| indexes.by_plan);
    /// let new: Vec<User> = by_plan.query("pro").sort(|created| created.gt(1_800_000_000_u64)).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The index must have everything that a record needs to be opened: the projection ALL does. Of
    /// another, DynamoDB is asked first for everything, which it refuses at no cost, and then
    /// for the attributes that the struct names; what is not there is said by
    /// [`ErrorKind::NotProjected`]. [`fetch_base`](Query::fetch_base) reads whole records through
    /// any.
    pub fn index<K: RecordKey, I>(
        &self,
        choose: impl FnOnce(&<T::First as Envelope>::Indexes) -> Index<T::First, K, I>,
    ) -> Indexed<'_, T, P, K, I> {
        Indexed::new(self, choose(&T::First::indexes()))
    }
}

impl<T, P: ?Sized> Clone for Table<T, P> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            name: Arc::clone(&self.name),
            provider: Arc::clone(&self.provider),
            clock: Arc::clone(&self.clock),
            kinds: self.kinds,
            record: PhantomData,
        }
    }
}

impl<T: Entity, P: ?Sized> fmt::Debug for Table<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name)
            .field("logical", &T::First::TABLE)
            .finish_non_exhaustive()
    }
}

/// A call under way.
type Sending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl DynamoDbError {
    pub(crate) fn new<E>(operation: &'static str, table: &str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static,
    {
        let no_answer = no_answer(&error);
        Self {
            operation,
            table: table.into(),
            retryable: is_retryable(&error),
            no_answer,
            outcome: WriteOutcome::NotWritten,
            message: error.message().or_else(|| no_answer?.describe()).map(Into::into),
            request_id: error.request_id().map(Into::into),
            code: error.code().map(Into::into),
            source: match error {
                // The raw answer may hold items, and is printed by `Debug`.
                SdkError::ResponseError(_) => None,
                SdkError::ServiceError(service) => Some(Arc::new(service.into_err())),
                other => Some(Arc::new(other)),
            },
        }
    }
}
