//! The cost of calls through `Table`, compared with the plain SDK and serde_dynamo, against one
//! embedded server: see `benches/README.md`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub)]

#[path = "../../benches/harness.rs"]
#[expect(dead_code, reason = "no input is used up here")]
mod harness;

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, PutRequest, ScalarAttributeType, WriteRequest,
};
use envelope_dynamo::keys::CacheLimits;
use envelope_dynamo::message::{Context, Plaintext, Sealed, open, seal};
use envelope_dynamo::{
    BranchKeyTable, Envelope, HierarchicalKeyProvider, KeyProvider, KmsKeyProvider,
    LocalKeyProvider, RootKey, Table,
};
use envelope_examples::Servers;
use envelope_examples::servers::create_table;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

use harness::{contest, heading, repeated};

/// A record of 1 KiB. One candidate seals it, the other stores it readable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Envelope)]
#[envelope(table = "visits")]
struct Visit {
    #[partition_key]
    patient: String,
    #[sort_key]
    number: u64,
    #[encrypted]
    diagnosis: String,
    #[encrypted]
    notes: String,
    #[plaintext]
    ward: String,
}

const PATIENT: &str = "p_12345";
/// The length of the notes with which the names and values of a visit are 1 KiB, as DynamoDB
/// counts.
const NOTES_BYTES: usize = 1024 - 70;
const BATCH: u64 = 25;
const QUERIED: u64 = 1_000;
/// Keys stay in the cache longer than the whole benchmark takes.
const KEY_AGE: Duration = Duration::from_secs(24 * 60 * 60);

fn visit(number: u64) -> Visit {
    Visit {
        patient: PATIENT.into(),
        number,
        diagnosis: "fracture of the wrist".into(),
        notes: "n".repeat(NOTES_BYTES),
        ward: "north".into(),
    }
}

type Item = HashMap<String, AttributeValue>;
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let servers = runtime.block_on(Servers::embedded())?;
    println!("medians in microseconds, and ratios to them");
    let local = LocalKeyProvider::new(RootKey::generate()?);
    measure(&runtime, &servers, "root key at hand", "local", Arc::new(local))?;
    let hierarchical = runtime.block_on(warm(&servers))?;
    measure(&runtime, &servers, "warm branch key", "hierarchical", Arc::new(hierarchical))
}

/// A branch key that KMS wraps. The first call of a measurement unwraps it, and the cache keeps it.
async fn warm(
    servers: &Servers,
) -> Outcome<HierarchicalKeyProvider<BranchKeyTable<KmsKeyProvider>>> {
    let kms = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let keys = BranchKeyTable::new(servers.dynamodb().clone(), "branch-keys", kms);
    keys.create_table().await?;
    keys.create("visits").await?;
    Ok(HierarchicalKeyProvider::per_table(keys, CacheLimits::new(KEY_AGE)))
}

fn measure(
    runtime: &Runtime,
    servers: &Servers,
    keys: &str,
    name: &str,
    provider: Arc<dyn KeyProvider>,
) -> Outcome<()> {
    let (sealed, readable) = (format!("{name}-sealed"), format!("{name}-readable"));
    let client = servers.dynamodb();
    for table in [&sealed, &readable] {
        let (partition, sort) =
            (("patient", ScalarAttributeType::S), ("number", ScalarAttributeType::N));
        runtime.block_on(create_table(client, table, partition, Some(sort)))?;
    }
    let crypto = Crypto::new(runtime, provider.clone())?;
    let table = Table::<Visit>::new(client.clone(), provider).named(sealed.clone());
    let plain = Plain { client: client.clone(), table: readable };
    let bare = Plain { client: client.clone(), table: sealed };

    let all: Vec<Visit> = (0..QUERIED).map(visit).collect();
    let (one, batch) = (visit(0), (0..BATCH).map(visit).collect::<Vec<_>>());
    runtime.block_on(table.batch_put(&all).send())?;
    for visits in all.chunks(batch.len()) {
        runtime.block_on(plain.batch_put(items(visits)));
    }
    let sealed_one = runtime.block_on(bare.get()).unwrap();
    let sealed_batch = runtime.block_on(bare.batch_get());

    assert_eq!(runtime.block_on(table.query(PATIENT).send())?, all);
    assert_eq!(visits(runtime.block_on(plain.query())), all);

    heading(&format!("1 KiB, {keys}"), &["Table", "SDK", "SDK, sealed", "SDK and crypto"]);
    contest(
        "put",
        [
            &mut repeated(|| runtime.block_on(table.put(&one).send()).unwrap()),
            &mut repeated(|| runtime.block_on(plain.put(serde_dynamo::to_item(&one).unwrap()))),
            &mut repeated(|| runtime.block_on(bare.put(sealed_one.clone()))),
            &mut repeated(|| {
                (crypto.seal(runtime, 1), runtime.block_on(bare.put(sealed_one.clone())))
            }),
        ],
    );
    contest(
        "get",
        [
            &mut repeated(|| {
                runtime.block_on(table.get((PATIENT, 0_u64)).send()).unwrap().unwrap()
            }),
            &mut repeated(|| {
                serde_dynamo::from_item::<_, Visit>(runtime.block_on(plain.get()).unwrap()).unwrap()
            }),
            &mut repeated(|| runtime.block_on(bare.get()).unwrap()),
            &mut repeated(|| (runtime.block_on(bare.get()), crypto.open(runtime, 1))),
        ],
    );
    contest(
        "batch_put of 25",
        [
            &mut repeated(|| runtime.block_on(table.batch_put(&batch).send()).unwrap()),
            &mut repeated(|| runtime.block_on(plain.batch_put(items(&batch)))),
            &mut repeated(|| runtime.block_on(bare.batch_put(sealed_batch.clone()))),
            &mut repeated(|| {
                let sealed = crypto.seal(runtime, BATCH);
                (sealed, runtime.block_on(bare.batch_put(sealed_batch.clone())))
            }),
        ],
    );
    contest(
        "batch_get of 25",
        [
            &mut repeated(|| {
                runtime
                    .block_on(table.batch_get((0..BATCH).map(|number| (PATIENT, number))).send())
                    .unwrap()
            }),
            &mut repeated(|| visits(runtime.block_on(plain.batch_get()))),
            &mut repeated(|| runtime.block_on(bare.batch_get())),
            &mut repeated(|| (runtime.block_on(bare.batch_get()), crypto.open(runtime, BATCH))),
        ],
    );
    contest(
        "query of 1,000",
        [
            &mut repeated(|| runtime.block_on(table.query(PATIENT).send()).unwrap()),
            &mut repeated(|| visits(runtime.block_on(plain.query()))),
            &mut repeated(|| runtime.block_on(bare.query())),
            &mut repeated(|| (runtime.block_on(bare.query()), crypto.open(runtime, QUERIED))),
        ],
    );
    Ok(())
}

