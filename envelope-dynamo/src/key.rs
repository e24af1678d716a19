//! Primary keys, typed by the struct's key fields.

use std::borrow::Cow;

/// The primary key of a table without a sort key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition<P> {
    /// The value of the `#[partition_key]` field.
    pub partition: P,
}

/// The primary key of a table with a sort key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composite<P, S> {
    /// The value of the `#[partition_key]` field.
    pub partition: P,
    /// The value of the `#[sort_key]` field.
    pub sort: S,
}

/// A primary key: [`Partition`] or [`Composite`]. Sealed.
pub trait RecordKey: sealed::Sealed {}

/// The primary key of a struct whose derive reported mistakes: anything passes for it, so that nothing else is reported.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyKey;

impl<P> RecordKey for Partition<P> {}
impl<P, S> RecordKey for Composite<P, S> {}
impl RecordKey for AnyKey {}

mod sealed {
    pub trait Sealed {}
    impl<P> Sealed for super::Partition<P> {}
    impl<P, S> Sealed for super::Composite<P, S> {}
    impl Sealed for super::AnyKey {}
}

/// What can stand for a primary key of type `K` in a call: the partition key alone, or `(partition, sort)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a primary key of this table",
    label = "expected the key `{K}`",
    note = "a table without a sort key is read by its partition key: `.get(\"u_1\")`",
    note = "a table with a sort key is read by both, as a pair: `.get((\"u_1\", 7))`"
)]
pub trait IntoKey<K> {
    /// Converts into the key.
    fn into_key(self) -> K;
}

impl<P, A: KeyPart<P>> IntoKey<Partition<P>> for A {
    fn into_key(self) -> Partition<P> {
        Partition { partition: self.into_part() }
    }
}

impl<P, S, A: KeyPart<P>, B: KeyPart<S>> IntoKey<Composite<P, S>> for (A, B) {
    fn into_key(self) -> Composite<P, S> {
        Composite { partition: self.0.into_part(), sort: self.1.into_part() }
    }
}

impl<A> IntoKey<AnyKey> for A {
    fn into_key(self) -> AnyKey {
        AnyKey
    }
}

/// What can stand for one part of a primary key: the value itself, a reference to it, or its borrowed form.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand for a key of type `{P}`",
    note = "pass a `{P}`, a `&{P}`, or a `&str` or `&[u8]` where the key is a `String` or `Vec<u8>`"
)]
pub trait KeyPart<P> {
    /// Converts into the key part.
    fn into_part(self) -> P;
}

impl<P> KeyPart<P> for P {
    fn into_part(self) -> P {
        self
    }
}

impl<P: Clone> KeyPart<P> for &P {
    fn into_part(self) -> P {
        self.clone()
    }
}

impl KeyPart<String> for &str {
    fn into_part(self) -> String {
        self.to_owned()
    }
}

impl<'a> KeyPart<Cow<'a, str>> for &'a str {
    fn into_part(self) -> Cow<'a, str> {
        Cow::Borrowed(self)
    }
}

impl KeyPart<Vec<u8>> for &[u8] {
    fn into_part(self) -> Vec<u8> {
        self.to_vec()
    }
}

impl<const N: usize> KeyPart<Vec<u8>> for &[u8; N] {
    fn into_part(self) -> Vec<u8> {
        self.to_vec()
    }
}
