//! Several records in one transaction: all writes happen or none, and all reads are of one moment.
//!
//! The records can be of several types, in several tables of one account and region.
//! [`transact_write()`] collects writes, and [`transact_get()`] reads.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # use aws_sdk_dynamodb::config::{BehaviorVersion, Config};
//! use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Table, transact_write};
//!
//! #[derive(Envelope)]
//! #[envelope(table = "accounts")]
//! struct Account {
//!     #[partition_key]
//!     id: String,
//!     #[encrypted]
//!     owner: String,
//!     #[plaintext]
//!     balance: u64,
//! }
//!
//! # let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
//! # let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
//! let provider = LocalKeyProvider::new(RootKey::generate()?);
//! let accounts = Table::<Account>::new(dynamodb.clone(), provider);
//! let savings = Account { id: "a_2".into(), owner: "Zoe".into(), balance: 100 };
//!
//! // `send` seals and sends the transaction; `prepare` only seals it.
//! let transfer = transact_write(&dynamodb)
//!     .update(accounts.update("a_1").add(|account| account.balance, -100))
//!     .put(accounts.put(&savings).if_not_exists())
//!     .prepare()
//!     .await?;
//! assert_eq!(transfer.records().len(), 2);
//!
//! // DynamoDB accepts one action per record.
//! let twice = transact_write(&dynamodb)
//!     .check(accounts.check("a_1").if_exists())
//!     .update(accounts.update("a_1").add(|account| account.balance, 1));
//! assert!(twice.prepare().await.is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! If the answer to a transaction is lost, it is in doubt. Send the same [`PreparedTransaction`]
//! again: for ten minutes, DynamoDB recognizes its token and does not carry it out twice.

pub(crate) mod action;
pub(crate) mod error;
pub(crate) mod get;
pub(crate) mod retry;
pub(crate) mod target;
pub(crate) mod token;
pub(crate) mod write;

use std::collections::HashMap;

use crate::error::Error;
use crate::error::record_id::RecordId;
use crate::error::write::WriteError;
use crate::table::customized::Customized;
pub use crate::table::transaction::error::{
    TransactionError, TransactionErrorKind, TransactionReason,
};
pub use crate::table::transaction::get::{GetList, TransactGet, transact_get};
use crate::table::transaction::target::Target;
pub use crate::table::transaction::write::{PreparedTransaction, Transaction, transact_write};
pub use crate::table::write::check::{Check, Conditional, HasCondition, NoCondition};

/// The actions of one transaction (Amazon DynamoDB Developer Guide, "DynamoDB transactions: how it
/// works").
const MAX_ACTIONS: usize = 100;

/// The bytes of all items of one transaction: 4 MB (same source).
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Refuses transactions that DynamoDB would refuse: too many actions, or two on one record.
fn check(targets: &[&Target]) -> Result<(), TransactionErrorKind> {
    if targets.len() > MAX_ACTIONS {
        return Err(TransactionErrorKind::TooManyActions { actions: targets.len() });
    }
    let mut positions = HashMap::new();
    for (second, target) in targets.iter().enumerate() {
        if let Some(first) = positions.insert(&target.place, second) {
            if let Some(claim) = &target.claim {
                let taken = Error::new(target.id.clone(), WriteError::Taken { field: claim.name });
                return Err(TransactionErrorKind::Record(taken));
            }
            return Err(TransactionErrorKind::SameRecord {
                record: target.id.clone(),
                positions: [first, second],
            });
        }
    }
    Ok(())
}

/// Refuses a request to which the caller has added actions. The error names the table of the first
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
