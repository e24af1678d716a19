//! The search tags of a changed record: which are computed, which stay, and which go (FORMAT 8-11,
//! 13.5).
//!
//! A tag that is not computed anew stays only if it still is the tag of the record's values. So a
//! writer without search keys, or with a struct that does not know the tag, never leaves a record
//! that is found by an old value. Without search keys a change of such a value is an error, unless
//! the table leaves tags out.

use std::borrow::Cow;
use std::collections::HashSet;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::FieldValue;

use crate::convert::searched::SearchedValue;
use crate::error::kind::ErrorKind;
use crate::item::modify_record::plan::{Change, Place, Plan, Planner, is_same};
use crate::item::search_tags::{
    KeyForChange, TagKey, left_open, readable_value, sealed_under, sealed_value,
};
use crate::item::unique_value::UniqueValue;
use crate::record::field::Field;
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
            if tag.fields.iter().any(|(name, _)| self.is_in_group(name)) {
                return Ok(false);
            }
            if self.is_left_open(
                field,
                tag,
                |name| self.stored_under(name),
                |name| self.lists(name),
            ) {
                continue;
            }
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
    /// The one in `key`, if a value of a tag of the struct changes.
    pub(crate) fn plan_tags(
        &self,
        plan: &mut Plan<'s>,
        table: &'static str,
        key: KeyForChange<'_>,
    ) -> Result<(), ErrorKind> {
        let mut tags = self.schema.search_tags();
        match key {
            Ok(Some(key)) => {
                self.compute_own_tags(plan, table, key)?;
                self.keep_or_remove_tags(plan, |name| self.schema.owner(name).is_none());
            }
            Err(no_key) if tags.any(|(_, tag)| !self.keeps_values(plan, tag)) => {
                return Err(no_key);
            }
            Ok(None) | Err(_) => self.keep_or_remove_tags(plan, |_| true),
        }
        Ok(())
    }

    fn compute_own_tags(
        &self,
        plan: &mut Plan<'s>,
        table: &'static str,
        key: TagKey<'_>,
    ) -> Result<(), ErrorKind> {
        for (field, tag) in self.schema.search_tags() {
            let sealed = |name: &str| planned_under(plan, name);
            if self.is_left_open(field, tag, sealed, |name| plan.authenticated.contains(name)) {
                self.change(plan, field.name, None);
                continue;
            }
            let values = self.values(
                tag,
                |field| planned(plan, field),
                |name| self.readable_after(plan, name),
            )?;
            let new = key.attribute(table, tag, &values)?;
            let is_kept = self.lists(field.name) && self.item.get(field.name) == new.as_ref();
            if tag.is_unique && !is_kept {
                let tags = key.under_each_key(table, tag, &values)?;
                plan.unique.push(UniqueValue { name: tag.name, attribute: field.name, tags });
            }
            plan.authenticated.insert(Cow::Borrowed(field.name));
            self.change(plan, field.name, new);
        }
        Ok(())
    }

    /// Whether the tag is not listed, and it may have a value in a group that was not opened,
    /// where an older struct had the field. Then the tag stays unlisted, so that the record is due
    /// (FORMAT 13.5-4).
    fn is_left_open(
        &self,
        field: &Field,
        tag: SearchTag,
        sealed: impl Fn(&str) -> Sealed<'s>,
        is_bound: impl Fn(&str) -> bool,
    ) -> bool {
        let has_value = |name: &str| sealed(name).value().is_some() || self.item.contains_key(name);
        let is_marked = |name: &str| sealed(name) != Sealed::No || is_bound(name);
        (self.has_unseen_groups || !self.withheld.is_empty())
            && !self.lists(field.name)
            && left_open(self.schema, tag, has_value, is_marked).next().is_some()
    }

    /// Whether the field has a value in a group, although it is not one of the group.
    fn is_in_group(&self, name: &'static str) -> bool {
        let Some(field) = self.schema.stored_as(name) else { return false };
        let groups = self.stored.iter().filter(|(place, _)| place.is_some());
        let mut sealed = groups.flat_map(|(_, fields)| fields);
        sealed.any(|(name, value)| field.has_name(name) && !value.is_absent())
    }

    /// Whether the record is sealed already, and the values of the tag stay the same.
    fn keeps_values(&self, plan: &Plan<'s>, tag: SearchTag) -> bool {
        self.is_sealed() && tag.fields.iter().all(|(name, _)| self.is_same_source(plan, name))
    }

    /// Whether the field of a tag of the struct has the value that is stored.
    fn is_same_source(&self, plan: &Plan<'s>, name: &'static str) -> bool {
        let field = self.schema.stored_as(name).filter(|field| !field.mark.is_key());
        field.is_none_or(|field| self.sealed_before(field) == planned(plan, field))
            && is_same(self.item.get(name), self.readable_after(plan, name))
    }

    /// The one rule for tags that are not computed here, of this struct or of other versions of it:
    /// a tag stays with its place in the list, or goes from both (FORMAT 8-11).
    fn keep_or_remove_tags(&self, plan: &mut Plan<'s>, is_not_computed: impl Fn(&str) -> bool) {
        let is_concerned = |name: &&String| is_search_tag(name) && is_not_computed(name);
        if !self.is_sealed() {
            // An item that is not sealed has no tag; sealed with it, readers would refuse it.
            for name in self.item.keys().filter(is_concerned) {
                self.change(plan, name, None);
            }
            return;
        }
        for name in self.was_authenticated.iter().filter(is_concerned) {
            if self.is_still_tag(plan, name) {
                plan.authenticated.insert(Cow::Owned(name.clone()));
            } else {
                plan.authenticated.remove(name.as_str());
                self.change(plan, name, None);
            }
        }
    }

    /// Whether all fields of the tag stay the same (FORMAT 8-11). Its name says which these are.
    fn is_still_tag(&self, plan: &Plan<'s>, tag: &str) -> bool {
        let mut names = field_names(tag);
        let is_same = names.all(|name| {
            self.stored_under(name) == planned_under(plan, name)
                && is_same(self.item.get(name), self.readable_after(plan, name))
        });
        let is_absent_of_others = !self.item.contains_key(tag) && self.schema.owner(tag).is_none();
        is_same && !(is_absent_of_others && self.adds_a_value(plan))
    }

    /// Whether a name that had no value gets one. This struct may not know that it is an alias of a
    /// field of a tag: then the tag would stay absent although its field has a value.
    fn adds_a_value(&self, plan: &Plan<'s>) -> bool {
        let stored = self.stored.iter().flat_map(|(_, fields)| fields);
        let stored: HashSet<_> =
            stored.filter(|(_, value)| !value.is_absent()).map(|(name, _)| *name).collect();
        let had_none = |name: &str| !stored.contains(name) && !self.item.contains_key(name);
        let sealed = plan.sealed.iter().flat_map(|(_, fields)| fields);
        let mut sealed = sealed.filter(|(_, value)| value.is_some_and(|it| !it.is_absent()));
        let mut readable = plan.changes.iter().filter(|change| {
            change.new.is_some() && plan.authenticated.contains(change.name.as_str())
        });
        sealed.any(|(name, _)| had_none(name)) || readable.any(|change| had_none(&change.name))
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
        let value = |name: &'static str| {
            let field = self.schema.stored_as(name).filter(|field| !field.mark.is_key());
            // A field that is readable today may have been encrypted when the record was written.
            match field.and_then(&sealed) {
                Some(value) => sealed_value(name, Some(value)),
                None => readable_value(name, readable(name)),
            }
        };
        tag.fields.iter().map(|(name, _)| value(name)).collect()
    }

    /// The value that is sealed for a field of the struct, under any of its names.
    fn sealed_before(&self, field: &'static Field) -> Option<FieldValue<'s>> {
        self.stored.iter().filter(is_own).find_map(|(_, fields)| sealed_under(field, fields))
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
