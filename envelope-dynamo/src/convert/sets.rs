//! DynamoDB sets: the modules that a field names to be stored as one, and how elements are read.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::ValueError;
use serde::de::{IntoDeserializer, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

macro_rules! with_functions {
    ($set:expr, $elements:literal) => {
        /// Serializes a sequence as a set.
        ///
        /// # Errors
        #[doc = concat!("If the value is not a sequence, or an element is not ", $elements, ".")]
        pub fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
        where
            T: ::serde::Serialize + ?Sized,
            S: ::serde::Serializer,
        {
            serializer.serialize_newtype_struct($set.newtype(), value)
        }

        /// Deserializes a set, or a list, into a collection.
        ///
        /// # Errors
        ///
        /// If the collection's own deserialization fails.
        pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
        where
            T: ::serde::Deserialize<'de>,
            D: ::serde::Deserializer<'de>,
        {
            T::deserialize(deserializer)
        }
    };
}

/// Stores a field as a DynamoDB string set (`SS`): `#[serde(with =
/// "envelope_dynamo::convert::string_set")]`.
///
/// The field can be any collection whose elements serialize to strings. DynamoDB refuses empty sets
/// and sets with duplicates, so use a set type and skip the field while it is empty:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use std::collections::BTreeSet;
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, to_item};
///
/// #[derive(Envelope)]
/// #[envelope(table = "articles")]
/// struct Article {
///     #[partition_key]
///     article_id: String,
///     #[authenticated]
///     #[serde(with = "envelope_dynamo::convert::string_set")]
///     #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
///     tags: BTreeSet<String>,
/// }
///
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let tags = BTreeSet::from(["rust".to_owned(), "serde".to_owned()]);
/// let item = to_item(&Article { article_id: "a_1".into(), tags }, &provider).await?;
/// assert_eq!(item["tags"].as_ss().unwrap(), &["rust", "serde"]);
///
/// let none = Article { article_id: "a_2".into(), tags: BTreeSet::new() };
/// assert!(!to_item(&none, &provider).await?.contains_key("tags"));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// `serde_dynamo::string_set` has the same effect. Use that module if `serde_dynamo` also stores
/// the struct, because `serde_dynamo` does not recognize this one. Outside DynamoDB, and in an
/// encrypted payload, the field is a list.
pub mod string_set {
    with_functions!(crate::convert::sets::Set::Strings, "a string");
}

/// Stores a field as a DynamoDB number set (`NS`): `#[serde(with =
/// "envelope_dynamo::convert::number_set")]`.
///
/// The field can be any collection whose elements serialize to numbers. DynamoDB refuses empty sets
/// and sets with duplicates, so use a set type and skip the field while it is empty:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use std::collections::BTreeSet;
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, to_item};
///
/// #[derive(Envelope)]
/// #[envelope(table = "draws")]
/// struct Draw {
///     #[partition_key]
///     day: String,
///     #[authenticated]
///     #[serde(with = "envelope_dynamo::convert::number_set")]
///     #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
///     numbers: BTreeSet<u8>,
/// }
///
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let draw = Draw { day: "2026-11-22".into(), numbers: BTreeSet::from([42, 7]) };
/// let item = to_item(&draw, &provider).await?;
/// assert_eq!(item["numbers"].as_ns().unwrap(), &["7", "42"]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// `serde_dynamo::number_set` has the same effect. Use that module if `serde_dynamo` also stores
/// the struct, because `serde_dynamo` does not recognize this one. Outside DynamoDB, and in an
/// encrypted payload, the field is a list.
pub mod number_set {
    with_functions!(crate::convert::sets::Set::Numbers, "a number");
}

/// Stores a field as a DynamoDB binary set (`BS`): `#[serde(with =
/// "envelope_dynamo::convert::binary_set")]`.
///
/// The field can be any collection whose elements serialize to bytes, such as
/// `serde_bytes::ByteBuf`. serde treats a `Vec<u8>` as a sequence of numbers, not as bytes.
/// DynamoDB refuses empty sets and sets with duplicates, so use a set type and skip the field while
/// it is empty:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use std::collections::BTreeSet;
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, to_item};
///
/// /// Serializes as bytes, as `serde_bytes::ByteBuf` does. (`Deserialize` is not shown.)
/// #[derive(PartialEq, Eq, PartialOrd, Ord)]
/// struct Digest([u8; 2]);
///
/// impl serde::Serialize for Digest {
///     fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
///         serializer.serialize_bytes(&self.0)
///     }
/// }
/// # impl<'de> serde::Deserialize<'de> for Digest {
/// #     fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> { todo!() }
/// # }
///
/// #[derive(Envelope)]
/// #[envelope(table = "files")]
/// struct File {
///     #[partition_key]
///     path: String,
///     #[authenticated]
///     #[serde(with = "envelope_dynamo::convert::binary_set")]
///     #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
///     digests: BTreeSet<Digest>,
/// }
///
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let file = File { path: "a.pdf".into(), digests: BTreeSet::from([Digest([7, 8])]) };
/// let item = to_item(&file, &provider).await?;
/// assert_eq!(item["digests"].as_bs().unwrap()[0].as_ref(), [7, 8]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// `serde_dynamo::binary_set` has the same effect. Use that module if `serde_dynamo` also stores
/// the struct, because `serde_dynamo` does not recognize this one. Outside DynamoDB, and in an
/// encrypted payload, the field is a list.
pub mod binary_set {
    with_functions!(crate::convert::sets::Set::Binaries, "bytes");
}

