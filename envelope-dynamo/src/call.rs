//! TODO

pub(crate) mod attempt_outcome;
pub(crate) mod backoff;
