//! Histories of rotations: the search key is rotated again and again while processes write and
//! search, in random orders that a seed repeats.
//!
//! Everything is the library's own code, and one request is let through at a time. The model knows
//! what the index lists at each moment, and says what each search must have found:
//!
//! - A record that does not move in the index is found, in one stream and page by page.
//! - A record that moves at once, from the older key to the newer one, is found too.
//! - One stream returns no record twice, and only records that had the address.
//! - When a version was retired after a count of zero, every record has the tag of the other one.
//! - A prepared transaction is not sent when its tags are older than `max_age`.
//!
//! What it does not promise: a record is missed while the index moves it in two steps, or from the
//! newer key to the older one; and if a process was frozen for long between its request and its
//! arrival, until the next run of `reindex`. At the end of a history nothing is missed.
//!
//! `ROTATIONS=100` tries a hundred histories in place of ten, and `ROTATION_SEED=7` the one of that
//! seed.

mod clocks;
mod gate;
mod ledger;
mod operator;
mod processes;
mod random;

use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::env;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use envelope_dynamo::keys::{Clock, LocalKeyProvider, SearchKeyTable, SearchKeys};
use envelope_dynamo::{Envelope, Table};
use envelope_examples::Servers;
use envelope_tests::{Item, local_keys};
use tokio::task::LocalSet;

use self::clocks::{MAX_SKEW, ProcessClock, Time};
use self::gate::{Gate, Step, Waiting};
use self::ledger::{Ledger, Seen};
use self::operator::Operator;
use self::processes::{EMAILS, Paged, Process};
use self::random::Random;

/// The table, and the table whose index lags behind. Queries name the first and get to the second.
const USERS: &str = "users";
const INDEX: &str = "index";
/// The table of search keys.
const KEYS: &str = "search-keys";

/// The `max_age` of the branch, in seconds.
const MAX_AGE: u64 = 300;

/// How long each process keeps what it knows at most, in seconds. The last one is the operator.
const PROCESSES: [u64; 5] = [MAX_AGE, 60, MAX_AGE, 200, MAX_AGE];
const OPERATOR: usize = PROCESSES.len() - 1;

/// How many steps a history has.
const STEPS: usize = 900;

/// How many histories are tried, unless the environment asks for more.
const HISTORIES: u64 = 10;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "users",
    index(name = "by-email", partition_key = email, sort_key = created)
)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
    #[encrypted]
    name: String,
    #[authenticated]
    created: u64,
    /// The same as `email`, for the model.
    #[plaintext]
    truth: String,
}

impl User {
    fn new(number: u64, email: &str, created: u64) -> Self {
        let (user_id, name) = (format!("u_{number}"), "n".to_owned());
        Self { user_id, email: email.to_owned(), name, created, truth: email.to_owned() }
    }

    /// Gives the user an address.
    fn has(&mut self, email: &str) {
        (self.email, self.truth) = (email.to_owned(), email.to_owned());
    }
}

