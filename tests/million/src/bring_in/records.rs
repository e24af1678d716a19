//! The records: types of the old build, which knows `serde_dynamo` alone, and of the new builds.

use envelope_dynamo::Envelope;
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::compare::Item;
use crate::model::State;
use crate::records::{email, id};

/// Attributes that no sealed record may have: the names of all encrypted fields.
pub const ENCRYPTED: [&str; 4] = ["email", "address", "visits", "text"];

/// A record with sealed fields that are always there.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "people", entity(kind = "person"))]
pub struct Person {
    #[partition_key]
    pub(crate) id: String,
    #[encrypted]
    pub(crate) email: String,
    #[encrypted]
    address: Address,
    #[encrypted]
    pub(crate) visits: u64,
    #[authenticated]
    plan: String,
    #[plaintext]
    pub(crate) logins: u64,
}

/// A record whose sealed fields may all be absent. So an item that was deleted has nothing that
/// contradicts the values that were read.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "people", entity(kind = "note"))]
pub struct Note {
    #[partition_key]
    pub(crate) id: String,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[encrypted]
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) visits: u64,
    #[plaintext]
    pub(crate) logins: u64,
}

/// Any record of the table.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[allow(missing_docs)]
pub enum Record {
    Person(Person),
    Note(Note),
}

/// A person, as the old build has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OldPerson {
    kind: String,
    id: String,
    email: String,
    address: Address,
    visits: u64,
    plan: String,
    logins: u64,
}

/// A note, as the old build has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OldNote {
    kind: String,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    visits: u64,
    logins: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    city: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    lines: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Which type an item has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Person`]
    Person,
    /// [`Note`]
    Note,
}

impl Kind {
    /// The type of the item with this number.
    #[must_use]
    pub const fn of(index: u64) -> Self {
        match index % 5 {
            0 | 1 => Self::Note,
            _ => Self::Person,
        }
    }
}

/// The text of a note, or the e-mail address of a person. Each generation has another one.
pub(crate) fn text(index: u64, generation: u64) -> Option<String> {
    let is_absent = (index / 5 + generation).is_multiple_of(2);
    (!is_absent).then(|| format!("note {index} in generation {generation}"))
}

/// The record that an item in `state` must be.
#[must_use]
pub fn record(index: u64, state: State) -> Record {
    let State { generation, logins, visits, .. } = state;
    let id = id(index);
    match Kind::of(index) {
        Kind::Note => Record::Note(Note { id, text: text(index, generation), visits, logins }),
        Kind::Person => Record::Person(Person {
            id,
            email: email(index, generation),
            address: address(index),
            visits,
            plan: plan(index),
            logins,
        }),
    }
}

/// The item of that record, as the old build stores it.
///
/// # Errors
///
/// If `serde_dynamo` cannot store it.
pub fn old_item(index: u64, state: State) -> Outcome<Item> {
    let State { generation, logins, visits, .. } = state;
    let id = id(index);
    Ok(match Kind::of(index) {
        Kind::Note => {
            let (kind, text) = ("note".to_owned(), text(index, generation));
            serde_dynamo::to_item(OldNote { kind, id, text, visits, logins })?
        }
        Kind::Person => serde_dynamo::to_item(OldPerson {
            kind: "person".to_owned(),
            id,
            email: email(index, generation),
            address: address(index),
            visits,
            plan: plan(index),
            logins,
        })?,
    })
}

/// Reads an item as the old build does, with the types that it has.
///
/// # Errors
///
/// If it does not read.
pub fn read_by_old_build(index: u64, item: Item) -> Outcome<Record> {
    Ok(match Kind::of(index) {
        Kind::Note => {
            let OldNote { id, text, visits, logins, .. } = serde_dynamo::from_item(item)?;
            Record::Note(Note { id, text, visits, logins })
        }
        Kind::Person => {
            let old: OldPerson = serde_dynamo::from_item(item)?;
            let OldPerson { id, email, address, visits, plan, logins, .. } = old;
            Record::Person(Person { id, email, address, visits, plan, logins })
        }
    })
}

/// Whether a record that was read is that of an item in `state`. Its counters may be higher,
/// because others count meanwhile.
#[must_use]
pub fn is_at_least(found: &Record, index: u64, state: State) -> bool {
    let (visits, logins) = match found {
        Record::Person(person) => (person.visits, person.logins),
        Record::Note(note) => (note.visits, note.logins),
    };
    let counted = State { visits, logins, ..state };
    visits >= state.visits && logins >= state.logins && *found == record(index, counted)
}

fn plan(index: u64) -> String {
    format!("plan {}", index % 7)
}

fn address(index: u64) -> Address {
    Address {
        city: format!("city {}", index % 11),
        street: index.is_multiple_of(2).then(|| format!("street {index}")),
        lines: (0..index % 3).map(|line| format!("line {line}")).collect(),
    }
}
