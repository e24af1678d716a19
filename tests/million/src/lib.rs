//! Large tables under traffic. Many processes work on them, some of which are killed, while others
//! write; and a model knows what each item must then be.
//!
//! The rotation of a key, by `envelope rewrap`:
//!
//! - [`records`] and [`seed`] fill a table.
//! - [`writers`] change the table meanwhile.
//! - [`check`] compares the table with the model, and [`events`] every write with what it may do.
//!
//! [`bring_in`] takes a plaintext table in, and [`reindex`] gives records current search tags. All
//! of them have in common:
//!
//! - [`engine`] reads the rules of the manifests in `deploy/`: what becomes of a part by its exit.
//! - [`job`] starts the processes, kills them, and starts them again by these rules.
//! - [`model`] knows what each item must be, and [`compare`] reads them all.
//! - [`watch`] makes others write at the worst moments.
//! - [`stream`] reads every write.
//! - [`programs`] has what the programs share: arguments, folders, figures.
#![forbid(unsafe_code)]

pub mod bring_in;
pub mod check;
pub mod compare;
pub mod engine;
pub mod events;
pub mod job;
pub mod model;
pub mod programs;
pub mod random;
pub mod records;
pub mod reindex;
pub mod seed;
pub mod stream;
pub mod watch;
pub mod writers;

/// What a step of a test returns: any error ends it.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
