//! The search tags of an inspected item.

use std::collections::{BTreeMap, BTreeSet};

use envelope_core::search::Tag;

use crate::maintain::inspect::{Look, SealedPart};
use crate::record::search_tag::is_search_tag;

impl Look<'_> {
    /// The search tags that the payload lists or the item has, with the generations that the bytes
    /// name.
    pub(super) fn search_tags(&mut self, record: &SealedPart) -> BTreeMap<String, Option<String>> {
        let listed: BTreeSet<&String> =
            record.payload.iter().flat_map(|payload| &payload.authenticated).collect();
        let names = listed.iter().copied().chain(self.item.keys());
        let names: BTreeSet<&String> = names.filter(|name| is_search_tag(name)).collect();
        let mut tags = BTreeMap::new();
        for name in names {
            if self.item.contains_key(name) && !listed.contains(name) {
                self.problem(name, "is a search tag that the payload does not list: it was added");
            }
            let generation = self.bytes(name).and_then(|bytes| match Tag::parse(bytes) {
                Ok(tag) => Some(tag.generation().to_string()),
                Err(error) => {
                    self.malformed(name, &error);
                    None
                }
            });
            tags.insert(name.clone(), generation);
        }
        tags
    }
}
