//! What the commands of branch keys and of search keys share.

use std::fmt;
use std::time::SystemTime;

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use envelope_dynamo::keys::BranchVersion;
use serde::Serialize;

use crate::failure::Failure;

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
