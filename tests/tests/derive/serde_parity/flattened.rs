//! `flatten` inside a field: structs, maps, options and enums whose entries are beside the other
//! entries of its value.

use std::collections::BTreeMap;

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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flat<T> {
    named: u8,
    #[serde(flatten)]
    rest: T,
}

fn flat<T>(rest: T) -> Flat<T> {
    Flat { named: 1, rest }
}

alike! {
    a_struct: { value: Flat<Address> } = { value: flat(address()) };

    a_map: { value: Flat<BTreeMap<String, u8>> }
        = { value: flat(map([("x", 2), ("a.b", 4), ("😀", 5), ("rest", 6)])) };

    an_empty_map: { value: Flat<BTreeMap<String, u8>> } = { value: flat(BTreeMap::new()) };

    a_map_of_anything: { value: Flat<BTreeMap<String, serde_json::Value>> } = {
        value: flat(map([
            ("null", serde_json::Value::Null),
            ("deep", serde_json::json!({ "a": [1, -1, 0.5, "", null, { "": true }], "b": {} })),
            ("large", u64::MAX.into()),
            ("small", i64::MIN.into()),
        ]))
    };

    flattened_in_flattened: { value: Flat<Audited> }
        = { value: flat(Audited { by: Author { author: "a".into() }, more: map([("m", u64::MAX)]) }) };

    an_option_that_is_there: { value: Flat<Option<Address>> } = { value: flat(Some(address())) };

    an_option_that_is_not: { value: Flat<Option<Address>> } = { value: flat(None) };

    an_internally_tagged_enum: { value: Flat<Contact> }
        = { value: flat(Contact::Phone { number: 112, extension: None }) };

    an_internally_tagged_unit: { value: Flat<Contact> } = { value: flat(Contact::Nobody) };

    an_externally_tagged_enum: { value: Flat<Payment> }
        = { value: flat(Payment::Card { number: "4111".into() }) };

    an_externally_tagged_newtype: { value: Flat<Payment> }
        = { value: flat(Payment::Invoice(Author { author: "a".into() })) };

    nothing: { value: Flat<()> } = { value: flat(()) };
}

read_alike! {
    a_struct_and_whatever_is_left: { value: Flat<BTreeMap<String, serde_json::Value>> }
    reads [{ "value": { "named": 1, "x": [{ "y": 1 }], "z": null } }]
    refuses [{ "value": {} }, { "named": 1 }];

    a_struct_that_may_be_absent: { value: Flat<Option<Address>> }
    reads [
        { "value": { "named": 1 } },
        { "value": { "named": 1, "street": "a" } },
        { "value": { "named": 1, "street": "a", "plz": 2 } },
        { "value": { "named": 1, "street": 1, "plz": 2 } },
    ]
    refuses [{}, { "value": { "street": "a", "plz": 2 } }];

    an_enum_by_its_tag: { value: Flat<Contact> }
    reads [
        { "value": { "named": 1, "kind": "mail", "address": "a" } },
        { "value": { "address": "a", "kind": "mail", "more": 1, "named": 1 } },
        { "value": { "named": 1, "kind": "nobody" } },
    ]
    refuses [
        { "value": { "named": 1 } },
        { "value": { "named": 1, "kind": "Mail", "address": "a" } },
        { "value": { "named": 1, "kind": "phone", "number": "1" } },
    ];
}
