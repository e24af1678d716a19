//! Edges of versions, times to live, keys, pages and reads that a change of the code could move
//! unseen.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{DataError, UsageError, WriteError};
use envelope_dynamo::keys::{Clock, SharingLimits};
use envelope_dynamo::testing::{TestClock, TestKeyProvider};
use envelope_dynamo::{
    Access, BranchKeyTable, Envelope, ErrorKind, Fault, GroupKeyProvider, SharedKeyProvider, Table,
    View,
};
use envelope_examples::{Fault as Injected, Servers};

use super::setup::Setup;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "documents")]
struct Document {
    #[partition_key]
    id: String,
    #[encrypted]
    text: String,
    #[authenticated]
    #[version]
    version: Option<u64>,
}

/// The same before it had versions.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "documents")]
struct Unversioned {
    #[partition_key]
    id: String,
    #[encrypted]
    text: String,
}

/// The same with a version that may be negative.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "documents")]
struct Signed {
    #[partition_key]
    id: String,
    #[encrypted]
    text: String,
    #[plaintext]
    #[version]
    version: i8,
}

fn document(version: Option<u64>) -> Document {
    Document { id: "d".to_owned(), text: "t".to_owned(), version }
}

fn signed(version: i8) -> Signed {
    Signed { id: "d".to_owned(), text: "t".to_owned(), version }
}

#[tokio::test]
async fn a_stale_put_does_not_bring_a_deleted_record_back() {
    let setup = Setup::new().await;
    let documents = setup.table::<Document>().await;
    let mut read = document(None);
    documents.put_mut(&mut read).send().await.expect("stored");
    documents.delete("d").send().await.expect("deleted");
    let error = documents.put(&read).send().await.expect_err("the version that it knows is gone");
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{error}");
    assert_eq!(documents.open_returned(&error).await.expect("nothing stood there"), None);
    assert_eq!(documents.get("d").send().await.expect("answered"), None);
    let error = documents.put_mut(&mut read).send().await.expect_err("still gone");
    assert_eq!((error.is_in_doubt(), read.version), (false, Some(1)));
    documents.put(&document(Some(0))).send().await.expect("a new record");
}

#[tokio::test]
async fn version_0_that_stands_in_the_table_is_that_of_a_record_not_yet_counted() {
    let setup = Setup::new().await;
    let records = setup.table::<Signed>().await;
    records.put(&signed(0)).send().await.expect("stored");
    let plant = setup
        .dynamodb
        .update_item()
        .table_name("documents")
        .key("id", AttributeValue::S("d".to_owned()));
    let plant = plant.update_expression("SET version = :zero");
    plant
        .expression_attribute_values(":zero", AttributeValue::N("0".to_owned()))
        .send()
        .await
        .expect("planted");
    assert_eq!(records.get("d").send().await.expect("it opens"), Some(signed(0)));
    records.put(&signed(0)).send().await.expect("it is counted now");
    assert_eq!(records.get("d").send().await.expect("it opens"), Some(signed(1)));
    records.put(&signed(0)).send().await.expect_err("there is a version 1 now");
}

#[tokio::test]
async fn a_negative_version_is_refused_before_anything_is_sent() {
    let setup = Setup::new().await;
    let records = setup.table::<Signed>().await;
    setup.faults.forget_calls();
    let error = records.put(&signed(-1)).send().await.expect_err("no record has it");
    assert_eq!(
        error.to_string(),
        "documents[id=d]: `version` is a version, but not a whole number from 0"
    );
    assert!(setup.faults.all_requests().is_empty());
}

#[tokio::test]
async fn a_record_without_version_is_older_than_any_that_was_seen() {
    let setup = Setup::new().await;
    let record = Unversioned { id: "d".to_owned(), text: "t".to_owned() };
    setup.table::<Unversioned>().await.put(&record).send().await.expect("stored");
    let documents = setup.table::<Document>().await;
    assert_eq!(documents.get("d").send().await.expect("it opens"), Some(document(None)));
    let error =
        documents.get("d").not_before_version(1).send().await.expect_err("version 1 was seen");
    assert!(
        matches!(error.kind(), ErrorKind::Data(DataError::OlderVersion { not_before: 1 })),
        "{error}"
    );
    assert_eq!((error.fault(), error.is_retryable()), (Fault::Data, false));
}

