//! What becomes of parts by the exit of their processes, under the rules of the manifests in
//! `deploy/`. The processes are shell scripts.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use envelope_million_tests::engine::{Ended, Engine, Verdict};
use envelope_million_tests::job::{Ending, Job, Order};
use envelope_million_tests::random::Random;

fn kubernetes() -> Engine {
    Engine::kubernetes(include_str!("../../../deploy/kubernetes/rewrap.yaml")).unwrap()
}

fn batch() -> Engine {
    Engine::batch(include_str!("../../../deploy/batch/job-definition.json")).unwrap()
}

/// A folder of a test, which is removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Waits until a process has made the file `name`.
    fn wait_for(&self, name: &str) {
        while !self.0.join(name).exists() {
            thread::yield_now();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a job whose processes are shell scripts. `$I` is the number of the part, `$F` the folder.
fn run(
    engine: &Engine,
    parts: u32,
    folder: &Folder,
    script: &str,
    orders: Receiver<Order>,
) -> Ending {
    run_in(4, engine, parts, folder, script, orders)
}

/// The same with another number of processes at a time.
fn run_in(
    slots: usize,
    engine: &Engine,
    parts: u32,
    folder: &Folder,
    script: &str,
    orders: Receiver<Order>,
) -> Ending {
    let logs = folder.0.join("logs");
    let grace = Duration::from_secs(2);
    let job = Job { engine, parts, slots, grace, logs: &logs };
    let script = format!("I=${}; {script}", engine.index_variable);
    let command = || {
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env("F", &folder.0);
        command
    };
    job.run(command, orders, &Random::new(1)).unwrap()
}

fn undisturbed() -> (Sender<Order>, Receiver<Order>) {
    channel()
}

fn starts_of(folder: &Path, part: u32) -> usize {
    let name = format!("{part}.");
    let names = fs::read_dir(folder.join("logs")).unwrap().map(|entry| entry.unwrap().file_name());
    let of_part = names.filter(|file| {
        let file = file.to_string_lossy();
        file.starts_with(&name) && file.ends_with(".out")
    });
    of_part.count()
}

#[test]
fn the_manifests_decide_by_the_exit_codes_of_the_contract() {
    let again = Verdict::Retry { counts: true };
    let free = Verdict::Retry { counts: false };
    let (kubernetes, batch) = (kubernetes(), batch());
    for engine in [&kubernetes, &batch] {
        assert_eq!(engine.verdict(Ended::Exit(0)), Verdict::Done);
        assert_eq!(engine.verdict(Ended::Exit(3)), Verdict::FailPart);
        assert_eq!(engine.verdict(Ended::Suspended), free);
        for code in [1, 75, 137, 143] {
            assert_eq!(engine.verdict(Ended::Exit(code)), again);
        }
    }
    assert_eq!(kubernetes.verdict(Ended::Exit(2)), Verdict::FailJob);
    assert_eq!(kubernetes.verdict(Ended::HostLost), free);
    // Batch cannot end the other parts: each ends with 2 by itself.
    assert_eq!(batch.verdict(Ended::Exit(2)), Verdict::FailPart);
    assert_eq!(batch.verdict(Ended::HostLost), again);
    assert_eq!((kubernetes.failures_allowed, batch.failures_allowed), (50, 9));
}

#[test]
fn a_part_is_started_again_until_it_is_done() {
    for engine in [kubernetes(), batch()] {
        let folder = Folder::new(engine.index_variable);
        // Fails twice, stops once in time, then is done.
        let script = "echo >>$F/$I; case $(wc -l <$F/$I) in 1|2) exit 1;; 3) exit 75;; esac";
        let ending = run(&engine, 6, &folder, script, undisturbed().1);
        assert!(ending.is_complete());
        assert_eq!(ending.done, BTreeSet::from_iter(0..6));
        assert_eq!(ending.starts, 24);
        assert_eq!(ending.exits, [(0, 6), (1, 12), (75, 6)].into());
    }
}

#[test]
fn a_part_that_always_fails_is_given_up_and_the_others_are_done() {
    let (folder, engine) = (Folder::new("gives-up"), batch());
    let ending = run(&engine, 4, &folder, "[ $I != 2 ]", undisturbed().1);
    assert_eq!(ending.failed, [(2, 1)].into());
    assert_eq!(ending.done, [0, 1, 3].into());
    assert_eq!(starts_of(&folder.0, 2), 10, "Batch makes ten attempts");
}

#[test]
fn a_part_with_failed_records_fails_alone_and_is_not_tried_again() {
    for engine in [kubernetes(), batch()] {
        let folder = Folder::new(&format!("failed-{}", engine.index_variable));
        let ending = run(&engine, 8, &folder, "[ $I = 5 ] && exit 3 || exit 0", undisturbed().1);
        assert_eq!(ending.failed, [(5, 3)].into());
        assert_eq!((ending.done.len(), ending.starts, ending.job_failed), (7, 8, false));
    }
}

#[test]
fn a_mistake_of_the_operator_stops_all_parts_on_kubernetes() {
    let folder = Folder::new("mistake");
    // The others never end by themselves.
    let script = "[ $I = 0 ] && exit 2; exec sleep 1000";
    let ending = run(&kubernetes(), 100, &folder, script, undisturbed().1);
    assert!(ending.job_failed);
    assert!(ending.starts <= 8, "{} processes were started", ending.starts);
    assert_eq!(ending.failed.get(&0), Some(&2));
}

#[test]
fn a_drained_process_gets_time_and_then_none() {
    let (folder, (sender, orders)) = (Folder::new("drained"), undisturbed());
    // The first process ends in time, the second ignores the signal, the third is done.
    let script = "echo >>$F/n; case $(wc -l <$F/n) in
        1) trap 'exit 75' TERM; touch $F/1; while :; do sleep 0.01; done;;
        2) trap '' TERM; touch $F/2; while :; do sleep 0.01; done;;
    esac";
    let files = &folder;
    let ending = thread::scope(|scope| {
        let job = scope.spawn(move || run(&kubernetes(), 1, files, script, orders));
        for name in ["1", "2"] {
            folder.wait_for(name);
            sender.send(Order::Drain).unwrap();
        }
        job.join().unwrap()
    });
    assert!(ending.is_complete());
    assert_eq!(ending.exits, [(0, 1), (75, 1), (137, 1)].into());
    assert_eq!(ending.outlived_grace, 1);
}

