//! `envelope schema`: judges a change of the schema file, and prints the schema.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use clap::{Args, Subcommand};
use envelope_dynamo::maintain::{Change, Overdue, SchemaFile};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{self, Output};
use crate::schema_source::{SchemaArgs, parse};

#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Compare the schema file with an earlier one, and print what the change does to stored
    /// records
    ///
    /// It exits with 3 if a field is less protected than before without a reason in the file, or if
    /// stored records would be refused, would not open, or could lose values. It also exits with 3
    /// after the day until which a record type may be read in plaintext (`plaintext_until`), or if
    /// a field accepts plaintext without such a day. Each is printed with its repair.
    #[command(verbatim_doc_comment)]
    Check(CheckArgs),

    /// Print the schema
    Print(SchemaArgs),
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The earlier schema: a revision of git, such as origin/main, or a file
    #[arg(long, value_name = "REVISION|FILE")]
    against: String,

    /// Accept that the revision has no schema file, because this change adds it
    #[arg(long)]
    allow_missing: bool,

    /// Judge the days in the file as on this one, in place of today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    today: Option<SystemTime>,

    #[command(flatten)]
    schema: SchemaArgs,
}

/// The beginning of a day.
fn day(text: &str) -> Result<SystemTime, String> {
    let midnight = format!("{text}T00:00:00Z");
    let time = DateTime::from_str(&midnight, DateTimeFormat::DateTime).ok();
    let time = time.and_then(|time| SystemTime::try_from(time).ok());
    time.ok_or_else(|| "this is no day such as 2027-03-31".to_owned())
}

pub(crate) fn run(command: SchemaCommand, output: Output, of_code: Option<SchemaFile>) -> Outcome {
    match command {
        SchemaCommand::Print(args) => {
            let schema = args.load(of_code)?;
            output::line(schema.to_string().trim_end())?;
            Ok(Exit::Done)
        }
        SchemaCommand::Check(args) => check(&args, output, of_code),
    }
}

fn check(args: &CheckArgs, output: Output, of_code: Option<SchemaFile>) -> Outcome {
    let now = args.schema.load_with_notes(of_code)?;
    let changes = match earlier(args)? {
        Some(before) => now.changes_since(&before),
        None => {
            eprintln!("{} has no schema file: there is nothing to compare with", args.against);
            Vec::new()
        }
    };
    let overdue = now.overdue(args.today.unwrap_or_else(SystemTime::now));
    let is_good = changes.is_empty() && overdue.is_empty();
    output.print(&Verdict { against: &args.against, changes, overdue })?;
    Ok(if is_good { Exit::Done } else { Exit::LeftOver })
}

/// What the change does.
#[derive(Serialize)]
struct Verdict<'a> {
    against: &'a str,
    changes: Vec<Change>,
    overdue: Vec<Overdue>,
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            writeln!(f, "{}: {change}", change.effect().name())?;
        }
        for overdue in &self.overdue {
            writeln!(f, "plaintext for too long: {overdue}")?;
        }
        match self.changes.len() {
            0 => write!(f, "no change since {} harms stored records", self.against),
            1 => write!(f, "1 change since {} needs a repair", self.against),
            count => write!(f, "{count} changes since {} need a repair", self.against),
        }
    }
}

/// The earlier schema; `None` if the revision has no such file, and that is accepted.
fn earlier(args: &CheckArgs) -> Result<Option<SchemaFile>, Failure> {
    let against = args.against.as_str();
    if Path::new(against).is_file() {
        let text = std::fs::read_to_string(against)
            .map_err(|error| Failure::act_now(format!("{against} cannot be read: {error}")))?;
        return parse(against, &text).map(Some);
    }
    let path = args.schema.path();
    match show(against, &path)? {
        Some(text) => parse(&format!("{against}:{}", path.display()), &text).map(Some),
        None if args.allow_missing => Ok(None),
        None => Err(Failure::act_now(format!(
            "the revision {against} has no {}; if this change adds the file, give --allow-missing",
            path.display()
        ))),
    }
}

/// The text of a file in a revision, by git; `None` if the revision does not have the file.
fn show(revision: &str, path: &Path) -> Result<Option<String>, Failure> {
    let (directory, name) = place(path);
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        let command = command.current_dir(&directory).args(arguments);
        command.output().map_err(|error| {
            Failure::act_now(format!(
                "git cannot be started ({error}); give the earlier schema as a file: --against FILE"
            ))
        })
    };
    // `^{commit}` also refuses what starts with a dash, which git would take for an option.
    let commit = format!("{revision}^{{commit}}");
    let found = git(&["rev-parse", "--quiet", "--verify", "--end-of-options", &commit])?;
    if !found.status.success() {
        return Err(Failure::act_now(format!(
            "`{revision}` is neither a file nor a revision of git in {}; in a shallow clone, fetch \
             it first: git fetch origin main",
            directory.display()
        )));
    }
    let commit = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    let shown = git(&["show", &format!("{commit}:./{name}")])?;
    if !shown.status.success() {
        return Ok(None);
    }
    String::from_utf8(shown.stdout).map(Some).map_err(|_| {
        Failure::act_now(format!("{revision}:{} is not text in UTF-8", path.display()))
    })
}

/// The directory of the file, and its name there.
fn place(path: &Path) -> (PathBuf, String) {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    (directory.map_or_else(|| PathBuf::from("."), Path::to_owned), name.unwrap_or_default())
}
