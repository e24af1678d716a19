//! A run of many processes that are killed, a second run, and what every search must find then.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use envelope_cli::Exit;
use envelope_dynamo::keys::SearchKeys;
use envelope_dynamo::{KmsKeyProvider, Table, from_item, to_item_with};
use envelope_examples::Servers;
use envelope_examples::servers::loopback::Loopback;
use serde_json::Value;

use crate::Outcome;
use crate::compare::{Compare, Item, compare_all};
use crate::job::{Ending, Order};
use crate::model::Model;
use crate::programs::{self, Problems, run_job, shown, tallies};
use crate::random::Random;
use crate::records::plain_item;
use crate::reindex::claims;
use crate::reindex::records::{Flavour, NAMES, Someone, World, person};
use crate::reindex::traffic::Traffic;
use crate::watch::{Shared, Watcher};

/// Processes at a time.
const WORKERS: u32 = 8;
/// Parts of the job that is killed, for many items and for few.
const PARTS: [u32; 2] = [64, 16];
const MANY_ITEMS: u64 = 5_000;
/// What a process may use.
const MEMORY: u64 = 128 << 20;
/// Kills fall into the first part of the work, so that each finds a process.
const KILLED_WITHIN_PERCENT: u64 = 85;
const FIRST_RUN: &str = "first run";
/// The tags of a person.
const TAGS: [&str; 2] = ["blind_email", "blind_name"];

/// Reindexes a table of `items` items, kills processes meanwhile, and prints the figures. Returns
/// whether all is as it must be. If the addresses of `S` are unique, the run also claims them.
///
/// # Errors
///
/// If a server or a process cannot be used.
pub async fn run<S: Someone>([items, kills, seed]: [u64; 3], endpoint: String) -> Outcome<bool> {
    let mut scenario = Scenario::<S>::prepare([items, kills, seed], endpoint).await?;
    scenario.first_run().await?;
    scenario.second_run().await?;
    scenario.retire().await?;
    scenario.judge().await
}

struct Scenario<S: Someone> {
    world: Arc<World>,
    model: Arc<Model>,
    random: Arc<Random>,
    traffic: Arc<Traffic<S>>,
    watcher: Arc<Watcher<Traffic<S>>>,
    loopback: Arc<Loopback>,
    endpoint: String,
    folder: PathBuf,
    kills: u64,
    problems: Problems,
}

impl<S: Someone> Scenario<S> {
    async fn prepare([items, kills, number]: [u64; 3], endpoint: String) -> Outcome<Self> {
        let random = Arc::new(Random::new(number));
        let start = Instant::now();
        let world = Arc::new(World::create::<S>(Servers::from_env().await?, items).await?);
        println!("{items} items, {WORKERS} processes, {kills} kills, seed {number}");
        println!("{}", world.servers.describe());
        println!("written in {} s", start.elapsed().as_secs());
        let model = Arc::new(Model::new(items));
        let traffic = Traffic::new(Arc::clone(&world), Arc::clone(&model), Arc::clone(&random));
        let traffic = Arc::new(traffic);
        let watcher = Arc::new(Watcher::new(Arc::clone(&traffic), Arc::clone(&random)));
        let loopback = world.servers.loopback().kms_only();
        let loopback = Arc::new(loopback.watch(Shared(Arc::clone(&watcher))).start()?);
        let folder = programs::new_folder("reindex", &world.name)?;
        fs::write(folder.join("envelope.schema.json"), World::schema::<S>())?;
        let problems = Problems::default();
        Ok(Self {
            world,
            model,
            random,
            traffic,
            watcher,
            loopback,
            endpoint,
            folder,
            kills,
            problems,
        })
    }

