//! Reading more than one record: queries, scans and indexes, and how they fail.
//!
//! Each test has its own table, so that tests can share servers.

mod bad_records;
mod entities;
mod failures;
mod indexes;
mod keys;
mod one;
mod pages;
mod refusals;
mod segments;
mod threads;
mod tokens;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, LocalSecondaryIndex, Projection, ProjectionType, PutRequest, ScalarAttributeType,
    WriteRequest,
};
use envelope_dynamo::read::Records;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{Envelope, Error, KeyProvider, ResumeToken, RootKey, Table, to_item};
use envelope_examples::servers::unique_name;
use envelope_examples::{Faults, Servers};
use envelope_tests::{Item, number, requests, servers, stored, text};

/// No error may contain this.
const SECRET: &str = "s3cr3t";

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "visits",
    index(name = "by-ward", partition_key = ward, sort_key = minutes),
    index(name = "by-doctor", partition_key = doctor),
    index(name = "by-day", local, sort_key = day),
)]
struct Visit {
    #[partition_key]
    patient: String,
    #[sort_key]
    number: u32,
    #[encrypted]
    notes: String,
    #[authenticated]
    ward: String,
    #[plaintext]
    minutes: u64,
    #[plaintext]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    doctor: Option<String>,
    #[plaintext]
    day: String,
}

fn visit(patient: &str, number: u32) -> Visit {
    Visit {
        patient: patient.into(),
        number,
        notes: format!("{SECRET} of {patient}, {number}"),
        ward: if number.is_multiple_of(3) { "north" } else { "south" }.into(),
        minutes: u64::from(number * 7 % 100),
        doctor: number.is_multiple_of(5).then(|| format!("dr_{}", number % 10)),
        day: format!("2026-{:02}-{:02}", number % 12 + 1, number % 28 + 1),
    }
}

/// Fifty visits of one patient, and three of another.
fn few_visits() -> Vec<Visit> {
    let visits = (0..50).map(|number| visit("p_1", number));
    visits.chain((0..3).map(|number| visit("p_2", number))).collect()
}

fn p_1(numbers: impl IntoIterator<Item = u32>) -> Vec<Visit> {
    numbers.into_iter().map(|number| visit("p_1", number)).collect()
}

/// A table of visits, the keys that open them, and the faults in front of DynamoDB.
struct Setup {
    servers: Servers,
    visits: Table<Visit>,
    keys: TestKeyProvider,
    faults: Faults,
}

/// The projection of the table's indexes.
#[derive(Clone, Copy, PartialEq)]
enum Projected {
    All,
    KeysOnly,
    /// These attributes.
    Include(&'static [&'static str]),
}

async fn setup(visits: &[Visit]) -> Setup {
    setup_projecting(visits, Projected::All).await
}

async fn setup_projecting(visits: &[Visit], projected: Projected) -> Setup {
    let keys = TestKeyProvider::new(RootKey::generate().unwrap());
    let setup = setup_with(keys.clone(), keys, projected).await;
    setup.fill(visits).await;
    setup
}

async fn setup_with(
    provider: impl KeyProvider + 'static,
    keys: TestKeyProvider,
    projected: Projected,
) -> Setup {
    let servers = servers().await;
    let (faults, table) = (Faults::new(), unique_name("visits"));
    create_visits(&servers, &table, projected).await;
    let visits = Table::new(servers.dynamodb_through(&faults), provider).named(table);
    Setup { servers, visits, keys, faults }
}

impl Setup {
    /// Stores the visits past the faults, so that their calls are not counted.
    async fn fill(&self, visits: &[Visit]) {
        let mut items = Vec::new();
        for visit in visits {
            items.push(to_item(visit, &self.keys).await.unwrap());
        }
        self.store(items).await;
    }

