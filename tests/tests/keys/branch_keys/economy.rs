//! Costs: calls and bytes.

use std::pin::pin;
use std::task::Context;

use envelope_dynamo::WrapKey;
use envelope_dynamo::keys::{DataKey, GeneratedKey, KeyEvent, KeyFuture, KeyKind, WrappedKey};
use envelope_dynamo::message::EncryptionContext;

use super::*;

#[tokio::test]
async fn ten_thousand_writes_and_reads_of_distinct_records_cost_two_calls_to_kms() {
    let bench = Bench::with(&["alice"]).await;
    let (writer, reader) = (bench.provider(TTL), bench.provider(TTL));
    let mut items = Vec::new();
    for id in 0..10_000 {
        items.push(to_item(&visit(id, "alice"), &writer).await.unwrap());
    }
    assert_eq!(bench.kms_calls(), 1, "the writer's");
    for (id, item) in (0..).zip(items) {
        assert_eq!(from_item::<Visit>(item, &reader).await.unwrap(), visit(id, "alice"));
    }
    assert_eq!(bench.kms_calls(), 2, "and the reader's");
    assert_eq!(bench.faults.calls("GetItem"), 3, "an active version and two keys");
}

/// A process that writes and reads needs one call.
#[tokio::test]
async fn a_branch_key_fetched_for_writing_serves_reads() {
    let bench = Bench::with(&["alice"]).await;
    let provider = bench.provider(TTL);
    let item = write("alice", &provider).await;
    assert_eq!(read(&item, &provider).await, Ok(visit(1, "alice")));
    assert_eq!(bench.kms_calls(), 1);
}

/// Wraps into as many bytes as KMS.
#[derive(Debug)]
struct KmsSized;

impl WrapKey for KmsSized {
    fn generate<'a>(&'a self, _: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async {
            let wrapped = vec![WrappedKey::new(KeyKind::AWS_KMS, [0; 4], [7; 184]).unwrap()];
            Ok(GeneratedKey { data_key: DataKey::generate()?, wrapped })
        })
    }
}

/// Bytes of an item as DynamoDB counts them, names included.
fn bytes(item: &Item) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(blob) => blob.as_ref().len(),
        other => panic!("no such attribute here: {other:?}"),
    };
    item.iter().map(|(name, attribute)| name.len() + value(attribute)).sum()
}

/// Each authenticated attribute adds its name once more (FORMAT 9); this has none.
#[derive(Envelope)]
#[envelope(table = "notes")]
struct Note {
    #[partition_key]
    id: String,
    #[encrypted]
    text: String,
}

#[tokio::test]
async fn an_item_grows_by_at_most_190_bytes_and_with_a_kms_key_by_310() {
    let bench = Bench::with(&["notes"]).await;
    let note = Note { id: "1".into(), text: "x".repeat(100) };
    let plain = bytes(
        &[("id", &note.id), ("text", &note.text)]
            .map(|(name, it)| (name.to_owned(), text(it)))
            .into(),
    );

    let per_table = HierarchicalKeyProvider::per_table(bench.keys(), TTL);
    let hierarchical = bytes(&to_item(&note, &per_table).await.unwrap()) - plain;
    assert!(hierarchical <= 190, "{hierarchical}");
    let kms = bytes(&to_item(&note, &KmsSized).await.unwrap()) - plain;
    assert!(kms <= 310, "{kms}");
}

#[tokio::test]
async fn every_record_has_a_data_key_of_its_own() {
    let bench = Bench::with(&["alice"]).await;
    let provider = bench.provider(TTL);
    let (first, second) = (write("alice", &provider).await, write("alice", &provider).await);
    assert_eq!(version(&first), version(&second));
    assert_ne!(wrapped_keys(&first).keys(), wrapped_keys(&second).keys(), "the salts differ");
}

#[tokio::test]
async fn concurrent_writers_and_readers_cause_one_call() {
    let bench = Bench::with(&["alice"]).await;
    let item = write("alice", &bench.provider(TTL)).await;
    bench.faults.forget_calls();
    let provider = Arc::new(bench.provider(TTL));
    let misses = bench.counters.count(KeyEvent::CacheMiss);
    bench.faults.hold("Decrypt");
    let tasks: Vec<_> = (0..32)
        .flat_map(|_| {
            let (writer, reader, item) =
                (Arc::clone(&provider), Arc::clone(&provider), item.clone());
            [
                tokio::spawn(async move { drop(write("alice", &writer).await) }),
                tokio::spawn(async move { drop(read(&item, &reader).await.unwrap()) }),
            ]
        })
        .collect();
    // Each writer looks up the active version, and then waits for the key, as every reader does.
    while bench.counters.count(KeyEvent::CacheMiss) + bench.counters.count(KeyEvent::CacheHit)
        - misses
        < 96
    {
        tokio::task::yield_now().await;
    }
    bench.faults.release("Decrypt");
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(bench.kms_calls(), 1);
    assert_eq!(bench.faults.calls("GetItem"), 2);
}

