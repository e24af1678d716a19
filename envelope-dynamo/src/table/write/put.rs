//! Stores a record: seals it, sends it, and tells what happened.

mod claimed;
mod plaintext;

use std::borrow::Borrow;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use envelope_core::{UnwrapKey, ValueError, WrapKey};

use crate::call::write_attempt::{WriteAttempt, found};
use crate::dynamodb::{Item, MAX_ITEM_BYTES};
use crate::error::Error;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::error::write::WriteError;
use crate::expression::Condition;
use crate::item::entity::Entity;
use crate::item::managed_fields;
use crate::item::managed_fields::ExpectedVersion;
use crate::item::pending_item::PendingItem;
use crate::item::size::item_bytes;
use crate::item::unique_value::UniqueValue;
use crate::keys::search_keys::live::LiveSearchKeys;
use crate::record::Envelope;
use crate::record::item_key::{key_attributes, partition_key, record_id};
use crate::record::kind::Kind;
use crate::record::schema::ENCRYPTED_PAYLOAD;
use crate::record::unique::Unclaimed;
use crate::table::Table;
use crate::table::customized::Customized as _;
use crate::table::request::with_condition;
use crate::table::write::put::plaintext::Plain;
use crate::table::write::return_values::ReturningOld;

impl<T: Entity, P: WrapKey + ?Sized> Table<T, P> {
    /// Stores a record. Replaces the record that has the same key.
    pub const fn put<'a>(&'a self, record: &'a T) -> Put<'a, T, P> {
        Put::new(self, record)
    }
}

impl<T, P: WrapKey + ?Sized> Table<T, P> {
    /// Stores a record, as [`put`](Self::put) does. Afterwards `record` has the version and the
    /// timestamps that were stored.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
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
    pub const fn put_mut<'a>(&'a self, record: &'a mut T) -> Put<'a, T, P, &'a mut T>
    where
        T: Envelope,
    {
        Put::new(self, record)
    }
}

/// A reference to the record to put: `&T` of [`Table::put`], or `&mut T` of [`Table::put_mut`],
/// which receives the version and the
/// timestamps that were stored. Sealed: no other type implements it.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::write::{Put, RecordRef};
/// use envelope_dynamo::{Envelope, Error, KeyProvider, Table};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// #     #[authenticated]
/// #     #[version]
/// #     version: u64,
/// # }
/// # let user = |id: &str| User { user_id: id.into(), email: "zoe@example.com".into(), version: 0 };
/// # let (zoe, mut ana) = (user("u_1"), user("u_2"));
/// # let dynamodb = example::dynamodb(&[("PutItem", 200, "{}")]);
/// # let users = Table::<User>::new(dynamodb, TestKeyProvider::default());
/// /// Sends puts of both kinds.
/// async fn send<R: RecordRef<User>>(put: Put<'_, User, dyn KeyProvider, R>) -> Result<(), Error> {
///     put.customize(|request| request.return_consumed_capacity("TOTAL".into())).send().await
/// }
///
/// send(users.put(&zoe)).await?;
/// assert_eq!(zoe.version, 0); // version 1 is stored
/// send(users.put_mut(&mut ana)).await?;
/// assert_eq!(ana.version, 1);
/// # Ok::<(), Error>(()) }).unwrap();
/// ```
pub trait RecordRef<T>: Borrow<T> + sealed::Sealed {
    /// The values of `item`, which is about to be stored, that
    /// [`apply_generated`](Self::apply_generated) takes.
    #[doc(hidden)]
    fn generated(item: &Item) -> Item;

    /// Takes over the values that the library generated for the stored item.
    #[doc(hidden)]
    fn apply_generated(&mut self, generated: &Item) -> Result<(), ValueError>;
}

impl<T: Entity> RecordRef<T> for &T {
    fn generated(_: &Item) -> Item {
        Item::new()
    }

    fn apply_generated(&mut self, _: &Item) -> Result<(), ValueError> {
        Ok(())
    }
}

impl<T: Envelope> RecordRef<T> for &mut T {
    fn generated(item: &Item) -> Item {
        managed_fields::of(T::SCHEMA, item)
    }

    fn apply_generated(&mut self, generated: &Item) -> Result<(), ValueError> {
        T::apply_managed_fields(self, generated)
    }
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for &T {}
    impl<T> Sealed for &mut T {}
}

