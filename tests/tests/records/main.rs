//! Records in tables: what is stored, read, changed and refused.
//!
//! The servers are embedded, or those that the environment names. Each test has its own tables, so
//! that tests can share servers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod batches;
mod clinic;
mod entities;
mod groups;
mod index_keys;
mod plaintext;
mod reading;
mod several_keys;
mod shop;
mod soak;
mod tables;
mod tampering;
mod views;
mod writing;
