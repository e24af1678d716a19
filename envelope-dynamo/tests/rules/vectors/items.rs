//! The vectors of whole items: groups (FORMAT 4.6), the order of the steps (7), marks (8).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{DataError, DataKeyError, FormatError, OpenError, UsageError};
use envelope_dynamo::{
    Access, Envelope, Error, ErrorKind, GroupKeyProvider, LocalKeyProvider, RootKey, from_item,
};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::played_kms::PlayedKms;
use super::{Hex, in_folder, key_failure};

#[derive(Deserialize)]
struct Vector {
    expect: String,
    root_key: Hex,
    reader: Reader,
    item: BTreeMap<String, BTreeMap<String, Json>>,
    /// What each field of the reader holds, in a vector that opens.
    outcome: Option<Outcome>,
}

type Outcome = BTreeMap<String, Json>;

/// The fields of a reader, and the keys of its groups.
#[derive(Deserialize)]
struct Reader {
    fields: BTreeMap<String, Field>,
    #[serde(default)]
    denies_unknown_fields: bool,
    #[serde(default)]
    groups: BTreeMap<String, GroupKey>,
}

#[derive(Deserialize)]
struct Field {
    mark: String,
    #[serde(default)]
    accepts_plaintext: bool,
    #[serde(default)]
    aliases: Vec<String>,
    /// Whether the reader has the definition of its search tag.
    #[serde(default)]
    searchable: bool,
    group: Option<String>,
}

impl Field {
    /// Its mark, whether it accepts plaintext, and its aliases.
    fn says(&self) -> (&str, bool, &[String]) {
        (&self.mark, self.accepts_plaintext, &self.aliases)
    }
}

/// The key that a reader has of a group, if it has one.
#[derive(Deserialize)]
struct GroupKey {
    root_key: Option<Hex>,
    kms: Option<PlayedKms>,
}

