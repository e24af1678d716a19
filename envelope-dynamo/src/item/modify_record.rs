//! Opens a stored record, and seals it again after a change: which attributes the change replaces,
//! and which it does not touch.

pub(crate) mod plain;
pub(crate) mod plan;
mod tags;
mod unread;

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
use crate::item::index_keys;
use crate::item::managed_fields;
use crate::item::modify_record::plan::{Change, Planner, is_same};
use crate::item::open::{Opened, open};
#[cfg(feature = "maintain")]
use crate::item::open::{OpenedItem, assemble_opened};
use crate::item::pending_item::PendingItem;
use crate::item::plain::{open_plain, plain_attributes};
use crate::item::plaintext::{PlaintextEvent, PlaintextPolicy};
use crate::item::read_back::split;
use crate::item::search_tags::KeyForChange;
use crate::item::size::item_bytes;
use crate::item::split::Parts;
#[cfg(feature = "maintain")]
use crate::item::split::split_plain;
use crate::item::unique_value::UniqueValue;
use crate::record::Envelope;
use crate::record::field::Field;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;
use crate::record::schema::{ENCRYPTED_PAYLOAD, RESERVED, is_reserved};

/// The length of a payload's beginning that is unique: version, suite, random salt, commitment
/// (FORMAT 4.2).
const UNIQUE_BYTES: usize = 2 + SALT_BYTES + COMMITMENT_BYTES;

/// When a record is sealed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealWhen {
    /// If it has changed.
    Changed,
    /// In any case, because the same request changes other attributes.
    ChangedElsewhere,
    /// If it has changed, or if something is not where the struct wants it: a plain item, a value
    /// in the clear, an attribute that is not bound. The version counts only if the record has
    /// changed.
    #[cfg(feature = "maintain")]
    OutOfPlace,
}

/// A stored record that was opened, or read from an item that is not sealed.
pub(crate) struct Stored<T> {
    pub(crate) record: T,
    /// The item as it is stored.
    item: Item,
    /// The encrypted fields as they are stored; `None` if the item is not sealed.
    plaintext: Option<Plaintext>,
    /// The encrypted fields of the groups as they are stored.
    groups: Vec<(&'static str, Plaintext)>,
    /// The names of the authenticated attributes.
    authenticated: Vec<String>,
    /// The record as it would be written unchanged.
    before: Parts,
    /// The same in plaintext, if all encrypted fields must leave the clear.
    before_plain: Option<Item>,
}

impl<T: Envelope> Stored<T> {
    pub(crate) async fn open(
        item: Item,
        provider: &(impl UnwrapKey + ?Sized),
        policy: &PlaintextPolicy,
    ) -> Result<Self, Error> {
        let id = record_id(&Kind::of::<T>(), &item);
        let fail = |kind| Error::new(id.clone(), kind);
        if T::UNPROTECTED {
            let sealed = Kind::of::<T>().sealed_nevertheless(&item);
            return sealed.map_or_else(|| Self::of_plain(item), Err).map_err(fail);
        }
        if policy.state.accepts(&item) {
            let stored = Self::of_plain(item).map_err(fail)?;
            policy.note(PlaintextEvent::Read, &id);
            return Ok(stored);
        }
        let opened = open::<T>(&mut item.clone(), provider, None).await.map_err(fail)?;
        Self::of_opened(item, opened).map_err(fail)
    }

    fn of_opened(item: Item, opened: Opened<T>) -> Result<Self, ErrorKind> {
        let Opened { record, plaintext, groups, authenticated } = opened;
        let before = split(&record)?;
        let plaintext = Some(plaintext);
        Ok(Self { record, item, plaintext, groups, authenticated, before, before_plain: None })
    }

    /// A sealed record whose encrypted fields must all leave the clear.
    #[cfg(feature = "maintain")]
    pub(crate) fn out_of_place(item: Item, opened: OpenedItem) -> Result<Self, ErrorKind> {
        let opened = assemble_opened::<T>(&mut item.clone(), opened)?;
        let before_plain = Some(split_plain(&opened.record)?.item);
        Ok(Self { before_plain, ..Self::of_opened(item, opened)? })
    }

    /// Reads an item that is not sealed.
    pub(crate) fn of_plain(item: Item) -> Result<Self, ErrorKind> {
        let record = open_plain::<T>(&mut item.clone())?;
        let (before, before_plain) = (split(&record)?, Some(plain_attributes(&record)?.item));
        let (groups, authenticated) = (Vec::new(), Vec::new());
        Ok(Self { record, item, plaintext: None, groups, authenticated, before, before_plain })
    }

