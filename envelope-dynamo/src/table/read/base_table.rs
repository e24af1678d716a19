//! Reads the whole records for the keys that an index returned.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::retry::Retry;
use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::service::ServiceError;
use crate::error::{Error, dynamodb_error};
use crate::record::key_identity::KeyIdentity;
use crate::table::batch::TRIES;
use crate::table::read::source::{KeyParts, Source, parts};

/// Keys in one call (Amazon DynamoDB API Reference, "BatchGetItem").
const MAX_KEYS: usize = 100;

/// Reads the records for the keys in `found` from the table, consistently, in the order of `found`.
///
/// A record that was deleted meanwhile is left out. A record that the index names twice is read
/// once, and is in the answer twice: DynamoDB refuses a request that names a key twice. An index
/// can name a record twice while DynamoDB updates it.
pub(crate) async fn from_base_table(
    source: &Source,
    found: Vec<(Item, KeyParts)>,
) -> Result<Vec<(Item, KeyParts)>, Error> {
    let mut records = Vec::with_capacity(found.len());
    for chunk in found.chunks(MAX_KEYS) {
        let items = read(source, distinct_keys(source, chunk)?).await?;
        let items = by_identity(source, items.iter().map(|item| (item, item)))?;
        for (key, after) in chunk {
            if let Some(item) = items.get(&identity(source, key)?) {
                records.push(((*item).clone(), after.clone()));
            }
        }
    }
    Ok(records)
}

fn distinct_keys(source: &Source, chunk: &[(Item, KeyParts)]) -> Result<Vec<Item>, Error> {
    let keys =
        by_identity(source, chunk.iter().map(|(item, _)| (item, parts(item, &source.primary))))?;
    Ok(keys.into_values().collect())
}

fn by_identity<'i, V>(
    source: &Source,
    items: impl Iterator<Item = (&'i Item, V)>,
) -> Result<HashMap<KeyIdentity, V>, Error> {
    items.map(|(item, value)| Ok((identity(source, item)?, value))).collect()
}

fn identity(source: &Source, item: &Item) -> Result<KeyIdentity, Error> {
    (source.identity)(item).map_err(|kind| Error::new(RecordId::of_table(source.logical), kind))
}

/// Reads the items under `keys`, in any order.
async fn read(source: &Source, mut keys: Vec<Item>) -> Result<Vec<Item>, Error> {
    let (mut items, mut retry) = (Vec::new(), Retry::new(&source.client));
    while !keys.is_empty() {
        let asked = keys.len();
        let request =
            KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let request =
            request.ok().map(|request| HashMap::from([(source.table.to_string(), request)]));
        let outcome = AttemptOutcome::default();
        let request = source
            .client
            .batch_get_item()
            .set_request_items(request)
            .customize()
            .interceptor(outcome.clone());
        let answer = request.send().await;
        retry.adopt(outcome.sleep());
        let answer = answer.map_err(|error| {
            dynamodb_error("BatchGetItem", &source.table, RecordId::of_table(source.logical), error)
        })?;
        items.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
        keys =
            answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, keys)| keys.keys).collect();
        if keys.len() < asked {
            retry.progressed();
        } else if retry.failed() == TRIES {
            let kind = ErrorKind::DynamoDb(ServiceError::Unprocessed { tries: TRIES });
            return Err(Error::new(RecordId::of_table(source.logical), kind));
        }
        if !keys.is_empty() {
            retry.pause().await;
        }
    }
    Ok(items)
}
