//! Step 3: jobs of many processes that seal what is left, and the coverage beside them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Instant;

use envelope_examples::servers::loopback::Loopback;
use serde_json::Value;

use crate::Outcome;
use crate::bring_in::traffic::Traffic;
use crate::bring_in::world::World;
use crate::job::Ending;
use crate::programs::{self, run_job, shown, tallies};
use crate::random::Random;
use crate::watch::Watcher;

/// Processes at a time.
pub const WORKERS: u32 = 4;
/// Kills fall into the first part of the work, so that each finds a process.
const KILLED_WITHIN_PERCENT: u64 = 85;

/// What a job needs.
#[derive(Debug)]
pub struct Sealing {
    /// The table.
    pub world: Arc<World>,
    /// Makes others write at the worst moments.
    pub watcher: Arc<Watcher<Traffic>>,
    /// KMS, as the processes reach it.
    pub loopback: Arc<Loopback>,
    /// The address of DynamoDB.
    pub endpoint: String,
    /// For what the processes print.
    pub folder: PathBuf,
    /// Chooses the processes that are killed.
    pub random: Arc<Random>,
}

/// How a job ended.
#[derive(Debug)]
pub struct Sealed {
    /// The processes.
    pub ending: Ending,
    /// The sums of their counts, those excepted that were killed.
    pub tallies: BTreeMap<String, u64>,
}

/// What a coverage found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Whether every item is sealed, as it says.
    pub holds: bool,
    /// The items that are not sealed, as it says.
    pub not_sealed: u64,
}

impl Sealing {
    /// Runs a job of the first `parts` of `of` parts, and kills processes at random moments while
    /// it seals `due` items.
    ///
    /// # Errors
    ///
    /// If a process cannot be started.
    pub async fn run(
        &self,
        name: &str,
        [parts, of]: [u32; 2],
        kills: u64,
        due: u64,
    ) -> Outcome<Sealed> {
        let (sender, orders) = channel();
        if kills > 0 {
            self.watcher.kill(sender, kills, due * KILLED_WITHIN_PERCENT / 100);
        }
        let (before, start) = (self.calls(), Instant::now());
        let logs = self.folder.join(name.replace(' ', "-"));
        let (command, part, key) = (self.command()?, format!("auto/{of}"), self.world.key.clone());
        let backfill = move || {
            let mut command = command("backfill");
            command.args(["--part", &part, "--kms-key", &key, "--max-kms", "100000"]);
            // DynamoDB Local has no point-in-time recovery.
            command.arg("--without-recovery");
            command
        };
        let ending = run_job([parts, WORKERS], &logs, backfill, orders, &self.random).await?;
        let tallies = tallies(&logs)?;
        println!(
            "step 3, {name}: {:.0} s, {due} plain items before, {} processes, {} kills, exits {:?}, \
             GenerateDataKey {}, {}",
            start.elapsed().as_secs_f64(),
            ending.starts,
            ending.kills,
            ending.exits,
            self.calls() - before,
            shown(&tallies),
        );
        Ok(Sealed { ending, tallies })
    }

    /// The calls of `GenerateDataKey` so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.watcher.calls().get("GenerateDataKey").copied().unwrap_or_default()
    }

    /// Asks the command whether every item is sealed.
    ///
    /// # Errors
    ///
    /// If it does not say.
    pub async fn coverage(&self) -> Outcome<Coverage> {
        let command = self.command()?;
        let asked = tokio::task::spawn_blocking(move || {
            command("coverage").arg("--expect-sealed").output()
        });
        let asked = asked.await??;
        let said = String::from_utf8_lossy(&asked.stderr);
        let report: Value = serde_json::from_slice(&asked.stdout)
            .map_err(|error| format!("coverage: {}: {error}: {said}", asked.status))?;
        let not_sealed = report.pointer("/read/not_sealed").and_then(Value::as_u64);
        let not_sealed = not_sealed.ok_or_else(|| format!("coverage printed {report}"))?;
        Ok(Coverage { holds: asked.status.success(), not_sealed })
    }

    /// Compares the coverage with a count of its own, until `stop`, while the number of plain items
    /// can only fall. Returns how often it did, and what was wrong.
    ///
    /// # Errors
    ///
    /// If the table cannot be read.
    pub async fn doubt_coverage(&self, stop: &AtomicBool) -> Outcome<(u64, Vec<String>)> {
        let (mut compared, mut problems) = (0, Vec::new());
        let mut before = self.world.count_plain().await?;
        while !stop.load(Ordering::SeqCst) {
            let found = self.coverage().await?;
            let after = self.world.count_plain().await?;
            if !(after..=before).contains(&found.not_sealed) {
                let counted = format!("{before} before it and {after} after it");
                problems.push(format!("coverage: {found:?}, but plain items were {counted}"));
            }
            if found.holds && after > 0 {
                problems.push(format!("coverage: all are sealed, but {after} items are plain"));
            }
            (compared, before) = (compared + 1, after);
        }
        Ok((compared, problems))
    }

    /// The command of a program that knows the record types.
    fn command(&self) -> Outcome<impl Fn(&str) -> Command + Send + use<>> {
        programs::command("sealer", &self.world.name, &self.loopback, &self.endpoint)
    }
}
