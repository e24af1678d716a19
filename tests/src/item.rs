//! DynamoDB items and requests: building, reading and changing them.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

/// An item as DynamoDB stores it.
pub type Item = HashMap<String, AttributeValue>;

/// An attribute of type S.
#[must_use]
pub fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// An attribute of type N.
#[must_use]
pub fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// An attribute of type B.
#[must_use]
pub fn binary(bytes: impl AsRef<[u8]>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes.as_ref()))
}

/// The bytes of the attribute `name`, which must be of type B.
#[must_use]
#[track_caller]
pub fn bytes_of(item: &Item, name: &str) -> Vec<u8> {
    item[name].as_b().expect("an attribute of type B").as_ref().to_vec()
}

/// The names of an item's attributes in alphabetical order.
#[must_use]
pub fn names_of(item: &Item) -> Vec<&str> {
    let mut names: Vec<_> = item.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// A copy of the item in which the attribute `name` has another value, or is removed.
#[must_use]
pub fn with(item: &Item, name: &str, value: impl Into<Option<AttributeValue>>) -> Item {
    let mut item = item.clone();
    match value.into() {
        Some(value) => item.insert(name.to_owned(), value),
        None => item.remove(name),
    };
    item
}

/// Bytes in standard base64, as the AWS SDKs send them.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

/// A request or an answer, which is JSON.
#[must_use]
#[track_caller]
pub fn json(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).expect("JSON")
}
