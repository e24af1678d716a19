//! Calls that write one record.

pub(crate) mod change_loop;
pub(crate) mod check;
pub(crate) mod delete;
pub(crate) mod modify;
pub(crate) mod put;
pub(crate) mod return_values;
pub(crate) mod rewrap;
pub(crate) mod update;

pub use crate::table::create::CreateTable;
pub use crate::table::write::delete::Delete;
pub use crate::table::write::modify::{Modify, TryModify};
pub use crate::table::write::put::{Put, RecordRef};
pub use crate::table::write::return_values::{ReturningNew, ReturningOld};
pub use crate::table::write::rewrap::new_keys::Rewrapped;
pub use crate::table::write::rewrap::{Rewrap, RewrapTo};
pub use crate::table::write::update::Update;
