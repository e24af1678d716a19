//! The command of a program that has the record types of the plaintext table.

use std::process::ExitCode;

use envelope_million_tests::bring_in::records::{Note, Person};

fn main() -> ExitCode {
    envelope_cli::main_with::<(Person, Note)>()
}
