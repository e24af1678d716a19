//! The type that a table's items are read as: one record type, or an enum of record types.

use envelope_core::UnwrapKey;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::item::listed_keys;
use crate::item::listed_keys::ListedKeys;
use crate::item::open::open;
use crate::item::pending_item::PendingItem;
use crate::item::plain::{PlainItem, open_plain, open_unprotected};
use crate::item::question::Reading;
use crate::record::Envelope;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;

/// The type that the items of a table are written from and read as: a record, or an enum of records
/// of one table.
///
/// Every [`Envelope`] implements it, and [`derive(Envelope)`](macro@crate::Envelope) implements it
/// for enums. It is not meant to be implemented by hand.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, from_item, to_item};
///
/// #[derive(Debug, PartialEq, Envelope)]
/// #[envelope(table = "shop")]
/// #[partition_key(name = "pk", format = "USER#{user_id}")]
/// #[sort_key(name = "sk", format = "PROFILE")]
/// struct Profile {
///     #[key]
///     user_id: String,
///     #[encrypted]
///     email: String,
/// }
///
/// #[derive(Debug, PartialEq, Envelope)]
/// #[envelope(table = "shop")]
/// #[partition_key(name = "pk", format = "USER#{user_id}")]
/// #[sort_key(name = "sk", format = "ORDER#{order_id}")]
/// struct Order {
///     #[key]
///     user_id: String,
///     #[key]
///     order_id: String,
///     #[encrypted]
///     card: String,
/// }
///
/// #[derive(Debug, PartialEq, Envelope)]
/// enum Shop {
///     Profile(Profile),
///     Order(Order),
/// }
///
/// let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let order = Order { user_id: "u_1".into(), order_id: "o_1".into(), card: "4111".into() };
/// let item = to_item(&order, &provider).await?;
/// assert_eq!(from_item::<Shop>(item, &provider).await?, Shop::Order(order));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a record nor an enum of records",
    label = "does not derive `Envelope`",
    note = "write `#[derive(Envelope)]` on the struct or the enum"
)]
pub trait Entity: Sized {
    /// The record that speaks for all in what they share: the table, and the attributes of the
    /// primary key.
    ///
    /// Of a record itself; of an enum the first, by whose partition key the enum is queried.
    type First: Envelope;

    /// The kinds of record.
    #[doc(hidden)]
    const KINDS: &'static [Kind];

    /// Splits the record into attributes and sealed fields.
    #[doc(hidden)]
    fn split(&self) -> Result<PendingItem, Error>;

    /// The record as the attributes of an item that is not sealed.
    #[doc(hidden)]
    fn split_plain(&self) -> Result<PlainItem, Error>;

    /// Opens an item, or reads one that is not sealed. Takes the values from `item`, which stays as
    /// it is while data keys are unwrapped.
    #[doc(hidden)]
    fn open(
        item: &mut Item,
        provider: &(impl UnwrapKey + ?Sized),
        reading: Reading<'_>,
    ) -> impl Future<Output = Result<Self, Error>> + Send;

    /// The composed key in `listed` that the record's fields do not make.
    #[doc(hidden)]
    fn mismatched_index_key(&self, listed: &ListedKeys) -> Option<&'static str>;

    /// Whether the record is stored as it is.
    #[doc(hidden)]
    fn is_unprotected(&self) -> bool;

    /// Whether a query or a scan returns the item. Items of other entity types are skipped.
    #[doc(hidden)]
    fn takes(item: &Item) -> bool;

    /// Tells the visitor each record type.
    #[doc(hidden)]
    fn visit_types<V: TypeVisitor<Self>>(visitor: &mut V)
    where
        Self: 'static;
}

/// Is told the record types of an [`Entity`].
#[doc(hidden)]
pub trait TypeVisitor<E> {
    /// The type `R`, how its records become values of the entity, and back.
    fn record<R: Envelope + 'static>(&mut self, wrap: fn(R) -> E, unwrap: fn(E) -> Option<R>);
}

impl<T: Envelope> Entity for T {
    type First = Self;

    const KINDS: &'static [Kind] = &[Kind::of::<Self>()];

    fn split(&self) -> Result<PendingItem, Error> {
        PendingItem::of(self)
    }

    fn split_plain(&self) -> Result<PlainItem, Error> {
        PlainItem::of(self)
    }

    async fn open(
        item: &mut Item,
        provider: &(impl UnwrapKey + ?Sized),
        reading: Reading<'_>,
    ) -> Result<Self, Error> {
        let record = if T::UNPROTECTED {
            open_unprotected(item)
        } else if reading.plaintext.accepts(item) {
            open_plain(item)
        } else {
            open(item, provider, reading.answer).await.map(|opened| opened.record)
        };
        record.map_err(|kind| Error::new(record_id(&Kind::of::<T>(), item), kind))
    }

    fn mismatched_index_key(&self, listed: &ListedKeys) -> Option<&'static str> {
        listed_keys::mismatched(self, listed)
    }

    fn is_unprotected(&self) -> bool {
        Self::UNPROTECTED
    }

    fn takes(item: &Item) -> bool {
        Kind::of::<Self>().mismatch(item).is_none()
    }

    fn visit_types<V: TypeVisitor<Self>>(visitor: &mut V)
    where
        Self: 'static,
    {
        visitor.record::<Self>(std::convert::identity, Some);
    }
}

/// A record that an enum of records holds; derived with the enum. [`Table::of`](crate::Table::of)
/// takes such a record.
#[diagnostic::on_unimplemented(
    message = "no variant of `{E}` holds a `{Self}`",
    label = "not a record type of `{E}`",
    note = "`of` takes a type that a variant of the enum holds: `Order` for `Order(Order)`"
)]
pub trait EntityOf<E>: Envelope {}

impl Kind {
    /// The position of the one record type of the enum `E` that fits the item.
    ///
    /// # Errors
    ///
    /// If no type fits, or several do.
    pub fn only<E: Entity>(item: &Item) -> Result<usize, Error> {
        let matching = Self::matching(E::KINDS, item);
        let (positions, names): (Vec<_>, Vec<_>) =
            matching.map(|(position, kind)| (position, kind.name)).unzip();
        let kind = match positions.as_slice() {
            [position] => return Ok(*position),
            [] => ErrorKind::Data(DataError::NoEntity {
                entities: E::KINDS.iter().map(|kind| kind.name).collect(),
            }),
            _ => ErrorKind::Data(DataError::SeveralEntities { entities: names }),
        };
        let agree = E::KINDS.iter().all(|kind| kind.form == E::First::CONTEXT_FORM);
        // The type is not known, so the key is shown only if all types show keys in one form.
        let id = if agree {
            record_id(&Kind::of::<E::First>(), item)
        } else {
            RecordId::of_table(E::First::TABLE)
        };
        Err(Error::new(id, kind))
    }
}
