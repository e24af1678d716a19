//! Compares each record of the rotation with the model.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use envelope_dynamo::keys::{EncryptedDek, KmsKeyHint};
use envelope_dynamo::{KmsKeyProvider, from_item};

use crate::Outcome;
use crate::compare::{Compare, Item, compare_all};
use crate::model::Model;
use crate::records::{Flavour, Record, World, hint, plain_item, record};

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
    let under_old_key = Arc::new(AtomicU64::new(0));
    let judge = Judge {
        model: Arc::clone(model),
        new: world.only(&world.to),
        third: world.only(&world.third),
        old: hint(&world.from),
        under_old_key: Arc::clone(&under_old_key),
    };
    let compared = compare_all(world.dynamodb(), &world.name, model, judge).await?;
    Ok(Found {
        compared: compared.items,
        differences: compared.differences,
        under_old_key: under_old_key.load(Ordering::SeqCst),
    })
}

struct Judge {
    model: Arc<Model>,
    new: KmsKeyProvider,
    third: KmsKeyProvider,
    old: KmsKeyHint,
    under_old_key: Arc<AtomicU64>,
}

impl Compare for Judge {
    async fn compare(&self, index: u64, item: Item) -> Vec<String> {
        self.under_old_key.fetch_add(u64::from(names(&item, self.old)), Ordering::SeqCst);
        let Some(state) = self.model.state(index) else {
            return vec![format!("item {index} was never written")];
        };
        let flavour = Flavour::of(index);
        if flavour == Flavour::Plain {
            let is_same = item == plain_item(index, state.logins);
            let problem = || format!("item {index} is not as it was written");
            return if is_same { Vec::new() } else { vec![problem()] };
        }
        // A record of the third key was never written again: a writer would have taken the new one.
        let untouched = flavour == Flavour::OtherKey && state.generation == 0;
        let reader = if untouched { &self.third } else { &self.new };
        let recipients = keys_of(&item);
        let mut problems = Vec::new();
        match from_item::<Record>(item, reader).await {
            Ok(stored) if stored == record(index, state.generation, state.logins) => {}
            Ok(_) => problems.push(format!("item {index} is not {state:?}")),
            Err(error) => problems.push(format!("item {index}: {error}")),
        }
        let expected = 1 + u64::from(flavour == Flavour::TwoRecipients);
        if state.generation == 0 && recipients != expected {
            problems.push(format!("item {index} has {recipients} wrapped keys, not {expected}"));
        }
        problems
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
