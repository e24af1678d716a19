//! What the commands that only count have in common: `coverage`, `leakage` and `stale`.

use std::sync::OnceLock;
use std::time::Duration;

use clap::Args;
use envelope_dynamo::maintain::{Limits, RunError, RunErrorKind, TableInfo};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::figures::{parse_duration, parse_rate};
use crate::progress::Progress;
use crate::run::ProgressArgs;
use crate::stop::Stop;

#[derive(Args, Debug)]
pub(crate) struct CountArgs {
    /// The most read units of the table a second
    #[arg(long, value_name = "UNITS", value_parser = parse_rate)]
    max_rcu: Option<f64>,

    /// Stop after this time, such as 50m or 2h, with exit code 75; half a count proves nothing
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deadline: Option<Duration>,

    #[command(flatten)]
    progress: ProgressArgs,
}

impl CountArgs {
    /// Listens for signals, and counts the time to the deadline.
    pub(crate) fn stop(&self) -> Stop {
        Stop::install(self.deadline)
    }

    pub(crate) fn limit(&self, limits: Limits) -> Limits {
        match self.max_rcu {
            Some(units) => limits.read_units(units),
            None => limits,
        }
    }

    /// Progress through the items of a table.
    pub(crate) fn progress(&self, info: &TableInfo) -> Progress {
        Progress::new(info.items, self.progress.progress_every)
    }
}

/// Why a count ended before its end. `stopped_by` has what stopped it.
pub(crate) fn unfinished(
    error: &RunError,
    stopped_by: &OnceLock<&'static str>,
    explained: impl FnOnce(&RunErrorKind) -> Failure,
) -> Failure {
    match error.kind() {
        RunErrorKind::Stopped => {
            let by = stopped_by.get().copied().unwrap_or_default();
            let message = format!(
                "stopped by {by} with items left to count; the same command counts from the beginning"
            );
            Failure { exit: Exit::Stopped, message }
        }
        kind => explained(kind),
    }
}
