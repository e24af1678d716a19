//! The cost of finding 1,000 records by an encrypted field, compared with a query of an index by a
//! readable field: see `benches/README.md`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub)]

#[path = "../../benches/harness.rs"]
#[expect(dead_code, reason = "no input is used up here")]
mod harness;

use std::error::Error;

use envelope_dynamo::keys::{LocalSearchKeys, SearchKey};
use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Table};
use envelope_examples::Servers;
use tokio::runtime::Builder;

use harness::{heading, medians, repeated, row};

/// A record of 1 KiB, which two indexes list.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "patients",
    index(name = "by-name", partition_key = name),
    index(name = "by-ward", partition_key = ward),
)]
struct Patient {
    #[partition_key]
    patient: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    name: String,
    #[encrypted]
    notes: String,
    #[authenticated]
    ward: String,
}

const MATCHES: usize = 1_000;
/// The length of the notes with which the names and values of a record are 1 KiB.
const NOTES_BYTES: usize = 1024 - 80;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let servers = runtime.block_on(Servers::embedded())?;
    let provider = LocalKeyProvider::new(RootKey::generate()?);
    let keys = LocalSearchKeys::new(SearchKey::generate()?);
    let patients = Table::<Patient>::new(servers.dynamodb().clone(), provider);
    let patients = patients.with_search_keys(keys);
    runtime.block_on(patients.create_table().send())?;
    let all: Vec<_> = (0..MATCHES).map(patient).collect();
    runtime.block_on(patients.batch_put(&all).send())?;

    let search = || patients.index(|i| i.by_name).query("meier").send();
    let query = || patients.index(|i| i.by_ward).query("north").send();
    assert_eq!(runtime.block_on(search())?.len(), MATCHES);
    assert_eq!(runtime.block_on(query())?.len(), MATCHES);

    println!("medians in microseconds, and ratios to them");
    heading("1,000 matches of 1 KiB, root key at hand", &["search", "query of an index"]);
    let contest = medians([
        &mut repeated(|| runtime.block_on(search()).unwrap()),
        &mut repeated(|| runtime.block_on(query()).unwrap()),
    ]);
    row("index query", &contest);
    Ok(())
}

fn patient(number: usize) -> Patient {
    Patient {
        patient: format!("p_{number:05}"),
        name: "Meier".into(),
        notes: "n".repeat(NOTES_BYTES),
        ward: "north".into(),
    }
}