/// One struct for each reader that the vectors have.
macro_rules! readers {
    ($(
        $(#[$option:meta])*
        $name:ident $(($($index:tt)*))? { $($(#[$mark:meta])* $field:ident: $type:ty,)* }
    )*) => {
        $(
            #[derive(Envelope)]
            #[envelope(table = "patients", context(purpose = "care"), $($($index)*)?)]
            $(#[$option])*
            struct $name {
                #[partition_key]
                patient_id: String,
                #[encrypted]
                name: Option<String>,
                $($(#[$mark])* $field: $type,)*
            }

            impl From<$name> for Outcome {
                fn from(record: $name) -> Self {
                    Self::from([
                        ("patient_id".to_owned(), json!({ "value": record.patient_id })),
                        ("name".to_owned(), seen(record.name)),
                        $((stringify!($field).to_owned(), seen(record.$field)),)*
                    ])
                }
            }
        )*
    };
}

readers! {
    NameAlone {}
    Encrypted { #[encrypted] email: Option<String>, }
    EncryptedAccepts { #[encrypted(accept = "plaintext")] email: Option<String>, }
    Authenticated { #[authenticated] email: Option<String>, }
    AuthenticatedAccepts { #[authenticated(accept = "plaintext")] email: Option<String>, }
    Plaintext { #[plaintext] email: Option<String>, }
    Searchable(index(name = "by-email", partition_key = email)) {
        #[encrypted] #[searchable] email: Option<String>,
    }
    #[serde(deny_unknown_fields)]
    Strict { #[encrypted] email: Option<String>, }
    EncryptedAliasAccepts { #[encrypted(accept = "plaintext")] #[serde(alias = "mail")] email: Option<String>, }
    PlaintextAlias { #[plaintext] #[serde(alias = "mail")] email: Option<String>, }
    Unaware { #[encrypted] diagnosis: Option<String>, }
    UnawareAccepts { #[encrypted(accept = "plaintext")] diagnosis: Option<String>, }
    Grouped { #[encrypted(group = "medical")] #[serde(default)] diagnosis: Access<Option<String>>, }
    GroupedAccepts {
        #[encrypted(accept = "plaintext")] email: Option<String>,
        #[encrypted(group = "medical")] #[serde(default)] diagnosis: Access<Option<String>>,
    }
}

/// The reader of a record without encrypted fields.
#[derive(Envelope)]
#[envelope(table = "patients", context(purpose = "care"))]
struct WithoutSecrets {
    #[partition_key]
    patient_id: String,
    #[authenticated]
    ward: Option<String>,
}

impl From<WithoutSecrets> for Outcome {
    fn from(record: WithoutSecrets) -> Self {
        Self::from([
            ("patient_id".to_owned(), json!({ "value": record.patient_id })),
            ("ward".to_owned(), seen(record.ward)),
        ])
    }
}

/// What a field holds, as the vectors write it.
fn seen(field: impl Into<Access<Option<String>>>) -> Json {
    match field.into() {
        Access::Granted(Some(value)) => json!({ "value": value }),
        Access::Granted(None) => json!({ "missing": true }),
        Access::Withheld => json!({ "withheld": true }),
    }
}

impl Vector {
    async fn open(&self) -> Result<Outcome, Error> {
        let email = self.reader.fields.get("email").map(Field::says);
        let diagnosis = self
            .reader
            .fields
            .get("diagnosis")
            .map(|field| (field.group.as_deref(), field.accepts_plaintext));
        if self.reader.denies_unknown_fields {
            return self.open_as::<Strict>().await;
        }
        if self.reader.fields.values().any(|field| field.searchable) {
            return self.open_as::<Searchable>().await;
        }
        match (email, diagnosis) {
            (None, None) if self.reader.fields.contains_key("ward") => {
                self.open_as::<WithoutSecrets>().await
            }
            (None, None) => self.open_as::<NameAlone>().await,
            (Some(("encrypted", false, [])), None) => self.open_as::<Encrypted>().await,
            (Some(("encrypted", true, [])), None) => self.open_as::<EncryptedAccepts>().await,
            (Some(("encrypted", true, [_])), None) => self.open_as::<EncryptedAliasAccepts>().await,
            (Some(("authenticated", false, [])), None) => self.open_as::<Authenticated>().await,
            (Some(("authenticated", true, [])), None) => {
                self.open_as::<AuthenticatedAccepts>().await
            }
            (Some(("plaintext", false, [])), None) => self.open_as::<Plaintext>().await,
            (Some(("plaintext", false, [_])), None) => self.open_as::<PlaintextAlias>().await,
            (None, Some((None, false))) => self.open_as::<Unaware>().await,
            (None, Some((None, true))) => self.open_as::<UnawareAccepts>().await,
            (None, Some((Some("medical"), false))) => self.open_as::<Grouped>().await,
            (Some(("encrypted", true, [])), Some((Some("medical"), false))) => {
                self.open_as::<GroupedAccepts>().await
            }
            other => panic!("no struct for the reader {other:?}"),
        }
    }

    async fn open_as<T: Envelope + Into<Outcome>>(&self) -> Result<Outcome, Error> {
        let record: T = from_item(self.item(), &self.provider()).await?;
        let mut outcome: Outcome = record.into();
        outcome.retain(|name, _| self.reader.fields.contains_key(name));
        Ok(outcome)
    }

    fn provider(&self) -> GroupKeyProvider {
        let mut provider = GroupKeyProvider::new(local(&self.root_key));
        for (name, key) in &self.reader.groups {
            provider = match (&key.root_key, &key.kms) {
                (Some(key), None) => provider.group(name, local(key)),
                (None, Some(kms)) => provider.group(name, kms.provider()),
                _ => provider,
            };
        }
        provider
    }

    fn item(&self) -> HashMap<String, AttributeValue> {
        self.item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
    }
}

fn local(key: &Hex) -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::from_bytes(&key.0).expect("a root key"))
}

fn attribute(value: &BTreeMap<String, Json>) -> AttributeValue {
    let text = |json: &Json| json.as_str().expect("a text").to_owned();
    match value.first_key_value().map(|(kind, value)| (kind.as_str(), value)) {
        Some(("S", value)) => AttributeValue::S(text(value)),
        Some(("N", value)) => AttributeValue::N(text(value)),
        Some(("BOOL", value)) => AttributeValue::Bool(value.as_bool().expect("a boolean")),
        Some(("B", value)) => {
            let bytes = base64_simd::STANDARD.decode_to_vec(text(value)).expect("base64");
            AttributeValue::B(Blob::new(bytes))
        }
        other => panic!("no vector has {other:?}"),
    }
}

/// The names under which the vectors know an error. An item that is not put together as it should
/// be has several.
fn failures(error: &Error) -> &'static [&'static str] {
    match error.kind() {
        ErrorKind::Data(DataError::NotSealed) => &["not-sealed"],
        ErrorKind::Data(DataError::Malformed(_)) => &["incomplete", "group", "malformed-record"],
        ErrorKind::Data(DataError::NotBinary { attribute, .. }) => match attribute.as_str() {
            "encrypted_payload" | "encrypted_dek" => &["incomplete"],
            _ => &["group"],
        },
        ErrorKind::Data(DataError::IncompleteGroup { .. })
        | ErrorKind::Data(DataError::AddedGroup { .. }) => &["group"],
        ErrorKind::Usage(UsageError::Attribute { .. }) => &["key-attribute"],
        ErrorKind::Usage(UsageError::Marks(_)) => &["marks"],
        ErrorKind::Data(DataError::NotAuthentic { .. }) => &["authentication"],
        ErrorKind::Data(DataError::Open(OpenError::Format(FormatError::Truncated(_)))) => {
            &["format-truncated"]
        }
        ErrorKind::Key(DataKeyError::Unwrap(error)) => {
            std::slice::from_ref(Box::leak(Box::new(key_failure(error))))
        }
        _ => &[],
    }
}

#[tokio::test]
async fn every_item_of_the_vectors_opens_or_is_refused_as_it_says() {
    let mut surprises = Vec::new();
    for (name, vector) in in_folder::<Vector>("item-v1") {
        let opened = vector.open().await;
        let is_as_expected = match &opened {
            Ok(outcome) => vector.expect == "opens" && vector.outcome.as_ref() == Some(outcome),
            Err(error) => failures(error).contains(&vector.expect.as_str()),
        };
        if !is_as_expected {
            surprises.push(format!("{name}: expected {}, got {opened:?}", vector.expect));
        }
    }
    assert!(surprises.is_empty(), "{surprises:#?}");
}

/// Each cell of the table of 8-3 and each way to withhold a group has a vector.
#[test]
fn the_vectors_of_items_cover_every_reader_and_every_outcome() {
    let vectors = in_folder::<Vector>("item-v1");
    let cells = vectors
        .iter()
        .filter(|(name, _)| name.starts_with("mark-") && name.contains("-of-"))
        .count();
    assert_eq!(cells, 5 * 10);
    let outcomes: BTreeSet<_> = vectors.iter().map(|(_, vector)| vector.expect.as_str()).collect();
    for expected in
        ["opens", "not-sealed", "incomplete", "key-attribute", "group", "marks", "malformed-record"]
    {
        assert!(outcomes.contains(expected), "{expected}");
    }
}
