//! A stored record opened, changed and sealed again: which attributes that replaces, and which it
//! leaves to others.

pub(crate) mod plan;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::SystemTime;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{COMMITMENT_BYTES, Plaintext, SALT_BYTES, UnwrapKey, WrapKey, read_fields};

use crate::dynamodb::{Item, MAX_ITEM_BYTES};
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::expression::Clauses;
use crate::expression::placeholders::Placeholders;
use crate::item::group::unknown_groups;
use crate::item::managed_fields;
use crate::item::modify_record::plan::{Change, Planner, is_same};
use crate::item::open::{Opened, open};
use crate::item::pending_item::PendingItem;
use crate::item::read_back::split;
use crate::item::size::item_bytes;
use crate::item::split::Parts;
use crate::record::Envelope;
use crate::record::field::Field;
use crate::record::item_key::record_id;
use crate::record::schema::{ENCRYPTED_PAYLOAD, RESERVED, is_reserved};

/// Bytes of a payload that no other payload begins with: version, suite, random salt, commitment
/// (FORMAT 4.2).
const UNIQUE_BYTES: usize = 2 + SALT_BYTES + COMMITMENT_BYTES;

/// A stored record, open.
pub(crate) struct Stored<T> {
    pub(crate) record: T,
    /// The item as it is stored.
    item: Item,
    /// The encrypted fields as they are stored.
    plaintext: Plaintext,
    /// Those of the groups.
    groups: Vec<(&'static str, Plaintext)>,
    /// The names of the attributes that are authenticated with them.
    authenticated: Vec<String>,
    /// The record as it would be written unchanged.
    before: Parts,
}

impl<T: Envelope> Stored<T> {
    pub(crate) async fn open(
        item: Item,
        provider: &(impl UnwrapKey + ?Sized),
    ) -> Result<Self, Error> {
        let id = record_id::<T>(&item);
        let fail = |kind| Error::new(id.clone(), kind);
        let Opened { record, plaintext, groups, authenticated } =
            open::<T>(&mut item.clone(), provider).await.map_err(fail)?;
        let before = split(&record).map_err(fail)?;
        Ok(Self { record, item, plaintext, groups, authenticated, before })
    }

    /// Seals the record as it has become; `None` if nothing has changed.
    ///
    /// Sealed anew whatever has changed: the payload is what tells this write from any other.
    pub(crate) async fn reseal(
        &self,
        now: SystemTime,
        provider: &(impl WrapKey + ?Sized),
    ) -> Result<Option<Resealed>, Error> {
        let id = record_id::<T>(&self.item);
        let fail = |kind| Error::new(id.clone(), kind);
        let mut after = split(&self.record).map_err(fail)?;
        managed_fields::restore(T::SCHEMA, &mut after.item, &self.before.item);
        self.same_groups(&after).map_err(fail)?;
        self.same_key(&after).map_err(fail)?;
        if self.planner(&after).map_err(fail)?.is_unchanged() {
            return Ok(None);
        }
        managed_fields::change(T::SCHEMA, &mut after.item, now).map_err(fail)?;
        let (parts, changes) = self.planned(&after).map_err(fail)?;
        let expected = self.expected(&parts.authenticated, &changes);
        let sealed =
            PendingItem::from_parts::<T>(parts).seal_replacing(&self.item, provider).await?;
        let bytes = item_bytes(&sealed);
        if bytes > MAX_ITEM_BYTES {
            return Err(fail(ErrorKind::Usage(UsageError::TooLarge { bytes })));
        }
        let anew = sealed
            .into_iter()
            .filter(|(name, value)| is_reserved(name) && self.item.get(name) != Some(value));
        Ok(Some(Resealed { expected, anew: anew.collect(), changes, written: after.item }))
    }

    /// The record as it was written: what the library keeps is as `resealed`, or as it was.
    pub(crate) fn into_record(mut self, resealed: Option<&Resealed>) -> Result<T, Error> {
        let written = resealed.map_or(&self.before.item, |resealed| &resealed.written);
        match self.record.apply_managed_fields(written) {
            Ok(()) => Ok(self.record),
            Err(source) => Err(Error::new(record_id::<T>(&self.item), source)),
        }
    }

    /// The key says where the record stands, which a change cannot move.
    fn same_key(&self, after: &Parts) -> Result<(), ErrorKind> {
        let mut keys = T::SCHEMA.keys();
        match keys.find(|field| self.before.item.get(field.name) != after.item.get(field.name)) {
            None => Ok(()),
            Some(field) => Err(ErrorKind::Usage(UsageError::KeyChanged { attribute: field.name })),
        }
    }

