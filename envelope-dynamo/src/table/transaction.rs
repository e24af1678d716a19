//! Several records at once, all or nothing: of one type or several, in one table or several.

pub(crate) mod action;
pub(crate) mod error;
pub(crate) mod get;
pub(crate) mod retry;
pub(crate) mod token;
pub(crate) mod write;

use std::collections::HashMap;

use crate::error::Error;
use crate::error::record_id::RecordId;
use crate::table::customized::Customized;
use crate::table::transaction::action::Target;
pub use crate::table::transaction::error::{
    TransactionError, TransactionErrorKind, TransactionReason,
};
pub use crate::table::transaction::get::{Gets, TransactGet, transact_get};
pub use crate::table::transaction::write::{PreparedTransaction, Transaction, transact_write};
pub use crate::table::write::check::Check;

/// Actions of one transaction (Amazon DynamoDB Developer Guide, "DynamoDB transactions: how it
/// works").
const MAX_ACTIONS: usize = 100;

/// Bytes of all items of one transaction together: 4 MB; same source.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Refuses what DynamoDB would refuse: too many actions, and two on one record.
fn check(targets: &[&Target]) -> Result<(), TransactionErrorKind> {
    if targets.len() > MAX_ACTIONS {
        return Err(TransactionErrorKind::TooManyActions { actions: targets.len() });
    }
    let mut positions = HashMap::new();
    for (second, target) in targets.iter().enumerate() {
        if let Some(first) = positions.insert(&target.place, second) {
            return Err(TransactionErrorKind::SameRecord {
                record: target.id.clone(),
                positions: [first, second],
            });
        }
    }
    Ok(())
}

/// Refuses a request that its owner customized with actions; the error names the table of the first
/// target.
fn checked<'t, B: Customized>(
    operation: &'static str,
    builder: B,
    mut targets: impl Iterator<Item = &'t Target>,
) -> Result<B, TransactionError> {
    builder.checked().map_err(|refused| {
        let table = targets.next().map_or("", |target| target.id.table());
        let error = Error::new(RecordId::of_table(table), refused);
        TransactionError::new(operation, TransactionErrorKind::Record(error))
    })
}

/// The physical tables, for messages.
fn tables<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut tables: Vec<_> = names.collect();
    tables.sort_unstable();
    tables.dedup();
    tables.join(", ")
}
