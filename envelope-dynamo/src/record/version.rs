//! Versions of records: the types that can count them.

use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64,
    NonZeroUsize,
};

use crate::record::Envelope;

/// A type of versions: the integers up to 64 bits, `NonZero` ones among them, `Option`s of them,
/// and yours.
///
/// No version, and version 0, are those of a record that has not been stored yet: of a `NonZero`
/// integer it is the `None` of an `Option<NonZeroU64>`.
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
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a version",
    note = "use an integer, an `Option` of one, or a type that implements `VersionNumber`"
)]
pub trait VersionNumber {
    /// The last version that there can be.
    const MAX: u64;
}

/// A record with an `#[authenticated]` `#[version]`, which nobody can change unnoticed. Implemented
/// by the derive.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no authenticated version",
    note = "mark an integer field `#[version]` and `#[authenticated]`: everybody who can write the \
            table can change a `#[plaintext]` version"
)]
pub trait AuthenticatedVersion: Envelope {}

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

nonzero_integers!(NonZeroU8 NonZeroU16 NonZeroU32 NonZeroU64 NonZeroUsize NonZeroI8 NonZeroI16 NonZeroI32 NonZeroI64);

impl<V: VersionNumber> VersionNumber for Option<V> {
    const MAX: u64 = V::MAX;
}
