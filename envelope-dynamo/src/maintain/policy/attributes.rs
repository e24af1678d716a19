//! Which attributes a role reads and writes.

use std::collections::BTreeSet;

use crate::item::layout::{dek_attribute, payload_attribute};
use crate::maintain::RecordSchema;
use crate::record::field::Mark;
use crate::record::schema::{ENCRYPTED_DEK, ENCRYPTED_PAYLOAD};
use crate::record::search_tag::PREFIX;

/// The attributes of a table's records, by what they are for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    keys: BTreeSet<String>,
    /// Pairs of the encryption context, and what distinguishes entity types.
    context: BTreeSet<String>,
    deks: BTreeSet<String>,
    payloads: BTreeSet<String>,
    /// Bound to the payload, so that a reseal tests them.
    authenticated: BTreeSet<String>,
    /// Search tags, to which the payload is bound as well.
    tags: BTreeSet<String>,
    /// Search tags whose values no two records share.
    unique: BTreeSet<String>,
    /// Sealed, and so no attributes of a sealed record.
    encrypted: BTreeSet<String>,
    plaintext: BTreeSet<String>,
}

impl Attributes {
    pub(crate) fn of(records: &[&RecordSchema]) -> Self {
        let mut all = Self::default();
        for record in records {
            all.add(record);
        }
        all
    }

    fn add(&mut self, record: &RecordSchema) {
        let keys = std::iter::once(&record.partition_key).chain(&record.sort_key);
        self.keys.extend(keys.map(|key| key.name.clone()));
        self.context.extend(record.entity.keys().cloned());
        for pair in &record.pairs {
            // A part of a key is read from the key.
            let field = record.fields.get(pair).filter(|field| field.mark != Mark::Key);
            if let Some(field) = field {
                self.context.insert(pair.clone());
                self.context.extend(field.aliases.iter().cloned());
            }
        }
        for (name, field) in &record.fields {
            let names = match field.mark {
                Mark::Authenticated => &mut self.authenticated,
                Mark::Encrypted => &mut self.encrypted,
                Mark::Plaintext => &mut self.plaintext,
                // A part of a key is stored in the key.
                Mark::PartitionKey | Mark::SortKey | Mark::Key => continue,
            };
            names.insert(name.clone());
            names.extend(field.aliases.iter().cloned());
        }
        self.tags.extend(record.search_tags.keys().map(|name| format!("{PREFIX}{name}")));
        self.unique.extend(record.unique.iter().map(|name| format!("{PREFIX}{name}")));
        self.deks.insert(ENCRYPTED_DEK.to_owned());
        self.payloads.insert(ENCRYPTED_PAYLOAD.to_owned());
        self.deks.extend(record.groups.iter().map(|group| dek_attribute(group)));
        self.payloads.extend(record.groups.iter().map(|group| payload_attribute(group)));
    }

    /// The attributes of the scan that finds wrapped keys and their contexts.
    pub(crate) fn of_wrapped_keys(&self) -> Vec<String> {
        union(&[&self.keys, &self.context, &self.deks])
    }

    /// The attributes of the scan that also finds the groups and search tags that a record lists.
    pub(crate) fn of_coverage(&self) -> Vec<String> {
        let payload = BTreeSet::from([ENCRYPTED_PAYLOAD.to_owned()]);
        union(&[&self.keys, &self.context, &self.deks, &payload, &self.tags])
    }

    /// The attributes of the scan that also finds fields which stand in plaintext.
    pub(crate) fn of_sealed_coverage(&self) -> Vec<String> {
        let payload = BTreeSet::from([ENCRYPTED_PAYLOAD.to_owned()]);
        let (authenticated, encrypted) = (&self.authenticated, &self.encrypted);
        union(&[
            &self.keys,
            &self.context,
            &self.deks,
            &payload,
            authenticated,
            encrypted,
            &self.tags,
        ])
    }

    /// The attributes of the update that seals a plain item: every one that the schema names,
    /// since a change of the record before it is sealed may also change plaintext.
    pub(crate) fn of_sealed_items(&self) -> Vec<String> {
        let sealed = self.of_resealed().into_iter().collect();
        union(&[&sealed, &self.encrypted, &self.plaintext])
    }

    /// Whether a record has unique fields.
    pub(crate) fn has_unique(&self) -> bool {
        !self.unique.is_empty()
    }

    /// The attributes that say whether a record has a unique value.
    pub(crate) fn of_owners(&self) -> Vec<String> {
        union(&[&self.keys, &self.unique])
    }

    /// The attributes of the update that stores moved keys.
    pub(crate) fn of_moved_keys(&self) -> Vec<String> {
        union(&[&self.keys, &self.deks])
    }

    /// The attributes of the update that stores records under new data keys. It also tests that
    /// what the payload is bound to is as it was read.
    pub(crate) fn of_resealed(&self) -> Vec<String> {
        union(&[
            &self.keys,
            &self.context,
            &self.deks,
            &self.payloads,
            &self.authenticated,
            &self.tags,
        ])
    }
}

fn union(sets: &[&BTreeSet<String>]) -> Vec<String> {
    let all: BTreeSet<_> = sets.iter().flat_map(|set| set.iter().cloned()).collect();
    all.into_iter().collect()
}
