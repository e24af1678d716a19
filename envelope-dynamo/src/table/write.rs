//! Calls that write one record.

pub(crate) mod check;
pub(crate) mod condition_failure;
pub(crate) mod delete;
pub(crate) mod modify;
pub(crate) mod put;
pub(crate) mod return_values;
pub(crate) mod rewrap;
pub(crate) mod update;
