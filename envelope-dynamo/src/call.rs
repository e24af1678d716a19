//! One call to DynamoDB: whether an attempt without an answer may have written, and when to try
//! again.

pub(crate) mod attempt_outcome;
pub(crate) mod retry;
