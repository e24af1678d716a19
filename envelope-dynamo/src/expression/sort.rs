//! Conditions on a sort key: the one comparison that a query may add to its partition key.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::error::kind::ErrorKind;
use crate::expression::condition::{Comparison, Condition};
use crate::expression::placeholders::Placeholders;
use crate::record::Envelope;
use crate::record::attribute::{Attribute, Operand, mark};
use crate::record::field::Field;
use crate::record::index::{IndexKey, NextSearchedKey, NextSortKey, SortList, SortedBy};
use crate::record::key::{AnyKey, Composite, IntoFirstParts, IntoValue, Partition, Parts};

/// The sort key of a table or index, with values of type `V`; see
/// [`Query::sort`](crate::read::Query::sort).
///
/// DynamoDB orders numbers by value, and strings and binary by their bytes. A query can have one
/// condition on its sort key.
/// [`SortCondition`] has an example.
pub struct SortKey<T, V>(Attribute<T, V, mark::Key>);

/// A condition on a sort key; see [`Query::sort`](crate::read::Query::sort).
///
/// A query takes one, so there is no `and`. For several sort keys, use a range:
///
/// ```
/// # use aws_sdk_dynamodb::config::{BehaviorVersion, Config};
/// # use envelope_dynamo::{Envelope, Table};
/// # use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::expression::{SortCondition, SortKey};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "visits")]
/// # struct Visit {
/// #     #[partition_key] patient: String,
/// #     #[sort_key] day: String,
/// #     #[encrypted] notes: String,
/// # }
/// # let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
/// # let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
/// # let visits = Table::<Visit>::new(dynamodb, TestKeyProvider::default());
/// fn of(month: Option<u8>, day: &SortKey<Visit, String>) -> SortCondition<Visit> {
///     match month {
///         Some(month) => day.begins_with(format!("2026-{month:02}-")),
///         None => day.between("2026-01-01", "2026-12-31"),
///     }
/// }
///
/// let of_2026 = visits.query("p_1").sort(|day| of(None, day));
/// let of_march = visits.query("p_1").sort(|day| {
///     let condition = of(Some(3), day);
///     assert_eq!(format!("{condition:?}"), "begins_with(day, _)"); // shows no value
///     condition
/// });
/// ```
#[must_use = "a condition does nothing by itself"]
pub struct SortCondition<T> {
    condition: Option<Condition<T>>,
    /// The values of sort keys that are search tags. The tags are computed when the query runs.
    searched: Vec<Operand>,
}

impl<T> SortCondition<T> {
    const fn new(condition: Condition<T>) -> Self {
        Self { condition: Some(condition), searched: Vec::new() }
    }

    /// Takes out the values of sort keys that are search tags. They are secret.
    pub(crate) fn take_searched(&mut self) -> Vec<Operand> {
        std::mem::take(&mut self.searched)
    }

    /// The conditions, whose tags must have been computed before.
    fn into_conditions(self) -> impl Iterator<Item = Condition<T>> {
        self.searched.into_iter().map(equal).chain(self.condition)
    }
}

/// No method: `SortCondition` has no `and` that a program could call.
fn both<T>(first: SortCondition<T>, second: SortCondition<T>) -> SortCondition<T> {
    let condition = match (first.condition, second.condition) {
        (Some(first), Some(second)) => Some(first.and(second)),
        (first, second) => first.or(second),
    };
    SortCondition { condition, searched: [first.searched, second.searched].concat() }
}

fn equal<T>(operand: Operand) -> Condition<T> {
    Condition::compare(Comparison::Equal, operand)
}

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
        SortCondition::new(Condition::between(self.0.operand(low), self.0.operand(high)))
    }

    /// Is a string that begins with `prefix`. DynamoDB refuses it for keys that are numbers.
    pub fn begins_with(&self, prefix: impl Into<String>) -> SortCondition<T> {
        let value = Ok(AttributeValue::S(prefix.into()));
        SortCondition::new(Condition::begins_with(Operand::serialized(self.0.name(), value)))
    }

    fn compare(&self, comparison: Comparison, value: impl IntoValue<V>) -> SortCondition<T> {
        SortCondition::new(Condition::compare(comparison, self.0.operand(value)))
    }
}

