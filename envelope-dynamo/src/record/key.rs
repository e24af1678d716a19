//! Primary keys, with the types of the struct's key fields.

use std::borrow::Cow;
use std::marker::PhantomData;

use envelope_core::ValueError;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::convert::to_attribute_value;
use crate::record::key_format::Part;

/// The primary key of a table without a sort key. Calls take the plain value: see [`IntoKey`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition<P> {
    /// The value of the `#[partition_key]` field.
    pub partition: P,
}

/// The primary key of a table with a sort key. Calls take a pair of plain values: see [`IntoKey`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composite<P, S> {
    /// The value of the `#[partition_key]` field.
    pub partition: P,
    /// The value of the `#[sort_key]` field.
    pub sort: S,
}

/// The parts of a composed key that has several or none: a tuple, or `()` for a constant key.
///
/// In calls, pass the plain tuple: `orders.get(("u_1", (1_700_000_000, "o_1")))`.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::record::{Composite, IntoKey, Parts};
///
/// #[derive(Envelope)]
/// #[envelope(table = "shop")]
/// #[partition_key(name = "pk", format = "USER#{user_id}")]
/// #[sort_key(name = "sk", format = "ORDER#{created:020}#{order_id}")]
/// struct Order {
///     #[key]
///     user_id: String,
///     #[key]
///     created: u64,
///     #[key]
///     order_id: String,
///     #[encrypted]
///     address: String,
/// }
///
/// let key: <Order as Envelope>::Key = ("u_1", (1_700_000_000, "o_1")).into_key();
/// assert_eq!(key.sort, Parts((1_700_000_000, "o_1".to_owned())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts<T>(pub T);

/// A primary key: [`Partition`] or [`Composite`]. You cannot implement this trait.
///
/// A function of your own that takes the partition key of any record:
///
/// ```no_run
/// use envelope_dynamo::record::{IntoValue, RecordKey};
/// use envelope_dynamo::{Envelope, Error, Table};
///
/// async fn count<T: Envelope + 'static>(
///     table: &Table<T>,
///     partition: impl IntoValue<<T::Key as RecordKey>::Partition>,
/// ) -> Result<usize, Error> {
///     Ok(table.query(partition).send().await?.len())
/// }
/// ```
pub trait RecordKey: sealed::Sealed {
    /// The type of the partition key.
    type Partition;
    /// The type of the sort key; `()` in a table without one.
    type Sort;
}

/// The primary key of a struct for which the derive reported mistakes. It accepts every value, so
/// that the compiler reports no further errors.
///
/// `P` and `S` are the types of its keys, as far as they are known.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyKey<P = (), S = ()>(PhantomData<(P, S)>);

impl<P> RecordKey for Partition<P> {
    type Partition = P;
    type Sort = ();
}

impl<P, S> RecordKey for Composite<P, S> {
    type Partition = P;
    type Sort = S;
}

impl<P, S> RecordKey for AnyKey<P, S> {
    type Partition = P;
    type Sort = S;
}

mod sealed {
    pub trait Sealed {}
    impl<P> Sealed for super::Partition<P> {}
    impl<P, S> Sealed for super::Composite<P, S> {}
    impl<P, S> Sealed for super::AnyKey<P, S> {}
    impl<P, L> Sealed for crate::record::index_key::SortedBy<P, L> {}
}

/// A value that can be passed as a primary key of type `K`: the partition key, or a pair of
/// partition key and sort key.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::record::{Composite, IntoKey, Partition};
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
/// #[derive(Envelope)]
/// #[envelope(table = "visits")]
/// struct Visit {
///     #[partition_key]
///     patient_id: String,
///     #[sort_key]
///     number: u32,
///     #[encrypted]
///     diagnosis: String,
/// }
///
/// let user: <User as Envelope>::Key = "u_1".into_key();
/// assert_eq!(user, Partition { partition: "u_1".to_owned() });
/// let visit: <Visit as Envelope>::Key = ("p_1", 7).into_key();
/// assert_eq!(visit, Composite { partition: "p_1".to_owned(), sort: 7 });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a primary key of this table",
    label = "expected the key `{K}`",
    note = "for a table without a sort key, pass the partition key: `.get(\"u_1\")`",
    note = "for a table with a sort key, pass both keys as a pair: `.get((\"u_1\", 7))`",
    note = "for a composed key with several parts, pass its parts as a tuple: \
            `.get((\"u_1\", (7, \"o_1\")))`"
)]
pub trait IntoKey<K> {
    /// Converts into the key.
    fn into_key(self) -> K;
}

