//! Every write of the table, judged by the item before and after it.

use crate::Outcome;
use crate::bring_in::records::ENCRYPTED;
use crate::bring_in::world::World;
use crate::stream::{self, Image, Write};

/// How many events of each kind the stream has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Items that were created.
    pub inserts: u64,
    /// Items that were deleted.
    pub removes: u64,
    /// Items that were changed, those that were sealed included.
    pub changes: u64,
    /// Plain items that became sealed records.
    pub seals: u64,
    /// Writes that nobody should have made.
    pub violations: Vec<String>,
}

/// Reads all writes since [`enable`](stream::enable). `endpoint` is that of DynamoDB.
///
/// # Errors
///
/// If the stream cannot be read.
pub async fn read(world: &World, endpoint: &str) -> Outcome<Events> {
    let mut events = Events::default();
    let see = |write: Write<'_>| judge(write, &mut events);
    stream::read(world.dynamodb(), &world.name, endpoint, see).await?;
    Ok(events)
}

fn judge(write: Write<'_>, events: &mut Events) {
    if let Some(new) = write.new
        && is_sealed(new)
        && let Some(name) = ENCRYPTED.iter().find(|name| new.contains_key(**name))
    {
        events.violations.push(format!("{}: sealed, and {name} is in plaintext", id(new)));
    }
    match (write.old, write.new) {
        (None, Some(_)) => events.inserts += 1,
        (Some(_), None) => events.removes += 1,
        (Some(old), Some(new)) => {
            events.changes += 1;
            match (is_sealed(old), is_sealed(new)) {
                (false, true) => events.seals += 1,
                (true, false) => {
                    events.violations.push(format!("{}: a sealed record became plain", id(new)));
                }
                _ => {}
            }
        }
        (None, None) => events.violations.push("an event without images".to_owned()),
    }
}

fn id(image: &Image) -> &str {
    image.get("id").and_then(|id| id.get("S")?.as_str()).unwrap_or("an item without id")
}

fn is_sealed(image: &Image) -> bool {
    image.contains_key("encrypted_payload") || image.contains_key("encrypted_dek")
}
