//! One call to DynamoDB: whether an attempt without an answer may have written, when to try again,
//! and how a failed write is reported.

pub(crate) mod attempt_outcome;
pub(crate) mod retry;
pub(crate) mod write_attempt;
