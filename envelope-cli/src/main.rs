//! The command `envelope`, for every table that a schema file describes.

use std::process::ExitCode;

fn main() -> ExitCode {
    envelope_cli::main()
}
