//! Unique fields: no two records of a table have the same value.

use std::fmt;

use crate::convert::searched::SearchedValues;
use crate::record::Envelope;
use crate::record::attribute::{Attribute, OperandValue, mark};
use crate::record::key::IntoValue;

/// A record with a `#[searchable(unique)]` field.
///
/// The derive implements this trait. [`Table::unique`](crate::Table::unique) gets a record by the
/// value of such a field.
#[diagnostic::on_unimplemented(
    message = "no field of `{Self}` is unique",
    label = "has no `#[searchable(unique)]` field",
    note = "mark an encrypted field: `#[encrypted] #[searchable(unique)] email: String`",
    note = "a `#[searchable]` field without `unique` is found through an index: \
            `.index(|i| i.by_email).query(value)`"
)]
pub trait UniqueFields: Envelope {
    /// A struct with a [`UniqueField`] for each unique field.
    type Uniques;

    /// The unique fields.
    fn uniques() -> Self::Uniques;
}

/// A record without a `#[searchable(unique)]` field, or an enum of such records.
///
/// Calls that cannot make [claims](crate::Table::with_claims) require it: [batches of
/// puts](crate::Table::batch_put), and requests that the caller sends. The derive implements this
/// trait. Do not implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has a unique field, and this call cannot claim its value",
    label = "has a `#[searchable(unique)]` field",
    note = "a claim and its record are written in one transaction: put records one by one, \
            `.put(&record).send()`; of an enum's table, `shop.of::<User>().put(&user).send()`",
    note = "put several in one transaction: `transact_write(..).put(users.put(&user))`"
)]
pub trait Unclaimed {}

/// A unique field of the record `T`, with values of type `V`.
///
/// Derived code makes one for each `#[searchable(unique)]`; [`Table::unique`](crate::Table::unique)
/// takes it.
pub struct UniqueField<T, V>(Attribute<T, V, mark::Key>);

impl<T, V> UniqueField<T, V> {
    /// A field with this search tag, for derived code.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(tag: Attribute<T, V, mark::Key>) -> Self {
        Self(tag)
    }

    /// The attribute of the search tag, and the values that are asked for.
    pub(crate) fn asked(&self, value: impl IntoValue<V>) -> (&'static str, SearchedValues) {
        match self.0.operand(value).value {
            OperandValue::Searched(values) => (self.0.name(), values),
            // Derived code gives search tags alone.
            OperandValue::Serialized(_) => (self.0.name(), Ok(None)),
        }
    }
}

impl<T, V> Clone for UniqueField<T, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, V> Copy for UniqueField<T, V> {}

impl<T, V> fmt::Debug for UniqueField<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UniqueField").field(&self.0.name()).finish()
    }
}