/// A put being built; see [`Table::put`].
///
/// A record with a `#[version]` is stored only if the stored record has the same version. For
/// version 0 or `None`, no record may be stored yet. Otherwise the put fails with
/// [`WriteError::ConditionFailed`]. The put stores the next version.
#[must_use = "a put does nothing until it is sent"]
pub struct Put<'a, T, P: ?Sized, R = &'a T> {
    table: &'a Table<T, P>,
    record: R,
    builder: Option<PutItemFluentBuilder>,
    condition: Option<Condition<T>>,
}

impl<'a, T: Entity, P: WrapKey + ?Sized, R: RecordRef<T>> Put<'a, T, P, R> {
    pub(crate) const fn new(table: &'a Table<T, P>, record: R) -> Self {
        Self { table, record, builder: None, condition: None }
    }

    /// Stores the record only if no record has its key; otherwise [`WriteError::ConditionFailed`].
    ///
    /// If the answer to an attempt is lost, the SDK sends the request again, and DynamoDB finds the
    /// record that the first attempt stored. The put recognizes its own payload there and succeeds.
    pub fn if_not_exists(self) -> Self {
        self.condition_of(Condition::not_exists(partition_key::<T::First>()))
    }

    /// Stores the record only if a record has its key; otherwise [`WriteError::ConditionFailed`].
    pub fn if_exists(self) -> Self {
        self.condition_of(Condition::exists(partition_key::<T::First>()))
    }

    /// Stores the record only if the stored record fulfils a condition; otherwise
    /// [`WriteError::ConditionFailed`]. If this is called several times, all conditions must hold.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User {
    /// #     #[partition_key] user_id: String,
    /// #     #[encrypted] email: String,
    /// #     #[plaintext] logins: u64,
    /// # }
    /// # let user = User { user_id: "u_1".into(), email: "zoe@example.com".into(), logins: 3 };
    /// let users = Table::<User>::new(dynamodb, provider);
    /// users.put(&user).condition(|stored| stored.logins.le(3)).send().await
    /// # }
    /// ```
    pub fn condition(self, condition: impl FnOnce(&T::Attributes) -> Condition<T>) -> Self
    where
        T: Envelope,
    {
        self.condition_of(condition(&T::attributes()))
    }

    fn condition_of(mut self, condition: Condition<T>) -> Self {
        self.condition = Condition::joined(self.condition.take(), Some(condition));
        self
    }

    /// Sets other parameters of the request on the SDK's own builder, such as the consumed
    /// capacity.
    ///
    /// Table and item are set afterwards, so that nothing unsealed can replace them. Expressions
    /// are refused ([`UsageError::Customized`]): use [`condition`](Self::condition).
    ///
    /// ```no_run
    /// # async fn example<U: envelope_dynamo::Envelope>(
    /// #     users: envelope_dynamo::Table<U>,
    /// #     user: &U,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
    ///
    /// let total = ReturnConsumedCapacity::Total;
    /// users.put(user).customize(|put| put.return_consumed_capacity(total)).send().await
    /// # }
    /// ```
    pub fn customize(
        mut self,
        with: impl FnOnce(PutItemFluentBuilder) -> PutItemFluentBuilder,
    ) -> Self {
        let builder = self.builder.take().unwrap_or_else(|| self.table.client.put_item());
        self.builder = Some(with(builder));
        self
    }

    /// Makes the put return the record that it replaced, opened. Call this last, before `send`.
    ///
    /// If the answer to an attempt is lost, the SDK sends the request again, and DynamoDB returns
    /// the record that the first attempt stored. Then the put fails with
    /// [`WriteError::AnswerLost`], although the record has been stored.
    ///
    /// A record with a unique field does not compile here: DynamoDB does not return old records
    /// from a transaction.
    pub fn returning_old(self) -> ReturningOld<Self>
    where
        T: Unclaimed,
        P: UnwrapKey,
    {
        ReturningOld(self)
    }

    /// Seals the record and sends it.
    ///
    /// # Errors
    ///
    /// As [`to_item`](crate::to_item()); [`UsageError::Customized`] and [`UsageError::TooLarge`]
    /// before anything is sent; [`WriteError::ConditionFailed`]; [`WriteError::Taken`] if another
    /// record has the value of a unique field; and every error of DynamoDB.
    pub async fn send(self) -> Result<(), Error> {
        self.deliver(None).await.map(drop)
    }