    /// A group that was withheld cannot be written: what newer versions of the struct seal in it
    /// would be lost.
    fn same_groups(&self, after: &Parts) -> Result<(), ErrorKind> {
        match self.before.withheld.iter().find(|group| !after.withheld.contains(group)) {
            None => Ok(()),
            Some(group) => Err(ErrorKind::Usage(UsageError::GroupWithheld { group })),
        }
    }

    fn planner<'s>(&'s self, after: &'s Parts) -> Result<Planner<'s>, ErrorKind> {
        let mut stored = vec![(None, read_fields(self.plaintext.expose())?)];
        for (group, plaintext) in &self.groups {
            stored.push((Some(*group), read_fields(plaintext.expose())?));
        }
        Planner::new(T::SCHEMA, &self.item, &self.authenticated, stored, [&self.before, after])
    }

    /// The record as it will be, but for its new payloads, and the readable attributes that this
    /// changes.
    fn planned(&self, after: &Parts) -> Result<(Parts, Vec<Change>), ErrorKind> {
        let planner = self.planner(after)?;
        let (mut withheld, changes_pairs) = (after.withheld.clone(), planner.changes_pairs());
        if changes_pairs {
            self.all_groups_are_open(&withheld)?;
        }
        let groups: Vec<_> = after.groups.iter().map(|(group, _)| *group).collect();
        let plan =
            planner.plan(std::iter::once(None).chain(groups.iter().map(|group| Some(*group))));
        // A group that has not changed stays as it is sealed.
        let (kept, anew): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| !changes_pairs && planner.is_stored(&plan, group));
        withheld.extend(kept);
        let parts = Parts {
            item: self.readable_after(&plan.changes),
            fields: plan.writer(None),
            groups: anew.into_iter().map(|group| (group, plan.writer(Some(group)))).collect(),
            withheld,
            authenticated: plan.authenticated.iter().cloned().collect(),
            // What the struct wrote was looked at when it was taken apart.
            fragile: Vec::new(),
        };
        Ok((parts, plan.changes))
    }

