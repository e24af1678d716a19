//! The attributes of serde mean what serde documents.

use super::*;

mod upper {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &str, serializer: S) -> Result<S::Ok, S::Error> {
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

/// The same struct also derives serde, for comparison.
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
fn fields_have_their_serde_names() {
    assert_eq!(
        fields::<Renamed>(),
        [
            field("PK", &[], "PartitionKey", NO),
            field("theSortKey", &[], "SortKey", NO),
            field("emailAddress", &["mail", "e-mail"], "Encrypted", NO),
            field("planName", &[], "Authenticated", NO),
            field("written", &["read"], "Plaintext", NO),
            field("mayBe", &[], "Plaintext", NO),
            field("onlyWritten", &[], "Plaintext", NO).replace("is_read: true", "is_read: false"),
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
fn reading_another_type_reports_the_expected_one() {
    let error = from_json::<Renamed>(json!(1)).unwrap_err();
    assert_eq!(error.to_string(), "invalid type: integer `1`, expected a renamed record");
}

#[test]
fn a_key_is_written_as_in_the_record() {
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
    assert_eq!(from_json::<WithPath>(json!({ "id": 1 })).unwrap(), WithPath { id: 1, value: 7 });
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
