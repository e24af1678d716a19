//! A report as text, for an operator.

use std::fmt;

use crate::maintain::demand::float;
use crate::maintain::report::{KeyCounts, Opened, Report, Scope};

/// How many rows of keys the text lists; the JSON form has all of them.
const ROWS: usize = 40;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.scope)?;
        let read = &self.read;
        write!(f, "{} items: {} sealed, {} not sealed", read.items, read.sealed, read.not_sealed)?;
        unprotected(f, read.unprotected)?;
        writeln!(f, "; {} pages, {} read units", read.pages, read.read_units)?;
        for (entity, counts) in &self.entities {
            write!(f, "  {entity}: {} sealed, {} not sealed", counts.sealed, counts.not_sealed)?;
            unprotected(f, counts.unprotected)?;
            writeln!(f)?;
        }
        writeln!(f, "data keys, as the headers claim:")?;
        for row in self.keys.iter().take(ROWS) {
            writeln!(f, "  {row}")?;
        }
        if let Some(more @ 1..) = self.keys.len().checked_sub(ROWS) {
            writeln!(f, "  and {more} more rows, which the JSON form has")?;
        }
        if !self.tags.is_empty() {
            writeln!(f, "search tags, as the items list them:")?;
        }
        for (entity, tags) in &self.tags {
            for (attribute, counts) in tags {
                writeln!(f, "  {entity}.{attribute}   {counts}")?;
            }
        }
        if let Some(opened) = &self.opened {
            writeln!(f, "{opened}")?;
        }
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        for (kind, count) in &self.problems {
            let named = self.findings.iter().filter(|finding| finding.kind == *kind).count();
            let is_ignored = self.expected.ignored.contains(kind);
            let ignored = if is_ignored { ", which the caller ignores" } else { "" };
            writeln!(f, "{kind}: {count} items, {named} of them named above{ignored}")?;
        }
        if let Some(branch_keys) = &self.branch_keys {
            writeln!(f, "branch keys: {branch_keys}")?;
        }
        if let Some(copies) = &self.copies {
            writeln!(f, "{copies}")?;
        }
        let expected = &self.expected;
        for key in &expected.none_under {
            writeln!(f, "expected: no data key under {key}")?;
        }
        if expected.sealed {
            writeln!(f, "expected: no item, and no protected field, in plaintext")?;
        }
        let problems = "DOES NOT HOLD: see the problems above";
        f.write_str(if self.holds { "everything that was expected holds" } else { problems })
    }
}

/// The number of unprotected records, if there are any.
fn unprotected(f: &mut fmt::Formatter<'_>, count: u64) -> fmt::Result {
    match count {
        0 => Ok(()),
        count => write!(f, ", {count} unprotected"),
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "unknown".to_owned());
        let replicas = match self.replicas.as_slice() {
            [] => "no replicas".to_owned(),
            regions => format!("replicas in {} not read", regions.join(", ")),
        };
        // DynamoDB Local gives tables no id.
        let table_id = if self.table_id.is_empty() { "unknown" } else { &self.table_id };
        writeln!(f, "one table in one region: {}", self.table_arn)?;
        writeln!(f, "TableId {table_id}, {replicas}")?;
        writeln!(
            f,
            "from {} to {} by DynamoDB's clock, {} segments",
            time(&self.begin),
            time(&self.end),
            self.segments
        )?;
        write!(f, "schema SHA-256 {}", self.schema_sha256)?;
        for what in &self.not_proved {
            write!(f, "\nnot proved: {what}")?;
        }
        Ok(())
    }
}

impl fmt::Display for KeyCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.entity)?;
        if let Some(group) = &self.group {
            write!(f, " group {group}")?;
        }
        let key = self.key.as_deref().unwrap_or("(others)");
        write!(f, ", {} {key}, form {}: {}", self.kind, self.form, self.count)
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sample, opened, failed, deleted, groups, withheld } = self;
        write!(f, "{opened} opened, ")?;
        match failed {
            0 => f.write_str("none failed")?,
            failed => write!(f, "{failed} failed")?,
        }
        match (sample, failed) {
            (Some(_), 0) if *opened > 0 => write!(
                f,
                ": with 95 % confidence at most 3/{opened} of the records do not open ({:.3} %)",
                (300.0 / float(*opened)).min(100.0)
            )?,
            (Some(_), _) => f.write_str(", of a sample")?,
            (None, _) => f.write_str(", of all records")?,
        }
        write!(f, "; {groups} groups opened, {withheld} withheld from this reader")?;
        if *deleted > 0 {
            write!(f, "; {deleted} deleted before they could be opened")?;
        }
        Ok(())
    }
}
