//! What is traced while records are written and read, at the finest level.

use std::fmt::{self, Debug, Write};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::servers::{create_table, unique_name};
use envelope_examples::{Fault as Injected, Faults, Servers};
use envelope_tests::Secret;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::{BYTES, DATA_KEY, NUMBER, TEXT, assert_clean, assert_without};

/// The KMS key that answers with the data key planted here.
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A partition key that names somebody.
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

/// All that is traced, as one text: by this library, and by everybody.
#[derive(Clone, Default)]
struct Log {
    ours: Arc<Mutex<String>>,
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
        let mut line = Line(format!("{} {} {} ", metadata.level(), metadata.target(), metadata.name()));
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
    let (servers, faults, log) = (Servers::from_env().await.unwrap(), Faults::new(), Log::default());
    let physical = unique_name(Patient::TABLE);
    create_table(servers.dynamodb(), &physical, ("id", ScalarAttributeType::S), None).await.unwrap();
    let provider = KmsKeyProvider::new(servers.kms_through(&faults), KEY);
    let base64 = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
    let answer =
        json!({ "KeyId": KEY, "Plaintext": base64(&DATA_KEY), "CiphertextBlob": base64(&[7; 184]) }).to_string();
    for operation in ["GenerateDataKey", "Decrypt"] {
        faults.fail_always(operation, Injected::Reply { status: 200, body: answer.clone() });
    }
    let table = Table::<Patient>::new(servers.dynamodb_through(&faults), provider).named(physical);
    let patient = Patient { id: PARTITION.into(), name: TEXT.into(), scan: BYTES.to_vec(), number: NUMBER };

    let traced = tracing::subscriber::set_default(log.clone());
    table.put(&patient).send().await.unwrap();
    assert_eq!(table.get(PARTITION).send().await.unwrap(), Some(patient.clone()));
    for operation in ["GenerateDataKey", "Decrypt", "PutItem", "GetItem"] {
        faults.fail_next(operation, Injected::error("AccessDeniedException"));
        let failed = (table.put(&patient).send().await.is_err(), table.get(PARTITION).send().await.is_err());
        assert!(failed.0 ^ failed.1, "{operation}");
    }
    drop(traced);

    let (ours, all) = (log.ours.lock().unwrap().clone(), log.all.lock().unwrap().clone());
    assert!(ours.contains("GenerateDataKey") && ours.contains("Decrypt") && ours.contains("AccessDenied"), "{ours}");
    assert_clean(&ours);
    assert_eq!(Secret::new(PARTITION).found_in(&ours), None, "{ours}");
    // The SDKs trace their requests and answers; what this test made up for KMS lies in memory, and is printed with them.
    assert!(all.len() > ours.len());
    assert_without(|secret| secret != "data key", &all);
}
