//! The table's stream: every write that was made, judged by the item before and after it.

use std::collections::BTreeSet;

use base64_simd::STANDARD;
use envelope_dynamo::keys::{EncryptedDek, KmsKeyHint, WrappedKey};

use crate::Outcome;
use crate::records::{World, hint};
use crate::stream::{self, Image, Write};

/// How many events of each kind the stream has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Items that were created.
    pub inserts: u64,
    /// Items that were deleted.
    pub removes: u64,
    /// Records that were sealed again.
    pub payloads: u64,
    /// Items that were counted in place.
    pub in_place: u64,
    /// Records whose data keys moved from the old key to the new one, and nothing else.
    pub rewraps: u64,
    /// Rewraps of records that had nothing under the old key.
    pub second_writes: u64,
    /// Writes that nobody should have made.
    pub violations: Vec<String>,
}

/// Reads all writes since [`enable`](stream::enable). `endpoint` is that of DynamoDB.
///
/// # Errors
///
/// If the stream cannot be read.
pub async fn read(world: &World, endpoint: &str) -> Outcome<Events> {
    let judge = Judge { old: hint(&world.from), new: hint(&world.to) };
    let mut events = Events::default();
    let see = |write: Write<'_>| judge.judge(write, &mut events);
    stream::read(world.dynamodb(), &world.name, endpoint, see).await?;
    Ok(events)
}

/// Knows what a write may do.
struct Judge {
    old: KmsKeyHint,
    new: KmsKeyHint,
}

impl Judge {
    fn judge(&self, write: Write<'_>, events: &mut Events) {
        match (write.old, write.new) {
            (None, Some(_)) => events.inserts += 1,
            (Some(_), None) => events.removes += 1,
            (Some(old), Some(new)) => self.judge_change(old, new, events),
            (None, None) => events.violations.push("an event without images".to_owned()),
        }
    }

    fn judge_change(&self, old: &Image, new: &Image, events: &mut Events) {
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let changed: Vec<&String> =
            names.into_iter().filter(|name| old.get(*name) != new.get(*name)).collect();
        if changed.iter().any(|name| *name == "encrypted_payload") {
            events.payloads += 1;
        } else if changed == ["logins"] {
            events.in_place += 1;
        } else if !changed.is_empty() && changed.iter().all(|n| n.starts_with("encrypted_dek")) {
            match self.is_move(old, new, &changed) {
                Some(true) => events.rewraps += 1,
                Some(false) => {
                    events.second_writes += 1;
                    events.violations.push(format!("{:?}: a second write", new.get("id")));
                }
                None => {
                    events.violations.push(format!("{:?}: not a rewrap", new.get("id")));
                }
            }
        } else {
            events.violations.push(format!("{:?}: changed {changed:?}", new.get("id")));
        }
    }

    /// Whether each changed data key left the old key for the new one, and no other recipient
    /// changed. `Some(false)` if a changed data key was not under the old key; `None` if the change
    /// is of another kind.
    fn is_move(&self, old: &Image, new: &Image, changed: &[&String]) -> Option<bool> {
        for name in changed {
            let (old, new) = (dek(old, name)?, dek(new, name)?);
            let is_old = |key: &&WrappedKey| self.old.fits(key.id());
            if !old.keys().iter().any(|key| is_old(&key)) {
                return Some(false);
            }
            let others = old.keys().iter().filter(|key| !is_old(key));
            let others_stay = others.into_iter().all(|key| new.keys().contains(key));
            let has_new = new.keys().iter().filter(|key| self.new.fits(key.id())).count() == 1;
            if new.keys().iter().any(|key| is_old(&key)) || !has_new || !others_stay {
                return None;
            }
        }
        Some(true)
    }
}

fn dek(image: &Image, name: &str) -> Option<EncryptedDek> {
    let text = image.get(name)?.get("B")?.as_str()?;
    EncryptedDek::parse(&STANDARD.decode_to_vec(text).ok()?).ok()
}