#[test]
fn a_suspended_job_ends_its_processes_and_goes_on_later() {
    let (folder, (sender, orders)) = (Folder::new("suspended"), undisturbed());
    let script = "[ -e $F/second ] && exit 0; trap 'touch $F/$I.ends; exit 75' TERM
        touch $F/$I.runs; while :; do sleep 0.01; done";
    let files = &folder;
    let ending = thread::scope(|scope| {
        let job = scope.spawn(move || run(&batch(), 6, files, script, orders));
        (0..4).for_each(|part| folder.wait_for(&format!("{part}.runs")));
        sender.send(Order::Suspend).unwrap();
        (0..4).for_each(|part| folder.wait_for(&format!("{part}.ends")));
        fs::write(folder.0.join("second"), "").unwrap();
        sender.send(Order::Slots(2)).unwrap();
        sender.send(Order::Resume).unwrap();
        job.join().unwrap()
    });
    assert!(ending.is_complete());
    assert_eq!(ending.exits, [(0, 6), (75, 4)].into());
}

#[test]
fn killed_processes_are_started_again_and_their_memory_was_seen() {
    let (folder, (sender, orders)) = (Folder::new("killed"), undisturbed());
    let script = "[ -e $F/$I ] && exit 0; touch $F/$I; while :; do sleep 0.01; done";
    let files = &folder;
    let ending = thread::scope(|scope| {
        let job = scope.spawn(move || run_in(1, &kubernetes(), 6, files, script, orders));
        for part in 0..6 {
            folder.wait_for(&part.to_string());
            sender.send(if part % 2 == 0 { Order::Kill } else { Order::LoseHost }).unwrap();
        }
        job.join().unwrap()
    });
    assert!(ending.is_complete());
    assert_eq!((ending.kills, ending.starts), (6, 12));
    assert_eq!(ending.exits, [(0, 6), (137, 6)].into());
    assert!(ending.peak_memory > 0);
}
