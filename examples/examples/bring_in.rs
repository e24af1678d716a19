//! Takes a plaintext table in, in the five steps of docs/guide/migration.md, and shows after each
//! step who reads what.
//!
//! `cargo run --example bring_in`
//!
//! `OldPatient` is the program that has stored the table for years, with `serde_dynamo` alone. The
//! handles `read_and_write`, `read` and `refuse` are three deployments of the new program. As for
//! the quickstart, `DYNAMODB_ENDPOINT` and `KMS_ENDPOINT` name emulators.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::item::PlaintextItems::{self, Read, ReadAndWrite, Refuse};
use envelope_dynamo::item::{Item, PlaintextEvent};
use envelope_dynamo::maintain::{Part, SchemaFile, StoredTable};
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};
use serde::{Deserialize, Serialize};

/// A patient, as the old program has it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct OldPatient {
    patient_id: String,
    name: String,
    address: Address,
    ward: String,
    visits: u32,
}

/// The same patient, as the new program has it: the names of the attributes stay.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    name: String,
    #[encrypted]
    address: Address,
    #[authenticated]
    ward: String,
    #[plaintext]
    visits: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    city: String,
    street: Option<String>,
}

const PATIENTS: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let servers = Servers::from_env().await?;
    println!("Using {}.", servers.describe());
    let dynamodb = servers.dynamodb();
    let table = unique_name("patients");
    create_table(dynamodb, &table, ("patient_id", ScalarAttributeType::S), None).await?;
    for number in 0..PATIENTS {
        let item = serde_dynamo::to_item(old_patient(number))?;
        dynamodb.put_item().table_name(&table).set_item(Some(item)).send().await?;
    }
    println!("\nThe old program has stored {PATIENTS} patients. DynamoDB has p_00 as:");
    print_item(&stored(&servers, &table, "p_00").await?);

    // Three deployments of the new program. They differ in one setting.
    let plain_reads = Arc::new(AtomicUsize::new(0));
    let in_state = |state: PlaintextItems| {
        let provider = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
        let count = Arc::clone(&plain_reads);
        Table::<Patient>::new(dynamodb.clone(), provider)
            .named(&table)
            .plaintext_items(state)
            .observe_plaintext(move |event, _| {
                let is_read = event == PlaintextEvent::Read;
                count.fetch_add(usize::from(is_read), Ordering::Relaxed);
            })
    };
    let (read_and_write, read, refuse) = (in_state(ReadAndWrite), in_state(Read), in_state(Refuse));
    // Reads all patients, and counts how many of them were plain items.
    let read_all = async |by: &Table<Patient>| {
        plain_reads.store(0, Ordering::Relaxed);
        assert_eq!(by.scan().consistent_read().send().await?.len(), PATIENTS);
        let plain = plain_reads.load(Ordering::Relaxed);
        println!("  plain reads of {PATIENTS}: {plain}");
        Ok::<usize, envelope_dynamo::Error>(plain)
    };

    println!("\nStep 1: deploy ReadAndWrite, and take the table from the old role.");
    read_and_write.update("p_00").modify(|patient| patient.name = "Zoë".into()).send().await?;
    let by_old: OldPatient = serde_dynamo::from_item(stored(&servers, &table, "p_00").await?)?;
    println!("  ReadAndWrite renames p_00. The old program reads the name {:?}.", by_old.name);
    assert_eq!(read_all(&read_and_write).await?, PATIENTS);
    let error = refuse.get("p_00").send().await.expect_err("it is not sealed");
    println!("  Refuse is too early:\n    {error}");

    println!("\nStep 2: deploy Read. What it writes is sealed.");
    let zoe = read.get("p_00").send().await?.ok_or("p_00 is gone")?;
    read.put(&zoe).send().await?;
    read.update("p_01").modify(|patient| patient.address.street = None).send().await?;
    assert_eq!(read_and_write.get("p_00").send().await?, Some(zoe.clone()));
    println!("  Read puts p_00 and changes p_01. ReadAndWrite reads both, so it may still run.");
    let lost = serde_dynamo::from_item::<_, OldPatient>(stored(&servers, &table, "p_00").await?);
    println!("  The old program must be gone: {}", lost.expect_err("the name is sealed"));
    assert_eq!(read_all(&read).await?, PATIENTS - 2);

    println!("\nStep 3: seal what nobody writes, here in two parts.");
    for part in [Part::of(0, 2)?, Part::of(1, 2)?] {
        // An emulator has no point-in-time recovery. Your table has: leave `without_recovery` out.
        let sealed = read.backfill().part(part).without_recovery().send().await?;
        assert_eq!(sealed.failed, 0);
        println!("  part {part}: {} sealed, {} already", sealed.changed, sealed.already);
        read_all(&read).await?;
    }
    println!("DynamoDB has p_00 as:");
    print_item(&stored(&servers, &table, "p_00").await?);

    println!("\nStep 4: prove it.");
    let schema = SchemaFile::new().with::<Patient>();
    let described = StoredTable::new(dynamodb.clone(), &schema, "patients")?.named(&table);
    let report = described.coverage().expect_sealed().send().await?;
    assert!(report.holds());
    println!("{report}");

    println!("\nStep 5: deploy Refuse, without the feature `trust-plaintext-items`.");
    assert_eq!(read_all(&refuse).await?, 0);
    assert_eq!(refuse.get("p_00").send().await?, Some(zoe));
    println!("Somebody who can write the table puts a plain item in place of p_00.");
    let planted = serde_dynamo::to_item(OldPatient { ward: "the best".into(), ..old_patient(0) })?;
    dynamodb.put_item().table_name(&table).set_item(Some(planted)).send().await?;
    let believed = read.get("p_00").send().await?.ok_or("p_00 is gone")?;
    println!("  Read believes it, which is why step 5 matters: ward {:?}", believed.ward);
    let error = refuse.get("p_00").send().await.expect_err("it is not sealed");
    println!("  Refuse does not:\n    {error}");
    let report = described.coverage().expect_sealed().send().await?;
    println!("  The coverage finds it: {} item is not sealed.", report.read.not_sealed);
    assert!(!report.holds());

    dynamodb.delete_table().table_name(&table).send().await?;
    Ok(())
}

fn old_patient(number: usize) -> OldPatient {
    OldPatient {
        patient_id: format!("p_{number:02}"),
        name: format!("Patient {number}"),
        address: Address { city: "Bern".into(), street: Some(format!("Kramgasse {number}")) },
        ward: "west".into(),
        visits: 3,
    }
}

async fn stored(servers: &Servers, table: &str, id: &str) -> Result<Item, Box<dyn Error>> {
    let key = AttributeValue::S(id.to_owned());
    let get = servers.dynamodb().get_item().table_name(table).key("patient_id", key);
    Ok(get.consistent_read(true).send().await?.item.ok_or("the item is gone")?)
}

fn print_item(item: &Item) {
    for (name, value) in item.iter().collect::<BTreeMap<_, _>>() {
        match value {
            AttributeValue::B(bytes) => println!("  {name:<18} {} bytes", bytes.as_ref().len()),
            value => println!("  {name:<18} {value:?}"),
        }
    }
}
