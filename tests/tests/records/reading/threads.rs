//! Records that are opened on all threads of the runtime.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use envelope_dynamo::keys::{DataKey, GeneratedKey, KeyFuture, WrappedKey};
use envelope_dynamo::message::EncryptionContext;
use envelope_dynamo::{UnwrapKey, WrapKey};
use tokio::sync::Semaphore;

use super::*;

/// Keeps each thread that unwraps a key waiting until a second thread does so too.
#[derive(Clone, Debug)]
struct Meeting {
    keys: TestKeyProvider,
    threads: Arc<(Mutex<HashSet<ThreadId>>, Condvar)>,
}

impl Meeting {
    /// Longer than a second thread can take. It only ends a test that fails.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn new(keys: TestKeyProvider) -> Self {
        Self { keys, threads: Arc::default() }
    }

    fn meet(&self) {
        let (threads, changed) = &*self.threads;
        let mut threads = threads.lock().unwrap();
        threads.insert(thread::current().id());
        changed.notify_all();
        let alone = |threads: &mut HashSet<ThreadId>| threads.len() < 2;
        let (threads, _) = changed.wait_timeout_while(threads, Self::PATIENCE, alone).unwrap();
        assert!(threads.len() >= 2, "no second thread opens a record");
    }
}

impl WrapKey for Meeting {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        self.keys.generate(context)
    }
}

impl UnwrapKey for Meeting {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            self.meet();
            self.keys.unwrap_key(wrapped, context).await
        })
    }
}

async fn setup_meeting() -> Setup {
    let keys = TestKeyProvider::new(RootKey::generate().unwrap());
    let setup = setup_with(Meeting::new(keys.clone()), keys, Projected::All).await;
    setup.fill(&few_visits()).await;
    setup
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_threads_open_records_at_the_same_time() {
    let setup = setup_meeting().await;
    assert_eq!(setup.visits.query("p_1").on_all_threads().send().await.unwrap(), p_1(0..50));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_return_records_in_order_and_errors_in_their_place() {
    let setup = setup(&few_visits()).await;
    let mut item = setup.item("p_1", 20).await;
    item.insert("encrypted_payload".into(), AttributeValue::B(Blob::new([7; 9])));
    setup.store(vec![item]).await;
    for (page_size, concurrency) in [(3, 16), (50, 16), (1_000, 1), (1_000, 1_000)] {
        let query = setup.visits.query("p_1").page_size(page_size).concurrency(concurrency);
        let mut records = query.on_all_threads().stream().unwrap();
        let mut read = Vec::new();
        while let Some(record) = records.next().await {
            read.push(record.map_err(|error| error.record().to_string()));
        }
        assert_eq!(records.resume_token(), None);
        let expected = (0..50).map(|number| match number {
            20 => Err("visits[patient=p_1, number=20]".to_owned()),
            number => Ok(visit("p_1", number)),
        });
        assert_eq!(read, expected.collect::<Vec<_>>());
    }
    let mut scanned = setup.visits.scan().segments(3).on_all_threads().stream().unwrap();
    assert_eq!(scanned.collect::<Vec<_>>().await.len(), 53);
}

/// Keeps all who unwrap a key waiting until it is opened.
#[derive(Clone, Debug)]
struct Gate {
    keys: TestKeyProvider,
    open: Arc<Semaphore>,
}

impl WrapKey for Gate {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        self.keys.generate(context)
    }
}

impl UnwrapKey for Gate {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            let _passed = self.open.acquire().await.unwrap();
            self.keys.unwrap_key(wrapped, context).await
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_loses_no_record_that_a_thread_opens() {
    let keys = TestKeyProvider::new(RootKey::generate().unwrap());
    let gate = Gate { keys: keys.clone(), open: Arc::new(Semaphore::new(0)) };
    let setup = setup_with(gate.clone(), keys, Projected::All).await;
    setup.fill(&few_visits()).await;
    let query = setup.visits.query("p_1").page_size(20).on_all_threads();
    let mut records = query.stream().unwrap();
    for _ in 0..3 {
        let mut context = Context::from_waker(Waker::noop());
        // Each of these calls is dropped while threads open records.
        assert!(pin!(records.next()).poll(&mut context).is_pending());
    }
    gate.open.add_permits(1);
    assert_eq!(records.try_collect::<Vec<_>>().await.unwrap(), p_1(0..50));
}

#[tokio::test]
async fn a_runtime_with_one_thread_opens_the_same_records() {
    let setup = setup(&few_visits()).await;
    let mut records = setup.visits.query("p_1").on_all_threads().limit(30).stream().unwrap();
    assert_eq!(records.try_collect::<Vec<_>>().await.unwrap(), p_1(0..30));
    let rest = setup.visits.query("p_1").resume(records.resume_token()).send().await.unwrap();
    assert_eq!(rest, p_1(30..50));
}

#[test]
fn records_open_on_another_runtime_after_theirs_has_shut_down() {
    let threads = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let first = threads();
    let setup = first.block_on(setup(&few_visits()));
    let mut records = setup.visits.query("p_1").on_all_threads().stream().unwrap();
    // The page has arrived with its first record, so no request is under way: the SDK's timers end
    // with their runtime.
    let read = first.block_on(records.next()).unwrap().unwrap();
    first.shutdown_background();
    let mut all = vec![read];
    all.extend(threads().block_on(records.try_collect::<Vec<_>>()).unwrap());
    assert_eq!(all, p_1(0..50));
}
