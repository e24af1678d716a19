//! The patient of a clinic as its program has the struct today.

use std::collections::{BTreeMap, BTreeSet};

use envelope_dynamo::{Access, Envelope};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::Value;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// A record with everything that serde stores. The marks are all that was added to take it in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Envelope)]
#[envelope(table = "patients", index(name = "by_ward", partition_key = ward, sort_key = patient_id))]
#[serde(rename_all = "camelCase")]
pub(super) struct Patient {
    #[partition_key]
    pub(super) patient_id: Uuid,
    #[encrypted]
    #[serde(alias = "name")]
    pub(super) full_name: String,
    #[encrypted]
    #[serde(default, alias = "dob")]
    date_of_birth: Option<Date>,
    #[encrypted]
    #[serde(default)]
    address: Option<Address>,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<Contact>,
    #[encrypted]
    #[serde(default)]
    insurance: Insurance,
    #[encrypted]
    #[serde(default)]
    visits: Vec<Visit>,
    #[encrypted]
    #[serde(default)]
    consent: Option<Consent>,
    #[encrypted]
    #[serde(default)]
    readings: Vec<Reading>,
    #[encrypted]
    #[serde(default, with = "number_or_text")]
    weight: Option<f64>,
    #[encrypted]
    #[serde(
        default,
        skip_serializing_if = "BTreeSet::is_empty",
        with = "serde_dynamo::string_set"
    )]
    allergies: BTreeSet<String>,
    #[encrypted]
    #[serde(
        default,
        skip_serializing_if = "BTreeSet::is_empty",
        with = "serde_dynamo::number_set"
    )]
    codes: BTreeSet<u32>,
    #[encrypted]
    #[serde(
        default,
        skip_serializing_if = "BTreeSet::is_empty",
        with = "serde_dynamo::binary_set"
    )]
    prints: BTreeSet<ByteBuf>,
    #[encrypted]
    #[serde(default)]
    photo: Option<ByteBuf>,
    #[encrypted]
    #[serde(default)]
    doses: BTreeMap<u32, f32>,
    #[encrypted]
    #[serde(default)]
    notes: BTreeMap<String, Value>,
    #[encrypted]
    #[serde(default)]
    initials: Option<(char, char)>,
    #[encrypted]
    #[serde(default)]
    position: Option<Position>,
    #[encrypted]
    #[serde(default)]
    marker: Marker,
    #[encrypted]
    #[serde(default)]
    case: Option<Case>,
    #[encrypted(group = "medical")]
    #[serde(default)]
    diagnoses: Access<Vec<Diagnosis>>,
    #[authenticated]
    #[serde(default)]
    pub(super) ward: Ward,
    #[authenticated]
    #[serde(default)]
    blood: Option<Blood>,
    #[plaintext]
    #[serde(default)]
    pub(super) logins: u32,
    #[plaintext]
    #[serde(
        default,
        skip_serializing_if = "BTreeSet::is_empty",
        with = "serde_dynamo::string_set"
    )]
    labels: BTreeSet<String>,
    #[serde(skip)]
    open_windows: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    #[serde(alias = "street")]
    lines: OneOrMany,
    #[serde(alias = "plz")]
    postal_code: NumberOrText,
    city: String,
    #[serde(default = "switzerland", skip_serializing_if = "is_switzerland")]
    country: String,
    /// What other programs of the clinic store beside it.
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

fn switzerland() -> String {
    "CH".to_owned()
}

fn is_switzerland(country: &String) -> bool {
    *country == switzerland()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u32),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Contact {
    name: String,
    #[serde(default, alias = "tel")]
    phone: Option<String>,
    #[serde(default = "next_of_kin", skip_serializing_if = "is_next_of_kin")]
    relation: String,
}

fn next_of_kin() -> String {
    "next of kin".to_owned()
}

fn is_next_of_kin(relation: &String) -> bool {
    *relation == next_of_kin()
}

/// Externally tagged, as serde does it unasked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Insurance {
    #[default]
    None,
    #[serde(alias = "public")]
    Statutory(String),
    Private {
        company: String,
        #[serde(alias = "no")]
        number: u64,
    },
    Both(String, u64),
}

/// Internally tagged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Visit {
    Planned {
        at: OffsetDateTime,
    },
    Emergency {
        #[serde(alias = "when")]
        at: String,
        minutes: Option<u16>,
    },
    Missed,
}

/// Adjacently tagged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "given", rename_all = "lowercase")]
enum Consent {
    Written(Date),
    Spoken { by: String },
    Refused,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Reading {
    Whole(i64),
    Large(u64),
    Fraction(f64),
    Flag(bool),
    Text(String),
    Series(Vec<Reading>),
    Named { name: String, value: Option<f64> },
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Position(f32, f64);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Marker;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Case(u64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Diagnosis {
    icd: String,
    #[serde(default)]
    since: Option<Date>,
    #[serde(default)]
    notes: Vec<Option<String>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ward {
    #[serde(alias = "WEST")]
    West,
    East,
    #[default]
    #[serde(other)]
    Elsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Blood {
    #[serde(rename = "0-")]
    ZeroNegative,
    #[serde(rename = "AB+")]
    AbPositive,
}

/// A number that older programs wrote as text.
mod number_or_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Number(f64),
        Text(String),
    }

    pub(super) fn serialize<S: Serializer>(
        number: &Option<f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        number.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        match Option::deserialize(deserializer)? {
            None => Ok(None),
            Some(Stored::Number(number)) => Ok(Some(number)),
            Some(Stored::Text(text)) if text.is_empty() => Ok(None),
            Some(Stored::Text(text)) => text.parse().map(Some).map_err(de::Error::custom),
        }
    }
}
