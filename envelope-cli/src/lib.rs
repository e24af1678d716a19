#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod args;
mod aws;
mod commands;
mod dynamodb_json;
mod exit;
mod failure;
mod figures;
mod input;
mod key_name;
mod output;
mod part;
mod progress;
mod providers;
mod records;
mod run;
mod schema_source;
mod stop;

use std::ffi::OsString;
use std::process::ExitCode;

use envelope_dynamo::maintain::SchemaFile;

pub use crate::exit::Exit;
pub use crate::records::Records;

/// Runs the command for the tables of a schema file, with the arguments of this process.
///
/// Return what it returns from `main`: the exit code is part of the interface, see [`Exit`].
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os(), None).into()
}

/// Runs the command for the record types `R`. It needs no schema file then: the types have the
/// schema.
///
/// ```no_run
/// use envelope_dynamo::Envelope;
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
/// }
///
/// fn main() -> std::process::ExitCode {
///     envelope_cli::main_with::<(User,)>()
/// }
/// ```
#[must_use]
pub fn main_with<R: Records>() -> ExitCode {
    run(std::env::args_os(), Some(R::schema())).into()
}

fn run(arguments: impl IntoIterator<Item = OsString>, of_code: Option<SchemaFile>) -> Exit {
    match args::parse(arguments, of_code.is_some()) {
        Ok(args) => failure::reported(commands::run(args, of_code)),
        Err(error) => {
            // Help and version go to stdout, mistakes to stderr. A closed pipe is not reported.
            let _ = error.print();
            if error.use_stderr() { Exit::ActNow } else { Exit::Done }
        }
    }
}

#[cfg(test)]
mod tests {
    use envelope_dynamo::maintain::SchemaFile;

    use crate::{Exit, run};

    #[test]
    fn a_command_with_record_types_needs_no_schema_file() {
        let schema = r#"{ "envelope-schema": 1, "records": { "User": { "table": "users",
            "form": "raw", "partition_key": { "name": "user_id", "type": "S" }, "fields": {} } } }"#;
        let of_code: SchemaFile = schema.parse().unwrap_or_default();
        let print = || ["envelope", "schema", "print"].map(Into::into);
        assert_eq!(run(print(), Some(of_code)), Exit::Done);
        assert_eq!(run(print(), None), Exit::ActNow, "there is no file in this directory");
    }
}
