//! The command line: names follow the AWS CLI.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::backfill::{BackfillArgs, NEEDS_TYPES};
use crate::commands::branch_keys::BranchKeysCommand;
use crate::commands::completions::CompletionsArgs;
use crate::commands::coverage::CoverageArgs;
use crate::commands::inspect::InspectArgs;
use crate::commands::leakage::LeakageArgs;
use crate::commands::policy::PolicyArgs;
use crate::commands::reindex::{ReindexArgs, StaleArgs};
use crate::commands::reseal::ResealArgs;
use crate::commands::rewrap::RewrapArgs;
use crate::commands::schema::SchemaCommand;
use crate::commands::search_keys::SearchKeysCommand;
use crate::exit::Exit;
use crate::output::Output;

/// Maintains DynamoDB tables whose records Envelope encrypts
///
/// It looks at records, moves their data keys to another KMS key, and reports what stands under
/// which key. It knows the records from a schema file alone. Results go to stdout, progress and
/// messages to stderr.
#[derive(Debug, Parser)]
#[command(name = "envelope", version, verbatim_doc_comment)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options that every command has.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command", next_display_order = 900)]
pub(crate) struct Global {
    /// The form of the result on stdout
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) output: Output,

    /// The AWS region, in place of the one that the environment or the profile names
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,

    /// The profile in ~/.aws/config
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // there is one, and it is moved once
pub(crate) enum Command {
    /// Explain one stored item: what is sealed in it, for which keys, and what it is bound to
    ///
    /// It asks no key and decrypts nothing. It prints the KMS encryption context of the record and
    /// of each group, by which CloudTrail's events of this record are found, and no other value.
    #[command(verbatim_doc_comment)]
    Inspect(InspectArgs),

    /// Move the data keys of a table from one KMS key to another
    ///
    /// Only KMS sees the data keys: the role needs no kms:Decrypt, and this process opens no
    /// record. It can be killed at any moment and started again, on any number of machines.
    /// Each record that fails is named on stdout.
    #[command(verbatim_doc_comment)]
    Rewrap(RewrapArgs),

    /// Count what stands under which key, and hold it against what is expected
    ///
    /// It reads the whole table once, consistently, in one process. It asks no key unless --open
    /// is given. The result is a report; it exits with 3 if the report does not hold.
    #[command(verbatim_doc_comment)]
    Coverage(CoverageArgs),

    /// Give records new data keys: after a suspected leak, or under branch keys
    ///
    /// This process opens every record that is due. The fields keep their values.
    #[command(verbatim_doc_comment)]
    Reseal(ResealArgs),

    /// Seal the items of a plaintext table, or of another program; needs your record types
    ///
    /// It also seals fields of sealed records whose mark became stronger. Each item is changed by
    /// one conditional write, so the table can be used meanwhile. The command can be killed at any
    /// moment and started again, on any number of machines. Each item that fails is named on
    /// stdout.
    ///
    /// The binary `envelope` has no record types. A program builds its own, in five lines:
    /// `envelope backfill` prints them.
    #[command(verbatim_doc_comment)]
    Backfill(BackfillArgs),

    /// Give records current search tags: after a rotation of the search key, or a new mark
    ///
    /// This process opens every record that is due, and needs no older search key. The fields keep
    /// their values. It can be killed at any moment and started again, on any number of machines.
    /// Each record that fails is named on stdout. After a rotation, begin it when `search-keys
    /// list` says that the older version can be retired.
    #[command(verbatim_doc_comment)]
    Reindex(Box<ReindexArgs>),

    /// Count the records whose search tags are not current
    ///
    /// It reads the whole table once, consistently, in one process, and opens nothing. It exits
    /// with 3 if there are such records: `reindex` changes them.
    #[command(verbatim_doc_comment)]
    Stale(Box<StaleArgs>),

    /// Measure what the search tags of a table reveal to whoever reads it
    ///
    /// For each tag: how many different values there are, how many records share the most frequent
    /// ones, and which share of the records somebody could name who knows how often each value
    /// occurs. It reads the whole table once, in one process, needs no key, and opens nothing.
    #[command(verbatim_doc_comment)]
    Leakage(LeakageArgs),

    /// Create, rotate, list, move and delete branch keys
    ///
    /// Their operator never sees a branch key.
    #[command(subcommand)]
    BranchKeys(BranchKeysCommand),

    /// Create, rotate, retire, list, move and delete search keys
    ///
    /// Their operator never sees a search key.
    #[command(subcommand)]
    SearchKeys(SearchKeysCommand),

    /// Judge a change of the schema file, or print the schema
    #[command(subcommand)]
    Schema(SchemaCommand),

    /// Print the IAM policy of a role, its part of a key policy, or the guard of a table
    Policy(PolicyArgs),

    /// Print the completions of a shell
    Completions(CompletionsArgs),

    /// Print the man page
    Man,
}

/// The definition of the command, with the exit codes in every help text.
pub(crate) fn definition(has_code: bool) -> clap::Command {
    let command = adapted(Cli::command(), has_code);
    // Without record types it only says what it needs.
    let optional = |backfill: clap::Command| backfill.mut_args(|it| it.required(has_code));
    if has_code { command } else { command.mut_subcommand(BACKFILL, optional) }
}

const BACKFILL: &str = "backfill";

fn adapted(command: clap::Command, has_code: bool) -> clap::Command {
    let command = command.after_help(Exit::table());
    let command = command.mut_args(|argument| match argument.get_id().as_str() {
        "schema" if has_code => {
            argument.help("A schema file, in place of the record types of this command")
        }
        _ => argument,
    });
    command.mut_subcommands(|subcommand| adapted(subcommand, has_code))
}

/// Parses the arguments. The error is a mistake, or a help text to print.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    has_code: bool,
) -> Result<Cli, clap::Error> {
    let mut definition = definition(has_code);
    let mut matches = definition.try_get_matches_from_mut(arguments)?;
    if !has_code && matches.subcommand_name() == Some(BACKFILL) {
        return Err(clap::Error::raw(ErrorKind::InvalidSubcommand, NEEDS_TYPES));
    }
    Cli::from_arg_matches_mut(&mut matches)
}

#[cfg(test)]
mod tests {
    use crate::args::definition;

    #[test]
    fn the_definition_has_no_mistake() {
        definition(false).debug_assert();
        definition(true).debug_assert();
    }
}
