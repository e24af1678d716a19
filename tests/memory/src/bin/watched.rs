//! The command `envelope` in a process whose memory is searched: freed memory is never reused, and
//! the process does not end before its stdin does.

use std::io::{Read as _, stdin};
use std::process::ExitCode;

use envelope_memory_tests as _; // its allocator

fn main() -> ExitCode {
    let code = envelope_cli::main();
    println!("the command has ended");
    let _ = stdin().read(&mut [0]);
    code
}
