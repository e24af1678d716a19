//! Items that are not sealed, while a table is taken in: what is said and logged of them.

use std::fmt::Debug;

use envelope_dynamo::item::PlaintextItems;
use envelope_dynamo::{Envelope, Table, transact_write};
use envelope_examples::Fault;
use envelope_tests::{Secret, TestTable, all_it_says, with};

use crate::logs::Log;
use crate::{BYTES, NUMBER, TEXT, assert_clean, provider};

/// A partition key that names a person.
const PARTITION: &str = "zoe.k3y-0f-b0h3mia@example.com";

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients", kms_context = "hashed")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted]
    scan: Vec<u8>,
    #[encrypted]
    number: u64,
    #[authenticated]
    ward: String,
    #[plaintext]
    visits: u32,
}

fn patient() -> Patient {
    Patient {
        id: PARTITION.into(),
        name: TEXT.into(),
        scan: BYTES.to_vec(),
        number: NUMBER,
        ward: "west".into(),
        visits: 0,
    }
}

/// Every way in which a call on a plain item fails, and what all of them say.
async fn failures(bench: &TestTable<Patient>, table: &Table<Patient>) -> String {
    let mut said = String::new();
    let mut note = |error: &(dyn std::error::Error + 'static)| said += &all_it_says(error);
    let patient = patient();
    let plain = envelope_dynamo::item::to_plaintext_item(&patient).unwrap();
    bench.plant(plain.clone()).await;
    note(&table.put(&patient).if_not_exists().send().await.unwrap_err());
    note(&table.delete(PARTITION).condition(|p| p.visits.gt(7)).send().await.unwrap_err());
    let update = || table.update(PARTITION).condition(|p| p.ward.eq("east"));
    note(&update().add(|p| p.visits, 1).send().await.unwrap_err());
    note(&update().modify(|p| p.visits += 1).send().await.unwrap_err());
    let transaction = transact_write(table.client()).put(table.put(&patient).if_not_exists());
    let transaction = transaction.prepare().await.unwrap();
    said_of(&mut said, &transaction);
    let mut note = |error: &(dyn std::error::Error + 'static)| said += &all_it_says(error);
    note(&transaction.send().await.unwrap_err());
    for (operation, fault) in [
        ("PutItem", Fault::LoseReply),
        ("UpdateItem", Fault::LoseReply),
        ("PutItem", Fault::error("AccessDeniedException")),
        ("GetItem", Fault::error("AccessDeniedException")),
    ] {
        bench.plant(plain.clone()).await;
        bench.faults.fail_always(operation, fault);
        let put = table.put(&patient).if_exists().send().await;
        let modify = table.update(PARTITION).modify(|p| p.name.push('!')).send().await;
        for error in [put.err(), modify.err()].into_iter().flatten() {
            note(&error);
        }
        bench.faults.recover(operation);
    }
    // Values that do not fit the struct.
    bench.plant(with(&plain, "scan", plain["name"].clone())).await;
    note(&table.get(PARTITION).send().await.unwrap_err());
    note(&table.update(PARTITION).modify(|p| p.visits += 1).send().await.unwrap_err());
    // Plaintext beside a payload.
    bench.plant(with(&plain, "encrypted_payload", plain["name"].clone())).await;
    note(&table.get(PARTITION).send().await.unwrap_err());
    said
}

fn said_of(said: &mut String, value: &impl Debug) {
    *said += &format!("{value:?}\n{value:#?}\n");
}

#[tokio::test]
async fn errors_and_traces_have_no_value_of_a_plain_item() {
    for state in [PlaintextItems::Read, PlaintextItems::ReadAndWrite] {
        let (bench, log) = (TestTable::<Patient>::with(|_, _| provider()).await, Log::default());
        let table = bench.table.clone().plaintext_items(state);
        let traced = tracing::subscriber::set_default(log.clone());
        table.put(&patient()).send().await.unwrap();
        table.update(PARTITION).modify(|p| p.visits += 1).send().await.unwrap();
        assert_eq!(table.get(PARTITION).send().await.unwrap().unwrap().visits, 1);
        let mut said = failures(&bench, &table).await;
        drop(traced);
        said_of(&mut said, &table);
        let ours = log.ours.lock().unwrap().clone();
        assert!(ours.contains("an item that is not sealed"), "{ours}");
        assert!(said.contains("an answer was lost"), "{said}");
        for told in [ours, said] {
            assert_clean(&told);
            assert_eq!(Secret::new(PARTITION).found_in(&told), None, "{told}");
        }
    }
}
