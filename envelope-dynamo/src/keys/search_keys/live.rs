//! The search keys that are in use at this moment.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use envelope_core::__private::LaterClock;
use envelope_core::Clock;
use envelope_core::search::SearchKey;

use crate::item::search_tags::{TagKey, Taggers};

/// The search keys of a branch: one, or two while the key is rotated.
///
/// The same object is returned again as long as nothing changes.
pub(crate) struct LiveSearchKeys {
    /// The key whose tags are written now.
    pub(crate) write: Arc<SearchKey>,
    /// All keys to search with, in this order: records move from the first one to the last. One of
    /// them is `write`.
    pub(crate) search: Vec<Arc<SearchKey>>,
    /// What computes tags under `write`.
    pub(crate) taggers: Taggers,
    /// Until when tags may be written. `None` for keys that never change.
    pub(crate) until: Option<Until>,
}

/// A time by the clock of the search keys.
pub(crate) struct Until {
    pub(crate) clock: Arc<LaterClock>,
    pub(crate) time: Instant,
}

impl LiveSearchKeys {
    /// The key for the tags of a record that is written.
    pub(crate) fn tag_key(&self) -> TagKey<'_> {
        TagKey::new(&self.write, &self.taggers, &self.search)
    }

    /// Whether tags under [`write`](Self::write) may still be written: no more than the branch's
    /// `max_age` ago, it was asked which key is used.
    pub(crate) fn is_fresh(&self) -> bool {
        self.until.as_ref().is_none_or(|until| until.clock.now() < until.time)
    }
}

impl fmt::Debug for LiveSearchKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveSearchKeys({} keys, ..)", self.search.len())
    }
}
