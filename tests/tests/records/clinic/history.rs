//! What the clinic's program wrote over the years: fifty generations of items, each by
//! `serde_dynamo`.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_tests::Item;
use serde::Serialize;
use serde_bytes::ByteBuf;
use serde_dynamo::binary_set::BinarySet;
use serde_dynamo::number_set::NumberSet;
use serde_dynamo::string_set::StringSet;
use serde_json::json;
use time::{Date, Month, OffsetDateTime};
use uuid::Uuid;

pub(super) const GENERATIONS: usize = 50;

/// The items of all generations: one patient each.
pub(super) fn items() -> Vec<Item> {
    let changes = changes();
    assert_eq!(changes.len() + 1, GENERATIONS);
    let generation = |years: usize| {
        let mut item = Item::new();
        wrote("patientId", Uuid::from_u128(years as u128))(&mut item);
        wrote("name", format!("Zoë {years}"))(&mut item);
        changes.iter().take(years).for_each(|change| change(&mut item));
        item
    };
    (0..GENERATIONS).map(generation).collect()
}

type Change = Box<dyn Fn(&mut Item)>;

/// From now on, the program writes the attribute so.
fn wrote(name: &'static str, value: impl Serialize) -> Change {
    let value: AttributeValue = serde_dynamo::to_attribute_value(value).unwrap();
    Box::new(move |item| drop(item.insert(name.to_owned(), value.clone())))
}

/// From now on, the program leaves the attribute out.
fn left_out(name: &'static str) -> Change {
    Box::new(move |item| drop(item.remove(name)))
}

/// From now on, the program writes the attribute under another name.
fn renamed(old: &'static str, new: &'static str) -> Change {
    Box::new(move |item| {
        if let Some(value) = item.remove(old) {
            item.insert(new.to_owned(), value);
        }
    })
}

#[derive(Serialize)]
struct OldAddress {
    street: &'static str,
    plz: u32,
    city: &'static str,
    country: Option<&'static str>,
}

#[derive(Serialize)]
struct OldContact {
    name: &'static str,
    tel: &'static str,
    relation: &'static str,
}

#[derive(Serialize)]
enum OldInsurance {
    #[serde(rename = "public")]
    Public(&'static str),
    #[serde(rename = "private")]
    Private { company: &'static str, no: u64 },
}

/// A day as the crates `chrono` and `time` write it: `2019-02-28`.
fn day(year: i32) -> Date {
    Date::from_calendar_date(year, Month::February, 28).unwrap()
}

fn moment() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_123_456_789).unwrap()
}

fn changes() -> Vec<Change> {
    vec![
        wrote("dob", "1984-03-01"),
        wrote(
            "address",
            json!({ "street": "Kramgasse 49", "plz": 3011, "city": "Bern", "country": "CH" }),
        ),
        wrote(
            "address",
            OldAddress { street: "Rue du Lac 1", plz: 1003, city: "", country: Some("CH") },
        ),
        wrote("phone", ""),
        wrote("phone", None::<String>),
        wrote("phone", "+41 31 000 00 00"),
        renamed("name", "fullName"),
        wrote("weight", "72.5"),
        wrote("weight", ""),
        wrote("weight", 72.5_f32),
        wrote("weight", 72_u8),
        wrote("allergies", ["nuts", "pollen", "nuts"]),
        wrote("allergies", StringSet(["pollen", "nuts"])),
        left_out("allergies"),
        wrote("contacts", [OldContact { name: "Ana", tel: "1", relation: "next of kin" }]),
        wrote("contacts", [json!({ "name": "Bo", "phone": null, "relation": "neighbour" })]),
        wrote("contacts", Vec::<()>::new()),
        wrote("insurance", "none"),
        wrote("insurance", OldInsurance::Public("CSS")),
        wrote("insurance", OldInsurance::Private { company: "Helvetia", no: u64::MAX }),
        wrote("insurance", json!({ "statutory": "" })),
        wrote("insurance", json!({ "both": ["Helsana", 7] })),
        wrote("visits", [json!({ "type": "missed" })]),
        wrote("visits", [json!({ "when": "2020-01-02T03:04:05.678Z", "type": "emergency" })]),
        wrote(
            "visits",
            [
                json!({ "type": "planned", "at": moment() }),
                json!({ "type": "emergency", "at": "", "minutes": 5 }),
            ],
        ),
        wrote("consent", json!({ "kind": "refused" })),
        wrote("consent", json!({ "given": { "by": "Zoë" }, "kind": "spoken" })),
        wrote("consent", json!({ "kind": "written", "given": day(2019) })),
        wrote("readings", (1, 1.5, -0.25_f32, true, "n/a", None::<u8>)),
        wrote("readings", (i64::MIN, u64::MAX, 1.0, vec![1, 2], ())),
        wrote("readings", [json!({ "name": "pulse", "value": 60 }), json!([])]),
        wrote("codes", NumberSet([3, 1, 2])),
        wrote("codes", [4, 5]),
        wrote("prints", BinarySet([ByteBuf::from([0, 255]), ByteBuf::from([])])),
        wrote("photo", None::<ByteBuf>),
        wrote("photo", ByteBuf::from([])),
        wrote("photo", ByteBuf::from(vec![7; 1000])),
        wrote("doses", BTreeMap::from([(8_u32, 0.1_f32), (20, f32::MAX)])),
        wrote("notes", json!({ "a": { "b": [null, {}, "", 0.5, -7] }, "none": [] })),
        wrote("initials", ('Z', 'é')),
        wrote("position", (46.948_f32, 7.447_1)),
        wrote("marker", ()),
        wrote("case", 4711),
        wrote("diagnoses", [json!({ "icd": "M10" })]),
        wrote(
            "diagnoses",
            [json!({ "icd": "I10", "since": day(2021), "notes": ["", null, "mild"] })],
        ),
        Box::new(|item| {
            wrote("ward", "WEST")(item);
            wrote("blood", None::<String>)(item);
        }),
        Box::new(|item| {
            wrote("ward", "a ward that was closed")(item);
            wrote("blood", "AB+")(item);
        }),
        Box::new(|item| {
            renamed("dob", "dateOfBirth")(item);
            wrote("ward", "east")(item);
            wrote("logins", 9)(item);
            wrote("labels", StringSet(["b", "a"]))(item);
            wrote("legacy", "a field that the struct no longer has")(item);
        }),
        wrote(
            "address",
            json!({
                "lines": ["c/o Ana", "Kramgasse 49"], "postalCode": "3011", "city": "Bern",
                "country": "LI", "floor": 3, "lift": { "works": true },
            }),
        ),
    ]
}
