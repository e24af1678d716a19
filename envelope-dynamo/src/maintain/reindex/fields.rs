//! The fields of an opened record, from which its search tags are computed.
//!
//! The name of a tag says which fields it belongs to (FORMAT 13.1-2). So each of these fields gets
//! the name that the struct writes. A value under an older name would be none of the tag's: a
//! program that knows only that name would change the value, and keep the tag (FORMAT 8-11).

use std::collections::BTreeSet;

use envelope_core::{
    Content, Context, FieldValue, FieldWriter, Plaintext, Sealed, ValueError, WrapKey, read_fields,
    seal_payload,
};

use crate::convert::searched::SearchedValue;
use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::item::open_own::OpenedPayload;
use crate::item::search_tags::{TagKey, left_open, readable_value, sealed_under, sealed_value};
use crate::item::split::PLAINTEXT_BYTES;
use crate::item::unique_value::UniqueValue;
use crate::maintain::plain_fields::is_plain;
use crate::record::field::Field;
use crate::record::kind::Kind;
use crate::record::schema::Schema;
use crate::record::search_tag::{field_names, is_search_tag};

/// A record that cannot have its tags yet.
const IN_PLAINTEXT: DataError = DataError::Malformed(
    "a field of a search tag stands in plaintext beside the sealed record, but the struct protects \
     it: run a backfill, which seals the record with its tags",
);

/// A record whose tags would miss a value that readers see.
const IN_GROUP: DataError = DataError::Malformed(
    "a field of a search tag stands in a group of the record, where an older struct had it: run a \
     backfill, which seals the record with its tags",
);

const TWO_VALUES: ValueError = ValueError::format(
    "the record has a second value of this field, under another of its names: programs of \
     different versions wrote them. Remove the wrong one with the program that wrote it, or put \
     the record again",
);

/// The fields of an opened record. Those of search tags have their present names.
pub(super) struct Fields<'p> {
    /// The keys and the readable attributes. Payloads and wrapped keys are those of before.
    pub(super) item: Item,
    /// The names of the authenticated attributes.
    pub(super) bound: BTreeSet<&'p str>,
    sealed: Vec<(&'p str, FieldValue<'p>)>,
    /// The fields that have got their present names.
    moved: Vec<&'static Field>,
}

impl<'p> Fields<'p> {
    /// The fields of the record in `item`.
    ///
    /// # Errors
    ///
    /// If a field of a tag is in plaintext, or has two values.
    pub(super) fn new(
        kind: &Kind,
        item: &Item,
        opened: &'p OpenedPayload,
    ) -> Result<Self, ErrorKind> {
        let sealed = read_fields(opened.plaintext.expose())?;
        let bound = opened.authenticated.iter().map(String::as_str).collect();
        let mut fields = Self { item: item.clone(), bound, sealed, moved: Vec::new() };
        let mut moved = BTreeSet::new();
        for field in kind.schema.iter().filter(|field| is_tagged(field)) {
            let is_in_plaintext = |name: &str| {
                item.contains_key(name) && is_plain(field, name, &opened.authenticated)
            };
            if field.names().any(is_in_plaintext) {
                return Err(IN_PLAINTEXT.into());
            }
            if let Some(former) = fields.former_name(field)? {
                fields.rename(former, field);
                fields.moved.push(field);
                moved.extend([former, field.name]);
            }
        }
        fields.remove_tags_of(kind.schema, &moved);
        Ok(fields)
    }

    /// Whether no group has to be opened: no field has to move, and each field of a tag that the
    /// record does not list is known to have no value in a group.
    pub(super) fn are_out_of_groups(&self, schema: Schema) -> bool {
        self.moved.is_empty() && self.left_open(schema).next().is_none()
    }

    fn left_open(&self, schema: Schema) -> impl Iterator<Item = &'static Field> {
        let is_sealed = |name: &str| self.sealed.iter().any(|(own, _)| *own == name);
        let is_value = |(_, value): &&(&str, FieldValue<'_>)| !value.is_absent();
        let has_value = move |name: &str| {
            self.sealed.iter().filter(is_value).any(|(own, _)| *own == name)
                || self.item.contains_key(name)
        };
        let is_marked = move |name: &str| is_sealed(name) || self.bound.contains(name);
        let unlisted = schema.search_tags().filter(|(field, _)| !self.bound.contains(field.name));
        unlisted.flat_map(move |(_, tag)| left_open(schema, tag, has_value, is_marked))
    }

