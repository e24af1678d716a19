//! Records get current search tags after a rotation of the search key, by `envelope reindex` in
//! many processes, some of which are killed, while others write.
//!
//! - [`records`]: the records, the table, and its keys.
//! - [`traffic`]: the other writers.
//! - [`scenario`]: the runs, and what must hold after them.

pub mod records;
pub mod scenario;
pub mod traffic;
