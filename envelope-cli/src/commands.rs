//! The commands.

pub(crate) mod completions;
pub(crate) mod policy;
pub(crate) mod schema;

use envelope_dynamo::maintain::SchemaFile;

use crate::args::{Cli, Command};
use crate::failure::Outcome;

/// Runs the command that the arguments name.
pub(crate) fn run(args: Cli, of_code: Option<SchemaFile>) -> Outcome {
    let has_code = of_code.is_some();
    match args.command {
        Command::Schema(command) => schema::run(command, args.global.output, of_code),
        Command::Policy(command) => policy::run(&command, of_code),
        Command::Completions(command) => completions::run(command, has_code),
        Command::Man => completions::man(has_code),
    }
}
