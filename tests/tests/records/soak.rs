//! Many tasks while one in ten calls fails: no wrong read, no lost write.
//!
//! Runs for `SOAK_SECONDS`: two by default, sixty in `.ci/run --all`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::ScalarAttributeType::S;
use envelope_dynamo::keys::{CacheLimits, SharingLimits};
use envelope_dynamo::{
    CachedKeyProvider, Envelope, Error, Fault, KeyProvider, KmsKeyProvider, SharedKeyProvider,
    Table,
};
use envelope_examples::servers::{create_table, unique_name};
use envelope_examples::{Faults, Servers};

const TASKS: usize = 64;
const RECORDS_PER_TASK: usize = 4;
const FAULTS_PER_MILLE: u64 = 100;
/// So short that keys expire many times during the soak.
const KEY_AGE: Duration = Duration::from_millis(50);

/// A record with its own encryption context, or one that shares the context with its table.
macro_rules! counter {
    ($name:ident, $form:literal) => {
        #[derive(Clone, Debug, PartialEq, Envelope)]
        #[envelope(table = "counters", kms_context = $form)]
        struct $name {
            #[partition_key]
            id: String,
            #[encrypted]
            value: u64,
        }

        impl Counter for $name {
            fn new(id: String, value: u64) -> Self {
                Self { id, value }
            }

            fn value(&self) -> u64 {
                self.value
            }
        }
    };
}

trait Counter:
    Envelope<Key = envelope_dynamo::record::Partition<String>> + Send + Sync + 'static
{
    fn new(id: String, value: u64) -> Self;
    fn value(&self) -> u64;
}

counter!(Own, "raw");
counter!(Common, "table");

#[derive(Default)]
struct Tally {
    writes: AtomicU64,
    failed_writes: AtomicU64,
    reads: AtomicU64,
    failed_reads: AtomicU64,
}

/// The values that a record may have, `None` for no record. After a successful write there is one,
/// after writes in doubt there are several.
type Possible = Vec<Option<u64>>;

/// Failures of keys and servers are expected. Wrong data never is.
#[track_caller]
fn assert_no_wrong_data(error: &Error) {
    assert_ne!(error.fault(), Fault::Data, "{error}");
    assert_ne!(error.fault(), Fault::Caller, "{error}");
}

/// Writes and reads its own records, and checks that each has a possible value.
async fn work<C: Counter>(
    table: Table<C>,
    task: usize,
    until: Instant,
    tally: Arc<Tally>,
) -> Vec<(String, Possible)> {
    let mut records: Vec<_> =
        (0..RECORDS_PER_TASK).map(|i| (format!("{task}-{i}"), vec![None])).collect();
    let mut value = 0;
    while Instant::now() < until {
        for (id, possible) in &mut records {
            value += 1;
            let write = table.put(&C::new(id.clone(), value)).send().await;
            tally.writes.fetch_add(1, Ordering::Relaxed);
            match write {
                Ok(()) => *possible = vec![Some(value)],
                Err(error) => {
                    assert_no_wrong_data(&error);
                    tally.failed_writes.fetch_add(1, Ordering::Relaxed);
                    // The write may have happened, and only its answer was lost.
                    possible.push(Some(value));
                }
            }
            check(&table, id, possible, &tally).await;
        }
    }
    records
}

async fn check<C: Counter>(table: &Table<C>, id: &str, possible: &Possible, tally: &Tally) -> bool {
    tally.reads.fetch_add(1, Ordering::Relaxed);
    match table.get(id).consistent_read().send().await {
        Ok(record) => {
            let value = record.map(|record| record.value());
            assert!(possible.contains(&value), "{id}: {value:?} is none of {possible:?}");
        }
        Err(error) => {
            assert_no_wrong_data(&error);
            tally.failed_reads.fetch_add(1, Ordering::Relaxed);
            return false;
        }
    }
    true
}

async fn soak<C: Counter>(
    seed: u64,
    provider: impl FnOnce(KmsKeyProvider) -> Arc<dyn KeyProvider>,
) {
    let seconds = std::env::var("SOAK_SECONDS").map_or(2, |text| text.parse().unwrap());
    let servers = Servers::from_env().await.unwrap();
    let faults = Faults::new();
    let physical = unique_name("counters");
    create_table(servers.dynamodb(), &physical, ("id", S), None).await.unwrap();
    let provider =
        provider(KmsKeyProvider::new(servers.kms_through(&faults), servers.kms_key_id()));
    let table = Table::<C>::new(servers.dynamodb_through(&faults), provider).named(physical);
    let tally = Arc::<Tally>::default();

    faults.fail_randomly(FAULTS_PER_MILLE, seed);
    let until = Instant::now() + Duration::from_secs(seconds);
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(work(table.clone(), task, until, Arc::clone(&tally))))
        .collect();
    let mut records = Vec::new();
    for task in tasks {
        records.extend(task.await.unwrap());
    }
    faults.stop_failing_randomly();

    for (id, possible) in &records {
        assert!(
            check(&table, id, possible, &tally).await,
            "{id} cannot be read although nothing fails any more"
        );
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "{} writes ({} failed), {} reads ({} failed), {} KMS calls",
        count(&tally.writes),
        count(&tally.failed_writes),
        count(&tally.reads),
        count(&tally.failed_reads),
        faults.calls("GenerateDataKey") + faults.calls("Decrypt"),
    );
    assert!(count(&tally.writes) > count(&tally.failed_writes) * 2, "most writes succeed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wrong_read_and_no_lost_write_with_a_read_cache() {
    soak::<Own>(1, |kms| {
        Arc::new(CachedKeyProvider::new(
            kms,
            CacheLimits::new(KEY_AGE).max_entries(100).while_unreachable(KEY_AGE),
        ))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wrong_read_and_no_lost_write_with_shared_data_keys() {
    soak::<Common>(2, |kms| {
        let cached = CachedKeyProvider::new(kms, CacheLimits::new(KEY_AGE).max_entries(100));
        Arc::new(SharedKeyProvider::new(cached, SharingLimits::new(KEY_AGE, 20)))
    })
    .await;
}
