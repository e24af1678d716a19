//! Takes in a table that a program stored with `serde_dynamo`, while that program is running.
//!
//! `cargo run --example from_serde_dynamo`. docs/guide/from-others.md goes through it.

use std::error::Error;
use std::fmt::Write as _;

use aws_sdk_dynamodb::types::ScalarAttributeType::S;
use envelope_dynamo::item::{Item, PlaintextItems, from_item_or_plaintext, is_plaintext};
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

type Failure = Box<dyn Error + Send + Sync>;

/// As the old program has it, with `Envelope` and the marks added. serde's attributes stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Envelope)]
#[envelope(table = "patients")]
#[serde(rename_all = "camelCase")]
struct Patient {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    #[serde(alias = "name")] // the name of the attribute until 2019
    full_name: String,
    #[encrypted]
    #[serde(default)] // since 2021
    address: Option<Address>,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    diagnoses: Vec<String>,
    #[authenticated]
    ward: String,
    #[plaintext]
    #[serde(default)]
    visits: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    city: String,
    #[serde(default, alias = "plz")]
    zip: String,
}

/// Items as the old program wrote them in different years.
fn items_of_all_years() -> [Value; 4] {
    [
        json!({ "patientId": "p_1", "name": "Ana", "ward": "west" }),
        json!({ "patientId": "p_2", "fullName": "Bo", "ward": "east", "visits": 3 }),
        json!({
            "patientId": "p_3", "fullName": "Cy", "ward": "west", "address": null,
            "diagnoses": ["M10"],
        }),
        json!({
            "patientId": "p_4", "fullName": "Di", "ward": "east",
            "address": { "city": "Bern", "plz": "3011" },
        }),
    ]
}

/// The old program: the AWS SDK and `serde_dynamo`.
async fn old_put(patients: &Table<Patient>, patient: impl Serialize) -> Result<(), Failure> {
    let item = serde_dynamo::to_item(patient)?;
    patients.client().put_item().table_name(patients.name()).set_item(Some(item)).send().await?;
    Ok(())
}

async fn old_get(patients: &Table<Patient>, id: &str) -> Result<Patient, Failure> {
    let get = patients.client().get_item().table_name(patients.name());
    let key = aws_sdk_dynamodb::types::AttributeValue::S(id.to_owned());
    let item = get.key("patientId", key).consistent_read(true).send().await?.item;
    Ok(serde_dynamo::from_item(item.ok_or("no such patient")?)?)
}

async fn all_items(patients: &Table<Patient>) -> Result<Vec<Item>, Failure> {
    let scan = patients.client().scan().table_name(patients.name()).consistent_read(true);
    Ok(scan.send().await?.items.unwrap_or_default())
}

async fn count(patients: &Table<Patient>) -> Result<String, Failure> {
    let (plain, sealed): (Vec<_>, Vec<_>) =
        all_items(patients).await?.into_iter().partition(is_plaintext);
    Ok(format!("{} plain, {} sealed", plain.len(), sealed.len()))
}

async fn take_in(servers: &Servers, table: &str, out: &mut String) -> Result<(), Failure> {
    let keys = || KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let patients = Table::<Patient>::new(servers.dynamodb().clone(), keys()).named(table);
    for item in items_of_all_years() {
        old_put(&patients, item).await?;
    }

    // Before the first step: does each item read, and as the old program reads it?
    let mut before = Vec::new();
    for item in all_items(&patients).await? {
        let old: Patient = serde_dynamo::from_item(item.clone())?;
        let new: Patient = from_item_or_plaintext(item, &keys(), PlaintextItems::Read).await?;
        assert_eq!(old, new);
        before.push(new);
    }
    writeln!(out, "before            {}: each reads as before", count(&patients).await?)?;

    // 1. Reads both, writes what the old program reads.
    let both = patients.clone().plaintext_items(PlaintextItems::ReadAndWrite);
    both.update("p_1").modify(|patient| patient.diagnoses.push("I10".into())).send().await?;
    assert_eq!(old_get(&patients, "p_1").await?.diagnoses, ["I10"]);
    writeln!(out, "1. ReadAndWrite   {}: the old build reads on", count(&patients).await?)?;

    // 2. Reads both, seals what it writes.
    let read = patients.clone().plaintext_items(PlaintextItems::Read);
    read.update("p_1").modify(|patient| patient.diagnoses.clear()).send().await?;
    assert!(old_get(&patients, "p_1").await.is_err(), "so no old build runs any more");
    writeln!(out, "2. Read           {}: a change seals", count(&patients).await?)?;

    // 3. Seals the rest.
    let counts = read.backfill().send().await?;
    assert_eq!((counts.changed, counts.already, counts.failed), (3, 1, 0));
    writeln!(out, "3. backfill       {}", count(&patients).await?)?;

    // 5. Reads sealed records only. (4 is the report: `envelope coverage --expect-sealed`.)
    for patient in &before {
        assert_eq!(patients.get(&patient.patient_id).send().await?.as_ref(), Some(patient));
    }
    writeln!(out, "5. Refuse         all {} patients read as before", before.len())?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    print!("{}", run().await?);
    Ok(())
}

/// Returns what is printed.
async fn run() -> Result<String, Failure> {
    let (servers, table) = (Servers::from_env().await?, unique_name("patients"));
    create_table(servers.dynamodb(), &table, ("patientId", S), None).await?;
    let mut out = String::new();
    take_in(&servers, &table, &mut out).await?;
    servers.dynamodb().delete_table().table_name(&table).send().await?;
    Ok(out)
}

#[tokio::test]
async fn the_chapter_shows_what_is_printed() {
    let chapter = include_str!("../../docs/guide/from-others.md");
    let printed = run().await.expect("the example runs");
    assert!(chapter.contains(&format!("```text\n{printed}```")), "{printed}");
}
