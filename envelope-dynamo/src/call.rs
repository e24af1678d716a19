//! One call to DynamoDB: whether a lost answer leaves a write in doubt, and the pauses between
//! tries.

pub(crate) mod attempt_outcome;
pub(crate) mod backoff;
