//! What the commands that run over a table have in common.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use clap::Args;
use envelope_dynamo::maintain::{
    Counts, Limits, Part, Refusal, Run, RunError, RunErrorKind, RunEvent, SchemaFile, StoredTable,
    TableInfo,
};
use serde::Serialize;
use serde_json::Value;

use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::figures::{count, parse_duration, parse_rate, units};
use crate::input::Logical;
use crate::output::{self, Output};
use crate::part::PartArg;
use crate::progress::Progress;
use crate::schema_source::SchemaArgs;
use crate::stop::Stop;

/// The table of a run.
#[derive(Args, Clone, Debug)]
pub(crate) struct TableArgs {
    /// The table, by its physical name
    #[arg(long, value_name = "NAME")]
    pub(crate) table: String,

    #[command(flatten)]
    pub(crate) schema: SchemaArgs,

    #[command(flatten)]
    pub(crate) logical: Logical,
}

impl TableArgs {
    /// The table, as the schema describes it.
    pub(crate) fn open(
        &self,
        aws: &Aws,
        of_code: Option<SchemaFile>,
    ) -> Result<StoredTable, Failure> {
        let schema = self.schema.load(of_code)?;
        let logical = self.logical.of(&schema)?;
        let table = StoredTable::new(aws.dynamodb.clone(), &schema, logical)
            .map_err(|error| Failure::act_now(error.to_string()))?;
        Ok(table.named(&self.table))
    }
}

/// What a run may use, and how long.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of a run")]
pub(crate) struct RunArgs {
    /// The part of the table to work on, such as 17/256, counted from 0
    ///
    /// With auto/256, Kubernetes or AWS Batch names the part: JOB_COMPLETION_INDEX or
    /// AWS_BATCH_JOB_ARRAY_INDEX.
    #[arg(long, value_name = "INDEX/COUNT|auto/COUNT", verbatim_doc_comment)]
    pub(crate) part: Option<PartArg>,

    /// Change nothing; print what the run would do, how long it would take, and what it would cost
    ///
    /// It reads whole items, of a large table only a sample. Prices are AWS's list prices, with
    /// their date.
    #[arg(long, verbatim_doc_comment)]
    dry_run: bool,

    /// Read the whole table for --dry-run, not a sample of a large one
    #[arg(long, requires = "dry_run")]
    all_pages: bool,

    /// The most calls to KMS a second of this process
    #[arg(long, value_name = "CALLS", value_parser = parse_rate, default_value = "2500")]
    max_kms: f64,

    /// The most write units of the table a second of this process
    #[arg(long, value_name = "UNITS", value_parser = parse_rate)]
    max_wcu: Option<f64>,

    /// The most read units of the table a second of this process
    #[arg(long, value_name = "UNITS", value_parser = parse_rate)]
    max_rcu: Option<f64>,

    /// The end of the run after more failed records than this
    #[arg(long, value_name = "RECORDS", default_value = "1000")]
    max_failed: u64,

    /// Stop after this time, such as 50m or 2h, with exit code 75
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deadline: Option<Duration>,

    /// Accept a global table: no other region writes it while this runs
    ///
    /// If another region does write, its writes are lost.
    #[arg(long)]
    only_writer_region: bool,

    /// Accept a table without point-in-time recovery
    #[arg(long)]
    without_recovery: bool,

    #[command(flatten)]
    pub(crate) progress: ProgressArgs,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ProgressArgs {
    /// The time between two lines of progress, where stderr is no terminal
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "30s")]
    pub(crate) progress_every: Duration,
}

impl RunArgs {
    /// Listens for signals, and counts the time to the deadline.
    pub(crate) fn stop(&self) -> Stop {
        Stop::install(self.deadline)
    }

    /// The part of this process.
    pub(crate) fn part(&self) -> Result<Part, Failure> {
        self.part.as_ref().map_or(Ok(Part::WHOLE), PartArg::find)
    }

    fn limits(&self) -> Limits {
        let limits = Limits::new().kms(self.max_kms).max_failed(self.max_failed);
        let limits = match self.max_wcu {
            Some(units) => limits.write_units(units),
            None => limits,
        };
        match self.max_rcu {
            Some(units) => limits.read_units(units),
            None => limits,
        }
    }

