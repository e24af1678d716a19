//! A write by key changes a record of its own type, and none of another type under the same key.
//!
//! Composed keys tell types apart before a request is sent. An attribute of `entity(..)` is only in
//! the item, so the request has a condition on it.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::write::WriteError;
use crate::expression::Condition;
use crate::record::Envelope;
use crate::record::item_key::partition_key;
use crate::record::kind::Kind;

/// The condition that the stored item is of type `T`, or that there is none; `None` if its key says
/// so.
pub(crate) fn absent_or_own<T: Envelope>() -> Option<Condition<T>> {
    let has =
        |(name, value): (_, &str)| Condition::equals(name, AttributeValue::S(value.to_owned()));
    let own = T::SCHEMA.constants().map(has).reduce(Condition::and)?;
    Some(Condition::not_exists(partition_key::<T>()).or(own))
}

/// Changes the error of a failed condition to say that the stored item is of another type, if it
/// is.
pub(crate) fn name_other_type(error: Error, kind: &Kind) -> Error {
    let found = error
        .returned_item()
        .filter(|_| matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)));
    match found.and_then(|found| kind.mismatch(found)) {
        Some(kind) => error.with_kind(kind),
        None => error,
    }
}
