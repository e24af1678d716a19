//! Several entity types in one table: composed keys, kinds, enums.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod composed;
mod enums;
mod properties;
mod queries;
mod records;
mod servers;
