//! `envelope leakage`: what search tags reveal to whoever reads the table.

use std::sync::OnceLock;

use clap::Args;
use envelope_dynamo::maintain::{LeakageReport, Limits, RunErrorKind, SchemaFile};

use crate::args::Global;
use crate::aws::Aws;
use crate::count::{CountArgs, unfinished};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::run::{TableArgs, described, explained};

#[derive(Args, Debug)]
pub(crate) struct LeakageArgs {
    #[command(flatten)]
    table: TableArgs,

    /// The most different values that are counted, of all search tags together
    ///
    /// They are kept in memory, at 19 to 39 bytes each: 28 million take 600 MB, and 100 million
    /// take 2.3 GB. If there are more, the command ends with exit code 2.
    #[arg(long, value_name = "VALUES", default_value = "28000000", verbatim_doc_comment)]
    max_values: u64,

    #[command(flatten)]
    count: CountArgs,
}

pub(crate) async fn run(
    args: LeakageArgs,
    global: &Global,
    of_code: Option<SchemaFile>,
) -> Outcome {
    let stop = args.count.stop();
    let aws = Aws::load(global).await?;
    let table = args.table.open(&aws, of_code)?;
    let info = described(&table).await?;
    let progress = args.count.progress(&info);
    let limits = args.count.limit(Limits::new());
    let count = table.leakage().max_values(args.max_values).limits(limits);
    let count = count.observed_by(|items| progress.show(items, 0));
    let stopped_by = OnceLock::new();
    let report = count.until(stop.note(&stopped_by)).await;
    progress.end();
    let report: LeakageReport = report.map_err(|error| {
        unfinished(&error, &stopped_by, |kind| match kind {
            RunErrorKind::TooManyValues { .. } => {
                Failure::act_now(format!("{error}; the flag is --max-values"))
            }
            kind => explained(kind),
        })
    })?;
    global.output.print(&report)?;
    Ok(Exit::Done)
}
