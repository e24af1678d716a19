//! Search keys in their own table: costs, outages, rotation, and attacks by somebody who can write
//! it.

mod attacks;
mod outages;
mod rotation;
mod tables;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use envelope_dynamo::KmsKeyProvider;
use envelope_dynamo::error::{KeyError, KeyErrorKind};
use envelope_dynamo::keys::{
    BranchVersion, Clock, KeyCounters, KeyEvent, SearchKeyError, SearchKeyTable, SearchKeys,
};
use envelope_dynamo::testing::TestClock;
use envelope_examples::servers::unique_name;
use envelope_examples::{Fault, Faults, Servers};
use envelope_tests::{Item, kms_keys, plant, servers, stored, text};

const MINUTE: Duration = Duration::from_secs(60);
/// The `max_age` of a branch whose creator chose none.
const MAX_AGE: Duration = Duration::from_secs(300);
/// By how much the clocks of two machines may differ.
const CLOCKS: Duration = Duration::from_secs(30 * 60);

type Keys = SearchKeyTable<KmsKeyProvider>;

/// A table of search keys on servers behind faults.
struct Bench {
    servers: Servers,
    faults: Faults,
    table: String,
    clock: Arc<TestClock>,
    counters: Arc<KeyCounters>,
}

impl Bench {
    /// With a branch for each of `tables`. The calls for this are not counted.
    async fn with(tables: &[&str]) -> Self {
        let servers = servers().await;
        let bench = Self {
            servers,
            faults: Faults::new(),
            table: unique_name("search-keys"),
            clock: Arc::default(),
            counters: Arc::default(),
        };
        bench.keys().create_table().await.unwrap();
        for table in tables {
            bench.keys().create(table).await.unwrap();
        }
        bench.faults.forget_calls();
        bench
    }

    /// The table, for another process.
    fn keys(&self) -> Keys {
        self.keys_of("search-keys")
    }

    fn keys_of(&self, logical: &str) -> Keys {
        let kms = kms_keys(&self.servers, &self.faults);
        SearchKeyTable::new(self.servers.dynamodb_through(&self.faults), logical, kms)
            .named(&self.table)
            .with_clock(Arc::clone(&self.clock) as _)
    }

    /// The search keys of another process.
    fn process(&self) -> SearchKeys {
        SearchKeys::per_table(self.keys())
            .with_clock(Arc::clone(&self.clock) as _)
            .observed_by(Arc::clone(&self.counters) as _)
    }

    async fn stored(&self, branch: &str, version: impl ToString) -> Item {
        let key = [("branch".into(), text(branch)), ("version".into(), text(version))];
        stored(&self.servers, &self.table, Item::from(key)).await.unwrap()
    }

    /// Writes an item without the library.
    async fn store(&self, item: Item) {
        plant(&self.servers, &self.table, item).await;
    }

    /// What a new process says of the table `users`.
    async fn fetched(&self) -> Result<(), KeyError> {
        self.process().prefetch("users").await
    }

    fn now(&self) -> SystemTime {
        self.clock.system_time()
    }

    fn kms_calls(&self) -> usize {
        self.faults.calls("Decrypt")
    }
}