/// Conditions on the first parts of a composed key.
///
/// Only numbers that are padded with zeros compare as numbers. Text compares by its bytes, together
/// with the separator after it.
///
/// They need parts that are written as their types are. If a part has `#[serde(with = ..)]`, the
/// query fails: compare whole keys, or use [`begins_with`](Self::begins_with).
impl<T, V> SortKey<T, Parts<V>> {
    /// Begins with these first parts: one value, or a tuple of several.
    ///
    /// The separator after the last of them is part of the condition, so `7` does not begin `70`.
    /// With all parts, the condition is that the key is equal.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// #[derive(Envelope)]
    /// #[envelope(table = "shop")]
    /// #[partition_key(name = "pk", format = "USER#{user_id}")]
    /// #[sort_key(name = "sk", format = "ORDER#{day}#{number:06}#{part}")]
    /// struct Order {
    ///     #[key]
    ///     user_id: String,
    ///     #[key]
    ///     day: String,
    ///     #[key]
    ///     number: u32,
    ///     #[key]
    ///     part: String,
    ///     #[encrypted]
    ///     card: String,
    /// }
    ///
    /// let orders = Table::<Order>::new(dynamodb, provider);
    /// let of_day = orders.query("u_1").sort(|key| key.begins_with_parts("2026-03-07"));
    /// let of_number = orders.query("u_1").sort(|key| key.begins_with_parts(("2026-03-07", 17)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn begins_with_parts<const N: usize>(
        &self,
        parts: impl IntoFirstParts<V, N>,
    ) -> SortCondition<T> {
        let (beginning, is_whole) = self.beginning(parts, |text| text);
        SortCondition::new(if is_whole {
            Condition::compare(Comparison::Equal, beginning)
        } else {
            Condition::begins_with(beginning)
        })
    }

    /// Begins with first parts from `low` to `high`, both included: with all keys that begin with
    /// `high`.
    pub fn between_parts<const N: usize, const M: usize>(
        &self,
        low: impl IntoFirstParts<V, N>,
        high: impl IntoFirstParts<V, M>,
    ) -> SortCondition<T> {
        let ((low, _), (high, _)) =
            (self.beginning(low, |text| text), self.beginning(high, after_all));
        SortCondition::new(Condition::between(low, high))
    }

    fn beginning<const N: usize>(
        &self,
        parts: impl IntoFirstParts<V, N>,
        bound: fn(String) -> String,
    ) -> (Operand, bool) {
        let first = self.0.compose_first(parts.into_first_parts());
        let is_whole = matches!(first, Ok((_, true)));
        let value = first
            .map(|(text, is_whole)| AttributeValue::S(if is_whole { text } else { bound(text) }));
        (Operand::serialized(self.0.name(), value), is_whole)
    }
}

/// The least text that is greater than every text with this beginning. No key of the format is
/// equal to it: the beginning ends with constant text.
fn after_all(beginning: String) -> String {
    let mut text = beginning;
    let next = text.pop().and_then(|last| ((last as u32 + 1)..).find_map(char::from_u32));
    text.push(next.unwrap_or(char::MAX));
    text
}

/// Which conditions the sort keys of an index take; see [`Query::sort`](crate::read::Query::sort).
/// You cannot implement this trait.
pub trait SortBy: IndexKey {
    /// What [`Query::sort`](crate::read::Query::sort) passes, for a record of type `T`.
    type Key<T>;

    #[doc(hidden)]
    fn key<T>(keys: Self::SortKeys<T>) -> Self::Key<T>;
}

/// For the message of the compiler: `sort` requires [`Sorted`](crate::record::index::Sorted) too.
impl<P> SortBy for Partition<P> {
    type Key<T> = SortKey<T, ()>;

    fn key<T>((): ()) -> SortKey<T, ()> {
        SortKey::new(Attribute::new(""))
    }
}

macro_rules! one_sort_key {
    ($($key:ident)*) => {$(
        impl<P, S> SortBy for $key<P, S> {
            type Key<T> = SortKey<T, S>;

            fn key<T>(key: Self::SortKeys<T>) -> SortKey<T, S> {
                SortKey::new(key)
            }
        }
    )*};
}

one_sort_key! { Composite AnyKey }

impl<P, L: SortList> SortBy for SortedBy<P, L> {
    type Key<T> = L::Keys<T>;

    fn key<T>(keys: Self::SortKeys<T>) -> Self::Key<T> {
        keys
    }
}

/// Conditions on the next of several sort keys.
impl<T, A, R: Copy> NextSortKey<T, A, R> {
    /// Is equal to `value`. The condition on the next sort key follows with [`AfterEqual::and`].
    pub fn eq(&self, value: impl IntoValue<A>) -> AfterEqual<T, R> {
        AfterEqual { condition: self.key().eq(value), rest: self.rest }
    }

    /// Is less than `value`.
    pub fn lt(&self, value: impl IntoValue<A>) -> SortCondition<T> {
        self.key().lt(value)
    }

    /// Is at most `value`.
    pub fn le(&self, value: impl IntoValue<A>) -> SortCondition<T> {
        self.key().le(value)
    }

    /// Is greater than `value`.
    pub fn gt(&self, value: impl IntoValue<A>) -> SortCondition<T> {
        self.key().gt(value)
    }

    /// Is at least `value`.
    pub fn ge(&self, value: impl IntoValue<A>) -> SortCondition<T> {
        self.key().ge(value)
    }

    /// Is between `low` and `high`, both included. DynamoDB refuses a `low` above the `high`.
    pub fn between(&self, low: impl IntoValue<A>, high: impl IntoValue<A>) -> SortCondition<T> {
        self.key().between(low, high)
    }

