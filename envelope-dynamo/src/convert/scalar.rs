//! The DynamoDB type of a key, found from its Rust type without a value.

use std::fmt;

use aws_sdk_dynamodb::types::ScalarAttributeType;
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// The DynamoDB type of keys of type `T`; `None` if it depends on the value.
///
/// The function deserializes a `T` from a probe, which records whether the type asks for a string,
/// a number or bytes.
#[must_use]
pub fn scalar_type<T: Deserialize<'static>>() -> Option<ScalarAttributeType> {
    match T::deserialize(TypeProbe) {
        Err(RequestedType(scalar)) => scalar,
        Ok(_) => None,
    }
}

struct TypeProbe;

/// The type that was asked for. It is returned as an error, because the probe has no value.
#[derive(Debug)]
struct RequestedType(Option<ScalarAttributeType>);

impl fmt::Display for RequestedType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the type of a key was asked for")
    }
}

impl std::error::Error for RequestedType {}

impl serde::de::Error for RequestedType {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self(None)
    }
}

macro_rules! request {
    ($scalar:ident: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, RequestedType> {
            Err(RequestedType(Some(ScalarAttributeType::$scalar)))
        })*
    };
}

impl<'de> Deserializer<'de> for TypeProbe {
    type Error = RequestedType;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, RequestedType> {
        Err(RequestedType(None))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, RequestedType> {
        visitor.visit_newtype_struct(self)
    }

    /// A key attribute of an index may be absent, so its field may be an `Option`.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestedType> {
        visitor.visit_some(self)
    }

    /// An enum variant without data is stored as its name.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, RequestedType> {
        Err(RequestedType(Some(ScalarAttributeType::S)))
    }

    request! { S: deserialize_char deserialize_str deserialize_string deserialize_identifier }
    request! { B: deserialize_bytes deserialize_byte_buf }
    request! {
        N: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    forward_to_deserialize_any! { bool unit unit_struct seq tuple tuple_struct map struct ignored_any }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[derive(Deserialize)]
    struct Newtype(#[allow(dead_code)] u32);

    #[derive(Deserialize)]
    #[serde(from = "String")]
    struct Parsed;

    impl From<String> for Parsed {
        fn from(_text: String) -> Self {
            Self
        }
    }

    struct Bytes;

    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_byte_buf(serde::de::IgnoredAny).map(|_| Self)
        }
    }

    #[derive(Deserialize)]
    enum Plan {
        Pro,
    }

    #[test]
    fn the_dynamodb_type_of_a_key_follows_from_its_rust_type() {
        use ScalarAttributeType::{B, N, S};
        let _ = Plan::Pro;
        assert_eq!(scalar_type::<String>(), Some(S));
        assert_eq!(scalar_type::<Cow<'static, str>>(), Some(S));
        assert_eq!(scalar_type::<char>(), Some(S));
        assert_eq!(scalar_type::<Plan>(), Some(S));
        assert_eq!(scalar_type::<uuid::Uuid>(), Some(S));
        assert_eq!(scalar_type::<Parsed>(), Some(S));
        assert_eq!(scalar_type::<Option<u64>>(), Some(N));
        assert_eq!(scalar_type::<Newtype>(), Some(N));
        assert_eq!(scalar_type::<i128>(), Some(N));
        assert_eq!(scalar_type::<Bytes>(), Some(B));
        assert_eq!(scalar_type::<Vec<u8>>(), None);
        assert_eq!(scalar_type::<serde_json::Value>(), None);
    }
}
