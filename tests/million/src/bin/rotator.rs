//! The command `envelope`, built here so that the tests of this package find it.

use std::process::ExitCode;

fn main() -> ExitCode {
    envelope_cli::main()
}