fn key_kind(error: &SearchKeyError) -> KeyErrorKind {
    error.key_error().unwrap_or_else(|| panic!("not of the key: {error}")).kind()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn known_keys_make_no_call_and_each_max_age_one_per_version() {
    let bench = Bench::with(&["users"]).await;
    let keys = bench.process();
    for _ in 0..1_000 {
        keys.prefetch("users").await.unwrap();
    }
    assert_eq!((bench.faults.calls("GetItem"), bench.kms_calls()), (2, 1));
    assert_eq!(bench.counters.count(KeyEvent::SearchVersionsFetched), 1);
    assert_eq!(bench.counters.count(KeyEvent::SearchKeyFetched), 1);
    bench.clock.advance(MAX_AGE);
    keys.prefetch("users").await.unwrap();
    assert_eq!((bench.faults.calls("GetItem"), bench.kms_calls()), (4, 2));

    bench.keys().rotate("users").await.unwrap();
    bench.faults.forget_calls();
    bench.clock.advance(MAX_AGE);
    let (first, second) = (keys.clone(), keys.clone());
    let (first, second) = tokio::join!(first.prefetch("users"), second.prefetch("users"));
    first.and(second).unwrap();
    assert_eq!(
        (bench.faults.calls("GetItem"), bench.kms_calls()),
        (3, 2),
        "clones share the calls: the branch, and two versions"
    );
    keys.clear();
    keys.prefetch("users").await.unwrap();
    assert_eq!(bench.kms_calls(), 4);
    let evicted = bench.counters.count(KeyEvent::Evicted);
    bench.clock.advance(MAX_AGE);
    keys.remove_expired();
    let evicted = bench.counters.count(KeyEvent::Evicted) - evicted;
    assert_eq!(evicted, 3, "what is known of the branch, and two keys");
}

#[tokio::test]
async fn a_process_asks_after_the_shorter_max_age() {
    let bench = Bench::with(&[]).await;
    bench.keys().max_age(MINUTE).create("users").await.unwrap();
    bench.keys().max_age(60 * MINUTE).create("orders").await.unwrap();
    bench.faults.forget_calls();
    let (keys, eager) = (bench.process(), bench.process().max_age(MINUTE / 2));
    let lazy = bench.process().max_age(120 * MINUTE);
    for (keys, table, age) in [
        (&keys, "users", MINUTE),
        (&eager, "users", MINUTE / 2),
        (&lazy, "users", MINUTE),
        (&keys, "orders", MAX_AGE),
        (&lazy, "orders", 60 * MINUTE),
    ] {
        keys.prefetch(table).await.unwrap();
        bench.faults.forget_calls();
        bench.clock.advance(age * 8 / 10);
        keys.prefetch(table).await.unwrap();
        assert_eq!(bench.faults.calls("GetItem"), 0, "{table} {age:?}");
        bench.clock.advance(age * 2 / 10);
        keys.prefetch(table).await.unwrap();
        assert_eq!((bench.faults.calls("GetItem"), bench.kms_calls()), (2, 1), "{table} {age:?}");
    }
}

#[tokio::test]
async fn a_named_branch_serves_all_tables() {
    let bench = Bench::with(&["clinic"]).await;
    let keys = SearchKeys::branch(bench.keys(), "clinic");
    keys.prefetch("users").await.unwrap();
    keys.prefetch("orders").await.unwrap();
    assert_eq!(bench.kms_calls(), 1);
    let error = bench.fetched().await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::KeyNotFound);
    let message = error.to_string();
    assert!(
        message.contains("there is no search key `users`")
            && message.contains("create it once with `SearchKeyTable::create`"),
        "{message}"
    );
    let error = SearchKeys::branch(bench.keys(), "").prefetch("users").await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Configuration);
}

#[tokio::test]
async fn failed_creations_say_why() {
    let bench = Bench::with(&["users"]).await;
    let error = bench.keys().create("users").await.unwrap_err();
    assert_eq!(error.to_string(), "the search key `users` exists: `rotate` gives it a new version");
    for age in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(86_401)] {
        let error = bench.keys().max_age(age).create("orders").await.unwrap_err();
        assert_eq!(key_kind(&error), KeyErrorKind::Configuration, "{error}");
        assert!(error.to_string().contains("between a second and 24 hours"), "{error}");
    }
    for name in ["", &"x".repeat(256)] {
        let error = bench.keys().create(name).await.unwrap_err();
        assert_eq!(key_kind(&error), KeyErrorKind::Configuration, "{error}");
    }
    assert_eq!(bench.faults.calls("GenerateDataKeyWithoutPlaintext"), 0, "refused before");
    let error = bench.keys().rotate("orders").await.unwrap_err();
    assert_eq!(key_kind(&error), KeyErrorKind::KeyNotFound);
}

#[tokio::test]
async fn branches_and_versions_are_listed() {
    let bench = Bench::with(&["users", "orders"]).await;
    let rotated = bench.keys().rotate("users").await.unwrap();
    let (mut branches, mut names) = (bench.keys().list(), Vec::new());
    while let Some(branch) = branches.next().await {
        let branch = branch.unwrap();
        assert_eq!(branch, bench.keys().branch(branch.name()).await.unwrap());
        names.push(branch.name().to_owned());
    }
    names.sort_unstable();
    assert_eq!(names, ["orders", "users"]);
    let versions = bench.keys().versions("users").await.unwrap();
    assert_eq!(versions.len(), 2);
    assert!(versions.iter().all(|it| it.is_live()
        && [Some(rotated.write()), rotated.also_search()].contains(&Some(it.version()))));
    let error = bench.keys().versions("bob").await.unwrap_err();
    assert_eq!(key_kind(&error), KeyErrorKind::KeyNotFound);
}
