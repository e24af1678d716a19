//! Compares each item of the table with the model.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::keys::{EncryptedDek, KmsKeyHint};
use envelope_dynamo::{KmsKeyProvider, from_item};

use crate::Outcome;
use crate::model::Model;
use crate::records::{Flavour, Record, World, hint, index, plain_item, record};

/// The table is read in so many segments at a time.
const SEGMENTS: i32 = 4;

type Item = HashMap<String, AttributeValue>;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The items that were compared, those included that must not exist.
    pub compared: u64,
    /// What differs from the model, by item.
    pub differences: Vec<String>,
    /// The items that still name the old key.
    pub under_old_key: u64,
}

/// Compares all items. The records of the third key are opened with the third key; all others must
/// open with the new key alone.
///
/// # Errors
///
/// If the table cannot be read.
pub async fn check(world: &Arc<World>, model: &Arc<Model>) -> Outcome<Found> {
    let mut tasks = Vec::new();
    for segment in 0..SEGMENTS {
        let (world, model) = (Arc::clone(world), Arc::clone(model));
        tasks.push(tokio::spawn(async move { Segment::new(&world, &model).read(segment).await }));
    }
    let (mut found, mut seen) = (Found::default(), vec![false; usize::try_from(model.items())?]);
    for task in tasks {
        let (part, indices) = task.await??;
        found.differences.extend(part.differences);
        found.under_old_key += part.under_old_key;
        for index in indices {
            match seen.get_mut(usize::try_from(index)?) {
                Some(seen) if !*seen => *seen = true,
                _ => found.differences.push(format!("item {index} was read twice")),
            }
        }
    }
    for (index, seen) in (0..).zip(seen) {
        found.compared += 1;
        let must = model.state(index).is_some_and(|state| state.exists);
        if must != seen {
            found.differences.push(format!("item {index}: exists {seen}, must exist {must}"));
        }
    }
    Ok(found)
}

struct Segment<'w> {
    world: &'w World,
    model: &'w Model,
    new: KmsKeyProvider,
    third: KmsKeyProvider,
    old: KmsKeyHint,
    found: Found,
    seen: Vec<u64>,
}

impl<'w> Segment<'w> {
    fn new(world: &'w World, model: &'w Model) -> Self {
        Self {
            world,
            model,
            new: world.only(&world.to),
            third: world.only(&world.third),
            old: hint(&world.from),
            found: Found::default(),
            seen: Vec::new(),
        }
    }

    async fn read(mut self, segment: i32) -> Outcome<(Found, Vec<u64>)> {
        let scan = self.world.dynamodb().scan().table_name(&self.world.name);
        let scan = scan.consistent_read(true).segment(segment).total_segments(SEGMENTS);
        let mut pages = scan.into_paginator().send();
        while let Some(page) = pages.next().await {
            for item in page?.items.unwrap_or_default() {
                let id = item.get("id").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
                match index(&id) {
                    Some(index) => {
                        self.seen.push(index);
                        self.compare(index, item).await;
                    }
                    None => self.found.differences.push(format!("{id} is no item of the test")),
                }
            }
        }
        Ok((self.found, self.seen))
    }

    async fn compare(&mut self, index: u64, item: Item) {
        self.found.under_old_key += u64::from(names(&item, self.old));
        let Some(state) = self.model.state(index) else {
            return self.found.differences.push(format!("item {index} was never written"));
        };
        let flavour = Flavour::of(index);
        if flavour == Flavour::Plain {
            if item != plain_item(index, state.logins) {
                self.found.differences.push(format!("item {index} is not as it was written"));
            }
            return;
        }
        // A record of the third key was never written again: a writer would have taken the new one.
        let untouched = flavour == Flavour::OtherKey && state.generation == 0;
        let reader = if untouched { &self.third } else { &self.new };
        let recipients = keys_of(&item);
        match from_item::<Record>(item, reader).await {
            Ok(stored) if stored == record(index, state.generation, state.logins) => {}
            Ok(_) => self.found.differences.push(format!("item {index} is not {state:?}")),
            Err(error) => self.found.differences.push(format!("item {index}: {error}")),
        }
        let expected = 1 + u64::from(flavour == Flavour::TwoRecipients);
        if state.generation == 0 && recipients != expected {
            let problem = format!("item {index} has {recipients} wrapped keys, not {expected}");
            self.found.differences.push(problem);
        }
    }
}

/// The number of wrapped keys of the record.
fn keys_of(item: &Item) -> u64 {
    let bytes = item.get("encrypted_dek").and_then(|value| value.as_b().ok());
    let dek = bytes.and_then(|bytes| EncryptedDek::parse(bytes.as_ref()).ok());
    dek.map_or(0, |dek| dek.keys().len() as u64)
}

/// Whether a data key of the item, or of a group of it, names the key of `hint`.
fn names(item: &Item, hint: KmsKeyHint) -> bool {
    item.iter()
        .filter(|(name, _)| name.starts_with("encrypted_dek"))
        .filter_map(|(_, value)| EncryptedDek::parse(value.as_b().ok()?.as_ref()).ok())
        .any(|dek| dek.keys().iter().any(|key| hint.fits(key.id())))
}
