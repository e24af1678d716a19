//! Repeated serde attributes, which serde refuses. They are reported here, because without serde's
//! generated code the compiler would report other errors as well.

use super::directions::{Directions, strings};
use super::forms;
use crate::errors::Errors;
use crate::parse::entry::Entry;

/// The settings of the entries so far; serde accepts each setting once.
#[derive(Default)]
pub(crate) struct Seen(Vec<(&'static str, Direction)>);

/// The direction of a setting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Written,
    Read,
}

impl Seen {
    /// Whether the entry repeats no setting of an earlier entry. If it does, reports it.
    pub(crate) fn is_new(&mut self, entry: &Entry, errors: &mut Errors) -> bool {
        let settings = settings(entry);
        let mut distinct = settings.clone();
        distinct.dedup();
        let is_new = distinct.len() == settings.len()
            && settings.iter().all(|setting| !self.0.contains(setting));
        if !is_new {
            let problem =
                format_args!("`#[serde({})]` repeats an earlier serde attribute", entry.name);
            errors.report(entry, problem, "keep one of the two");
        }
        self.0.extend(settings);
        is_new
    }
}

/// The settings of an entry.
fn settings(entry: &Entry) -> Vec<(&'static str, Direction)> {
    let known = forms::CONTAINER.iter().chain(&forms::FIELD).map(|(name, _)| *name);
    let Some(name) = known.into_iter().find(|name| *name == entry.name) else { return Vec::new() };
    match name {
        // A field may be read under many names, but is written under one.
        "alias" => Vec::new(),
        "rename" => strings(entry).serialize.iter().map(|_| (name, Direction::Written)).collect(),
        "rename_all" | "bound" => {
            let Directions { serialize, deserialize } = strings(entry);
            let written = serialize.iter().map(|_| (name, Direction::Written));
            written.chain(deserialize.iter().map(|_| (name, Direction::Read))).collect()
        }
        "with" => vec![("with", Direction::Written), ("with", Direction::Read)],
        "serialize_with" => vec![("with", Direction::Written)],
        "deserialize_with" => vec![("with", Direction::Read)],
        "skip" => vec![("skip", Direction::Written), ("skip", Direction::Read)],
        "skip_serializing" => vec![("skip", Direction::Written)],
        "skip_deserializing" => vec![("skip", Direction::Read)],
        name => vec![(name, Direction::Read)],
    }
}