    /// Seals the changed record; `None` if there is nothing to seal.
    ///
    /// The payload is sealed again after every change: it distinguishes this write from others. A
    /// record whose item is not sealed becomes sealed. A key of an index that its format does not
    /// make any more is a change too, but no value of the record: the version does not count it. So
    /// is a search tag that `search`, the key that writes tags, would compute otherwise.
    ///
    /// # Errors
    ///
    /// The one in `search` if a tag must be computed.
    pub(crate) async fn seal_modified(
        &self,
        now: SystemTime,
        when: SealWhen,
        search: KeyForChange<'_>,
        provider: &(impl WrapKey + ?Sized),
    ) -> Result<Option<Modification>, Error> {
        match self.plan(now, when, search)? {
            Some(planned) => planned.seal(&self.item, provider).await.map(Some),
            None => Ok(None),
        }
    }

    /// Decides what to seal and what to change; `None` if there is nothing to seal.
    pub(crate) fn plan(
        &self,
        now: SystemTime,
        when: SealWhen,
        search: KeyForChange<'_>,
    ) -> Result<Option<PlannedModification>, Error> {
        let planned = self.try_plan(now, when, search);
        planned.map_err(|problem| Error::new(record_id(&Kind::of::<T>(), &self.item), problem))
    }

    fn try_plan(
        &self,
        now: SystemTime,
        when: SealWhen,
        search: KeyForChange<'_>,
    ) -> Result<Option<PlannedModification>, ErrorKind> {
        let mut after = split(&self.record)?;
        managed_fields::restore(T::SCHEMA, &mut after.item, &self.before.item);
        after.compose_index_keys(T::SCHEMA)?;
        self.same_groups(&after)?;
        self.same_key(&after)?;
        let planner = self.planner(&after)?;
        let has_changed = !planner.is_unchanged();
        if when == SealWhen::Changed
            && !has_changed
            && !self.has_other_index_keys(&after.item)
            && planner.tags_are_current(T::TABLE, search.as_ref().ok().copied().flatten())?
        {
            return Ok(None);
        }
        drop(planner);
        if when == SealWhen::ChangedElsewhere || has_changed {
            managed_fields::change(T::SCHEMA, &mut after.item, now)?;
            after.compose_index_keys(T::SCHEMA)?;
        }
        let (parts, changes, unique) = self.planned(&after, search)?;
        #[cfg(feature = "maintain")]
        if when == SealWhen::OutOfPlace
            && !has_changed
            && self.is_in_place(&parts.authenticated, &changes)
        {
            return Ok(None);
        }
        self.check_nothing_lost(&after, &changes)?;
        let expected = self.expected(&parts.authenticated, &changes);
        let (kind, written) = (Kind::of::<T>(), after.item);
        Ok(Some(PlannedModification { kind, parts, expected, changes, written, unique }))
    }

