//! The read cache and shared data keys, with records: the struct decides which records may share a
//! key.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{DataError, KeyErrorKind};
use envelope_dynamo::keys::{CacheLimits, SharingLimits};
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{
    CachedKeyProvider, Envelope, ErrorKind, SharedKeyProvider, from_item, to_item,
};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes")]
struct Note {
    #[partition_key]
    id: u64,
    #[encrypted]
    text: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "events", kms_context = "table")]
struct Event {
    #[partition_key]
    id: u64,
    #[authenticated]
    #[encryption_context]
    tenant: String,
    #[encrypted]
    text: String,
}

fn note(id: u64) -> Note {
    Note { id, text: format!("note {id}") }
}

fn event(id: u64, tenant: &str) -> Event {
    Event { id, tenant: tenant.into(), text: "x".repeat(100) }
}

const MINUTE: Duration = Duration::from_secs(60);

fn sharing() -> (TestKeyProvider, SharedKeyProvider<TestKeyProvider>) {
    let calls = TestKeyProvider::default();
    (calls.clone(), SharedKeyProvider::new(calls, SharingLimits::new(MINUTE, 1_000)))
}

/// A cached key proves as much as a call does: the context is part of the cache key.
#[tokio::test]
async fn a_moved_record_does_not_open_from_the_cache() {
    let cached = CachedKeyProvider::new(TestKeyProvider::default(), CacheLimits::new(MINUTE));
    let mut item = to_item(&note(1), &cached).await.unwrap();
    for _ in 0..2 {
        assert_eq!(from_item::<Note>(item.clone(), &cached).await.unwrap(), note(1));
    }
    assert_eq!(cached.inner().unwrap_calls(), 1);
    item.insert("id".into(), AttributeValue::N("2".into()));
    let error = from_item::<Note>(item, &cached).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::ContextMismatch);
}

#[tokio::test]
async fn every_set_of_context_pairs_has_a_data_key_of_its_own() {
    let (calls, provider) = sharing();
    let mut items = Vec::new();
    for (id, tenant) in [(1, "t1"), (2, "t2"), (3, "t1")] {
        let item = to_item(&event(id, tenant), &provider).await.unwrap();
        assert_eq!(from_item::<Event>(item.clone(), &provider).await.unwrap(), event(id, tenant));
        items.push(item);
    }
    assert_eq!(calls.generate_calls(), 2);
    assert_eq!(items[0]["encrypted_dek"], items[2]["encrypted_dek"]);
    assert_ne!(items[0]["encrypted_dek"], items[1]["encrypted_dek"]);
}

#[tokio::test]
async fn records_under_one_data_key_cannot_be_exchanged() {
    let (_, provider) = sharing();
    let mut moved = to_item(&event(1, "t1"), &provider).await.unwrap();
    moved.insert("id".into(), AttributeValue::N("2".into()));
    let error = from_item::<Event>(moved, &provider).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
}

#[tokio::test]
async fn a_shared_key_is_refused_where_each_record_has_a_context_of_its_own() {
    let (calls, provider) = sharing();
    let error = to_item(&note(1), &provider).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::Configuration);
    assert!(error.key_error().unwrap().to_string().contains("kms_context = \"table\""), "{error}");
    assert_eq!(calls.generate_calls(), 0);
}