/// The three kinds of set. A newtype with a reserved name asks for one.
///
/// The names are those of `serde_dynamo`, so that fields marked with its modules also become sets.
/// No Rust type can have such a name: U+037E, the Greek question mark, cannot be part of an
/// identifier.
#[derive(Clone, Copy)]
pub(crate) enum Set {
    Strings,
    Numbers,
    Binaries,
}

impl Set {
    const fn newtype(self) -> &'static str {
        match self {
            Self::Strings => "\u{37e}STRINGSET\u{37e}",
            Self::Numbers => "\u{37e}NUMBERSET\u{37e}",
            Self::Binaries => "\u{37e}BYTESSET\u{37e}",
        }
    }

    /// The set that a newtype of this name asks for, if any.
    pub(crate) fn requested_by(newtype: &str) -> Option<Self> {
        [Self::Strings, Self::Numbers, Self::Binaries]
            .into_iter()
            .find(|set| set.newtype() == newtype)
    }

    /// Converts the list that a value was serialized into to this set.
    pub(crate) fn of(self, list: AttributeValue) -> Result<AttributeValue, ValueError> {
        let AttributeValue::L(list) = list else { return Err(NOT_A_SEQUENCE) };
        match self {
            Self::Strings => elements(list, string).map(AttributeValue::Ss).ok_or(NOT_A_STRING),
            Self::Numbers => elements(list, number).map(AttributeValue::Ns).ok_or(NOT_A_NUMBER),
            Self::Binaries => elements(list, binary).map(AttributeValue::Bs).ok_or(NOT_BYTES),
        }
    }
}

const NOT_A_SEQUENCE: ValueError = ValueError::format(
    "a set is stored from a sequence, but the value is not a sequence: \
     leave an absent set out with `skip_serializing_if`",
);

const NOT_A_STRING: ValueError = ValueError::format("an element of a string set is not a string");

const NOT_A_NUMBER: ValueError = ValueError::format("an element of a number set is not a number");

const NOT_BYTES: ValueError = ValueError::format(
    "an element of a binary set is not bytes (serde writes a `Vec<u8>` as a list of numbers)",
);

fn elements<T>(
    list: Vec<AttributeValue>,
    element: fn(AttributeValue) -> Option<T>,
) -> Option<Vec<T>> {
    let mut elements = Vec::with_capacity(list.len());
    for value in list {
        elements.push(element(value)?);
    }
    Some(elements)
}

fn string(value: AttributeValue) -> Option<String> {
    if let AttributeValue::S(string) = value { Some(string) } else { None }
}

fn number(value: AttributeValue) -> Option<String> {
    if let AttributeValue::N(number) = value { Some(number) } else { None }
}

fn binary(value: AttributeValue) -> Option<Blob> {
    if let AttributeValue::B(bytes) = value { Some(bytes) } else { None }
}

/// Reads options and newtypes from a single element, because they are written as one.
macro_rules! transparent_wrappers {
    () => {
        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            visitor.visit_some(self)
        }

        fn deserialize_newtype_struct<V: Visitor<'de>>(
            self,
            _name: &'static str,
            visitor: V,
        ) -> Result<V::Value, ValueError> {
            visitor.visit_newtype_struct(self)
        }
    };
}

/// An element of a string set.
pub(crate) struct Text(pub(crate) String);

impl<'de> Deserializer<'de> for Text {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_string(self.0)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    transparent_wrappers!();

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ValueError> for Text {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// An element of a binary set.
pub(crate) struct Bytes(pub(crate) Blob);

impl<'de> Deserializer<'de> for Bytes {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_byte_buf(self.0.into_inner())
    }

    transparent_wrappers!();

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ValueError> for Bytes {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
