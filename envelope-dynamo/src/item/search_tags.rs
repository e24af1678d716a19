//! The search tags of a record: computed from its fields before it is sealed (FORMAT 13).
//!
//! A record lists all tags of its struct as authenticated, also those that it does not have. So
//! nobody can add one, and a record of before the mark can be told from one without a value.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
#[cfg(feature = "maintain")]
use envelope_core::search::Generation;
use envelope_core::search::{Definition, SearchKey, SearchValue, Tag, Tagger};
use envelope_core::{FieldValue, FieldWriter, ValueError};

use crate::convert::searched::SearchedValue;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::item::split::{PLAINTEXT_BYTES, Parts};
use crate::record::field::{Field, Mark};
use crate::record::kind::Kind;
use crate::record::schema::Schema;
use crate::record::search_tag::SearchTag;

/// What computes tags under one search key. Each key is derived once.
#[derive(Default)]
pub(crate) struct Taggers(
    /// Few: one for each tag of the structs of a table.
    RwLock<Vec<(Definition<'static>, Arc<Tagger>)>>,
);

/// Shows nothing of the keys.
impl fmt::Debug for Taggers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Taggers(..)")
    }
}

/// The search key under which a call writes tags.
#[derive(Clone, Copy)]
pub(crate) struct TagKey<'k> {
    key: &'k SearchKey,
    taggers: &'k Taggers,
    /// All keys in use, `key` among them.
    in_use: &'k [Arc<SearchKey>],
}

impl<'k> TagKey<'k> {
    /// `taggers` must be those of `key` alone.
    pub(crate) const fn new(
        key: &'k SearchKey,
        taggers: &'k Taggers,
        in_use: &'k [Arc<SearchKey>],
    ) -> Self {
        Self { key, taggers, in_use }
    }

    /// What computes `tag` of the logical `table`.
    fn tagger(self, table: &'static str, tag: SearchTag) -> Arc<Tagger> {
        let definition = Definition::new(table, tag.name, tag.fields);
        let known = |taggers: &[(Definition<'static>, Arc<Tagger>)]| {
            let mut taggers = taggers.iter();
            taggers.find(|(other, _)| *other == definition).map(|(_, tagger)| Arc::clone(tagger))
        };
        let taggers = &self.taggers.0;
        if let Some(tagger) = known(&taggers.read().unwrap_or_else(PoisonError::into_inner)) {
            return tagger;
        }
        let mut taggers = taggers.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tagger) = known(&taggers) {
            return tagger;
        }
        let tagger = Arc::new(self.key.tagger(&definition));
        taggers.push((definition, Arc::clone(&tagger)));
        tagger
    }

    /// Which key and definition the values of `tag` are computed with.
    #[cfg(feature = "maintain")]
    pub(crate) fn generation(self, table: &'static str, tag: SearchTag) -> Generation {
        self.tagger(table, tag).generation()
    }

    /// The attribute of `tag`. `None` if a value is absent, or empty after its steps.
    pub(crate) fn attribute(
        self,
        table: &'static str,
        tag: SearchTag,
        values: &[Option<SearchedValue>],
    ) -> Result<Option<AttributeValue>, ErrorKind> {
        let Some(values) = borrowed(tag, values)? else { return Ok(None) };
        Ok(self.tagger(table, tag).tag(&values).map(|tag| tag_attribute(&tag)))
    }

    /// The attribute that `tag` would be under each key in use. Empty if a value is absent, or
    /// empty after its steps.
    pub(crate) fn under_each_key(
        self,
        table: &'static str,
        tag: SearchTag,
        values: &[Option<SearchedValue>],
    ) -> Result<Vec<AttributeValue>, ErrorKind> {
        let Some(values) = borrowed(tag, values)? else { return Ok(Vec::new()) };
        let definition = Definition::new(table, tag.name, tag.fields);
        let tags = self.in_use.iter().filter_map(|key| key.tagger(&definition).tag(&values));
        Ok(tags.map(|tag| tag_attribute(&tag)).collect())
    }
}

/// The values of a tag; `None` if one is absent.
fn borrowed<'v>(
    tag: SearchTag,
    values: &'v [Option<SearchedValue>],
) -> Result<Option<Vec<SearchValue<'v>>>, ErrorKind> {
    let mut borrowed = Vec::with_capacity(values.len());
    for (value, (name, _)) in values.iter().zip(tag.fields) {
        let Some(value) = value else { return Ok(None) };
        borrowed.push(value.borrowed().map_err(|source| refused(name, source))?);
    }
    Ok(Some(borrowed))
}

