//! Branch keys move to another KMS key, and their records stay as they are.

use std::collections::BTreeMap;
use std::sync::Mutex;

use envelope_dynamo::maintain::{Counts, Limits, Run, RunEvent};
use envelope_examples::servers::create_kms_key;
use envelope_tests::called;

use super::*;

/// Two KMS keys, and branches under the first of them with records of each version.
struct Move {
    bench: Bench,
    old: String,
    new: String,
    /// By branch: a record under each version, the oldest first.
    records: BTreeMap<&'static str, Vec<Item>>,
}

impl Move {
    /// `branches`, each with three versions.
    async fn of(branches: &[&'static str]) -> Self {
        let bench = Bench::with(&[]).await;
        let kms = bench.servers.kms();
        let (old, new) = (create_kms_key(kms).await.unwrap(), create_kms_key(kms).await.unwrap());
        let mut moved = Self { bench, old, new, records: BTreeMap::new() };
        for branch in branches {
            moved.keys(&moved.old).create(branch).await.unwrap();
            let mut records = vec![write(branch, &moved.provider(&moved.old)).await];
            for _ in 0..2 {
                moved.keys(&moved.old).rotate(branch).await.unwrap();
                records.push(write(branch, &moved.provider(&moved.old)).await);
            }
            moved.records.insert(branch, records);
        }
        moved
    }

    /// The table past the faults, with one KMS key.
    fn keys(&self, key: &str) -> Keys {
        let kms = KmsKeyProvider::new(self.bench.servers.kms().clone(), key);
        BranchKeyTable::new(self.bench.servers.dynamodb().clone(), "branch-keys", kms)
            .named(&self.bench.table)
    }

    /// A service past the faults, with one KMS key and nothing in its cache.
    fn provider(&self, key: &str) -> Provider {
        HierarchicalKeyProvider::per_pair(self.keys(key), "patient", TTL)
    }

    /// The move, through the faults, by an operator who uses the table for nothing else.
    fn run(&self) -> Run<'static> {
        let kms = self.bench.servers.kms_through(&self.bench.faults);
        self.bench.keys().rewrap(kms, &self.old, &self.new)
    }

    async fn assert_all_open(&self, key: &str) {
        for (branch, records) in &self.records {
            for record in records {
                let read = read(record, &self.provider(key)).await;
                assert_eq!(read, Ok(visit(1, branch)), "{branch} {}", version(record));
            }
        }
    }

    /// All items of the table.
    async fn items(&self) -> BTreeMap<String, Item> {
        let scan = self.bench.servers.dynamodb().scan().table_name(&self.bench.table);
        let items = scan.consistent_read(true).send().await.unwrap().items.unwrap();
        let name = |item: &Item| format!("{:?} {:?}", item["branch"], item["version"]);
        items.into_iter().map(|item| (name(&item), item)).collect()
    }
}

/// Runs to the end. Returns the counts, and what was said of each key that failed.
async fn observed(run: Run<'_>) -> (Counts, Vec<String>) {
    let failed = Mutex::new(Vec::new());
    let run = run.observed_by(|event| {
        if let RunEvent::Failed(error) = event {
            failed.lock().unwrap().push(error.to_string());
        }
    });
    let counts = run.send().await.unwrap();
    (counts, failed.into_inner().unwrap())
}

