//! The command as a process: help, exit codes, mistakes, results.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod backfill;
mod bench;
mod branch_keys;
mod calls;
mod coverage;
mod help;
mod inspect;
mod leakage;
mod mistakes;
mod policy;
mod process;
mod reindex;
mod reseal;
mod rewrap;
mod schema;
mod search_keys;
