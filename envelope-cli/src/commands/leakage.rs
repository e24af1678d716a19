//! `envelope leakage`: what search tags reveal to whoever reads the table.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use envelope_dynamo::maintain::{LeakageReport, Limits, RunErrorKind, SchemaFile};

use crate::args::Global;
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::figures::{parse_duration, parse_rate};
use crate::progress::Progress;
use crate::run::{ProgressArgs, TableArgs, described, explained, stopped};
use crate::stop::Stop;

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

    /// The most read units of the table a second
    #[arg(long, value_name = "UNITS", value_parser = parse_rate)]
    max_rcu: Option<f64>,

    /// Stop after this time, such as 50m or 2h, with exit code 75; half a count proves nothing
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deadline: Option<Duration>,

    #[command(flatten)]
    progress: ProgressArgs,
}

pub(crate) async fn run(
    args: LeakageArgs,
    global: &Global,
    of_code: Option<SchemaFile>,
) -> Outcome {
    let stop = Stop::install(args.deadline);
    let aws = Aws::load(global).await?;
    let table = args.table.open(&aws, of_code)?;
    let info = described(&table).await?;
    let progress = Progress::new(info.items, args.progress.progress_every);
    let limits = Limits::new();
    let limits = args.max_rcu.map_or(limits.clone(), |units| limits.read_units(units));
    let count = table.leakage().max_values(args.max_values).limits(limits);
    let count = count.observed_by(|items| progress.show(items, 0));
    let stopped_by = Mutex::new("");
    let report = count
        .until(async {
            let cause = stop.wait().await;
            *stopped_by.lock().unwrap_or_else(PoisonError::into_inner) = cause;
        })
        .await;
    progress.end();
    let report: LeakageReport = report.map_err(|error| match error.kind() {
        RunErrorKind::Stopped => {
            stopped(stopped_by.into_inner().unwrap_or_else(PoisonError::into_inner))
        }
        RunErrorKind::TooManyValues { .. } => {
            Failure::act_now(format!("{error}; the flag is --max-values"))
        }
        kind => explained(kind),
    })?;
    global.output.print(&report)?;
    Ok(Exit::Done)
}
