//! Search tags: find a record by an encrypted value without decrypting others (FORMAT 13).

mod step;

pub use crate::search::step::Step;
