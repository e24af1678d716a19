//! The time of a run over a table, compared with a bare loop that uses the plain SDK, against one
//! embedded server: see `benches/README.md`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub)]

#[path = "../../benches/harness.rs"]
#[expect(dead_code, reason = "no input is used up here")]
mod harness;

use std::cell::Cell;
use std::collections::HashMap;
use std::error::Error;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ScalarAttributeType, Select,
};
use envelope_dynamo::keys::{EncryptedDek, KeyKind, KmsKeyHint, WrappedKey};
use envelope_dynamo::maintain::{Limits, SchemaFile, StoredTable};
use envelope_dynamo::message::ContextForm;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_kms_key, create_table};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::runtime::{Builder, Runtime};

use harness::{heading, medians, repeated, row};

/// A record of 1 KiB.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "visits")]
struct Visit {
    #[partition_key]
    visit: String,
    #[encrypted]
    notes: String,
    #[plaintext]
    ward: String,
}

const RECORDS: u64 = 500;
const NOTES_BYTES: usize = 970;
/// As many as a run of the library has.
const SEGMENTS: i32 = 4;
/// As many as a count of the library has.
const COUNTED_SEGMENTS: i32 = 5;
const IN_FLIGHT: usize = 64;
/// The bytes of `encrypted_dek` before the blob of KMS (FORMAT 3.2).
const HEADER: usize = 15;

type Item = HashMap<String, AttributeValue>;
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let servers = runtime.block_on(Servers::embedded())?;
    let keys = [(); 2].map(|()| runtime.block_on(create_kms_key(servers.kms())).unwrap());
    for table in ["library", "bare"] {
        runtime.block_on(fill(&servers, table, &keys[0]))?;
    }
    println!("medians in microseconds of a run over {RECORDS} records of 1 KiB, and ratios");
    heading("records under KMS keys", &["library", "SDK"]);
    row("rewrap", &rewrap(&runtime, &servers, &keys)?);
    row("nothing to rewrap", &nothing_to_rewrap(&runtime, &servers, &keys)?);
    row("coverage", &coverage(&runtime, &servers)?);
    Ok(())
}

async fn fill(servers: &Servers, name: &str, key: &str) -> Outcome<()> {
    let dynamodb = servers.dynamodb();
    create_table(dynamodb, name, ("visit", ScalarAttributeType::S), None).await?;
    let provider = KmsKeyProvider::new(servers.kms().clone(), key);
    let table = Table::<Visit>::new(dynamodb.clone(), provider).named(name);
    let visit = |number| Visit {
        visit: format!("visit-{number:06}"),
        notes: "n".repeat(NOTES_BYTES),
        ward: "north".into(),
    };
    table.batch_put((0..RECORDS).map(visit).collect::<Vec<_>>().iter()).send().await?;
    Ok(())
}

fn stored(servers: &Servers) -> Outcome<StoredTable> {
    let schema = SchemaFile::new().with::<Visit>();
    Ok(StoredTable::new(servers.dynamodb().clone(), &schema, "visits")?.named("library"))
}

/// Both move the records to the other key, and in the next round back.
fn rewrap(
    runtime: &Runtime,
    servers: &Servers,
    keys: &[String; 2],
) -> Outcome<harness::Medians<2>> {
    let stored = stored(servers)?;
    let bare = Bare { servers, table: "bare" };
    let (first, second) = (Cell::new(0), Cell::new(0));
    let turn = |rounds: &Cell<usize>| {
        rounds.set(rounds.get() + 1);
        let from = (rounds.get() + 1) % 2;
        (keys[from].as_str(), keys[1 - from].as_str())
    };
    Ok(medians([
        &mut repeated(|| {
            let (from, to) = turn(&first);
            let run = stored.rewrap(servers.kms().clone(), from, to);
            let counts = runtime.block_on(run.limits(unlimited()).send()).unwrap();
            assert_eq!(counts.changed, RECORDS);
        }),
        &mut repeated(|| {
            let (from, to) = turn(&second);
            assert_eq!(runtime.block_on(bare.rewrap(from, to)).unwrap(), RECORDS);
        }),
    ]))
}

/// Both read all records, and find that none is under the key to move from.
fn nothing_to_rewrap(
    runtime: &Runtime,
    servers: &Servers,
    keys: &[String; 2],
) -> Outcome<harness::Medians<2>> {
    let stored = stored(servers)?;
    let bare = Bare { servers, table: "bare" };
    let absent = runtime.block_on(create_kms_key(servers.kms()))?;
    Ok(medians([
        &mut repeated(|| {
            let run = stored.rewrap(servers.kms().clone(), absent.as_str(), keys[0].as_str());
            let counts = runtime.block_on(run.limits(unlimited()).send()).unwrap();
            assert_eq!((counts.changed, counts.seen()), (0, RECORDS));
        }),
        &mut repeated(|| {
            assert_eq!(runtime.block_on(bare.rewrap(&absent, &keys[0])).unwrap(), 0);
        }),
    ]))
}