impl<P, A: IntoValue<P>> IntoKey<Partition<P>> for A {
    fn into_key(self) -> Partition<P> {
        Partition { partition: self.into_value() }
    }
}

impl<P, S, A: IntoValue<P>, B: IntoValue<S>> IntoKey<Composite<P, S>> for (A, B) {
    fn into_key(self) -> Composite<P, S> {
        Composite { partition: self.0.into_value(), sort: self.1.into_value() }
    }
}

impl<A, P, S> IntoKey<AnyKey<P, S>> for A {
    fn into_key(self) -> AnyKey<P, S> {
        AnyKey(PhantomData)
    }
}

impl IntoValue<Parts<()>> for () {
    fn into_value(self) -> Parts<()> {
        Parts(())
    }
}

macro_rules! into_parts {
    ($($argument:ident $value:ident $index:tt),+) => {
        impl<$($argument: IntoValue<$value>, $value),+> IntoValue<Parts<($($value,)+)>>
            for ($($argument,)+)
        {
            fn into_value(self) -> Parts<($($value,)+)> {
                Parts(($(self.$index.into_value(),)+))
            }
        }
    };
}

into_parts!(A V 0, B W 1);

into_parts!(A V 0, B W 1, C X 2);

into_parts!(A V 0, B W 1, C X 2, D Y 3);

into_parts!(A V 0, B W 1, C X 2, D Y 3, E Z 4);

/// The first parts of a composed key with the parts `V`, and how many they are: a value for one, a
/// tuple for several.
///
/// [`SortKey::begins_with_parts`](crate::expression::SortKey::begins_with_parts) takes them.
///
/// A function of your own that takes them:
///
/// ```no_run
/// use envelope_dynamo::record::IntoFirstParts;
/// use envelope_dynamo::{Envelope, Error, Table};
///
/// #[derive(Envelope)]
/// #[envelope(table = "shop")]
/// #[partition_key(name = "pk", format = "USER#{user_id}")]
/// #[sort_key(name = "sk", format = "ORDER#{day}#{number:06}")]
/// struct Order {
///     #[key]
///     user_id: String,
///     #[key]
///     day: String,
///     #[key]
///     number: u32,
///     #[encrypted]
///     card: String,
/// }
///
/// async fn orders_from<const N: usize>(
///     orders: &Table<Order>,
///     beginning: impl IntoFirstParts<(String, u32), N>,
/// ) -> Result<Vec<Order>, Error> {
///     orders.query("u_1").sort(|key| key.begins_with_parts(beginning)).send().await
/// }
///
/// # async fn example(orders: Table<Order>) -> Result<(), Error> {
/// orders_from(&orders, "2026-11-22").await?;
/// orders_from(&orders, ("2026-11-22", 17)).await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the beginning of this composed key",
    label = "the parts of the key are `{V}`",
    note = "pass its first part, or a tuple of its first parts"
)]
pub trait IntoFirstParts<V, const N: usize> {
    /// Converts into the texts of the parts.
    #[doc(hidden)]
    fn into_first_parts(self) -> FirstParts;
}

/// The first parts of a composed key as text.
#[doc(hidden)]
#[derive(Debug)]
pub struct FirstParts(pub(crate) Result<Vec<Part>, ValueError>);

/// The part that a value is written as.
fn part<V: Serialize>(value: &V) -> Result<Part, ValueError> {
    const ABSENT: ValueError =
        ValueError::format("is a part of a composed key, so it must have a value");
    Part::of_attribute(&to_attribute_value(value)?)?.ok_or(ABSENT)
}