/// What a history takes place in.
struct World {
    dynamodb: Client,
    time: Time,
    gate: Gate,
    clocks: Vec<Arc<ProcessClock>>,
    random: Random,
    ledger: RefCell<Ledger>,
    /// Searches that somebody will continue.
    paged: RefCell<Vec<Paged>>,
    /// When the transaction was prepared that a process is sending.
    prepared_since: [Cell<Option<u64>>; PROCESSES.len()],
    /// How much time passes as soon as nobody's write is under way, or at once.
    pause: Cell<Option<(u64, bool)>>,
    /// The process that gets no turns for now, in the middle of what it does. Perhaps none.
    asleep: Cell<usize>,
    is_over: Cell<bool>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let dynamodb = Servers::embedded().await.unwrap().dynamodb().clone();
        let (time, random) = (Time::default(), Random::new(seed));
        time.advance(100_000);
        let skew = || i64::try_from(random.below(2 * 840)).unwrap() - MAX_SKEW;
        let clocks = PROCESSES.map(|_| Arc::new(ProcessClock::new(&time, skew())));
        let world = Self {
            gate: Gate::new(&time),
            clocks: clocks.into(),
            dynamodb,
            time,
            random,
            ledger: RefCell::default(),
            paged: RefCell::default(),
            prepared_since: Default::default(),
            pause: Cell::default(),
            asleep: Cell::new(PROCESSES.len()),
            is_over: Cell::default(),
        };
        let store = SearchKeyTable::new(world.dynamodb.clone(), KEYS, local_keys(8));
        let store = store.with_clock(world.clock(OPERATOR));
        store.create_table().await.unwrap();
        store.create("users").await.unwrap();
        for name in [USERS, INDEX] {
            let table = Table::<User, _>::new(world.dynamodb.clone(), local_keys(7)).named(name);
            table.create_table().send().await.unwrap();
        }
        let keys = SearchKeys::per_table(store).with_clock(world.clock(OPERATOR));
        let users = Table::<User, _>::new(world.dynamodb.clone(), local_keys(7)).named(USERS);
        let first = (0..6).map(|number| User::new(number, EMAILS[number as usize % 2], number));
        users.with_search_keys(keys).batch_put(first).send().await.unwrap();
        world.look(false).await;
        world.index_catches_up().await;
        world
    }

    fn ledger(&self) -> RefMut<'_, Ledger> {
        self.ledger.borrow_mut()
    }

    fn clock(&self, process: usize) -> Arc<dyn Clock> {
        Arc::clone(&self.clocks[process]) as _
    }

    fn store(&self, process: usize) -> SearchKeyTable<LocalKeyProvider> {
        let client = self.gate.client(process, &self.dynamodb);
        SearchKeyTable::new(client, KEYS, local_keys(8)).with_clock(self.clock(process))
    }

    fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Waits until every process waits for its turn. The clock of the runtime runs on by itself
    /// when nobody has anything to do, so that pauses between tries end.
    async fn all_wait(&self) {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }

    /// Looks at what the table has after a write.
    async fn look(&self, is_late: bool) {
        let scan = self.dynamodb.scan().table_name(USERS).consistent_read(true);
        let items = scan.send().await.unwrap().items.unwrap_or_default();
        let id = |item: &Item| item["user_id"].as_s().unwrap().clone();
        let items: BTreeMap<_, _> = items.into_iter().map(|item| (id(&item), item)).collect();
        self.ledger().stored(items, is_late, &self.random);
    }

    /// One step of the history.
    async fn step(&self) {
        self.ledger().step += 1;
        if let Some((seconds, waits)) = self.pause.get() {
            let is_open =
                |it: &Waiting| it.step == Step::WriteKeys || waits && it.step == Step::Write;
            if !self.let_through(is_open).await {
                self.pause.set(None);
                self.time.advance(seconds);
            }
            return;
        }
        match self.random.below(100) {
            0..8 => self.time.advance(1 + self.random.below(10)),
            8..10 => self.time.advance(20 + self.random.below(60)),
            10..12 if self.random.chance(70) => {
                let seconds = (5 + self.random.below(40)) * 60;
                self.pause.set(Some((seconds, self.random.chance(85))));
            }
            12..14 => self.disturb_clock(),
            14..15 => self.asleep.set(self.random.index(2 * PROCESSES.len())),
            15..27 => self.index_moves_on().await,
            _ => drop(self.let_through(|it| it.process != self.asleep.get()).await),
        }
    }

    /// Lets one step through, if one waits that `is_wanted`.
    async fn let_through(&self, is_wanted: impl Fn(&Waiting) -> bool) -> bool {
        let waiting = self.gate.take(is_wanted, |length| self.random.index(length));
        let Some(waiting) = waiting else { return false };
        let (step, process) = (waiting.step, waiting.process);
        let since = self.prepared_since[process].get().unwrap_or(waiting.since);
        let is_late = self.time.now() - since > MAX_AGE;
        waiting.pass();
        self.all_wait().await;
        if step == Step::Write {
            self.look(is_late).await;
        }
        true
    }

    /// Processes with even numbers have an `Instant` that stands still at times. The others have a
    /// time of day that jumps.
    fn disturb_clock(&self) {
        let process = self.random.index(PROCESSES.len());
        let clock = &self.clocks[process];
        if process.is_multiple_of(2) {
            clock.freeze(self.random.chance(50));
        } else {
            let skew = *self.random.choose(&[-MAX_SKEW, 0, MAX_SKEW]);
            clock.set_skew(skew);
        }
    }

    async fn index_moves_on(&self) {
        let lagging = self.ledger().lagging();
        if lagging.is_empty() {
            return;
        }
        let id = self.random.choose(&lagging);
        let change = self.ledger().next_change(id);
        if let Some(change) = change {
            change.carry_out(id, &self.dynamodb).await;
        }
    }

    async fn index_catches_up(&self) {
        while !self.ledger().lagging().is_empty() {
            self.index_moves_on().await;
        }
    }

    /// Lets everybody end what was begun.
    async fn end(&self) {
        self.is_over.set(true);
        while self.let_through(|_| true).await {}
        self.gate.open();
        self.index_catches_up().await;
    }

    /// Finishes a rotation after the history. From then on every search finds everything.
    async fn assert_nothing_is_missed(&self, processes: &[Rc<Process>]) {
        let operator = Operator::new(self);
        self.time.advance(3 * 3_600);
        operator.reindex().await;
        self.look(false).await;
        self.index_catches_up().await;
        operator.retire(self).await;
        let store = self.store(OPERATOR);
        assert_eq!(store.branch("users").await.unwrap().also_search(), None);
        for process in processes {
            for email in EMAILS {
                let found = process.users.index(|i| i.by_email).query(email).send().await.unwrap();
                let mut found: Vec<_> = found.into_iter().map(|user| user.user_id).collect();
                found.sort_unstable();
                if found != self.ledger().owners(email) {
                    let wrong = format!("at the end, {email} is found as {found:?}");
                    self.ledger().wrong.push(wrong);
                }
            }
        }
    }
}

