//! The five steps of `docs/guide/migration.md`, and what must hold at each.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use envelope_dynamo::from_item;
use envelope_dynamo::item::PlaintextItems::{Read, ReadAndWrite, Refuse};
use envelope_examples::Servers;

use crate::bring_in::build::Build::{self, New, Old};
use crate::bring_in::events::{self, Events};
use crate::bring_in::fleet::{Fleet, Forgotten};
use crate::bring_in::records::{Record, record};
use crate::bring_in::sealing::{Sealed, Sealing, WORKERS};
use crate::bring_in::traffic::{Traffic, count_of};
use crate::bring_in::world::World;
use crate::compare::{Compare, Compared, Item, compare_all};
use crate::model::Model;
use crate::programs::{self, Problems};
use crate::random::Random;
use crate::watch::{Shared, Watcher};
use crate::{Outcome, stream};

/// Processes of the service.
const PROCESSES: u32 = 4;
/// Parts of the job that is killed.
const PARTS: u32 = 16;
/// A process that is killed has at most so many calls under way.
const IN_FLIGHT: u64 = 64;
/// What a process may use.
const MEMORY: u64 = 128 << 20;
/// So many operations pass between two replacements of a process, at least and at most: one for so
/// many items.
const PAUSES: [u64; 2] = [40, 500];
const ITEMS_OF_PAUSE: u64 = 100;

/// What to do, and how often.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The items of the table.
    pub items: u64,
    /// How many processes of the backfill are killed.
    pub kills: u64,
    /// Repeats the random numbers.
    pub seed: u64,
    /// The address of DynamoDB.
    pub endpoint: String,
}

/// The table, its processes, and what was found.
struct Scenario {
    plan: Plan,
    world: Arc<World>,
    model: Arc<Model>,
    traffic: Arc<Traffic>,
    sealing: Sealing,
    folder: PathBuf,
    jobs: Vec<Sealed>,
    coverages: u64,
    problems: Problems,
}

/// Takes a table in, and prints the figures. Returns whether all is as it must be.
///
/// # Errors
///
/// If a server or a process cannot be used.
pub async fn run(plan: Plan) -> Outcome<bool> {
    let mut scenario = Scenario::prepare(plan).await?;
    let [least, most] = PAUSES;
    let pause = (scenario.plan.items / ITEMS_OF_PAUSE).clamp(least, most);
    let mut fleet = Fleet::start(&scenario.traffic, PROCESSES, Old, pause);
    scenario.read_and_write(&mut fleet).await?;
    scenario.world.deny_old_role();
    let forgotten = Forgotten::start(&scenario.traffic);
    scenario.read(&mut fleet).await?;
    scenario.seal(&mut fleet).await?;
    scenario.prove(pause).await?;
    scenario.refuse(&mut fleet).await?;
    forgotten.end().await?;
    fleet.end().await?;
    scenario.judge().await
}

impl Scenario {
    async fn prepare(plan: Plan) -> Outcome<Self> {
        let random = Arc::new(Random::new(plan.seed));
        let world = Arc::new(World::create(Servers::from_env().await?).await?);
        println!(
            "{} plain items, {PROCESSES} processes of the service, {WORKERS} of the backfill, \
             {} kills, seed {}",
            plan.items, plan.kills, plan.seed
        );
        println!("{}", world.servers.describe());
        let started = Instant::now();
        world.seed(plan.items).await?;
        stream::enable(world.dynamodb(), &world.name).await?;
        println!("written in {} s", started.elapsed().as_secs());
        let model = Arc::new(Model::new(plan.items));
        let traffic = Traffic::new(Arc::clone(&world), Arc::clone(&model), Arc::clone(&random));
        let traffic = Arc::new(traffic);
        let watcher = Arc::new(Watcher::new(Arc::clone(&traffic), Arc::clone(&random)));
        let loopback = world.servers.loopback().kms_only();
        let loopback = Arc::new(loopback.watch(Shared(Arc::clone(&watcher))).start()?);
        let folder = programs::new_folder("bring-in", &world.name)?;
        let sealing = Sealing {
            world: Arc::clone(&world),
            watcher,
            loopback,
            endpoint: plan.endpoint.clone(),
            folder: folder.clone(),
            random,
        };
        Ok(Self {
            plan,
            world,
            model,
            traffic,
            sealing,
            folder,
            jobs: Vec::new(),
            coverages: 0,
            problems: Problems::default(),
        })
    }

