//! A table that was stored in plaintext is taken in: what each state reads and writes, and that no
//! sealed record becomes plain.

mod back;
mod changes;
mod limits;
mod orders;
mod pairs;
mod planted;
mod puts;
mod reads;
mod roles;
mod unsafe_pairs;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::item::PlaintextItems::{self, Read, ReadAndWrite, Refuse};
use envelope_dynamo::item::{PlaintextEvent, is_plaintext};
use envelope_dynamo::{Access, Envelope, Table};
use envelope_examples::Faults;
use envelope_tests::{Item, TestTable, called, local_keys, names_of, number, text, with};
use serde::{Deserialize, Serialize};

/// A record with attributes of every kind, as a clinic stored it for years.
#[derive(Clone, Debug, PartialEq, Envelope, Serialize, Deserialize)]
#[envelope(table = "patients", index(name = "by_ward", partition_key = ward, sort_key = patient_id))]
struct Patient {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    name: String,
    #[encrypted]
    address: Address,
    #[encrypted]
    #[serde(default)]
    phone: Option<String>,
    #[encrypted(group = "medical")]
    diagnoses: Access<Vec<String>>,
    #[authenticated]
    ward: String,
    #[plaintext]
    visits: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    city: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    #[serde(default)]
    codes: BTreeMap<String, u8>,
}

fn patient(id: &str) -> Patient {
    Patient {
        patient_id: id.to_owned(),
        name: "Zoë".to_owned(),
        address: Address {
            city: "Bern".to_owned(),
            street: Some("Kramgasse 49".to_owned()),
            codes: BTreeMap::from([("door".to_owned(), 7)]),
        },
        phone: None,
        diagnoses: Access::Granted(vec!["gout".to_owned()]),
        ward: "west".to_owned(),
        visits: 3,
    }
}

/// The item as the build before this library stored it.
fn old_item<T: Serialize>(record: &T) -> Item {
    serde_dynamo::to_item(record).unwrap()
}

/// A new table behind faults, and handles on it in each state.
struct Bench {
    table: TestTable<Patient>,
    counts: Arc<Counts>,
}

/// The events that handles of a bench have observed.
#[derive(Default)]
struct Counts {
    read: AtomicUsize,
    written: AtomicUsize,
}

impl Bench {
    async fn new() -> Self {
        let table = TestTable::with(|_, _| local_keys(7)).await;
        Self { table, counts: Arc::default() }
    }

    fn in_state(&self, state: PlaintextItems) -> Table<Patient> {
        self.handle(state)
    }

    /// A handle on the table, for records of any type.
    fn handle<T: Envelope>(&self, state: PlaintextItems) -> Table<T> {
        let client = self.table.servers.dynamodb_through(&self.table.faults);
        let counts = Arc::clone(&self.counts);
        Table::new(client, local_keys(7))
            .named(self.table.table.name())
            .plaintext_items(state)
            .observe_plaintext(move |event, record| {
                assert!(record.keys().count() > 0, "{record}");
                let count = match event {
                    PlaintextEvent::Read => &counts.read,
                    _ => &counts.written,
                };
                count.fetch_add(1, Ordering::Relaxed);
            })
    }

    /// Plain reads since the last call.
    fn plain_reads(&self) -> usize {
        self.counts.read.swap(0, Ordering::Relaxed)
    }

    /// Plain writes since the last call.
    fn plain_writes(&self) -> usize {
        self.counts.written.swap(0, Ordering::Relaxed)
    }

    fn faults(&self) -> &Faults {
        &self.table.faults
    }

    async fn plant(&self, item: Item) {
        self.table.plant(item).await;
    }

    /// Stores the record as the build before this library did.
    async fn old_put(&self, patient: &Patient) {
        self.plant(old_item(patient)).await;
    }

    async fn stored(&self, id: &str) -> Option<Item> {
        self.table.stored(Item::from([("patient_id".to_owned(), text(id))])).await
    }

    /// Whether a sealed record stands under the key, with nothing of it in plaintext.
    async fn is_sealed(&self, id: &str) -> bool {
        self.is_sealed_if_any(id).await.unwrap()
    }

    /// The same; `None` if nothing stands there.
    async fn is_sealed_if_any(&self, id: &str) -> Option<bool> {
        let stored = self.stored(id).await?;
        let sealed = !is_plaintext(&stored);
        let in_the_clear = ["name", "address", "phone", "diagnoses"];
        assert!(
            !sealed || in_the_clear.iter().all(|name| !stored.contains_key(*name)),
            "both sealed and plain: {:?}",
            names_of(&stored)
        );
        Some(sealed)
    }

    async fn delete(&self, id: &str) {
        let delete = self.table.servers.dynamodb().delete_item();
        let delete = delete.table_name(self.table.table.name()).key("patient_id", text(id));
        delete.send().await.unwrap();
    }

    /// Runs `meanwhile` while the next call of `operation` of `work` is held.
    async fn while_held<R>(
        &self,
        operation: &str,
        work: impl Future<Output = R>,
        meanwhile: impl Future<Output = ()>,
    ) -> R {
        let faults = self.faults();
        faults.hold(operation);
        let calls = faults.calls(operation) + 1;
        let meanwhile = async {
            called(faults, operation, calls).await;
            meanwhile.await;
            faults.release(operation);
        };
        tokio::join!(work, meanwhile).0
    }
}

/// The value of an attribute as text.
fn shown(item: &Item, name: &str) -> Option<AttributeValue> {
    item.get(name).cloned()
}
