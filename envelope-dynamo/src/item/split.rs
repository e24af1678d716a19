//! Splits a record: readable attributes go to the item, encrypted fields to the payloads.

mod serializer;

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{FieldWriter, FragileValues, ValueError};
use serde::Serialize;

use crate::convert::{check_storable, to_attribute_counting, to_attribute_value};
use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::item::group::withheld_groups;
use crate::item::index_keys;
use crate::item::index_keys::KeyPart;
use crate::item::layout::payload_attribute;
use crate::record::Envelope;
use crate::record::field::{Field, Mark, Origin};
use crate::record::key_format::Part;
use crate::record::schema::Schema;

/// A first guess at the bytes of the encrypted fields; the buffer grows without leaving copies.
pub(crate) const PLAINTEXT_BYTES: usize = 512;

const NO_FIELD: ValueError = ValueError::format("a serialized field is not one of the struct's");

/// The fields with values that not every type reads back.
pub(crate) type FragileFields = Vec<(&'static str, FragileValues)>;

/// The parts of a record, before sealing.
pub(crate) struct Parts {
    /// Keys, authenticated and plaintext attributes.
    pub(crate) item: Item,
    /// The encrypted fields, written where they will be sealed.
    pub(crate) fields: FieldWriter,
    /// The encrypted fields of each group, likewise.
    pub(crate) groups: Vec<(&'static str, FieldWriter)>,
    /// The groups whose values the record does not have.
    pub(crate) withheld: Vec<&'static str>,
    /// The names of the authenticated attributes, absent ones included.
    pub(crate) authenticated: Vec<Cow<'static, str>>,
    /// The fields with values that not every type reads back.
    pub(crate) fragile: FragileFields,
    /// The values of fields that are parts of composed keys.
    pub(crate) key_parts: Vec<KeyPart>,
}

impl Parts {
    /// Composes the keys of indexes, from the fields and from the managed fields in the item.
    pub(crate) fn compose_index_keys(&mut self, schema: Schema) -> Result<(), ErrorKind> {
        index_keys::compose(schema, &self.key_parts, &mut self.item)
    }
}

/// Splits `record` by the marks of its fields, without reading it back.
pub(crate) fn split_unchecked<T: Envelope>(record: &T) -> Result<Parts, ErrorKind> {
    let mut router = Router::new(T::SCHEMA, Scope::Record, withheld_groups(record)?);
    match record.serialize(&mut router) {
        Ok(()) => router.finish(),
        Err(source) => {
            Err(ErrorKind::Usage(UsageError::Serialize { attribute: router.current, source }))
        }
    }
}

/// The attributes of an item that is not sealed: all fields of `record`, as serde writes them, and
/// the composed keys. Says which of them have values that not every type reads back. Fields of
/// withheld groups are left out.
pub(crate) fn split_plain<T: Envelope>(record: &T) -> Result<Parts, ErrorKind> {
    let mut router = Router::new(T::SCHEMA, Scope::Plain, withheld_groups(record)?);
    match record.serialize(&mut router) {
        Ok(()) => router.finish(),
        Err(source) => {
            Err(ErrorKind::Usage(UsageError::Serialize { attribute: router.current, source }))
        }
    }
}

/// The key attributes of a primary key.
pub(crate) fn key_item<T: Envelope>(key: T::Key) -> Result<Item, ErrorKind> {
    let mut router = Router::new(T::SCHEMA, Scope::Keys, Vec::new());
    match T::serialize_key(key, &mut router) {
        Ok(()) => router.keys(),
        Err(source) => {
            Err(ErrorKind::Usage(UsageError::Serialize { attribute: router.current, source }))
        }
    }
}

/// The key attributes of a record. Other fields are not serialized.
pub(crate) fn keys_of<T: Envelope>(record: &T) -> Result<Item, ErrorKind> {
    let mut router = Router::new(T::SCHEMA, Scope::Keys, Vec::new());
    match record.serialize(&mut router) {
        Ok(()) => router.keys(),
        Err(source) => {
            Err(ErrorKind::Usage(UsageError::Serialize { attribute: router.current, source }))
        }
    }
}

/// The composed keys of indexes that the fields of a record make.
pub(crate) fn index_keys_of<T: Envelope>(record: &T) -> Result<Item, ErrorKind> {
    let mut router = Router::new(T::SCHEMA, Scope::IndexKeys, Vec::new());
    match record.serialize(&mut router) {
        Ok(()) => router.index_keys(),
        Err(source) => {
            Err(ErrorKind::Usage(UsageError::Serialize { attribute: router.current, source }))
        }
    }
}

/// The attribute of one composed key, for derived code.
///
/// # Errors
///
/// If a part is missing, or its value is not valid in a composed key.
pub fn compose_key<T: Envelope>(
    name: &str,
    parts: &impl Serialize,
) -> Result<AttributeValue, ValueError> {
    let mut router = Router::new(T::SCHEMA, Scope::Record, Vec::new());
    parts.serialize(&mut router)?;
    let is_of_index = T::SCHEMA.stored_as(name).is_some_and(|key| key.index_format().is_some());
    let keys = if is_of_index { router.index_keys() } else { router.keys() };
    let mut keys = keys.map_err(|kind| match kind {
        ErrorKind::Usage(UsageError::Attribute { reason, .. }) => ValueError::format(reason),
        ErrorKind::Usage(UsageError::Serialize { source, .. }) => source,
        _ => INCOMPLETE_KEY,
    })?;
    keys.remove(name).ok_or(INCOMPLETE_KEY)
}

const INCOMPLETE_KEY: ValueError =
    ValueError::format("is composed of parts that are not all given here");

/// Which fields to serialize.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Record,
    Keys,
    /// The composed keys of indexes.
    IndexKeys,
    /// All fields, as attributes.
    Plain,
}

/// Adds each serialized field to the item or to a payload, as its mark says.
struct Router {
    schema: Schema,
    /// The positions before `next` of fields that were not written.
    skipped: Vec<usize>,
    /// The position after the last field that was written. Structs serialize in order, so the next
    /// field is probably there.
    next: usize,
    /// The attribute that did not serialize.
    current: Option<String>,
    item: Item,
    fields: FieldWriter,
    groups: Vec<(&'static str, FieldWriter)>,
    withheld: Vec<&'static str>,
    authenticated: Vec<Cow<'static, str>>,
    scope: Scope,
    /// The values of the current field that not every type reads back.
    fragile: FragileValues,
    fragile_fields: FragileFields,
    /// The values of fields that are parts of composed keys.
    parts: Vec<KeyPart>,
}

impl Router {
    fn new(schema: Schema, scope: Scope, withheld: Vec<&'static str>) -> Self {
        let groups = schema.groups();
        let fields = schema.with_mark(Mark::Authenticated);
        let mut authenticated: Vec<_> = fields.map(|field| Cow::Borrowed(field.name)).collect();
        // The record authenticates the payloads of its groups.
        authenticated.extend(groups.iter().map(|group| payload_attribute(group).into()));
        let written = groups.into_iter().filter(|group| !withheld.contains(group));
        Self {
            schema,
            skipped: Vec::new(),
            next: 0,
            current: None,
            // The readable attributes, and the two sealed ones to come.
            item: HashMap::with_capacity(schema.fields().len() + 2),
            fields: FieldWriter::new(PLAINTEXT_BYTES, authenticated.iter().map(AsRef::as_ref)),
            groups: written.map(|group| (group, FieldWriter::new(PLAINTEXT_BYTES, []))).collect(),
            withheld,
            authenticated,
            scope,
            fragile: FragileValues::default(),
            fragile_fields: Vec::new(),
            parts: Vec::new(),
        }
    }

    fn route<V: Serialize + ?Sized>(&mut self, name: &str, value: &V) -> Result<(), ValueError> {
        let outcome = self.claim(name).and_then(|field| self.write(field, value));
        if outcome.is_err() {
            self.current = Some(name.to_owned());
        }
        outcome
    }

    fn write<V: Serialize + ?Sized>(
        &mut self,
        field: &'static Field,
        value: &V,
    ) -> Result<(), ValueError> {
        let Field { mark, group, in_key, in_index_key, name, .. } = *field;
        if in_key {
            self.part(name, value)?;
        } else if in_index_key && self.scope != Scope::Keys {
            self.index_part(name, value)?;
        }
        let is_withheld = group.is_some_and(|group| self.withheld.contains(&group));
        match mark {
            Mark::Encrypted if self.scope == Scope::Plain && is_withheld => return Ok(()),
            Mark::Key | Mark::Encrypted if self.scope == Scope::Plain => {
                self.attribute(name, value)
            }
            Mark::Key => Ok(()),
            mark if self.has_keys_only() && !mark.is_key() => Ok(()),
            Mark::Encrypted => self.seal(group, name, value),
            Mark::PartitionKey | Mark::SortKey | Mark::Authenticated | Mark::Plaintext => {
                self.attribute(name, value)
            }
        }?;
        self.note_fragile(name);
        Ok(())
    }

    fn part<V: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &V,
    ) -> Result<(), ValueError> {
        self.parts.push((name, Part::of(value)?));
        Ok(())
    }

    /// A part of an index's key may have no value.
    fn index_part<V: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &V,
    ) -> Result<(), ValueError> {
        let part = Part::of_attribute(&to_attribute_value(value)?)?;
        self.parts.extend(part.map(|part| (name, part)));
        Ok(())
    }

    fn has_keys_only(&self) -> bool {
        matches!(self.scope, Scope::Keys | Scope::IndexKeys)
    }

    fn attribute<V: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &V,
    ) -> Result<(), ValueError> {
        let attribute = to_attribute_counting(value, &mut self.fragile)?;
        match self.item.insert(name.to_owned(), attribute) {
            None => Ok(()),
            Some(_) => Err(ValueError::format("two fields are stored under this name")),
        }
    }

    fn seal<V: Serialize + ?Sized>(
        &mut self,
        group: Option<&str>,
        name: &str,
        value: &V,
    ) -> Result<(), ValueError> {
        let fields = match group {
            None => Some(&mut self.fields),
            Some(group) => {
                self.groups.iter_mut().find(|(other, _)| *other == group).map(|(_, fields)| fields)
            }
        };
        // A withheld group has no values to seal.
        let Some(fields) = fields else { return Ok(()) };
        let before = fields.fragile();
        fields.field(name, value)?;
        self.fragile = fields.fragile().since(before);
        Ok(())
    }

    fn note_fragile(&mut self, name: &'static str) {
        let fragile = std::mem::take(&mut self.fragile);
        if !fragile.is_empty() {
            self.fragile_fields.push((name, fragile));
        }
    }

    /// The field stored under `name`. It must not have been written before.
    fn claim(&mut self, name: &str) -> Result<&'static Field, ValueError> {
        let position = match self.schema.fields().get(self.next) {
            Some(field) if field.name == name => Some(self.next),
            _ => self.schema.iter().position(|field| field.name == name),
        };
        let (position, field) =
            position.and_then(|at| Some((at, self.schema.fields().get(at)?))).ok_or(NO_FIELD)?;
        if field.is_generated() {
            return Err(NO_FIELD);
        }
        self.note_written(position)?;
        Ok(field)
    }

    fn note_written(&mut self, position: usize) -> Result<(), ValueError> {
        if position >= self.next {
            self.skipped.extend(self.next..position);
            self.next = position + 1;
            return Ok(());
        }
        match self.skipped.iter().position(|skipped| *skipped == position) {
            Some(at) => {
                self.skipped.swap_remove(at);
                Ok(())
            }
            None => Err(ValueError::format("two fields are stored under this name")),
        }
    }

    /// Adds the encrypted fields without a value as absent, so that the record names them as
    /// encrypted (FORMAT 4.5-2).
    fn finish(mut self) -> Result<Parts, ErrorKind> {
        for (position, field) in self.schema.iter().enumerate() {
            let written = position < self.next && !self.skipped.contains(&position);
            if let Origin::Constant(value) = field.origin {
                self.item.insert(field.name.to_owned(), AttributeValue::S(value.to_owned()));
            }
            if field.mark != Mark::Encrypted || written {
                continue;
            }
            match field.group {
                None => self.fields.absent(field.name),
                Some(group) => {
                    let fields = self.groups.iter_mut().find(|(other, _)| *other == group);
                    fields.into_iter().for_each(|(_, fields)| fields.absent(field.name));
                }
            }
        }
        self.compose()?;
        for (name, attribute) in &self.item {
            check_storable(name, attribute)?;
        }
        Ok(Parts {
            item: self.item,
            fields: self.fields,
            groups: self.groups,
            withheld: self.withheld,
            authenticated: self.authenticated,
            fragile: self.fragile_fields,
            key_parts: self.parts,
        })
    }

    /// The key attributes whose fields were written.
    fn keys(mut self) -> Result<Item, ErrorKind> {
        self.compose()?;
        Ok(self.item)
    }

    /// The composed keys of indexes.
    fn index_keys(self) -> Result<Item, ErrorKind> {
        let mut keys = Item::new();
        index_keys::compose(self.schema, &self.parts, &mut keys)?;
        Ok(keys)
    }

    /// Composes the keys of the table whose parts were all written.
    fn compose(&mut self) -> Result<(), ErrorKind> {
        let part =
            |name: &str| self.parts.iter().find(|(own, _)| *own == name).map(|(_, part)| part);
        for field in self.schema.iter() {
            let Origin::Composed(format) = field.origin else { continue };
            if let Some(key) = format.compose(part)? {
                self.item.insert(field.name.to_owned(), AttributeValue::S(key));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
