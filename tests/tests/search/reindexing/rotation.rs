//! A search key is rotated, all records move to it, and the older version is retired.

use std::sync::Arc;
use std::time::Duration;

use envelope_dynamo::KmsKeyProvider;
use envelope_dynamo::keys::{SearchKeyError, SearchKeyTable};
use envelope_dynamo::maintain::RetireError;
use envelope_dynamo::testing::TestClock;
use envelope_tests::kms_keys;

use super::*;

/// Two times the `max_age` of the branch and the time by which clocks differ, and more.
const TO_RETIRE: Duration = Duration::from_secs(2 * 35 * 60 + 2);

struct Rotating {
    bench: Bench,
    store: String,
    clock: Arc<TestClock>,
}

impl Rotating {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let this = Self { bench, store: unique_name("search-keys"), clock: Arc::default() };
        this.store().create_table().await.unwrap();
        this.store().create("users").await.unwrap();
        this
    }

    fn store(&self) -> SearchKeyTable<KmsKeyProvider> {
        let kms = kms_keys(&self.bench.servers, &self.bench.faults);
        SearchKeyTable::new(self.bench.servers.dynamodb().clone(), "search-keys", kms)
            .named(&self.store)
            .with_clock(Arc::clone(&self.clock) as _)
    }

    /// The search keys of another process.
    fn process(&self) -> SearchKeys {
        SearchKeys::per_table(self.store()).with_clock(Arc::clone(&self.clock) as _)
    }

    async fn found(&self, keys: &SearchKeys, number: usize) -> usize {
        let users = self.bench.users(keys.clone());
        let email = format!("zoe{number}@example.com");
        users.index(|i| i.by_email).query(email).send().await.unwrap().len()
    }
}

#[tokio::test]
async fn a_version_is_retired_when_no_record_needs_it() {
    let world = Rotating::new().await;
    let (writer, searcher) = (world.process(), world.process());
    let users = world.bench.users(writer.clone());
    for number in 0..4 {
        users.put(&user(number)).send().await.unwrap();
    }
    let old = world.store().branch("users").await.unwrap().write();
    world.store().rotate("users").await.unwrap();
    let table = world.bench.maintained();
    let retire = || async {
        world.store().retire_unless_stale("users", [table.stale(&world.process())]).await
    };
    let early = retire().await.unwrap_err();
    assert!(matches!(early, RetireError::Keys(SearchKeyError::TooEarly { .. })), "{early}");

    world.clock.advance(TO_RETIRE);
    users.put(&user(4)).send().await.unwrap();
    for number in 0..5 {
        assert_eq!(world.found(&searcher, number).await, 1, "under both versions");
    }
    let refused = retire().await.unwrap_err();
    let RetireError::Stale(report) = &refused else { panic!("{refused}") };
    assert_eq!((report.records, report.stale), (5, 4));
    assert!(refused.to_string().contains("4 records have a search tag that is not current"));
    let none = world.store().retire_unless_stale("users", []).await.unwrap_err();
    assert!(none.to_string().contains("name the tables that use the search key"), "{none}");
    assert!(world.store().branch("users").await.unwrap().also_search().is_some());

    let keys = world.process();
    let counts = table.reindex(operator(), operator(), &keys).send().await.unwrap();
    assert_eq!((counts.changed, counts.already, counts.failed), (4, 1, 0));
    assert_eq!(retire().await.unwrap(), Some(old));
    assert_eq!(retire().await.unwrap(), None, "it may be repeated");
    for keys in [searcher, world.process()] {
        for number in 0..5 {
            assert_eq!(world.found(&keys, number).await, 1);
        }
    }
}

/// A process was frozen before its request, and writes a tag of the older version after the run.
#[tokio::test]
async fn a_second_count_finds_what_a_late_writer_wrote() {
    let world = Rotating::new().await;
    let frozen = world.process();
    world.bench.users(frozen).put(&user(1)).send().await.unwrap();
    let late = world.bench.item("u_001").await;
    world.store().rotate("users").await.unwrap();
    world.clock.advance(TO_RETIRE);
    let (table, keys) = (world.bench.maintained(), world.process());
    table.reindex(keys_of_records(), keys_of_records(), &keys).send().await.unwrap();
    assert!(table.stale(&keys).send().await.unwrap().is_clean());

    plant(&world.bench.servers, &world.bench.name, late).await;
    assert_eq!(world.found(&keys, 1).await, 1, "both versions are searched for");
    let refused = world.store().retire_unless_stale("users", [table.stale(&keys)]).await;
    assert!(matches!(refused, Err(RetireError::Stale(_))));
    table.reindex(keys_of_records(), keys_of_records(), &keys).send().await.unwrap();
    world.store().retire_unless_stale("users", [table.stale(&keys)]).await.unwrap();
    assert_eq!(world.found(&world.process(), 1).await, 1);
}

fn keys_of_records() -> GroupKeyProvider {
    super::keys()
}

/// A cancelled rotation leaves tags of the newer version, which move back.
#[tokio::test]
async fn after_a_cancelled_rotation_records_move_back() {
    let world = Rotating::new().await;
    let users = world.bench.users(world.process());
    users.put(&user(1)).send().await.unwrap();
    let rotated = world.store().rotate("users").await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    world.store().cancel("users").await.unwrap();
    world.clock.advance(TO_RETIRE);
    let (table, keys) = (world.bench.maintained(), world.process());
    let counts = table.reindex(operator(), operator(), &keys).send().await.unwrap();
    assert_eq!((counts.changed, counts.already), (0, 1));
    let retired = world.store().retire_unless_stale("users", [table.stale(&keys)]).await.unwrap();
    assert_eq!(retired, Some(rotated.write()));
    assert_eq!(world.found(&world.process(), 1).await, 1);
}

#[tokio::test]
async fn a_run_without_its_search_key_does_not_begin() {
    let world = Rotating::new().await;
    world.bench.put(1, [user(1)]).await;
    let keys = SearchKeys::branch(world.store(), "others");
    let table = world.bench.maintained();
    let error = table.reindex(operator(), operator(), &keys).send().await.unwrap_err();
    assert!(matches!(error.kind(), RunErrorKind::Kms(_)) && error.needs_a_person(), "{error}");
    assert!(error.to_string().contains("there is no search key `others`"), "{error}");
    assert!(table.stale(&keys).send().await.is_err());
    assert_eq!(world.bench.faults.calls("UpdateItem"), 0);
}