/// What happened in the history of a seed.
async fn history(seed: u64) -> Seen {
    let world = Rc::new(World::new(seed).await);
    let process = |number| Process::new(&world, number, Duration::from_secs(PROCESSES[number]));
    let processes: Vec<_> = (0..OPERATOR).map(|number| Rc::new(process(number))).collect();
    let local = LocalSet::new();
    let operator = local.spawn_local(Operator::new(&world).run(Rc::clone(&world)));
    let running = processes.iter().map(|process| Rc::clone(process).run(Rc::clone(&world)));
    let running: Vec<_> = running.map(|running| local.spawn_local(running)).collect();
    let steps = async {
        world.all_wait().await;
        for _ in 0..STEPS {
            world.step().await;
        }
        world.end().await;
        operator.await.unwrap();
        for process in running {
            process.await.unwrap();
        }
    };
    local.run_until(steps).await;
    world.assert_nothing_is_missed(&processes).await;
    let ledger = world.ledger();
    assert!(ledger.wrong.is_empty(), "ROTATION_SEED={seed}: {:#?}", ledger.wrong);
    ledger.seen
}

fn number(variable: &str) -> Option<u64> {
    Some(env::var(variable).ok()?.parse().expect("a number"))
}

#[tokio::test(start_paused = true)]
async fn nothing_that_stays_is_missed_while_the_search_key_is_rotated() {
    if let Some(seed) = number("ROTATION_SEED") {
        println!("{:?}", history(seed).await);
        return;
    }
    let mut seen = Seen::default();
    for seed in 0..number("ROTATIONS").unwrap_or(HISTORIES).max(HISTORIES) {
        println!("seed {seed}");
        seen += history(seed).await;
    }
    println!("{seen:?}");
    let Seen { rotations, cancellations, retirements, .. } = seen;
    assert!(rotations > 5 && cancellations > 0 && retirements > 3, "{seen:?}");
    assert!(seen.stayed > 500 && seen.moved_at_once > 0 && seen.repeated > 0, "{seen:?}");
    assert!(seen.missed_in_two_steps > 0 && seen.late_writes > 0, "{seen:?}");
    assert!(seen.sent_prepared > 0 && seen.refused_prepared > 0, "{seen:?}");
}
