//! serde's data model in DynamoDB's terms: values to [`AttributeValue`]s and back.
//!
//! What a type is stored as is what `serde_dynamo` stores it as, so that a struct which already
//! lives in a table keeps its attributes. Reading accepts whatever `serde_dynamo` accepts. It
//! accepts more in these places, because otherwise a value could be written and never read again,
//! or a record could not be read for a value that nobody asked for:
//!
//! - the elements of a set may be newtypes or options, as they may be when they are written;
//! - a field that is ignored is not looked at, so its type may be one that this version of the AWS
//!   SDK does not know.
//!
//! Integers of 128 bits are numbers here; `serde_dynamo` refuses them. A number that is asked for
//! without a type, and that is a whole number of more than 64 bits, is read as an integer of 128
//! bits; `serde_dynamo` reads the nearest `f64`.

pub(crate) mod absent;
pub(crate) mod de;
pub(crate) mod epoch_seconds;
pub(crate) mod key;
pub(crate) mod number;
pub(crate) mod scalar;
pub(crate) mod ser;
pub(crate) mod sets;
pub(crate) mod storable;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::ValueError;

pub(crate) use crate::convert::absent::absent_value;
pub(crate) use crate::convert::de::Deserializer;
pub use crate::convert::epoch_seconds::EpochSeconds;
pub(crate) use crate::convert::key::{KeyDeserializer, KeySerializer};
pub(crate) use crate::convert::scalar::scalar_type;
pub(crate) use crate::convert::ser::Serializer;
pub use crate::convert::sets::{binary_set, number_set, string_set};
pub(crate) use crate::convert::storable::check_storable;
pub(crate) use crate::convert::value::{
    from_attribute_value, to_attribute_counting, to_attribute_value,
};

/// DynamoDB's name for the type of an attribute.
pub(crate) const fn type_name(attribute: &AttributeValue) -> &'static str {
    match attribute {
        AttributeValue::S(_) => "S",
        AttributeValue::N(_) => "N",
        AttributeValue::B(_) => "B",
        AttributeValue::Bool(_) => "BOOL",
        AttributeValue::Null(_) => "NULL",
        AttributeValue::L(_) => "L",
        AttributeValue::M(_) => "M",
        AttributeValue::Ss(_) => "SS",
        AttributeValue::Ns(_) => "NS",
        AttributeValue::Bs(_) => "BS",
        _ => "a type to come",
    }
}

/// Lists and maps inside one another: twice what DynamoDB stores (32 levels), and few enough for
/// any stack.
const MAX_LEVELS: u8 = 64;

/// How many levels of lists and maps may still follow.
#[derive(Clone, Copy)]
struct Depth(u8);

impl Depth {
    const fn full() -> Self {
        Self(MAX_LEVELS)
    }

    fn descend(self) -> Result<Self, ValueError> {
        self.0.checked_sub(1).map(Self).ok_or(ValueError::format("nested too deeply"))
    }
}
