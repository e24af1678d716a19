//! TODO

pub(crate) mod branch_keys;
pub(crate) mod kms;
