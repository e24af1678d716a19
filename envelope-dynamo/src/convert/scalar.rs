//! Which DynamoDB type a key of a Rust type has, as far as the type itself tells.

use std::fmt;

use aws_sdk_dynamodb::types::ScalarAttributeType;
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// The DynamoDB type that keys of type `T` have; `None` if it does not say before it has seen a
/// value.
///
/// A type is asked what it would read: a string, a number or bytes.
#[must_use]
pub fn scalar_type<T: Deserialize<'static>>() -> Option<ScalarAttributeType> {
    match T::deserialize(Question) {
        Err(Answer(answer)) => answer,
        Ok(_) => None,
    }
}

struct Question;

/// What a type asked for; an error, because there is no value.
#[derive(Debug)]
struct Answer(Option<ScalarAttributeType>);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a question was asked")
    }
}

impl std::error::Error for Answer {}

impl serde::de::Error for Answer {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self(None)
    }
}

macro_rules! answers {
    ($scalar:ident: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Answer> {
            Err(Answer(Some(ScalarAttributeType::$scalar)))
        })*
    };
}

impl<'de> Deserializer<'de> for Question {
    type Error = Answer;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Answer> {
        Err(Answer(None))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Answer> {
        visitor.visit_newtype_struct(self)
    }

    /// An attribute of an index may be absent.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Answer> {
        visitor.visit_some(self)
    }

    /// The variants of a key are written as their names.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Answer> {
        Err(Answer(Some(ScalarAttributeType::S)))
    }

    answers! { S: deserialize_char deserialize_str deserialize_string deserialize_identifier }
    answers! { B: deserialize_bytes deserialize_byte_buf }
    answers! {
        N: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
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
    fn a_type_says_what_it_reads() {
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
