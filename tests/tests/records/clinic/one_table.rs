//! The clinic keeps everything else in one table: charts with groups, visits by doctor and time,
//! audit entries without secrets, and reminders that nobody relies on.

use envelope_dynamo::error::DataError;
use envelope_dynamo::maintain::{SchemaFile, StoredTable};
use envelope_dynamo::{Access, Envelope, ErrorKind, Table, transact_write};
use envelope_examples::servers::unique_name;
use envelope_examples::{Faults, Servers};
use envelope_tests::{Item, kms_keys, names_of, plant, servers, stored, text, with};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic", kms_context = "hashed")]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "CHART")]
struct Chart {
    #[key]
    patient: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    allergies: Access<Vec<String>>,
    #[authenticated]
    ward: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "clinic",
    kms_context = "hashed",
    index(
        name = "gsi1",
        partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}"),
        sort_key(name = "gsi1sk", format = "VISIT#{start:010}"),
    )
)]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "VISIT#{start:010}")]
struct Visit {
    #[key]
    patient: String,
    #[key]
    start: u64,
    #[authenticated]
    doctor: String,
    #[encrypted]
    reason: String,
}

/// Who did what: no secret, and nobody may change it.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic", kms_context = "hashed")]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "AUDIT#{at:010}")]
struct Audit {
    #[key]
    patient: String,
    #[key]
    at: u64,
    #[authenticated]
    actor: String,
    #[authenticated]
    action: String,
}

/// Sent by another program, which writes the table without data keys.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "clinic",
    unprotected,
    index(
        name = "gsi1",
        partition_key(name = "gsi1pk", format = "CHANNEL#{channel}"),
        sort_key(name = "gsi1sk", format = "REMINDER#{at:010}"),
    )
)]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "REMINDER#{at:010}")]
struct Reminder {
    #[key]
    patient: String,
    #[key]
    at: u64,
    #[plaintext]
    channel: String,
    #[plaintext]
    #[serde(default)]
    sent: u32,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Record {
    Chart(Chart),
    Visit(Visit),
    Audit(Audit),
    Reminder(Reminder),
}

const PATIENT: &str = "p_1";

fn chart() -> Chart {
    Chart {
        patient: PATIENT.into(),
        name: "Zoë".into(),
        allergies: Access::Granted(vec!["nuts".into()]),
        ward: "west".into(),
    }
}

fn visit(start: u64) -> Visit {
    let (doctor, reason) = ("d_1".to_owned(), "cough".to_owned());
    Visit { patient: PATIENT.into(), start, doctor, reason }
}

fn audit(at: u64) -> Audit {
    Audit { patient: PATIENT.into(), at, actor: "d_1".into(), action: "read the chart".into() }
}

fn reminder(at: u64) -> Reminder {
    Reminder { patient: PATIENT.into(), at, channel: "sms".into(), sent: 0 }
}

struct Clinic {
    servers: Servers,
    table: Table<Record>,
}

impl Clinic {
    /// A clinic with a record of each type.
    async fn open() -> Self {
        let (servers, faults) = (servers().await, Faults::new());
        let provider = kms_keys(&servers, &faults);
        let table = Table::new(servers.dynamodb_through(&faults), provider);
        let table: Table<Record> = table.named(unique_name("clinic"));
        table.create_table().send().await.unwrap();
        let (charts, visits) = (table.of::<Chart>(), table.of::<Visit>());
        let (audits, reminders) = (table.of::<Audit>(), table.of::<Reminder>());
        let (chart, visit, audit, reminder) = (chart(), visit(5), audit(6), reminder(4));
        transact_write(table.client())
            .put(charts.put(&chart).if_not_exists())
            .put(visits.put(&visit))
            .put(audits.put(&audit))
            .put(reminders.put(&reminder))
            .send()
            .await
            .unwrap();
        Self { servers, table }
    }

