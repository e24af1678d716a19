//! The trait that `#[derive(Envelope)]` implements: its constants, its keys, and its serde. No
//! cryptography.

mod generics;
mod serde_attributes;
mod shapes;

use std::borrow::Cow;
use std::marker::PhantomData;

use envelope_dynamo::Envelope;
use envelope_dynamo::message::ContextForm;
use envelope_dynamo::record::{Composite, IntoKey, Partition};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The key that a call such as `get(key)` makes of its argument.
fn key<E: Envelope>(key: impl IntoKey<E::Key>) -> E::Key {
    key.into_key()
}

fn key_json<E: Envelope>(key: impl IntoKey<E::Key>) -> Value {
    E::serialize_key(key.into_key(), serde_json::value::Serializer).unwrap()
}

fn to_json<E: Envelope>(record: &E) -> Value {
    record.serialize(serde_json::value::Serializer).unwrap()
}

fn from_json<E: Envelope>(value: Value) -> Result<E, serde_json::Error> {
    E::deserialize(value)
}

/// The fields in `Debug` form, which shows everything in a `Field`.
fn fields<E: Envelope>() -> Vec<String> {
    E::SCHEMA.fields().iter().map(|field| format!("{field:?}")).collect()
}

fn field(name: &str, aliases: &[&str], mark: &str, flags: [bool; 2]) -> String {
    let [accepts_plaintext, in_encryption_context] = flags;
    format!(
        "Field {{ name: {name:?}, aliases: {aliases:?}, mark: {mark}, \
         accepts_plaintext: {accepts_plaintext}, in_encryption_context: {in_encryption_context}, \
         role: None, group: None, in_key: false, in_index_key: false, in_search_tag: false, is_read: true, origin: Field }}"
    )
}

const NO: [bool; 2] = [false, false];

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    street: String,
    town: Option<String>,
}

#[derive(Envelope, Debug, PartialEq)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted(accept = "plaintext")]
    address: Address,
    #[authenticated]
    plan: String,
    #[authenticated(accept = "plaintext")]
    #[encryption_context]
    tenant: u32,
    #[plaintext]
    logins: u64,
}

fn user() -> User {
    User {
        user_id: "u_1".into(),
        email: "a@example.org".into(),
        address: Address { street: "Rue de la Paix".into(), town: None },
        plan: "pro".into(),
        tenant: 7,
        logins: 3,
    }
}

#[test]
fn a_record_is_described_field_by_field() {
    assert_eq!(User::TABLE, "users");
    assert_eq!(User::CONTEXT_FORM, ContextForm::Raw);
    assert_eq!(User::CONTEXT, []);
    const { assert!(!User::DENY_UNKNOWN_FIELDS) };
    assert_eq!(
        fields::<User>(),
        [
            field("user_id", &[], "PartitionKey", NO),
            field("email", &[], "Encrypted", NO),
            field("address", &[], "Encrypted", [true, false]),
            field("plan", &[], "Authenticated", NO),
            field("tenant", &[], "Authenticated", [true, true]),
            field("logins", &[], "Plaintext", NO),
        ]
    );
}

#[test]
fn a_record_is_written_and_read_without_serde_on_the_struct() {
    let written = to_json(&user());
    assert_eq!(
        written,
        json!({
            "user_id": "u_1",
            "email": "a@example.org",
            "address": { "street": "Rue de la Paix", "town": null },
            "plan": "pro",
            "tenant": 7,
            "logins": 3,
        })
    );
    assert_eq!(from_json::<User>(written).unwrap(), user());
}

#[test]
fn a_missing_field_is_reported_by_name() {
    let error = from_json::<User>(json!({ "user_id": "u_1" })).unwrap_err();
    assert_eq!(error.to_string(), "missing field `email`");
}

#[test]
fn a_partition_key_is_passed_by_value_or_reference() {
    let expected = Partition { partition: "u_1".to_owned() };
    assert_eq!(key::<User>("u_1"), expected);
    assert_eq!(key::<User>("u_1".to_owned()), expected);
    assert_eq!(key::<User>(&user().user_id), expected);
    assert_eq!(key_json::<User>("u_1"), json!({ "user_id": "u_1" }));
}

#[derive(Envelope)]
#[envelope(table = "events", kms_context = "hashed", context(purpose = "audit", "cost-center" = "42"))]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Event {
    #[partition_key]
    stream: u64,
    #[sort_key]
    #[encryption_context]
    sequence: i16,
    #[encrypted]
    body: String,
}

#[test]
fn options_of_the_struct_reach_the_trait() {
    assert_eq!(Event::TABLE, "events");
    assert_eq!(Event::CONTEXT_FORM, ContextForm::Hashed);
    assert_eq!(Event::CONTEXT, [("purpose", "audit"), ("cost-center", "42")]);
    const { assert!(Event::DENY_UNKNOWN_FIELDS) };
    assert_eq!(fields::<Event>()[1], field("sequence", &[], "SortKey", [false, true]));
}

#[test]
fn a_composite_key_is_passed_as_a_pair() {
    assert_eq!(key::<Event>((1, -2)), Composite { partition: 1_u64, sort: -2_i16 });
    assert_eq!(key::<Event>((&1, 2)), Composite { partition: 1_u64, sort: 2_i16 });
    assert_eq!(key_json::<Event>((1, -2)), json!({ "stream": 1, "sequence": -2 }));
}

#[derive(Envelope)]
#[envelope(table = "t", kms_context = "table", unmarked = "plaintext")]
#[allow(dead_code)]
struct Counter {
    #[partition_key]
    id: u64,
    #[encrypted]
    secret: String,
    count: u32,
    #[serde(skip)]
    cache: Option<String>,
    #[serde(skip_serializing, skip_deserializing)]
    twice: PhantomData<u8>,
}

#[derive(Envelope)]
#[envelope(table = "t", unmarked = "encrypted")]
#[envelope(context(team = "x"))]
#[allow(dead_code)]
struct Sealed {
    #[partition_key]
    id: u64,
    secret: String,
    #[plaintext]
    count: u32,
}

#[test]
fn unmarked_fields_have_the_default_mark_unless_skipped() {
    assert_eq!(Counter::CONTEXT_FORM, ContextForm::Table);
    assert_eq!(
        fields::<Counter>(),
        [
            field("id", &[], "PartitionKey", NO),
            field("secret", &[], "Encrypted", NO),
            field("count", &[], "Plaintext", NO),
        ]
    );
    assert_eq!(
        fields::<Sealed>(),
        [
            field("id", &[], "PartitionKey", NO),
            field("secret", &[], "Encrypted", NO),
            field("count", &[], "Plaintext", NO),
        ]
    );
    assert_eq!(Sealed::CONTEXT, [("team", "x")]);
    let counter = from_json::<Counter>(
        json!({ "id": 1, "secret": "s", "count": 2, "cache": "from outside" }),
    )
    .unwrap();
    assert_eq!(counter.cache, None);
    assert_eq!(to_json(&counter), json!({ "id": 1, "secret": "s", "count": 2 }));
}

#[test]
fn an_integer_literal_is_a_key() {
    assert_eq!(key::<Counter>(7), Partition { partition: 7_u64 });
    assert_eq!(key::<Counter>(&7), Partition { partition: 7_u64 });
}
