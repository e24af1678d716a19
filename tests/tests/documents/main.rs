//! What the documents say, tried out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod audit;
mod dependencies;
