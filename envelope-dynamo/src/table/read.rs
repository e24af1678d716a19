//! The calls of [`Table`](crate::Table) that read: one record, or many.
//!
//! | to | use |
//! |---|---|
//! | read one record by its key | [`Table::get`](crate::Table::get): [`Get`] |
//! | read some readable attributes without the data key | [`Table::view`](crate::Table::view): [`GetView`]; `.views()` on a query or a scan |
//! | read the records of one partition | [`Table::query`](crate::Table::query): [`Query`] |
//! | read all records | [`Table::scan`](crate::Table::scan): [`Scan`] |
//! | read through an index | [`Table::index`](crate::Table::index): [`TableIndex`] |
//! | read many records by their keys | [`Table::batch_get`](crate::Table::batch_get), in [`batch`](crate::batch) |
//! | process the records one by one | `.stream()`: [`Records`] |
//! | continue later, or in another process | `.resume(token)`, with the [`ResumeToken`] of [`Records::resume_token`] |
//!
//! `.send()` returns all records, or the first error. `.stream()` returns each record with its own
//! result: one bad record does not hide the others.
//!
//! ```no_run
//! # use envelope_dynamo::{Envelope, Error, ResumeToken, Table};
//! # #[derive(Envelope)]
//! # #[envelope(table = "visits")]
//! # struct Visit {
//! #     #[partition_key] patient: String,
//! #     #[sort_key] day: String,
//! #     #[encrypted] notes: String,
//! # }
//! /// One page of a web application, and the token for the next page.
//! async fn page(
//!     visits: &Table<Visit>,
//!     patient: &str,
//!     from: Option<ResumeToken>,
//! ) -> Result<(Vec<Visit>, Option<ResumeToken>), Error> {
//!     let mut records = visits.query(patient).descending().limit(20).resume(from).stream()?;
//!     let page = records.try_collect().await?;
//!     Ok((page, records.resume_token()))
//! }
//! ```

pub(crate) mod attribute_names;
pub(crate) mod base_table;
pub(crate) mod get;
pub(crate) mod get_view;
pub(crate) mod in_tasks;
pub(crate) mod open;
pub(crate) mod options;
pub(crate) mod page_request;
pub(crate) mod pages;
pub(crate) mod prepared;
pub(crate) mod query;
pub(crate) mod read_request;
pub(crate) mod records;
pub(crate) mod resume_token;
pub(crate) mod scan;
pub(crate) mod search;
pub(crate) mod segment;
pub(crate) mod settings;
pub(crate) mod source;
pub(crate) mod table_index;
pub(crate) mod unique;

use crate::item::entity::Entity;
use crate::record::Envelope;
pub use crate::table::read::get::Get;
pub use crate::table::read::get_view::GetView;
pub use crate::table::read::query::Query;
pub use crate::table::read::records::Records;
pub use crate::table::read::resume_token::{ResumeToken, ResumeTokenError};
pub use crate::table::read::scan::Scan;
pub use crate::table::read::table_index::TableIndex;
pub use crate::table::read::unique::{GetUnique, Unique};

/// The key of a table of records or entities `T`.
pub(crate) type KeyOf<T> = <<T as Entity>::First as Envelope>::Key;
