//! The command as a process: help, exit codes, mistakes, results.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod bench;
mod help;
mod inspect;
mod mistakes;
mod policy;
mod process;
mod rewrap;
mod schema;
