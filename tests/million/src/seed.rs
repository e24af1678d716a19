//! Fills the table.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use envelope_dynamo::keys::{MultiKeyProvider, SharedKeyProvider, SharingLimits};
use envelope_dynamo::{GroupKeyProvider, Table};

use crate::Outcome;
use crate::records::{Flavour, Record, World, plain_item, record};

/// A request of DynamoDB takes 25 items.
const BATCH: u64 = 25;
/// Batches are sent side by side.
const TASKS: u64 = 4;
/// So many letters have one data key.
const LETTERS: u64 = 50;
/// The table is filled in less.
const KEY_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Writes the first `items` items of the table.
///
/// # Errors
///
/// If a write fails.
pub async fn seed(world: &Arc<World>, items: u64) -> Outcome<()> {
    for flavour in Flavour::ALL {
        let numbers: Vec<u64> = (0..items).filter(|i| Flavour::of(*i) == flavour).collect();
        let batches: Arc<[Vec<u64>]> =
            numbers.chunks(BATCH as usize).map(<[u64]>::to_vec).collect();
        let next = Arc::new(AtomicU64::new(0));
        let table = Arc::new(table(world, flavour));
        let mut tasks = Vec::new();
        for _ in 0..TASKS {
            let (world, batches) = (Arc::clone(world), Arc::clone(&batches));
            let (next, table) = (Arc::clone(&next), Arc::clone(&table));
            tasks.push(tokio::spawn(async move {
                loop {
                    let turn = usize::try_from(next.fetch_add(1, Ordering::SeqCst))?;
                    let Some(batch) = batches.get(turn) else { return Outcome::Ok(()) };
                    match flavour {
                        Flavour::Plain => put_plain(&world, batch).await?,
                        _ => {
                            let records: Vec<_> = batch.iter().map(|i| record(*i, 0, 0)).collect();
                            table.batch_put(&records).send().await?;
                        }
                    }
                }
            }));
        }
        for task in tasks {
            task.await??;
        }
    }
    Ok(())
}

/// The table as the first writer of such items sees it.
fn table(world: &World, flavour: Flavour) -> Table<Record> {
    let from = || world.only(&world.from);
    let to = || world.only(&world.to);
    let third = || world.only(&world.third);
    match flavour {
        Flavour::Own | Flavour::Group | Flavour::Plain => world.table(from()),
        Flavour::GroupAlone => world.table(GroupKeyProvider::new(to()).group("medical", from())),
        Flavour::Shared => {
            let limits = SharingLimits::new(KEY_AGE, LETTERS);
            world.table(SharedKeyProvider::new(from(), limits))
        }
        Flavour::TwoRecipients => world.table(MultiKeyProvider::new(from()).with(third())),
        Flavour::BothKeys => world.table(MultiKeyProvider::new(from()).with(to())),
        Flavour::Already => world.table(to()),
        Flavour::OtherKey => world.table(third()),
    }
}

async fn put_plain(world: &World, batch: &[u64]) -> Outcome<()> {
    let mut writes = Vec::new();
    for index in batch {
        let put = PutRequest::builder().set_item(Some(plain_item(*index, 0))).build()?;
        writes.push(WriteRequest::builder().put_request(put).build());
    }
    let write = world.dynamodb().batch_write_item().request_items(&world.name, writes);
    let left = write.send().await?.unprocessed_items.unwrap_or_default();
    if left.is_empty() { Ok(()) } else { Err("DynamoDB left plain items out".into()) }
}
