//! Calls that read: one record, or many.

pub(crate) mod attribute_names;
pub(crate) mod base_table;
pub(crate) mod get;
pub(crate) mod get_view;
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
pub(crate) mod segment;
pub(crate) mod settings;
pub(crate) mod source;
pub(crate) mod table_index;

use crate::item::entity::Entity;
use crate::record::Envelope;
pub use crate::table::read::get::Get;
pub use crate::table::read::get_view::GetView;
pub use crate::table::read::query::Query;
pub use crate::table::read::records::Records;
pub use crate::table::read::resume_token::{ResumeToken, ResumeTokenError};
pub use crate::table::read::scan::Scan;
pub use crate::table::read::table_index::TableIndex;

/// The key of a table of records or entities `T`.
pub(crate) type KeyOf<T> = <<T as Entity>::First as Envelope>::Key;
