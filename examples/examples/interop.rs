//! Writes records of every kind, for a program in another language to read: `python/tests` has one.
//!
//! ```text
//! cargo run --example servers > servers.env &
//! until grep -q AWS_REGION servers.env; do sleep 0.1; done; . ./servers.env
//! cargo run --example interop -- FOLDER
//! ```
//!
//! The records are in tables whose names start with `interop-`. The folder gets the schema file, a
//! sealed object, and an export of the users.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use envelope_dynamo::item::PlaintextItems;
use envelope_dynamo::keys::{
    CacheLimits, MultiKeyProvider, SearchKeyTable, SearchKeys, SharingLimits,
};
use envelope_dynamo::maintain::SchemaFile;
use envelope_dynamo::message::Context;
use envelope_dynamo::stream::seal_stream;
use envelope_dynamo::{
    Access, BranchKeyTable, CachedKeyProvider, Envelope, GroupKeyProvider, HierarchicalKeyProvider,
    KmsKeyProvider, SharedKeyProvider, Table,
};
use envelope_examples::Servers;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_dynamo::Item;
use tokio::fs::File;

const AGE: Duration = Duration::from_secs(300);

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Serialize, Deserialize)]
struct Address {
    city: String,
    zip: Option<u32>,
}

/// Sealed under a data key of KMS, with a search tag.
#[derive(Envelope)]
#[envelope(
    table = "users",
    context(purpose = "pii"),
    index(name = "by-email", partition_key = email)
)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
    #[encrypted]
    address: Address,
    #[encrypted]
    balance: i128,
    #[encrypted]
    scores: Vec<f64>,
    #[encrypted]
    nickname: Option<String>,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[authenticated]
    plan: String,
    #[authenticated]
    limits: BTreeMap<String, f64>,
    #[plaintext]
    logins: u64,
}

/// Sealed under the branch key of its tenant.
#[derive(Envelope)]
#[envelope(table = "letters", kms_context = "hashed")]
struct Letter {
    #[partition_key]
    #[encryption_context]
    tenant: String,
    #[sort_key]
    number: u64,
    #[encrypted]
    text: String,
}

/// A patient, with fields that only the ward may read.
#[derive(Envelope)]
#[envelope(table = "clinic")]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "CHART")]
struct Chart {
    #[key]
    patient: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    allergies: Access<Vec<String>>,
}

#[derive(Envelope)]
#[envelope(table = "clinic", entity(kind = "visit"))]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "VISIT#{start:010}#{doctor}")]
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

/// Stored as it is.
#[derive(Envelope)]
#[envelope(table = "clinic", unprotected)]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "REMINDER#{day:05}")]
struct Reminder {
    #[key]
    patient: String,
    #[key]
    day: u32,
    #[plaintext]
    channel: String,
}

#[derive(Envelope)]
enum Clinic {
    Chart(Chart),
    Visit(Visit),
    Reminder(Reminder),
}

/// Sealed under a data key that records share.
#[derive(Envelope)]
#[envelope(table = "events", kms_context = "table")]
struct Event {
    #[partition_key]
    id: u64,
    #[encrypted]
    body: String,
}

/// Sealed for two parties.
#[derive(Envelope)]
#[envelope(table = "contracts")]
struct Contract {
    #[partition_key]
    id: String,
    #[encrypted]
    text: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from).ok_or("usage: interop FOLDER")?;
    fs::create_dir_all(&folder)?;
    let schema = SchemaFile::new().with::<User>().with::<Letter>().with::<Clinic>();
    let schema = schema.with::<Event>().with::<Contract>();
    fs::write(folder.join("envelope.schema.json"), schema.to_string())?;

    let servers = Servers::from_env().await?;
    for name in ["records", "medical", "branch-keys", "search-keys", "partner"] {
        servers.create_alias(&format!("alias/{name}")).await?;
    }
    write_users(&servers).await?;
    write_letters(&servers).await?;
    write_clinic(&servers).await?;
    write_events(&servers).await?;
    write_contract(&servers).await?;
    write_object(&servers, &folder).await?;
    export_users(&servers, &folder).await?;
    println!("Wrote {}.", folder.display());
    Ok(())
}

fn kms(servers: &Servers, key: &str) -> KmsKeyProvider {
    KmsKeyProvider::new(servers.kms().clone(), format!("alias/{key}"))
}

fn user(user_id: &str, email: &str) -> User {
    User {
        user_id: user_id.to_owned(),
        email: email.to_owned(),
        address: Address { city: "Genève".to_owned(), zip: None },
        balance: -170_141_183_460_469_231,
        scores: vec![0.5, 2.5e20, -2.0],
        nickname: None,
        phone: None,
        plan: "pro".to_owned(),
        limits: BTreeMap::from([("files".to_owned(), 10.0), ("share".to_owned(), 0.25)]),
        logins: 7,
    }
}

