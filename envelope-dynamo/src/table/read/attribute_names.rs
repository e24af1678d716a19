//! The attributes that a query or a scan asks DynamoDB for.

use std::collections::BTreeSet;

use crate::item::entity::Entity;
use crate::item::layout::{dek_attribute, payload_attribute};
use crate::record::Envelope;
use crate::record::field::{Field, Mark};
use crate::record::index::{Index, IndexKey};
use crate::record::schema::RESERVED;
use crate::record::view::{View, projected_names};

/// The attributes of the table's key, constant ones included.
pub(crate) fn primary_names<T: Entity>() -> impl Iterator<Item = &'static str> {
    T::First::SCHEMA.keys().map(|field| field.name)
}

/// The attributes of the table's key and of the index's key.
pub(crate) fn key_names<T: Entity, K: IndexKey, I>(
    index: &Index<T::First, K, I>,
) -> Vec<&'static str> {
    let mut names: Vec<_> = primary_names::<T>().collect();
    for name in index.key_names() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The key attributes of the index that are composed for indexes.
pub(crate) fn composed_names<T: Entity, K: IndexKey, I>(
    index: &Index<T::First, K, I>,
) -> [Option<&'static str>; 2] {
    let is_composed = |name: &&'static str| {
        let fields = T::KINDS.iter().filter_map(|kind| kind.schema.stored_as(name));
        fields.into_iter().any(|field| field.index_format().is_some())
    };
    let mut names = index.key_names().filter(is_composed);
    [names.next(), names.next()]
}

/// The attributes that the records can have, and the index's key. Empty if a record can have
/// attributes that the struct does not name.
///
/// The composed keys of other indexes are not among them: they are no values of the record.
pub(crate) fn record_names<T: Entity, K: IndexKey, I>(
    index: &Index<T::First, K, I>,
) -> Vec<String> {
    let fields = || T::KINDS.iter().flat_map(|kind| kind.schema.fields());
    if T::First::DENY_UNKNOWN_FIELDS {
        return Vec::new();
    }
    let may_be_readable = |field: &&Field| match field.mark {
        Mark::Encrypted => field.accepts_plaintext,
        Mark::Key => false,
        Mark::PartitionKey | Mark::SortKey | Mark::Authenticated | Mark::Plaintext => true,
    };
    // Aliases too: without them an attribute under an older name would seem absent, and would be
    // lost when the record is put.
    let of_record = |field: &&Field| field.index_format().is_none() && may_be_readable(field);
    let readable = fields().filter(of_record).flat_map(Field::names);
    let readable = readable.chain(index.key_names()).map(str::to_owned);
    let groups = T::KINDS.iter().flat_map(|kind| kind.schema.groups());
    let groups = groups.flat_map(|group| [payload_attribute(group), dek_attribute(group)]);
    let is_sealed = T::KINDS.iter().any(|kind| !kind.unprotected);
    let reserved = RESERVED.map(str::to_owned).into_iter().filter(|_| is_sealed);
    let names: BTreeSet<_> = reserved.chain(readable).chain(groups).collect();
    names.into_iter().collect()
}

/// The attributes of a view, of the keys, and those that say which type an item is of.
pub(crate) fn view_names<V, T, K, I>(index: &Index<T::First, K, I>) -> Vec<String>
where
    T: Entity,
    V: View<Record = T::First>,
    K: IndexKey,
{
    let discriminators = T::First::SCHEMA.discriminators().map(|field| field.name);
    let names: BTreeSet<_> = projected_names::<V>()
        .into_iter()
        .chain(discriminators)
        .chain(key_names::<T, K, I>(index))
        .collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Whether DynamoDB may return items of other entity types, which are skipped.
pub(crate) fn may_skip_items<T: Entity>() -> bool {
    T::KINDS.iter().any(|kind| kind.schema.has_discriminator())
}
