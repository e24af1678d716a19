//! What `#[derive(Envelope)]` generates, looked at without any cryptography.

use std::borrow::Cow;
use std::marker::PhantomData;

use envelope_dynamo::{Composite, ContextForm, Envelope, IntoKey, Partition};
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

/// The fields as `Debug` shows them, which says all there is in a `Field`.
fn fields<E: Envelope>() -> Vec<String> {
    E::SCHEMA.fields().iter().map(|field| format!("{field:?}")).collect()
}

fn field(name: &str, aliases: &[&str], mark: &str, flags: [bool; 2]) -> String {
    let [accepts_plaintext, in_encryption_context] = flags;
    format!(
        "Field {{ name: {name:?}, aliases: {aliases:?}, mark: {mark}, \
         accepts_plaintext: {accepts_plaintext}, in_encryption_context: {in_encryption_context}, \
         role: None, group: None, in_key: false, is_read: true, origin: Field }}"
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
fn reading_reports_what_is_missing_by_its_name() {
    let error = from_json::<User>(json!({ "user_id": "u_1" })).unwrap_err();
    assert_eq!(error.to_string(), "missing field `email`");
}

#[test]
fn a_partition_key_is_given_as_itself_by_reference_or_borrowed() {
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
fn a_composite_key_is_given_as_a_pair_of_literals() {
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
fn fields_without_a_mark_have_that_of_the_struct_unless_serde_skips_them() {
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

mod serde_attributes {
    use super::*;

    mod upper {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        pub(super) fn serialize<S: Serializer>(
            value: &str,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            value.to_uppercase().serialize(serializer)
        }

        pub(super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<String, D::Error> {
            String::deserialize(deserializer).map(|value| value.to_lowercase())
        }
    }

    fn length<S: serde::Serializer>(value: &str, serializer: S) -> Result<S::Ok, S::Error> {
        value.len().serialize(serializer)
    }

    fn basic() -> String {
        "basic".into()
    }

    /// The same attributes beside serde's own derive, to compare with.
    #[derive(Envelope, Serialize, Deserialize, Debug, PartialEq, Clone)]
    #[envelope(table = "t")]
    #[serde(rename_all = "camelCase", rename = "Renamed", expecting = "a renamed record")]
    struct Renamed {
        #[partition_key]
        #[serde(rename = "PK", with = "upper")]
        partition_key: String,
        #[sort_key]
        #[serde(serialize_with = "length", deserialize_with = "any")]
        the_sort_key: String,
        #[encrypted]
        #[serde(alias = "mail", alias = "e-mail")]
        email_address: String,
        #[authenticated]
        #[serde(default = "basic")]
        plan_name: String,
        #[plaintext]
        #[serde(rename(serialize = "written", deserialize = "read"), alias = "written", default)]
        both_ways: u8,
        #[plaintext]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        may_be: Option<u8>,
        #[plaintext]
        #[serde(skip_deserializing)]
        only_written: u8,
        #[plaintext]
        #[serde(skip_serializing, default)]
        only_read: u8,
        #[encrypted]
        r#type: u8,
    }

    fn any<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| "any".into())
    }

    fn renamed() -> Renamed {
        Renamed {
            partition_key: "pk".into(),
            the_sort_key: "four".into(),
            email_address: "a@example.org".into(),
            plan_name: "pro".into(),
            both_ways: 1,
            may_be: None,
            only_written: 2,
            only_read: 3,
            r#type: 4,
        }
    }

    #[test]
    fn names_are_those_of_serde() {
        assert_eq!(
            fields::<Renamed>(),
            [
                field("PK", &[], "PartitionKey", NO),
                field("theSortKey", &[], "SortKey", NO),
                field("emailAddress", &["mail", "e-mail"], "Encrypted", NO),
                field("planName", &[], "Authenticated", NO),
                field("written", &["read"], "Plaintext", NO),
                field("mayBe", &[], "Plaintext", NO),
                field("onlyWritten", &[], "Plaintext", NO)
                    .replace("is_read: true", "is_read: false"),
                field("onlyRead", &[], "Plaintext", NO),
                field("type", &[], "Encrypted", NO),
            ]
        );
    }

    #[test]
    fn a_struct_is_written_as_its_own_serde_derive_writes_it() {
        let written = to_json(&renamed());
        assert_eq!(written, serde_json::to_value(renamed()).unwrap());
        assert_eq!(written["PK"], "PK");
        assert_eq!(written["theSortKey"], 4);
    }

    #[test]
    fn a_struct_is_read_as_its_own_serde_derive_reads_it() {
        let stored = json!({
            "PK": "PK", "theSortKey": 4, "e-mail": "a", "read": 9, "onlyWritten": 5, "onlyRead": 6, "type": 7, "else": 8,
        });
        let read: Renamed = from_json(stored.clone()).unwrap();
        assert_eq!(read, serde_json::from_value(stored).unwrap());
        assert_eq!(
            (read.partition_key.as_str(), read.plan_name.as_str(), read.only_written),
            ("pk", "basic", 0)
        );
    }

    #[test]
    fn reading_anything_else_says_what_was_expected() {
        let error = from_json::<Renamed>(json!(1)).unwrap_err();
        assert_eq!(error.to_string(), "invalid type: integer `1`, expected a renamed record");
    }

    #[test]
    fn a_key_is_written_as_it_is_in_the_record() {
        assert_eq!(key_json::<Renamed>(("pk", "four")), json!({ "PK": "PK", "theSortKey": 4 }));
    }

    #[derive(Envelope, Debug, PartialEq)]
    #[envelope(table = "t")]
    #[serde(rename_all(serialize = "UPPERCASE"), rename_all(deserialize = "kebab-case"))]
    struct Split {
        #[partition_key]
        #[serde(alias = "THE_ID")]
        the_id: u8,
        #[encrypted]
        #[serde(rename(deserialize = "one", deserialize = "two"), alias = "THE_SECRET")]
        the_secret: u8,
    }

    #[test]
    fn names_may_differ_between_writing_and_reading() {
        assert_eq!(
            fields::<Split>(),
            [
                field("THE_ID", &["the-id"], "PartitionKey", NO),
                field("THE_SECRET", &["one", "two"], "Encrypted", NO),
            ]
        );
        let split = Split { the_id: 1, the_secret: 2 };
        assert_eq!(to_json(&split), json!({ "THE_ID": 1, "THE_SECRET": 2 }));
        assert_eq!(from_json::<Split>(json!({ "the-id": 1, "two": 2 })).unwrap(), split);
    }

    #[derive(Envelope, Debug, PartialEq)]
    #[envelope(table = "t")]
    #[serde(default)]
    struct WithDefault<T> {
        #[partition_key]
        id: String,
        #[encrypted]
        value: T,
    }

    impl<T: Default> Default for WithDefault<T> {
        fn default() -> Self {
            Self { id: "nobody".into(), value: T::default() }
        }
    }

    #[derive(Envelope, Debug, PartialEq)]
    #[envelope(table = "t")]
    #[serde(default = "seven")]
    struct WithPath {
        #[partition_key]
        id: u8,
        #[encrypted]
        value: u8,
    }

    fn seven() -> WithPath {
        WithPath { id: 7, value: 7 }
    }

    #[derive(Envelope, Debug, PartialEq, Default)]
    #[envelope(table = "t")]
    #[serde(default)]
    struct WithDerivedDefault {
        #[partition_key]
        id: u8,
        #[encrypted]
        value: u8,
    }

    #[test]
    fn absent_fields_come_from_the_default_of_the_struct() {
        assert_eq!(
            from_json::<WithDefault<u8>>(json!({})).unwrap(),
            WithDefault { id: "nobody".into(), value: 0 }
        );
        assert_eq!(
            from_json::<WithDerivedDefault>(json!({ "value": 1 })).unwrap(),
            WithDerivedDefault { id: 0, value: 1 }
        );
        assert_eq!(
            from_json::<WithPath>(json!({ "id": 1 })).unwrap(),
            WithPath { id: 1, value: 7 }
        );
    }

    #[derive(Envelope, Debug, PartialEq)]
    #[envelope(table = "t")]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[partition_key]
        id: u8,
        #[encrypted]
        value: u8,
    }

    #[test]
    fn unknown_fields_are_refused_where_the_struct_says_so() {
        let error = from_json::<Strict>(json!({ "id": 1, "value": 2, "more": 3 })).unwrap_err();
        assert!(error.to_string().contains("unknown field `more`"), "{error}");
    }
}

mod generics {
    use super::*;

    #[derive(Envelope, Debug, PartialEq, Clone)]
    #[envelope(table = "t")]
    struct Generic<'a, K, T: ?Sized, I: Kind, const N: usize>
    where
        K: Ord,
    {
        #[partition_key]
        id: K,
        #[sort_key]
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[encrypted]
        item: I::Item,
        #[encrypted]
        list: Vec<Option<K>>,
        #[plaintext]
        bytes: [u8; 2],
        #[serde(skip)]
        marker: PhantomData<T>,
        #[serde(skip)]
        size: Sized_<N>,
        #[plaintext]
        #[serde(default)]
        next: Option<Box<Next<K>>>,
    }

    trait Kind {
        type Item;
    }

    /// Neither written nor read itself.
    #[derive(Debug, PartialEq, Clone)]
    struct Bytes;

    impl Kind for Bytes {
        type Item = u8;
    }

    #[derive(Debug, PartialEq, Clone, Default)]
    struct Sized_<const N: usize>;

    #[derive(Debug, PartialEq, Clone, Serialize, Deserialize)]
    struct Next<K>(K);

    type Instance = Generic<'static, u64, str, Bytes, 3>;

    fn instance() -> Instance {
        Generic {
            id: 1,
            name: "n".into(),
            item: 2,
            list: vec![Some(3), None],
            bytes: [4, 5],
            marker: PhantomData,
            size: Sized_,
            next: Some(Box::new(Next(6))),
        }
    }

    #[test]
    fn generic_structs_with_lifetimes_and_constants_are_written_and_read() {
        let written = to_json(&instance());
        assert_eq!(
            written,
            json!({ "id": 1, "name": "n", "item": 2, "list": [3, null], "bytes": [4, 5], "next": 6 })
        );
        assert_eq!(from_json::<Instance>(written).unwrap(), instance());
        assert_eq!(key_json::<Instance>((1, "n")), json!({ "id": 1, "name": "n" }));
    }

    #[test]
    fn a_borrowed_key_is_given_as_a_literal() {
        let key = key::<Instance>((1, "n"));
        assert_eq!(key, Composite { partition: 1, sort: Cow::Borrowed("n") });
    }

    /// Not `Serialize`, but written by a function.
    #[derive(Debug, PartialEq)]
    struct Opaque<T>(T);

    trait Number: Sized {
        fn number(&self) -> u64;
        fn from_number(number: u64) -> Self;
    }

    impl Number for Opaque<u64> {
        fn number(&self) -> u64 {
            self.0
        }
        fn from_number(number: u64) -> Self {
            Self(number)
        }
    }

    mod number {
        use super::Number;
        use serde::{Deserialize, Deserializer, Serializer};

        pub(super) fn serialize<T: Number, S: Serializer>(
            value: &T,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.serialize_u64(value.number())
        }

        pub(super) fn deserialize<'de, T: Number, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<T, D::Error> {
            u64::deserialize(deserializer).map(T::from_number)
        }
    }

    #[derive(Envelope, Debug, PartialEq)]
    #[envelope(table = "t")]
    #[serde(bound = "T: Number")]
    struct Bound<T> {
        #[partition_key]
        #[serde(with = "number")]
        id: T,
        #[encrypted]
        #[serde(with = "number")]
        value: T,
    }

    #[test]
    fn bounds_of_serde_replace_the_inferred_ones() {
        let record = Bound { id: Opaque(1), value: Opaque(2) };
        let written = to_json(&record);
        assert_eq!(written, json!({ "id": 1, "value": 2 }));
        assert_eq!(from_json::<Bound<Opaque<u64>>>(written).unwrap(), record);
        assert_eq!(key_json::<Bound<Opaque<u64>>>(Opaque(1)), json!({ "id": 1 }));
    }

    #[derive(Envelope, Debug, PartialEq)]
    #[envelope(table = "t")]
    #[serde(bound(
        serialize = "T: Serialize",
        deserialize = "T: Deserialize<'de> + Default, for<'x> U: Deserialize<'x>"
    ))]
    struct SplitBound<T, U: Serialize> {
        #[partition_key]
        id: u8,
        #[encrypted]
        #[serde(default)]
        value: T,
        #[encrypted]
        other: U,
    }

    #[derive(Envelope, Debug, PartialEq)]
    #[envelope(table = "t")]
    struct FieldBound<T, U = u8> {
        #[partition_key]
        id: u8,
        #[encrypted]
        #[serde(with = "number", bound = "T: Number")]
        value: T,
        #[encrypted]
        #[serde(default)]
        other: U,
        #[plaintext]
        #[serde(skip_deserializing)]
        count: Option<U>,
    }

    #[test]
    fn bounds_may_differ_by_direction_and_by_field() {
        let record = SplitBound { id: 1, value: "v".to_owned(), other: 2 };
        assert_eq!(from_json::<SplitBound<String, u8>>(to_json(&record)).unwrap(), record);
        let record = FieldBound { id: 1, value: Opaque(2), other: 3, count: None };
        assert_eq!(from_json::<FieldBound<Opaque<u64>>>(to_json(&record)).unwrap(), record);
    }
}

