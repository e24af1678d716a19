//! What each key mode costs: KMS calls, time and bytes for the same number of writes and reads.
//!
//! ```text
//! # 1,000 records, KMS embedded in this process
//! cargo run --release --example key_economy
//! cargo run --release --example key_economy -- 10000
//! ```
//!
//! `KMS_ENDPOINT` and `KMS_KEY_ID` name an emulator, as for the quickstart. The embedded KMS
//! answers in microseconds, AWS in milliseconds, so compare the numbers of calls and not the times.
//! The bytes include the blob in which KMS wraps a data key: 184 bytes at AWS, 96 in the embedded
//! KMS.

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::keys::{CacheLimits, SharingLimits};
use envelope_dynamo::{
    BranchKeyTable, CachedKeyProvider, Envelope, HierarchicalKeyProvider, KeyProvider,
    KmsKeyProvider, SharedKeyProvider, from_item, to_item,
};
use envelope_examples::servers::unique_name;
use envelope_examples::{Faults, Servers};

/// The same record under two context forms: one context for each record, and one for the table.
macro_rules! event {
    ($name:ident, $form:literal) => {
        #[derive(Envelope)]
        #[envelope(table = "events", kms_context = $form)]
        struct $name {
            #[partition_key]
            id: u64,
            #[encrypted]
            card: String,
            #[authenticated]
            plan: String,
        }

        impl Event for $name {
            fn new(id: u64) -> Self {
                Self { id, card: "4111 1111 1111 1111".into(), plan: "pro".into() }
            }

            fn id(&self) -> u64 {
                self.id
            }
        }
    };
}

trait Event: Envelope {
    fn new(id: u64) -> Self;
    fn id(&self) -> u64;
}

event!(Own, "raw");
event!(Common, "table");

type Item = HashMap<String, AttributeValue>;

const AGE: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let records = match std::env::args().nth(1) {
        None => 1_000,
        Some(text) => text.parse().map_err(|_| format!("`{text}` is not a number of records"))?,
    };
    let servers = Servers::from_env().await?;
    println!(
        "Using {}.\n{records} writes, then {records} reads, then the same reads again.\n",
        servers.describe()
    );
    println!(
        "mode             KMS calls: writes    reads    again    us a write    us a read    bytes added"
    );

    let bench = Bench { records, servers, faults: Faults::new() };
    let kms = || {
        KmsKeyProvider::new(bench.servers.kms_through(&bench.faults), bench.servers.kms_key_id())
    };
    let cached = || CachedKeyProvider::new(kms(), CacheLimits::new(AGE).max_entries(100_000));
    bench.run::<Own>("default", &kms()).await?;
    bench.run::<Own>("read cache", &cached()).await?;
    let shared = SharedKeyProvider::new(cached().keeping_generated(), SharingLimits::new(AGE, 100));
    bench.run::<Common>("shared, 1 in 100", &shared).await?;

    let keys = BranchKeyTable::new(bench.servers.dynamodb().clone(), "branch-keys", kms())
        .named(unique_name("keys"));
    keys.create_table().await?;
    keys.create("events").await?;
    bench.faults.forget_calls();
    let physical = keys.name().to_owned();
    bench
        .run::<Own>(
            "hierarchical",
            &HierarchicalKeyProvider::per_table(keys, CacheLimits::new(AGE)),
        )
        .await?;
    bench.servers.dynamodb().delete_table().table_name(physical).send().await?;
    Ok(())
}

struct Bench {
    records: u64,
    servers: Servers,
    faults: Faults,
}

impl Bench {
    async fn run<E: Event>(
        &self,
        mode: &str,
        provider: &dyn KeyProvider,
    ) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        let mut items = Vec::new();
        for id in 0..self.records {
            items.push(to_item(&E::new(id), provider).await?);
        }
        let (write_time, writes) = (self.each(start), self.calls());

        let start = Instant::now();
        self.read::<E>(&items, provider).await?;
        let (read_time, reads) = (self.each(start), self.calls());
        self.read::<E>(&items, provider).await?;
        let again = self.calls();

        let added = items.first().map_or(0, added_bytes);
        println!(
            "{mode:<16} {writes:>17} {reads:>8} {again:>8} {write_time:>13.1} {read_time:>12.1} {added:>14}"
        );
        Ok(())
    }

    async fn read<E: Event>(
        &self,
        items: &[Item],
        provider: &dyn KeyProvider,
    ) -> Result<(), Box<dyn Error>> {
        for (id, item) in (0..).zip(items) {
            let event: E = from_item(item.clone(), provider).await?;
            assert_eq!(event.id(), id, "the record that was opened is the one that was sealed");
        }
        Ok(())
    }

    /// KMS calls since the last call of this function.
    fn calls(&self) -> usize {
        let calls = self.faults.all_requests().len();
        self.faults.forget_calls();
        calls
    }

    fn each(&self, start: Instant) -> f64 {
        start.elapsed().as_secs_f64() * 1e6 / self.records as f64
    }
}

/// Bytes of the two sealed attributes, names included, minus those of the plaintext.
fn added_bytes(item: &Item) -> usize {
    let sealed: usize = ["encrypted_payload", "encrypted_dek"]
        .iter()
        .filter_map(|name| Some(name.len() + item.get(*name)?.as_b().ok()?.as_ref().len()))
        .sum();
    // A CBOR map of one entry: its head, the name and the text with their heads.
    sealed - (1 + 1 + "card".len() + 1 + "4111 1111 1111 1111".len())
}
