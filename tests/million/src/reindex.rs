//! Records get current search tags after a rotation of the search key, by `envelope reindex` in
//! many processes, some of which are killed, while others write. With `--claims`, it also claims the
//! addresses of people who were written before addresses became unique.
//!
//! - [`claims`]: what must hold of the claims.
//! - [`records`]: the records, the table, and its keys.
//! - [`traffic`]: the other writers.
//! - [`scenario`]: the runs, and what must hold after them.

pub mod claims;
pub mod records;
pub mod scenario;
pub mod traffic;
