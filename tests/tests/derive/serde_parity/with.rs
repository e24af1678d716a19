//! `with`, `serialize_with`, `deserialize_with` and `borrow`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// Stores a type as text, by `Display` and `FromStr`.
mod as_text {
    use super::*;

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Stores bytes as B, as the crate `serde_bytes` does.
pub(crate) mod bytes {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        struct Bytes;

        impl de::Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }

        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// Stores a map as the list of its entries, for keys that are not text.
mod as_entries {
    use super::*;

    type Map = BTreeMap<(u8, bool), String>;

    pub(super) fn serialize<S: Serializer>(map: &Map, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map, D::Error> {
        Vec::<((u8, bool), String)>::deserialize(deserializer)
            .map(|entries| entries.into_iter().collect())
    }
}

fn cents<S: Serializer>(euros: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64((euros * 100.0).round() as i64)
}

fn euros<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    i64::deserialize(deserializer).map(|cents| cents as f64 / 100.0)
}

/// Distinguishes absent, null and a value.
fn double_option<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Written in the human-readable form, which both libraries request.
fn readable_or_not<S: Serializer>(_: &(), serializer: S) -> Result<S::Ok, S::Error> {
    serializer.is_human_readable().serialize(serializer)
}

fn never<S: Serializer>(_: &u8, _: S) -> Result<S::Ok, S::Error> {
    Err(ser::Error::custom("never"))
}

alike! {
    written_and_read_by_a_module: {
        #[serde(with = "as_text")]
        number: u64,
        #[serde(with = "as_text")]
        boolean: bool,
        #[serde(with = "bytes")]
        bytes: Vec<u8>,
        #[serde(with = "bytes")]
        no_bytes: Vec<u8>,
        #[serde(with = "as_entries", rename = "Entries")]
        entries: BTreeMap<(u8, bool), String>,
        /// Without `with`, a list of numbers.
        list: Vec<u8>,
    } = {
        number: u64::MAX,
        boolean: true,
        bytes: vec![0, 255],
        no_bytes: vec![],
        entries: [((1, true), "a".into()), ((1, false), "b".into())].into(),
        list: vec![0, 255],
    };

    written_and_read_by_functions: {
        #[serde(serialize_with = "cents", deserialize_with = "euros")]
        price: f64,
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "double_option")]
        nothing: Option<Option<u8>>,
        #[serde(default, deserialize_with = "double_option")]
        something: Option<Option<u8>>,
        #[serde(default, deserialize_with = "double_option")]
        null: Option<Option<u8>>,
    } = { price: 12.34, nothing: None, something: Some(Some(1)), null: Some(None) } absent ["nothing"];

    borrowed: ['a] ['static] {
        #[serde(borrow)]
        text: Cow<'a, str>,
        #[serde(borrow)]
        nested: BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
        /// `Cow` without `borrow` owns what it reads.
        owned: Cow<'a, str>,
    } = { text: "zoë".into(), nested: [("k".into(), vec!["v".into()])].into(), owned: Cow::Borrowed("o") };
}

alike_but_changed! {
    written_for_humans: {
        #[serde(serialize_with = "readable_or_not")]
        readable: (),
    } = { readable: () };
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, envelope_dynamo::Envelope)]
#[envelope(table = "records", unmarked = "plaintext")]
struct Unwritable {
    #[partition_key]
    id: String,
    #[encrypted]
    anchor: String,
    #[serde(serialize_with = "never")]
    field: u8,
}

#[tokio::test]
async fn both_refuse_a_value_that_does_not_serialize() {
    let record = Unwritable { id: "r".into(), anchor: "a".into(), field: 1 };
    assert!(serde_dynamo::to_item::<_, crate::serde_parity::twins::Item>(&record).is_err());
    let error = envelope_dynamo::to_item(&record, &crate::serde_parity::twins::provider())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("`field` cannot be serialized"), "{error}");
}

read_alike! {
    absent_null_and_there: {
        #[serde(default, deserialize_with = "double_option")]
        field: Option<Option<u8>>,
    }
    reads [{}, { "field": null }, { "field": 1 }]
    refuses [{ "field": "1" }];

    parsed: {
        #[serde(with = "as_text")]
        number: u64,
    }
    reads [{ "number": "1" }, { "number": "18446744073709551615" }]
    refuses [{ "number": 1 }, { "number": "-1" }, { "number": "" }, {}];
}