    async fn stored(&self, sk: &str) -> Item {
        let pk = text(format!("PATIENT#{PATIENT}"));
        let key = Item::from([("pk".to_owned(), pk), ("sk".to_owned(), text(sk))]);
        stored(&self.servers, self.table.name(), key).await.unwrap()
    }

    async fn plant(&self, item: Item) {
        plant(&self.servers, self.table.name(), item).await;
    }

    async fn is_all_sealed(&self) -> bool {
        let file = SchemaFile::new().with::<Record>().to_string().parse().unwrap();
        let client = self.servers.dynamodb().clone();
        let table = StoredTable::new(client, &file, "clinic").unwrap().named(self.table.name());
        table.coverage().expect_sealed().send().await.unwrap().holds()
    }
}

#[tokio::test]
async fn one_query_reads_everything_about_a_patient() {
    let clinic = Clinic::open().await;
    let reminders = clinic.table.of::<Reminder>();
    reminders.update((PATIENT, 4)).add(|reminder| reminder.sent, 1).send().await.unwrap();
    let everything = clinic.table.query(PATIENT).send().await.unwrap();
    let expected = [
        Record::Audit(audit(6)),
        Record::Chart(chart()),
        Record::Reminder(Reminder { sent: 1, ..reminder(4) }),
        Record::Visit(visit(5)),
    ];
    assert_eq!(everything, expected);
    let plain = clinic.stored("REMINDER#0000000004").await;
    assert_eq!(names_of(&plain), ["channel", "gsi1pk", "gsi1sk", "pk", "sent", "sk"]);
    let by_doctor = clinic.table.index_of(Visit::indexes().gsi1).query("d_1").send().await;
    assert_eq!(by_doctor.unwrap(), [Record::Visit(visit(5))]);
    let by_channel = reminders.index(|indexes| indexes.gsi1).query("sms").send().await.unwrap();
    assert_eq!(by_channel.len(), 1);
    assert!(clinic.is_all_sealed().await);
}

/// The program that sends reminders writes the table, and has no data keys.
#[tokio::test]
async fn the_program_that_sends_reminders_can_write_reminders_alone() {
    let clinic = Clinic::open().await;
    let (audit, reminder) =
        (clinic.stored("AUDIT#0000000006").await, clinic.stored("REMINDER#0000000004").await);
    // It may invent a reminder.
    clinic.plant(with(&reminder, "sk", text("REMINDER#0000000009"))).await;
    assert_eq!(clinic.table.of::<Reminder>().query(PATIENT).send().await.unwrap().len(), 2);
    assert!(clinic.is_all_sealed().await);

    // It may not invent an audit entry, nor change one.
    let bare = with(&with(&audit, "encrypted_payload", None), "encrypted_dek", None);
    for (planted, is_sealed) in [
        (with(&audit, "action", text("changed the chart")), true),
        (with(&audit, "sk", text("AUDIT#0000000007")), true),
        (with(&bare, "sk", text("AUDIT#0000000007")), false),
        (with(&bare, "channel", text("sms")), false),
    ] {
        clinic.plant(planted.clone()).await;
        let mut failures = Vec::new();
        let mut records = clinic.table.query(PATIENT).stream().unwrap();
        while let Some(record) = records.next().await {
            failures.extend(record.err());
        }
        assert_eq!(failures.len(), 1, "{planted:?} {failures:?}");
        let is_plain = matches!(failures[0].kind(), ErrorKind::Data(DataError::NotSealed));
        assert_eq!(is_plain, !is_sealed, "{}", failures[0]);
        assert_eq!(clinic.is_all_sealed().await, is_sealed);
        let key = ["pk", "sk"].map(|name| (name.to_owned(), planted[name].clone()));
        let delete = clinic.servers.dynamodb().delete_item().table_name(clinic.table.name());
        delete.set_key(Some(key.into())).send().await.unwrap();
        clinic.plant(audit.clone()).await;
    }
}
