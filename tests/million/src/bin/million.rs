//! `million ITEMS KILLS [SEED]`: see `tests/million.sh`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use envelope_examples::Servers;
use envelope_examples::servers::loopback::Loopback;
use envelope_million_tests::Outcome;
use envelope_million_tests::check::{Found, check};
use envelope_million_tests::engine::Engine;
use envelope_million_tests::events::{self, Events};
use envelope_million_tests::job::{Ending, Job, Order};
use envelope_million_tests::model::Model;
use envelope_million_tests::random::Random;
use envelope_million_tests::records::{Flavour, World};
use envelope_million_tests::seed::seed;
use envelope_million_tests::watch::{Shared, Watcher};
use envelope_million_tests::writers::Writers;
use serde_json::Value;

/// Processes at a time.
const WORKERS: u32 = 8;
const PARTS: u32 = 64;
/// A process that is killed has at most so many calls under way.
const IN_FLIGHT: u64 = 64;
/// What a process may use.
const MEMORY: u64 = 128 << 20;
/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(30);
/// Kills fall into the first part of the work, so that each finds a process.
const KILLED_WITHIN_PERCENT: u64 = 85;
/// So many differences are printed.
const PRINTED: usize = 20;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("million: {error:?}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Outcome<bool> {
    let [items, kills, seed] = arguments()?;
    let endpoint = std::env::var("DYNAMODB_ENDPOINT")
        .map_err(|_| "DYNAMODB_ENDPOINT is unset: start this with tests/million.sh")?;
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

fn arguments() -> Outcome<[u64; 3]> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |word: &String| word.replace(',', "").parse::<u64>();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    match words.as_slice() {
        [items, kills] => Ok([number(items)?, number(kills)?, now]),
        [items, kills, seed] => Ok([number(items)?, number(kills)?, number(seed)?]),
        _ => Err("usage: million ITEMS KILLS [SEED]".into()),
    }
}

struct Test {
    world: Arc<World>,
    model: Arc<Model>,
    random: Arc<Random>,
    writers: Arc<Writers>,
    watcher: Arc<Watcher>,
    loopback: Arc<Loopback>,
    folder: PathBuf,
    /// The calls of `ReEncrypt` that the items need at most, without other writers.
    due: u64,
    kills: u64,
    endings: Vec<Ending>,
    tallies: BTreeMap<String, u64>,
    problems: Vec<String>,
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
        events::enable(&world).await?;
        let model = Arc::new(Model::new(items));
        let writers = Writers::new(Arc::clone(&world), Arc::clone(&model), Arc::clone(&random));
        let writers = Arc::new(writers);
        let watcher = Arc::new(Watcher::new(Arc::clone(&writers), Arc::clone(&random)));
        let loopback = world.servers.loopback().kms_only();
        let loopback = Arc::new(loopback.watch(Shared(Arc::clone(&watcher))).start()?);
        let folder = folder()?.join(&world.name);
        fs::create_dir_all(&folder)?;
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
            problems: Vec::new(),
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
        let (command, random) = (self.rewrap(parts)?, Arc::clone(&self.random));
        let running = logs.clone();
        let ending = tokio::task::spawn_blocking(move || {
            let manifest = include_str!("../../../../deploy/kubernetes/rewrap.yaml");
            let engine = Engine::kubernetes(manifest)?;
            let job = Job {
                engine: &engine,
                parts,
                slots: WORKERS as usize,
                grace: GRACE,
                logs: &running,
            };
            Outcome::Ok(job.run(command, orders, &random)?)
        });
        let ending = ending.await??;
        let seconds = start.elapsed().as_secs_f64();
        self.problems.extend(self.watcher.settled().await);
        let tallies = tallies(&logs)?;
        let count = |calls: &BTreeMap<String, u64>| calls.get("ReEncrypt").copied().unwrap_or(0);
        println!(
            "{name}: {seconds:.0} s, {} processes, {} kills, exits {:?}, ReEncrypt {}, {}",
            ending.starts,
            ending.kills,
            ending.exits,
            count(&self.watcher.calls()) - count(&before),
            tallies.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", "),
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
            self.problems.push(format!("coverage does not hold: {printed}"));
        }
        Ok(())
    }

    /// The command `envelope`, for this table.
    fn command(&self) -> Outcome<impl Fn(&str) -> Command + Send + use<>> {
        let program = std::env::current_exe()?.with_file_name("rotator");
        let schema = self.folder.join("envelope.schema.json");
        let (world, loopback) = (Arc::clone(&self.world), Arc::clone(&self.loopback));
        let dynamodb = std::env::var("DYNAMODB_ENDPOINT")?;
        Ok(move |name: &str| {
            let mut command = Command::new(&program);
            command
                .args([name, "--table", &world.name, "--output", "json", "--schema"])
                .arg(&schema)
                .envs(loopback.environment())
                .env("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb)
                // There is no TLS here: unoptimised, reading the certificates of the system takes
                // longer than a part.
                .env("SSL_CERT_FILE", "/dev/null");
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
        let mut must = |holds: bool, problem: String| {
            if !holds {
                problems.push(problem);
            }
        };
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
            problems.len()
        );
        let details = found.differences.iter().chain(&events.violations).take(PRINTED);
        for problem in problems.iter().take(PRINTED).chain(details) {
            println!("  {problem}");
        }
        if problems.is_empty() {
            let _ = fs::remove_dir_all(&self.folder);
        } else {
            println!("what the processes printed is in {}", self.folder.display());
        }
        problems.is_empty()
    }
}

/// A folder beside the programs.
fn folder() -> Outcome<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("the program is in no target folder")?;
    Ok(target.join("million"))
}

/// The sums of the counts that the processes printed, those excepted that were killed.
fn tallies(logs: &Path) -> Outcome<BTreeMap<String, u64>> {
    let mut sums = BTreeMap::new();
    for entry in fs::read_dir(logs)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "out") {
            let printed = fs::read_to_string(&path)?;
            for document in serde_json::Deserializer::from_str(&printed).into_iter::<Value>() {
                match document {
                    Ok(document) => add(&document, &mut sums),
                    Err(error) => note(&path, &error),
                }
            }
        }
    }
    Ok(sums)
}

fn note(path: &Path, error: &dyn Error) {
    eprintln!("{}: {error}", path.display());
}

fn add(document: &Value, sums: &mut BTreeMap<String, u64>) {
    for (name, value) in document.as_object().into_iter().flatten() {
        match value {
            Value::Object(_) if name == "counts" => add(value, sums),
            Value::Number(number) => {
                *sums.entry(name.clone()).or_default() += number.as_u64().unwrap_or_default();
            }
            _ => {}
        }
    }
}
