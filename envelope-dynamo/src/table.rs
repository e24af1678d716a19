//! Typed calls on one table: what is stored is sealed before the request is built.

pub mod batch;
pub(crate) mod bounded;
pub(crate) mod create;
pub(crate) mod customized;
pub(crate) mod openings;
pub(crate) mod pausable;
pub mod read;
pub(crate) mod request;
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
use crate::item::split::key_item;
use crate::record::Envelope;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;

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
    pub fn named(mut self, physical: impl Into<String>) -> Self {
        self.name = physical.into().into();
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
    /// The key attributes of a primary key under which stand records of `T`, and of no other kind
    /// that the table holds.
    fn key_item(&self, key: T::Key) -> Result<(Item, RecordId), Error> {
        let item =
            key_item::<T>(key).map_err(|kind| Error::new(RecordId::of_table(T::TABLE), kind))?;
        let id = record_id::<T>(&item);
        let checked =
            keyed_context::<T>(&item).and_then(|_| Kind::of::<T>().check_owns(self.kinds, &item));
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
