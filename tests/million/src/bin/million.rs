//! `million ITEMS KILLS [SEED]`: see `tests/million.sh`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use envelope_examples::Servers;
use envelope_examples::servers::loopback::Loopback;
use envelope_million_tests::check::{Found, check};
use envelope_million_tests::events::{self, Events};
use envelope_million_tests::job::{Ending, Order};
use envelope_million_tests::model::Model;
use envelope_million_tests::programs::{self, Problems, run_job, shown, tallies};
use envelope_million_tests::random::Random;
use envelope_million_tests::records::{Flavour, World};
use envelope_million_tests::seed::seed;
use envelope_million_tests::watch::{Shared, Watcher};
use envelope_million_tests::writers::Writers;
use envelope_million_tests::{Outcome, stream};

/// Processes at a time.
const WORKERS: u32 = 8;
const PARTS: u32 = 64;
/// A process that is killed has at most so many calls under way.
const IN_FLIGHT: u64 = 64;
/// What a process may use.
const MEMORY: u64 = 128 << 20;
/// Kills fall into the first part of the work, so that each finds a process.
const KILLED_WITHIN_PERCENT: u64 = 85;

#[tokio::main]
async fn main() -> ExitCode {
    programs::exit("million", run().await)
}

async fn run() -> Outcome<bool> {
    let [items, kills, seed] = programs::arguments("million")?;
    let endpoint = programs::dynamodb_endpoint("million")?;
    let mut test = Test::prepare(items, seed).await?;
    test.run_with_kills(kills).await?;
    test.run_again().await?;
    test.prove().await?;
    let started = Instant::now();
    let found = check(&test.world, &test.model).await?;
    let events = events::read(&test.world, &endpoint).await?;
    println!("read and compared in {} s", started.elapsed().as_secs());
    Ok(test.judge(&found, &events))
}

struct Test {
    world: Arc<World>,
    model: Arc<Model>,
    random: Arc<Random>,
    writers: Arc<Writers>,
    watcher: Arc<Watcher<Writers>>,
    loopback: Arc<Loopback>,
    folder: PathBuf,
    /// The calls of `ReEncrypt` that the items need at most, without other writers.
    due: u64,
    kills: u64,
    endings: Vec<Ending>,
    tallies: BTreeMap<String, u64>,
    problems: Problems,
}

impl Test {
    async fn prepare(items: u64, number: u64) -> Outcome<Self> {
        let random = Arc::new(Random::new(number));
        let world = Arc::new(World::create(Servers::from_env().await?).await?);
        println!("{items} items, {WORKERS} processes, {PARTS} parts, seed {number}");
        println!("{}", world.servers.describe());
        let started = Instant::now();
        seed(&world, items).await?;
        println!("written in {} s", started.elapsed().as_secs());
        stream::enable(world.dynamodb(), &world.name).await?;
        let model = Arc::new(Model::new(items));
        let writers = Writers::new(Arc::clone(&world), Arc::clone(&model), Arc::clone(&random));
        let writers = Arc::new(writers);
        let watcher = Arc::new(Watcher::new(Arc::clone(&writers), Arc::clone(&random)));
        let loopback = world.servers.loopback().kms_only();
        let loopback = Arc::new(loopback.watch(Shared(Arc::clone(&watcher))).start()?);
        let folder = programs::new_folder("million", &world.name)?;
        fs::write(folder.join("envelope.schema.json"), World::schema())?;
        Ok(Self {
            world,
            model,
            random,
            writers,
            watcher,
            loopback,
            folder,
            due: (0..items).map(|index| Flavour::of(index).calls()).sum(),
            kills: 0,
            endings: Vec::new(),
            tallies: BTreeMap::new(),
            problems: Problems::default(),
        })
    }

    /// The run that matters: other writers, some of which still have the old key, and kills.
    async fn run_with_kills(&mut self, kills: u64) -> Outcome<()> {
        self.kills = kills;
        let (watcher, due) = (Arc::clone(&self.watcher), self.due);
        let calls = due * KILLED_WITHIN_PERCENT / 100;
        self.job("first run", PARTS, move |orders| watcher.kill(orders, kills, calls)).await
    }

    /// The same again, when all writers have the new key. It finds what they wrote under the old
    /// key behind the first run.
    async fn run_again(&mut self) -> Outcome<()> {
        self.writers.some_are_old.store(false, Ordering::SeqCst);
        self.job("second run", WORKERS, drop).await
    }

    async fn job(
        &mut self,
        name: &str,
        parts: u32,
        started: impl FnOnce(Sender<Order>),
    ) -> Outcome<()> {
        let (sender, orders) = channel();
        started(sender);
        let before = self.watcher.calls();
        let start = Instant::now();
        let logs = self.folder.join(name.replace(' ', "-"));
        let command = self.rewrap(parts)?;
        let ending = run_job([parts, WORKERS], &logs, command, orders, &self.random).await?;
        let seconds = start.elapsed().as_secs_f64();
        self.problems.0.extend(self.watcher.settled().await);
        let tallies = tallies(&logs)?;
        let count = |calls: &BTreeMap<String, u64>| calls.get("ReEncrypt").copied().unwrap_or(0);
        println!(
            "{name}: {seconds:.0} s, {} processes, {} kills, exits {:?}, ReEncrypt {}, {}",
            ending.starts,
            ending.kills,
            ending.exits,
            count(&self.watcher.calls()) - count(&before),
            shown(&tallies),
        );
        for (name, n) in tallies {
            *self.tallies.entry(name).or_default() += n;
        }
        self.endings.push(ending);
        Ok(())
    }