    /// The run with these settings.
    pub(crate) fn set<'a>(&self, run: Run<'a>) -> Result<Run<'a>, Failure> {
        let run = run.part(self.part()?).limits(self.limits());
        let run = if self.only_writer_region { run.only_writer_region() } else { run };
        Ok(if self.without_recovery { run.without_recovery() } else { run })
    }
}

/// Keys are named by ARN in runs of several parts: an alias can move between two parts.
pub(crate) fn refuse_alias_in_parts(part: Part, names: &[&str]) -> Result<(), Failure> {
    match names.iter().find(|name| !part.is_whole() && !crate::key_name::is_arn(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::act_now(format!(
            "{name} is not the ARN of a key: with --part, name keys by ARN (parts start at \
             different times, and an alias can move; `aws kms describe-key --key-id {name}` prints \
             the ARN)"
        ))),
    }
}

/// What a run is about, for its result and for the lines at its start.
#[derive(Serialize)]
pub(crate) struct Subject {
    pub(crate) command: &'static str,
    /// What the command calls a record that it changed.
    #[serde(skip)]
    pub(crate) changed: &'static str,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    /// Whether the run is for some types of record, so that it meets items of others.
    #[serde(skip)]
    pub(crate) is_of_types: bool,
}

impl Subject {
    /// The names of the counts that a program need not see while they are zero. A run for all types
    /// counts unprotected records alone as `other_entity`.
    const fn impossible(&self) -> &[&str] {
        if self.is_of_types { &["not_sealed", "other_key"] } else { &["other_entity"] }
    }

    /// The counts that can occur, for programs.
    fn possible(&self, counts: &Counts) -> Value {
        let mut counts = serde_json::to_value(counts).unwrap_or_default();
        if let Some(counts) = counts.as_object_mut() {
            let is_impossible = |name: &str| self.impossible().contains(&name);
            counts.retain(|name, count| !is_impossible(name) || *count != 0);
        }
        counts
    }
}

/// The result of a run.
#[derive(Serialize)]
struct Finished<'a> {
    #[serde(flatten)]
    subject: &'a Subject,
    table: &'a TableInfo,
    part: String,
    /// Whether the run reached its end.
    finished: bool,
    #[serde(rename = "counts")]
    shown: Value,
    #[serde(skip)]
    counts: Counts,
    /// The failed records, as the text form names them.
    failed: Vec<String>,
}

impl fmt::Display for Finished<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let (changed, already) = (count(counts.changed), count(counts.already));
        write!(f, "{} {changed}   already {already}   ", self.subject.changed)?;
        match self.subject.is_of_types {
            true => write!(f, "other entity {}", count(counts.other_entity))?,
            false => write!(
                f,
                "other key {}   no envelope {}",
                count(counts.other_key),
                count(counts.not_sealed)
            )?,
        }
        if !self.subject.is_of_types && counts.other_entity > 0 {
            write!(f, "   unprotected {}", count(counts.other_entity))?;
        }
        write!(
            f,
            "   failed {}{}\n\
             {} KMS calls   {} read units   {} write units   {} pages   {} times overtaken",
            count(counts.failed),
            if counts.failed > 0 { " (named above)" } else { "" },
            count(counts.kms_calls),
            units(counts.read_units),
            units(counts.write_units),
            count(counts.pages),
            count(counts.overtaken),
        )
    }
}

/// Describes the table, or says why it cannot be described.
pub(crate) async fn described(table: &StoredTable) -> Result<TableInfo, Failure> {
    table.describe().await.map_err(|kind| explained(&kind))
}