    /// The run that matters: with other writers, and kills.
    async fn first_run(&mut self) -> Outcome<()> {
        let items = self.model.items();
        let due = (0..items).filter(|index| Flavour::of(*index).is_due::<S>()).count() as u64;
        let [many, few] = PARTS;
        let parts = if items < MANY_ITEMS { few } else { many };
        let (watcher, kills) = (Arc::clone(&self.watcher), self.kills);
        let moments = due * KILLED_WITHIN_PERCENT / 100;
        let kill = move |orders| watcher.kill(orders, kills, moments);
        let (ending, counts) = self.job(FIRST_RUN, parts, kill).await?;
        let (made, memory) = (u64::from(ending.kills), ending.peak_memory);
        let overtaken = counts.get("overtaken").copied().unwrap_or_default();
        println!("{due} due, memory of a process, at most {:.1} MiB", memory as f64 / 1_048_576.0);
        let problems = &mut self.problems;
        problems.must(made == kills, format!("{made} kills, not {kills}"));
        problems.must(0 < memory && memory <= MEMORY, format!("a process used {memory} bytes"));
        problems.must(overtaken > 0, "no record was overtaken: the test is too easy");
        let (world, traffic, logs) = (&self.world, &self.traffic, self.logs(FIRST_RUN));
        let decided = claims::decide(world, &self.model, traffic, &logs, &mut self.problems);
        let decided = decided.await?;
        if S::IS_UNIQUE {
            let refused = self.traffic.taken.load(Ordering::SeqCst);
            println!("{decided} pairs had one address, {refused} writes by others were refused");
            self.problems.must(decided > 0, "no pair had one address: the test is too easy");
        }
        Ok(())
    }

    /// The same again. Nobody writes older tags any more, so there is nothing to do.
    async fn second_run(&mut self) -> Outcome<()> {
        let before = self.data_keys();
        let (_, counts) = self.job("second run", WORKERS, drop).await?;
        let (changed, made) = (counts.get("changed"), self.data_keys() - before);
        let has_nothing = changed == Some(&0) && made == 0;
        self.problems.must(has_nothing, format!("the second run changed {changed:?} records"));
        Ok(())
    }

    /// The data keys that the processes asked for.
    fn data_keys(&self) -> u64 {
        self.watcher.calls().get("GenerateDataKey").copied().unwrap_or_default()
    }

    async fn job(
        &mut self,
        name: &str,
        parts: u32,
        started: impl FnOnce(Sender<Order>),
    ) -> Outcome<(Ending, BTreeMap<String, u64>)> {
        let (sender, orders) = channel();
        started(sender);
        let (before, start) = (self.data_keys(), Instant::now());
        let logs = self.logs(name);
        let (command, key) = (self.of_table()?, self.world.servers.kms_key_id().to_owned());
        let (search, claims) = (self.search_keys(), self.world.claims.clone());
        let reindex = move || {
            let mut command = command("reindex");
            let part = format!("auto/{parts}");
            command.args(["--kms-key", &key, "--part", &part, "--max-kms", "100000"]).args(&search);
            command.args(claims.iter().flat_map(|table| ["--claims", table]));
            command
        };
        let ending = run_job([parts, WORKERS], &logs, reindex, orders, &self.random).await?;
        let seconds = start.elapsed().as_secs_f64();
        self.problems.0.extend(self.watcher.settled().await);
        let counts = tallies(&logs)?;
        println!(
            "{name}: {seconds:.0} s, {} processes, {} kills, exits {:?}, GenerateDataKey {}, {}",
            ending.starts,
            ending.kills,
            ending.exits,
            self.data_keys() - before,
            shown(&counts),
        );
        let failed = counts.get("failed").copied().unwrap_or_default();
        let problems = &mut self.problems;
        // Of two people with one address, one fails.
        let may_fail = S::IS_UNIQUE && name == FIRST_RUN;
        let has_left_over = |code: &i32| may_fail && *code == i32::from(Exit::LeftOver.code());
        let is_complete = !ending.job_failed && ending.failed.values().all(has_left_over);
        problems.must(is_complete, format!("{name}: failed {:?}", ending.failed));
        problems.must(failed == 0 || may_fail, format!("{name}: {failed} records failed"));
        Ok((ending, counts))
    }

    /// The folder of what the processes of a job print.
    fn logs(&self, name: &str) -> PathBuf {
        self.folder.join(name.replace(' ', "-"))
    }

    /// The count that the command makes, and the end of the rotation.
    async fn retire(&mut self) -> Outcome<()> {
        let command = self.of_table()?;
        let search = self.search_keys();
        let counted = output(move || {
            let mut command = command("stale");
            command.args(search);
            command
        });
        let counted = counted.await?;
        let report: Value = serde_json::from_slice(&counted.stdout)?;
        let number = |name: &str| report.get(name).and_then(Value::as_u64);
        println!("stale: {}, {:?} records", counted.status, number("records"));
        let is_clean = counted.status.success() && number("stale") == Some(0);
        self.problems.must(is_clean, format!("stale says {report}"));
        self.world.store().retire("people").await?;
        Ok(())
    }