/// A dropped future ends its call; the next caller makes a new one.
#[tokio::test]
async fn a_caller_that_gives_up_leaves_nothing_behind() {
    let bench = Bench::with(&["alice"]).await;
    let provider = bench.provider(TTL);
    bench.faults.hold("Decrypt");
    {
        let mut dropped = pin!(write("alice", &provider));
        while bench.faults.calls("Decrypt") == 0 {
            let mut context = Context::from_waker(std::task::Waker::noop());
            assert!(dropped.as_mut().poll(&mut context).is_pending());
            tokio::task::yield_now().await;
        }
    }
    bench.faults.release("Decrypt");
    let item = write("alice", &provider).await;
    assert_eq!(read(&item, &provider).await, Ok(visit(1, "alice")));
    assert_eq!(bench.kms_calls(), 2);
}

#[tokio::test]
async fn a_branch_key_is_fetched_anew_when_it_is_old() {
    let bench = Bench::with(&["alice"]).await;
    let provider = bench.provider(TTL);
    let item = write("alice", &provider).await;
    for (minutes, calls) in [(0, 1), (8, 1), (20, 2)] {
        bench.clock.advance(minutes * MINUTE);
        read(&item, &provider).await.unwrap();
        write("alice", &provider).await;
        assert_eq!(bench.kms_calls(), calls, "{minutes} minutes on");
    }
    provider.clear();
    read(&item, &provider).await.unwrap();
    assert_eq!(bench.kms_calls(), 3, "thrown out");
}

#[tokio::test]
async fn one_caller_refreshes_a_branch_key_while_others_are_served() {
    let bench = Bench::with(&["alice"]).await;
    let provider = Arc::new(bench.provider(TTL));
    let item = write("alice", &provider).await;
    bench.clock.advance(9 * MINUTE);
    bench.faults.hold("Decrypt");
    let refresher = {
        let (provider, item) = (Arc::clone(&provider), item.clone());
        tokio::spawn(async move { read(&item, &provider).await })
    };
    while bench.kms_calls() < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        assert_eq!(read(&item, &provider).await, Ok(visit(1, "alice")), "served without waiting");
    }
    bench.faults.release("Decrypt");
    refresher.await.unwrap().unwrap();
    bench.clock.advance(8 * MINUTE);
    read(&item, &provider).await.unwrap();
    assert_eq!(bench.kms_calls(), 2, "as young as its refresh");
}

#[tokio::test]
async fn the_least_recently_used_branch_is_evicted() {
    let bench = Bench::with(&["alice", "bob", "carol"]).await;
    let provider = bench.provider(TTL.max_entries(2));
    for patient in ["alice", "bob", "alice", "carol", "alice"] {
        write(patient, &provider).await;
    }
    assert_eq!(bench.kms_calls(), 3, "alice stayed, bob made room for carol");
    write("bob", &provider).await;
    assert_eq!(bench.kms_calls(), 4);
}

#[tokio::test]
async fn a_branch_is_named_by_the_table_or_by_a_function() {
    let bench = Bench::with(&["visits", "ward 7"]).await;
    let per_table = HierarchicalKeyProvider::per_table(bench.keys(), TTL);
    let per_ward = HierarchicalKeyProvider::per(bench.keys(), |_| Ok("ward 7".to_owned()), TTL);
    for provider in [&per_table, &per_ward] {
        let item = write("alice", provider).await;
        assert_eq!(read(&item, provider).await, Ok(visit(1, "alice")));
    }
    let item = write("alice", &per_table).await;
    assert_eq!(
        read(&item, &per_ward).await,
        Err(KeyErrorKind::KeyNotFound),
        "the branch is not the record's to choose"
    );
}

#[tokio::test]
async fn a_branch_that_cannot_be_named_is_refused_before_any_call() {
    let bench = Bench::with(&[]).await;
    let absent = HierarchicalKeyProvider::per_pair(bench.keys(), "tenant", TTL);
    let error = to_item(&visit(1, "alice"), &absent).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::Configuration);
    assert!(error.key_error().unwrap().to_string().contains("the pair `tenant`"), "{error:?}");

    let of_key = HierarchicalKeyProvider::per_pair(bench.keys(), "partition_key", TTL);
    let error = to_item(&letter(1, "alice"), &of_key).await.unwrap_err();
    assert!(error.key_error().unwrap().to_string().contains("the form `table`"), "{error:?}");

    let long = to_item(&visit(1, &"x".repeat(256)), &bench.provider(TTL)).await.unwrap_err();
    assert_eq!(kind(&long), KeyErrorKind::Configuration);
    assert_eq!(bench.faults.all_requests().len(), 0);
}
