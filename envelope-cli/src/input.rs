//! Arguments that several commands have.

use std::collections::BTreeSet;

use clap::Args;
use envelope_dynamo::maintain::SchemaFile;

use crate::failure::Failure;

/// Which of the schema's tables.
#[derive(Args, Clone, Debug)]
pub(crate) struct Logical {
    /// The logical name of the table, if the schema has several
    #[arg(long, value_name = "NAME")]
    pub(crate) logical: Option<String>,
}

impl Logical {
    /// The logical name: the one that was given, or the only one of the schema.
    pub(crate) fn of<'s>(&'s self, schema: &'s SchemaFile) -> Result<&'s str, Failure> {
        let tables: BTreeSet<_> =
            schema.records().values().map(|record| record.table.as_str()).collect();
        let names = || tables.iter().copied().collect::<Vec<_>>().join(", ");
        match (&self.logical, tables.first()) {
            (Some(name), _) if tables.contains(name.as_str()) => Ok(name),
            (Some(name), _) => Err(Failure::act_now(format!(
                "the schema has no table with the logical name `{name}`, only {}",
                names()
            ))),
            (None, Some(only)) if tables.len() == 1 => Ok(only),
            (None, _) => Err(Failure::act_now(format!(
                "the schema has several tables ({}): choose one with --logical",
                names()
            ))),
        }
    }
}

/// `NAME=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("this is not NAME=VALUE".to_owned()),
    }
}
