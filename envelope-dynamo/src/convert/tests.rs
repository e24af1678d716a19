//! Parity with `serde_dynamo`: both store the same attributes, and each reads what the other wrote.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

pub(crate) mod depth;
pub(crate) mod enums;
pub(crate) mod errors;
pub(crate) mod keys;
pub(crate) mod properties;
pub(crate) mod sets;
pub(crate) mod tree;
pub(crate) mod unknown;
pub(crate) mod values;

use std::collections::HashMap;
use std::fmt::Debug;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::ValueError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, de};

use crate::convert::{Deserializer, to_attribute_value};

fn from_attribute_value<T: DeserializeOwned>(attribute: AttributeValue) -> Result<T, ValueError> {
    T::deserialize(Deserializer::new(attribute))
}

/// Asserts that both libraries store the value alike, and that each reads both as an equal value.
#[track_caller]
fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) -> AttributeValue {
    let ours = to_attribute_value(&value).unwrap();
    let theirs: AttributeValue = serde_dynamo::to_attribute_value(&value).unwrap();
    assert_eq!(ours, theirs, "stored otherwise: {value:?}");
    let read_by_us: T = from_attribute_value(theirs).unwrap();
    let read_by_them: T = serde_dynamo::from_attribute_value(ours.clone()).unwrap();
    assert_eq!(read_by_us, value, "read otherwise by us");
    assert_eq!(read_by_them, value, "read otherwise by serde_dynamo");
    ours
}

/// Like [`same`]; also asserts the stored attribute.
#[track_caller]
fn same_as<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    value: T,
    attribute: AttributeValue,
) {
    assert_eq!(same(value), attribute);
}

/// Asserts that both libraries store the value alike, for values that are not read back as equal.
#[track_caller]
fn stored_alike<T: Serialize + ?Sized>(value: &T) -> AttributeValue {
    let ours = to_attribute_value(value).unwrap();
    assert_eq!(ours, serde_dynamo::to_attribute_value::<_, AttributeValue>(value).unwrap());
    ours
}

/// Asserts that both libraries refuse to store the value. Returns our error.
#[track_caller]
fn both_refuse<T: Serialize + ?Sized>(value: &T) -> ValueError {
    assert!(serde_dynamo::to_attribute_value::<_, AttributeValue>(value).is_err());
    to_attribute_value(value).unwrap_err()
}

/// Asserts that both libraries read the attribute as the same value, or that both refuse it.
///
/// The values are compared in their `Debug` form, in which NaN is equal to NaN.
#[track_caller]
fn read_alike<T: DeserializeOwned + Debug>(attribute: &AttributeValue) -> Option<T> {
    let ours = from_attribute_value::<T>(attribute.clone()).ok();
    let theirs = serde_dynamo::from_attribute_value::<_, T>(attribute.clone()).ok();
    assert_eq!(
        format!("{ours:?}"),
        format!("{theirs:?}"),
        "{attribute:?} read as {}",
        std::any::type_name::<T>()
    );
    ours
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(text: &str) -> AttributeValue {
    AttributeValue::N(text.to_owned())
}

fn b(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(bytes))
}

fn l<const N: usize>(list: [AttributeValue; N]) -> AttributeValue {
    AttributeValue::L(list.into())
}

fn m<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
    AttributeValue::M(
        entries
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<HashMap<_, _>>(),
    )
}

/// Bytes to serde, like `serde_bytes::ByteBuf`. A `Vec<u8>` is a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct ByteBuf(Vec<u8>);

impl Serialize for ByteBuf {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for ByteBuf {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ByteBuf;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<ByteBuf, E> {
                Ok(ByteBuf(bytes.to_vec()))
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<ByteBuf, E> {
                Ok(ByteBuf(bytes))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteBuf, E> {
                Ok(ByteBuf(text.as_bytes().to_vec()))
            }
        }

        deserializer.deserialize_byte_buf(Visitor)
    }
}
