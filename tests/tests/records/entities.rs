//! Several entity types in one table: composed keys, kinds and enums.

mod composed;
mod enums;
mod properties;
mod queries;
mod tables;
mod unprotected;
mod without_secrets;
