//! Calls to KMS for batches, with each provider.

use std::time::Duration;

use envelope_dynamo::keys::{CacheLimits, SharingLimits};
use envelope_dynamo::{
    BranchKeyTable, CachedKeyProvider, HierarchicalKeyProvider, KeyProvider, SharedKeyProvider,
};
use envelope_examples::servers::unique_name;
use envelope_examples::{Faults, Servers};
use envelope_tests::kms_keys;

use super::{Bench, order};

const RECORDS: usize = 60;
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// Calls to KMS for a batch of puts, and for a batch of gets.
async fn calls(bench: &Bench) -> (usize, usize) {
    let orders = || (0..RECORDS).map(|n| order("c", n as f64));
    let calls = || bench.faults.calls("GenerateDataKey") + bench.faults.calls("Decrypt");
    assert_eq!(bench.orders.batch_put(orders()).send().await.unwrap(), RECORDS);
    let written = calls();
    let found = bench
        .orders
        .batch_get((0..RECORDS).map(|n| ("c", n as f64)))
        .consistent_read()
        .send()
        .await
        .unwrap();
    assert!(found.into_iter().map(Option::unwrap).eq(orders()));
    (written, calls() - written)
}

async fn calls_with<P: KeyProvider + 'static>(
    provider: impl Fn(&Servers, &Faults) -> P,
) -> (usize, usize) {
    calls(&Bench::with(provider).await).await
}

#[tokio::test]
async fn a_data_key_per_record_is_a_call_per_record() {
    assert_eq!(calls(&Bench::with_kms().await).await, (RECORDS, RECORDS));
}

#[tokio::test]
async fn a_shared_data_key_serves_as_many_records_as_its_bound_allows() {
    let limits = SharingLimits::new(TEN_MINUTES, 25);
    let shared = |servers: &Servers, faults: &Faults| {
        let cached =
            CachedKeyProvider::new(kms_keys(servers, faults), CacheLimits::new(TEN_MINUTES));
        SharedKeyProvider::new(cached.keeping_generated(), limits)
    };
    assert_eq!(calls_with(shared).await, (RECORDS.div_ceil(25), 0));
}

#[tokio::test]
async fn concurrent_unwraps_of_one_key_are_one_call() {
    let limits = SharingLimits::new(TEN_MINUTES, 1_000);
    let shared = |servers: &Servers, faults: &Faults| {
        let cached =
            CachedKeyProvider::new(kms_keys(servers, faults), CacheLimits::new(TEN_MINUTES));
        SharedKeyProvider::new(cached, limits)
    };
    assert_eq!(calls_with(shared).await, (1, 1));
}

#[tokio::test]
async fn a_branch_key_is_one_call_for_all() {
    let keys = unique_name("branch-keys");
    let hierarchical = |servers: &Servers, faults: &Faults| {
        let keys = BranchKeyTable::new(
            servers.dynamodb().clone(),
            "branch-keys",
            kms_keys(servers, faults),
        )
        .named(&keys);
        HierarchicalKeyProvider::per_table(keys, CacheLimits::new(TEN_MINUTES))
    };
    let bench = Bench::with(hierarchical).await;
    let table = BranchKeyTable::new(
        bench.servers.dynamodb().clone(),
        "branch-keys",
        kms_keys(&bench.servers, &Faults::new()),
    );
    let table = table.named(&keys);
    table.create_table().await.unwrap();
    table.create("orders").await.unwrap();
    assert_eq!(calls(&bench).await, (1, 0));
}
