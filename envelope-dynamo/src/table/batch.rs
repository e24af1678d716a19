//! Many records in few requests.

pub(crate) mod delete;
pub(crate) mod error;
pub(crate) mod get;
pub(crate) mod get_stream;
pub(crate) mod put;
pub(crate) mod requested_keys;
pub(crate) mod sender;

pub use crate::table::batch::delete::BatchDelete;
pub use crate::table::batch::error::{BatchError, BatchFailure};
pub use crate::table::batch::get::BatchGet;
pub use crate::table::batch::get_stream::BatchGetStream;
pub use crate::table::batch::put::BatchPut;

/// What a caller sets on each of the SDK's requests.
type Customize<'a, B> = Box<dyn Fn(B) -> B + Send + Sync + 'a>;

/// How often in a row DynamoDB may leave everything unprocessed that it is sent.
pub(crate) const TRIES: u32 = 10;
