//! Traces at the finest level while records are written and read.

use std::fmt::{self, Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_dynamo::error::KeyErrorKind;
use envelope_dynamo::keys::{
    CacheLimits, EncryptedDek, KeyCounters, MultiKeyProvider, ObservedKeyProvider,
    ProvisionedKeyWrapper, RsaRecipient, SharingLimits,
};
use envelope_dynamo::message::{Context, ContextForm, seal};
use envelope_dynamo::stream::{open_stream, seal_stream};
use envelope_dynamo::testing::{TestClock, TestKeyProvider};
use envelope_dynamo::{
    BranchKeyTable, CachedKeyProvider, Envelope, GroupKeyProvider, HierarchicalKeyProvider,
    KeyProvider, KmsKeyProvider, RootKey, SharedKeyProvider, Table, WrapKey, from_item, to_item,
};
use envelope_examples::servers::{create_table, unique_name};
use envelope_examples::{Fault as Injected, Faults, Servers};
use envelope_tests::{Secret, rsa_private_key};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::printed::Fixed;
use crate::{BYTES, DATA_KEY, NUMBER, ROOT, TEXT, assert_clean, assert_without, provider};

/// The KMS key whose answers hold the planted data key.
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A partition key that names a person.
const PARTITION: &str = "zoe.k3y-0f-b0h3mia@example.com";

#[derive(Debug, Clone, PartialEq, Envelope)]
#[envelope(table = "patients", kms_context = "hashed")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted]
    scan: Vec<u8>,
    #[encrypted]
    number: u64,
}