#[tokio::test]
async fn every_version_of_every_branch_moves_and_no_record_changes() {
    let moved = Move::of(&["alice", "bob", "carol"]).await;
    let before = moved.items().await;
    moved.bench.faults.forget_calls();
    let counts = moved.run().send().await.unwrap();
    assert_eq!((counts.changed, counts.not_sealed, counts.failed), (9, 3, 0), "3 are pointers");
    assert_eq!((counts.kms_calls, moved.bench.faults.calls("ReEncrypt")), (9, 9));
    for operation in ["Decrypt", "GenerateDataKey", "Encrypt", "GetItem", "Query", "PutItem"] {
        assert_eq!(moved.bench.faults.calls(operation), 0, "{operation}");
    }
    moved.assert_all_open(&moved.new).await;
    for records in moved.records.values() {
        let read = read(&records[0], &moved.provider(&moved.old)).await;
        assert_eq!(read, Err(KeyErrorKind::WrongKey), "the old key opens nothing");
    }
    let after = moved.items().await;
    assert_eq!(before.len(), after.len());
    for (name, item) in &before {
        for (attribute, value) in item {
            assert_eq!(after[name][attribute] == *value, attribute != "encrypted_dek", "{name}");
        }
    }

    moved.bench.faults.forget_calls();
    let again = moved.run().send().await.unwrap();
    assert_eq!((again.changed, again.already, again.not_sealed), (0, 9, 3));
    let calls = ["ReEncrypt", "UpdateItem"].map(|operation| moved.bench.faults.calls(operation));
    assert_eq!(calls, [0, 0]);
}

/// What the role of the operator must allow: no attribute beside these.
#[tokio::test]
async fn a_move_reads_and_writes_only_keys_and_wrapped_keys() {
    let moved = Move::of(&["alice"]).await;
    moved.bench.faults.forget_calls();
    moved.run().send().await.unwrap();
    for operation in ["Scan", "UpdateItem"] {
        for request in envelope_tests::requests(&moved.bench.faults, operation) {
            for name in request["ExpressionAttributeNames"].as_object().unwrap().values() {
                let name = name.as_str().unwrap();
                assert!(["branch", "version", "encrypted_dek"].contains(&name), "{name}");
            }
        }
    }
    let requests = envelope_tests::requests(&moved.bench.faults, "ReEncrypt");
    assert_eq!(requests.len(), 3);
    for request in requests {
        let context = &request["SourceEncryptionContext"];
        assert_eq!(context, &request["DestinationEncryptionContext"]);
        assert_eq!(context["table"], "branch-keys");
        assert_eq!(context["branch"], "alice");
        assert_eq!(context.as_object().unwrap().len(), 3, "{context}");
    }
}

#[tokio::test]
async fn a_service_with_both_keys_works_on_during_the_move() {
    let moved = Move::of(&["alice"]).await;
    let kms = KmsKeyProvider::new(moved.bench.servers.kms().clone(), &moved.new);
    let kms = kms.also_decrypts(&moved.old);
    let keys = BranchKeyTable::new(moved.bench.servers.dynamodb().clone(), "branch-keys", kms);
    let keys = keys.named(&moved.bench.table);
    let provider = HierarchicalKeyProvider::per_pair(keys, "patient", TTL);
    moved.bench.faults.hold("UpdateItem");
    let serving = async {
        called(&moved.bench.faults, "UpdateItem", 1).await;
        let during = write("alice", &provider).await;
        moved.bench.faults.release("UpdateItem");
        during
    };
    let (counts, during) = tokio::join!(moved.run().send(), serving);
    assert_eq!(counts.unwrap().changed, 3);
    provider.clear();
    for item in moved.records["alice"].iter().chain([&during]) {
        assert_eq!(read(item, &provider).await, Ok(visit(1, "alice")));
    }
}

#[tokio::test]
async fn a_move_that_was_killed_continues_when_it_is_started_again() {
    let moved = Move::of(&["alice", "bob", "carol"]).await;
    let faults = &moved.bench.faults;
    for stop_at in ["ReEncrypt", "UpdateItem"] {
        faults.forget_calls();
        faults.hold(stop_at);
        let run = moved.run().limits(Limits::new().in_flight(4));
        run.until(called(faults, stop_at, 1)).await.unwrap_err();
        faults.release(stop_at);
    }
    // Dropped after an update was carried out.
    faults.forget_calls();
    faults.fail_next("UpdateItem", Fault::LoseReply);
    let stopped = moved.run().limits(Limits::new().in_flight(4));
    stopped.until(called(faults, "UpdateItem", 1)).await.unwrap_err();

    let counts = moved.run().send().await.unwrap();
    assert_eq!((counts.changed + counts.already, counts.failed), (9, 0));
    moved.assert_all_open(&moved.new).await;
}

