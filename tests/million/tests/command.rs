//! The command of the manifests, started by the rules of the manifests, with embedded servers.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_examples::servers::loopback::Loopback;
use envelope_examples::{Fault, Faults, Servers};
use envelope_million_tests::check::check;
use envelope_million_tests::engine::Engine;
use envelope_million_tests::job::{Ending, Job, Order};
use envelope_million_tests::model::Model;
use envelope_million_tests::random::Random;
use envelope_million_tests::records::{Flavour, World, id};
use envelope_million_tests::seed::seed;
use envelope_million_tests::watch::{Shared, Watcher};
use envelope_million_tests::writers::Writers;

const MANIFEST: &str = include_str!("../../../deploy/kubernetes/rewrap.yaml");
const DEFINITION: &str = include_str!("../../../deploy/batch/job-definition.json");
const ITEMS: u64 = 400;
const PARTS: u32 = 8;

/// A table, the servers at ports, and what may happen there.
struct Scene {
    world: Arc<World>,
    loopback: Loopback,
    faults: Faults,
    folder: PathBuf,
}

impl Scene {
    async fn new(items: u64) -> Self {
        let world = Arc::new(World::create(Servers::embedded().await.unwrap()).await.unwrap());
        seed(&world, items).await.unwrap();
        let faults = Faults::new();
        let loopback = world.servers.loopback().faults(&faults).start().unwrap();
        let folder = std::env::temp_dir().join(&world.name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("schema.json"), World::schema()).unwrap();
        Self { world, loopback, faults, folder }
    }

    /// Runs the job, as `engine` would.
    fn run(&self, engine: &Engine, orders: impl FnOnce(Sender<Order>)) -> Ending {
        let (sender, receiver) = channel();
        orders(sender);
        let logs = self.folder.join("logs");
        let grace = Duration::from_secs(60);
        let job = Job { engine, parts: PARTS, slots: 3, grace, logs: &logs };
        job.run(|| self.command(), receiver, &Random::new(1)).unwrap()
    }

    /// The command of the manifest, for this table and these keys.
    fn command(&self) -> Command {
        let (_, rest) = MANIFEST.split_once("args:\n").unwrap();
        let (list, _) = rest.split_once("env:\n").unwrap();
        let words = list.lines().filter_map(|line| line.trim().strip_prefix("- "));
        let mut words: Vec<String> =
            words.map(|word| word.split(" #").next().unwrap().replace('"', "")).collect();
        let part = format!("auto/{PARTS}");
        let schema = self.folder.join("schema.json").display().to_string();
        let ours = [
            ("--table", self.world.name.as_str()),
            ("--schema", &schema),
            ("--from", &self.world.from),
            ("--to", &self.world.to),
            ("--part", &part),
        ];
        for (flag, value) in ours {
            let at = words.iter().position(|word| word == flag).unwrap();
            *words.get_mut(at + 1).unwrap() = value.to_owned();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_rotator"));
        command.args(words).envs(self.loopback.environment());
        command.env("SSL_CERT_FILE", "/dev/null"); // no TLS here, and reading them takes long
        command
    }

    fn printed(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join("logs").join(name)).unwrap()
    }

    /// The items that differ from the first generation.
    async fn differences(&self) -> Vec<String> {
        let found = check(&self.world, &Arc::new(Model::new(ITEMS))).await.unwrap();
        assert_eq!(found.compared, ITEMS);
        found.differences
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(Path::new(&self.folder));
    }
}