#[tokio::test]
async fn an_answer_with_another_record_is_refused() {
    let setup = Setup::new().await;
    let documents = setup.table::<Document>().await;
    documents
        .put(&Document { id: "other".to_owned(), ..document(None) })
        .send()
        .await
        .expect("stored");
    let other = setup
        .dynamodb
        .get_item()
        .table_name("documents")
        .key("id", AttributeValue::S("other".to_owned()));
    let other = other.send().await.expect("read").item.expect("it is there");
    let base64 = |name: &str| {
        let bytes = other[name].as_b().expect("binary").as_ref();
        aws_smithy_types::base64::encode(bytes)
    };
    let body = serde_json::json!({ "Item": {
        "id": { "S": "other" },
        "version": { "N": "1" },
        "encrypted_payload": { "B": base64("encrypted_payload") },
        "encrypted_dek": { "B": base64("encrypted_dek") },
    }});
    let reply = Injected::Reply { status: 200, body: body.to_string() };
    setup.faults.fail_next("GetItem", reply.clone());
    assert!(documents.get("other").send().await.expect("the answer is that record").is_some());
    setup.faults.fail_next("GetItem", reply);
    let error = documents.get("d").send().await.expect_err("it is another's");
    assert_eq!(error.fault(), Fault::Data, "{error}");
    assert_eq!(error.record().to_string(), "documents[id=d]");
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "sessions")]
struct Session {
    #[partition_key]
    id: String,
    #[encrypted]
    token: String,
    #[plaintext]
    #[ttl]
    expires: u64,
}

#[tokio::test]
async fn a_record_that_expires_this_second_has_expired() {
    let setup = Setup::new().await;
    let clock = Arc::new(TestClock::default());
    let sessions = setup.table::<Session>().await.with_clock(clock.clone());
    let now = clock.system_time().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    for (id, expires) in [("now", now), ("next", now + 1)] {
        let session = Session { id: id.to_owned(), token: "t".to_owned(), expires };
        sessions.put(&session).send().await.expect("stored");
    }
    assert_eq!(sessions.get("now").skip_expired().send().await.expect("answered"), None);
    assert!(sessions.get("next").skip_expired().send().await.expect("it opens").is_some());
    assert!(sessions.get("now").send().await.expect("it opens").is_some());
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "keys")]
struct Keyed {
    #[partition_key]
    hash: String,
    #[sort_key]
    range: String,
    #[encrypted]
    text: String,
}

#[tokio::test]
async fn a_key_may_be_as_long_as_dynamodb_takes_it() {
    let setup = Setup::new().await;
    let records = setup.table::<Keyed>().await;
    let record = |hash: usize, range: usize| Keyed {
        hash: "k".repeat(hash),
        range: "r".repeat(range),
        text: "t".to_owned(),
    };
    let longest = record(2048, 1024);
    records.put(&longest).send().await.expect("stored");
    let read =
        records.get((longest.hash.clone(), longest.range.clone())).send().await.expect("it opens");
    assert_eq!(read, Some(longest));
    setup.faults.forget_calls();
    for (too_long, attribute) in [(record(2049, 1024), "hash"), (record(2048, 1025), "range")] {
        let error = records.put(&too_long).send().await.expect_err("DynamoDB would refuse it");
        assert!(
            matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { attribute: named, .. }) if named == attribute),
            "{error}"
        );
        let error = records
            .get((too_long.hash, too_long.range))
            .send()
            .await
            .expect_err("there is no such key");
        assert!(
            matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { attribute: named, .. }) if named == attribute),
            "{error}"
        );
    }
    assert!(setup.faults.all_requests().is_empty());
}

#[tokio::test]
async fn a_page_that_is_not_given_does_not_count_to_the_limit() {
    let setup = Setup::new().await;
    let documents = setup.table::<Document>().await;
    for n in 0..20 {
        documents
            .put(&Document { id: n.to_string(), ..document(None) })
            .send()
            .await
            .expect("stored");
    }
    setup.faults.fail_next("Scan", Injected::error("AccessDeniedException"));
    let mut records = documents.scan().segments(2).limit(2).stream().expect("the scan is in order");
    let results: Vec<_> = records.collect().await;
    let opened = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!((opened, results.len()), (2, 3), "two records of the other segment");
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients", kms_context = "table")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
}