    /// Asks the command itself whether a record is left under the old key.
    async fn prove(&mut self) -> Outcome<()> {
        let (command, from) = (self.command()?, self.world.from.clone());
        let start = Instant::now();
        let asked = tokio::task::spawn_blocking(move || {
            command("coverage").args(["--expect-none", &from]).output()
        });
        let asked = asked.await??;
        println!("coverage: {:.0} s, {}", start.elapsed().as_secs_f64(), asked.status);
        if !asked.status.success() {
            let printed = String::from_utf8_lossy(&asked.stdout).into_owned();
            self.problems.0.push(format!("coverage does not hold: {printed}"));
        }
        Ok(())
    }

    /// The command `envelope`, for this table.
    fn command(&self) -> Outcome<impl Fn(&str) -> Command + Send + use<>> {
        let schema = self.folder.join("envelope.schema.json");
        let endpoint = programs::dynamodb_endpoint("million")?;
        let command = programs::command("rotator", &self.world.name, &self.loopback, &endpoint)?;
        Ok(move |name: &str| {
            let mut command = command(name);
            command.arg("--schema").arg(&schema);
            command
        })
    }

    /// What each process runs.
    fn rewrap(&self, parts: u32) -> Outcome<impl Fn() -> Command + Send + use<>> {
        let (command, world) = (self.command()?, Arc::clone(&self.world));
        Ok(move || {
            let mut command = command("rewrap");
            command.args(["--from", &world.from, "--to", &world.to]).args([
                "--part",
                &format!("auto/{parts}"),
                "--max-kms",
                "100000",
            ]);
            command
        })
    }

    fn judge(self, found: &Found, events: &Events) -> bool {
        let writes = &self.writers.writes;
        let calls = self.watcher.calls();
        let re_encrypt = calls.get("ReEncrypt").copied().unwrap_or_default();
        let old_keys = writes.old_keys.load(Ordering::SeqCst);
        let limit = self.due + old_keys + writes.all() + IN_FLIGHT * self.kills;
        let memory = self.endings.iter().map(|ending| ending.peak_memory).max().unwrap_or(0);
        let kills: u64 = self.endings.iter().map(|ending| u64::from(ending.kills)).sum();
        println!(
            "items {}, writes by others {}, of them under the old key {old_keys} data keys",
            found.compared,
            writes.all()
        );
        println!("events {events:?}");
        println!("calls to KMS by the processes {calls:?}");
        println!(
            "ReEncrypt {re_encrypt}: due {} + {old_keys} under the old key again + overtaken, at \
             most {} + {IN_FLIGHT} x {kills} kills = at most {limit}",
            self.due,
            writes.all(),
        );
        println!("memory of a process, at most {:.1} MiB", memory as f64 / f64::from(1 << 20));

        let mut problems = self.problems.clone();
        let mut must = |holds: bool, problem: String| problems.must(holds, problem);
        for ending in &self.endings {
            must(ending.is_complete(), format!("parts failed: {:?}", ending.failed));
        }
        must(kills == self.kills, format!("{kills} kills, not {}", self.kills));
        must(found.differences.is_empty(), format!("{} items differ", found.differences.len()));
        must(found.under_old_key == 0, format!("{} under the old key", found.under_old_key));
        must(events.violations.is_empty(), format!("{} wrong writes", events.violations.len()));
        must(events.second_writes == 0, format!("{} second writes", events.second_writes));
        let counted = [
            ("inserts", events.inserts, &writes.inserts),
            ("removes", events.removes, &writes.removes),
            ("payloads", events.payloads, &writes.payloads),
            ("in place", events.in_place, &writes.in_place),
        ];
        for (name, seen, made) in counted {
            let made = made.load(Ordering::SeqCst);
            must(seen == made, format!("{name}: {seen} events, {made} writes"));
        }
        must(re_encrypt <= limit, format!("ReEncrypt {re_encrypt}, at most {limit}"));
        let others: Vec<_> = calls
            .keys()
            .filter(|name| !["ReEncrypt", "DescribeKey"].contains(&name.as_str()))
            .collect();
        must(others.is_empty(), format!("the processes called {others:?}"));
        must(memory <= MEMORY, format!("a process used {memory} bytes"));
        must(memory > 0, "no memory was seen".to_owned());
        let overtaken = self.tallies.get("overtaken").copied().unwrap_or_default();
        must(overtaken > 0, "no record was overtaken: the test is too easy".to_owned());

        println!(
            "{} differ, {} second writes, {} problems",
            found.differences.len(),
            events.second_writes,
            problems.0.len()
        );
        problems.conclude(found.differences.iter().chain(&events.violations), &self.folder)
    }
}
