//! Plans which fields a change writes: a field that has not changed keeps its stored encoding.
//!
//! An older struct does not know all that a newer one stores inside a field (an entry of a nested
//! struct, a variant that it reads as `#[serde(other)]`), and some fields are only read or only
//! written. Encoding such a field again would lose values that the change did not touch.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{FieldValue, FieldWriter, ValueError};

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::item::group::unknown_groups;
use crate::item::layout::payload_attribute;
use crate::item::split::{PLAINTEXT_BYTES, Parts};
use crate::item::unique_value::UniqueValue;
use crate::record::field::{Field, Mark};
use crate::record::schema::Schema;

/// The encrypted fields of a record or of a group as they are encoded.
pub(crate) type Values<'p> = HashMap<&'p str, FieldValue<'p>>;

/// The fields that are sealed in one place; `None` for a field without a value.
type SealedFields<'s> = Vec<(&'s str, Option<FieldValue<'s>>)>;

/// A place where fields are sealed: the record's own payload, or that of a group.
pub(crate) type Place = Option<&'static str>;

/// A readable attribute that is written or removed.
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) new: Option<AttributeValue>,
}

/// A record before and after the change.
pub(crate) struct Planner<'s> {
    pub(super) schema: Schema,
    /// The item as it is stored.
    pub(super) item: &'s Item,
    /// The names of its authenticated attributes.
    pub(super) was_authenticated: &'s [String],
    /// The fields that are sealed in it, place by place.
    pub(super) stored: Vec<(Place, Vec<(&'s str, FieldValue<'s>)>)>,
    /// The record before and after the change, serialized.
    pub(super) before: (&'s Item, Values<'s>),
    pub(super) after: (&'s Item, Values<'s>),
    /// Whether groups are sealed in the record that the struct does not have, or that were not
    /// opened.
    pub(super) has_unseen_groups: bool,
    /// The groups that are withheld before or after the change.
    pub(super) withheld: BTreeSet<&'static str>,
    /// Whether no attribute of an encrypted field may stay in the item.
    leaves_the_clear: bool,
}

/// The values that the change writes.
pub(crate) struct Plan<'s> {
    /// The sealed fields of each place.
    pub(super) sealed: Vec<(Place, SealedFields<'s>)>,
    pub(crate) authenticated: BTreeSet<Cow<'static, str>>,
    pub(crate) changes: Vec<Change>,
    /// The unique values whose search tags change.
    pub(crate) unique: Vec<UniqueValue>,
}

/// The encrypted fields of `parts`, absent ones included.
fn values(parts: &Parts) -> Result<Values<'_>, ValueError> {
    let mut values = parts.fields.fields()?;
    for (_, fields) in &parts.groups {
        values.extend(fields.fields()?);
    }
    Ok(values.into_iter().collect())
}

impl<'s> Planner<'s> {
    pub(crate) fn new(
        schema: Schema,
        item: &'s Item,
        was_authenticated: &'s [String],
        stored: Vec<(Place, Vec<(&'s str, FieldValue<'s>)>)>,
        [before, after]: [&'s Parts; 2],
    ) -> Result<Self, ErrorKind> {
        let has_unseen_groups =
            !before.withheld.is_empty() || !unknown_groups(schema, was_authenticated).is_empty();
        let withheld = before.withheld.iter().chain(&after.withheld).copied().collect();
        let (before, after) = ((&before.item, values(before)?), (&after.item, values(after)?));
        Ok(Self {
            schema,
            item,
            was_authenticated,
            stored,
            before,
            after,
            has_unseen_groups,
            withheld,
            leaves_the_clear: false,
        })
    }

    /// The same, but no attribute of an encrypted field stays in the item, and no sealed value that
    /// has not changed is put there.
    pub(crate) fn leaving_the_clear(self) -> Self {
        Self { leaves_the_clear: true, ..self }
    }

    /// The fields that a change may write: those of the struct that are no key, and not in a group
    /// that is withheld.
    fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.schema.iter().filter(|field| self.is_written(field))
    }

    fn is_written(&self, field: &Field) -> bool {
        let is_withheld = field.group.is_some_and(|group| self.withheld.contains(group));
        let has_place =
            matches!(field.mark, Mark::Encrypted | Mark::Authenticated | Mark::Plaintext);
        has_place && !field.is_generated() && !is_withheld
    }

    /// Whether `name` belongs to a field that the change may write.
    fn owns(&self, name: &str) -> bool {
        self.schema.owner(name).is_some_and(|field| self.is_written(field))
    }

    /// Whether the struct serializes the field otherwise than before.
    pub(crate) fn has_changed(&self, field: &Field) -> bool {
        match field.mark {
            Mark::Encrypted => self.before.1.get(field.name) != self.after.1.get(field.name),
            _ => !is_same(self.before.0.get(field.name), self.after.0.get(field.name)),
        }
    }

