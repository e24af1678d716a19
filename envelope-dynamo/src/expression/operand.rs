//! The other side of a comparison: a value, or another attribute.

use crate::record::attribute::{Attribute, Operand, Readable, Serialized};
use crate::record::document_path::DocumentPath;
use crate::record::key::IntoValue;
use crate::record::path::AttributePath;

/// One side of a comparison.
#[doc(hidden)]
#[derive(Clone)]
pub struct Term(pub(crate) Side);

#[derive(Clone)]
pub(crate) enum Side {
    Path(DocumentPath),
    Size(DocumentPath),
    Value(Serialized),
}

impl From<Operand> for Term {
    fn from(operand: Operand) -> Self {
        Self(Side::Value(operand.into_serialized()))
    }
}

/// The kinds of operands. The compiler infers the kind; a function of your own that takes an
/// operand is generic over it.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::expression::{Condition, IntoOperand, operand_kind};
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
///     #[plaintext]
///     logins: u64,
///     #[plaintext]
///     allowed: u64,
///     #[plaintext]
///     limit: Option<u64>,
/// }
///
/// fn is_full<K>(limit: impl IntoOperand<User, u64, K>) -> Condition<User> {
///     User::attributes().logins.ge(limit)
/// }
///
/// let user = User::attributes();
/// assert_eq!(format!("{:?}", is_full(10)), "logins >= _");
/// assert_eq!(format!("{:?}", is_full(user.limit)), "logins >= limit");
///
/// // The same, with the kinds that the compiler infers.
/// is_full::<operand_kind::Value>(10);
/// is_full::<operand_kind::Attribute>(user.allowed);
/// is_full::<operand_kind::OptionalAttribute>(user.limit);
/// ```
pub mod operand_kind {
    /// A value; see [`operand_kind`](crate::expression::operand_kind).
    #[derive(Clone, Copy, Debug)]
    pub enum Value {}
    /// An attribute, or a path within one; see [`operand_kind`](crate::expression::operand_kind).
    #[derive(Clone, Copy, Debug)]
    pub enum Attribute {}
    /// An attribute or a path whose type is the `Option` of the other side; see
    /// [`operand_kind`](crate::expression::operand_kind).
    #[derive(Clone, Copy, Debug)]
    pub enum OptionalAttribute {}
}

/// An operand that can be compared with a value of type `V`.
///
/// The operand is a value ([`IntoValue`]), or a readable [`Attribute`] or [`AttributePath`] of the
/// same record and type. `V` and `Option<V>` can be compared, since DynamoDB stores both in the
/// same form. The compiler infers `K`, one of the types in [`operand_kind`].
///
/// ```
/// # use envelope_dynamo::Envelope;
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key] user_id: String,
/// #     #[encrypted] email: String,
/// #     #[plaintext] logins: u64,
/// #     #[plaintext] limit: Option<u64>,
/// # }
/// let u = User::attributes();
/// assert_eq!(format!("{:?}", u.logins.lt(10)), "logins < _");
/// assert_eq!(format!("{:?}", u.logins.lt(u.limit)), "logins < limit");
/// ```
///
/// ```compile_fail,E0277
/// # use envelope_dynamo::Envelope;
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
/// let u = User::attributes();
/// u.user_id.eq(u.email); // an encrypted field cannot be compared
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared with a value of type `{V}`",
    note = "compare with a `{V}`, a `&{V}`, a `&str` or `&[u8]` where it is a `String` or \
            `Vec<u8>`, or a readable attribute of that type",
    note = "an encrypted field cannot be compared: DynamoDB sees only `encrypted_payload`"
)]
pub trait IntoOperand<T, V, K> {
    /// Converts into an operand; `write` serializes a value.
    #[doc(hidden)]
    fn into_operand(self, write: fn(V) -> Serialized) -> Term;
}

impl<T, V, X: IntoValue<V>> IntoOperand<T, V, operand_kind::Value> for X {
    fn into_operand(self, write: fn(V) -> Serialized) -> Term {
        Term(Side::Value(write(self.into_value())))
    }
}

macro_rules! paths {
    ($($place:ident)*) => {$(
        impl<T, V, M: Readable> IntoOperand<T, V, operand_kind::Attribute> for $place<T, V, M> {
            fn into_operand(self, _: fn(V) -> Serialized) -> Term {
                Term(Side::Path(self.document()))
            }
        }

        impl<T, V, M: Readable> IntoOperand<T, V, operand_kind::OptionalAttribute>
            for $place<T, Option<V>, M>
        {
            fn into_operand(self, _: fn(V) -> Serialized) -> Term {
                Term(Side::Path(self.document()))
            }
        }

        impl<T, V, M: Readable> IntoOperand<T, Option<V>, operand_kind::Attribute>
            for $place<T, V, M>
        {
            fn into_operand(self, _: fn(Option<V>) -> Serialized) -> Term {
                Term(Side::Path(self.document()))
            }
        }
    )*};
}

paths!(Attribute AttributePath);
