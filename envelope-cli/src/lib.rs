#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod args;
mod aws;
mod command;
mod commands;
mod count;
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

use std::process::ExitCode;

pub use aws_config::SdkConfig;

pub use crate::command::Command;
pub use crate::exit::Exit;
pub use crate::records::Records;

/// Runs the command for the tables of a schema file, with the arguments of this process.
///
/// Return what it returns from `main`: the exit code is part of the interface, see [`Exit`].
#[must_use]
pub fn main() -> ExitCode {
    Command::new().main()
}

/// Runs the command for the record types `R`. It needs no schema file then: the types have the
/// schema. It also has the command `backfill`, which seals a table that was stored in plaintext.
///
/// [`Command`] has more settings.
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
    Command::new().records::<R>().main()
}

#[cfg(test)]
mod tests {
    use envelope_dynamo::Envelope;

    use crate::{Command, Exit};

    #[derive(Debug, Envelope)]
    #[envelope(table = "users")]
    struct User {
        #[partition_key]
        id: String,
        #[encrypted]
        email: String,
    }

    #[derive(Debug, Envelope)]
    #[envelope(table = "elsewhere")]
    struct Elsewhere {
        #[partition_key]
        id: String,
        #[encrypted]
        email: String,
    }

    #[test]
    fn a_transform_of_a_type_that_is_not_there_is_refused() {
        let command = || Command::new().records::<(User,)>();
        assert!(command().transform(|user: &mut User| user.email.clear()).check_settings().is_ok());
        let lost = command().transform(|it: &mut Elsewhere| it.email.clear());
        let backfill = ["envelope", "backfill", "--table", "t", "--kms-key", "k"];
        assert_eq!(lost.run(backfill.map(Into::into)), Exit::ActNow, "before AWS is asked");
    }

    #[test]
    fn a_command_with_record_types_needs_no_schema_file() {
        let print = || ["envelope", "schema", "print"].map(Into::into);
        assert_eq!(Command::new().records::<(User,)>().run(print()), Exit::Done);
        assert_eq!(Command::new().run(print()), Exit::ActNow, "no file is in this directory");
    }
}
