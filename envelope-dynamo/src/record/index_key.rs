//! The attributes of an index's key: one or several of each role.
//!
//! Since November 2025 a global secondary index can have up to four partition keys and four sort
//! keys (Amazon DynamoDB Developer Guide, "Multi-attribute keys"). A query states all partition
//! keys, and conditions on the sort keys from left to right.

use std::fmt;
use std::marker::PhantomData;

use aws_sdk_dynamodb::types::ScalarAttributeType;

use crate::record::attribute::{Attribute, Operand, Readable, mark};
use crate::record::key::{AnyKey, Composite, IntoValue, Partition, RecordKey};

/// A key attribute, its role, and its DynamoDB type if the Rust type determines it.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct KeyAttribute {
    pub(crate) name: &'static str,
    pub(crate) is_sort: bool,
    pub(crate) scalar: Option<ScalarAttributeType>,
}

impl KeyAttribute {
    /// A partition key.
    #[must_use]
    pub fn partition<T, V, M>(attribute: &Attribute<T, V, M>) -> Self {
        Self { name: attribute.name(), is_sort: false, scalar: attribute.scalar() }
    }

    pub(crate) fn sort<T, V, M>(attribute: &Attribute<T, V, M>) -> Self {
        Self { name: attribute.name(), is_sort: true, scalar: attribute.scalar() }
    }
}

/// The partition key of an index.
#[doc(hidden)]
pub enum PartitionKey<T, P> {
    /// One attribute.
    One(Attribute<T, P, mark::Key>),
    /// Several attributes, and the functions that name them and write their values.
    Several {
        /// The attributes.
        attributes: fn() -> Vec<KeyAttribute>,
        /// Their values.
        operands: fn(P) -> Vec<Operand>,
    },
}

impl<T, P> Clone for PartitionKey<T, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, P> Copy for PartitionKey<T, P> {}

impl<T, P> PartitionKey<T, P> {
    pub(crate) fn attributes(&self) -> Vec<KeyAttribute> {
        match self {
            Self::One(attribute) => vec![KeyAttribute::partition(attribute)],
            Self::Several { attributes, .. } => attributes(),
        }
    }

    pub(crate) fn operands(&self, value: impl IntoValue<P>) -> Vec<Operand> {
        match self {
            Self::One(attribute) => vec![attribute.operand(value)],
            Self::Several { operands, .. } => operands(value.into_value()),
        }
    }

    pub(crate) const fn retyped<U>(&self) -> PartitionKey<U, P> {
        match *self {
            Self::One(attribute) => PartitionKey::One(attribute.retyped()),
            Self::Several { attributes, operands } => {
                PartitionKey::Several { attributes, operands }
            }
        }
    }
}

/// The key of an index. You cannot implement this trait.
///
/// The example of [`kind`](crate::record::index::kind) has a function with this bound.
pub trait IndexKey: RecordKey {
    /// The sort keys, for a record of type `T`.
    #[doc(hidden)]
    type SortKeys<T>: Copy;

    #[doc(hidden)]
    fn sort_attributes<T>(keys: &Self::SortKeys<T>) -> Vec<KeyAttribute>;

    #[doc(hidden)]
    fn retyped<T, U>(keys: &Self::SortKeys<T>) -> Self::SortKeys<U>;
}

impl<P> IndexKey for Partition<P> {
    type SortKeys<T> = ();

    fn sort_attributes<T>(_: &()) -> Vec<KeyAttribute> {
        Vec::new()
    }

    fn retyped<T, U>(_: &()) {}
}

macro_rules! one_sort_key {
    ($($key:ident)*) => {$(
        impl<P, S> IndexKey for $key<P, S> {
            type SortKeys<T> = Attribute<T, S, mark::Key>;

            fn sort_attributes<T>(key: &Self::SortKeys<T>) -> Vec<KeyAttribute> {
                vec![KeyAttribute::sort(key)]
            }

            fn retyped<T, U>(key: &Self::SortKeys<T>) -> Self::SortKeys<U> {
                key.retyped()
            }
        }
    )*};
}

one_sort_key! { Composite AnyKey }

/// The key of an index with the partition key `P` and several sort keys: `Then<A, Then<B, ()>>`. A
/// sort key of a searchable field is [`ThenSearched`], also if it is the only one.
///
/// [`Query::sort`](crate::read::Query::sort) takes conditions on them from left to right.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::expression::SortCondition;
/// use envelope_dynamo::record::index::{
///     Index, NextSearchedKey, NextSortKey, SortList, SortedBy, Then, ThenSearched, kind,
/// };
///
/// #[derive(Envelope)]
/// #[envelope(
///     table = "visits",
///     index(name = "by-doctor", partition_key = doctor, sort_key = (day, patient))
/// )]
/// struct Visit {
///     #[partition_key]
///     visit_id: String,
///     #[authenticated]
///     doctor: String,
///     #[authenticated]
///     day: String,
///     #[encrypted]
///     #[searchable]
///     patient: String,
/// }
///
/// type ByDoctor = SortedBy<String, Then<String, ThenSearched<String, ()>>>;
/// let by_doctor: Index<Visit, ByDoctor, kind::Global> = Visit::indexes().by_doctor;
///
/// /// Takes every index with several sort keys.
/// fn name<T, P, L: SortList, I>(index: Index<T, SortedBy<P, L>, I>) -> Option<&'static str> {
///     index.name()
/// }
/// assert_eq!(name(by_doctor), Some("by-doctor"));
///
/// /// For `.query("d_1").sort(|day| of_patient(day, "2026-11-22", "p_1"))`.
/// fn of_patient(
///     day: &NextSortKey<Visit, String, NextSearchedKey<Visit, String, ()>>,
///     of_day: &str,
///     patient: &str,
/// ) -> SortCondition<Visit> {
///     day.eq(of_day).and(|tag| tag.eq(patient))
/// }
/// ```
pub struct SortedBy<P, L>(PhantomData<fn() -> (P, L)>);

