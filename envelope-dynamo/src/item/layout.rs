//! The attributes that hold payloads and wrapped data keys.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::convert::type_name;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::record::schema::{ENCRYPTED_DEK, ENCRYPTED_PAYLOAD};

/// The attribute that holds a group's sealed fields.
pub(crate) fn payload_attribute(group: &str) -> String {
    format!("{ENCRYPTED_PAYLOAD}_{group}")
}

/// The attribute that holds a group's wrapped data key.
pub(crate) fn dek_attribute(group: &str) -> String {
    format!("{ENCRYPTED_DEK}_{group}")
}

/// The bytes of an attribute that holds a payload or a wrapped data key.
pub(crate) fn binary(name: &str, attribute: AttributeValue) -> Result<Vec<u8>, ErrorKind> {
    match attribute {
        AttributeValue::B(bytes) => Ok(bytes.into_inner()),
        other => Err(ErrorKind::Data(DataError::NotBinary {
            attribute: name.to_owned(),
            found: type_name(&other),
        })),
    }
}