    /// Every group is bound to the pairs of the encryption context, so that a change of one seals
    /// all of them again.
    fn all_groups_are_open(&self, withheld: &[&'static str]) -> Result<(), ErrorKind> {
        let groups = unknown_groups(T::SCHEMA, &self.authenticated);
        match (withheld.first(), groups.is_empty()) {
            (Some(group), _) => Err(ErrorKind::Usage(UsageError::GroupWithheld { group })),
            (None, false) => Err(ErrorKind::Usage(UsageError::UnknownGroups { groups })),
            (None, true) => Ok(()),
        }
    }

    /// The attributes that must still be as they were read: everything that the record was or will
    /// be bound to, and the readable attributes that the change writes.
    fn expected(
        &self,
        authenticated: &[Cow<'static, str>],
        changes: &[Change],
    ) -> Vec<(String, Option<AttributeValue>)> {
        let bound = self
            .authenticated
            .iter()
            .map(String::as_str)
            .chain(authenticated.iter().map(AsRef::as_ref));
        let pairs = T::SCHEMA.context_fields().flat_map(Field::names);
        let changed = changes.iter().map(|change| change.name.as_str());
        let mut names: BTreeSet<&str> = bound.chain(changed).collect();
        for name in pairs {
            names.insert(name);
        }
        names.insert(ENCRYPTED_PAYLOAD);
        names.into_iter().map(|name| (name.to_owned(), self.item.get(name).cloned())).collect()
    }

    /// The item as it will be, but for its new payloads.
    fn readable_after(&self, changes: &[Change]) -> Item {
        let mut item = self.item.clone();
        RESERVED.iter().for_each(|name| drop(item.remove(*name)));
        for Change { name, new } in changes {
            match new {
                Some(new) => item.insert(name.clone(), new.clone()),
                None => item.remove(name),
            };
        }
        item
    }

    /// Whether `found` is the record as it was read, as far as `resealed` depends on it.
    pub(crate) fn is_as_read(&self, found: &Item, resealed: Option<&Resealed>) -> bool {
        let expected = resealed.map(|resealed| resealed.expected.as_slice()).unwrap_or_default();
        found.get(ENCRYPTED_PAYLOAD) == self.item.get(ENCRYPTED_PAYLOAD)
            && expected.iter().all(|(name, value)| is_same(found.get(name), value.as_ref()))
    }
}

/// What replaces a record in place.
pub(crate) struct Resealed {
    /// The attributes that must still be as they were read, absent ones included.
    expected: Vec<(String, Option<AttributeValue>)>,
    /// The attributes that hold what is sealed.
    anew: Item,
    changes: Vec<Change>,
    /// The readable attributes as they are after it, as far as the struct knows them.
    written: Item,
}

impl Resealed {
    /// Adds the clauses that write it; returns the condition that what was read still stands there.
    pub(crate) fn render(&self, clauses: &mut Clauses, placeholders: &mut Placeholders) -> String {
        for (name, value) in &self.anew {
            let (name, value) = (placeholders.name(name), placeholders.value(value.clone()));
            clauses.set.push(format!("{name} = {value}"));
        }
        for change in &self.changes {
            let name = placeholders.name(&change.name);
            match &change.new {
                Some(new) => {
                    clauses.set.push(format!("{name} = {}", placeholders.value(new.clone())))
                }
                None => clauses.remove.push(name),
            }
        }
        let expected = self
            .expected
            .iter()
            .map(|(name, value)| is_as_read(name, value.as_ref(), placeholders));
        expected.collect::<Vec<_>>().join(" AND ")
    }

    /// Whether `item` holds this very payload: then it has been written.
    pub(crate) fn is_in(&self, item: &Item) -> bool {
        item.get(ENCRYPTED_PAYLOAD)
            .is_some_and(|payload| self.anew.get(ENCRYPTED_PAYLOAD) == Some(payload))
    }
}

impl<T> Stored<T> {
    /// The condition that the record has not been sealed anew since it was read.
    pub(crate) fn still_stands(&self, placeholders: &mut Placeholders) -> String {
        is_as_read(ENCRYPTED_PAYLOAD, self.item.get(ENCRYPTED_PAYLOAD), placeholders)
    }
}

/// The condition that an attribute still is what was read.
fn is_as_read(
    name: &str,
    value: Option<&AttributeValue>,
    placeholders: &mut Placeholders,
) -> String {
    match value {
        None => format!("attribute_not_exists({})", placeholders.name(name)),
        Some(AttributeValue::B(payload)) if is_reserved(name) => {
            still_stands(name, payload.as_ref(), placeholders)
        }
        Some(value) => {
            format!("{} = {}", placeholders.name(name), placeholders.value(value.clone()))
        }
    }
}

/// The condition that the attribute `name` begins like `payload`, and so is that very payload.
pub(crate) fn still_stands(name: &str, payload: &[u8], placeholders: &mut Placeholders) -> String {
    let beginning = Blob::new(payload.get(..UNIQUE_BYTES).unwrap_or(payload));
    let name = placeholders.name(name);
    format!("begins_with({name}, {})", placeholders.value(AttributeValue::B(beginning)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue;

    use crate::expression::placeholders::Placeholders;
    use crate::item::modify_record::is_as_read;
    use crate::item::modify_record::plan::is_same;

    #[test]
    fn sets_are_the_same_in_any_order_and_lists_are_not() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let blobs = |texts: &[&str]| texts.iter().map(|text| Blob::new(*text)).collect::<Vec<_>>();
        let list =
            |texts: &[&str]| texts.iter().map(|text| AttributeValue::S(text.to_string())).collect();
        let of_each_type = |elements: &[&str]| {
            let (sets, list) = (texts(elements), AttributeValue::L(list(elements)));
            [
                AttributeValue::Ss(sets.clone()),
                AttributeValue::Ns(sets),
                AttributeValue::Bs(blobs(elements)),
                list,
            ]
        };
        let compare = |one: &[&str], other: &[&str]| {
            let pairs = of_each_type(one).into_iter().zip(of_each_type(other));
            pairs.map(|(one, other)| is_same(Some(&one), Some(&other))).collect::<Vec<_>>()
        };
        assert_eq!(compare(&["1", "2"], &["1", "2"]), [true; 4]);
        assert_eq!(compare(&["1", "2"], &["2", "1"]), [true, true, true, false]);
        assert_eq!(compare(&["1", "2"], &["1", "3"]), [false; 4]);
        assert!(is_same(None, None) && !is_same(Some(&AttributeValue::Null(true)), None));
    }

    /// Only a payload is known by its beginning.
    #[test]
    fn an_attribute_must_be_as_it_was_read_to_its_end() {
        let bytes = AttributeValue::B(Blob::new([7; 100]));
        let demanded = |name, value| {
            let mut placeholders = Placeholders::of(&[]);
            let condition = is_as_read(name, value, &mut placeholders);
            (condition, placeholders.into_maps().1.and_then(|values| values.into_values().next()))
        };
        let (condition, value) = demanded("photo", Some(&bytes));
        assert_eq!((condition.as_str(), value), ("#envelope1 = :envelope2", Some(bytes.clone())));
        let (condition, value) = demanded("encrypted_payload", Some(&bytes));
        assert_eq!(condition, "begins_with(#envelope1, :envelope2)");
        assert_eq!(value, Some(AttributeValue::B(Blob::new([7; 58]))));
        assert_eq!(demanded("photo", None), ("attribute_not_exists(#envelope1)".to_owned(), None));
    }
}