    /// A deployment, and its way back, and forth again.
    async fn roll(&self, fleet: &mut Fleet, step: u32, [from, to]: [Build; 2]) -> Outcome<()> {
        let start = Instant::now();
        for build in [to, from, to] {
            fleet.roll_all(build).await?;
        }
        println!(
            "step {step}: {from:?} -> {to:?}, back, and forth again: {} s, {} plain items",
            start.elapsed().as_secs(),
            self.world.count_plain().await?
        );
        Ok(())
    }

    /// Step 1. Nothing is sealed, so the way back is the old build.
    async fn read_and_write(&mut self, fleet: &mut Fleet) -> Outcome<()> {
        self.roll(fleet, 1, [Old, New(ReadAndWrite)]).await?;
        let sealed = self.world.count_sealed().await?;
        self.problems.must(sealed == 0, format!("{sealed} items were sealed in step 1"));
        Ok(())
    }

    /// Step 2.
    async fn read(&mut self, fleet: &mut Fleet) -> Outcome<()> {
        self.roll(fleet, 2, [New(ReadAndWrite), New(Read)]).await
    }

    /// Step 3. Half of the table is sealed while half of the way back is gone, to `ReadAndWrite`.
    /// Then the rest with `Read` alone, so that the number of plain items can only fall.
    async fn seal(&mut self, fleet: &mut Fleet) -> Outcome<()> {
        self.way_back(fleet).await?;
        let due = self.world.count_plain().await?;
        let (parts, kills) = ([PARTS / 2, PARTS], self.plan.kills / 2);
        let job = self.sealing.run("half, beside ReadAndWrite", parts, kills, due / 2);
        self.jobs.push(job.await?);
        self.way_forth(fleet).await?;

        let due = self.world.count_plain().await?;
        let stop = AtomicBool::new(false);
        let job = async {
            let kills = self.plan.kills - kills;
            let done = self.sealing.run("all", [PARTS; 2], kills, due).await;
            stop.store(true, Ordering::SeqCst);
            done
        };
        let (done, doubts) = tokio::join!(job, self.sealing.doubt_coverage(&stop));
        self.jobs.push(done?);
        let (compared, problems) = doubts?;
        self.coverages += compared;
        self.problems.0.extend(problems);

        self.way_back(fleet).await?;
        while self.world.count_plain().await? == 0 {
            self.traffic.more(1).await;
        }
        let found = self.sealing.coverage().await?;
        self.problems.must(!found.holds, "coverage holds although ReadAndWrite has stored items");
        self.way_forth(fleet).await?;
        let due = self.world.count_plain().await?;
        self.jobs.push(self.sealing.run("the rest", [WORKERS; 2], 0, due).await?);
        self.problems.0.extend(self.sealing.watcher.settled().await);
        Ok(())
    }

    /// Half of the processes go back to `ReadAndWrite`.
    async fn way_back(&self, fleet: &mut Fleet) -> Outcome<()> {
        self.traffic.some_write_plain.store(true, Ordering::SeqCst);
        fleet.roll(PROCESSES as usize / 2, New(ReadAndWrite)).await
    }

    /// The last process that writes plain items goes.
    async fn way_forth(&mut self, fleet: &mut Fleet) -> Outcome<()> {
        self.traffic.some_write_plain.store(false, Ordering::SeqCst);
        self.problems.0.extend(self.sealing.watcher.settled().await);
        fleet.roll_all(New(Read)).await
    }

    /// Step 4.
    async fn prove(&mut self, pause: u64) -> Outcome<()> {
        let found = self.sealing.coverage().await?;
        self.coverages += 1;
        let plain = self.world.count_plain().await?;
        println!("step 4: {found:?}, and {plain} items are plain");
        self.problems.must(found.holds && plain == 0, format!("{found:?}, {plain} plain items"));
        let before = count_of(&self.world.plain.reads);
        self.traffic.more(pause).await;
        let reads = count_of(&self.world.plain.reads) - before;
        println!("plain reads: {before} until step 3 was done, {reads} after it");
        self.problems.must(before > 0, "no plain item was read");
        self.problems.must(reads == 0, format!("{reads} plain items were read after step 3"));
        Ok(())
    }

    /// Step 5.
    async fn refuse(&mut self, fleet: &mut Fleet) -> Outcome<()> {
        self.roll(fleet, 5, [New(Read), New(Refuse)]).await
    }

