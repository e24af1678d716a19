//! The number types that can count the versions of a record.

use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64,
    NonZeroUsize,
};

use crate::record::Envelope;

/// A number type for a `#[version]` field.
///
/// Implemented for the integers of up to 64 bits, for their `NonZero` forms except `NonZeroIsize`,
/// and for `Option`s of all of these.
/// Implement it for a newtype that serializes as such a number.
///
/// A record that has not been stored yet has version 0 or no version. With a `NonZero` integer, use
/// `Option<NonZeroU64>`: its `None` means that the record has not been stored.
///
/// ```
/// use envelope_dynamo::record::VersionNumber;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Revision(u32);
///
/// impl VersionNumber for Revision {
///     const MAX: u64 = u32::MAX as u64;
/// }
///
/// assert_eq!(<Option<Revision>>::MAX, 4_294_967_295);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a version",
    note = "use an integer, an `Option` of one, or a type that implements `VersionNumber`"
)]
pub trait VersionNumber {
    /// The greatest version that the type can hold.
    const MAX: u64;
}

/// A record with an `#[authenticated]` `#[version]`: a change of the version in the table is
/// detected when the record is opened.
///
/// The derive implements this trait. A function of your own that never reads an older record than
/// the one that it has seen:
///
/// ```no_run
/// use envelope_dynamo::record::{AuthenticatedVersion, IntoKey};
/// use envelope_dynamo::{Error, Table};
///
/// async fn latest<T: AuthenticatedVersion>(
///     table: &Table<T>,
///     key: impl IntoKey<T::Key>,
///     seen: u64,
/// ) -> Result<Option<T>, Error> {
///     table.get(key).not_before_version(seen).send().await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no authenticated version",
    note = "mark an integer field `#[version]` and `#[authenticated]`: everybody who can write the \
            table can change a `#[plaintext]` version"
)]
pub trait AuthenticatedVersion: Envelope {}

/// A record without a `#[version]`, or an enum of such records: a batch can put it.
///
/// [`Table::batch_put`](crate::Table::batch_put) requires it, because DynamoDB checks no conditions
/// in a batch, and so no versions. The derive implements this trait. Do not implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has a `#[version]`, and DynamoDB checks no versions in a batch",
    label = "has a record with a `#[version]`",
    note = "put records one by one: `.put_mut(&mut record)`; of an enum's table, \
            `shop.of::<Order>().put_mut(&mut order)`",
    note = "put several in one transaction: `transact_write(..).put(orders.put(&order))`"
)]
pub trait Unversioned {}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl VersionNumber for $integer {
            const MAX: u64 = <$integer>::MAX as u64;
        }
    )*};
}

integers!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

macro_rules! nonzero_integers {
    ($($nonzero:ty)*) => {$(
        impl VersionNumber for $nonzero {
            const MAX: u64 = <$nonzero>::MAX.get() as u64;
        }
    )*};
}

nonzero_integers! {
    NonZeroU8 NonZeroU16 NonZeroU32 NonZeroU64 NonZeroUsize
    NonZeroI8 NonZeroI16 NonZeroI32 NonZeroI64
}

impl<V: VersionNumber> VersionNumber for Option<V> {
    const MAX: u64 = V::MAX;
}
