//! A clinic takes in its table of patients without downtime: items of fifty generations, written by
//! `serde_dynamo`, by the steps of docs/guide/from-others.md and docs/guide/migration.md.

mod history;
mod one_table;
mod patient;

use std::cell::Cell;
use std::env;
use std::process::{self, Stdio};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_cli::Command;
use envelope_dynamo::Table;
use envelope_dynamo::item::PlaintextItems::{self, Read, ReadAndWrite, Refuse};
use envelope_dynamo::item::{from_item_or_plaintext, is_plaintext};
use envelope_examples::servers::loopback::Loopback;
use envelope_tests::{Item, TestTable, local_keys, text, with};
use serde_json::Value;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::clinic::history::{GENERATIONS, items};
use crate::clinic::patient::{Patient, Ward};

/// The arguments of [`the_command_of_the_clinic`], one in each line.
const ARGUMENTS: &str = "ENVELOPE_CLINIC_ARGUMENTS";

/// Not a test of its own: another test starts this test binary again, with arguments for the
/// command in the environment. So it runs in a process of its own, as the clinic builds it.
#[test]
fn the_command_of_the_clinic() {
    let Ok(arguments) = env::var(ARGUMENTS) else { return };
    let exit = Command::new().records::<(Patient,)>().run(arguments.lines().map(Into::into));
    process::exit(exit.code().into());
}

/// Runs the command of the clinic, and returns what it prints, if it succeeds.
async fn command(servers: &Loopback, arguments: &[&str]) -> Value {
    let mut process = process::Command::new(env::current_exe().unwrap());
    process.args(["--exact", "clinic::the_command_of_the_clinic", "--nocapture"]);
    process.stdin(Stdio::null()).env_clear().env("HOME", "/nonexistent");
    process.envs(servers.environment());
    let arguments = [&["clinic"], arguments, &["--output", "json"]].concat();
    process.env(ARGUMENTS, arguments.join("\n"));
    let ended = spawn_blocking(move || process.output().unwrap()).await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let printed = String::from_utf8(ended.stdout).unwrap();
    // The lines of the test harness come first.
    serde_json::from_str(&printed[printed.find('{').unwrap()..]).unwrap()
}

/// The table of the clinic, with the items of all generations.
struct Clinic {
    table: TestTable<Patient>,
    items: Vec<Item>,
    /// The patients as `serde_dynamo` reads them.
    patients: Vec<Patient>,
}

impl Clinic {
    async fn open() -> Self {
        let table = TestTable::new().await;
        let items = items();
        for item in &items {
            table.plant(item.clone()).await;
        }
        let patients = items.iter().map(|item| serde_dynamo::from_item(item.clone()).unwrap());
        let patients = patients.collect();
        Self { table, items, patients }
    }

    fn in_state(&self, state: PlaintextItems) -> Table<Patient> {
        self.table.table.clone().plaintext_items(state)
    }

    async fn stored(&self, id: Uuid) -> Item {
        self.table.stored(Item::from([("patientId".to_owned(), text(id))])).await.unwrap()
    }

    /// Every read of a handle in this state gives what `serde_dynamo` read before.
    async fn reads_all(&self, state: PlaintextItems) {
        let table = self.in_state(state);
        for patient in &self.patients {
            let read = table.get(patient.patient_id).consistent_read().send().await.unwrap();
            assert_eq!(read.as_ref(), Some(patient), "{state:?}");
        }
        let ids = self.patients.iter().map(|patient| patient.patient_id);
        let read = table.batch_get(ids).send().await.unwrap();
        assert_eq!(read.into_iter().flatten().collect::<Vec<_>>(), self.patients, "{state:?}");
        let mut read = table.scan().send().await.unwrap();
        read.sort_by_key(|patient| patient.patient_id);
        assert_eq!(read, self.patients, "{state:?}");
    }
}

/// The check before the first step: each item reads as `serde_dynamo` reads it.
#[tokio::test]
async fn items_of_every_generation_read_as_before() {
    for item in items() {
        let before: Patient = serde_dynamo::from_item(item.clone()).unwrap();
        for state in [Read, ReadAndWrite] {
            let read = from_item_or_plaintext::<Patient>(item.clone(), &local_keys(7), state).await;
            assert_eq!(read.unwrap(), before, "{item:?}");
        }
    }
}

