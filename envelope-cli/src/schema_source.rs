//! Where the schema comes from: a file, or the record types of the program.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use envelope_dynamo::maintain::SchemaFile;

use crate::failure::Failure;

/// The name of the schema file if none is given.
pub(crate) const DEFAULT_PATH: &str = "envelope.schema.json";

#[derive(Args, Clone, Debug)]
pub(crate) struct SchemaArgs {
    /// The schema file of the program that writes the records
    ///
    /// The default is `envelope.schema.json` in this directory, or the record types that this
    /// command was built with.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) schema: Option<PathBuf>,
}

impl SchemaArgs {
    /// The path of the file, whether it was given or not.
    pub(crate) fn path(&self) -> PathBuf {
        self.schema.clone().unwrap_or_else(|| DEFAULT_PATH.into())
    }

    /// The schema: of the file that was given, else of the code, else of the default file.
    pub(crate) fn load(&self, of_code: Option<SchemaFile>) -> Result<SchemaFile, Failure> {
        match (&self.schema, of_code) {
            (None, Some(schema)) => Ok(schema),
            (Some(_), _) | (None, None) => self.read(),
        }
    }

    /// The schema of the file, into which people have written reasons and days; of the code if
    /// there is no file.
    pub(crate) fn load_with_notes(
        &self,
        of_code: Option<SchemaFile>,
    ) -> Result<SchemaFile, Failure> {
        let is_file = self.path().is_file();
        self.load(of_code.filter(|_| !is_file))
    }

    fn read(&self) -> Result<SchemaFile, Failure> {
        let path = self.path();
        let shown = path.display();
        let text = fs::read_to_string(&path).map_err(|error| {
            Failure::act_now(format!(
                "the schema file {shown} cannot be read: {error}; name it with --schema, or write \
                 it from the code with `assert_schema!` in a test (ENVELOPE_SCHEMA=write cargo \
                 test)"
            ))
        })?;
        parse(&shown.to_string(), &text)
    }
}

/// Parses a schema file. The message of a mistake names the file.
pub(crate) fn parse(name: &str, text: &str) -> Result<SchemaFile, Failure> {
    let schema: SchemaFile =
        text.parse().map_err(|error| Failure::act_now(format!("{name}: {error}")))?;
    if schema.records().is_empty() {
        return Err(Failure::act_now(format!("{name} describes no record type")));
    }
    Ok(schema)
}