/// A sort key with values of type `A`, and those after it. [`SortedBy`] has an example.
pub struct Then<A, R>(PhantomData<fn() -> (A, R)>);

/// A sort key that is a search tag, found by values of type `A`, and the sort keys after it.
/// [`SortedBy`] has an example.
pub struct ThenSearched<A, R>(PhantomData<fn() -> (A, R)>);

/// A list of sort keys: `Then<A, Then<B, ()>>`. [`SortedBy`] has an example. You cannot implement
/// this trait.
pub trait SortList: sealed::Sealed {
    /// The attributes, for a record of type `T`.
    #[doc(hidden)]
    type Keys<T>: Copy;

    #[doc(hidden)]
    fn attributes<T>(keys: &Self::Keys<T>) -> Vec<KeyAttribute>;

    #[doc(hidden)]
    fn retyped<T, U>(keys: &Self::Keys<T>) -> Self::Keys<U>;
}

impl SortList for () {
    type Keys<T> = ();

    fn attributes<T>(_: &()) -> Vec<KeyAttribute> {
        Vec::new()
    }

    fn retyped<T, U>(_: &()) {}
}

impl<A, R: SortList> SortList for Then<A, R> {
    type Keys<T> = NextSortKey<T, A, R::Keys<T>>;

    fn attributes<T>(keys: &Self::Keys<T>) -> Vec<KeyAttribute> {
        let mut attributes = vec![KeyAttribute::sort(&keys.attribute)];
        attributes.extend(R::attributes(&keys.rest));
        attributes
    }

    fn retyped<T, U>(keys: &Self::Keys<T>) -> Self::Keys<U> {
        NextSortKey { attribute: keys.attribute.retyped(), rest: R::retyped(&keys.rest) }
    }
}

impl<A, R: SortList> SortList for ThenSearched<A, R> {
    type Keys<T> = NextSearchedKey<T, A, R::Keys<T>>;

    fn attributes<T>(keys: &Self::Keys<T>) -> Vec<KeyAttribute> {
        let mut attributes = vec![KeyAttribute::sort(&keys.attribute)];
        attributes.extend(R::attributes(&keys.rest));
        attributes
    }

    fn retyped<T, U>(keys: &Self::Keys<T>) -> Self::Keys<U> {
        NextSearchedKey { attribute: keys.attribute.retyped(), rest: R::retyped(&keys.rest) }
    }
}

impl<P, L: SortList> RecordKey for SortedBy<P, L> {
    type Partition = P;
    type Sort = L;
}

impl<P, L: SortList> IndexKey for SortedBy<P, L> {
    type SortKeys<T> = L::Keys<T>;

    fn sort_attributes<T>(keys: &Self::SortKeys<T>) -> Vec<KeyAttribute> {
        L::attributes(keys)
    }

    fn retyped<T, U>(keys: &Self::SortKeys<T>) -> Self::SortKeys<U> {
        L::retyped(keys)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl<A, R> Sealed for super::Then<A, R> {}
    impl<A, R> Sealed for super::ThenSearched<A, R> {}
}

/// The next sort key of an index with several, with values of type `A`, and the keys after it.
///
/// [`Query::sort`](crate::read::Query::sort) passes the first. DynamoDB accepts conditions on sort
/// keys from left to right: `eq` on each but the last. So only `eq` leads to the next key, by
/// [`AfterEqual::and`](crate::expression::AfterEqual::and). The example of [`SortedBy`] names the
/// type in a function.
pub struct NextSortKey<T, A, R> {
    pub(crate) attribute: Attribute<T, A, mark::Key>,
    pub(crate) rest: R,
}

impl<T, A, R> NextSortKey<T, A, R> {
    /// A sort key and those after it, for derived code.
    #[doc(hidden)]
    #[must_use]
    pub const fn new<M: Readable>(attribute: Attribute<T, A, M>, rest: R) -> Self {
        Self { attribute: attribute.as_key(), rest }
    }
}

impl<T, A, R: Copy> Clone for NextSortKey<T, A, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, A, R: Copy> Copy for NextSortKey<T, A, R> {}

impl<T, A, R> fmt::Debug for NextSortKey<T, A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NextSortKey").field(&self.attribute.name()).finish()
    }
}

/// The next sort key of an index, if it is a search tag: found by values of type `A`. The sort keys
/// after it follow with [`AfterEqual::and`](crate::expression::AfterEqual::and).
///
/// A search tag has no order, so the only condition on it is that it is equal. The example of
/// [`SortedBy`] names the type in a function.
pub struct NextSearchedKey<T, A, R> {
    pub(crate) attribute: Attribute<T, A, mark::Key>,
    pub(crate) rest: R,
}

impl<T, A, R> NextSearchedKey<T, A, R> {
    /// A sort key and those after it, for derived code.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(attribute: Attribute<T, A, mark::Key>, rest: R) -> Self {
        Self { attribute, rest }
    }
}

impl<T, A, R: Copy> Clone for NextSearchedKey<T, A, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, A, R: Copy> Copy for NextSearchedKey<T, A, R> {}

impl<T, A, R> fmt::Debug for NextSearchedKey<T, A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NextSearchedKey").field(&self.attribute.name()).finish()
    }
}