    /// Fails if an opened group has a value of a field of a tag, or an entry under the name to which
    /// one moves.
    pub(super) fn check_not_in(&self, group: &Plaintext, schema: Schema) -> Result<(), ErrorKind> {
        let group = read_fields(group.expose())?;
        let has_value = |field: &Field| {
            group.iter().any(|(name, value)| field.has_name(name) && !value.is_absent())
        };
        let has_entry = |field: &&Field| group.iter().any(|(name, _)| *name == field.name);
        match self.left_open(schema).any(has_value) || self.moved.iter().any(has_entry) {
            true => Err(IN_GROUP.into()),
            false => Ok(()),
        }
    }

    /// The older name under which the field has its value. `None` if it has none, or has it under
    /// its present name.
    fn former_name(&self, field: &'static Field) -> Result<Option<&'p str>, ErrorKind> {
        let sealed = self.sealed.iter().filter(|(_, value)| !value.is_absent());
        let sealed = sealed.map(|(name, _)| *name).filter(|name| field.has_name(name));
        let readable = field.names().map(|name| -> &'p str { name });
        let readable = readable.filter(|name| self.item.contains_key(*name));
        let mut names = sealed.chain(readable);
        match (names.next(), names.next()) {
            (Some(_), Some(_)) => {
                let attribute = Some(field.name.to_owned());
                Err(DataError::Deserialize { attribute, source: TWO_VALUES }.into())
            }
            (name, _) => Ok(name.filter(|name| *name != field.name)),
        }
    }

    fn rename(&mut self, former: &str, field: &'static Field) {
        // Marks without a value would contradict the one name that the field has now.
        self.bound.retain(|name| !field.has_name(name));
        self.sealed.retain(|(name, value)| !(field.has_name(name) && value.is_absent()));
        if let Some((name, _)) = self.sealed.iter_mut().find(|(name, _)| *name == former) {
            *name = field.name;
        } else if let Some(value) = self.item.remove(former) {
            self.item.insert(field.name.to_owned(), value);
            self.bound.insert(field.name);
        }
    }

    /// Removes tags of other versions of the struct whose fields have moved (FORMAT 8-11).
    fn remove_tags_of(&mut self, schema: Schema, moved: &BTreeSet<&str>) {
        let Self { item, bound, .. } = self;
        bound.retain(|name| {
            let is_other = is_search_tag(name) && schema.owner(name).is_none();
            // A moved field may be one of an absent tag, under a name that this struct does not have.
            let is_absent_of_moved = !moved.is_empty() && !item.contains_key(*name);
            let is_of_moved = field_names(name).any(|field| moved.contains(field));
            let goes = is_other && (is_absent_of_moved || is_of_moved);
            if goes {
                item.remove(*name);
            }
            !goes
        });
    }

    /// Sets the tags of the struct, and removes those that the record has not. Returns the values
    /// that no other record may have.
    pub(super) fn set_tags(
        &mut self,
        kind: &Kind,
        key: TagKey<'_>,
    ) -> Result<Vec<UniqueValue>, ErrorKind> {
        let mut unique = Vec::new();
        for (field, tag) in kind.schema.search_tags() {
            let values = tag.fields.iter().map(|(name, _)| self.value(kind.schema, name));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            match key.attribute(kind.table, tag, &values)? {
                Some(tag) => self.item.insert(field.name.to_owned(), tag),
                None => self.item.remove(field.name),
            };
            self.bound.insert(field.name);
            if tag.is_unique {
                let tags = key.under_each_key(kind.table, tag, &values)?;
                unique.push(UniqueValue { name: tag.name, attribute: field.name, tags });
            }
        }
        Ok(unique)
    }

    /// The authentic value of a field of a tag.
    fn value(
        &self,
        schema: Schema,
        name: &'static str,
    ) -> Result<Option<SearchedValue>, ErrorKind> {
        // A field that is readable today may have been encrypted when the record was written.
        let field = schema.stored_as(name).filter(|field| !field.mark.is_key());
        match field.and_then(|field| sealed_under(field, &self.sealed)) {
            Some(value) => sealed_value(name, Some(value)),
            None => readable_value(name, self.item.get(name)),
        }
    }

    /// Seals the fields under a new data key.
    pub(super) async fn seal(
        &self,
        context: &Context<'_>,
        to: &(impl WrapKey + ?Sized),
    ) -> Result<Sealed, ErrorKind> {
        let mut fields = FieldWriter::new(PLAINTEXT_BYTES, context.authenticated_names());
        for (name, value) in &self.sealed {
            fields.encoded(name, value);
        }
        Ok(seal_payload(fields.finish(), Content::Record, context, to).await?)
    }
}

const fn is_tagged(field: &Field) -> bool {
    field.in_search_tag && field.mark.is_protected()
}