/// By an operator who still has the old key. The run ends well, and the next one moves the rest.
#[tokio::test]
async fn a_rotation_during_the_move_loses_no_version() {
    let mut moved = Move::of(&["alice"]).await;
    moved.bench.faults.hold("UpdateItem");
    let rotating = async {
        called(&moved.bench.faults, "UpdateItem", 1).await;
        moved.keys(&moved.old).rotate("alice").await.unwrap();
        let late = write("alice", &moved.provider(&moved.old)).await;
        moved.bench.faults.release("UpdateItem");
        late
    };
    let (counts, late) = tokio::join!(moved.run().send(), rotating);
    assert!((3..=4).contains(&counts.unwrap().changed));
    moved.records.get_mut("alice").unwrap().push(late);
    let counts = moved.run().send().await.unwrap();
    assert_eq!(counts.changed + counts.already, 4);
    moved.assert_all_open(&moved.new).await;
    assert_eq!(moved.keys(&moved.new).versions("alice").await.unwrap().len(), 4);
    let rotated = moved.keys(&moved.new).rotate("alice").await.unwrap();
    assert_eq!(version(&write("alice", &moved.provider(&moved.new)).await), rotated);
}

/// The update finds no item, and must not create one.
#[tokio::test]
async fn what_is_deleted_during_the_move_stays_deleted() {
    let moved = Move::of(&["alice", "bob"]).await;
    let oldest = version(&moved.records["bob"][0]);
    moved.bench.faults.hold("UpdateItem");
    let deleting = async {
        called(&moved.bench.faults, "UpdateItem", 1).await;
        moved.keys(&moved.old).delete("alice").await.unwrap();
        assert!(moved.keys(&moved.old).delete_version("bob", oldest).await.unwrap());
        moved.bench.faults.release("UpdateItem");
    };
    let (counts, ()) = tokio::join!(moved.run().send(), deleting);
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.failed), (2, 0));
    let items = moved.items().await;
    assert_eq!(items.len(), 3, "two versions and the pointer of bob: {:?}", items.keys());
    for record in &moved.records["bob"][1..] {
        assert_eq!(read(record, &moved.provider(&moved.new)).await, Ok(visit(1, "bob")));
    }
}

#[tokio::test]
async fn a_version_that_kms_refuses_is_named_and_passed_over() {
    let moved = Move::of(&["alice", "bob"]).await;
    let spoilt = version(&moved.records["alice"][1]);
    let mut item = moved.bench.stored("alice", spoilt).await;
    let other = moved.bench.stored("bob", version(&moved.records["bob"][1])).await;
    item.insert("encrypted_dek".into(), other["encrypted_dek"].clone());
    moved.bench.store(item.clone()).await;
    let (counts, failed) = observed(moved.run()).await;
    assert_eq!((counts.changed, counts.failed), (5, 1));
    let [said] = failed.try_into().unwrap();
    assert!(said.contains(&format!("branch-keys[branch=alice, version={spoilt}]")), "{said}");
    assert_eq!(moved.bench.stored("alice", spoilt).await, item, "it stays as it was");
    for record in &moved.records["bob"] {
        assert_eq!(read(record, &moved.provider(&moved.new)).await, Ok(visit(1, "bob")));
    }
}

/// Every key is bound to the logical name, so KMS refuses each of them.
#[tokio::test]
async fn a_table_under_another_logical_name_is_not_touched() {
    let moved = Move::of(&["alice"]).await;
    let before = moved.items().await;
    let kms = moved.bench.servers.kms_through(&moved.bench.faults);
    let staging = moved.bench.keys_of("staging-keys");
    let run = staging.rewrap(kms, &moved.old, &moved.new);
    let error = run.send().await.unwrap_err();
    assert!(error.needs_a_person());
    assert!(error.to_string().contains("no record could be changed"), "{error}");
    assert_eq!(moved.items().await, before);
}
