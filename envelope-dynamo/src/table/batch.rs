//! The calls of [`Table`](crate::Table) for many records: few requests, and a result for each
//! record.
//!
//! | to | use | records in a request |
//! |---|---|---|
//! | store records | [`Table::batch_put`](crate::Table::batch_put): [`BatchPut`] | 25 |
//! | delete records by their keys | [`Table::batch_delete`](crate::Table::batch_delete): [`BatchDelete`] | 25 |
//! | read records by their keys | [`Table::batch_get`](crate::Table::batch_get): [`BatchGet`] | 100 |
//!
//! The inputs come from an iterator, which may be of any length: one request at a time is in
//! memory. What DynamoDB leaves unprocessed is sent again after a pause.
//!
//! A batch is not a transaction: some inputs may succeed while others fail. A [`BatchError`] names
//! each input that failed, and why. For all or nothing, see [`transaction`](crate::transaction).
//!
//! ```no_run
//! # use envelope_dynamo::{Envelope, Table};
//! # #[derive(Envelope)]
//! # #[envelope(table = "users")]
//! # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
//! # async fn example(users: Table<User>, imported: Vec<User>) {
//! if let Err(error) = users.batch_put(&imported).send().await {
//!     for failure in error.failures() {
//!         eprintln!("{} was not stored: {}", imported[failure.position()].user_id, failure.error());
//!     }
//! }
//! # }
//! ```

pub(crate) mod delete;
pub(crate) mod error;
pub(crate) mod get;
pub(crate) mod get_stream;
pub(crate) mod put;
pub(crate) mod put_plaintext;
pub(crate) mod requested_keys;
pub(crate) mod sender;

pub use crate::table::batch::delete::BatchDelete;
pub use crate::table::batch::error::{BatchError, BatchFailure};
pub use crate::table::batch::get::BatchGet;
pub use crate::table::batch::get_stream::BatchGetStream;
pub use crate::table::batch::put::BatchPut;

/// The function of `customize`, which is called for each of the SDK's requests.
type Customize<'a, B> = Box<dyn Fn(B) -> B + Send + Sync + 'a>;

/// How many requests in a row DynamoDB may leave wholly unprocessed.
pub(crate) const TRIES: u32 = 10;