    /// Is a string that begins with `prefix`. DynamoDB refuses it for keys that are numbers.
    pub fn begins_with(&self, prefix: impl Into<String>) -> SortCondition<T> {
        self.key().begins_with(prefix)
    }

    const fn key(&self) -> SortKey<T, A> {
        SortKey::new(self.attribute)
    }
}

/// The condition that one of several sort keys is equal to a value, and the keys after it.
///
/// ```
/// # use aws_sdk_dynamodb::config::{BehaviorVersion, Config};
/// # use envelope_dynamo::{Envelope, Table};
/// # use envelope_dynamo::testing::TestKeyProvider;
/// #[derive(Envelope)]
/// #[envelope(
///     table = "visits",
///     index(name = "by-doctor", partition_key = doctor, sort_key = (day, start))
/// )]
/// struct Visit {
///     #[partition_key]
///     visit_id: String,
///     #[encrypted]
///     notes: String,
///     #[authenticated]
///     doctor: String,
///     #[authenticated]
///     day: String,
///     #[authenticated]
///     start: u32,
/// }
///
/// # let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
/// # let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
/// # let visits = Table::<Visit>::new(dynamodb, TestKeyProvider::default());
/// let by_doctor = visits.index(|indexes| indexes.by_doctor);
/// // It is a condition by itself, or leads to the next key. A range leads to none.
/// let of_day = by_doctor.query("d_1").sort(|day| day.eq("2026-03-07"));
/// let afternoon = by_doctor.query("d_1").sort(|day| {
///     let condition = day.eq("2026-03-07").and(|start| start.ge(1_200_u32));
///     assert_eq!(format!("{condition:?}"), "day = _ AND start >= _");
///     condition
/// });
/// ```
#[must_use = "a condition does nothing by itself"]
pub struct AfterEqual<T, R> {
    condition: SortCondition<T>,
    rest: R,
}

impl<T, A, R> AfterEqual<T, NextSortKey<T, A, R>> {
    /// Adds a condition on the next sort key.
    pub fn and<C: Into<SortCondition<T>>>(
        self,
        next: impl FnOnce(&NextSortKey<T, A, R>) -> C,
    ) -> SortCondition<T> {
        both(self.condition, next(&self.rest).into())
    }
}

impl<T, A, R> AfterEqual<T, NextSearchedKey<T, A, R>> {
    /// Adds a condition on the next sort key, which is a search tag.
    pub fn and<C: Into<SortCondition<T>>>(
        self,
        next: impl FnOnce(&NextSearchedKey<T, A, R>) -> C,
    ) -> SortCondition<T> {
        both(self.condition, next(&self.rest).into())
    }
}

/// The condition on a sort key that is a search tag.
impl<T, A, R: Copy> NextSearchedKey<T, A, R> {
    /// Is equal to `value` after the steps of the tag. The condition on the next sort key follows
    /// with [`AfterEqual::and`].
    pub fn eq(&self, value: impl IntoValue<A>) -> AfterEqual<T, R> {
        let searched = vec![self.attribute.operand(value)];
        AfterEqual { condition: SortCondition { condition: None, searched }, rest: self.rest }
    }
}

impl<T, R> From<AfterEqual<T, R>> for SortCondition<T> {
    fn from(equal: AfterEqual<T, R>) -> Self {
        equal.condition
    }
}

/// Shows the condition without values.
impl<T, R> fmt::Debug for AfterEqual<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)
    }
}

impl<T, V> fmt::Debug for SortKey<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SortKey").field(&self.0.name()).finish()
    }
}

impl<T: Envelope> SortCondition<T> {
    /// Limits a query to the keys that the composed key `sort` can have, if they start with
    /// constant text.
    pub(crate) fn key_prefix(sort: &Field) -> Option<Self> {
        let format = sort.key_format()?;
        let prefix = format.prefix();
        let operand = Operand::serialized(sort.name, Ok(AttributeValue::S(prefix.to_owned())));
        match (prefix, format.is_constant()) {
            ("", _) => None,
            (_, true) => Some(Self::new(equal(operand))),
            (_, false) => Some(Self::new(Condition::begins_with(operand))),
        }
    }
}

impl<T> Clone for SortCondition<T> {
    fn clone(&self) -> Self {
        Self { condition: self.condition.clone(), searched: self.searched.clone() }
    }
}

/// Shows the condition without values.
impl<T> fmt::Debug for SortCondition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clone().into_conditions().reduce(Condition::and) {
            Some(condition) => condition.fmt(f),
            None => Ok(()),
        }
    }
}

impl Placeholders {
    /// Renders the key condition of a query.
    pub(crate) fn key_condition<T>(
        &mut self,
        partition: Vec<Operand>,
        sort: Option<SortCondition<T>>,
    ) -> Result<String, ErrorKind> {
        let sort = sort.into_iter().flat_map(SortCondition::into_conditions);
        let conditions = partition.into_iter().map(equal::<T>).chain(sort);
        match conditions.reduce(Condition::and) {
            Some(condition) => condition.render(self),
            None => Ok(String::new()),
        }
    }
}
