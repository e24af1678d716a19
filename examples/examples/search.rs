//! Finds patients by fields that are encrypted: sign-up and log-in by e-mail address, and a support
//! desk that searches by name within a clinic. Then the search key is rotated, while patients go on
//! to sign up and to log in.
//!
//! ```text
//! # everything embedded in this process
//! cargo run --example search
//! # against emulators (KMS_KEY_ID names a key there)
//! DYNAMODB_ENDPOINT=http://localhost:8000 KMS_ENDPOINT=http://localhost:4566 \
//! cargo run --example search
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use envelope_dynamo::error::WriteError;
use envelope_dynamo::keys::{Clock as _, SearchKeyTable, SearchKeys};
use envelope_dynamo::maintain::{RetireError, SchemaFile, StoredTable};
use envelope_dynamo::testing::TestClock;
use envelope_dynamo::{Envelope, ErrorKind, KmsKeyProvider, Table};
use envelope_examples::servers::{create_kms_key, unique_name};
use envelope_examples::{Faults, Servers};

/// A patient. Name and address are sealed, and can be searched for. No two have one address.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "patients",
    index(name = "by-name", partition_key = last_name, sort_key = clinic),
)]
struct Patient {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase), unique)]
    email: String,
    #[encrypted]
    first_name: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    last_name: String,
    #[encrypted]
    diagnosis: String,
    /// Readable. A search by name within a clinic reads the records of that clinic alone.
    #[authenticated]
    clinic: String,
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let (servers, faults) = (Servers::from_env().await?, Faults::new());
    println!("servers: {}", servers.describe());

    // Once, by the operator: a KMS key for search keys alone, their table, and a search key for the
    // table `patients`. Who may use this KMS key can search. Only who may use the other can read.
    let for_search = create_kms_key(servers.kms()).await?;
    let for_search = KmsKeyProvider::new(servers.kms_through(&faults), for_search);
    let search_keys = SearchKeyTable::new(servers.dynamodb().clone(), "search-keys", for_search)
        .named(unique_name("search-keys"));
    search_keys.create_table().await?;
    search_keys.create("patients").await?;

    // In every service:
    let for_records = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let patients = Table::<Patient>::new(servers.dynamodb_through(&faults), for_records)
        .named(unique_name("patients"))
        .with_search_keys(SearchKeys::per_table(search_keys))
        .with_claims(unique_name("patient-claims"));
    patients.create_table().send().await?;
    patients.create_claims_table().await?;

    fill(&patients).await?;
    sign_up(&patients).await?;
    log_in(&patients).await?;
    support_desk(&patients).await?;
    look_at_the_table(&patients).await?;
    what_was_sent(&faults);

    println!("\nthe search key is rotated, and nobody stops working:");
    print!("{}", rotation(&servers).await?);
    Ok(())
}

fn patient(id: &str, email: &str, name: [&str; 2], clinic: &str) -> Patient {
    let [first_name, last_name] = name.map(str::to_owned);
    Patient {
        patient_id: id.to_owned(),
        email: email.to_owned(),
        first_name,
        last_name,
        diagnosis: "fracture of the wrist".to_owned(),
        clinic: clinic.to_owned(),
    }
}

/// Twelve patients who are called Meier, in three clinics, and some others.
async fn fill(patients: &Table<Patient>) -> Outcome<()> {
    let clinics = ["north", "south", "west"].into_iter().cycle();
    let meiers = (0..12).zip(clinics).map(|(number, clinic)| {
        let (id, email) = (format!("p_{number:02}"), format!("meier{number}@example.com"));
        patient(&id, &email, ["Anna", "Meier"], clinic)
    });
    let others = ["Keller", "Weber", "Frei"].map(|name| {
        let (id, email) = (format!("p_{name}"), format!("{name}@example.com"));
        patient(&id, &email, ["Max", name], "north")
    });
    let all: Vec<_> = meiers.chain(others).collect();
    for patient in &all {
        patients.put(patient).send().await?;
    }
    println!("stored {} patients", all.len());
    Ok(())
}

