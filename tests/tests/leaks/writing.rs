//! Values that do not serialize. The error of a type may quote the value, ours does not.

use std::collections::BTreeMap;
use std::fmt;

use envelope_dynamo::error::UsageError;
use envelope_dynamo::{Envelope, ErrorKind, to_item};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

use crate::{NUMBER, TEXT, assert_says_no_secret, assert_writing_says_nothing, provider};

/// Fails to serialize, with an error that quotes the value.
#[derive(Clone, Debug)]
pub(crate) struct Quoting(pub(crate) &'static str);

impl Serialize for Quoting {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom(format_args!("{} is not to be written", self.0)))
    }
}

impl<'de> Deserialize<'de> for Quoting {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("never read"))
    }
}

/// Its `Display` fails: `to_string` would panic.
#[derive(Clone, Debug)]
struct Unprintable;

impl fmt::Display for Unprintable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TEXT)?;
        Err(fmt::Error)
    }
}

impl Serialize for Unprintable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Unprintable {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

/// Writes part of itself, then fails.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct HalfWay {
    first: String,
    #[serde(serialize_with = "never")]
    second: u64,
}

fn never<S: Serializer>(number: &u64, _: S) -> Result<S::Ok, S::Error> {
    Err(ser::Error::custom(format_args!("{number}")))
}

fn deep(levels: usize) -> serde_json::Value {
    (0..levels).fold(TEXT.into(), |inner, _| serde_json::Value::Array(vec![inner]))
}

#[tokio::test]
async fn an_error_withholds_the_message_of_a_users_type() {
    assert_writing_says_nothing(|| Quoting(TEXT)).await;
    assert_writing_says_nothing(|| vec![Some(Quoting(TEXT))]).await;
    assert_writing_says_nothing(|| {
        BTreeMap::from([(TEXT.to_owned(), (TEXT.to_owned(), Quoting(TEXT)))])
    })
    .await;
    assert_writing_says_nothing(|| HalfWay { first: TEXT.into(), second: NUMBER }).await;
    assert_writing_says_nothing(|| Unprintable).await;
    assert_writing_says_nothing(|| deep(200)).await;
}

#[derive(Envelope)]
#[envelope(table = "patients")]
struct Keyed<K: Ord> {
    #[partition_key]
    id: String,
    #[encrypted]
    anchor: String,
    #[plaintext]
    map: BTreeMap<K, u8>,
}

#[tokio::test]
async fn an_error_does_not_quote_a_map_key_that_is_not_text() {
    let map = BTreeMap::from([((TEXT.to_owned(), NUMBER), 1)]);
    let error = to_item(&Keyed { id: "p".into(), anchor: TEXT.into(), map }, &provider())
        .await
        .unwrap_err();
    assert_says_no_secret(&error);
    let map = BTreeMap::from([(Some(TEXT.to_owned()), 1)]);
    let error = to_item(&Keyed { id: "p".into(), anchor: TEXT.into(), map }, &provider())
        .await
        .unwrap_err();
    assert_says_no_secret(&error);
}

#[derive(Envelope)]
#[envelope(table = "patients")]
struct Bound {
    #[partition_key]
    id: String,
    #[encrypted]
    anchor: String,
    #[authenticated]
    number: f64,
    #[authenticated]
    #[encryption_context]
    tenant: Option<String>,
}

#[tokio::test]
async fn an_error_does_not_quote_a_value_that_cannot_be_bound() {
    let bound = |number, tenant: Option<&str>| Bound {
        id: "p".into(),
        anchor: TEXT.into(),
        number,
        tenant: tenant.map(str::to_owned),
    };
    for record in [bound(NUMBER as f64 * 1e150, Some("t")), bound(1.0, None), bound(1.0, Some(""))]
    {
        let error = to_item(&record, &provider()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { .. })), "{error}");
        assert_says_no_secret(&error);
    }
}
