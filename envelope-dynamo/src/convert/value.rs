//! Entry points: a serde value to a DynamoDB attribute, and back.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{FragileValues, ValueError};
use serde::{Deserialize, Serialize};

use crate::convert::{Deserializer, Serializer};

/// Serializes a value into an attribute.
///
/// # Errors
///
/// If the value's own serialization fails, a map key cannot be written as a string, or lists and
/// maps are nested deeper than `MAX_LEVELS`.
pub fn to_attribute_value<T: Serialize + ?Sized>(value: &T) -> Result<AttributeValue, ValueError> {
    to_attribute_counting(value, &mut FragileValues::default())
}

/// Like [`to_attribute_value`]; also counts in `fragile` the values that some types cannot read
/// back.
pub(crate) fn to_attribute_counting<T: Serialize + ?Sized>(
    value: &T,
    fragile: &mut FragileValues,
) -> Result<AttributeValue, ValueError> {
    value.serialize(Serializer::new(fragile))
}

/// Deserializes a value from an attribute.
///
/// # Errors
///
/// If the attribute does not have the value's type.
pub fn from_attribute_value<T: Deserialize<'static>>(
    stored: AttributeValue,
) -> Result<T, ValueError> {
    T::deserialize(Deserializer::new(stored))
}
