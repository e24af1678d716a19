//! The command as a process: help, exit codes, mistakes, results.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod help;
mod mistakes;
mod policy;
mod process;
mod schema;