    async fn store(&self, items: Vec<Item>) {
        for chunk in items.chunks(25) {
            let puts = chunk.iter().map(|item| {
                let put = PutRequest::builder().set_item(Some(item.clone())).build().unwrap();
                WriteRequest::builder().put_request(put).build()
            });
            let write = self.servers.dynamodb().batch_write_item();
            let written =
                write.request_items(self.visits.name(), puts.collect()).send().await.unwrap();
            assert!(written.unprocessed_items.unwrap_or_default().is_empty());
        }
    }

    async fn item(&self, patient: &str, number: u32) -> Item {
        stored(&self.servers, self.visits.name(), key(patient, number)).await.unwrap()
    }

    async fn delete(&self, patient: &str, number: u32) {
        let delete = self.servers.dynamodb().delete_item().table_name(self.visits.name());
        delete.set_key(Some(key(patient, number))).send().await.unwrap();
    }

    fn requests(&self, operation: &str) -> Vec<serde_json::Value> {
        requests(&self.faults, operation)
    }
}

fn key(patient: &str, number: u32) -> Item {
    Item::from([
        ("patient".into(), text(patient)),
        ("number".into(), envelope_tests::number(number)),
    ])
}

async fn create_visits(servers: &Servers, table: &str, projected: Projected) {
    use ScalarAttributeType::{N, S};
    let attribute = |(name, kind): (&str, ScalarAttributeType)| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
    };
    let attributes =
        [("patient", S), ("number", N), ("ward", S), ("minutes", N), ("doctor", S), ("day", S)];
    let global = |name: &str, partition: &str, sort: Option<&str>| {
        GlobalSecondaryIndex::builder()
            .index_name(name)
            .set_key_schema(Some(schema(partition, sort)))
            .projection(projection(projected))
            .build()
            .unwrap()
    };
    let local = LocalSecondaryIndex::builder()
        .index_name("by-day")
        .set_key_schema(Some(schema("patient", Some("day"))))
        .projection(projection(projected))
        .build()
        .unwrap();
    let creation = servers
        .dynamodb()
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest);
    creation
        .set_key_schema(Some(schema("patient", Some("number"))))
        .set_attribute_definitions(Some(attributes.map(attribute).to_vec()))
        .global_secondary_indexes(global("by-ward", "ward", Some("minutes")))
        .global_secondary_indexes(global("by-doctor", "doctor", None))
        .local_secondary_indexes(local)
        .send()
        .await
        .unwrap();
}

fn schema(partition: &str, sort: Option<&str>) -> Vec<KeySchemaElement> {
    let element = |name: &str, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    let sort = sort.map(|sort| element(sort, KeyType::Range));
    std::iter::once(element(partition, KeyType::Hash)).chain(sort).collect()
}

fn projection(projected: Projected) -> Projection {
    match projected {
        Projected::All => Projection::builder().projection_type(ProjectionType::All).build(),
        Projected::KeysOnly => {
            Projection::builder().projection_type(ProjectionType::KeysOnly).build()
        }
        Projected::Include(names) => Projection::builder()
            .projection_type(ProjectionType::Include)
            .set_non_key_attributes(Some(names.iter().map(|name| (*name).to_owned()).collect()))
            .build(),
    }
}

/// The next `count` records.
async fn take(records: &mut Records<Visit>, count: usize) -> Vec<Visit> {
    let mut taken = Vec::new();
    for _ in 0..count {
        taken.push(records.next().await.unwrap().unwrap());
    }
    taken
}

/// The token, passed on as text.
fn carried(token: Option<ResumeToken>) -> Option<ResumeToken> {
    token.map(|token| token.to_string().parse().unwrap())
}

fn sorted(mut visits: Vec<Visit>) -> Vec<Visit> {
    visits.sort_by(|a, b| (&a.patient, a.number).cmp(&(&b.patient, b.number)));
    visits
}

/// The records and the errors.
async fn parted(records: &mut Records<Visit>) -> (Vec<Visit>, Vec<Error>) {
    let (mut visits, mut errors) = (Vec::new(), Vec::new());
    while let Some(record) = records.next().await {
        match record {
            Ok(visit) => visits.push(visit),
            Err(error) => errors.push(error),
        }
    }
    (visits, errors)
}
