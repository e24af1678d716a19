//! Whole records for the keys that an index gave.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::backoff::Backoff;
use super::batch::TRIES;
use super::doubt::Doubt;
use super::dynamodb_error;
use super::records::pages::{Source, parts};
use crate::binding::Item;
use crate::error::{Error, ErrorKind, RecordId};

/// Keys in one call (Amazon DynamoDB API Reference, "BatchGetItem").
const MAX_KEYS: usize = 100;

/// Reads the records that `found` names from the table, as of now, in the order of `found`.
///
/// One that is not there any more is left out.
pub(super) async fn from_base(source: &Source, found: Vec<(Item, Item)>) -> Result<Vec<(Item, Item)>, Error> {
    let mut records = Vec::with_capacity(found.len());
    for chunk in found.chunks(MAX_KEYS) {
        let keys: Vec<_> = chunk.iter().map(|(item, _)| parts(item, &source.primary)).collect();
        let mut items = read(source, keys.clone()).await?;
        for (key, (_, after)) in keys.iter().zip(chunk) {
            if let Some(at) = items.iter().position(|item| parts(item, &source.primary) == *key) {
                records.push((items.swap_remove(at), after.clone()));
            }
        }
    }
    Ok(records)
}

/// The items under `keys`, in any order.
async fn read(source: &Source, mut keys: Vec<Item>) -> Result<Vec<Item>, Error> {
    let (mut items, mut backoff, mut tries) = (Vec::new(), Backoff::new(&source.client), 0);
    while !keys.is_empty() {
        let asked = keys.len();
        let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let request = request.ok().map(|request| HashMap::from([(source.table.to_string(), request)]));
        let doubt = Doubt::default();
        let request = source.client.batch_get_item().set_request_items(request).customize().interceptor(doubt.clone());
        let answer = request.send().await;
        backoff.adopt(doubt.sleep());
        let answer = answer.map_err(|error| {
            dynamodb_error("BatchGetItem", &source.table, RecordId::of_table(source.logical), error)
        })?;
        items.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
        keys = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, keys)| keys.keys).collect();
        tries = if keys.len() < asked { 0 } else { tries + 1 };
        if tries == TRIES {
            return Err(Error::new(RecordId::of_table(source.logical), ErrorKind::Unprocessed { tries }));
        }
        if !keys.is_empty() {
            backoff.pause().await;
        }
    }
    Ok(items)
}
