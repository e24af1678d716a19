//! A plaintext table is taken in by the five steps of `docs/guide/migration.md`, under traffic.
//!
//! - [`records`]: the types, as the old build and as the new builds have them.
//! - [`world`]: the table, its key, and clients by role.
//! - [`locks`]: a client that waits for the locks of DynamoDB Local.
//! - [`build`]: how a process of each build reads and writes.
//! - [`traffic`]: what the processes do, compared with the model.
//! - [`fleet`]: the processes that are alive, and rolling deployments.
//! - [`sealing`]: the jobs that seal what is left, and the coverage beside them.
//! - [`events`]: every write, judged by the item before and after it.
//! - [`scenario`]: the five steps, and what must hold at each.

pub mod build;
pub mod events;
pub mod fleet;
pub mod locks;
pub mod records;
pub mod scenario;
pub mod sealing;
pub mod traffic;
pub mod world;
