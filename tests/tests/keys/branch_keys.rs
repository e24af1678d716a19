//! Branch keys in their own table: costs, outages, rotation, and attacks by somebody who can write
//! it.

mod attacks;
mod blind;
mod deletion;
mod economy;
mod moved;
mod outages;
mod rotation;
mod version_deletion;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{KeyErrorKind, WriteOutcome};
use envelope_dynamo::keys::{
    BranchKeyError, BranchVersion, CacheLimits, EncryptedDek, KeyCounters,
};
use envelope_dynamo::testing::TestClock;
use envelope_dynamo::{
    BranchKeyTable, Envelope, Error, HierarchicalKeyProvider, KmsKeyProvider, from_item, to_item,
};
use envelope_examples::servers::unique_name;
use envelope_examples::{Fault, Faults, Servers};
use envelope_tests::{
    Item, binary, key_error, kms_keys, plant, servers, stored, text, wrapped_keys,
};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "visits")]
struct Visit {
    #[partition_key]
    id: String,
    #[authenticated]
    #[encryption_context]
    patient: String,
    #[encrypted]
    text: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "letters", kms_context = "table")]
struct Letter {
    #[partition_key]
    id: String,
    #[authenticated]
    #[encryption_context]
    patient: String,
    #[encrypted]
    text: String,
}

fn visit(id: impl ToString, patient: &str) -> Visit {
    Visit { id: id.to_string(), patient: patient.into(), text: "x".repeat(100) }
}

fn letter(id: impl ToString, patient: &str) -> Letter {
    Letter { id: id.to_string(), patient: patient.into(), text: "dear".into() }
}

const MINUTE: Duration = Duration::from_secs(60);
const TTL: CacheLimits = CacheLimits::new(Duration::from_secs(600));

type Keys = BranchKeyTable<KmsKeyProvider>;
type Provider = HierarchicalKeyProvider<Keys>;

/// A table of branch keys on servers behind faults.
struct Bench {
    servers: Servers,
    faults: Faults,
    table: String,
    clock: Arc<TestClock>,
    counters: Arc<KeyCounters>,
}

impl Bench {
    /// With a branch for each of `patients`. The calls for this are not counted.
    async fn with(patients: &[&str]) -> Self {
        let servers = servers().await;
        let bench = Self {
            servers,
            faults: Faults::new(),
            table: unique_name("branch-keys"),
            clock: Arc::default(),
            counters: Arc::default(),
        };
        bench.keys().create_table().await.unwrap();
        for patient in patients {
            bench.keys().create(patient).await.unwrap();
        }
        bench.faults.forget_calls();
        bench
    }

    /// The table, for another process.
    fn keys(&self) -> Keys {
        self.keys_of("branch-keys")
    }

    fn keys_of(&self, logical: &str) -> Keys {
        let kms = kms_keys(&self.servers, &self.faults);
        BranchKeyTable::new(self.servers.dynamodb_through(&self.faults), logical, kms)
            .named(&self.table)
    }

    fn provider(&self, limits: CacheLimits) -> Provider {
        HierarchicalKeyProvider::per_pair(self.keys(), "patient", limits)
            .with_clock(Arc::clone(&self.clock) as _)
            .observed_by(Arc::clone(&self.counters) as _)
    }

    fn kms_calls(&self) -> usize {
        ["Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"]
            .map(|operation| self.faults.calls(operation))
            .iter()
            .sum()
    }

    async fn stored(&self, branch: &str, version: impl ToString) -> Item {
        let key = [("branch".into(), text(branch)), ("version".into(), text(version))];
        stored(&self.servers, &self.table, Item::from(key)).await.unwrap()
    }

    /// Writes an item without the library.
    async fn store(&self, item: Item) {
        plant(&self.servers, &self.table, item).await;
    }

    /// Makes `version` the active one of `branch`, even if it belongs to another branch.
    async fn point(&self, branch: &str, version: impl ToString) {
        let mut pointer = self.stored(branch, "active").await;
        pointer.insert("active_version".into(), text(version));
        self.store(pointer).await;
    }

    async fn active(&self, branch: &str) -> BranchVersion {
        let versions = self.keys().versions(branch).await.unwrap();
        versions.iter().find(|version| version.is_active()).unwrap().version()
    }
}

async fn write(patient: &str, provider: &Provider) -> Item {
    to_item(&visit(1, patient), provider).await.unwrap()
}

async fn read(item: &Item, provider: &Provider) -> Result<Visit, KeyErrorKind> {
    from_item(item.clone(), provider).await.map_err(|error| kind(&error))
}

fn kind(error: &Error) -> KeyErrorKind {
    key_error(error).kind()
}

fn branch_kind(error: &BranchKeyError) -> KeyErrorKind {
    error.key_error().unwrap_or_else(|| panic!("not of the key: {error}")).kind()
}

/// The answer of DynamoDB to a transaction whose second part it refused.
fn cancelled(reason: &str) -> Fault {
    let body = format!(
        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"cancelled",
        "CancellationReasons":[{{"Code":"None"}},{{"Code":"{reason}","Message":"as asked"}}]}}"#
    );
    Fault::Reply { status: 400, body }
}

/// The version under which an item was written.
fn version(item: &Item) -> BranchVersion {
    BranchVersion::from_bytes(wrapped_keys(item).keys()[0].id().try_into().unwrap())
}
