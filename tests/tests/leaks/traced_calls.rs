//! Traces at the finest level identify the call, and contain no value of the record.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use envelope_dynamo::keys::CacheLimits;
use envelope_dynamo::{CachedKeyProvider, Envelope};
use envelope_examples::Fault;
use envelope_examples::servers::disable_kms_key;
use envelope_tests::{TestTable, kms_keys};
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

/// Collects every trace, with its target.
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
async fn traces_name_the_call_and_not_the_record() {
    let TestTable { servers, faults, table: users } = TestTable::<User>::with(|servers, faults| {
        CachedKeyProvider::new(kms_keys(servers, faults), CacheLimits::new(Duration::from_secs(60)))
    })
    .await;
    let key = servers.kms_key_id();
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
    disable_kms_key(servers.kms(), key).await.unwrap();
    users.put(&user).send().await.unwrap_err();
    drop(guard);

    let ours = log.ours();
    for told in [
        "GenerateDataKey",
        "Decrypt",
        key,
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
