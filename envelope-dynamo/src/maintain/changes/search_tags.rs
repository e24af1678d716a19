//! Changes of search tags: what searches miss from then on, and what storage shows.

use std::collections::BTreeSet;

use super::{Changes, Effect, shown};
use crate::maintain::RecordSchema;
use crate::maintain::schema_file::TaggedFieldSchema;
use crate::record::field::Mark;
use crate::record::search_tag::PREFIX;

impl Changes<'_> {
    /// A stored record keeps the search tags that it was written with.
    pub(super) fn of_search_tags(&mut self) {
        let (old, new) = (self.old, self.new);
        for (name, fields) in &new.search_tags {
            match old.search_tags.get(name) {
                Some(before) if before == fields => {}
                Some(before) => self.of_definition(name, before, fields),
                None => self.of_new_tag(name, fields),
            }
        }
        for name in old.search_tags.keys().filter(|name| !new.search_tags.contains_key(*name)) {
            self.not_listed(
                name,
                "the search tag was removed; records that are written from now on do not have it, \
                 so programs that still search by it miss them"
                    .to_owned(),
                "change the programs that search first",
            );
        }
        for name in new.unique.difference(&old.unique) {
            if old.search_tags.contains_key(name) {
                self.not_listed(
                    name,
                    "the search tag is unique now; stored records have no claims, so another \
                     record can get the value of one"
                        .to_owned(),
                    "claim the values of all stored records (`reindex` with a table of claims)",
                );
            }
        }
        let searchable = |record: &RecordSchema| -> BTreeSet<String> {
            let fields = record.search_tags.values().flatten().map(|field| field.field.clone());
            let is_encrypted = |name: &String| {
                record.fields.get(name).is_some_and(|field| field.mark == Mark::Encrypted)
            };
            fields.filter(is_encrypted).collect()
        };
        for name in searchable(new).difference(&searchable(old)) {
            let was_encrypted =
                old.fields.get(name).is_some_and(|before| before.mark == Mark::Encrypted);
            if was_encrypted && !self.is_excused(name) {
                self.add(
                    Some(name),
                    Effect::LessProtected,
                    "searchable now; whoever reads storage sees which new records have equal values"
                        .to_owned(),
                    format!(
                        "change it back, or say why in the schema file: `\"reasons\": {{ \"{name}\": \"..\" }}`"
                    ),
                );
            }
        }
    }

    /// Records without a value have no tag, so records of before a field need none.
    fn of_new_tag(&mut self, name: &str, fields: &[TaggedFieldSchema]) {
        let keys = [Some(&self.old.partition_key), self.old.sort_key.as_ref()];
        let was_stored = |field: &TaggedFieldSchema| {
            self.old.fields.contains_key(&field.field)
                || keys.iter().flatten().any(|key| key.name == field.field)
        };
        if fields.iter().all(was_stored) {
            self.not_listed(
                name,
                "a new search tag; stored records do not have it, so searches do not find them"
                    .to_owned(),
                "write every stored record again with the search keys (`backfill`, a put, or a \
                 `modify` that changes nothing)",
            );
        }
    }

    fn of_definition(
        &mut self,
        name: &str,
        before: &[TaggedFieldSchema],
        after: &[TaggedFieldSchema],
    ) {
        let steps = |fields: &[TaggedFieldSchema]| {
            let of_field =
                |field: &TaggedFieldSchema| format!("{}({})", field.field, field.steps.join(", "));
            fields.iter().map(of_field).collect::<Vec<_>>().join(", ")
        };
        self.not_listed(
            name,
            format!(
                "the search tag was computed from {} and is now from {}; stored records keep their \
                 old tags, so searches do not find them",
                shown(&steps(before)),
                shown(&steps(after)),
            ),
            "give the new definition a name and an index of its own, \
             `#[searchable(name = \"email_2\", ..)]`, and remove the old one once every record is \
             written again; or write every stored record again now",
        );
    }

    fn not_listed(&mut self, name: &str, problem: String, first: &str) {
        let attribute = format!("{PREFIX}{name}");
        if !self.is_excused(&attribute) {
            let repair = format!(
                "{first}, and say so in the schema file: `\"reasons\": {{ \"{attribute}\": \"..\" }}`"
            );
            self.add(Some(&attribute), Effect::NotListed, problem, repair);
        }
    }
}
