//! Errors never quote a value, and no stored attribute makes the reader panic.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use serde::ser::Error as _;

use crate::convert::tests::*;

const TEXT: &str = "s3cr3t";

const NUMBER: &str = "4815162342.1";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[expect(dead_code, reason = "only its name matters")]
    known: u8,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum Plan {
    Free,
    Pro { seats: () },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "only that nothing fits matters")]
enum Untagged {
    Flag(bool),
    Plan(Plan),
}

/// Attributes of every type, with values that a test would find in an error message.
fn secrets() -> Vec<AttributeValue> {
    let scalars = [
        s(TEXT),
        n(NUMBER),
        n(TEXT),
        n("4815162342"),
        b(TEXT.as_bytes()),
        AttributeValue::Bool(true),
        AttributeValue::Null(false),
        AttributeValue::Ss(vec![TEXT.to_owned()]),
        AttributeValue::Ns(vec![NUMBER.to_owned(), TEXT.to_owned()]),
        AttributeValue::Bs(vec![Blob::new(TEXT)]),
        unknown::attribute(),
    ];
    let list = scalars.iter().map(|scalar| l([scalar.clone()]));
    let known = scalars.iter().map(|scalar| m([("known", scalar.clone())]));
    let secret_key = scalars.iter().map(|scalar| m([(TEXT, scalar.clone())]));
    let variant = scalars.iter().map(|scalar| m([("Pro", scalar.clone())]));
    let seats = scalars.iter().map(|scalar| m([("Pro", m([("seats", scalar.clone())]))]));
    scalars
        .iter()
        .cloned()
        .chain(list)
        .chain(known)
        .chain(secret_key)
        .chain(variant)
        .chain(seats)
        .collect()
}

#[test]
fn no_error_quotes_a_value_and_nothing_panics() {
    let mut errors = Vec::new();
    macro_rules! read {
        ($($type:ty;)*) => {$(
            for attribute in secrets() {
                errors.extend(from_attribute_value::<$type>(attribute).map(drop).err());
            }
        )*};
    }
    read! {
        (); bool; char; i8; i64; i128; u8; u64; u128; f32; f64; String; ByteBuf; Option<bool>; Vec<u8>; Vec<bool>;
        (u8, u8); [char; 1]; BTreeMap<String, bool>; BTreeMap<u8, u8>; BTreeMap<bool, u8>; BTreeMap<char, u8>;
        BTreeMap<Plan, u8>; Strict; Plan; Vec<Plan>; Untagged; tree::Any; serde_json::Value; uuid::Uuid;
        std::net::IpAddr; time::OffsetDateTime; std::num::NonZeroU8;
    }
    assert!(errors.len() > 1_000);
    for error in errors {
        for message in [error.to_string(), format!("{error:?}")] {
            assert!(!message.contains(TEXT) && !message.contains("4815162342"), "{message}");
        }
        let message = error.to_string();
        assert!(message.starts_with(char::is_lowercase), "{message}");
    }
}

#[track_caller]
fn says<T: DeserializeOwned + Debug>(attribute: AttributeValue, message: &str) {
    assert_eq!(from_attribute_value::<T>(attribute).unwrap_err().to_string(), message);
}

#[test]
fn an_error_names_the_kind_that_was_found_and_what_was_expected() {
    says::<u8>(s("1"), "found a string, expected u8");
    says::<String>(n("1"), "found an integer, expected a string");
    says::<String>(n("1.5"), "found a floating point number, expected a string");
    says::<bool>(AttributeValue::Null(true), "found null, expected a boolean");
    says::<char>(s("ab"), "found a string, expected a character");
    says::<Vec<u8>>(b(b"x"), "found bytes, expected a sequence");
    says::<BTreeMap<String, u8>>(l([]), "found a sequence, expected a map");
    says::<Strict>(AttributeValue::Bool(true), "found a boolean, expected struct Strict");
    says::<()>(m([]), "found a map, expected unit");
    says::<(u8, u8)>(l([n("1")]), "found 1 elements, expected a tuple of size 2");
}

#[test]
fn an_error_says_why_a_number_key_or_variant_does_not_fit() {
    says::<u8>(n("256"), "found a number that is not a whole number in the range of u8");
    says::<i64>(n("1.5"), "found a number that is not a whole number in the range of i64");
    says::<f64>(n("x"), "found a number attribute whose text is not a number");
    says::<tree::Any>(n("x"), "found a number attribute whose text is not a number");
    says::<BTreeMap<u8, u8>>(
        m([("x", n("1"))]),
        "found a map key that is not a whole number in the range of u8",
    );
    says::<BTreeMap<bool, u8>>(
        m([("x", n("1"))]),
        "found a map key that is neither `true` nor `false`, expected a boolean",
    );
    says::<Plan>(s("x"), "found an unknown variant, expected one of `Free`, `Pro`");
    says::<Plan>(
        m([]),
        "found a map, expected an enum: a map with one entry, named after a variant",
    );
    says::<Strict>(m([("x", n("1"))]), "found an unknown field, expected one of `known`");
    says::<Strict>(
        m([]),
        "missing field `known` (a field newer than the data must be an Option, or have #[serde(default)]; a renamed field \
         needs #[serde(alias = \"its old name\")])",
    );
}

#[test]
fn an_attribute_of_an_unknown_type_is_an_error_that_says_so() {
    let message = "found an attribute of a type that this version of the AWS SDK does not know: update aws-sdk-dynamodb";
    says::<tree::Any>(unknown::attribute(), message);
    says::<Option<String>>(unknown::attribute(), message);
    says::<Vec<u8>>(l([unknown::attribute()]), message);
    says::<Plan>(unknown::attribute(), message);
}

#[test]
fn the_message_of_a_failing_serialize_impl_is_not_shown() {
    struct Refuses;

    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom(TEXT))
        }
    }

    let error = to_attribute_value(&vec![Refuses]).unwrap_err();
    assert!(!error.to_string().contains(TEXT), "{error}");
}
