//! Search tags: how records are found by encrypted fields.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod leakage;
mod reading;
mod reindexing;
mod rotation_model;
mod several_fields;
mod several_keys;
mod unique;
mod writing;