/// A tag as it is stored.
pub(crate) fn tag_attribute(tag: &Tag) -> AttributeValue {
    AttributeValue::B(Blob::new(*tag.as_bytes()))
}

/// The search key for a change of a record, or why there is none: an error if a value of a tag
/// changes. `None` if no tags are computed: the record has none, or they are left out.
pub(crate) type KeyForChange<'k> = Result<Option<TagKey<'k>>, ErrorKind>;

/// Whether records of this schema have search tags.
pub(crate) fn has_tags(schema: Schema) -> bool {
    schema.search_tags().next().is_some()
}

/// Computes the tags of a record that was split, and adds them to its item.
pub(crate) fn add_tags(kind: &Kind, parts: &mut Parts, key: TagKey<'_>) -> Result<(), ErrorKind> {
    for (field, tag) in kind.schema.search_tags() {
        let values = values_in(kind.schema, parts, tag)?;
        match key.attribute(kind.table, tag, &values)? {
            Some(tag) => parts.item.insert(field.name.to_owned(), tag),
            None => parts.item.remove(field.name),
        };
    }
    Ok(())
}

/// Makes a record that was split one that lists none of its tags, so that it shows that they are
/// due.
pub(crate) fn leave_out_tags(kind: &Kind, parts: &mut Parts) -> Result<(), ErrorKind> {
    let is_tag = |name: &str| kind.schema.search_tags().any(|(field, _)| field.name == name);
    parts.authenticated.retain(|name| !is_tag(name));
    // The list stands before the fields.
    let names = parts.authenticated.iter().map(AsRef::as_ref);
    let mut fields = FieldWriter::new(PLAINTEXT_BYTES, names);
    for (name, value) in parts.fields.fields()? {
        fields.encoded(name, &value);
    }
    parts.fields = fields;
    Ok(())
}

/// The values of the fields of a tag, in the record that was split.
pub(crate) fn values_in(
    schema: Schema,
    parts: &Parts,
    tag: SearchTag,
) -> Result<Vec<Option<SearchedValue>>, ErrorKind> {
    tag.fields.iter().map(|(name, _)| value_in(schema, parts, name)).collect()
}

/// The value of a field of the record that was split.
fn value_in(
    schema: Schema,
    parts: &Parts,
    name: &'static str,
) -> Result<Option<SearchedValue>, ErrorKind> {
    match schema.stored_as(name).map(|field| field.mark) {
        Some(Mark::Encrypted) => sealed_value(name, parts.fields.find(name)),
        _ => readable_value(name, parts.item.get(name)),
    }
}

fn refused(name: &str, source: ValueError) -> ErrorKind {
    ErrorKind::Usage(UsageError::Serialize { attribute: Some(name.to_owned()), source })
}

/// The value that is sealed for a field, under any of its names. A mark without a value, which
/// another version of the struct may have left under one of them, is none.
pub(crate) fn sealed_under<'p>(
    field: &Field,
    sealed: &[(&str, FieldValue<'p>)],
) -> Option<FieldValue<'p>> {
    let is_value =
        |(name, value): &&(&str, FieldValue<'p>)| field.has_name(name) && !value.is_absent();
    sealed.iter().find(is_value).map(|(_, value)| *value)
}

/// The fields of a tag that may have a value in a group, where an older struct had them (FORMAT
/// 13.5-4): the record has no value of them elsewhere, and no mark under their present names.
pub(crate) fn left_open(
    schema: Schema,
    tag: SearchTag,
    has_value: impl Fn(&str) -> bool,
    is_marked: impl Fn(&str) -> bool,
) -> impl Iterator<Item = &'static Field> {
    let fields = tag.fields.iter().filter_map(move |(name, _)| schema.stored_as(name));
    let is_settled = move |field: &Field| is_marked(field.name) || field.names().any(&has_value);
    fields.filter(move |field| field.mark.is_protected() && !is_settled(field))
}

/// The value of an encrypted field.
pub(crate) fn sealed_value(
    name: &str,
    value: Option<FieldValue<'_>>,
) -> Result<Option<SearchedValue>, ErrorKind> {
    let Some(value) = value else { return Ok(None) };
    SearchedValue::of_sealed(&value).map_err(|source| refused(name, source))
}

/// The value of a readable field.
pub(crate) fn readable_value(
    name: &str,
    attribute: Option<&AttributeValue>,
) -> Result<Option<SearchedValue>, ErrorKind> {
    SearchedValue::of_attribute(attribute).map_err(|source| refused(name, source))
}