/// All traces as text: those of this library, and those of all crates.
#[derive(Clone, Default)]
pub(crate) struct Log {
    pub(crate) ours: Arc<Mutex<String>>,
    all: Arc<Mutex<String>>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Log {
    fn write(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut dyn Visit)) {
        let mut line =
            Line(format!("{} {} {} ", metadata.level(), metadata.target(), metadata.name()));
        record(&mut line);
        line.0.push('\n');
        if metadata.target().starts_with("envelope") {
            self.ours.lock().unwrap().push_str(&line.0);
        }
        self.all.lock().unwrap().push_str(&line.0);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(span.metadata(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        self.all.lock().unwrap().push_str(&line.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn no_secret_is_traced() {
    let (servers, faults, log) =
        (Servers::from_env().await.unwrap(), Faults::new(), Log::default());
    let physical = unique_name(Patient::TABLE);
    create_table(servers.dynamodb(), &physical, ("id", ScalarAttributeType::S), None)
        .await
        .unwrap();
    let provider = KmsKeyProvider::new(servers.kms_through(&faults), KEY);
    let base64 = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
    let answer =
        json!({ "KeyId": KEY, "Plaintext": base64(&DATA_KEY), "CiphertextBlob": base64(&[7; 184]) }).to_string();
    for operation in ["GenerateDataKey", "Decrypt"] {
        faults.fail_always(operation, Injected::Reply { status: 200, body: answer.clone() });
    }
    let table = Table::<Patient>::new(servers.dynamodb_through(&faults), provider).named(physical);
    let patient =
        Patient { id: PARTITION.into(), name: TEXT.into(), scan: BYTES.to_vec(), number: NUMBER };

    let traced = tracing::subscriber::set_default(log.clone());
    table.put(&patient).send().await.unwrap();
    assert_eq!(table.get(PARTITION).send().await.unwrap(), Some(patient.clone()));
    for operation in ["GenerateDataKey", "Decrypt", "PutItem", "GetItem"] {
        faults.fail_next(operation, Injected::error("AccessDeniedException"));
        let failed =
            (table.put(&patient).send().await.is_err(), table.get(PARTITION).send().await.is_err());
        assert!(failed.0 ^ failed.1, "{operation}");
    }
    drop(traced);

    let (ours, all) = (log.ours.lock().unwrap().clone(), log.all.lock().unwrap().clone());
    assert!(
        ours.contains("GenerateDataKey")
            && ours.contains("Decrypt")
            && ours.contains("AccessDenied"),
        "{ours}"
    );
    assert_clean(&ours);
    assert_eq!(Secret::new(PARTITION).found_in(&ours), None, "{ours}");
    // The SDKs trace requests and answers. The answers of KMS in this test are in memory, so the
    // SDK prints them.
    assert!(all.len() > ours.len());
    assert_without(|secret| secret != "data key", &all);
}

/// A tenant, which only KMS may see.
const TENANT: &str = "t3nant-0f-b0h3mia";

#[derive(Debug, Clone, PartialEq, Envelope)]
#[envelope(table = "visits", kms_context = "table")]
struct Stay {
    #[partition_key]
    id: String,
    #[authenticated]
    #[encryption_context]
    tenant: String,
    #[encrypted]
    name: String,
    #[encrypted]
    scan: Vec<u8>,
    #[encrypted]
    number: u64,
}

fn stay() -> Stay {
    let (name, scan) = (TEXT.into(), BYTES.to_vec());
    Stay { id: PARTITION.into(), tenant: TENANT.into(), name, scan, number: NUMBER }
}

/// Every kind of provider, with the planted root key or data key.
async fn providers(
    servers: &Servers,
    clock: &Arc<TestClock>,
) -> Vec<(&'static str, Arc<dyn KeyProvider>)> {
    let hour = Duration::from_secs(3_600);
    let branches =
        BranchKeyTable::new(servers.dynamodb().clone(), unique_name("branch-keys"), provider());
    branches.create_table().await.unwrap();
    branches.create(TENANT).await.unwrap();
    branches.rotate(TENANT).await.unwrap();
    let limits = || CacheLimits::new(hour).while_unreachable(hour);
    let hierarchical = HierarchicalKeyProvider::per_pair(branches, "tenant", limits());
    let cached = CachedKeyProvider::new(Fixed, limits())
        .keeping_generated()
        .with_clock(Arc::clone(clock) as _);
    let shared = SharedKeyProvider::new(Fixed, SharingLimits::new(hour, 10))
        .with_clock(Arc::clone(clock) as _);
    let own = rsa_private_key();
    let partner = RsaRecipient::new(own.public_key().clone()).unwrap();
    let several = MultiKeyProvider::new(provider()).also_wraps_for(partner).also_opens_with(own);
    let counters = Arc::new(KeyCounters::default());
    vec![
        ("local", Arc::new(provider())),
        ("fixed", Arc::new(Fixed)),
        ("hierarchical", Arc::new(hierarchical)),
        ("cached", Arc::new(cached)),
        ("shared", Arc::new(shared)),
        ("several", Arc::new(several)),
        ("groups", Arc::new(GroupKeyProvider::new(provider()).group("medical", provider()))),
        ("observed", Arc::new(ObservedKeyProvider::new(Fixed, counters))),
    ]
}

#[tokio::test]
async fn no_provider_traces_a_secret() {
    let (servers, clock, log) =
        (Servers::from_env().await.unwrap(), Arc::new(TestClock::default()), Log::default());
    let traced = tracing::subscriber::set_default(log.clone());
    let providers = providers(&servers, &clock).await;
    for (name, provider) in &providers {
        to_item(&stay(), &**provider).await.unwrap();
        let item = to_item(&stay(), &**provider).await.unwrap();
        for _ in 0..2 {
            assert_eq!(
                from_item::<Stay>(item.clone(), &**provider).await.unwrap(),
                stay(),
                "{name}"
            );
        }
        clock.advance(Duration::from_secs(3_600));
        from_item::<Stay>(item.clone(), &**provider).await.unwrap();
        let mut moved = item;
        moved.insert("tenant".into(), aws_sdk_dynamodb::types::AttributeValue::S("t_2".into()));
        from_item::<Stay>(moved, &**provider).await.unwrap_err();
    }

    // A key served during an outage is traced with the reason of the outage.
    let unreachable = TestKeyProvider::new(RootKey::from_bytes(&ROOT).unwrap());
    let limits =
        CacheLimits::new(Duration::from_secs(1)).while_unreachable(Duration::from_secs(3_600));
    let cached =
        CachedKeyProvider::new(unreachable.clone(), limits).with_clock(Arc::clone(&clock) as _);
    let item = to_item(&stay(), &cached).await.unwrap();
    from_item::<Stay>(item.clone(), &cached).await.unwrap();
    clock.advance(Duration::from_secs(2));
    unreachable.fail_always(KeyErrorKind::Unreachable);
    from_item::<Stay>(item, &cached).await.unwrap();

    // A provisioned key, a small secret and a stream.
    let context = Context::new("visits").form(ContextForm::Table).pair("tenant", TENANT).unwrap();
    let wrapped = provider().generate(&context.encryption_context()).await.unwrap().wrapped;
    let dek = EncryptedDek::new(ContextForm::Table, wrapped).unwrap().to_bytes();
    let device = ProvisionedKeyWrapper::new(&dek, provider()).unwrap();
    seal(TEXT.as_bytes(), &context, &device).await.unwrap();
    let mut object = Vec::new();
    seal_stream(TEXT.as_bytes(), &mut object, &context, &provider()).await.unwrap();
    open_stream(object.as_slice(), &mut Vec::new(), &context, &provider()).await.unwrap();
    drop(traced);

    let (ours, all) = (log.ours.lock().unwrap().clone(), log.all.lock().unwrap().clone());
    for told in [
        "CacheHit",
        "CacheMiss",
        "Shared",
        "Unwrapped",
        "BranchKeyFetched",
        "ServedWhileUnreachable",
        "WARN",
    ] {
        assert!(ours.contains(told), "{told} is not in\n{ours}");
    }
    assert_clean(&ours);
    assert_clean(&all);
    for (what, mark) in [("the key", PARTITION), ("the tenant", TENANT)] {
        assert_eq!(Secret::new(mark).found_in(&ours), None, "{what} is in\n{ours}");
    }
}
