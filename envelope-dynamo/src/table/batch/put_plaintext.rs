//! A batch of puts of a table that writes items that are not sealed: single puts, because a batch
//! takes no conditions, and a plain item must not replace a sealed record.

use std::borrow::Borrow;
use std::collections::HashSet;

use envelope_core::{Fault, WrapKey};

use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::service::ServiceError;
use crate::item::entity::Entity;
use crate::item::plain::PlainItem;
use crate::record::key_identity::KeyIdentity;
use crate::table::Table;
use crate::table::batch::error::{BatchError, BatchFailure};
use crate::table::bounded::all;

/// Records that are taken from the input at a time, as in a batch.
const AT_A_TIME: usize = 25;

/// Puts the records. Those with one key are put one after the other.
pub(super) async fn put_each<T: Entity, P: WrapKey + ?Sized, I: Iterator<Item: Borrow<T>>>(
    table: &Table<T, P>,
    mut records: I,
    concurrency: usize,
    mut so_far: BatchError,
) -> Result<usize, BatchError> {
    loop {
        let taken: Vec<_> = records.by_ref().take(AT_A_TIME).collect();
        if taken.is_empty() {
            break;
        }
        let (first, done, failed) = (so_far.taken, so_far.done, so_far.failures.len());
        so_far.taken += taken.len();
        let (mut wave, mut keys) = (Vec::new(), HashSet::new());
        for (position, record) in (first..).zip(taken) {
            match checked(record.borrow(), table) {
                Ok(key) => {
                    if !keys.insert(key.clone()) {
                        put_wave(table, std::mem::take(&mut wave), concurrency, &mut so_far).await;
                        keys = HashSet::from([key]);
                    }
                    wave.push((position, record));
                }
                Err(error) => so_far.failures.push(BatchFailure { position, error }),
            }
        }
        put_wave(table, wave, concurrency, &mut so_far).await;
        let failures = so_far.failures.get_mut(failed..).unwrap_or_default();
        failures.sort_unstable_by_key(|failure| failure.position);
        if so_far.done == done && !failures.iter().all(|failure| is_of_the_record(&failure.error)) {
            so_far.stopped = true;
            break;
        }
    }
    if so_far.failures.is_empty() { Ok(so_far.done) } else { Err(so_far) }
}

/// Checks what a batch of sealed records checks too, and returns the key.
fn checked<T: Entity, P: ?Sized>(record: &T, table: &Table<T, P>) -> Result<KeyIdentity, Error> {
    let mut pending = record.split()?.check_one_kind(table.kinds)?;
    let _ = pending.set_managed_fields(table.clock.system_time())?;
    let plain: PlainItem = record.split_plain()?;
    let id = plain.id();
    KeyIdentity::of::<T::First>(&plain.into_item()?).map_err(|kind| Error::new(id, kind))
}

/// Puts records with different keys.
async fn put_wave<T: Entity, P: WrapKey + ?Sized, R: Borrow<T>>(
    table: &Table<T, P>,
    wave: Vec<(usize, R)>,
    concurrency: usize,
    so_far: &mut BatchError,
) {
    let puts = wave.into_iter().map(|(position, record)| async move {
        (position, table.put(record.borrow()).send().await)
    });
    for (position, outcome) in all(concurrency, puts).await {
        match outcome {
            Ok(()) => so_far.done += 1,
            Err(error) => so_far.failures.push(BatchFailure { position, error }),
        }
    }
}

/// Whether the reason of a failure is in the record, so that the next records may succeed.
fn is_of_the_record(error: &Error) -> bool {
    error.fault() != Fault::Operator
        && !matches!(error.kind(), ErrorKind::DynamoDb(ServiceError::Request(_)))
}
