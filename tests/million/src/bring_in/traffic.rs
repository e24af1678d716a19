//! What the processes do: they read and write random items all the time, and the model knows what
//! each item must be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use envelope_dynamo::item::PlaintextItems::{Read, ReadAndWrite};
use tokio::sync::watch;

use crate::Outcome;
use crate::bring_in::build::{Build, Handle};
use crate::bring_in::records::is_at_least;
use crate::bring_in::world::World;
use crate::model::{Model, SharedTurn, State, Turn};
use crate::random::Random;
use crate::watch::Others;

/// A process reads so many items at a time, at most.
const BATCH: u64 = 8;
/// A segment of a scan has about so many items.
const SEGMENT_ITEMS: u64 = 32;
/// So many problems are kept, of those that reads and writes have.
const KEPT: usize = 100;

/// What was done. Each write is one event of the table's stream.
#[derive(Debug, Default)]
pub struct Done {
    /// Reads that were compared with the model.
    pub reads: AtomicU64,
    /// Reads beside writers of the same items, which must not fail.
    pub racing_reads: AtomicU64,
    /// Items that were created again.
    pub inserts: AtomicU64,
    /// Items that were deleted.
    pub removes: AtomicU64,
    /// Items that were changed in any way.
    pub changes: AtomicU64,
    /// Attempts of an old process whose role has lost the table.
    pub denied: AtomicU64,
}

impl Done {
    /// All writes.
    #[must_use]
    pub fn writes(&self) -> u64 {
        [&self.inserts, &self.removes, &self.changes].map(count_of).iter().sum()
    }
}

/// The traffic on a table.
#[derive(Debug)]
pub struct Traffic {
    world: Arc<World>,
    model: Arc<Model>,
    random: Arc<Random>,
    /// For writes that a call to KMS sets off: of `Read`, and of `ReadAndWrite`.
    beside: [Handle; 2],
    /// Whether processes of `ReadAndWrite` are alive.
    pub some_write_plain: AtomicBool,
    /// What was done.
    pub done: Done,
    operations: watch::Sender<u64>,
    problems: std::sync::Mutex<Vec<String>>,
}

impl Traffic {
    /// No traffic yet.
    #[must_use]
    pub fn new(world: Arc<World>, model: Arc<Model>, random: Arc<Random>) -> Self {
        let beside = [Read, ReadAndWrite].map(|state| Handle::new(&world, Build::New(state)));
        Self {
            world,
            model,
            random,
            beside,
            some_write_plain: AtomicBool::new(false),
            done: Done::default(),
            operations: watch::Sender::new(0),
            problems: std::sync::Mutex::default(),
        }
    }

    /// The table.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// One read or one write of a process.
    pub async fn operate(&self, handle: &Handle, build: Build) {
        let index = self.random.below(self.model.items());
        let done = match self.random.below(10) {
            0..4 => self.read(handle, index).await,
            4 => self.read_beside_writers(handle, index).await,
            5..8 => self.count(handle, index).await,
            _ => self.replace(handle, index).await,
        };
        if let Err(error) = done {
            self.problem(format!("{build:?}, item {index}: {error:?}"));
        }
        self.operations.send_modify(|operations| *operations += 1);
    }

    /// Waits until the processes have carried out so many more operations.
    pub async fn more(&self, operations: u64) {
        let mut done = self.operations.subscribe();
        let until = *done.borrow() + operations;
        let _ = done.wait_for(|done| *done >= until).await; // the sender is in `self`
    }

    /// What an old process does that was forgotten, after its role has lost the table. It knows no
    /// better, and all of it must be denied.
    pub async fn operate_in_vain(&self, handle: &Handle) {
        let index = self.random.below(self.model.items());
        let state = State { exists: true, generation: 999_999, ..State::default() };
        let refused = match self.random.below(4) {
            0 => handle.get(index, 0).await.is_err(),
            1 => handle.visit(index).await.is_err(),
            2 => handle.delete(index).await.is_err(),
            _ => handle.put(index, state, 0).await.is_err(),
        };
        count(&self.done.denied, u64::from(refused));
        if !refused {
            self.problem(format!("item {index}: a process of the old role was not denied"));
        }
    }

