//! A checked record: the input of the next stage.

use crate::marks::Mark;
use crate::parse::{ComposedKey, Field, Input, Part};

/// A record that keeps all rules.
pub(crate) struct Record<'a> {
    pub(crate) input: &'a Input,
    pub(crate) table: String,
    /// The stored fields with their marks, in the order of the struct.
    pub(crate) fields: Vec<(&'a Field, Mark)>,
    pub(crate) partition_key: Key<'a>,
    pub(crate) sort_key: Option<Key<'a>>,
}

/// A key attribute: a field, or composed of fields.
pub(crate) struct Key<'a> {
    /// The field, or the parts of a composed key. A part that is also in the partition key is not
    /// in the sort key here.
    pub(crate) fields: Vec<&'a Field>,
}

impl Record<'_> {
    /// The sort key, unless it is constant: calls do not pass a constant key.
    pub(crate) fn typed_sort_key(&self) -> Option<&Key<'_>> {
        self.sort_key.as_ref().filter(|key| !key.fields.is_empty())
    }
}

/// Makes the record of an input that keeps all rules.
pub(super) fn record(input: &Input) -> Option<Record<'_>> {
    let fields: Vec<_> =
        input.stored_fields().filter_map(|field| Some((field, field.mark?))).collect();
    let partition_key = key(input, Mark::PartitionKey)?;
    let sort_key = key(input, Mark::SortKey).map(|sort| {
        let is_new =
            |field: &&Field| partition_key.fields.iter().all(|other| other.ident != field.ident);
        Key { fields: sort.fields.into_iter().filter(is_new).collect() }
    });
    Some(Record {
        input,
        table: input.options.table.as_ref()?.value(),
        fields,
        partition_key,
        sort_key,
    })
}

/// The key of this mark: the partition key or the sort key.
pub(crate) fn key(input: &Input, mark: Mark) -> Option<Key<'_>> {
    if let Some(key) = input.composed_key(mark) {
        return Some(key_of_parts(input, key));
    }
    let mut stored = input.stored_fields().filter(|field| field.mark.is_some());
    let field = stored.find(|field| field.mark == Some(mark))?;
    Some(Key { fields: vec![field] })
}

/// The parts of a composed key.
pub(crate) fn key_of_parts<'a>(input: &'a Input, key: &ComposedKey) -> Key<'a> {
    let stored: Vec<_> = input.stored_fields().filter(|field| field.mark.is_some()).collect();
    let of = |part: &Part| stored.iter().copied().find(|field| field.is_named(&part.field));
    Key { fields: key.parts().filter_map(of).collect() }
}
