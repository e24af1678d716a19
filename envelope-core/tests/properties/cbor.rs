//! The plaintext of a record: values are read back, and hostile bytes never panic.

use std::marker::PhantomData;

use envelope_core::{Content, Context, FieldWriter, Plaintext, UntrustedPayload, read_fields};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use serde::de::IgnoredAny;
use serde_json::Value as Json;

use crate::data_key;

fn leaf() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>()
            .prop_filter("JSON has finite numbers alone", |float| float.is_finite())
            .prop_map(Json::from),
        ".{0,40}".prop_map(Json::from),
    ]
}

fn json() -> impl Strategy<Value = Json> {
    leaf().prop_recursive(5, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Json::from),
            btree_map(".{0,8}", inner, 0..6)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

/// The plaintext of `fields`.
fn plaintext(fields: &[(String, Option<Json>)]) -> Plaintext {
    let mut writer = FieldWriter::new(0, []);
    for (name, value) in fields {
        match value {
            Some(value) => writer.field(name, value).unwrap(),
            None => writer.absent(name),
        }
    }
    let context = Context::new("t");
    let payload = writer.finish().seal(Content::Record, &context, &data_key()).unwrap();
    UntrustedPayload::parse(payload).unwrap().open(Content::Record, &context, &data_key()).unwrap()
}

/// A few fields of any depth, or many flat ones.
fn fields() -> impl Strategy<Value = Vec<(String, Option<Json>)>> {
    let deep = btree_map(".{0,30}", option::of(json()), 0..6);
    let many = btree_map(".{0,8}", option::of(leaf()), 0..40);
    prop_oneof![3 => deep, 1 => many].prop_map(|fields| fields.into_iter().collect())
}

/// The plaintext of a record with some damage.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let damaged =
        (fields(), any::<Index>(), any::<u8>(), 0u8..3).prop_map(|(fields, at, byte, how)| {
            let mut bytes = plaintext(&fields).expose().to_vec();
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                _ => bytes.insert(at, byte),
            }
            bytes
        });
    let heads = vec(
        prop_oneof![Just(0xa1u8), Just(0x61), Just(0x81), Just(0xc2), Just(0xf7), any::<u8>()],
        0..40,
    );
    prop_oneof![vec(any::<u8>(), 0..100), heads, damaged]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fields_are_read_back(fields in fields()) {
        let plaintext = plaintext(&fields);
        let read = read_fields(plaintext.expose()).unwrap();
        prop_assert_eq!(read.len(), fields.len());
        for ((name, value), (expected_name, expected)) in read.iter().zip(&fields) {
            prop_assert_eq!(name, expected_name);
            prop_assert_eq!(value.is_absent(), expected.is_none());
            if let Some(expected) = expected {
                prop_assert_eq!(&value.deserialize(PhantomData::<Json>).unwrap(), expected);
            }
        }
    }

    #[test]
    fn hostile_fields_are_refused_or_read_without_a_panic(bytes in hostile()) {
        for (_, value) in read_fields(&bytes).unwrap_or_default() {
            let _ = value.deserialize(PhantomData::<Json>);
            let _ = value.deserialize(PhantomData::<Vec<Option<String>>>);
            let _ = value.deserialize(PhantomData::<std::collections::BTreeMap<String, i128>>);
            let well_formed = value.is_absent() || value.deserialize(PhantomData::<IgnoredAny>).is_ok();
            prop_assert!(well_formed, "accepted as well-formed, but cannot be passed over");
        }
    }
}
