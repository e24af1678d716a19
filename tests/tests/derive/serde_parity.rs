//! serde's attributes and types work as in `serde_dynamo`: names, values, and reading back.
//!
//! Every shape of record is declared once and compiled twice. With readable fields beside one
//! sealed field, the attributes must equal those of `serde_dynamo`. With sealed fields, their names
//! must. What the crate `serde_dynamo` writes and reads counts as right.

#[macro_use]
mod twins;

mod defaults;
mod enums;
mod flattened;
mod generics;
mod names;
mod numbers;
mod plain_items;
mod sets;
mod skipped;
mod stored;
mod values;
mod with;
