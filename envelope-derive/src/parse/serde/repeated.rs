//! What serde's derive would refuse: reported here, since its code would be missing, and that would
//! be reported too.

use super::directions::{Directions, strings};
use super::forms;
use crate::errors::Errors;
use crate::parse::entry::Entry;

/// The entries seen so far; serde takes each once.
#[derive(Default)]
pub(crate) struct Seen(Vec<(&'static str, Said)>);

/// The subject of an entry: how something is written, or read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Written,
    Read,
}

impl Seen {
    /// Whether the entry says nothing that another has said; reports it otherwise.
    pub(crate) fn is_new(&mut self, entry: &Entry, errors: &mut Errors) -> bool {
        let said = said(entry);
        let mut distinct = said.clone();
        distinct.dedup();
        let is_new = distinct.len() == said.len() && said.iter().all(|said| !self.0.contains(said));
        if !is_new {
            let problem =
                format_args!("`#[serde({})]` repeats an earlier serde attribute", entry.name);
            errors.report(entry, problem, "keep one of the two");
        }
        self.0.extend(said);
        is_new
    }
}

/// What an entry decides, in the words of serde.
fn said(entry: &Entry) -> Vec<(&'static str, Said)> {
    let known = forms::CONTAINER.iter().chain(&forms::FIELD).map(|(name, _)| *name);
    let Some(name) = known.into_iter().find(|name| *name == entry.name) else { return Vec::new() };
    match name {
        // Many names may be read, so that only those that are written can be said twice.
        "alias" => Vec::new(),
        "rename" => strings(entry).serialize.iter().map(|_| (name, Said::Written)).collect(),
        "rename_all" | "bound" => {
            let Directions { serialize, deserialize } = strings(entry);
            let written = serialize.iter().map(|_| (name, Said::Written));
            written.chain(deserialize.iter().map(|_| (name, Said::Read))).collect()
        }
        "with" => vec![("with", Said::Written), ("with", Said::Read)],
        "serialize_with" => vec![("with", Said::Written)],
        "deserialize_with" => vec![("with", Said::Read)],
        "skip" => vec![("skip", Said::Written), ("skip", Said::Read)],
        "skip_serializing" => vec![("skip", Said::Written)],
        "skip_deserializing" => vec![("skip", Said::Read)],
        name => vec![(name, Said::Read)],
    }
}
