//! A serde value as a DynamoDB attribute, and back.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{FragileValues, ValueError};
use serde::{Deserialize, Serialize};

use crate::convert::{Deserializer, Serializer};

/// Serializes a value into the attribute that stores it.
///
/// # Errors
///
/// What the value's own serialization reports, a map key that is not like a string, and nesting
/// beyond `MAX_LEVELS`.
pub fn to_attribute_value<T: Serialize + ?Sized>(value: &T) -> Result<AttributeValue, ValueError> {
    to_attribute_counting(value, &mut FragileValues::default())
}

/// The same; what not every type reads back is added to `fragile`.
pub(crate) fn to_attribute_counting<T: Serialize + ?Sized>(
    value: &T,
    fragile: &mut FragileValues,
) -> Result<AttributeValue, ValueError> {
    value.serialize(Serializer::new(fragile))
}

/// Deserializes a value from the attribute that stores it.
///
/// # Errors
///
/// When the attribute is not one of the value's type.
pub fn from_attribute_value<T: Deserialize<'static>>(
    stored: AttributeValue,
) -> Result<T, ValueError> {
    T::deserialize(Deserializer::new(stored))
}
