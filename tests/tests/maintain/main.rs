//! Maintenance of whole tables: rewrap, coverage, reseal, on a table that a schema file describes.
//!
//! The servers are embedded, or those that the environment names.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod backfill;
mod backfill_fields;
mod backfill_from;
mod bench;
mod contexts;
mod coverage;
mod estimate;
mod lies;
mod orders;
mod refused;
mod reseal;
mod reseal_attacks;
mod rewrap;
mod sealed;
mod unprotected;
