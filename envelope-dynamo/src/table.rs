//! A table and the calls on it: each record is sealed before its request is built.

pub mod batch;
pub(crate) mod bounded;
pub(crate) mod claims;
pub(crate) mod create;
pub(crate) mod customized;
pub(crate) mod openings;
pub(crate) mod own_type;
pub(crate) mod pausable;
pub(crate) mod plaintext;
pub mod read;
pub(crate) mod request;
pub(crate) mod search_keys;
pub mod transaction;
pub mod write;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use envelope_core::{Clock, KeyProvider, SystemClock, UnwrapKey, WrapKey};

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::record_id::RecordId;
use crate::item::context::keyed_context;
use crate::item::entity::{Entity, EntityOf};
use crate::item::plaintext::PlaintextPolicy;
use crate::item::split::key_item;
use crate::record::Envelope;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;
use crate::table::search_keys::TagSource;

/// A DynamoDB table of records of type `T`.
///
/// The type `P` is the capability of this handle: `dyn KeyProvider` (the default) reads and writes,
/// `dyn WrapKey` only writes, `dyn UnwrapKey` only reads. A handle without a capability does not
/// have the methods that need it.
///
/// ```no_run
/// # async fn example(
/// #     dynamodb: aws_sdk_dynamodb::Client,
/// #     kms: aws_sdk_kms::Client,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
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
///
/// | to | use |
/// |---|---|
/// | make a handle | [`new`](Self::new), [`write_only`](Self::write_only), [`read_only`](Self::read_only), [`named`](Self::named) |
/// | name one type of an enum's table, for all calls with a key | [`of`](Self::of) |
/// | write one record | [`put`](Self::put), [`put_mut`](Self::put_mut), [`update`](Self::update), [`Update::modify`](crate::write::Update::modify), [`delete`](Self::delete) |
/// | read one record | [`get`](Self::get), [`view`](Self::view) |
/// | read many | [`query`](Self::query), [`scan`](Self::scan), [`index`](Self::index) |
/// | write or read a list of records | [`batch_put`](Self::batch_put), [`batch_get`](Self::batch_get), [`batch_delete`](Self::batch_delete) |
/// | write several records or none | [`transact_write()`](crate::transact_write()), with [`check`](Self::check) |
/// | open the record that a failed call returned | [`open_returned`](Self::open_returned) |
/// | move data keys to another key | [`rewrap`](Self::rewrap) |
/// | write and query `#[searchable]` fields | [`with_search_keys`](Self::with_search_keys) |
/// | write them without the right to search | [`without_search_tags`](Self::without_search_tags) |
/// | keep values unique, and get the record that has one | [`with_claims`](Self::with_claims), [`unique`](Self::unique) |
/// | take in a table that was stored in plaintext | [`plaintext_items`](Self::plaintext_items) |
/// | create the table for a test | [`create_table`](Self::create_table) |
pub struct Table<T, P: ?Sized = dyn KeyProvider> {
    client: Client,
    name: Arc<str>,
    pub(crate) provider: Arc<P>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The kinds of record in the table, as far as this handle knows: those of its enum.
    pub(crate) kinds: &'static [Kind],
    /// What becomes of items that are not sealed.
    plaintext: PlaintextPolicy,
    /// Where search tags come from.
    pub(crate) tag_source: TagSource,
    /// The physical table of the claims of unique values.
    pub(crate) claims: Option<Arc<str>>,
    record: PhantomData<fn() -> T>,
}

impl<T> Table<T> {
    /// A handle that reads and writes. The physical name is the name in the struct, unless
    /// [`named`](Self::named).
    pub fn new(client: Client, provider: impl KeyProvider + 'static) -> Self
    where
        T: Entity,
    {
        Self::with_capability(client, Arc::new(provider))
    }
}

impl<T> Table<T, dyn WrapKey> {
    /// A handle that only writes: for a service that must not be able to read the records that it
    /// stores.
    ///
    /// ```compile_fail,E0599
    /// # use envelope_dynamo::{Envelope, KmsKeyWrapper, Table};
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client) {
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let users = Table::<User, _>::write_only(dynamodb, KmsKeyWrapper::new(kms, "alias/users"));
    /// users.get("u_1"); // no method named `get`
    /// # }
    /// ```
    pub fn write_only(client: Client, provider: impl WrapKey + 'static) -> Self
    where
        T: Entity,
    {
        Self::with_capability(client, Arc::new(provider))
    }
}

impl<T> Table<T, dyn UnwrapKey> {
    /// A handle that only reads.
    pub fn read_only(client: Client, provider: impl UnwrapKey + 'static) -> Self
    where
        T: Entity,
    {
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
            plaintext: PlaintextPolicy::default(),
            tag_source: TagSource::default(),
            claims: None,
            record: PhantomData,
        }
    }

    /// Sets the name or the ARN of the physical table, if it is not the name in the struct: because
    /// there is one table per environment, or after a restore under another name.
    ///
    /// Records stay bound to the name in the struct. A record that was sealed in one physical table
    /// opens in every other one that holds a copy of it.
    #[must_use]
    pub fn named(mut self, physical: impl Into<String>) -> Self {
        self.name = physical.into().into();
        self
    }

    /// The same table as a table of records of one type, for a table of an enum: with the same
    /// client, key provider and settings.
    ///
    /// The calls with a key are made here, because a key belongs to one type: [`get`](Self::get),
    /// [`view`](Self::view), [`update`](Self::update), [`delete`](Self::delete),
    /// [`check`](Self::check), [`put_mut`](Self::put_mut) and the batches by key. Queries and scans
    /// read only the records of the type.
    ///
    /// If the stored item has another type, these calls fail and change nothing. Only
    /// [`batch_delete`](Self::batch_delete) deletes it, if its key fits `R` and its `entity(..)`
    /// does not: DynamoDB takes no conditions in a batch.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
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
    /// let orders = shop.of::<Order>();
    /// let order: Option<Order> = orders.get("o_1").send().await?;
    /// orders.update("o_1").modify(|order| order.card = "4000".into()).send().await?;
    /// orders.delete("o_1").if_exists().send().await?;
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
            plaintext: self.plaintext.clone(),
            tag_source: self.tag_source.clone(),
            claims: self.claims.clone(),
            record: PhantomData,
        }
    }

    /// Sets the clock for the timestamps of records (`#[created]`, `#[updated]`) and for their
    /// expiry (`#[ttl]`). The default is the clock of the system.
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

    /// The SDK's client, for calls that this library does not have.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }
}

impl<T: Envelope, P: ?Sized> Table<T, P> {
    /// The key attributes of a primary key. Checks that a record with this key is of type `T`, and
    /// of no other kind that the table holds.
    fn key_item(&self, key: T::Key) -> Result<(Item, RecordId), Error> {
        let item =
            key_item::<T>(key).map_err(|kind| Error::new(RecordId::of_table(T::TABLE), kind))?;
        let id = record_id(&Kind::of::<T>(), &item);
        let checked = keyed_context(&Kind::of::<T>(), &item)
            .and_then(|_| Kind::of::<T>().check_owns(self.kinds, &item));
        match checked {
            Ok(()) => Ok((item, id)),
            Err(kind) => Err(Error::new(id, kind)),
        }
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
            plaintext: self.plaintext.clone(),
            tag_source: self.tag_source.clone(),
            claims: self.claims.clone(),
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
