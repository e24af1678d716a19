//! A search key of a table of search keys is rotated, while processes with older and with newer
//! knowledge of it, and with clocks that differ, sign the same users up.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use envelope_dynamo::LocalKeyProvider;
use envelope_dynamo::keys::{Clock as _, SearchKeyTable};
use envelope_dynamo::maintain::{SchemaFile, StoredTable};
use envelope_dynamo::testing::TestClock;

use super::*;

/// A process: its clock, and the faults between it and the table of search keys.
struct Process {
    clock: Arc<TestClock>,
    faults: Faults,
    keys: SearchKeys,
}

impl Process {
    /// A process that knows the keys as they are stored now.
    async fn start(bench: &Bench, store: &str) -> Self {
        let (clock, faults) = (Arc::<TestClock>::default(), Faults::new());
        let stored = stored_keys(bench.servers.dynamodb_through(&faults), store, &clock);
        let keys = SearchKeys::per_table(stored).with_clock(Arc::clone(&clock) as _);
        keys.prefetch("users").await.unwrap();
        faults.forget_calls();
        Self { clock, faults, keys }
    }

    /// Lets the time pass until shortly before or after `time`, and reads the stored keys, as a
    /// process does whose knowledge is older than it may be.
    async fn wait(&self, time: SystemTime, is_after: bool) {
        let rest = time.duration_since(self.clock.system_time()).unwrap();
        let little = Duration::from_secs(20);
        self.clock.advance(if is_after { rest + little } else { rest - little });
        self.keys.clear();
        self.keys.prefetch("users").await.unwrap();
        self.faults.forget_calls();
    }
}

fn stored_keys(
    client: aws_sdk_dynamodb::Client,
    store: &str,
    clock: &Arc<TestClock>,
) -> SearchKeyTable<LocalKeyProvider> {
    SearchKeyTable::new(client, "search-keys", local_keys(8))
        .named(store)
        .with_clock(Arc::clone(clock) as _)
}

/// Eight sign-ups with one address from either process, at the same time: one wins, and both
/// processes find it. The ids begin with the address.
async fn assert_one_wins(bench: &Bench, processes: [&Process; 2], name: &str) {
    let email = format!("{name}@example.com");
    let sign_ups: Vec<_> = (0..16)
        .map(|number: usize| {
            let users = bench.with_keys(processes[number % 2].keys.clone());
            let user = user(&format!("{name}_{number}"), &email);
            tokio::spawn(async move { users.put(&user).if_not_exists().send().await })
        })
        .collect();
    let mut winner = None;
    for (number, sign_up) in sign_ups.into_iter().enumerate() {
        match sign_up.await.unwrap() {
            Ok(()) => assert_eq!(winner.replace(format!("{name}_{number}")), None, "two winners"),
            Err(error) => assert_eq!(taken(&error), Some("email"), "{error}"),
        }
    }
    assert!(winner.is_some(), "{name}: nobody won");
    for process in processes {
        let users = bench.with_keys(process.keys.clone());
        let found = users.unique(|u| u.email).get(&*email).send().await.unwrap();
        assert_eq!(found.map(|user| user.user_id), winner, "{name}");
        assert_eq!(process.faults.calls("GetItem"), 0, "{name}: the process kept what it knew");
    }
}

/// How many claims the record with this address has.
async fn claims_of(bench: &Bench, name: &str) -> usize {
    let owners = bench.owners().await;
    owners.iter().filter(|owner| owner.starts_with(name)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sign_ups_with_older_and_newer_keys_one_wins_in_every_phase_of_a_rotation() {
    let (bench, store) = (Bench::new().await, unique_name("search-keys"));
    let clock = Arc::<TestClock>::default();
    let operator = stored_keys(bench.servers.dynamodb().clone(), &store, &clock);
    operator.create_table().await.unwrap();
    operator.create("users").await.unwrap();
    let old = Process::start(&bench, &store).await;
    assert_one_wins(&bench, [&old, &old], "before").await;
    assert_eq!(claims_of(&bench, "before").await, 1, "there is one key");

    // One process knows of the new key, and the other one does not.
    let rotated = operator.rotate("users").await.unwrap();
    let new = Process::start(&bench, &store).await;
    assert_one_wins(&bench, [&old, &new], "announced").await;

    // Both know of it. By their clocks, one writes it and the other one does not yet.
    let write_from = rotated.write_from().unwrap();
    old.wait(write_from, false).await;
    new.wait(write_from, true).await;
    assert_one_wins(&bench, [&old, &new], "writing").await;
    assert_eq!(claims_of(&bench, "writing").await, 2, "there are two keys");

    // All records move. The old key is retired, which one process does not know yet.
    let retire_from = rotated.retire_from().unwrap();
    for process in [&old, &new] {
        process.wait(retire_from, true).await;
    }
    clock.advance(retire_from.duration_since(clock.system_time()).unwrap());
    clock.advance(Duration::from_secs(20));
    let schema = SchemaFile::new().with::<User>();
    let client = bench.servers.dynamodb().clone();
    let table = StoredTable::new(client, &schema, "users").unwrap().named(&bench.name);
    let table = table.with_claims(&bench.claims);
    table.reindex(local_keys(7), local_keys(7), &new.keys).send().await.unwrap();
    new.faults.forget_calls();
    let retired = operator.retire_unless_stale("users", [table.stale(&new.keys)]).await.unwrap();
    assert!(retired.is_some());
    let after = Process::start(&bench, &store).await;
    after.wait(retire_from, true).await;
    assert_one_wins(&bench, [&old, &after], "retired").await;

    // With the new key alone, every address still has its one record.
    assert_eq!(bench.records().await, 4);
    let users = bench.with_keys(after.keys.clone());
    for name in ["before", "announced", "writing", "retired"] {
        let email = format!("{name}@example.com");
        let error = users.put(&user("u_9", &email)).send().await.unwrap_err();
        assert_eq!(taken(&error), Some("email"), "{name}");
        let found = users.unique(|u| u.email).get(&*email).send().await.unwrap().unwrap();
        assert!(found.user_id.starts_with(name), "{name}");
    }
}
