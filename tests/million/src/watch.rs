//! Watches the calls to KMS: counts them, and makes the worst happen between a call and its answer.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use envelope_examples::servers::loopback::{Call, Watch};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::job::Order;
use crate::random::Random;
use crate::records;

/// Of 100 answers, the first so many wait until another writer has written the same item.
const OVERTAKEN: u64 = 3;
/// Those up to here race with a writer of the same item.
const RACING: u64 = 6;
/// Those up to here are given while some other item is written.
const ELSEWHERE: u64 = 9;

/// Other writers of the table, who write at the worst moments.
pub trait Others: Debug + Send + Sync + 'static {
    /// The operation of KMS that a process calls for each item, before it writes the item.
    const OPERATION: &'static str;
    /// The member of the request that has the encryption context of the item.
    const CONTEXT: &'static str;

    /// Writes an item, in one of the ways that its state allows.
    fn write(&self, index: u64) -> impl Future<Output = Outcome<()>> + Send;

    /// The number of a random item.
    fn any_item(&self) -> u64;
}

/// What the calls to KMS set off.
#[derive(Debug)]
pub struct Watcher<O> {
    writers: Arc<O>,
    random: Arc<Random>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: BTreeMap<String, u64>,
    /// The numbers of calls at which a process is killed, the next one last.
    kills: Vec<u64>,
    orders: Option<Sender<Order>>,
    writes: JoinSet<Result<(), String>>,
    failures: Vec<String>,
}

impl<O: Others> Watcher<O> {
    /// Watches for `writers`.
    #[must_use]
    pub fn new(writers: Arc<O>, random: Arc<Random>) -> Self {
        Self { writers, random, state: Mutex::default() }
    }

    /// Kills a process at `kills` random moments within the next `calls` calls.
    pub fn kill(&self, orders: Sender<Order>, kills: u64, calls: u64) {
        let mut state = self.state();
        let done = state.calls.get(O::OPERATION).copied().unwrap_or_default();
        let mut moments: Vec<u64> = (0..kills).map(|_| done + self.random.below(calls)).collect();
        moments.sort_unstable_by(|a, b| b.cmp(a));
        state.kills = moments;
        state.orders = Some(orders);
    }

    /// The number of calls of each operation.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.state().calls.clone()
    }

    /// Waits for the writes that are on the way, and returns what failed.
    pub async fn settled(&self) -> Vec<String> {
        let mut writes = std::mem::take(&mut self.state().writes);
        let mut failures = std::mem::take(&mut self.state().failures);
        while let Some(write) = writes.join_next().await {
            match write {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failures.push(error),
                Err(error) => failures.push(error.to_string()),
            }
        }
        failures
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and sends the kill that falls on it.
    fn count(&self, call: &Call) {
        let mut state = self.state();
        let count = state.calls.entry(call.operation.clone()).or_default();
        *count += 1;
        let count = *count;
        while call.operation == O::OPERATION && state.kills.last().is_some_and(|at| *at <= count) {
            state.kills.pop();
            let order = if self.random.below(2) == 0 { Order::Kill } else { Order::LoseHost };
            if let Some(orders) = &state.orders {
                let _ = orders.send(order); // the job has ended
            }
        }
    }

    /// Writes an item, and says when that is done. In a task of its own: when a process is killed,
    /// the server drops what would have answered it, but a write that has begun must be noted.
    fn spawn(&self, index: u64) -> oneshot::Receiver<()> {
        let (done, is_done) = oneshot::channel();
        let writers = Arc::clone(&self.writers);
        let mut state = self.state();
        while let Some(Ok(Err(error))) = state.writes.try_join_next() {
            state.failures.push(error);
        }
        state.writes.spawn(async move {
            let written = writers.write(index).await;
            let _ = done.send(()); // nobody may wait for it
            written.map_err(|error| format!("item {index}: {error:?}"))
        });
        is_done
    }
}

/// The watcher, as the server of KMS needs it.
#[derive(Debug)]
pub struct Shared<O>(pub Arc<Watcher<O>>);

impl<O: Others> Watch for Shared<O> {
    fn answered(&self, call: Call) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let watcher = Arc::clone(&self.0);
        watcher.count(&call);
        if call.operation != O::OPERATION {
            return Box::pin(std::future::ready(()));
        }
        let draw = watcher.random.below(100);
        Box::pin(async move {
            match (draw, item::<O>(&call)) {
                (0..OVERTAKEN, Some(index)) => {
                    let _ = watcher.spawn(index).await; // a failure is in the task's result
                }
                (0..RACING, Some(index)) => drop(watcher.spawn(index)),
                (RACING..ELSEWHERE, _) => drop(watcher.spawn(watcher.writers.any_item())),
                _ => {}
            }
        })
    }
}

/// The item that the call is for, where the context shows it.
fn item<O: Others>(call: &Call) -> Option<u64> {
    let request: Value = serde_json::from_slice(&call.request).ok()?;
    records::index(request.get(O::CONTEXT)?.get("partition_key")?.as_str()?)
}
