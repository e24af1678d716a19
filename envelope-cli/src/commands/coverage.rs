//! `envelope coverage`: counts what stands under which key.

use std::sync::OnceLock;

use clap::Args;
use envelope_dynamo::keys::Generation;
use envelope_dynamo::maintain::{
    Coverage, CoverageEvent, FindingKind, Limits, RunErrorKind, SchemaFile,
};

use crate::args::Global;
use crate::aws::Aws;
use crate::commands::reindex::parse_generation;
use crate::count::{CountArgs, unfinished};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::figures::parse_rate;
use crate::providers::{BranchTableArgs, OpenArgs, kms};
use crate::run::{TableArgs, described, explained};

#[derive(Args, Debug)]
pub(crate) struct CoverageArgs {
    #[command(flatten)]
    table: TableArgs,

    /// Fail if a data key is under this KMS key, by ARN or id; may be repeated
    #[arg(long, value_name = "KEY")]
    expect_none: Vec<String>,

    /// Fail if an item has no sealed fields
    #[arg(long)]
    expect_sealed: bool,

    #[command(flatten)]
    branch_table: BranchTableArgs,

    /// Do not fail for this kind of problem, such as local-key or unknown-group; may be repeated
    #[arg(long, value_name = "KIND")]
    ignore: Vec<FindingKind>,

    /// Read all attributes, and find wrapped keys under names that the schema does not have
    #[arg(long)]
    all_attributes: bool,

    /// Also open the records, with the keys of --kms-key alone: this proves what headers claim
    #[arg(long, requires = "kms_key")]
    open: bool,

    /// Open only so many records, chosen at random
    ///
    /// If n are opened and none fails, at most 3/n of the records do not open, with 95 %
    /// confidence.
    #[arg(long, value_name = "RECORDS", requires = "open", verbatim_doc_comment)]
    sample: Option<u64>,

    #[command(flatten)]
    keys: OpenArgs,

    /// A generation of search tags that is current, to count the others apart; may be repeated
    ///
    /// Eight hexadecimal digits, as `stale` prints them for somebody who has the search key.
    /// Without it, the tags of each generation are counted. `stale` fails if one is not current.
    #[arg(long, value_name = "HEX", value_parser = parse_generation, verbatim_doc_comment)]
    generation: Vec<Generation>,

    /// The most items with a problem that are named, for each kind of problem
    #[arg(long, value_name = "ITEMS", default_value = "1000")]
    max_named: usize,

    /// The most calls to KMS a second, with --open
    #[arg(long, value_name = "CALLS", value_parser = parse_rate, default_value = "2500")]
    max_kms: f64,

    #[command(flatten)]
    count: CountArgs,
}

pub(crate) async fn run(
    args: CoverageArgs,
    global: &Global,
    of_code: Option<SchemaFile>,
) -> Outcome {
    let stop = args.count.stop();
    let aws = Aws::load(global).await?;
    let table = args.table.open(&aws, of_code)?;
    let branch_keys = args.branch_table.table(&aws, ()).map(|table| table.stored_table());
    let info = described(&table).await?;
    let progress = args.count.progress(&info);
    let mut coverage = args.set(table.coverage());
    if let Some(branch_keys) = &branch_keys {
        coverage = coverage.branch_keys(branch_keys);
    }
    if args.open {
        coverage = match args.keys.branches(&aws, &args.branch_table)? {
            Some(branches) => coverage.open(branches),
            None => coverage.open(kms(&aws, &args.keys.kms_key)?),
        };
    }
    let coverage = coverage.observed_by(|event| {
        if let CoverageEvent::Page(read) = event {
            progress.show(read.items, 0);
        }
    });
    let stopped_by = OnceLock::new();
    let report = coverage.until(stop.note(&stopped_by)).await;
    progress.end();
    let report =
        report.map_err(|error| unfinished(&error, &stopped_by, |kind| args.explained(kind)))?;
    global.output.print(&report)?;
    if !report.holds() {
        return Ok(Exit::LeftOver);
    }
    args.expect_none.iter().for_each(|key| eprintln!("{}", next_steps(key)));
    Ok(Exit::Done)
}

/// What a person does next with a key that is no longer used. This command never does it: a key
/// serves other tables, and a deletion cannot be undone.
fn next_steps(key: &str) -> String {
    format!(
        "next, when this holds for every table that the key serves, and old copies are gone:\n  \
         aws kms disable-key --key-id {key}\n  \
         aws kms enable-key --key-id {key}   # the way back\n\
         and when nothing has needed the key for 30 days, and no backup needs it:\n  \
         aws kms schedule-key-deletion --key-id {key} --pending-window-in-days 30"
    )
}

impl CoverageArgs {
    /// The message, with the permission that this count needs more than others.
    fn explained(&self, kind: &RunErrorKind) -> Failure {
        let failure = explained(kind);
        if !self.expect_sealed || !failure.message.contains("AccessDenied") {
            return failure;
        }
        let hint = "--expect-sealed reads attributes that other counts do not: `envelope policy \
                    --role auditor --expect-sealed` prints the permissions";
        Failure { message: format!("{}; {hint}", failure.message), ..failure }
    }

    fn set<'a>(&self, coverage: Coverage<'a>) -> Coverage<'a> {
        let limits = self.count.limit(Limits::new().kms(self.max_kms));
        let coverage = coverage.limits(limits).max_named(self.max_named);
        let coverage = coverage.current_tags(self.generation.iter().copied());
        let coverage = self.expect_none.iter().fold(coverage, Coverage::expect_none);
        let coverage = self.ignore.iter().fold(coverage, |it, kind| it.ignore(*kind));
        let coverage = if self.expect_sealed { coverage.expect_sealed() } else { coverage };
        let coverage = if self.all_attributes { coverage.all_attributes() } else { coverage };
        match self.sample {
            Some(records) => coverage.sample(records),
            None => coverage,
        }
    }
}
