//! serde's attributes and types mean what they mean in `serde_dynamo`: names, values, and what is
//! read back.
//!
//! Every shape of record is declared once and compiled twice: with its fields readable beside one
//! sealed field, where the attributes must be `serde_dynamo`'s own, and with its fields sealed,
//! where their names must be. Here the crate `serde_dynamo` is the judge: what it writes and reads
//! is right.

#[macro_use]
mod twins;

mod defaults;
mod enums;
mod flattened;
mod generics;
mod names;
mod numbers;
mod sets;
mod skipped;
mod stored;
mod values;
mod with;
