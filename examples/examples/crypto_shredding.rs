//! Erases a person by deleting one key: after that, none of their records opens, in any table or
//! backup.
//!
//! Each patient has their own branch key. KMS wraps it, a DynamoDB table stores it, and the data
//! keys of all records of the patient are derived from it.
//!
//! ```text
//! # everything embedded in this process
//! cargo run --example crypto_shredding
//! # against emulators (KMS_KEY_ID names a key there)
//! DYNAMODB_ENDPOINT=http://localhost:8000 KMS_ENDPOINT=http://localhost:4566 \
//! cargo run --example crypto_shredding
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::error::KeyErrorKind;
use envelope_dynamo::keys::CacheLimits;
use envelope_dynamo::{
    BranchKeyTable, Envelope, HierarchicalKeyProvider, KmsKeyProvider, Table, from_item,
};
use envelope_examples::servers::{create_table, unique_name};
use envelope_examples::{Faults, Servers};

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "visits")]
struct Visit {
    #[partition_key]
    visit_id: String,
    /// Names the branch.
    #[authenticated]
    #[encryption_context]
    patient: String,
    #[encrypted]
    diagnosis: String,
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "invoices")]
struct Invoice {
    #[partition_key]
    invoice_id: String,
    #[authenticated]
    #[encryption_context]
    patient: String,
    #[encrypted]
    iban: String,
}

const PATIENTS: [&str; 3] = ["p_alice", "p_bob", "p_carol"];
const VISITS_EACH: usize = 20;

type Item = HashMap<String, AttributeValue>;

/// The names of the three physical tables.
struct Names {
    keys: String,
    visits: String,
    invoices: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let servers = Servers::from_env().await?;
    println!("Using {}.\n", servers.describe());
    let names = Names {
        keys: unique_name("branch-keys"),
        visits: unique_name("visits"),
        invoices: unique_name("invoices"),
    };
    create_table(servers.dynamodb(), &names.visits, ("visit_id", ScalarAttributeType::S), None)
        .await?;
    create_table(servers.dynamodb(), &names.invoices, ("invoice_id", ScalarAttributeType::S), None)
        .await?;
    let outcome = demonstrate(&servers, &names).await;
    for name in [&names.keys, &names.visits, &names.invoices] {
        servers.dynamodb().delete_table().table_name(name).send().await?;
    }
    outcome
}

async fn demonstrate(servers: &Servers, names: &Names) -> Result<(), Box<dyn Error>> {
    let calls = Faults::new(); // only counts calls here
    let keys = branch_keys(servers, names, &calls);
    keys.create_table().await?;
    for patient in PATIENTS {
        keys.create(patient).await?;
    }
    println!("Each of {} patients has a branch key in {}.", PATIENTS.len(), keys.name());

    calls.forget_calls();
    let service = Service::start(servers, names, &calls);
    for patient in PATIENTS {
        for i in 0..VISITS_EACH {
            service.visits.put(&visit(patient, i)).send().await?;
        }
        service.invoices.put(&invoice(patient)).send().await?;
    }
    println!(
        "Stored {} visits and {} invoices with {} calls to KMS: one for each branch key.",
        PATIENTS.len() * VISITS_EACH,
        PATIENTS.len(),
        calls.calls("Decrypt"),
    );

    let backup = scan(servers, &names.visits).await?;
    println!("Made a backup of the visits: {} items.\n", backup.len());

    let deleted = keys.delete("p_alice").await?;
    println!("Alice asks to be forgotten. Deleted her branch: {deleted} key.\n");
    println!("Records that a service started now can still read:\n");

    let service = Service::start(servers, names, &calls);
    println!("{:<10} {:>8} {:>10} {:>18}", "", "visits", "invoices", "visits in backup");
    for patient in PATIENTS {
        let mut in_table = 0;
        for i in 0..VISITS_EACH {
            in_table +=
                opened(service.visits.get(&visit(patient, i).visit_id).send().await.map(drop))?;
        }
        let of_invoices =
            opened(service.invoices.get(&invoice(patient).invoice_id).send().await.map(drop))?;
        let mut in_backup = 0;
        for item in backup
            .iter()
            .filter(|item| item.get("patient") == Some(&AttributeValue::S(patient.to_owned())))
        {
            in_backup +=
                opened(from_item::<Visit>(item.clone(), &*service.provider).await.map(drop))?;
        }
        println!("{patient:<10} {in_table:>8} {of_invoices:>10} {in_backup:>18}");
        let expected = if patient == "p_alice" { (0, 0, 0) } else { (VISITS_EACH, 1, VISITS_EACH) };
        assert_eq!((in_table, of_invoices, in_backup), expected, "{patient}");
    }

    let Err(error) = service.visits.get("p_alice-visit-0").send().await else {
        return Err("Alice's record opened".into());
    };
    println!("\nA reader of Alice's record gets this error:\n  {error}");
    println!(
        "\nServices with her key in memory can read her records for five more minutes: their limit\n\
         on the age of keys. A backup of the table of branch keys holds her wrapped key until the\n\
         backup expires."
    );
    Ok(())
}

fn branch_keys(servers: &Servers, names: &Names, calls: &Faults) -> BranchKeyTable<KmsKeyProvider> {
    let kms = KmsKeyProvider::new(servers.kms_through(calls), servers.kms_key_id());
    BranchKeyTable::new(servers.dynamodb().clone(), "branch-keys", kms).named(&names.keys)
}

/// A service that has just started, with an empty cache.
struct Service {
    provider: Arc<HierarchicalKeyProvider<BranchKeyTable<KmsKeyProvider>>>,
    visits: Table<Visit>,
    invoices: Table<Invoice>,
}

impl Service {
    fn start(servers: &Servers, names: &Names, calls: &Faults) -> Self {
        let limits = CacheLimits::new(Duration::from_secs(300));
        let keys = branch_keys(servers, names, calls);
        let provider = Arc::new(HierarchicalKeyProvider::per_pair(keys, "patient", limits));
        let dynamodb = servers.dynamodb();
        Self {
            visits: Table::new(dynamodb.clone(), Arc::clone(&provider))
                .named(names.visits.as_str()),
            invoices: Table::new(dynamodb.clone(), Arc::clone(&provider))
                .named(names.invoices.as_str()),
            provider,
        }
    }
}

fn visit(patient: &str, i: usize) -> Visit {
    let diagnosis =
        ["a cold", "a broken toe", "nothing at all"].get(i % 3).copied().unwrap_or_default();
    Visit {
        visit_id: format!("{patient}-visit-{i}"),
        patient: patient.into(),
        diagnosis: diagnosis.into(),
    }
}

fn invoice(patient: &str) -> Invoice {
    Invoice {
        invoice_id: format!("{patient}-invoice"),
        patient: patient.into(),
        iban: "CH93 0076 2011 6238 5295 7".into(),
    }
}

/// 1 if the record opened, 0 if its branch was deleted.
fn opened(read: Result<(), envelope_dynamo::Error>) -> Result<usize, envelope_dynamo::Error> {
    match read {
        Ok(()) => Ok(1),
        Err(error)
            if error.key_error().is_some_and(|error| error.kind() == KeyErrorKind::KeyNotFound) =>
        {
            Ok(0)
        }
        Err(error) => Err(error),
    }
}

async fn scan(servers: &Servers, table: &str) -> Result<Vec<Item>, Box<dyn Error>> {
    let pages = servers.dynamodb().scan().table_name(table).consistent_read(true);
    let mut items = pages.into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        all.push(item?);
    }
    Ok(all)
}