#[tokio::test]
async fn a_group_key_that_a_page_shares_is_unwrapped_once() {
    let setup = Setup::new().await;
    setup.table::<Patient>().await;
    let medical = TestKeyProvider::default();
    let shared =
        SharedKeyProvider::new(medical.clone(), SharingLimits::new(Duration::from_secs(300), 100));
    let provider = GroupKeyProvider::new(setup.keys.clone()).group("medical", shared);
    let patients = Table::<Patient>::new(setup.dynamodb.clone(), provider);
    for n in 0..5 {
        let diagnosis = Access::Granted("gout".to_owned());
        patients
            .put(&Patient { id: n.to_string(), name: "Zoë".to_owned(), diagnosis })
            .send()
            .await
            .expect("stored");
    }
    assert_eq!(patients.scan().send().await.expect("all open").len(), 5);
    assert_eq!(
        (setup.keys.unwrap_calls(), medical.generate_calls(), medical.unwrap_calls()),
        (5, 1, 1)
    );
}

#[derive(View)]
#[view(of = Document)]
struct Version {
    #[allow(dead_code)]
    version: Option<u64>,
}

/// The embedded server reads consistently in any case, so the requests are looked at.
#[tokio::test]
async fn a_consistent_read_says_so_in_its_request() {
    let setup = Setup::new().await;
    let documents = setup.table::<Document>().await;
    documents.put(&document(None)).send().await.expect("stored");
    let asks = |operation: &str| -> Vec<bool> {
        let requests = setup.faults.requests(operation);
        setup.faults.forget_calls();
        requests
            .iter()
            .map(|body| String::from_utf8_lossy(body).contains(r#""ConsistentRead":true"#))
            .collect()
    };
    setup.faults.forget_calls();
    documents.get("d").send().await.expect("read");
    documents.get("d").consistent_read().send().await.expect("read");
    documents.view::<Version>("d").consistent_read().send().await.expect("read");
    assert_eq!(asks("GetItem"), [false, true, true]);
    documents.update("d").modify(|document| document.text.push('!')).send().await.expect("changed");
    assert_eq!(asks("GetItem"), [true], "what a change begins with is what was written last");
    documents.batch_get(["d"]).send().await.expect("read");
    documents.batch_get(["d"]).consistent_read().send().await.expect("read");
    assert_eq!(asks("BatchGetItem"), [false, true]);
    documents.query("d").send().await.expect("read");
    documents.query("d").consistent_read().send().await.expect("read");
    assert_eq!(asks("Query"), [false, true]);
    documents.scan().send().await.expect("read");
    documents.scan().consistent_read().send().await.expect("read");
    assert_eq!(asks("Scan"), [false, true]);

    let branches = BranchKeyTable::new(setup.dynamodb.clone(), "branch-keys", setup.keys.clone());
    branches.create_table().await.expect("created");
    branches.create("alice").await.expect("created");
    branches.rotate("alice").await.expect("rotated");
    assert!(asks("GetItem").iter().all(|consistent| *consistent));
    branches.versions("alice").await.expect("listed");
    assert_eq!(asks("Query"), [true]);
}

/// The slower of two deletions has one step left, and must not take the pointer of the branch that
/// was created again.
#[tokio::test]
async fn a_branch_created_before_the_last_step_of_its_deletion_stays() {
    let servers = Servers::embedded().await.expect("the embedded servers start");
    let faults = envelope_examples::Faults::new();
    let keys = TestKeyProvider::default();
    let slow = BranchKeyTable::new(servers.dynamodb_through(&faults), "branch-keys", keys.clone());
    let quick = BranchKeyTable::new(servers.dynamodb().clone(), "branch-keys", keys);
    slow.create_table().await.expect("created");
    slow.create("alice").await.expect("created");
    faults.hold("DeleteItem");
    let deletion = tokio::spawn(async move { slow.delete("alice").await });
    while faults.calls("DeleteItem") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(quick.delete("alice").await.expect("only the pointer was left"), 0);
    let created = quick.create("alice").await.expect("created anew");
    faults.release("DeleteItem");
    assert_eq!(deletion.await.expect("not cancelled").expect("the versions were its own"), 1);
    let versions = quick.versions("alice").await.expect("it is there");
    assert_eq!(
        versions.iter().map(|version| (version.version(), version.is_active())).collect::<Vec<_>>(),
        [(created, true)]
    );
}
