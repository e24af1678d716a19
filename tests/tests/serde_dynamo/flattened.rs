//! `flatten`: structs, maps, options and enums whose entries stand beside the other fields.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Address {
    street: String,
    #[serde(rename = "zip-code", alias = "plz")]
    zip: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    country: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Audited {
    #[serde(flatten)]
    by: Author,
    #[serde(flatten)]
    more: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Author {
    author: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Contact {
    Mail { address: String },
    Phone { number: u64, extension: Option<u16> },
    Nobody,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Payment {
    Card { number: String },
    Invoice(Author),
}

fn address() -> Address {
    Address { street: "Rue de la Paix".into(), zip: 75_002, country: None }
}

fn map<V>(entries: impl IntoIterator<Item = (&'static str, V)>) -> BTreeMap<String, V> {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

alike! {
    a_struct: {
        before: u8,
        #[serde(flatten)]
        address: Address,
        after: u8,
    } = { before: 1, address: address(), after: 2 };

    a_struct_whose_name_is_another_fields: {
        #[serde(flatten)]
        street: Author,
        #[serde(rename = "street")]
        other: u8,
    } = { street: Author { author: "a".into() }, other: 1 };

    a_map: {
        named: u8,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    } = { named: 1, rest: map([("x", 2), ("", 3), ("a.b", 4), ("😀", 5), ("rest", 6)]) };

    an_empty_map: {
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    } = { rest: BTreeMap::new() };

    a_map_of_anything: {
        #[serde(flatten)]
        rest: HashMap<String, serde_json::Value>,
    } = {
        rest: map([
            ("null", serde_json::Value::Null),
            ("deep", serde_json::json!({ "a": [1, -1, 0.5, "", null, { "": true }], "b": {} })),
            ("large", u64::MAX.into()),
            ("small", i64::MIN.into()),
        ]).into_iter().collect()
    };

    a_struct_and_a_map: #[serde(rename_all = "UPPERCASE")] {
        named: u8,
        #[serde(flatten)]
        address: Address,
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    } = { named: 1, address: address(), rest: map([("x", "y".to_owned()), ("Street", "z".to_owned())]) };

    flattened_in_flattened: {
        #[serde(flatten)]
        audited: Audited,
        named: u8,
    } = { audited: Audited { by: Author { author: "a".into() }, more: map([("m", u64::MAX)]) }, named: 1 };

    an_option_that_is_there: {
        #[serde(flatten)]
        address: Option<Address>,
        named: u8,
    } = { address: Some(address()), named: 1 };

    an_option_that_is_not: {
        #[serde(flatten)]
        address: Option<Address>,
        named: u8,
    } = { address: None, named: 1 };

    an_internally_tagged_enum: {
        #[serde(flatten)]
        contact: Contact,
        kinds: u8,
    } = { contact: Contact::Phone { number: 112, extension: None }, kinds: 1 };

    an_internally_tagged_unit: {
        #[serde(flatten)]
        contact: Contact,
    } = { contact: Contact::Nobody };

    an_externally_tagged_enum: {
        #[serde(flatten)]
        payment: Payment,
        amount: u32,
    } = { payment: Payment::Card { number: "4111".into() }, amount: 1 };

    an_externally_tagged_newtype: {
        #[serde(flatten)]
        payment: Payment,
    } = { payment: Payment::Invoice(Author { author: "a".into() }) };

    beside_fields_that_are_not_there: {
        #[serde(flatten)]
        address: Address,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        maybe: Option<u8>,
        #[serde(skip)]
        never: u8,
    } = { address: address(), maybe: None, never: 0 } absent ["maybe"];

    nothing: {
        #[serde(flatten)]
        unit: (),
        named: u8,
    } = { unit: (), named: 1 };
}

alike_but_changed! {
    // Keys come as text, which serde does not parse in flattened maps.
    a_map_from_numbers: {
        #[serde(flatten)]
        rest: BTreeMap<u32, String>,
    } = { rest: [(7, "a".into())].into() };
}

read_alike! {
    a_struct_and_whatever_is_left: {
        named: u8,
        #[serde(flatten)]
        address: Address,
        #[serde(flatten)]
        rest: BTreeMap<String, serde_json::Value>,
    }
    reads [
        { "named": 1, "street": "a", "zip-code": 2 },
        { "named": 1, "street": "a", "plz": 2, "country": null, "x": [{ "y": 1 }], "z": null },
    ]
    refuses [{ "named": 1 }, { "named": 1, "street": "a" }, { "street": "a", "plz": 2 }];

    a_struct_that_may_be_absent: {
        #[serde(flatten)]
        address: Option<Address>,
    }
    reads [{}, { "street": "a" }, { "street": "a", "plz": 2 }, { "street": 1, "plz": 2 }, { "x": 1 }]
    refuses [];

    an_enum_by_its_tag: {
        #[serde(flatten)]
        contact: Contact,
    }
    reads [
        { "kind": "mail", "address": "a" },
        { "address": "a", "kind": "mail", "more": 1 },
        { "kind": "nobody" },
    ]
    refuses [{}, { "kind": "Mail", "address": "a" }, { "address": "a" }, { "kind": "phone", "number": "1" }];
}

/// `serde_dynamo` keeps the entry written last and says nothing of the other; here neither is lost unnoticed.
#[tokio::test]
async fn two_entries_of_one_name_are_refused() {
    let record = two_maps::plain::record();
    let error = envelope_dynamo::to_item(&record, &crate::twins::provider()).await.unwrap_err();
    assert!(error.to_string().contains("two flattened entries have one name"), "{error}");
    let record = two_maps::sealed::record();
    let error = envelope_dynamo::to_item(&record, &crate::twins::provider()).await.unwrap_err();
    assert!(error.to_string().contains("two flattened entries have one name"), "{error}");
}

mod two_maps {
    use super::*;

    twins!(() [] [] {
        #[serde(flatten)]
        one: BTreeMap<String, u8>,
        #[serde(flatten)]
        other: BTreeMap<String, u8>,
    } { one: map([("a", 1), ("b", 2)]), other: map([("b", 3)]) });
}
