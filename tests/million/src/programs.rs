//! What the programs of this package have in common: arguments, a folder, jobs, and a verdict.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use envelope_examples::servers::loopback::Loopback;
use serde_json::Value;

use crate::Outcome;
use crate::engine::Engine;
use crate::job::{Ending, Job, Order};
use crate::random::Random;

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(30);
/// So many problems are printed, and so many differences.
const PRINTED: usize = 20;

/// The arguments `ITEMS KILLS [SEED]`. Without a seed, the time is one.
///
/// # Errors
///
/// If there are others.
pub fn arguments(program: &str) -> Outcome<[u64; 3]> {
    parsed(program, &std::env::args().skip(1).collect::<Vec<_>>())
}

/// The same, and whether the word `flag` stands before them.
///
/// # Errors
///
/// If there are others.
pub fn arguments_after(flag: &str, program: &str) -> Outcome<(bool, [u64; 3])> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((first, words)) if first == flag => Ok((true, parsed(program, words)?)),
        _ => Ok((false, parsed(&format!("{program} [{flag}]"), &words)?)),
    }
}

fn parsed(program: &str, words: &[String]) -> Outcome<[u64; 3]> {
    let number = |word: &String| word.replace(',', "").parse::<u64>();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    match words {
        [items, kills] => Ok([number(items)?, number(kills)?, now]),
        [items, kills, seed] => Ok([number(items)?, number(kills)?, number(seed)?]),
        _ => Err(format!("usage: {program} ITEMS KILLS [SEED]").into()),
    }
}

/// The address of DynamoDB.
///
/// # Errors
///
/// If the environment does not name one.
pub fn dynamodb_endpoint(program: &str) -> Outcome<String> {
    std::env::var("DYNAMODB_ENDPOINT").map_err(|_| {
        format!("DYNAMODB_ENDPOINT is unset: start {program} with its script in tests/").into()
    })
}

/// The exit code of a program whose result is whether everything is as it must be.
#[must_use]
pub fn exit(program: &str, result: Outcome<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{program}: {error:?}");
            ExitCode::FAILURE
        }
    }
}

/// A folder beside the programs, for the files of one run.
///
/// # Errors
///
/// If it cannot be created.
pub fn new_folder(program: &str, run: &str) -> Outcome<PathBuf> {
    let path = std::env::current_exe()?;
    let target = path.ancestors().nth(2).ok_or("the program is in no target folder")?;
    let folder = target.join(program).join(run);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A program that was built beside this one.
///
/// # Errors
///
/// If the path of this one is unknown.
pub fn beside(program: &str) -> Outcome<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(program))
}

/// The command of a program that was built beside this one, for a table: with the servers that it
/// needs, and JSON as output.
///
/// # Errors
///
/// If the path of this program is unknown.
pub fn command(
    program: &str,
    table: &str,
    loopback: &Arc<Loopback>,
    dynamodb_endpoint: &str,
) -> Outcome<impl Fn(&str) -> Command + Send + use<>> {
    let (program, table, loopback) = (beside(program)?, table.to_owned(), Arc::clone(loopback));
    let endpoint = dynamodb_endpoint.to_owned();
    Ok(move |name: &str| {
        let mut command = Command::new(&program);
        command
            .args([name, "--table", &table, "--output", "json"])
            .envs(loopback.environment())
            .env("AWS_ENDPOINT_URL_DYNAMODB", &endpoint)
            // There is no TLS here: unoptimised, reading the certificates of the system takes
            // longer than a part.
            .env("SSL_CERT_FILE", "/dev/null");
        command
    })
}

/// Runs a job of `parts` parts in `slots` processes at a time, by the rules of the manifest for
/// Kubernetes. Other tasks go on meanwhile.
///
/// # Errors
///
/// If a process cannot be started or looked at.
pub async fn run_job(
    [parts, slots]: [u32; 2],
    logs: &Path,
    command: impl Fn() -> Command + Send + 'static,
    orders: Receiver<Order>,
    random: &Arc<Random>,
) -> Outcome<Ending> {
    let (logs, random) = (logs.to_owned(), Arc::clone(random));
    let job = tokio::task::spawn_blocking(move || {
        let engine = Engine::kubernetes(include_str!("../../../deploy/kubernetes/rewrap.yaml"))?;
        let (slots, grace) = (slots as usize, GRACE);
        let job = Job { engine: &engine, parts, slots, grace, logs: &logs };
        Outcome::Ok(job.run(command, orders, &random)?)
    });
    job.await?
}

/// The sums of the counts that the processes printed, those excepted that were killed.
///
/// # Errors
///
/// If what they printed cannot be read.
pub fn tallies(logs: &Path) -> Outcome<BTreeMap<String, u64>> {
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

/// Sums as text: `changed 20, failed 0`.
#[must_use]
pub fn shown(sums: &BTreeMap<String, u64>) -> String {
    sums.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ")
}

/// What is not as it must be.
#[derive(Clone, Debug, Default)]
pub struct Problems(pub Vec<String>);

impl Problems {
    /// Notes a problem unless `holds`.
    pub fn must(&mut self, holds: bool, problem: impl Into<String>) {
        if !holds {
            self.0.push(problem.into());
        }
    }

    /// Prints the problems and `details`. Without problems, removes `folder`, which has what the
    /// processes printed.
    pub fn conclude<'d>(&self, details: impl Iterator<Item = &'d String>, folder: &Path) -> bool {
        self.0.iter().take(PRINTED).for_each(|problem| println!("  {problem}"));
        details.take(PRINTED).for_each(|detail| println!("  {detail}"));
        if self.0.is_empty() {
            let _ = fs::remove_dir_all(folder);
        } else {
            println!("what the processes printed is in {}", folder.display());
        }
        self.0.is_empty()
    }
}
