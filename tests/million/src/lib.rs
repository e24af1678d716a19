//! Rotates the key of a table with many processes, as Kubernetes and AWS Batch would, while other
//! writers change it and processes are killed; and says what each item must then be.
//!
//! - [`engine`] reads the rules of the manifests in `deploy/`: what becomes of a part by its exit.
//! - [`job`] starts the processes, kills them, and starts them again by these rules.
//! - [`records`], [`model`] and [`seed`] fill a table, and know what each item must be.
//! - [`writers`] change the table meanwhile, and [`watch`] makes them do so at the worst moments.
//! - [`check`] compares the table with the model, and [`events`] every write with what it may do.
#![forbid(unsafe_code)]

pub mod check;
pub mod engine;
pub mod events;
pub mod job;
pub mod model;
pub mod random;
pub mod records;
pub mod seed;
pub mod watch;
pub mod writers;

/// What a step of a test returns: any error ends it.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
