//! What the commands of branch keys and of search keys share.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use envelope_dynamo::error::{KeyError, KeyErrorKind};
use envelope_dynamo::keys::BranchVersion;
use envelope_dynamo::maintain::StoredTable;
use serde::Serialize;

use crate::args::Global;
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, chain};
use crate::key_name::Key;
use crate::run::{RunArgs, Subject, described, drive, refuse_alias_in_parts};

/// A table that was created.
#[derive(Serialize)]
pub(crate) struct Created {
    pub(crate) table: String,
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "created the table {}", self.table)
    }
}

/// A list, one entry for each line.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Lines<T>(pub(crate) Vec<T>);

impl<T: fmt::Display> fmt::Display for Lines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(T::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// The branches of a table, as they are read.
pub(crate) struct Branches<L> {
    /// With their names.
    found: Vec<(String, L)>,
    exit: Exit,
}

impl<L: fmt::Display + Serialize> Branches<L> {
    pub(crate) const fn new() -> Self {
        Self { found: Vec::new(), exit: Exit::Done }
    }

    /// Adds a branch. One item that somebody has changed does not hide the others.
    pub(crate) fn add<E: Error + Into<Failure> + 'static>(
        &mut self,
        branch: Result<(String, L), E>,
        key_error: fn(&E) -> Option<&KeyError>,
    ) -> Result<(), Failure> {
        let is_changed = |error: &KeyError| error.kind() == KeyErrorKind::InvalidResponse;
        match branch {
            Ok(branch) => self.found.push(branch),
            Err(error) if key_error(&error).is_some_and(is_changed) => {
                eprintln!("envelope: {}", chain(&error));
                self.exit = Exit::LeftOver;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Prints the branches by name.
    pub(crate) fn print(mut self, global: &Global) -> Outcome {
        self.found.sort_by(|(a, _), (b, _)| a.cmp(b));
        let listed = self.found.into_iter().map(|(_, listed)| listed);
        global.output.print(&Lines(listed.collect()))?;
        Ok(self.exit)
    }
}

/// Moves all keys of a table from the KMS key `from` to `to`. `command` is the one that does this.
pub(crate) async fn rewrap(
    command: &'static str,
    open: impl FnOnce(&Aws) -> StoredTable,
    [from, to]: [&str; 2],
    args: &RunArgs,
    global: &Global,
) -> Outcome {
    refuse_alias_in_parts(args.part()?, &[from, to])?;
    let stop = args.stop();
    let aws = Aws::load(global).await?;
    let (from, to) = (Key::resolve(&aws.kms, from).await?, Key::resolve(&aws.kms, to).await?);
    let table = open(&aws);
    let info = described(&table).await?;
    let subject = Subject {
        command,
        changed: "moved",
        from: Some(from.shown()),
        to: Some(to.shown()),
        is_of_types: false,
    };
    let run = table.rewrap(aws.kms.clone(), from.arn, to.arn);
    drive(run, args, &info, &subject, global.output, stop).await
}

/// One version of a key.
#[derive(Serialize)]
pub(crate) struct ListedVersion {
    pub(crate) version: String,
    /// RFC 3339, UTC.
    pub(crate) created: String,
    /// Whether records are written or searched under this version.
    pub(crate) active: bool,
}

impl fmt::Display for ListedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let active = if self.active { "\tactive" } else { "" };
        write!(f, "{}\tcreated {}{active}", self.version, self.created)
    }
}

/// Versions that were deleted.
#[derive(Serialize)]
pub(crate) struct Deleted {
    pub(crate) branch: String,
    /// How many versions were deleted.
    pub(crate) versions: usize,
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.versions {
            0 => write!(f, "nothing was there to delete"),
            1 => write!(f, "deleted 1 version"),
            count => write!(f, "deleted {count} versions"),
        }
    }
}

/// A time in RFC 3339, UTC. A year that the form does not know is an item that somebody has
/// changed.
pub(crate) fn shown(time: SystemTime) -> String {
    let time = DateTime::from(time).fmt(DateTimeFormat::DateTime);
    time.unwrap_or_else(|_| "(unknown)".to_owned())
}

/// The version of an argument. `list` is the command that lists them.
pub(crate) fn version(argument: &str, what: &str, list: &str) -> Result<BranchVersion, Failure> {
    BranchVersion::parse(argument).ok_or_else(|| {
        Failure::act_now(format!(
            "`{argument}` is no version of a {what} key: `envelope {list} versions` lists them"
        ))
    })
}

pub(crate) fn confirmed(flag: &str, value: &str, confirm: &str) -> Result<(), Failure> {
    if value == confirm {
        return Ok(());
    }
    Err(Failure::act_now(format!(
        "--confirm is `{confirm}`, and {flag} is `{value}`: nothing was deleted"
    )))
}
