//! Composed keys of indexes: what is written, what queries find, and what a hostile writer can do.

mod attacks;
mod queries;
mod writes;

use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{Envelope, RootKey, Table};
use envelope_examples::servers::unique_name;
use envelope_examples::{Faults, Servers};
use envelope_tests::{Item, names_of, plant, requests, servers, stored, text, with};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic")]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Patient {
    #[key]
    patient: String,
    #[encrypted]
    name: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "clinic",
    index(
        name = "gsi1",
        partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}"),
        sort_key(name = "gsi1sk", format = "VISIT#{day}#{start:06}#{room}"),
    ),
    index(name = "gsi2", partition_key(name = "gsi2pk", format = "{visit}")),
    index(
        name = "by-ward",
        partition_key(name = "ward state", format = "{ward}#{state}"),
        sort_key = start,
    ),
    index(name = "inverted", partition_key = sk, sort_key = pk),
)]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "VISIT#{visit}")]
struct Visit {
    #[key]
    patient: String,
    #[key]
    visit: String,
    #[authenticated]
    #[serde(default)]
    doctor: Option<String>,
    #[authenticated]
    day: String,
    #[authenticated]
    start: u32,
    #[authenticated]
    room: String,
    #[authenticated]
    ward: String,
    #[plaintext]
    state: String,
    #[plaintext]
    minutes: u64,
    #[encrypted]
    notes: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "clinic",
    index(
        name = "gsi1",
        partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}"),
        sort_key(name = "gsi1sk", format = "BILL#{number:06}"),
    )
)]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "BILL#{number:06}")]
struct Bill {
    #[key]
    patient: String,
    #[key]
    number: u32,
    #[authenticated]
    doctor: String,
    #[encrypted]
    amount: u64,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Clinic {
    Patient(Patient),
    Visit(Visit),
    Bill(Bill),
}

fn patient(id: &str) -> Patient {
    Patient { patient: id.to_owned(), name: "Zoë".to_owned() }
}

fn visit(id: &str, doctor: &str, day: &str, start: u32) -> Visit {
    Visit {
        patient: "p_1".to_owned(),
        visit: id.to_owned(),
        doctor: Some(doctor.to_owned()),
        day: day.to_owned(),
        start,
        room: "r-7".to_owned(),
        ward: "north".to_owned(),
        state: "planned".to_owned(),
        minutes: 30,
        notes: "s3cr3t".to_owned(),
    }
}

fn bill(number: u32, doctor: &str) -> Bill {
    Bill { patient: "p_1".to_owned(), number, doctor: doctor.to_owned(), amount: 70 }
}

/// A new table of the clinic behind faults.
struct Bench {
    servers: Servers,
    faults: Faults,
    clinic: Table<Clinic>,
    keys: TestKeyProvider,
}

impl Bench {
    async fn new() -> Self {
        let (servers, faults) = (servers().await, Faults::new());
        let keys = TestKeyProvider::new(RootKey::generate().unwrap());
        let client = servers.dynamodb_through(&faults);
        let clinic = Table::new(client, keys.clone()).named(unique_name("clinic"));
        clinic.create_table().send().await.unwrap();
        Self { servers, faults, clinic, keys }
    }

    fn visits(&self) -> Table<Visit> {
        self.clinic.of::<Visit>()
    }

    async fn put(&self, visits: &[Visit]) {
        for visit in visits {
            self.visits().put(visit).send().await.unwrap();
        }
    }

    async fn stored(&self, visit: &str) -> Item {
        let key = Item::from([
            ("pk".to_owned(), text("PATIENT#p_1")),
            ("sk".to_owned(), text(format!("VISIT#{visit}"))),
        ]);
        stored(&self.servers, self.clinic.name(), key).await.unwrap()
    }

    async fn plant(&self, item: Item) {
        plant(&self.servers, self.clinic.name(), item).await;
    }

    /// The visits that the first index lists under the doctor.
    async fn of_doctor(&self, doctor: &str) -> Vec<Visit> {
        let visits = self.visits();
        visits.index(|indexes| indexes.gsi1).query(doctor).send().await.unwrap()
    }
}