    /// Whether a sealed record has nothing in the clear that must be sealed, and binds all that it
    /// must.
    #[cfg(feature = "maintain")]
    fn is_in_place(&self, authenticated: &[Cow<'static, str>], changes: &[Change]) -> bool {
        let was: BTreeSet<&str> = self.authenticated.iter().map(String::as_str).collect();
        let is_bound = was == authenticated.iter().map(AsRef::as_ref).collect();
        !self.is_plain() && changes.is_empty() && is_bound
    }

    /// Whether the stored item has other keys of indexes than `made`.
    fn has_other_index_keys(&self, made: &Item) -> bool {
        index_keys::differences(T::SCHEMA, made, &self.item).next().is_some()
    }

    /// The changes of keys of indexes to those in `made`.
    fn index_key_changes<'c>(&'c self, made: &'c Item) -> impl Iterator<Item = Change> + 'c {
        let change = |(name, new): (&str, Option<&AttributeValue>)| Change {
            name: name.to_owned(),
            new: new.cloned(),
        };
        index_keys::differences(T::SCHEMA, made, &self.item).map(change)
    }

    /// The record as it was written, with the managed fields of `modification`, or unchanged.
    pub(crate) fn into_record(mut self, modification: Option<&Modification>) -> Result<T, Error> {
        let written = modification.map_or(&self.before.item, |modification| &modification.written);
        match self.record.apply_managed_fields(written) {
            Ok(()) => Ok(self.record),
            Err(source) => Err(Error::new(record_id(&Kind::of::<T>(), &self.item), source)),
        }
    }

    /// A change cannot move the record to another key.
    fn same_key(&self, after: &Parts) -> Result<(), ErrorKind> {
        let mut keys = T::SCHEMA.keys();
        match keys.find(|field| self.before.item.get(field.name) != after.item.get(field.name)) {
            None => Ok(()),
            Some(field) => Err(ErrorKind::Usage(UsageError::KeyChanged { attribute: field.name })),
        }
    }

    /// A withheld group cannot be written: values that a newer version of the struct sealed in it
    /// would be lost.
    fn same_groups(&self, after: &Parts) -> Result<(), ErrorKind> {
        match self.before.withheld.iter().find(|group| !after.withheld.contains(group)) {
            None => Ok(()),
            Some(group) => Err(ErrorKind::Usage(UsageError::GroupWithheld { group })),
        }
    }

    fn planner<'s>(&'s self, after: &'s Parts) -> Result<Planner<'s>, ErrorKind> {
        let mut stored = Vec::new();
        if let Some(plaintext) = &self.plaintext {
            stored.push((None, read_fields(plaintext.expose())?));
        }
        for (group, plaintext) in &self.groups {
            stored.push((Some(*group), read_fields(plaintext.expose())?));
        }
        let leaves_the_clear = self.before_plain.is_some();
        let planner = Planner::new(
            T::SCHEMA,
            &self.item,
            &self.authenticated,
            stored,
            [&self.before, after],
        )?;
        Ok(if leaves_the_clear { planner.leaving_the_clear() } else { planner })
    }

    /// The record after the change, without its new payloads, the readable attributes that change,
    /// and the unique values whose search tags change.
    fn planned(
        &self,
        after: &Parts,
        search: KeyForChange<'_>,
    ) -> Result<(Parts, Vec<Change>, Vec<UniqueValue>), ErrorKind> {
        let planner = self.planner(after)?;
        let (mut withheld, changes_pairs) = (after.withheld.clone(), planner.changes_pairs());
        if changes_pairs {
            self.all_groups_are_open(&withheld)?;
        }
        let groups: Vec<_> = after.groups.iter().map(|(group, _)| *group).collect();
        let mut plan =
            planner.plan(std::iter::once(None).chain(groups.iter().map(|group| Some(*group))));
        planner.plan_tags(&mut plan, T::TABLE, search)?;
        plan.changes.extend(self.index_key_changes(&after.item));
        // A group that has not changed stays as it is sealed.
        let (kept, sealed_again): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| !changes_pairs && planner.is_stored(&plan, group));
        withheld.extend(kept);
        let parts = Parts {
            item: self.readable_after(&plan.changes),
            fields: plan.writer(None),
            groups: sealed_again
                .into_iter()
                .map(|group| (group, plan.writer(Some(group))))
                .collect(),
            withheld,
            authenticated: plan.authenticated.iter().cloned().collect(),
            // The values were checked when the record was split.
            fragile: Vec::new(),
            // So were the keys of indexes, which are among the changes.
            key_parts: Vec::new(),
        };
        Ok((parts, plan.changes, plan.unique))
    }

    /// Every group is bound to the pairs of the encryption context, so a changed pair seals all
    /// groups again.
    fn all_groups_are_open(&self, withheld: &[&'static str]) -> Result<(), ErrorKind> {
        let groups = unknown_groups(T::SCHEMA, &self.authenticated);
        match (withheld.first(), groups.is_empty()) {
            (Some(group), _) => Err(ErrorKind::Usage(UsageError::GroupWithheld { group })),
            (None, false) => Err(ErrorKind::Usage(UsageError::UnknownGroups { groups })),
            (None, true) => Ok(()),
        }
    }

    /// The attributes that must not have changed since the record was read: all that the record is
    /// or will be bound to, and the readable attributes that the change writes.
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
        let is_changed = |name: &str| changes.iter().any(|change| change.name == name);
        for name in index_keys::unbound_parts(T::SCHEMA, is_changed) {
            names.insert(name);
        }
        for name in pairs {
            names.insert(name);
        }
        names.insert(ENCRYPTED_PAYLOAD);
        let of_plain = self.expected_of_plain();
        names.extend(of_plain.iter().map(AsRef::as_ref));
        names.into_iter().map(|name| (name.to_owned(), self.item.get(name).cloned())).collect()
    }

    /// The item after the change, without its new payloads.
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

    /// The item as it was read.
    pub(crate) const fn item(&self) -> &Item {
        &self.item
    }

    /// Whether `found` still has all values that were read and that `modification` depends on.
    pub(crate) fn is_as_read(&self, found: &Item, modification: Option<&Modification>) -> bool {
        let expected = modification
            .map_or_else(|| self.expected_of_unchanged(), |change| change.expected.clone());
        found.get(ENCRYPTED_PAYLOAD) == self.item.get(ENCRYPTED_PAYLOAD)
            && expected.iter().all(|(name, value)| is_same(found.get(name), value.as_ref()))
    }
}

/// What a change seals and replaces, before anything is sealed. It has no type: only planning needs
/// the struct.
pub(crate) struct PlannedModification {
    kind: Kind,
    parts: Parts,
    expected: Vec<(String, Option<AttributeValue>)>,
    changes: Vec<Change>,
    written: Item,
    unique: Vec<UniqueValue>,
}

impl PlannedModification {
    /// How many data keys sealing takes.
    #[cfg(feature = "maintain")]
    pub(crate) const fn data_keys(&self) -> usize {
        1 + self.parts.groups.len()
    }

