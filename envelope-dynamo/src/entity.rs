//! What the items of a table are: records of one type, or of one of several.

use envelope_core::UnwrapKey;

use crate::binding::Item;
use crate::error::{Error, ErrorKind};
use crate::item::open_record;
use crate::record::{Envelope, Field};
use crate::unsealed::Unsealed;

/// What the items of a table are written from and read as: a record, or an enum of records of one table.
///
/// Every [`Envelope`] is one, and [`derive(Envelope)`](macro@crate::Envelope) implements it for enums; not meant to be
/// written by hand.
pub trait Entity: Sized {
    /// The record that speaks for all in what they share: the table, and the attributes of the primary key.
    ///
    /// Of a record itself; of an enum the first.
    type First: Envelope;

    /// The kinds of record.
    #[doc(hidden)]
    const KINDS: &'static [Kind];

    /// Takes the record apart, for sealing.
    #[doc(hidden)]
    fn take_apart(&self) -> Result<Unsealed, Error>;

    /// Opens an item.
    #[doc(hidden)]
    fn open(item: Item, provider: &(impl UnwrapKey + ?Sized)) -> impl Future<Output = Result<Self, Error>> + Send;

    /// Whether an item that a query or a scan comes across is one to read: what belongs to another entity type is
    /// passed over.
    #[doc(hidden)]
    fn takes(item: &Item) -> bool;
}

impl<T: Envelope> Entity for T {
    type First = Self;

    const KINDS: &'static [Kind] = &[Kind::of::<Self>()];

    fn take_apart(&self) -> Result<Unsealed, Error> {
        Unsealed::of(self)
    }

    fn open(item: Item, provider: &(impl UnwrapKey + ?Sized)) -> impl Future<Output = Result<Self, Error>> + Send {
        open_record(item, provider)
    }

    fn takes(item: &Item) -> bool {
        Kind::of::<Self>().misfit(item).is_none()
    }
}

/// What is known of a kind of record before one is read.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    name: &'static str,
    pub(crate) fields: &'static [Field],
}

impl Kind {
    /// The kind of the records of type `T`.
    #[must_use]
    pub const fn of<T: Envelope>() -> Self {
        Self { name: T::NAME, fields: T::FIELDS }
    }

    /// Why an item is not of this kind; keys without a format and constants tell nothing.
    pub(crate) fn misfit(&self, item: &Item) -> Option<ErrorKind> {
        let mut told =
            self.fields.iter().filter_map(|field| Some((field.name, field.told_apart_by(item.get(field.name))?)));
        told.next().map(|(attribute, expected)| ErrorKind::WrongEntity { entity: self.name, attribute, expected })
    }
}