    pub(crate) fn is_unchanged(&self) -> bool {
        !self.fields().any(|field| self.has_changed(field))
    }

    /// Whether a pair of the encryption context has changed, to which everything is bound.
    pub(crate) fn changes_pairs(&self) -> bool {
        self.schema.context_fields().any(|field| self.is_written(field) && self.has_changed(field))
    }

    /// Decides where each field stands after the change, and as what.
    pub(crate) fn plan(&self, places: impl Iterator<Item = Place>) -> Plan<'s> {
        let sealed = places.map(|place| (place, self.unowned(place))).collect();
        let (authenticated, changes, unique) = (BTreeSet::new(), Vec::new(), Vec::new());
        let mut plan = Plan { sealed, authenticated, changes, unique };
        // Attributes that other versions of the struct authenticated stay so; the record
        // authenticates its groups. The tags of the struct are planned when all values are known.
        let is_tag = |name: &str| self.schema.search_tags().any(|(field, _)| field.name == name);
        let others = self.was_authenticated.iter().filter(|name| !self.owns(name) && !is_tag(name));
        plan.authenticated.extend(others.map(|name| Cow::Owned(name.clone())));
        plan.authenticated.extend(
            self.schema.groups().into_iter().map(|group| Cow::Owned(payload_attribute(group))),
        );
        let constants = self.schema.constants().map(|(name, _)| Cow::Borrowed(name));
        plan.authenticated.extend(constants);
        for field in self.fields() {
            if self.keeps(field) {
                self.keep(field, &mut plan)
            } else {
                self.write(field, &mut plan)
            }
        }
        plan
    }

    /// The values that are sealed in a place under names that no field of the struct writes.
    fn unowned(&self, place: Place) -> SealedFields<'s> {
        let stored = self
            .stored
            .iter()
            .filter(|(stored, _)| *stored == place)
            .flat_map(|(_, fields)| fields);
        stored
            .filter(|(name, _)| !self.owns(name))
            .map(|(name, value)| (*name, Some(*value)))
            .collect()
    }

    /// Whether the field stays as it is stored: it has not changed, and stands where the struct
    /// wants it, or has nothing that could be put there.
    fn keeps(&self, field: &'static Field) -> bool {
        let is_readable = self.attributes(field).next().is_some();
        let must_leave = self.leaves_the_clear && field.mark == Mark::Encrypted && is_readable;
        // What leaves the clear does not put other values there.
        let stays_sealed = self.leaves_the_clear && field.mark != Mark::Encrypted && !is_readable;
        !must_leave
            && !self.has_changed(field)
            && (self.is_in_place(field) || stays_sealed || !field.is_read || !self.has_value(field))
    }

    fn is_in_place(&self, field: &'static Field) -> bool {
        if field.in_search_tag && self.is_under_alias(field) {
            return false;
        }
        let is_readable = self.attributes(field).next().is_some();
        let is_elsewhere = |place: Place| {
            self.sealed(field).any(|(at, _, value)| at != place && !value.is_absent())
        };
        match field.mark {
            Mark::Encrypted => !is_readable && !is_elsewhere(field.group),
            _ => is_readable || !self.sealed(field).any(|(_, _, value)| !value.is_absent()),
        }
    }

    /// Whether the field is stored under another name than the struct's. The name of a search tag
    /// says to which field it belongs, so a searchable field must have that name.
    fn is_under_alias(&self, field: &'static Field) -> bool {
        self.attributes(field).any(|name| name != field.name)
            || self.sealed(field).any(|(_, name, value)| name != field.name && !value.is_absent())
    }

    /// Whether the struct serializes a value for the field.
    fn has_value(&self, field: &Field) -> bool {
        match field.mark {
            Mark::Encrypted => self.after.1.get(field.name).is_some_and(|value| !value.is_absent()),
            _ => self.after.0.contains_key(field.name),
        }
    }

    /// The attributes of the item that belong to the field.
    fn attributes(&self, field: &'static Field) -> impl Iterator<Item = &'static str> {
        field.names().filter(|name| self.item.contains_key(*name))
    }

    /// The values that are sealed in the record under a name of the field, absent ones included.
    fn sealed(
        &self,
        field: &'static Field,
    ) -> impl Iterator<Item = (Place, &'s str, FieldValue<'s>)> {
        let all = self
            .stored
            .iter()
            .flat_map(|(place, fields)| fields.iter().map(|entry| (*place, entry.0, entry.1)));
        all.filter(|(_, name, _)| field.has_name(name))
    }

    fn keep(&self, field: &'static Field, plan: &mut Plan<'s>) {
        let is_readable = self.attributes(field).next().is_some();
        // Plaintext in the clear may be newer than a sealed value; no other field has both.
        let mut is_marked = is_readable;
        if !is_readable {
            for (place, name, value) in self.sealed(field) {
                // The name of a search tag says to which field it belongs, and it is a tag of the
                // record's own payload.
                let (place, name) = match field.in_search_tag && !value.is_absent() {
                    true => (None, field.name),
                    false => (place, name),
                };
                if field.mark == Mark::Encrypted || !value.is_absent() {
                    plan.seal(place, name, Some(value));
                    is_marked = true;
                }
            }
        }
        for name in self.attributes(field) {
            let was_authenticated = self.was_authenticated.iter().any(|other| other == name);
            if field.mark == Mark::Authenticated
                || field.mark == Mark::Encrypted && was_authenticated
            {
                plan.authenticated.insert(Cow::Borrowed(name));
            }
        }
        // It may be in a group that was not opened.
        is_marked |= self.has_unseen_groups;
        match field.mark {
            Mark::Encrypted if !is_marked => plan.seal(field.group, field.name, None),
            Mark::Authenticated if !is_marked => {
                plan.authenticated.insert(Cow::Borrowed(field.name));
            }
            _ => {}
        }
    }

    /// The name under which a field is written: a value that only moves keeps its own, for readers
    /// that know no other.
    fn name(&self, field: &'static Field) -> &'static str {
        let is_stored = |name: &&str| {
            self.item.contains_key(*name)
                || self
                    .sealed(field)
                    .any(|(_, sealed, value)| sealed == *name && !value.is_absent())
        };
        let stored = field.names().find(is_stored).filter(|_| !self.has_changed(field));
        stored.filter(|_| !field.in_search_tag).unwrap_or(field.name)
    }

    fn write(&self, field: &'static Field, plan: &mut Plan<'s>) {
        let to = self.name(field);
        if field.mark == Mark::Encrypted {
            plan.seal(field.group, to, self.after.1.get(field.name).copied());
        } else if field.mark == Mark::Authenticated {
            plan.authenticated.insert(Cow::Borrowed(to));
        }
        for name in field.names() {
            let is_here = field.mark != Mark::Encrypted && name == to;
            let new = is_here.then(|| self.after.0.get(field.name)).flatten();
            if self.item.get(name) != new {
                plan.changes.push(Change { name: name.to_owned(), new: new.cloned() });
            }
        }
    }

    /// Whether a group is sealed already as it is planned.
    pub(crate) fn is_stored(&self, plan: &Plan<'_>, group: &'static str) -> bool {
        let stored = self.stored.iter().find(|(place, _)| *place == Some(group));
        let planned = plan.sealed.iter().find(|(place, _)| *place == Some(group));
        let (Some((_, stored)), Some((_, planned))) = (stored, planned) else { return false };
        let stored: Values<'_> = stored.iter().copied().collect();
        let is_there = |(name, value): &(&str, Option<FieldValue<'_>>)| match value {
            Some(value) => stored.get(name) == Some(value),
            None => stored.get(name).is_some_and(FieldValue::is_absent),
        };
        stored.len() == planned.len() && planned.iter().all(is_there)
    }
}

impl<'s> Plan<'s> {
    fn seal(&mut self, place: Place, name: &'s str, value: Option<FieldValue<'s>>) {
        if let Some((_, fields)) = self.sealed.iter_mut().find(|(other, _)| *other == place) {
            fields.push((name, value));
        }
    }

    /// The plaintext to be sealed in a place.
    pub(crate) fn writer(&self, place: Place) -> FieldWriter {
        let names = self.authenticated.iter().map(AsRef::as_ref).filter(|_| place.is_none());
        let mut writer = FieldWriter::new(PLAINTEXT_BYTES, names);
        let planned =
            self.sealed.iter().filter(|(other, _)| *other == place).flat_map(|(_, fields)| fields);
        for (name, value) in planned {
            match value {
                Some(value) => writer.encoded(name, value),
                None => writer.absent(name),
            }
        }
        writer
    }
}

/// Whether two attributes have one value; DynamoDB returns the elements of a set in any order.
pub(crate) fn is_same(one: Option<&AttributeValue>, other: Option<&AttributeValue>) -> bool {
    match (one, other) {
        (Some(AttributeValue::Ss(one)), Some(AttributeValue::Ss(other)))
        | (Some(AttributeValue::Ns(one)), Some(AttributeValue::Ns(other))) => {
            one.iter().collect::<BTreeSet<_>>() == other.iter().collect()
        }
        (Some(AttributeValue::Bs(one)), Some(AttributeValue::Bs(other))) => {
            let sorted = |set: &[Blob]| {
                set.iter().map(|blob| blob.as_ref().to_vec()).collect::<BTreeSet<_>>()
            };
            sorted(one) == sorted(other)
        }
        (one, other) => one == other,
    }
}
