//! The stored value has the wrong type for its field. Errors of serde quote the value, ours do not.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::{NonZeroU8, NonZeroU64};

use serde::de::{self, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::{BYTES, NUMBER, TEXT, assert_reading_says_nothing};

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Plan {
    Free,
    Pro(u8),
    Other { name: u8 },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Known,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Flag(bool),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    known: u8,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Inner {
    secret: u8,
}

/// Bytes for serde; `Vec<u8>` is a list of numbers.
#[derive(Clone, Debug)]
struct Blob(Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }
}

fn text() -> String {
    TEXT.to_owned()
}

/// Reads one value as every other type.
macro_rules! refused {
    ($($test:ident: $value:expr => $($type:ty),+ $(,)?;)*) => {$(
        #[tokio::test]
        async fn $test() {
            $(assert_reading_says_nothing::<_, $type>($value).await;)+
        }
    )*};
}

refused! {
    a_text: text() => u8, i64, u128, f64, bool, char, (), Option<u64>, Vec<String>, (String, String), [String; 2],
        BTreeMap<String, String>, Plan, Tagged, Untagged, Strict, Uuid, IpAddr, time::Date, time::OffsetDateTime, NonZeroU8;
    an_empty_text: String::new() => char, u8, Uuid, Plan;
    bytes: Blob(BYTES.to_vec()) => String, u64, bool, Plan, Strict, BTreeMap<String, u8>, Uuid, char, ();
    bytes_that_are_text: Blob(text().into_bytes()) => u64, bool, Plan, Strict, IpAddr;
    a_list_of_bytes: BYTES.to_vec() => String, u64, [u8; 21], (u8, bool), Vec<i8>, Vec<String>, Uuid;
    a_number: NUMBER => u8, i8, u32, bool, char, String, (), Vec<u64>, Plan, Untagged, Strict, Uuid, Option<String>;
    a_large_number: u128::from(NUMBER) * 1_000_000_000_000_000_000 => u8, u64, i64, String, bool, Plan;
    a_negative_number: -(NUMBER as i64) => u64, i8, NonZeroU64, String, char;
    a_fraction: NUMBER as f64 + 0.5 => String, bool, u8, Plan, Vec<f64>;
    a_list: vec![text(), text()] => String, u64, [String; 3], (String, u8), Vec<u8>, Vec<bool>, Plan, Strict, Option<u8>;
    a_map: BTreeMap::from([(text(), text())]) => String, BTreeMap<String, u8>, BTreeMap<u8, String>, BTreeMap<bool, String>,
        BTreeMap<char, String>, BTreeMap<Uuid, String>, BTreeMap<String, Vec<String>>, Strict, Inner, Plan, Tagged, Vec<String>, u8;
    a_map_of_the_right_name: BTreeMap::from([("secret".to_owned(), text())]) => Inner, BTreeMap<String, Inner>, Strict;
    a_variant_of_the_right_name: BTreeMap::from([("Pro".to_owned(), text())]) => Plan, Vec<Plan>;
    a_variant_of_the_right_shape: BTreeMap::from([("Other".to_owned(), BTreeMap::from([("name".to_owned(), text())]))]) => Plan;
    a_tag: BTreeMap::from([("kind".to_owned(), text())]) => Tagged, Strict, Inner;
    nested: BTreeMap::from([(text(), vec![Some((text(), NUMBER))])]) =>
        BTreeMap<String, Vec<Option<(String, u8)>>>, BTreeMap<String, Vec<(u64, u64)>>, BTreeMap<String, Vec<Option<Strict>>>;
    a_null: Option::<u8>::None => String, u8, Vec<u8>, Strict, Plan;
    a_flag: true => String, u8, Plan, char;
}

/// Types whose own errors quote the value, each by another function of serde.
macro_rules! quoting {
    ($($name:ident: |$value:ident| $refusal:expr;)*) => {
        $(
            #[derive(Debug, Serialize)]
            struct $name;

            impl $name {
                fn refuse<E: de::Error>($value: String) -> E {
                    $refusal
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    Err(Self::refuse(String::deserialize(deserializer)?))
                }
            }
        )*

        #[tokio::test]
        async fn an_error_withholds_the_message_of_a_users_type() {
            $(assert_reading_says_nothing::<_, $name>(text()).await;)*
            $(assert_reading_says_nothing::<_, Vec<Option<$name>>>(vec![text()]).await;)*
            $(assert_reading_says_nothing::<_, BTreeMap<String, $name>>(BTreeMap::from([(text(), text())])).await;)*
        }
    };
}

quoting! {
    Custom: |value| de::Error::custom(format_args!("not a plan: {value}"));
    InvalidValue: |value| de::Error::invalid_value(Unexpected::Str(&value), &"a plan");
    InvalidType: |value| de::Error::invalid_type(Unexpected::Other(&value), &"a plan");
    InvalidBytes: |value| de::Error::invalid_value(Unexpected::Bytes(value.as_bytes()), &"a plan");
    UnknownVariant: |value| de::Error::unknown_variant(&value, &["Free"]);
    UnknownField: |value| de::Error::unknown_field(&value, &["name"]);
    OfAnotherFormat: |value| de::Error::custom(serde_json::from_str::<u8>(&format!("{value:?}")).unwrap_err());
}
