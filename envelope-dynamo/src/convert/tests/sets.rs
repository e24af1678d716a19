//! Sets, stored with our modules and with those of `serde_dynamo`.

use std::collections::{BTreeSet, HashSet};

use aws_sdk_dynamodb::primitives::Blob;
use uuid::Uuid;

use crate::convert::tests::*;

fn ss(elements: &[&str]) -> AttributeValue {
    AttributeValue::Ss(elements.iter().map(|&element| element.to_owned()).collect())
}

fn ns(elements: &[&str]) -> AttributeValue {
    AttributeValue::Ns(elements.iter().map(|&element| element.to_owned()).collect())
}

fn bs(elements: &[&[u8]]) -> AttributeValue {
    AttributeValue::Bs(elements.iter().map(|&element| Blob::new(element)).collect())
}

macro_rules! marked {
    ($name:ident $strings:literal $numbers:literal $binaries:literal) => {
        #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
        struct $name {
            #[serde(with = $strings, default, skip_serializing_if = "BTreeSet::is_empty")]
            strings: BTreeSet<String>,
            #[serde(with = $numbers, default, skip_serializing_if = "Vec::is_empty")]
            numbers: Vec<f64>,
            #[serde(with = $binaries, default, skip_serializing_if = "Option::is_none")]
            binaries: Option<HashSet<ByteBuf>>,
        }

        impl $name {
            fn full() -> Self {
                Self {
                    strings: BTreeSet::from(["b".to_owned(), "a".to_owned()]),
                    numbers: vec![1.0, -0.5],
                    binaries: Some(HashSet::from([ByteBuf(b"x".to_vec())])),
                }
            }
        }
    };
}

marked!(Ours "crate::convert::string_set" "crate::convert::number_set" "crate::convert::binary_set");

marked!(Theirs "serde_dynamo::string_set" "serde_dynamo::number_set" "serde_dynamo::binary_set");

#[test]
fn fields_marked_with_serde_dynamos_modules_are_stored_and_read_alike() {
    let stored = m([
        ("strings", ss(&["a", "b"])),
        ("numbers", ns(&["1", "-0.5"])),
        ("binaries", bs(&[b"x"])),
    ]);
    same_as(Theirs::full(), stored);
    same_as(Theirs::default(), m([]));
}

#[test]
fn fields_marked_with_our_modules_are_stored_and_read_as_if_marked_with_serde_dynamos() {
    let stored = to_attribute_value(&Ours::full()).unwrap();
    assert_eq!(stored, stored_alike(&Theirs::full()));
    assert_eq!(from_attribute_value(stored.clone()), Ok(Ours::full()));
    assert_eq!(serde_dynamo::from_attribute_value::<_, Theirs>(stored).unwrap(), Theirs::full());
}

#[test]
fn sets_are_lists_in_other_formats() {
    let json = serde_json::to_string(&Ours::full()).unwrap();
    assert_eq!(json, r#"{"strings":["a","b"],"numbers":[1.0,-0.5],"binaries":[[120]]}"#);
}

#[test]
fn any_type_that_is_stored_as_an_element_can_be_in_a_set() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Plan {
        Free,
        Pro,
    }

    assert_eq!(stored_alike(&serde_dynamo::string_set::StringSet(['a', 'b'])), ss(&["a", "b"]));
    assert_eq!(
        stored_alike(&serde_dynamo::string_set::StringSet([Uuid::nil()])),
        ss(&[&Uuid::nil().to_string()])
    );
    assert_eq!(read_alike::<Vec<char>>(&ss(&["a", "b"])), Some(vec!['a', 'b']));
    assert_eq!(read_alike::<Vec<Uuid>>(&ss(&[&Uuid::nil().to_string()])), Some(vec![Uuid::nil()]));
    assert_eq!(read_alike::<Vec<Plan>>(&ss(&["Pro", "Free"])), Some(vec![Plan::Pro, Plan::Free]));
    assert_eq!(read_alike::<Vec<ByteBuf>>(&ss(&["a"])), Some(vec![ByteBuf(b"a".to_vec())]));
    assert_eq!(read_alike::<Vec<String>>(&bs(&[b"a"])), Some(vec!["a".to_owned()]));
    assert_eq!(read_alike::<Vec<String>>(&bs(&[b"\xff"])), None);
}

#[test]
fn newtypes_and_options_are_read_back_where_serde_dynamo_only_writes_them() {
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Id<T>(T);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Record {
        #[serde(with = "serde_dynamo::string_set")]
        strings: BTreeSet<Id<Option<String>>>,
        #[serde(with = "serde_dynamo::number_set")]
        numbers: BTreeSet<Option<Id<u8>>>,
        #[serde(with = "serde_dynamo::binary_set")]
        binaries: Vec<Option<Id<ByteBuf>>>,
    }

    let record = Record {
        strings: BTreeSet::from([Id(Some("a".to_owned()))]),
        numbers: BTreeSet::from([Some(Id(1)), Some(Id(2))]),
        binaries: vec![Some(Id(ByteBuf(b"x".to_vec())))],
    };
    let stored = stored_alike(&record);
    assert!(serde_dynamo::from_attribute_value::<_, Record>(stored.clone()).is_err());
    assert_eq!(from_attribute_value(stored), Ok(record));
}

#[test]
fn empty_sets_and_sets_of_one_kind_read_as_another_are_read_alike() {
    for set in [ss(&[]), ns(&[]), bs(&[]), ss(&["1", "x"]), ns(&["1", "2.5"]), bs(&[b"1", b"\xff"])]
    {
        read_alike::<Vec<String>>(&set);
        read_alike::<Vec<u8>>(&set);
        read_alike::<Vec<f32>>(&set);
        read_alike::<Vec<ByteBuf>>(&set);
        read_alike::<Vec<bool>>(&set);
        read_alike::<Vec<()>>(&set);
        read_alike::<Vec<Vec<u8>>>(&set);
        read_alike::<BTreeSet<String>>(&set);
        read_alike::<(String, String)>(&set);
        read_alike::<String>(&set);
        read_alike::<Option<Vec<i64>>>(&set);
        read_alike::<tree::Any>(&set);
    }
}

#[test]
fn values_that_are_not_sets_are_refused() {
    use serde_dynamo::binary_set::BinarySet;
    use serde_dynamo::number_set::NumberSet;
    use serde_dynamo::string_set::StringSet;

    let says = |error: ValueError, text: &str| assert!(error.to_string().contains(text), "{error}");
    says(both_refuse(&StringSet("one")), "is not a sequence");
    says(both_refuse(&StringSet(None::<Vec<String>>)), "skip_serializing_if");
    says(both_refuse(&StringSet(StringSet(["nested"]))), "is not a sequence");
    says(both_refuse(&StringSet(["1"].map(|_| 1))), "string set is not a string");
    says(both_refuse(&StringSet([Some("a"), None])), "string set is not a string");
    says(both_refuse(&NumberSet(["1"])), "number set is not a number");
    says(both_refuse(&BinarySet(["text"])), "binary set is not bytes");
    says(both_refuse(&BinarySet([b"a list"])), "binary set is not bytes");
}
