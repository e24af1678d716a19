//! The documents: their commands run, their code compiles, and the figures in them are counted.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod audit;
mod costs;
mod dependencies;
#[cfg(unix)] // it kills a group of processes
mod dynamodb_local;
#[allow(dead_code)] // the code of the guide is compiled; only that of some documents runs
mod guide;
mod links;
mod names;
mod published;
mod rotation;
