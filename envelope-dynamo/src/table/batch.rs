//! Many records in few requests.

mod delete;
mod error;
mod get;
mod put;
mod sender;

pub use delete::BatchDelete;
pub use error::{BatchError, BatchFailure};
pub use get::{BatchGet, BatchGetStream};
pub use put::BatchPut;

/// What a caller sets on each of the SDK's requests.
type Customize<'a, B> = Box<dyn Fn(B) -> B + Send + Sync + 'a>;

/// How often in a row DynamoDB may leave everything unprocessed that it is sent.
pub(super) const TRIES: u32 = 10;