async fn write_users(servers: &Servers) -> Outcome<()> {
    let keys =
        SearchKeyTable::new(servers.dynamodb().clone(), "search-keys", kms(servers, "search-keys"));
    let keys = keys.named("interop-search-keys");
    keys.create_table().await?;
    keys.create("users").await?;
    let users = Table::<User>::new(servers.dynamodb().clone(), kms(servers, "records"))
        .named("interop-users")
        .with_search_keys(SearchKeys::per_table(keys));
    users.create_table().send().await?;
    for number in 1..=20 {
        users.put(&user(&format!("u_{number}"), &format!(" U{number}@Example.com"))).send().await?;
    }
    let plain = users.plaintext_items(PlaintextItems::ReadAndWrite);
    plain.put(&user("u_plain", "plain@example.com")).send().await?;
    Ok(())
}

async fn write_letters(servers: &Servers) -> Outcome<()> {
    let keys = || {
        let kms = kms(servers, "branch-keys");
        BranchKeyTable::new(servers.dynamodb().clone(), "branch-keys", kms)
            .named("interop-branch-keys")
    };
    let letters = || {
        let provider = HierarchicalKeyProvider::per_pair(keys(), "tenant", CacheLimits::new(AGE));
        Table::<Letter>::new(servers.dynamodb().clone(), provider).named("interop-letters")
    };
    keys().create_table().await?;
    letters().create_table().send().await?;
    keys().create("t_1").await?;
    keys().create("t_2").await?;
    for number in 1..=4 {
        if number == 3 {
            keys().rotate("t_1").await?;
        }
        for tenant in ["t_1", "t_2"] {
            let text = format!("letter {number} of {tenant}");
            letters().put(&Letter { tenant: tenant.to_owned(), number, text }).send().await?;
        }
    }
    Ok(())
}

async fn write_clinic(servers: &Servers) -> Outcome<()> {
    let keys =
        GroupKeyProvider::new(kms(servers, "records")).group("medical", kms(servers, "medical"));
    let clinic = Table::<Clinic>::new(servers.dynamodb().clone(), keys).named("interop-clinic");
    clinic.create_table().send().await?;
    let patient = || "p_1".to_owned();
    let chart = Chart {
        patient: patient(),
        name: "Zoë".to_owned(),
        allergies: Access::Granted(vec!["penicillin".to_owned()]),
    };
    clinic.put(&Clinic::Chart(chart)).send().await?;
    let reason = "fracture".to_owned();
    let visit =
        Visit { patient: patient(), start: 1_700_000_000, doctor: "d_7".to_owned(), reason };
    clinic.put(&Clinic::Visit(visit)).send().await?;
    let reminder = Reminder { patient: patient(), day: 20_000, channel: "mail".to_owned() };
    clinic.put(&Clinic::Reminder(reminder)).send().await?;
    Ok(())
}

async fn write_events(servers: &Servers) -> Outcome<()> {
    let cached = CachedKeyProvider::new(kms(servers, "records"), CacheLimits::new(AGE));
    let keys = SharedKeyProvider::new(cached.keeping_generated(), SharingLimits::new(AGE, 100));
    let events = Table::<Event>::new(servers.dynamodb().clone(), keys).named("interop-events");
    events.create_table().send().await?;
    for id in 1..=10 {
        events.put(&Event { id, body: format!("event {id}") }).send().await?;
    }
    Ok(())
}

async fn write_contract(servers: &Servers) -> Outcome<()> {
    let keys = MultiKeyProvider::new(kms(servers, "records")).with(kms(servers, "partner"));
    let contracts = Table::<Contract>::new(servers.dynamodb().clone(), keys);
    let contracts = contracts.named("interop-contracts");
    contracts.create_table().send().await?;
    let contract = Contract { id: "c_1".to_owned(), text: "for two parties".to_owned() };
    contracts.put(&contract).send().await?;
    Ok(())
}

/// An object of four chunks, the last of them short.
async fn write_object(servers: &Servers, folder: &Path) -> Outcome<()> {
    let original: Vec<u8> = (0..200_000_u32).map(|index| (index % 251) as u8).collect();
    fs::write(folder.join("object"), original)?;
    let context = Context::new("reports").pair("object", "2026/11/measurements.csv")?;
    let sealed = File::create(folder.join("object.sealed")).await?;
    let original = File::open(folder.join("object")).await?;
    seal_stream(original, sealed, &context, &kms(servers, "records")).await?;
    Ok(())
}

/// A line of an export.
#[derive(Serialize)]
struct Line {
    #[serde(rename = "Item")]
    item: Item,
}

/// Two files, as `ExportTableToPointInTime` writes them to S3.
async fn export_users(servers: &Servers, folder: &Path) -> Outcome<()> {
    let folder = folder.join("export").join("data");
    fs::create_dir_all(&folder)?;
    let scan = servers.dynamodb().scan().table_name("interop-users").send().await?;
    let items = scan.items.unwrap_or_default();
    for (number, items) in items.chunks(11).enumerate() {
        let file = fs::File::create(folder.join(format!("part-{number}.json.gz")))?;
        let mut export = GzEncoder::new(file, Compression::fast());
        for item in items {
            serde_json::to_writer(&mut export, &Line { item: item.clone().into() })?;
            writeln!(export)?;
        }
        export.finish()?;
    }
    Ok(())
}