    /// Seals the change of the record that is stored as `item`.
    pub(crate) async fn seal(
        self,
        item: &Item,
        provider: &(impl WrapKey + ?Sized),
    ) -> Result<Modification, Error> {
        let Self { kind, parts, expected, changes, written, unique } = self;
        let sealed = PendingItem::from_parts(kind, parts).seal_replacing(item, provider).await?;
        let bytes = item_bytes(&sealed);
        if bytes > MAX_ITEM_BYTES {
            return Err(Error::new(record_id(&kind, item), UsageError::TooLarge { bytes }));
        }
        let sealed_again = sealed
            .into_iter()
            .filter(|(name, value)| is_reserved(name) && item.get(name) != Some(value))
            .collect();
        Ok(Modification { expected, sealed_again, changes, written, unique })
    }
}

/// The attributes that a modified record replaces.
pub(crate) struct Modification {
    /// The attributes that must not have changed since they were read, absent ones included.
    expected: Vec<(String, Option<AttributeValue>)>,
    /// The payloads and wrapped keys that were sealed again.
    sealed_again: Item,
    changes: Vec<Change>,
    /// The readable attributes of the struct after the change.
    written: Item,
    /// The unique values whose search tags change.
    pub(crate) unique: Vec<UniqueValue>,
}

impl Modification {
    /// Adds the clauses that write the modification. Returns the condition that nothing it depends
    /// on has changed since it was read.
    pub(crate) fn render(&self, clauses: &mut Clauses, placeholders: &mut Placeholders) -> String {
        for (name, value) in &self.sealed_again {
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
        as_read(&self.expected, placeholders)
    }

    /// The attributes that must be as they were read, and those that are set; `None` removes one.
    #[cfg(feature = "maintain")]
    pub(crate) fn into_parts(self) -> [Vec<(String, Option<AttributeValue>)>; 2] {
        let sealed = self.sealed_again.into_iter().map(|(name, value)| (name, Some(value)));
        let changes = self.changes.into_iter().map(|change| (change.name, change.new));
        [self.expected, sealed.chain(changes).collect()]
    }

    /// Whether the record gets unique values, which it must claim.
    pub(crate) fn has_unique_values(&self) -> bool {
        self.unique.iter().any(|value| !value.tags.is_empty())
    }

    /// Whether an item shows that this modification was written, and not another one: it then has
    /// this payload.
    pub(crate) fn is_recognizable(&self) -> bool {
        self.sealed_again.contains_key(ENCRYPTED_PAYLOAD)
    }

    /// Whether `item` has this payload: then the modification was written.
    pub(crate) fn is_in(&self, item: &Item) -> bool {
        item.get(ENCRYPTED_PAYLOAD)
            .is_some_and(|payload| self.sealed_again.get(ENCRYPTED_PAYLOAD) == Some(payload))
    }
}

/// The condition that each attribute is as it was read.
fn as_read(
    expected: &[(String, Option<AttributeValue>)],
    placeholders: &mut Placeholders,
) -> String {
    let conditions =
        expected.iter().map(|(name, value)| unchanged(name, value.as_ref(), placeholders));
    conditions.collect::<Vec<_>>().join(" AND ")
}

/// The condition that an attribute has not changed since it was read.
fn unchanged(
    name: &str,
    value: Option<&AttributeValue>,
    placeholders: &mut Placeholders,
) -> String {
    match value {
        None => format!("attribute_not_exists({})", placeholders.name(name)),
        Some(AttributeValue::B(payload)) if is_reserved(name) => {
            payload_unchanged(name, payload.as_ref(), placeholders)
        }
        Some(value) => {
            format!("{} = {}", placeholders.name(name), placeholders.value(value.clone()))
        }
    }
}

/// The condition that the attribute `name` has the same unique beginning as `payload`.
pub(crate) fn payload_unchanged(
    name: &str,
    payload: &[u8],
    placeholders: &mut Placeholders,
) -> String {
    let beginning = Blob::new(payload.get(..UNIQUE_BYTES).unwrap_or(payload));
    let name = placeholders.name(name);
    format!("begins_with({name}, {})", placeholders.value(AttributeValue::B(beginning)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue;

    use crate::expression::placeholders::Placeholders;
    use crate::item::modify_record::plan::is_same;
    use crate::item::modify_record::unchanged;

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

    /// Only a payload has a unique beginning.
    #[test]
    fn an_attribute_must_be_as_it_was_read_to_its_end() {
        let bytes = AttributeValue::B(Blob::new([7; 100]));
        let demanded = |name, value| {
            let mut placeholders = Placeholders::of(&[]);
            let condition = unchanged(name, value, &mut placeholders);
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