    /// Seals the record, sends it, and tells what happened. Returns the old item if `returns` asks
    /// for it.
    async fn deliver(mut self, returns: Option<ReturnValue>) -> Result<Option<Item>, Error> {
        let mut in_doubt = false;
        if self.writes_plain() {
            match self.deliver_plain(returns.clone()).await? {
                Plain::Done(old) => return Ok(old),
                Plain::StandsSealed { in_doubt: lost } => in_doubt = lost,
            }
        }
        // Whatever the sealed put says, an attempt of the plain one may have been carried out.
        self.deliver_sealed(returns).await.map_err(|error| error.or_in_doubt(in_doubt))
    }

    async fn deliver_sealed(mut self, returns: Option<ReturnValue>) -> Result<Option<Item>, Error> {
        let is_unprotected = self.record.borrow().is_unprotected();
        let sealed = self.sealed().await?;
        if sealed.is_claimed() {
            return Box::pin(self.deliver_claimed(sealed)).await.map(|()| None);
        }
        let PutRequest { request, id, .. } = sealed.request(self.table, None)?;
        let (returns_old, is_conditional) =
            (returns.is_some(), request.get_condition_expression().is_some());
        let Sent { payload, generated, key } = Sent::of::<T, R>(&request);
        let attempt = WriteAttempt::new("PutItem", &self.table.name, id, key)
            .repeatable_if(!is_conditional && !returns_old);
        let request =
            request.set_return_values(returns).customize().interceptor(attempt.outcome.clone());
        let old = match request.send().await {
            Ok(output) => output.attributes,
            Err(error) => match found(&error) {
                // An earlier attempt stored the item, and its answer was lost.
                Some(stored) if is_same_payload(stored, &payload) => Some(stored.clone()),
                _ => return Err(attempt.error(error)),
            },
        };
        if let Err(source) = self.record.apply_generated(&generated) {
            return Err(attempt.error_after(source));
        }
        match old {
            Some(old) if returns_old && is_same_payload(&old, &payload) => {
                Err(attempt.error_after(WriteError::AnswerLost))
            }
            // An unprotected record has nothing by which a put knows its own.
            Some(_) if is_unprotected && attempt.outcome.is_unknown() => {
                Err(attempt.error_after(WriteError::AnswerLost))
            }
            old => Ok(old.map(|old| attempt.returned(old))),
        }
    }

    /// Seals the record, and returns the SDK's request, ready to be sent. Use this to read the
    /// output, or to send the request in your own way.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), except the errors of DynamoDB.
    ///
    /// Send a request with search tags soon: after a rotation of the search key, records that were
    /// written with old tags are missed by searches, until they are written again.
    ///
    /// A record with a unique field does not compile here: one request cannot claim the value.
    pub async fn into_sdk(mut self) -> Result<PutItemFluentBuilder, Error>
    where
        T: Unclaimed,
    {
        Ok(self.request().await?.request)
    }

    /// The request that stores the record: sealed, unless the table writes items that are not
    /// sealed. And the search keys of its tags.
    pub(crate) async fn request(&mut self) -> Result<PutRequest, Error> {
        if self.writes_plain()
            && let Some((request, id)) = self.plain_request().await?
        {
            return Ok(PutRequest { request, id, search_keys: None, unique: Vec::new() });
        }
        self.sealed().await?.request(self.table, None)
    }

    /// Whether the record may be stored in plaintext until it is sealed. An unprotected record
    /// never is: it is stored as it is.
    fn writes_plain(&self) -> bool {
        self.table.plaintext.state.writes() && !self.record.borrow().is_unprotected()
    }

    /// Seals the record.
    async fn sealed(&mut self) -> Result<SealedPut<T>, Error> {
        let table = self.table;
        let builder = self.builder.take().unwrap_or_else(|| table.client.put_item());
        let builder = builder.checked_for(&RecordId::of_table(T::First::TABLE))?;
        let mut pending = self.record.borrow().split()?.check_one_kind(table.kinds)?;
        let expected =
            pending.set_managed_fields(table.clock.system_time())?.map(ExpectedVersion::condition);
        let record = table.seal(pending).await?;
        let condition = Condition::joined(self.condition.take(), expected);
        Ok(SealedPut { builder, record, condition })
    }
}

