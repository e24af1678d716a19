//! What the crates say at the most talkative level: enough to find a call, and nothing that is
//! anybody's.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::ScalarAttributeType::S;
use envelope_dynamo::{CacheLimits, CachedKeyProvider, Envelope, KmsKeyProvider, Table};
use envelope_examples::servers::{create_table, disable_kms_key, unique_name};
use envelope_examples::{Fault, Faults, Servers};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[authenticated]
    #[encryption_context]
    tenant: String,
    #[encrypted]
    email: String,
}

/// Writes down everything, ours apart from the SDK's.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<Vec<(&'static str, String)>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Everything {
    fn write(&self, metadata: &Metadata<'static>, record: impl FnOnce(&mut dyn Visit)) {
        let mut line = Line(format!("{} {}", metadata.level(), metadata.name()));
        record(&mut line);
        self.0.lock().unwrap().push((metadata.target(), line.0));
    }

    fn ours(&self) -> String {
        let lines = self.0.lock().unwrap();
        lines
            .iter()
            .filter(|(target, _)| target.starts_with("envelope"))
            .map(|(_, line)| format!("{line}\n"))
            .collect()
    }

    fn all(&self) -> String {
        self.0.lock().unwrap().iter().map(|(_, line)| format!("{line}\n")).collect()
    }
}

impl Subscriber for Everything {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::TRACE
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(span.metadata(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test(flavor = "current_thread")]
async fn logs_tell_the_call_and_not_the_record() {
    let servers = Servers::from_env().await.unwrap();
    let faults = Faults::new();
    let key = envelope_examples::servers::create_kms_key(servers.kms()).await.unwrap();
    let physical = unique_name("users");
    create_table(servers.dynamodb(), &physical, ("user_id", S), None).await.unwrap();
    let kms = KmsKeyProvider::new(servers.kms_through(&faults), &key);
    let provider =
        CachedKeyProvider::new(kms, CacheLimits::new(std::time::Duration::from_secs(60)));
    let users = Table::<User>::new(servers.dynamodb_through(&faults), provider).named(physical);
    let user = User {
        user_id: "m4rk-key".into(),
        tenant: "m4rk-tenant".into(),
        email: "m4rk-secret@example.com".into(),
    };

    let log = Everything::default();
    let guard = tracing::subscriber::set_default(log.clone());
    users.put(&user).send().await.unwrap();
    users.get("m4rk-key").send().await.unwrap();
    users.get("m4rk-key").send().await.unwrap();
    faults.fail_next("GenerateDataKey", Fault::error("AccessDeniedException"));
    users.put(&user).send().await.unwrap_err();
    disable_kms_key(servers.kms(), &key).await.unwrap();
    users.put(&user).send().await.unwrap_err();
    drop(guard);

    let ours = log.ours();
    for told in [
        "GenerateDataKey",
        "Decrypt",
        &key,
        "context_form=raw",
        "request_id=",
        "microseconds=",
        "AccessDenied",
        "KeyDisabled",
    ] {
        assert!(ours.contains(told), "{told} is not in\n{ours}");
    }
    assert!(ours.contains("CacheHit") && ours.contains("CacheMiss"), "{ours}");
    for mark in ["m4rk-key", "m4rk-tenant", "m4rk-secret"] {
        assert!(!ours.contains(mark), "{mark} is in\n{ours}");
    }
    assert!(!log.all().contains("m4rk-secret"), "not even the SDK has seen what is sealed");
}