fn kubernetes() -> Engine {
    Engine::kubernetes(MANIFEST).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_schedulers_move_every_record() {
    for engine in [kubernetes(), Engine::batch(DEFINITION).unwrap()] {
        let scene = Scene::new(ITEMS).await;
        let ending = scene.run(&engine, drop);
        assert!(ending.is_complete(), "{}", scene.printed("0.1.err"));
        assert_eq!(ending.exits, [(0, PARTS)].into());
        assert_eq!(scene.differences().await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_drained_processes_lose_nothing() {
    let mut scene = Scene::new(ITEMS).await;
    let random = Arc::new(Random::new(7));
    let model = Arc::new(Model::new(ITEMS));
    let writers = Writers::new(Arc::clone(&scene.world), Arc::clone(&model), Arc::clone(&random));
    let writers = Arc::new(writers);
    let watcher = Arc::new(Watcher::new(Arc::clone(&writers), random));
    let loopback = scene.world.servers.loopback().watch(Shared(Arc::clone(&watcher)));
    scene.loopback = loopback.start().unwrap();
    let ending = scene.run(&kubernetes(), |orders| {
        orders.send(Order::Drain).unwrap();
        watcher.kill(orders, 5, 250);
    });
    assert_eq!(watcher.settled().await, [""; 0]);
    assert!(ending.is_complete(), "{:?}", ending.failed);
    assert_eq!(ending.kills, 5);
    // Some writers had the old key, so a second run follows, when all have the new one.
    writers.some_are_old.store(false, Ordering::SeqCst);
    assert!(scene.run(&kubernetes(), drop).is_complete());
    assert_eq!(watcher.settled().await, [""; 0]);
    let found = check(&scene.world, &model).await.unwrap();
    assert_eq!(found.differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_permission_fails_the_job_and_no_data_key_moves() {
    // A process ends after 80 refusals without one success, so its part must have more records. A
    // record that has the new key already is a success: it loses the old one without a call to KMS.
    let items = 4 * ITEMS;
    let scene = Scene::new(items).await;
    for index in (0..items).filter(|index| Flavour::of(*index) == Flavour::BothKeys) {
        let delete = scene.world.dynamodb().delete_item().table_name(&scene.world.name);
        delete.key("id", AttributeValue::S(id(index))).send().await.unwrap();
    }
    scene.faults.fail_always("ReEncrypt", Fault::error("AccessDeniedException"));
    let ending = scene.run(&kubernetes(), drop);
    assert!(ending.job_failed, "{:?}", ending.exits);
    assert!(ending.exits.contains_key(&2), "{:?}", ending.exits);
    assert_eq!(scene.faults.calls("UpdateItem"), 0);
    let model = Arc::new(Model::new(items));
    let under_old_key = check(&scene.world, &model).await.unwrap().under_old_key;
    let due = (0..items).filter(|index| Flavour::of(*index).calls() > 0).count();
    assert_eq!(under_old_key, due as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_record_fails_its_part_alone_and_is_named() {
    let scene = Scene::new(ITEMS).await;
    let update = scene.world.dynamodb().update_item().table_name(&scene.world.name);
    let update = update.key("id", AttributeValue::S(id(10)));
    let update = update.update_expression("SET encrypted_dek = :junk");
    let junk = AttributeValue::B(Blob::new(b"junk"));
    update.expression_attribute_values(":junk", junk).send().await.unwrap();
    let ending = scene.run(&kubernetes(), drop);
    assert_eq!(ending.exits, [(0, PARTS - 1), (3, 1)].into());
    let part = *ending.failed.keys().next().unwrap();
    let printed = scene.printed(&format!("{part}.1.out"));
    assert!(printed.contains(&id(10)), "{printed}");
    let differences = scene.differences().await;
    assert!(!differences.is_empty(), "the check does not see the broken record");
    assert!(differences.iter().all(|it| it.starts_with("item 10")), "{differences:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_job_stops_in_time_and_goes_on() {
    let scene = Scene::new(ITEMS).await;
    scene.faults.hold("ReEncrypt");
    let ending = scene.run(&kubernetes(), |orders| {
        let faults = scene.faults.clone();
        std::thread::spawn(move || {
            while faults.calls("ReEncrypt") == 0 {
                std::thread::yield_now();
            }
            for order in [Order::Suspend, Order::Resume] {
                orders.send(order).unwrap();
            }
            faults.release("ReEncrypt");
        });
    });
    assert!(ending.is_complete(), "{:?}", ending.exits);
    assert_eq!(ending.outlived_grace, 0);
    assert_eq!(scene.differences().await, [""; 0]);
}