macro_rules! into_first_parts {
    ($n:literal: $($argument:ident $value:ident $index:tt),+; $($rest:ident),*) => {
        impl<$($argument: IntoValue<$value>, $value: Serialize,)+ $($rest),*>
            IntoFirstParts<($($value,)+ $($rest,)*), $n> for ($($argument,)+)
        {
            fn into_first_parts(self) -> FirstParts {
                let parts = || Ok(vec![$(part::<$value>(&self.$index.into_value())?),+]);
                FirstParts(parts())
            }
        }
    };
    (one: $($rest:ident),+) => {
        impl<A: IntoValue<V>, V: Serialize, $($rest),+> IntoFirstParts<(V, $($rest,)+), 1> for A {
            fn into_first_parts(self) -> FirstParts {
                FirstParts(part::<V>(&self.into_value()).map(|part| vec![part]))
            }
        }
    };
}

into_first_parts!(one: R1);

into_first_parts!(one: R1, R2);

into_first_parts!(one: R1, R2, R3);

into_first_parts!(one: R1, R2, R3, R4);

into_first_parts!(2: A V 0, B W 1;);

into_first_parts!(2: A V 0, B W 1; R1);

into_first_parts!(2: A V 0, B W 1; R1, R2);

into_first_parts!(2: A V 0, B W 1; R1, R2, R3);

into_first_parts!(3: A V 0, B W 1, C X 2;);

into_first_parts!(3: A V 0, B W 1, C X 2; R1);

into_first_parts!(3: A V 0, B W 1, C X 2; R1, R2);

into_first_parts!(4: A V 0, B W 1, C X 2, D Y 3;);

into_first_parts!(4: A V 0, B W 1, C X 2, D Y 3; R1);

into_first_parts!(5: A V 0, B W 1, C X 2, D Y 3, E Z 4;);

/// A value that can be passed as a `V`: a `V`, a `&V`, or its borrowed form.
///
/// The borrowed forms are `&str` for `String`, `Cow<str>` and `Zeroizing<String>`, and `&[u8]` or
/// `&[u8; N]` for `Vec<u8>`. For an `Option<V>`, a plain `V` can be passed too.
///
/// ```
/// use envelope_dynamo::record::IntoValue;
///
/// fn plan(plan: impl IntoValue<Option<String>>) -> Option<String> {
///     plan.into_value()
/// }
///
/// assert_eq!(plan("pro"), Some("pro".to_owned()));
/// assert_eq!(plan("pro".to_owned()), plan(Some("pro".to_owned())));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as a value of type `{V}`",
    note = "pass a `{V}` or a `&{V}`; for a `String` also a `&str`, and for a `Vec<u8>` also a `&[u8]`",
    note = "for the `Parts` of a composed key, pass a tuple: `(7, \"o_1\")`"
)]
pub trait IntoValue<V> {
    /// Converts into the value.
    fn into_value(self) -> V;
}

impl<V> IntoValue<V> for V {
    fn into_value(self) -> V {
        self
    }
}

impl<V: Clone> IntoValue<V> for &V {
    fn into_value(self) -> V {
        self.clone()
    }
}

impl<V> IntoValue<Option<V>> for V {
    fn into_value(self) -> Option<V> {
        Some(self)
    }
}

impl IntoValue<String> for &str {
    fn into_value(self) -> String {
        self.to_owned()
    }
}

impl IntoValue<Option<String>> for &str {
    fn into_value(self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl IntoValue<Zeroizing<String>> for &str {
    fn into_value(self) -> Zeroizing<String> {
        Zeroizing::new(self.to_owned())
    }
}

impl IntoValue<Option<Zeroizing<String>>> for &str {
    fn into_value(self) -> Option<Zeroizing<String>> {
        Some(self.into_value())
    }
}

impl<'a> IntoValue<Cow<'a, str>> for &'a str {
    fn into_value(self) -> Cow<'a, str> {
        Cow::Borrowed(self)
    }
}

impl IntoValue<Vec<u8>> for &[u8] {
    fn into_value(self) -> Vec<u8> {
        self.to_vec()
    }
}

impl<const N: usize> IntoValue<Vec<u8>> for &[u8; N] {
    fn into_value(self) -> Vec<u8> {
        self.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_str_can_be_passed_as_a_key_that_is_wiped() {
        let key: Partition<Zeroizing<String>> = "u_1".into_key();
        assert_eq!(key.partition.as_str(), "u_1");
        let value: Option<Zeroizing<String>> = "u_1".into_value();
        assert_eq!(value.as_ref().map(|value| value.as_str()), Some("u_1"));
    }
}