/// A record that was sealed for a put.
struct SealedPut<T> {
    builder: PutItemFluentBuilder,
    record: SealedRecord,
    condition: Option<Condition<T>>,
}

impl<T> Clone for SealedPut<T> {
    fn clone(&self) -> Self {
        let (builder, record) = (self.builder.clone(), self.record.clone());
        Self { builder, record, condition: self.condition.clone() }
    }
}

impl<T: Entity> SealedPut<T> {
    /// The request that stores the record, under one more condition.
    fn request<P: ?Sized>(
        self,
        table: &Table<T, P>,
        more: Option<Condition<T>>,
    ) -> Result<PutRequest, Error> {
        let SealedRecord { item, id, search_keys, unique, .. } = self.record;
        let condition = Condition::joined(self.condition, more);
        let request = with_condition(self.builder, condition, table.kinds)
            .map_err(|kind| Error::new(id.clone(), kind))?;
        let request = request.table_name(&*table.name).set_item(Some(item));
        Ok(PutRequest { request, id, search_keys, unique })
    }
}

/// A request that stores a record.
pub(crate) struct PutRequest {
    pub(crate) request: PutItemFluentBuilder,
    pub(crate) id: RecordId,
    /// The search keys of the record's tags.
    pub(crate) search_keys: Option<Arc<LiveSearchKeys>>,
    /// The values that no other record may have.
    pub(crate) unique: Vec<UniqueValue>,
}

/// A record that was sealed to be stored.
#[derive(Clone)]
pub(crate) struct SealedRecord {
    pub(crate) item: Item,
    pub(crate) id: RecordId,
    kind: Kind,
    /// The search keys of the record's tags.
    search_keys: Option<Arc<LiveSearchKeys>>,
    /// The values that no other record may have.
    unique: Vec<UniqueValue>,
}

impl<T: Entity, P: WrapKey + ?Sized> Table<T, P> {
    /// Computes the search tags of a record that is about to be stored, seals it, and checks the
    /// size of the item.
    pub(crate) async fn seal(&self, mut pending: PendingItem) -> Result<SealedRecord, Error> {
        let kind = *pending.kind();
        self.claims_of(&kind).map_err(|problem| Error::new(pending.id(), problem))?;
        let search_keys = self.add_search_tags(&mut pending).await?;
        let unique = match &search_keys {
            Some(keys) => pending.unique_values(keys.tag_key())?,
            None => Vec::new(),
        };
        let item = pending.seal(&*self.provider).await?;
        let id = record_id(&Kind::of::<T::First>(), &item);
        match item_bytes(&item) {
            bytes if bytes > MAX_ITEM_BYTES => Err(Error::new(id, UsageError::TooLarge { bytes })),
            _ => Ok(SealedRecord { item, id, kind, search_keys, unique }),
        }
    }
}

/// The parts of a sent item that the answer is compared with.
struct Sent {
    payload: Option<AttributeValue>,
    generated: Item,
    key: Item,
}

impl Sent {
    fn of<T: Entity, R: RecordRef<T>>(request: &PutItemFluentBuilder) -> Self {
        let none = Item::new();
        let item = request.get_item().as_ref().unwrap_or(&none);
        Self {
            payload: item.get(ENCRYPTED_PAYLOAD).cloned(),
            generated: R::generated(item),
            key: key_attributes::<T::First>(item),
        }
    }
}

/// Whether an item has this payload. Each sealing has its own random salt.
fn is_same_payload(item: &Item, payload: &Option<AttributeValue>) -> bool {
    payload.is_some() && item.get(ENCRYPTED_PAYLOAD) == payload.as_ref()
}

impl<'a, T: Entity, P: WrapKey + UnwrapKey + ?Sized, R: RecordRef<T>>
    ReturningOld<Put<'a, T, P, R>>
{
    /// Seals the record and sends it. Returns the record that it replaced, or `None`.
    ///
    /// # Errors
    ///
    /// As [`Put::send`]; [`WriteError::AnswerLost`]; and as [`from_item`](crate::from_item()) if
    /// the old record does not open. Then the new record has been stored, and
    /// [`Table::open_returned`] opens the old one later.
    pub async fn send(self) -> Result<Option<T>, Error> {
        let table = self.0.table;
        match self.0.deliver(Some(ReturnValue::AllOld)).await? {
            Some(old) => table.open_written(old).await.map(Some),
            None => Ok(None),
        }
    }
}