    /// Compares every item and every write with the model.
    async fn judge(mut self) -> Outcome<bool> {
        let start = Instant::now();
        let judge = Judge { world: Arc::clone(&self.world), model: Arc::clone(&self.model) };
        let (dynamodb, table) = (self.world.dynamodb(), &self.world.name);
        let found = compare_all(dynamodb, table, &self.model, judge).await?;
        let events = events::read(&self.world, &self.plan.endpoint).await?;
        println!("read and compared in {} s", start.elapsed().as_secs());
        self.judge_jobs(&events);
        self.judge_traffic(&events);
        let problems = &mut self.problems;
        problems.must(found.differences.is_empty(), format!("{} differ", found.differences.len()));
        println!(
            "{} items, {} differ, {} wrong writes, {} coverages compared, {} problems",
            found.items,
            found.differences.len(),
            events.violations.len(),
            self.coverages,
            problems.0.len()
        );
        let Compared { differences, .. } = &found;
        Ok(problems.conclude(differences.iter().chain(&events.violations), &self.folder))
    }

    /// What the jobs may have written, and asked KMS for.
    fn judge_jobs(&mut self, events: &Events) {
        let sum =
            |name: &str| -> u64 { self.jobs.iter().filter_map(|job| job.tallies.get(name)).sum() };
        let (changed, failed, overtaken) = (sum("changed"), sum("failed"), sum("overtaken"));
        let kills: u64 = self.jobs.iter().map(|job| u64::from(job.ending.kills)).sum();
        let memory = self.jobs.iter().map(|job| job.ending.peak_memory).max().unwrap_or(0);
        let by_others = count_of(&self.traffic.done.changes);
        let sealed = events.changes.saturating_sub(by_others);
        let calls = self.sealing.calls();
        let limit = sealed + self.traffic.done.writes() + IN_FLIGHT * kills;
        println!(
            "sealed by the jobs: {sealed}, as they say {changed} and what {kills} killed ones did \
             not say; overtaken {overtaken}; GenerateDataKey {calls}, at most {limit}; memory of a \
             process, at most {:.1} MiB",
            memory as f64 / f64::from(1 << 20)
        );
        let incomplete: Vec<_> = self
            .jobs
            .iter()
            .filter(|job| !job.ending.is_complete())
            .map(|job| &job.ending)
            .collect();
        let incomplete = format!("{incomplete:?}");
        let problems = &mut self.problems;
        problems.must(incomplete == "[]", format!("jobs failed: {incomplete}"));
        problems.must(kills == self.plan.kills, format!("{kills} kills, not {}", self.plan.kills));
        problems.must(failed == 0, format!("{failed} items could not be sealed"));
        // Each write takes a call, and processes that were killed did not say what they wrote.
        let possible = changed..=calls;
        problems.must(possible.contains(&sealed), format!("{sealed} writes, not {possible:?}"));
        problems.must(sealed <= events.seals, "a job has written a record that was sealed");
        problems.must(calls <= limit, format!("GenerateDataKey {calls}, at most {limit}"));
        problems.must(memory > 0 && memory <= MEMORY, format!("a process used {memory} bytes"));
        problems.must(overtaken > 0, "no record was overtaken: the test is too easy");
    }

    /// What the service did, and whether each write is an event.
    fn judge_traffic(&mut self, events: &Events) {
        let done = &self.traffic.done;
        let denied = count_of(&done.denied);
        println!(
            "reads compared {}, reads beside writers {}, writes {}, denied to the old role {denied}",
            count_of(&done.reads),
            count_of(&done.racing_reads),
            done.writes()
        );
        let Events { inserts, removes, changes, seals, .. } = events;
        println!("events: {inserts} inserts, {removes} removes, {changes} changes, {seals} seals");
        let problems = &mut self.problems;
        problems.0.extend(self.traffic.problems());
        problems.must(denied > 0, "the old role has tried nothing");
        let wrong = count_of(&self.world.plain.wrong_writes);
        problems.must(wrong == 0, format!("{wrong} plain items were written in Read or Refuse"));
        for (name, seen, made) in [
            ("inserts", events.inserts, count_of(&done.inserts)),
            ("removes", events.removes, count_of(&done.removes)),
        ] {
            problems.must(seen == made, format!("{name}: {seen} events, {made} writes"));
        }
        let violations = events.violations.len();
        problems.must(violations == 0, format!("{violations} wrong writes"));
    }
}

/// Opens each item as a process does that reads sealed records alone.
struct Judge {
    world: Arc<World>,
    model: Arc<Model>,
}

impl Compare for Judge {
    async fn compare(&self, index: u64, item: Item) -> Vec<String> {
        let Some(state) = self.model.state(index) else {
            return vec![format!("item {index} was never written")];
        };
        match from_item::<Record>(item, &self.world.provider()).await {
            Ok(stored) if stored == record(index, state) => Vec::new(),
            Ok(stored) => vec![format!("item {index} is {stored:?}, and must be {state:?}")],
            Err(error) => vec![format!("item {index}: {error}")],
        }
    }
}
