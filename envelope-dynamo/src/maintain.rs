//! Tools for a table that exists for years; needs the feature `maintain`.
//!
//! A [`SchemaFile`] is a text file, in the repository of the program, that says how each type of
//! record is stored: table, keys, KMS context and the mark of every field.
//! [`assert_schema!`](crate::assert_schema) compares it with the code in a test, so that no mark
//! changes without a line in a review. [`SchemaFile::changes_since`] judges a change: which fields
//! are less protected than before, and which stored records would no longer open.
//!
//! ```
//! use envelope_dynamo::Envelope;
//! use envelope_dynamo::maintain::{Effect, SchemaFile};
//!
//! mod before {
//!     # use envelope_dynamo::Envelope;
//!     #[derive(Envelope)]
//!     #[envelope(table = "users")]
//!     pub struct User {
//!         #[partition_key]
//!         pub user_id: String,
//!         #[encrypted]
//!         pub email: String,
//!         #[encrypted]
//!         pub phone: String,
//!     }
//! }
//!
//! #[derive(Envelope)]
//! #[envelope(table = "users")]
//! struct User {
//!     #[partition_key]
//!     user_id: String,
//!     #[plaintext]
//!     email: String,
//!     #[encrypted]
//!     phone: String,
//! }
//!
//! let before = SchemaFile::new().with::<before::User>();
//! let changes = SchemaFile::new().with::<User>().changes_since(&before);
//! assert_eq!(changes[0].effect(), Effect::LessProtected);
//! assert_eq!(changes[0].place(), "User.email");
//! ```

mod assert_schema;
mod backfill;
mod branch_keys;
mod changes;
mod coverage;
mod demand;
mod engine;
mod estimate;
pub mod inspect;
mod key_table;
mod kinds;
mod leakage;
mod only_keys_changed;
mod overdue;
mod plain_fields;
pub mod policy;
mod reindex;
mod report;
mod reseal;
mod rewrap;
mod schema_file;
mod sealed_again;
mod search_keys;
mod stale;
mod stored_keys;
mod stored_table;
mod tag_counts;
mod tag_state;
mod target;

#[doc(hidden)]
pub use crate::maintain::assert_schema::assert_file;
pub use crate::maintain::backfill::{Backfill, Converted};
pub use crate::maintain::changes::{Change, Effect};
pub use crate::maintain::coverage::{Coverage, CoverageEvent};
pub use crate::maintain::demand::{Demand, Dollars, LimitTime, Rates};
pub use crate::maintain::engine::counts::Counts;
pub use crate::maintain::engine::error::{Refusal, RunError, RunErrorKind};
pub use crate::maintain::engine::limits::Limits;
pub use crate::maintain::engine::part::{Part, PartError};
pub use crate::maintain::engine::preflight::TableInfo;
pub use crate::maintain::engine::run::{Run, RunEvent};
pub use crate::maintain::estimate::{Classes, Estimate, Estimation, SampleInfo};
pub use crate::maintain::leakage::{Leakage, LeakageReport, TagLeakage};
pub use crate::maintain::only_keys_changed::only_keys_changed;
pub use crate::maintain::overdue::Overdue;
pub use crate::maintain::report::finding::UnknownFindingKind;
pub use crate::maintain::report::{
    Copies, CopyKind, EntityCounts, Expected, Finding, FindingKind, KeyCounts, NotAsked, Opened,
    OtherCopy, ReadCounts, Report, Scope,
};
pub use crate::maintain::schema_file::{
    FieldSchema, KeySchema, RecordSchema, SchemaFile, SchemaFileError, TaggedFieldSchema,
};
pub use crate::maintain::search_keys::RetireError;
pub use crate::maintain::stale::{Stale, StaleReport};
pub use crate::maintain::stored_table::StoredTable;
pub use crate::maintain::tag_counts::TagCounts;
pub use crate::maintain::target::Target;
