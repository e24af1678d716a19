//! Structs with fields of every kind that serde has, to read bytes into.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use envelope_dynamo::Envelope;
use envelope_dynamo::convert::{binary_set, number_set, string_set};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Names of fields, entries and variants below, and a few unknown names.
pub(crate) const NAMES: [&str; 47] = [
    "id",
    "at",
    "text",
    "wide",
    "letter",
    "floats",
    "nested",
    "external",
    "internal",
    "adjacent",
    "untagged",
    "bytes",
    "map",
    "unit",
    "pair",
    "old",
    "plan",
    "tags",
    "numbers",
    "blobs",
    "document",
    "tenant",
    "count",
    "doubly",
    "inner",
    "encrypted_payload",
    "encrypted_dek",
    "Unit",
    "Newtype",
    "Tuple",
    "Struct",
    "a",
    "b",
    "kind",
    "t",
    "c",
    "Host",
    "other",
    "",
    "version",
    "encrypted_payload_g",
    "encrypted_dek_g",
    "write",
    "also_search",
    "write_from",
    "cancelled",
    "max_age",
];

/// An enum in the default representation of serde.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum External {
    Unit,
    Newtype(Box<External>),
    Tuple(u8, char),
    Struct { a: Option<Box<External>>, b: bool },
}

/// An internally tagged enum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub(crate) enum Internal {
    Unit,
    Newtype(BTreeMap<String, Json>),
    Struct { a: Option<f32>, b: i128 },
}

/// An adjacently tagged enum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
pub(crate) enum Adjacent {
    Unit,
    Newtype(u64),
    Tuple(String, Vec<u8>),
    Struct { a: Option<Option<u8>> },
}

/// An untagged enum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Untagged {
    Host(std::net::IpAddr),
    Number(i64),
    List(Vec<Untagged>),
    Map(BTreeMap<String, Untagged>),
    Anything(Json),
}

/// A recursive struct with a flattened map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Nested {
    pub(crate) inner: Option<Box<Nested>>,
    pub(crate) pair: (u8, Option<char>),
    pub(crate) unit: (),
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, Json>,
}

/// Serializes as bytes. For serde, a `Vec<u8>` is a sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

/// A record with every mark and nearly every kind of type.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "hostile", context(purpose = "fuzz"))]
#[serde(default)]
pub(crate) struct Everything {
    #[partition_key]
    id: String,
    #[encrypted]
    text: Option<Cow<'static, str>>,
    #[encrypted]
    wide: (i128, u128),
    #[encrypted]
    letter: Option<char>,
    #[encrypted]
    floats: Vec<Option<f64>>,
    #[encrypted]
    nested: Nested,
    #[encrypted]
    external: Option<External>,
    #[encrypted]
    internal: Option<Internal>,
    #[encrypted]
    adjacent: Option<Adjacent>,
    #[encrypted]
    untagged: Option<Untagged>,
    #[encrypted]
    bytes: Bytes,
    #[encrypted]
    map: BTreeMap<i16, (u8, bool)>,
    #[encrypted(accept = "plaintext")]
    #[serde(alias = "older")]
    old: Option<String>,
    #[authenticated]
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[authenticated]
    #[serde(with = "string_set")]
    tags: BTreeSet<String>,
    #[authenticated]
    #[serde(with = "number_set")]
    numbers: BTreeSet<i64>,
    #[authenticated]
    #[serde(with = "binary_set")]
    blobs: BTreeSet<Bytes>,
    #[authenticated]
    document: Json,
    #[authenticated]
    #[encryption_context]
    tenant: String,
    #[plaintext]
    count: i128,
    #[plaintext]
    doubly: Option<Option<External>>,
    #[plaintext]
    rest: BTreeMap<String, Json>,
}

impl Default for Everything {
    fn default() -> Self {
        Self {
            id: "r_1".into(),
            text: None,
            wide: (0, 0),
            letter: None,
            floats: Vec::new(),
            nested: Nested::default(),
            external: None,
            internal: None,
            adjacent: None,
            untagged: None,
            bytes: Bytes::default(),
            map: BTreeMap::new(),
            old: None,
            plan: None,
            tags: BTreeSet::new(),
            numbers: BTreeSet::new(),
            blobs: BTreeSet::new(),
            document: Json::Null,
            tenant: "t".into(),
            count: 0,
            doubly: None,
            rest: BTreeMap::new(),
        }
    }
}

/// A record with two keys, one of them a number, and the context form `hashed`.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "hostile", kms_context = "hashed")]
pub(crate) struct TwoKeys {
    #[partition_key]
    id: Bytes,
    #[sort_key]
    at: i64,
    #[authenticated]
    #[serde(default)]
    external: Option<External>,
    #[encrypted]
    #[serde(default)]
    rest: BTreeMap<String, Untagged>,
}

/// A record with an authenticated document.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "hostile", kms_context = "table")]
pub(crate) struct Document {
    #[partition_key]
    id: u64,
    #[encrypted]
    #[serde(default)]
    text: Option<char>,
    #[authenticated]
    #[serde(default)]
    rest: BTreeMap<String, Json>,
}

/// A record that refuses unknown fields.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "hostile")]
#[serde(deny_unknown_fields)]
pub(crate) struct Strict {
    #[partition_key]
    id: String,
    #[encrypted]
    a: Vec<Nested>,
    #[authenticated]
    b: Option<bool>,
    #[plaintext]
    c: Option<Adjacent>,
}