/// Somebody signs up twice at the same moment. One of the two gets the address.
async fn sign_up(patients: &Table<Patient>) -> Outcome<()> {
    let zoe = |id: &str| patient(id, "Zoe@Example.com", ["Zoë", "Bühler"], "south");
    let (first, second) = (zoe("p_zoe"), zoe("p_zoe_again"));
    let put = |patient| patients.put(patient).if_not_exists().send();
    let (one, other) = tokio::join!(put(&first), put(&second));
    for signed_up in [one, other] {
        match signed_up {
            Ok(()) => println!("sign-up: welcome, {}", first.first_name),
            Err(error) if is_taken(&error) => println!("sign-up: the address is in use"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn is_taken(error: &envelope_dynamo::Error) -> bool {
    matches!(error.kind(), ErrorKind::Write(WriteError::Taken { .. }))
}

/// However somebody types the address, it is found. Nobody else has it.
async fn log_in(patients: &Table<Patient>) -> Outcome<()> {
    for typed in ["zoe@example.com", " ZOE@EXAMPLE.COM ", "zoe@example.org"] {
        match patients.unique(|patient| patient.email).get(typed).send().await? {
            Some(patient) => println!("log-in as {typed:?}: {}", patient.first_name),
            None => println!("log-in as {typed:?}: unknown address"),
        }
    }
    Ok(())
}

/// The support desk of a clinic looks for a name, and turns the pages.
async fn support_desk(patients: &Table<Patient>) -> Outcome<()> {
    let by_name = patients.index(|i| i.by_name);
    let (mut token, mut page) = (None, 0);
    loop {
        let in_north = by_name.query("meier").sort(|clinic| clinic.eq("north"));
        let mut found = in_north.limit(3).resume(token).stream()?;
        let patients: Vec<Patient> = found.try_collect().await?;
        page += 1;
        let ids: Vec<_> = patients.iter().map(|patient| patient.patient_id.as_str()).collect();
        println!("support desk, Meier in the clinic north, page {page}: {}", ids.join(", "));
        token = found.resume_token();
        if token.is_none() {
            break;
        }
    }
    let everywhere = by_name.query("Meier").count().await?;
    println!("support desk, Meier in all clinics: {everywhere}");
    Ok(())
}

/// What somebody sees who reads the table: two records of one name have the same tag.
async fn look_at_the_table(patients: &Table<Patient>) -> Outcome<()> {
    let scan = patients.client().scan().table_name(patients.name()).send().await?;
    let mut tags: Vec<_> = scan
        .items()
        .iter()
        .filter_map(|item| item.get("blind_last_name")?.as_b().ok())
        .map(|tag| tag.as_ref().to_vec())
        .collect();
    tags.sort_unstable();
    let all = tags.len();
    tags.dedup();
    println!("whoever reads the table sees {all} names, of which {} differ", tags.len());
    Ok(())
}

/// What the service asked for, beside the table itself.
fn what_was_sent(faults: &Faults) {
    let searches = faults.calls("Query");
    let unwrapped = faults.calls("Decrypt");
    println!("{searches} queries, and {unwrapped} call to KMS for the search key");
    let sent = faults.all_requests();
    let shows = |request: &Vec<u8>| {
        let request = String::from_utf8_lossy(request).to_lowercase();
        request.contains("example.com") || request.contains("meier")
    };
    println!(
        "requests with an address or a name in clear: {}",
        sent.iter().filter(|r| shows(r)).count()
    );
}

/// The search key is rotated. Returns what is printed.
///
/// It takes 70 minutes: we set the clock forward.
async fn rotation(servers: &Servers) -> Outcome<String> {
    let (clock, name) = (Arc::new(TestClock::default()), unique_name("search-keys"));
    let claims = unique_name("patient-claims");
    let for_search = create_kms_key(servers.kms()).await?;
    let store = || {
        let for_search = KmsKeyProvider::new(servers.kms().clone(), &*for_search);
        SearchKeyTable::new(servers.dynamodb().clone(), "search-keys", for_search)
            .named(&*name)
            .with_clock(clock.clone())
    };
    let search_keys = || SearchKeys::per_table(store()).with_clock(clock.clone());
    let for_records = || KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let patients = Table::<Patient>::new(servers.dynamodb().clone(), for_records())
        .named(unique_name("patients"))
        .with_claims(&*claims);
    store().create_table().await?;
    store().create("patients").await?;
    patients.create_table().send().await?;
    patients.create_claims_table().await?;
    // Two services. Each reads the search keys for itself, as processes do.
    let mut services = Services {
        sign_up: patients.clone().with_search_keys(search_keys()),
        log_in: patients.clone().with_search_keys(search_keys()),
        patients: 0,
    };
    for _ in 0..4 {
        services.work().await?;
    }

    let (began, mut out) = (clock.system_time(), String::new());
    let rotation = store().rotate("patients").await?;
    writeln!(out, " 0 min  rotate: searches use both keys, and writers the old one")?;
    writeln!(out, "        {}", services.work().await?)?;

    let write_from = rotation.write_from().ok_or("the rotation was cancelled")?;
    writeln!(out, "{} min  from now on, writers use the new key", wait(&clock, began, write_from))?;
    writeln!(out, "        {}", services.work().await?)?;

    let retire_from = rotation.retire_from().ok_or("the rotation has ended")?;
    writeln!(out, "{} min  no writer uses the old key any more", wait(&clock, began, retire_from))?;
    let schema = SchemaFile::new().with::<Patient>();
    let table = StoredTable::new(servers.dynamodb().clone(), &schema, "patients")?;
    let (table, keys) = (table.named(patients.name()).with_claims(claims), search_keys());
    match store().retire_unless_stale("patients", [table.stale(&keys)]).await {
        Err(RetireError::Stale(report)) => {
            writeln!(out, "        retire is refused: {} records have old tags", report.stale)?;
        }
        other => return Err(format!("old tags were not noticed: {other:?}").into()),
    }
    let reindex = table.reindex(for_records(), for_records(), &keys);
    let (moved, worked) = tokio::join!(reindex.send(), services.work());
    writeln!(out, "        reindex gives {} records new tags; meanwhile", moved?.changed)?;
    writeln!(out, "        {}", worked?)?;
    store().retire_unless_stale("patients", [table.stale(&keys)]).await?;
    writeln!(out, "        retire: searches use the new key alone")?;
    writeln!(out, "        {}", services.work().await?)?;
    Ok(out)
}

/// Sets the clock forward to `time`. Returns the minutes since `began`.
fn wait(clock: &TestClock, began: SystemTime, time: SystemTime) -> u64 {
    clock.advance(time.duration_since(clock.system_time()).unwrap_or_default());
    time.duration_since(began).unwrap_or_default().as_secs() / 60
}

/// Patients sign up with one service, and log in with the other.
struct Services {
    sign_up: Table<Patient>,
    log_in: Table<Patient>,
    /// How many patients have signed up.
    patients: usize,
}

impl Services {
    /// Five patients sign up and log in, while all others log in. Fails if one is not found.
    async fn work(&mut self) -> Outcome<String> {
        let (known, new) = (0..self.patients, self.patients..self.patients + 5);
        self.patients = new.end;
        let others = tokio::spawn(log_in_as(self.log_in.clone(), known));
        let desk = tokio::spawn(ask_for_name(self.log_in.clone()));
        let mut log_ins = 0;
        for number in new.clone() {
            self.sign_up.put(&numbered(number)).send().await?;
            log_ins += log_in_as(self.log_in.clone(), number..number + 1).await?;
        }
        log_ins += others.await??;
        desk.await??;
        Ok(format!("{} patients sign up, and all {log_ins} log-ins succeed", new.len()))
    }
}

/// The patient with this number. They all have the same name.
fn numbered(number: usize) -> Patient {
    let (id, email) = (format!("p_{number}"), format!("patient{number}@example.com"));
    let clinic = if number.is_multiple_of(2) { "north" } else { "south" };
    patient(&id, &email, ["Anna", "Meier"], clinic)
}

/// Logs all of these patients in. Returns how many they are.
async fn log_in_as(patients: Table<Patient>, numbers: Range<usize>) -> Outcome<usize> {
    for number in numbers.clone() {
        let typed = numbered(number).email.to_uppercase();
        let found = patients.unique(|patient| patient.email).get(typed).send().await?;
        if found.is_none_or(|patient| patient.patient_id != format!("p_{number}")) {
            return Err(format!("the log-in of patient {number} failed").into());
        }
    }
    Ok(numbers.len())
}

/// The support desk of the clinic north looks for a name.
async fn ask_for_name(patients: Table<Patient>) -> Outcome<()> {
    let in_north = patients.index(|i| i.by_name).query("Meier").sort(|clinic| clinic.eq("north"));
    match in_north.send().await?.iter().all(|patient| patient.clinic == "north") {
        true => Ok(()),
        false => Err("the support desk has found somebody of another clinic".into()),
    }
}

#[tokio::test]
async fn the_chapter_shows_what_is_printed() {
    let chapter = include_str!("../../docs/guide/renew-keys.md");
    let servers = Servers::from_env().await.expect("the servers are reached");
    let printed = rotation(&servers).await.expect("the rotation ends");
    assert!(chapter.contains(&format!("```text\n{printed}```")), "{printed}");
}