    /// What went wrong.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn problem(&self, problem: String) {
        let mut problems = self.problems.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if problems.len() < KEPT {
            problems.push(problem);
        }
    }

    /// Reads an item that nobody puts or deletes meanwhile. Others may count, and seal.
    async fn read(&self, handle: &Handle, index: u64) -> Outcome<()> {
        let Some(turn) = self.model.shared_turn(index).await else { return Ok(()) };
        let state = turn.state();
        let found = handle.get(index, self.random.below(2)).await?;
        count(&self.done.reads, 1);
        match found {
            None if !state.exists => Ok(()),
            None => Err(format!("is not there, and must be {state:?}").into()),
            Some(_) if !state.exists => Err("was deleted, and is there".into()),
            Some(record) if is_at_least(&record, index, state) => Ok(()),
            Some(record) => Err(format!("is {record:?}, and must be {state:?}").into()),
        }
    }

    /// Reads items while anybody writes them.
    async fn read_beside_writers(&self, handle: &Handle, index: u64) -> Outcome<()> {
        let items = self.model.items();
        if self.random.below(4) == 0 {
            let total = u32::try_from(items / SEGMENT_ITEMS + 1)?;
            let segment = u32::try_from(index % u64::from(total))?;
            count(&self.done.racing_reads, handle.scan(segment, total).await?);
            return Ok(());
        }
        let numbers: Vec<u64> =
            (0..BATCH.min(items)).map(|offset| (index + offset) % items).collect();
        handle.get_many(&numbers).await?;
        count(&self.done.racing_reads, numbers.len() as u64);
        Ok(())
    }

    /// Counts in an item, beside others that count in it too.
    async fn count(&self, handle: &Handle, index: u64) -> Outcome<()> {
        let Some(turn) = self.model.shared_turn(index).await else { return Ok(()) };
        if turn.state().exists {
            self.count_in(handle, index, &turn).await?;
        }
        Ok(())
    }

    async fn count_in(&self, handle: &Handle, index: u64, turn: &SharedTurn<'_>) -> Outcome<()> {
        if self.random.below(3) == 0 {
            handle.log_in(index).await?;
            turn.logged_in();
        } else {
            handle.visit(index).await?;
            turn.visited();
        }
        count(&self.done.changes, 1);
        Ok(())
    }

    /// Puts, rewrites, deletes or creates an item.
    async fn replace(&self, handle: &Handle, index: u64) -> Outcome<()> {
        let Some(turn) = self.model.turn(index).await else { return Ok(()) };
        let state = turn.state();
        let next = State { exists: true, generation: state.generation + 1, ..State::default() };
        match if state.exists { self.random.below(8) } else { 8 } {
            0..3 => {
                handle.put(index, next, self.random.below(8)).await?;
                count(&self.done.changes, 1);
                turn.wrote(next);
            }
            3..6 => {
                handle.rewrite(index, next.generation).await?;
                count(&self.done.changes, 1);
                turn.wrote(State { generation: next.generation, ..state });
            }
            6 => self.delete(handle, index, &turn).await?,
            existing => {
                if existing < 8 {
                    self.delete(handle, index, &turn).await?;
                }
                handle.create(index, next).await?;
                count(&self.done.inserts, 1);
                turn.wrote(next);
            }
        }
        Ok(())
    }

    async fn delete(&self, handle: &Handle, index: u64, turn: &Turn<'_>) -> Outcome<()> {
        let state = turn.state();
        if state.exists {
            handle.delete(index).await?;
            count(&self.done.removes, 1);
            turn.wrote(State { exists: false, ..state });
        }
        Ok(())
    }
}

impl Others for Traffic {
    const OPERATION: &'static str = "GenerateDataKey";
    const CONTEXT: &'static str = "EncryptionContext";

    async fn write(&self, index: u64) -> Outcome<()> {
        let [read, read_and_write] = &self.beside;
        let is_plain = self.some_write_plain.load(Ordering::SeqCst) && self.random.below(2) == 0;
        let handle = if is_plain { read_and_write } else { read };
        match self.random.below(3) {
            0 => self.count(handle, index).await,
            1 => self.replace(handle, index).await,
            _ => match self.model.turn(index).await {
                Some(turn) => self.delete(handle, index, &turn).await,
                None => Ok(()),
            },
        }
    }

    fn any_item(&self) -> u64 {
        self.random.below(self.model.items())
    }
}

fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::SeqCst);
}

/// What a counter has.
pub fn count_of(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::SeqCst)
}
