//! The commands.

pub(crate) mod backfill;
pub(crate) mod branch_keys;
pub(crate) mod completions;
pub(crate) mod coverage;
pub(crate) mod inspect;
pub(crate) mod key_tables;
pub(crate) mod leakage;
pub(crate) mod policy;
pub(crate) mod reindex;
pub(crate) mod reseal;
pub(crate) mod rewrap;
pub(crate) mod schema;
pub(crate) mod search_keys;

use tokio::runtime::Builder;

use crate::args::{Cli, Command};
use crate::command::Command as Program;
use crate::failure::{Failure, Outcome};

/// Runs the command that the arguments name.
pub(crate) fn run(args: Cli, program: Program) -> Outcome {
    let of_code = program.schema().cloned();
    let has_code = of_code.is_some();
    match args.command {
        Command::Backfill(backfill) => on_runtime(backfill::run(backfill, &args.global, program)),
        Command::Inspect(inspect) => on_runtime(inspect::run(inspect, &args.global, of_code)),
        Command::Rewrap(rewrap) => on_runtime(rewrap::run(rewrap, &args.global, of_code)),
        Command::Coverage(coverage) => on_runtime(coverage::run(coverage, &args.global, of_code)),
        Command::Reseal(reseal) => on_runtime(reseal::run(reseal, &args.global, of_code)),
        Command::Reindex(reindex) => on_runtime(reindex::run(*reindex, &args.global, of_code)),
        Command::Stale(stale) => on_runtime(reindex::count(*stale, &args.global, of_code)),
        Command::Leakage(leakage) => on_runtime(leakage::run(leakage, &args.global, of_code)),
        Command::BranchKeys(command) => on_runtime(branch_keys::run(command, &args.global)),
        Command::SearchKeys(command) => {
            on_runtime(search_keys::run(command, &args.global, of_code))
        }
        Command::Schema(command) => schema::run(command, args.global.output, of_code),
        Command::Policy(command) => policy::run(&command, of_code),
        Command::Completions(command) => completions::run(command, has_code),
        Command::Man => completions::man(has_code),
    }
}

/// Runs a command that calls AWS.
fn on_runtime(command: impl Future<Output = Outcome>) -> Outcome {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| Failure::try_again(format!("no thread can be started: {error}")))?;
    let outcome = runtime.block_on(command);
    // Requests that a stopped run has dropped need not end.
    runtime.shutdown_background();
    outcome
}
