//! Conditions on a sort key: the one comparison that a query may add to its partition key.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::error::kind::ErrorKind;
use crate::expression::condition::{Comparison, Condition};
use crate::expression::placeholders::Placeholders;
use crate::record::Envelope;
use crate::record::attribute::{Attribute, Operand, mark};
use crate::record::field::Origin;
use crate::record::key::IntoValue;

/// The sort key of a table or index, with values of type `V`; see
/// [`Query::sort`](crate::read::Query::sort).
///
/// DynamoDB orders numbers by value, and strings and binary by their bytes. A query can have one
/// condition on its sort key.
///
/// ```
/// # use envelope_dynamo::Envelope;
/// # use envelope_dynamo::expression::{SortCondition, SortKey};
/// # #[derive(Envelope)]
/// # #[envelope(table = "visits")]
/// # struct Visit {
/// #     #[partition_key] patient: String,
/// #     #[sort_key] day: String,
/// #     #[encrypted] notes: String,
/// # }
/// fn in_march(day: &SortKey<Visit, String>) -> SortCondition<Visit> {
///     day.begins_with("2026-03-")
/// }
/// ```
pub struct SortKey<T, V>(Attribute<T, V, mark::Key>);

/// A condition on a sort key; see [`Query::sort`](crate::read::Query::sort).
#[must_use = "a condition does nothing by itself"]
pub struct SortCondition<T>(Condition<T>);

impl<T, V> SortKey<T, V> {
    pub(crate) const fn new(key: Attribute<T, V, mark::Key>) -> Self {
        Self(key)
    }

    /// Is equal to `value`.
    pub fn eq(&self, value: impl IntoValue<V>) -> SortCondition<T> {
        self.compare(Comparison::Equal, value)
    }

    /// Is less than `value`.
    pub fn lt(&self, value: impl IntoValue<V>) -> SortCondition<T> {
        self.compare(Comparison::Less, value)
    }

    /// Is at most `value`.
    pub fn le(&self, value: impl IntoValue<V>) -> SortCondition<T> {
        self.compare(Comparison::LessOrEqual, value)
    }

    /// Is greater than `value`.
    pub fn gt(&self, value: impl IntoValue<V>) -> SortCondition<T> {
        self.compare(Comparison::Greater, value)
    }

    /// Is at least `value`.
    pub fn ge(&self, value: impl IntoValue<V>) -> SortCondition<T> {
        self.compare(Comparison::GreaterOrEqual, value)
    }

    /// Is between `low` and `high`, both included. DynamoDB refuses a `low` above the `high`.
    pub fn between(&self, low: impl IntoValue<V>, high: impl IntoValue<V>) -> SortCondition<T> {
        SortCondition(Condition::between(self.0.operand(low), self.0.operand(high)))
    }

    /// Is a string that begins with `prefix`. DynamoDB refuses it for keys that are numbers.
    pub fn begins_with(&self, prefix: impl Into<String>) -> SortCondition<T> {
        let value = Ok(AttributeValue::S(prefix.into()));
        SortCondition(Condition::begins_with(Operand { attribute: self.0.name(), value }))
    }

    fn compare(&self, comparison: Comparison, value: impl IntoValue<V>) -> SortCondition<T> {
        SortCondition(Condition::compare(comparison, self.0.operand(value)))
    }
}

impl<T, V> fmt::Debug for SortKey<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SortKey").field(&self.0.name()).finish()
    }
}

impl<T: Envelope> SortCondition<T> {
    /// Limits a query to the keys of the records of `T`, if their sort key is composed and starts
    /// with constant text.
    pub(crate) fn own_key_prefix() -> Option<Self> {
        let sort = T::SCHEMA.sort_key()?;
        let Origin::Composed(format) = sort.origin else { return None };
        let prefix = format.prefix();
        let operand =
            Operand { attribute: sort.name, value: Ok(AttributeValue::S(prefix.to_owned())) };
        match (prefix, format.is_constant()) {
            ("", _) => None,
            (_, true) => Some(Self(Condition::compare(Comparison::Equal, operand))),
            (_, false) => Some(Self(Condition::begins_with(operand))),
        }
    }
}

impl<T> Clone for SortCondition<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Shows the condition without values.
impl<T> fmt::Debug for SortCondition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Placeholders {
    /// Renders the key condition of a query.
    pub(crate) fn key_condition<T>(
        &mut self,
        partition: Operand,
        sort: Option<SortCondition<T>>,
    ) -> Result<String, ErrorKind> {
        let partition = Condition::<T>::compare(Comparison::Equal, partition);
        let condition = match sort {
            Some(SortCondition(sort)) => partition.and(sort),
            None => partition,
        };
        condition.render(self)
    }
}
