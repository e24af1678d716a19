//! Several entity types in one table: composed keys, kinds, enums.

mod composed;
mod enums;
mod properties;
mod queries;
mod tables;