/// Runs to the end of the part, or until it is time to stop.
pub(crate) async fn drive(
    run: Run<'_>,
    args: &RunArgs,
    info: &TableInfo,
    subject: &Subject,
    output: Output,
    stop: Stop,
) -> Outcome {
    let part = args.part()?;
    eprintln!("{}", head(subject, info, part));
    if args.dry_run {
        return estimate(args.set(run)?, args, output, stop).await;
    }
    let progress =
        Progress::new(info.items / u64::from(part.count()), args.progress.progress_every);
    let failed = Mutex::new(Vec::new());
    let run = args.set(run)?.observed_by(|event| match event {
        RunEvent::Page(counts) => progress.show(counts.seen(), counts.failed),
        RunEvent::Failed(error) => {
            let line = error.to_string();
            progress.beside(|| report_failed(&line, output));
            failed.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
        _ => {}
    });
    let stopped_by = OnceLock::new();
    let ended = run.until(stop.note(&stopped_by)).await;
    progress.end();
    let counts = match &ended {
        Ok(counts) => *counts,
        Err(error) => *error.counts(),
    };
    let finished = Finished {
        subject,
        table: info,
        part: part.to_string(),
        finished: ended.is_ok(),
        shown: subject.possible(&counts),
        counts,
        failed: failed.into_inner().unwrap_or_else(PoisonError::into_inner),
    };
    output.print(&finished)?;
    match ended {
        Ok(counts) if counts.failed > 0 => Ok(Exit::LeftOver),
        Ok(_) => Ok(Exit::Done),
        Err(error) => {
            let cause = stopped_by.get().copied().unwrap_or_default();
            Err(ended_early(&error, cause))
        }
    }
}

/// The dry run: nothing is changed.
async fn estimate(run: Run<'_>, args: &RunArgs, output: Output, stop: Stop) -> Outcome {
    let estimation = run.estimate();
    let estimation = if args.all_pages { estimation.all_pages() } else { estimation };
    let estimate = tokio::select! {
        estimate = estimation.send() => estimate.map_err(|error| explained(error.kind()))?,
        cause = stop.wait() => return Err(stopped(cause)),
    };
    output.print(&estimate)?;
    Ok(Exit::Done)
}

/// Names a failed record: on stdout, or on stderr if stdout is one JSON document.
fn report_failed(line: &str, output: Output) {
    match output {
        // A closed stdout must not end the run.
        Output::Text => drop(output::line(&format!("failed {line}"))),
        Output::Json => eprintln!("failed {line}"),
    }
}

/// `to arn:..   TableId 5b1c..   no replicas   PITR on`.
fn head(subject: &Subject, info: &TableInfo, part: Part) -> String {
    let mut parts = Vec::new();
    parts.extend(subject.from.as_ref().map(|from| format!("from {from}")));
    parts.extend(subject.to.as_ref().map(|to| format!("to {to}")));
    // DynamoDB Local gives tables no id.
    let id = if info.id.is_empty() { "unknown" } else { &info.id };
    parts.push(format!("TableId {id}"));
    parts.push(match info.replicas.as_slice() {
        [] => "no replicas".to_owned(),
        regions => format!("replicas in {}", regions.join(", ")),
    });
    parts.push(match info.recovery {
        Some(true) => "PITR on".to_owned(),
        Some(false) => "PITR off".to_owned(),
        None => "PITR unknown".to_owned(),
    });
    if !part.is_whole() {
        parts.push(format!("part {part}"));
    }
    parts.join("   ")
}

fn ended_early(error: &RunError, stopped_by: &str) -> Failure {
    match error.kind() {
        RunErrorKind::Stopped => stopped(stopped_by),
        kind => explained(kind),
    }
}

/// The end of a run that was stopped in time.
fn stopped(by: &str) -> Failure {
    let message = format!("stopped by {by} with work left; start the same command again to go on");
    Failure { exit: Exit::Stopped, message }
}

/// The message, with the flag that accepts what was refused.
pub(crate) fn explained(kind: &RunErrorKind) -> Failure {
    let flag = match kind {
        RunErrorKind::Refused(Refusal::Replicas { .. }) => "; the flag is --only-writer-region",
        RunErrorKind::Refused(Refusal::NoRecovery { .. }) => "; the flag is --without-recovery",
        _ => "",
    };
    let message = format!("{kind}{flag}");
    if kind.needs_a_person() { Failure::act_now(message) } else { Failure::try_again(message) }
}
