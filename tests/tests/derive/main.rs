//! `#[derive(Envelope)]`: what it makes of structs, mostly without servers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod attributes;
mod marks;
mod searchable;
#[macro_use]
mod serde_parity;
