//! The search tags of a changed record: which are computed, which stay, and which go (FORMAT 8-11,
//! 13.5).
//!
//! A tag that is not computed anew stays only if it still is the tag of the record's values. So a
//! writer without search keys, or with a struct that does not know the tag, never leaves a record
//! that is found by an old value.

use std::borrow::Cow;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::FieldValue;

use crate::convert::searched::SearchedValue;
use crate::error::kind::ErrorKind;
use crate::item::modify_record::plan::{Change, Place, Plan, Planner, is_same};
use crate::item::search_tags::{KeyForChange, TagKey, readable_value, sealed_value};
use crate::record::field::{Field, Mark};
use crate::record::search_tag::{SearchTag, field_names, is_search_tag};

/// What is sealed under a name: nothing at all, a mark without a value, or a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sealed<'s> {
    No,
    Absent,
    Value(FieldValue<'s>),
}

impl<'s> Sealed<'s> {
    fn of(value: FieldValue<'s>) -> Self {
        if value.is_absent() { Self::Absent } else { Self::Value(value) }
    }

    const fn value(self) -> Option<FieldValue<'s>> {
        match self {
            Self::Value(value) => Some(value),
            Self::No | Self::Absent => None,
        }
    }
}

impl<'s> Planner<'s> {
    /// Whether all tags of the struct are those of the stored values, under the key that writes
    /// tags. Without a key, nobody can tell.
    pub(crate) fn tags_are_current(
        &self,
        table: &'static str,
        key: Option<TagKey<'_>>,
    ) -> Result<bool, ErrorKind> {
        let Some(key) = key else { return Ok(true) };
        for (field, tag) in self.schema.search_tags() {
            let values =
                self.values(tag, |field| self.sealed_before(field), |name| self.item.get(name))?;
            let current = key.attribute(table, tag, &values)?;
            if !self.lists(field.name) || self.item.get(field.name) != current.as_ref() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Decides on each tag, when the `plan` has all other values.
    ///
    /// # Errors
    ///
    /// The one in `key`, if a tag of the struct must be computed.
    pub(crate) fn plan_tags(
        &self,
        plan: &mut Plan<'s>,
        table: &'static str,
        key: KeyForChange<'_>,
    ) -> Result<(), ErrorKind> {
        self.plan_own_tags(plan, table, key)?;
        self.plan_unknown_tags(plan);
        Ok(())
    }

    fn plan_own_tags(
        &self,
        plan: &mut Plan<'s>,
        table: &'static str,
        key: KeyForChange<'_>,
    ) -> Result<(), ErrorKind> {
        let mut tags = self.schema.search_tags();
        let key = match key {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(()),
            Err(no_key) if tags.any(|(_, tag)| !self.keeps_tag(plan, tag)) => return Err(no_key),
            Err(_) => {
                self.keep_own_tags(plan);
                return Ok(());
            }
        };
        for (field, tag) in tags {
            let values = self.values(
                tag,
                |field| planned(plan, field),
                |name| self.readable_after(plan, name),
            )?;
            let new = key.attribute(table, tag, &values)?;
            plan.authenticated.insert(Cow::Borrowed(field.name));
            self.change(plan, field.name, new);
        }
        Ok(())
    }

    /// Whether a tag may stay as it is stored, listed or not: the record is sealed already, and the
    /// values stay the same.
    fn keeps_tag(&self, plan: &Plan<'s>, tag: SearchTag) -> bool {
        self.is_sealed() && tag.fields.iter().all(|(name, _)| self.is_same_source(plan, name))
    }

    fn keep_own_tags(&self, plan: &mut Plan<'s>) {
        let tags = self.schema.search_tags().map(|(field, _)| field.name);
        plan.authenticated.extend(tags.filter(|name| self.lists(name)).map(Cow::Borrowed));
    }

    /// Whether the field of a tag of the struct has the value that is stored.
    fn is_same_source(&self, plan: &Plan<'s>, name: &'static str) -> bool {
        match self.schema.stored_as(name) {
            Some(field) if field.mark == Mark::Encrypted => {
                self.sealed_before(field) == planned(plan, field)
            }
            _ => is_same(self.item.get(name), self.readable_after(plan, name)),
        }
    }

    /// Tags that only other versions of the struct know. They cannot be computed here.
    fn plan_unknown_tags(&self, plan: &mut Plan<'s>) {
        let unknown = |name: &&String| is_search_tag(name) && self.schema.owner(name).is_none();
        if !self.is_sealed() {
            // An item that is not sealed has no tag; sealed with it, readers would refuse it.
            for name in self.item.keys().filter(unknown) {
                self.change(plan, name, None);
            }
            return;
        }
        for name in self.was_authenticated.iter().filter(unknown) {
            if !self.is_still_tag(plan, name) {
                plan.authenticated.remove(name.as_str());
                self.change(plan, name, None);
            }
        }
    }

    /// Whether all fields of the tag stay the same (FORMAT 8-11). Its name says which these are.
    fn is_still_tag(&self, plan: &Plan<'s>, tag: &str) -> bool {
        field_names(tag).all(|name| {
            self.stored_under(name) == planned_under(plan, name)
                && is_same(self.item.get(name), self.readable_after(plan, name))
        })
    }

    fn is_sealed(&self) -> bool {
        !self.stored.is_empty()
    }

    fn lists(&self, name: &str) -> bool {
        self.was_authenticated.iter().any(|listed| listed == name)
    }

    /// The values of the fields of a tag.
    fn values<'v>(
        &self,
        tag: SearchTag,
        sealed: impl Fn(&'static Field) -> Option<FieldValue<'v>>,
        readable: impl Fn(&'static str) -> Option<&'v AttributeValue>,
    ) -> Result<Vec<Option<SearchedValue>>, ErrorKind> {
        let value = |name: &'static str| match self.schema.stored_as(name) {
            Some(field) if field.mark == Mark::Encrypted => sealed_value(name, sealed(field)),
            _ => readable_value(name, readable(name)),
        };
        tag.fields.iter().map(|(name, _)| value(name)).collect()
    }

    /// The value that is sealed for a field of the struct, under any of its names.
    fn sealed_before(&self, field: &'static Field) -> Option<FieldValue<'s>> {
        field.names().find_map(|name| self.stored_under(name).value())
    }

    fn stored_under(&self, name: &str) -> Sealed<'s> {
        let mut stored = self.stored.iter().filter(is_own).flat_map(|(_, fields)| fields);
        stored.find(|(own, _)| *own == name).map_or(Sealed::No, |(_, value)| Sealed::of(*value))
    }

    /// A readable attribute after the change.
    fn readable_after<'p>(&'p self, plan: &'p Plan<'s>, name: &str) -> Option<&'p AttributeValue> {
        match plan.changes.iter().find(|change| change.name == name) {
            Some(change) => change.new.as_ref(),
            None => self.item.get(name),
        }
    }

    fn change(&self, plan: &mut Plan<'s>, name: &str, new: Option<AttributeValue>) {
        if self.item.get(name) != new.as_ref() {
            plan.changes.push(Change { name: name.to_owned(), new });
        }
    }
}

/// The value that is planned for a field of the struct, under any of its names.
fn planned<'s>(plan: &Plan<'s>, field: &'static Field) -> Option<FieldValue<'s>> {
    field.names().find_map(|name| planned_under(plan, name).value())
}

fn planned_under<'s>(plan: &Plan<'s>, name: &str) -> Sealed<'s> {
    let mut planned = plan.sealed.iter().filter(is_own).flat_map(|(_, fields)| fields);
    planned
        .find(|(own, _)| *own == name)
        .map_or(Sealed::No, |(_, value)| value.map_or(Sealed::Absent, Sealed::of))
}

/// Whether fields are sealed in the record's own payload: those of groups have no tags.
const fn is_own<F>((place, _): &&(Place, F)) -> bool {
    place.is_none()
}