/// Both count the records under each key. The library also reads the names that payloads list.
fn coverage(runtime: &Runtime, servers: &Servers) -> Outcome<harness::Medians<2>> {
    let stored = stored(servers)?;
    let bare = Bare { servers, table: "bare" };
    Ok(medians([
        &mut repeated(|| {
            let report = runtime.block_on(stored.coverage().send()).unwrap();
            assert_eq!((report.holds(), report.read.items), (true, RECORDS));
        }),
        &mut repeated(|| {
            let counts = runtime.block_on(bare.count()).unwrap();
            assert_eq!(counts.values().sum::<u64>(), RECORDS);
        }),
    ]))
}

fn unlimited() -> Limits {
    Limits::new().kms(f64::INFINITY)
}

/// The same with the plain SDK, for records of one kind and one recipient.
struct Bare<'s> {
    servers: &'s Servers,
    table: &'static str,
}

impl Bare<'_> {
    /// Moves all records that are under `from`, and returns their number.
    async fn rewrap(&self, from: &str, to: &str) -> Outcome<u64> {
        let segments = (0..SEGMENTS).map(|segment| self.segment(segment, from, to));
        let moved: Vec<u64> = stream::iter(segments).buffer_unordered(4).try_collect().await?;
        Ok(moved.iter().sum())
    }

    async fn segment(&self, segment: i32, from: &str, to: &str) -> Outcome<u64> {
        let scan = self.servers.dynamodb().scan().table_name(self.table);
        let scan = scan.segment(segment).total_segments(SEGMENTS);
        let scan = scan.select(Select::SpecificAttributes);
        let scan = scan.projection_expression("visit, encrypted_dek");
        let scan = scan.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut pages = scan.into_paginator().send();
        let mut moved = 0;
        let old = hint(from);
        while let Some(page) = pages.next().await {
            let items = page?.items.unwrap_or_default();
            let due = items.into_iter().filter(|item| old.fits(&dek(item)[5..13]));
            let updates = due.map(|item| self.update(item, from, to));
            let updates = stream::iter(updates).buffer_unordered(IN_FLIGHT / SEGMENTS as usize);
            moved += updates.try_fold(0, async |sum, ()| Ok(sum + 1)).await?;
        }
        Ok(moved)
    }

    /// Counts the records by the hint of their key.
    async fn count(&self) -> Outcome<HashMap<Vec<u8>, u64>> {
        let mut counts = HashMap::new();
        for segment in 0..COUNTED_SEGMENTS {
            let scan = self.servers.dynamodb().scan().table_name(self.table).consistent_read(true);
            let scan = scan.segment(segment).total_segments(COUNTED_SEGMENTS);
            let scan = scan.select(Select::SpecificAttributes);
            let scan = scan.projection_expression("visit, encrypted_dek, encrypted_payload");
            let scan = scan.return_consumed_capacity(ReturnConsumedCapacity::Total);
            let mut pages = scan.into_paginator().send();
            while let Some(page) = pages.next().await {
                for item in page?.items.unwrap_or_default() {
                    let key = EncryptedDek::parse(dek(&item))?.keys()[0].id().to_vec();
                    *counts.entry(key).or_default() += 1;
                }
            }
        }
        Ok(counts)
    }

    async fn update(&self, mut item: Item, from: &str, to: &str) -> Outcome<()> {
        let visit = item.remove("visit").unwrap();
        let read = item.remove("encrypted_dek").unwrap();
        let context = [
            ("table".to_owned(), "visits".to_owned()),
            ("partition_key".to_owned(), visit.as_s().unwrap().clone()),
        ];
        let blob = Blob::new(&read.as_b().unwrap().as_ref()[HEADER..]);
        let call = self.servers.kms().re_encrypt().ciphertext_blob(blob);
        let call = call.set_source_encryption_context(Some(context.clone().into()));
        let call = call.set_destination_encryption_context(Some(context.into()));
        let call = call.source_key_id(from).destination_key_id(to);
        let answer = call.send().await?;
        let id = hint(to).with_material(answer.destination_key_material_id());
        let blob = answer.ciphertext_blob.unwrap().into_inner();
        let wrapped = WrappedKey::new(KeyKind::AWS_KMS, id.as_ref(), blob)?;
        let written = EncryptedDek::new(ContextForm::Raw, vec![wrapped])?.to_bytes();
        let update = self.servers.dynamodb().update_item().table_name(self.table);
        let update = update.key("visit", visit);
        let update = update.update_expression("SET encrypted_dek = :written");
        let update = update.condition_expression("encrypted_dek = :read");
        let update = update.expression_attribute_values(":read", read);
        let written = AttributeValue::B(Blob::new(written));
        let update = update.expression_attribute_values(":written", written);
        update.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await?;
        Ok(())
    }
}

fn dek(item: &Item) -> &[u8] {
    item["encrypted_dek"].as_b().unwrap().as_ref()
}

fn hint(arn: &str) -> KmsKeyHint {
    KmsKeyHint::of(arn.rsplit(":key/").next().unwrap())
}