/// What the format needs for each record beside the call: a data key, and its payload sealed or
/// opened. Without a struct and its attributes.
struct Crypto {
    provider: Arc<dyn KeyProvider>,
    context: Context<'static>,
    plaintext: Vec<u8>,
    sealed: Sealed,
}

impl Crypto {
    fn new(runtime: &Runtime, provider: Arc<dyn KeyProvider>) -> Outcome<Self> {
        let context = Context::new("visits").pair("patient", PATIENT)?.pair("number", "0")?;
        let plaintext = vec![b'n'; NOTES_BYTES];
        let sealed = runtime.block_on(seal(&plaintext, &context, &*provider))?;
        Ok(Self { provider, context, plaintext, sealed })
    }

    fn seal(&self, runtime: &Runtime, records: u64) -> Vec<Sealed> {
        let seal = || seal(&self.plaintext, &self.context, &*self.provider);
        runtime.block_on(async {
            let mut sealed = Vec::new();
            for _ in 0..records {
                sealed.push(seal().await.unwrap());
            }
            sealed
        })
    }

    fn open(&self, runtime: &Runtime, records: u64) -> Vec<Plaintext> {
        runtime.block_on(async {
            let mut opened = Vec::new();
            for _ in 0..records {
                opened.push(open(&self.sealed, &self.context, &*self.provider).await.unwrap());
            }
            opened
        })
    }
}

fn items(visits: &[Visit]) -> Vec<Item> {
    visits.iter().map(|visit| serde_dynamo::to_item(visit).unwrap()).collect()
}

fn visits(items: Vec<Item>) -> Vec<Visit> {
    serde_dynamo::from_items(items).unwrap()
}

/// The same calls without this library: with readable records, or with sealed ones that are not
/// opened.
struct Plain {
    client: Client,
    table: String,
}

impl Plain {
    fn key(number: u64) -> Item {
        HashMap::from([
            ("patient".to_owned(), AttributeValue::S(PATIENT.to_owned())),
            ("number".to_owned(), AttributeValue::N(number.to_string())),
        ])
    }

    async fn put(&self, item: Item) {
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await.unwrap();
    }

    async fn get(&self) -> Option<Item> {
        self.client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(Self::key(0)))
            .send()
            .await
            .unwrap()
            .item
    }

    async fn batch_put(&self, items: Vec<Item>) {
        let put = |item| PutRequest::builder().set_item(Some(item)).build().unwrap();
        let writes = items
            .into_iter()
            .map(|item| WriteRequest::builder().put_request(put(item)).build())
            .collect();
        let output =
            self.client.batch_write_item().request_items(&self.table, writes).send().await.unwrap();
        assert!(
            output.unprocessed_items.is_none_or(|left| left.is_empty()),
            "the embedded server does all of it"
        );
    }

    async fn batch_get(&self) -> Vec<Item> {
        let keys = KeysAndAttributes::builder()
            .set_keys(Some((0..BATCH).map(Self::key).collect()))
            .build()
            .unwrap();
        let output =
            self.client.batch_get_item().request_items(&self.table, keys).send().await.unwrap();
        let items = output.responses.unwrap().remove(&self.table).unwrap();
        assert_eq!(items.len() as u64, BATCH, "the embedded server does all of it");
        items
    }

    async fn query(&self) -> Vec<Item> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("patient = :patient");
        let query =
            query.expression_attribute_values(":patient", AttributeValue::S(PATIENT.to_owned()));
        let (mut pages, mut items) = (query.into_paginator().send(), Vec::new());
        while let Some(page) = pages.next().await {
            items.extend(page.unwrap().items.unwrap_or_default());
        }
        items
    }
}
