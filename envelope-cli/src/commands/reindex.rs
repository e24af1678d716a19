//! `envelope reindex`: gives records current search tags. `envelope stale` counts the others.

use std::sync::{Arc, OnceLock};

use clap::Args;
use envelope_dynamo::keys::Generation;
use envelope_dynamo::maintain::{Limits, SchemaFile, Stale, StaleReport, StoredTable};

use crate::args::Global;
use crate::aws::Aws;
use crate::count::{CountArgs, unfinished};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::key_name::Key;
use crate::providers::{BranchTableArgs, OpenArgs, SearchKeyArgs, kms};
use crate::run::{RunArgs, Subject, TableArgs, described, drive, explained, refuse_alias_in_parts};

#[derive(Args, Debug)]
pub(crate) struct ReindexArgs {
    #[command(flatten)]
    table: TableArgs,

    #[command(flatten)]
    keys: OpenArgs,

    #[command(flatten)]
    branch_table: BranchTableArgs,

    #[command(flatten)]
    search: SearchKeyArgs,

    /// The KMS key that unwraps the search key
    #[arg(long, value_name = "KEY")]
    search_kms_key: String,

    /// The table of claims, if the schema file has unique search tags
    #[arg(long, value_name = "TABLE")]
    claims: Option<String>,

    #[command(flatten)]
    run: RunArgs,
}

pub(crate) async fn run(
    args: ReindexArgs,
    global: &Global,
    of_code: Option<SchemaFile>,
) -> Outcome {
    let names: Vec<_> = args.keys.kms_key.iter().map(String::as_str).collect();
    refuse_alias_in_parts(args.run.part()?, &names)?;
    let stop = args.run.stop();
    let aws = Aws::load(global).await?;
    let table = args.table.open(&aws, of_code)?;
    let table = match &args.claims {
        Some(claims) => table.with_claims(claims),
        None => table,
    };
    let search = args.search.open(&aws, &args.search_kms_key);
    let mut subject = Subject {
        command: "reindex",
        changed: "reindexed",
        from: None,
        to: None,
        is_of_types: true,
    };
    let run = match args.keys.branches(&aws, &args.branch_table)? {
        Some(branches) => table.reindex(Arc::clone(&branches), branches, &search),
        None => {
            let mut arns = Vec::new();
            for name in &args.keys.kms_key {
                let key = Key::resolve(&aws.kms, name).await?;
                subject.to.get_or_insert_with(|| key.shown());
                arns.push(key.arn);
            }
            table.reindex(kms(&aws, &arns)?, kms(&aws, &arns)?, &search)
        }
    };
    let info = described(&table).await?;
    drive(run, &args.run, &info, &subject, global.output, stop).await
}

/// What says which tags are current.
#[derive(Args, Clone, Debug)]
struct CurrentArgs {
    #[command(flatten)]
    search: SearchKeyArgs,

    /// The KMS key that unwraps the search key, which tells the current generations
    #[arg(
        long,
        value_name = "KEY",
        required_unless_present = "generation",
        conflicts_with = "generation"
    )]
    search_kms_key: Option<String>,

    /// In place of a search key: a generation that writers use now, one for each search tag
    ///
    /// Eight hexadecimal digits, as `stale` prints them for somebody who has the search key.
    /// Nobody can tell here whether they are the right ones.
    #[arg(long, value_name = "HEX", value_parser = parse_generation, verbatim_doc_comment)]
    generation: Vec<Generation>,
}

pub(crate) fn parse_generation(text: &str) -> Result<Generation, String> {
    Generation::parse(text).ok_or_else(|| "a generation has eight digits, 0-9 and a-f".to_owned())
}

impl CurrentArgs {
    fn count<'t>(&self, aws: &Aws, table: &'t StoredTable) -> Stale<'t> {
        match &self.search_kms_key {
            Some(key) => table.stale(&self.search.open(aws, key)),
            None => table.stale_of(self.generation.iter().copied()),
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct StaleArgs {
    #[command(flatten)]
    table: TableArgs,

    #[command(flatten)]
    current: CurrentArgs,

    #[command(flatten)]
    count: CountArgs,
}

pub(crate) async fn count(
    args: StaleArgs,
    global: &Global,
    of_code: Option<SchemaFile>,
) -> Outcome {
    let stop = args.count.stop();
    let aws = Aws::load(global).await?;
    let table = args.table.open(&aws, of_code)?;
    let info = described(&table).await?;
    let progress = args.count.progress(&info);
    let limits = args.count.limit(Limits::new());
    let count = args.current.count(&aws, &table).limits(limits);
    let count = count.observed_by(|so_far| progress.show(so_far.items, 0));
    let stopped_by = OnceLock::new();
    let report = count.until(stop.note(&stopped_by)).await;
    progress.end();
    let report: StaleReport = report.map_err(|error| unfinished(&error, &stopped_by, explained))?;
    global.output.print(&report)?;
    Ok(if report.is_clean() { Exit::Done } else { Exit::LeftOver })
}
