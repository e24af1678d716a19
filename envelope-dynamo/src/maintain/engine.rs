//! The engine of every maintenance run: reads a part of a table page by page, and changes each due
//! record by one conditional update.
//!
//! It keeps no state of its own. A record's header says whether the record is done, so a run that
//! was stopped scans again and skips what it has done.

pub(crate) mod counts;
pub(crate) mod error;
pub(crate) mod limits;
pub(crate) mod pages;
pub(crate) mod part;
pub(crate) mod preflight;
pub(crate) mod refusals;
pub(crate) mod run;
pub(crate) mod step;
pub(crate) mod update;
pub(crate) mod whole_table;
pub(crate) mod worker;
