//! The keys of a batch get that DynamoDB has not answered yet.

use std::collections::{HashMap, HashSet};
use std::iter::repeat_n;

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::record::Envelope;
use crate::record::key_identity::KeyIdentity;
use crate::table::Table;

/// The keys that DynamoDB has not answered yet: at most as many as one request may name, and no key
/// twice.
#[derive(Default)]
pub(crate) struct RequestedKeys(HashMap<KeyIdentity, RequestedKey>);

struct RequestedKey {
    key: Item,
    id: RecordId,
    /// Where the key is in the input, which may name it several times.
    positions: Vec<usize>,
}

/// What DynamoDB answered about some of the keys, by position in the input.
#[derive(Default)]
pub(crate) struct Answered {
    pub(crate) items: Vec<(usize, Item)>,
    /// There is no record under these keys.
    pub(crate) missing: Vec<usize>,
}

impl RequestedKeys {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the key at a position of the input.
    pub(crate) fn add<T: Envelope, P: ?Sized>(
        &mut self,
        table: &Table<T, P>,
        key: T::Key,
        position: usize,
    ) -> Result<(), Error> {
        let (key, id) = table.key_item(key)?;
        let identity = KeyIdentity::of::<T>(&key).map_err(|kind| Error::new(id.clone(), kind))?;
        let new = RequestedKey { key, id, positions: Vec::new() };
        self.0.entry(identity).or_insert(new).positions.push(position);
        Ok(())
    }

    pub(crate) fn keys(&self) -> Vec<Item> {
        self.0.values().map(|requested| requested.key.clone()).collect()
    }

    /// Removes the keys that DynamoDB has answered. The unprocessed ones stay.
    pub(crate) fn take_answered<T: Envelope>(&mut self, output: BatchGetItemOutput) -> Answered {
        let mut answered = Answered::default();
        for item in output.responses.into_iter().flatten().flat_map(|(_, items)| items) {
            let identity = KeyIdentity::of::<T>(&item).ok();
            let Some(requested) = identity.and_then(|identity| self.0.remove(&identity)) else {
                continue;
            };
            // The last position gets the item itself.
            let copies = repeat_n(item, requested.positions.len());
            answered.items.extend(requested.positions.into_iter().zip(copies));
        }
        let unprocessed =
            output.unprocessed_keys.into_iter().flatten().flat_map(|(_, keys)| keys.keys);
        let unprocessed: HashSet<_> =
            unprocessed.filter_map(|key| KeyIdentity::of::<T>(&key).ok()).collect();
        for (_, missing) in self.0.extract_if(|identity, _| !unprocessed.contains(identity)) {
            answered.missing.extend(missing.positions);
        }
        answered
    }

    /// Removes all keys, each with the error for it.
    pub(crate) fn fail_all(
        &mut self,
        kind: impl Fn() -> ErrorKind,
    ) -> impl Iterator<Item = (usize, Error)> {
        self.0.drain().flat_map(move |(_, RequestedKey { id, positions, .. })| {
            let errors = positions.into_iter();
            errors.map(|position| (position, Error::new(id.clone(), kind()))).collect::<Vec<_>>()
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