    /// The command `envelope`, for this table.
    fn of_table(&self) -> Outcome<impl Fn(&str) -> Command + Send + use<S>> {
        let schema = self.folder.join("envelope.schema.json");
        let command =
            programs::command("rotator", &self.world.name, &self.loopback, &self.endpoint)?;
        Ok(move |name: &str| {
            let mut command = command(name);
            command.arg("--schema").arg(&schema);
            command
        })
    }

    fn search_keys(&self) -> [String; 4] {
        let World { search_keys, search_kms_key, .. } = &*self.world;
        ["--search-keys", search_keys, "--search-kms-key", search_kms_key].map(str::to_owned)
    }

    /// Compares every item with the model, and searches for each.
    async fn judge(mut self) -> Outcome<bool> {
        let start = Instant::now();
        // Another process, which knows only the version that is left.
        let judge = Judge::<S> {
            model: Arc::clone(&self.model),
            people: self.world.people(),
            provider: self.world.provider(),
            keys: self.world.keys(),
        };
        let (dynamodb, table) = (self.world.dynamodb(), &self.world.name);
        let found = compare_all(dynamodb, table, &self.model, judge).await?;
        let named = self.search_for_names().await?;
        let differ = found.differences.len();
        println!(
            "{} items compared and searched for, {NAMES} names that {named} people have, {} writes \
             by others, in {} s",
            found.items,
            self.traffic.writes.load(Ordering::SeqCst),
            start.elapsed().as_secs()
        );
        self.problems.must(differ == 0, format!("{differ} items differ"));
        claims::compare(&self.world, &mut self.problems).await?;
        println!("{differ} differ, {} problems", self.problems.0.len());
        Ok(self.problems.conclude(found.differences.iter(), &self.folder))
    }

    /// Searches for every name, and compares the people with the model.
    async fn search_for_names(&mut self) -> Outcome<u64> {
        let people = self.world.people::<S>();
        let mut all = 0;
        for number in 0..NAMES {
            let name = crate::reindex::records::name(number);
            let mut found = S::by_name(&people, &name).await?;
            found.sort_unstable();
            let exists = |index: &u64| {
                let state = self.model.state(*index);
                let is_sealed = Flavour::of(*index) != Flavour::Plain;
                is_sealed && state.is_some_and(|state| state.exists)
            };
            let has_name = |index: &u64| index % NAMES == number;
            let must: Vec<_> = (0..self.model.items()).filter(has_name).filter(exists).collect();
            let problem = || format!("{name}: {} people, not {}", found.len(), must.len());
            if found != must {
                self.problems.0.push(problem());
            }
            all += must.len() as u64;
        }
        Ok(all)
    }
}

/// Runs a command, while the servers of this process go on.
async fn output(command: impl FnOnce() -> Command + Send + 'static) -> Outcome<Output> {
    Ok(tokio::task::spawn_blocking(move || command().output()).await??)
}

/// Opens each item, compares its tags with those that a writer computes, and searches for it.
struct Judge<S: Someone> {
    model: Arc<Model>,
    people: Table<S>,
    provider: KmsKeyProvider,
    keys: SearchKeys,
}

impl<S: Someone> Compare for Judge<S> {
    async fn compare(&self, index: u64, item: Item) -> Vec<String> {
        let Some(state) = self.model.state(index) else {
            return vec![format!("item {index} was never written")];
        };
        if Flavour::of(index) == Flavour::Plain {
            let is_same = item == plain_item(index, state.logins);
            let problem = || format!("item {index} is not as it was written");
            return if is_same { Vec::new() } else { vec![problem()] };
        }
        let expected = person::<S>(index, state);
        let problem = self.problem(&item, &expected).await.err();
        problem.into_iter().map(|problem| format!("item {index}: {problem}")).collect()
    }
}

impl<S: Someone> Judge<S> {
    async fn problem(&self, item: &Item, expected: &S) -> Outcome<()> {
        let new = to_item_with(expected, &self.provider, &self.keys).await?;
        if TAGS.iter().any(|name| item.get(*name) != new.get(*name)) {
            return Err("its tags are not those of its values".into());
        }
        let stored = from_item::<S>(item.clone(), &self.provider).await?;
        if stored != *expected {
            return Err(format!("it must be {expected:?}").into());
        }
        if let Some(email) = expected.clone().email_mut() {
            let found = S::by_email(&self.people, email).await?;
            if found.iter().any(|found| found.as_ref() != Some(expected)) {
                return Err("a search by its address does not find it".into());
            }
        }
        Ok(())
    }
}