#[tokio::test]
async fn a_table_of_fifty_generations_is_taken_in_without_downtime() {
    let clinic = Clinic::open().await;

    // 1. Both read, both write plain items. The old build reads what the new one writes, which is
    //    what the old build would have written.
    let table = clinic.in_state(ReadAndWrite);
    clinic.reads_all(ReadAndWrite).await;
    for patient in clinic.patients.iter().step_by(3) {
        table.put(patient).send().await.unwrap();
        let stored = clinic.stored(patient.patient_id).await;
        let as_before: Item = serde_dynamo::to_item(patient).unwrap();
        assert_eq!(sorted_sets(stored.clone()), sorted_sets(as_before));
        assert_eq!(&serde_dynamo::from_item::<_, Patient>(stored).unwrap(), patient);
    }
    for patient in clinic.patients.iter().skip(1).step_by(3) {
        let changed = table.update(patient.patient_id).modify(|patient| patient.logins += 1);
        assert_eq!(changed.send().await.unwrap().unwrap().logins, patient.logins + 1);
        let back = table.update(patient.patient_id).modify(|patient| patient.logins -= 1);
        back.send().await.unwrap();
        let stored = clinic.stored(patient.patient_id).await;
        assert_eq!(&serde_dynamo::from_item::<_, Patient>(stored).unwrap(), patient);
    }
    clinic.reads_all(ReadAndWrite).await;

    // 2. Writes seal, beside processes that still write plain items.
    let (table, sealed) = (clinic.in_state(Read), Cell::new(0));
    for patient in clinic.patients.iter().skip(2).step_by(5) {
        table.put(patient).send().await.unwrap();
        sealed.set(sealed.get() + 1);
    }
    for patient in clinic.patients.iter().skip(4).step_by(5) {
        let id = patient.patient_id;
        let phone =
            |phone: Option<String>| move |patient: &mut Patient| patient.phone.clone_from(&phone);
        table.update(id).modify(phone(Some("another".to_owned()))).send().await.unwrap();
        table.update(id).modify(phone(patient.phone.clone())).send().await.unwrap();
        sealed.set(sealed.get() + 1);
    }
    clinic.reads_all(Read).await;
    clinic.reads_all(ReadAndWrite).await;

    // 3. The rest is sealed by the command, while the application reads.
    let (servers, name) = (&clinic.table.servers, clinic.table.table.name().to_owned());
    let (loopback, key) = (servers.loopback().start().unwrap(), servers.kms_key_id());
    let done = Cell::new(false);
    let backfill = async {
        let ended = command(&loopback, &["backfill", "--table", &name, "--kms-key", key]).await;
        done.set(true);
        ended["counts"].clone()
    };
    let application = async {
        while !done.get() {
            clinic.reads_all(Read).await;
        }
    };
    let (counts, ()) = tokio::join!(backfill, application);
    let due = GENERATIONS as u64 - sealed.get();
    assert_eq!(counts["changed"], due);
    assert_eq!((&counts["already"], &counts["failed"]), (&sealed.get().into(), &0.into()));

    // 4. Nothing is left in plaintext.
    command(&loopback, &["coverage", "--table", &name, "--expect-sealed"]).await;
    for patient in &clinic.patients {
        let item = clinic.stored(patient.patient_id).await;
        let readable = ["patientId", "ward", "blood", "logins", "labels", "legacy"];
        let left = item.keys().filter(|name| !name.starts_with("encrypted_"));
        let left: Vec<_> = left.filter(|name| !readable.contains(&name.as_str())).collect();
        assert!(!is_plaintext(&item) && left.is_empty(), "{left:?}");
    }

    // 5. Sealed records only.
    clinic.reads_all(Refuse).await;
    let table = clinic.in_state(Refuse);
    let west = table.index(|indexes| indexes.by_ward).query(Ward::East).send().await.unwrap();
    assert!(west.iter().all(|patient| patient.ward == Ward::East) && !west.is_empty());
}

/// `modify` in the state `Read` seals an item of every generation by itself.
#[tokio::test]
async fn a_change_seals_an_item_of_every_generation() {
    let clinic = Clinic::open().await;
    let table = clinic.in_state(Read);
    for patient in &clinic.patients {
        let id = patient.patient_id;
        let change = table.update(id).modify(|patient| patient.full_name.push('!'));
        change.send().await.unwrap();
        let mut read = clinic.in_state(Refuse).get(id).send().await.unwrap().unwrap();
        assert_eq!(read.full_name.pop(), Some('!'));
        assert_eq!(&read, patient);
    }
}

/// Sealing would lose what the struct does not read: inside a map, inside an element of a list, and
/// in the content of a variant.
#[tokio::test]
async fn nested_values_that_the_struct_does_not_read_are_named_and_stay() {
    let clinic = Clinic::open().await;
    let item = &clinic.items[GENERATIONS - 1];
    let unread = [
        ("contacts", serde_json::json!([{ "name": "Bo", "tel": "1", "fax": "2" }])),
        ("insurance", serde_json::json!({ "private": { "company": "A", "no": 1, "since": 7 } })),
        ("visits", serde_json::json!([{ "type": "emergency", "when": "", "doctor": "Bo" }])),
        ("visits", serde_json::json!([{ "type": "missed", "why": { "ill": true } }])),
        ("consent", serde_json::json!({ "kind": "spoken", "given": { "by": "Bo", "to": "Cy" } })),
        ("readings", serde_json::json!([{ "name": "pulse", "value": 60, "unit": "bpm" }])),
        ("initials", serde_json::json!(["A", "B", "C"])),
        ("diagnoses", serde_json::json!([{ "icd": "M10", "by": "Bo" }])),
    ];
    for (name, value) in unread {
        let value: AttributeValue = serde_dynamo::to_attribute_value(&value).unwrap();
        let planted = with(item, name, value);
        let before = serde_dynamo::from_item::<_, Patient>(planted.clone());
        clinic.table.plant(planted.clone()).await;
        let id = clinic.patients[GENERATIONS - 1].patient_id;
        let table = clinic.in_state(Read);
        let change = table.update(id).modify(|patient| patient.logins += 1).send().await;
        match before {
            Ok(_) => {
                let error = change.unwrap_err().to_string();
                assert!(error.contains(name) && error.contains("does not read"), "{error}");
            }
            Err(_) => assert!(change.is_err(), "{name}"),
        }
        assert_eq!(sorted_sets(clinic.stored(id).await), sorted_sets(planted), "{name}");
    }
}

/// DynamoDB returns sets in any order.
fn sorted_sets(mut item: Item) -> Item {
    for value in item.values_mut() {
        match value {
            AttributeValue::Ss(set) | AttributeValue::Ns(set) => set.sort_unstable(),
            AttributeValue::Bs(set) => set.sort_by(|a, b| a.as_ref().cmp(b.as_ref())),
            _ => {}
        }
    }
    item
}
