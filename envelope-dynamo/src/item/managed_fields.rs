//! Fields that the library manages: version, creation time, update time and time to live.

use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::convert::epoch_seconds::seconds_since_epoch;
use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::expression::placeholders::Placeholders;
use crate::expression::{Clauses, Condition, Limit};
use crate::record::Envelope;
use crate::record::field::{Field, Mark, Role};
use crate::record::schema::Schema;

/// The version that a write expects to find.
pub(crate) struct ExpectedVersion {
    attribute: &'static str,
    value: Option<AttributeValue>,
    /// Whether the record was never stored.
    is_first: bool,
}

impl ExpectedVersion {
    pub(crate) fn condition<T>(self) -> Condition<T> {
        let Self { attribute, value, is_first } = self;
        match (value, is_first) {
            (Some(value), false) => Condition::equals(attribute, value),
            (Some(value), true) => {
                Condition::not_exists(attribute).or(Condition::equals(attribute, value))
            }
            (None, _) => Condition::not_exists(attribute),
        }
    }
}

/// Increments the version of a record that is put, and sets its timestamps.
pub(crate) fn put(
    schema: Schema,
    item: &mut Item,
    now: SystemTime,
) -> Result<Option<ExpectedVersion>, ErrorKind> {
    check_time_to_live(schema, item)?;
    for field in schema.iter() {
        let sets_time = match field.role {
            Some(Role::Created) => is_unset(item.get(field.name)),
            role => role == Some(Role::Updated),
        };
        if sets_time {
            item.insert(field.name.to_owned(), seconds(now));
        }
    }
    count(schema, item)
}

/// Increments the version of a record that is modified, and sets its update time.
pub(crate) fn change(schema: Schema, item: &mut Item, now: SystemTime) -> Result<(), ErrorKind> {
    check_time_to_live(schema, item)?;
    if let Some(field) = schema.updated() {
        item.insert(field.name.to_owned(), seconds(now));
    }
    count(schema, item).map(|_| ())
}

/// The managed fields of an item.
pub(crate) fn of(schema: Schema, item: &Item) -> Item {
    let managed = schema.iter().filter(|field| field.role.is_some());
    let value = |field: &Field| Some((field.name.to_owned(), item.get(field.name)?.clone()));
    managed.filter_map(value).collect()
}

/// Restores the managed fields, which a change by the caller must not alter.
pub(crate) fn restore(schema: Schema, item: &mut Item, before: &Item) {
    for field in schema.iter().filter(|field| field.is_managed()) {
        match before.get(field.name) {
            Some(value) => item.insert(field.name.to_owned(), value.clone()),
            None => item.remove(field.name),
        };
    }
}

/// Adds the clauses that increment the version and set the update time of a record in place. An
/// authenticated version cannot change in place.
pub(crate) fn update(
    schema: Schema,
    clauses: &mut Clauses,
    placeholders: &mut Placeholders,
    now: SystemTime,
) {
    for field in schema.with_mark(Mark::Plaintext) {
        match field.role {
            Some(Role::Version { .. }) => {
                let (name, one) = (placeholders.name(field.name), placeholders.value(number(1)));
                clauses.add.push(format!("{name} {one}"));
            }
            Some(Role::Updated) => {
                let (name, now) = (placeholders.name(field.name), placeholders.value(seconds(now)));
                clauses.set.push(format!("{name} = {now}"));
            }
            Some(Role::Created | Role::Ttl) | None => {}
        }
    }
}

/// The limit of a version that is incremented in place.
pub(crate) fn version_limit(schema: Schema) -> Option<Limit> {
    let (field, max) = schema.version()?;
    (field.mark == Mark::Plaintext).then(|| Limit::of_version(field.name, max))
}

fn count(schema: Schema, item: &mut Item) -> Result<Option<ExpectedVersion>, ErrorKind> {
    let Some((&Field { name: attribute, .. }, max)) = schema.version() else { return Ok(None) };
    let refuse = |reason| {
        ErrorKind::Usage(UsageError::Attribute { attribute: attribute.to_owned(), reason })
    };
    let value = item.get(attribute).cloned();
    let stored = match &value {
        None | Some(AttributeValue::Null(_)) => 0,
        Some(AttributeValue::N(version)) => version
            .parse::<u64>()
            .map_err(|_| refuse("is a version, but not a whole number from 0"))?,
        Some(_) => return Err(refuse("is a version, but not stored as a number")),
    };
    if stored >= max {
        return Err(refuse("is a version that has reached the maximum of its type"));
    }
    item.insert(attribute.to_owned(), number(stored + 1));
    Ok(Some(ExpectedVersion { attribute, value, is_first: stored == 0 }))
}

/// Refuses a time to live that is not a number: DynamoDB would never delete the record.
fn check_time_to_live(schema: Schema, item: &Item) -> Result<(), ErrorKind> {
    match schema.ttl().and_then(|field| Some((field, item.get(field.name)?))) {
        None | Some((_, AttributeValue::N(_) | AttributeValue::Null(_))) => Ok(()),
        Some((field, _)) => Err(ErrorKind::Usage(UsageError::Attribute {
            attribute: field.name.to_owned(),
            reason: "is a time to live, but not stored as a number of seconds: DynamoDB would never delete the record",
        })),
    }
}

/// Whether the time to live of the record in `item` has passed.
pub(crate) fn has_expired<T: Envelope>(item: &Item, now: SystemTime) -> bool {
    let expires = T::SCHEMA.ttl().and_then(|field| item.get(field.name)?.as_n().ok());
    // DynamoDB also accepts fractions; only whole seconds are compared.
    let whole = |seconds: &String| {
        seconds.split('.').next().and_then(|seconds| seconds.parse::<u64>().ok())
    };
    expires.and_then(whole).is_some_and(|expires| expires <= seconds_since_epoch(now))
}

/// The version of the record in `item`.
pub(crate) fn version<T: Envelope>(item: &Item) -> Option<u64> {
    let (field, _) = T::SCHEMA.version()?;
    item.get(field.name)?.as_n().ok()?.parse().ok()
}

fn is_unset(value: Option<&AttributeValue>) -> bool {
    match value {
        None | Some(AttributeValue::Null(_)) => true,
        Some(AttributeValue::N(seconds)) => seconds == "0",
        Some(_) => false,
    }
}

fn seconds(time: SystemTime) -> AttributeValue {
    number(seconds_since_epoch(time))
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