mod shapes {
    use super::*;

    #[derive(Envelope, Debug, PartialEq)]
    #[envelope(table = "t")]
    struct Node<T> {
        #[partition_key]
        id: u8,
        #[encrypted]
        children: Vec<Self_<T>>,
        #[encrypted]
        #[serde(skip_serializing_if = "Self::is_boring")]
        length: [u8; Constants::LENGTH],
        #[serde(skip)]
        parent: Option<Box<Self>>,
    }

    type Self_<T> = Vec<T>;

    struct Constants;

    impl Constants {
        const LENGTH: usize = 2;
    }

    impl<T> Node<T> {
        fn is_boring(length: &[u8; 2]) -> bool {
            *length == [0, 0]
        }
    }

    #[test]
    fn self_means_the_struct_itself() {
        let node = Node { id: 1, children: vec![vec![2_u8]], length: [0, 0], parent: None };
        assert_eq!(to_json(&node), json!({ "id": 1, "children": [[2]] }));
    }

    #[derive(Envelope, Clone, Copy)]
    #[envelope(table = "t")]
    #[repr(C, packed)]
    struct Packed {
        #[partition_key]
        id: u8,
        #[encrypted]
        value: u64,
    }

    #[test]
    fn packed_structs_are_written_by_value() {
        let packed = from_json::<Packed>(json!({ "id": 1, "value": 2 })).unwrap();
        assert_eq!(to_json(&packed), json!({ "id": 1, "value": 2 }));
    }

    #[derive(Envelope)]
    #[envelope(table = "t")]
    struct Configured {
        #[partition_key]
        id: u8,
        #[cfg_attr(all(), encrypted)]
        value: u8,
        #[cfg(any())]
        #[no_such_attribute]
        absent: NoSuchType,
        #[cfg(not(any()))]
        #[plaintext]
        present: u8,
    }

    #[test]
    fn fields_that_are_configured_out_do_not_exist() {
        assert_eq!(
            to_json(&Configured { id: 1, value: 2, present: 3 }),
            json!({ "id": 1, "value": 2, "present": 3 })
        );
        assert_eq!(Configured::SCHEMA.fields().len(), 3);
    }
}
