//! A stored record opened, changed and sealed again: which attributes that replaces, and which it leaves to others.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::SystemTime;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{COMMITMENT_BYTES, FieldWriter, Plaintext, SALT_BYTES, UnwrapKey, WrapKey, read_fields};

use crate::binding::{Item, record_id};
use crate::error::{Error, ErrorKind};
use crate::expression::{Clauses, Placeholders};
use crate::group::payload_attribute;
use crate::item::{Open, open_whole};
use crate::kept;
use crate::record::{Envelope, Mark};
use crate::schema::{ENCRYPTED_PAYLOAD, RESERVED, is_reserved};
use crate::size::{MAX_ITEM_BYTES, item_bytes};
use crate::unsealed::Unsealed;
use crate::write::{Parts, take_apart};

/// Bytes of a payload that no other payload begins with: version, suite, random salt, commitment (FORMAT 4.2).
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
    pub(crate) async fn open(item: Item, provider: &(impl UnwrapKey + ?Sized)) -> Result<Self, Error> {
        let id = record_id::<T>(&item);
        let fail = |kind| Error::new(id.clone(), kind);
        let Open { record, plaintext, groups, authenticated } =
            open_whole::<T>(&mut item.clone(), provider).await.map_err(fail)?;
        let before = take_apart(&record).map_err(fail)?;
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
        let mut after = take_apart(&self.record).map_err(fail)?;
        kept::restore(T::SCHEMA, &mut after.item, &self.before.item);
        if self.is_unchanged(&after) {
            return Ok(None);
        }
        self.same_key(&after).map_err(fail)?;
        kept::change(T::SCHEMA, &mut after.item, now).map_err(fail)?;
        let written = after.item.clone();
        let changes = self.changes(&after).map_err(fail)?;
        self.keep_unknown(&mut after).map_err(fail)?;
        self.keep_groups(&mut after).map_err(fail)?;
        after.item = self.readable_after(&changes);
        let sealed = Unsealed::from_parts::<T>(after).seal_keeping(&self.item, provider).await?;
        let bytes = item_bytes(&sealed);
        if bytes > MAX_ITEM_BYTES {
            return Err(fail(ErrorKind::TooLarge { bytes }));
        }
        let anew = sealed.into_iter().filter(|(name, value)| is_reserved(name) && self.item.get(name) != Some(value));
        let read = self.item.get(ENCRYPTED_PAYLOAD).cloned();
        Ok(Some(Resealed { read, anew: anew.collect(), changes, written }))
    }

    /// The record as it was written: what the library keeps is as `resealed`, or as it was.
    pub(crate) fn into_record(mut self, resealed: Option<&Resealed>) -> Result<T, Error> {
        let written = resealed.map_or(&self.before.item, |resealed| &resealed.written);
        match self.record.restate(written) {
            Ok(()) => Ok(self.record),
            Err(source) => Err(Error::new(record_id::<T>(&self.item), source)),
        }
    }

    fn is_unchanged(&self, after: &Parts) -> bool {
        let before = &self.before;
        let same_groups = before.groups.len() == after.groups.len()
            && before.groups.iter().zip(&after.groups).all(|(one, other)| is_same_group(one, other));
        before.item == after.item && before.fields.holds_the_same(&after.fields) && same_groups
    }

    /// The key says where the record stands, which a change cannot move.
    fn same_key(&self, after: &Parts) -> Result<(), ErrorKind> {
        let mut keys = T::SCHEMA.keys();
        match keys.find(|field| self.before.item.get(field.name) != after.item.get(field.name)) {
            None => Ok(()),
            Some(field) => Err(ErrorKind::KeyChanged { attribute: field.name }),
        }
    }

    /// The readable attributes to be written or removed: those that have changed, and those that the marks of the struct
    /// want elsewhere than an older version put them.
    fn changes(&self, after: &Parts) -> Result<Vec<Change>, ErrorKind> {
        let was_sealed = self.sealed_names()?;
        let written = after.item.keys().map(String::as_str);
        let names: BTreeSet<&str> = self.item.keys().map(String::as_str).chain(written).collect();
        let mut changes = Vec::new();
        for name in names.into_iter().filter(|name| !is_reserved(name)) {
            let Some(field) = T::SCHEMA.owner(name) else { continue };
            let (stored, new) = (self.item.get(name), after.item.get(name));
            // A field may be stored under an alias.
            let is_changed = self.before.item.get(field.name) != after.item.get(field.name);
            let is_rewritten = match field.mark {
                Mark::PartitionKey | Mark::SortKey | Mark::Key => false,
                Mark::Encrypted | Mark::Authenticated => true,
                // What was sealed while the field was encrypted is sealed no more.
                Mark::Plaintext => is_changed || stored.is_none() && field.names().any(|own| was_sealed.contains(own)),
            };
            if is_rewritten && stored != new {
                let is_contended = field.mark == Mark::Plaintext && is_changed;
                let expected = is_contended.then(|| stored.cloned());
                changes.push(Change { name: name.to_owned(), new: new.cloned(), expected });
            }
        }
        Ok(changes)
    }

    /// The names of the fields that are sealed as they are stored.
    fn sealed_names(&self) -> Result<BTreeSet<&str>, ErrorKind> {
        let mut names = BTreeSet::new();
        for plaintext in std::iter::once(&self.plaintext).chain(self.groups.iter().map(|(_, plaintext)| plaintext)) {
            names.extend(read_fields(plaintext.expose())?.into_iter().map(|(name, _)| name));
        }
        Ok(names)
    }

    /// Fields that a newer version of the struct sealed or authenticated stay so.
    fn keep_unknown(&self, after: &mut Parts) -> Result<(), ErrorKind> {
        keep_unknown_fields::<T>(&mut after.fields, &self.plaintext)?;
        for (group, plaintext) in &self.groups {
            if let Some((_, fields)) = after.groups.iter_mut().find(|(other, _)| other == group) {
                keep_unknown_fields::<T>(fields, plaintext)?;
            }
        }
        let own = groups_of(after);
        let unknown = self.authenticated.iter().filter(|name| T::SCHEMA.owner(name).is_none() && !own.contains(name));
        let unknown: Vec<_> = unknown.cloned().map(Cow::Owned).collect();
        after.authenticated.extend(unknown);
        Ok(())
    }

    /// Groups that have not changed stay as they are sealed, unless a pair that they are bound to has changed.
    fn keep_groups(&self, after: &mut Parts) -> Result<(), ErrorKind> {
        let pairs = T::SCHEMA.pairs();
        if pairs.into_iter().any(|field| self.before.item.get(field.name) != after.item.get(field.name)) {
            return match after.withheld.first() {
                None => Ok(()),
                Some(group) => Err(ErrorKind::GroupWithheld { group }),
            };
        }
        let is_kept = |group: &(&'static str, FieldWriter)| {
            let is_same = self.before.groups.iter().any(|before| is_same_group(before, group));
            is_same && self.item.contains_key(&payload_attribute(group.0))
        };
        let kept: Vec<_> = after.groups.iter().filter(|group| is_kept(group)).map(|(group, _)| *group).collect();
        after.groups.retain(|(group, _)| !kept.contains(group));
        after.withheld.extend(kept);
        Ok(())
    }

    /// The item as it will be, but for what is sealed anew.
    fn readable_after(&self, changes: &[Change]) -> Item {
        let mut item = self.item.clone();
        RESERVED.iter().for_each(|name| drop(item.remove(*name)));
        for Change { name, new, .. } in changes {
            match new {
                Some(new) => item.insert(name.clone(), new.clone()),
                None => item.remove(name),
            };
        }
        item
    }

    /// Whether `found` is the record as it was read, as far as `resealed` depends on it.
    pub(crate) fn is_as_read(&self, found: &Item, resealed: Option<&Resealed>) -> bool {
        let changes = resealed.map(|resealed| resealed.changes.as_slice()).unwrap_or_default();
        let contended = changes.iter().filter_map(|change| Some((&change.name, change.expected.as_ref()?)));
        found.get(ENCRYPTED_PAYLOAD) == self.item.get(ENCRYPTED_PAYLOAD)
            && contended.into_iter().all(|(name, expected)| is_same(found.get(name), expected.as_ref()))
    }
}

/// Whether two attributes have one value; DynamoDB returns the elements of a set in any order.
fn is_same(one: Option<&AttributeValue>, other: Option<&AttributeValue>) -> bool {
    match (one, other) {
        (Some(AttributeValue::Ss(one)), Some(AttributeValue::Ss(other)))
        | (Some(AttributeValue::Ns(one)), Some(AttributeValue::Ns(other))) => {
            one.iter().collect::<BTreeSet<_>>() == other.iter().collect()
        }
        (Some(AttributeValue::Bs(one)), Some(AttributeValue::Bs(other))) => {
            let sorted = |set: &[Blob]| set.iter().map(|blob| blob.as_ref().to_vec()).collect::<BTreeSet<_>>();
            sorted(one) == sorted(other)
        }
        (one, other) => one == other,
    }
}

fn is_same_group(one: &(&'static str, FieldWriter), other: &(&'static str, FieldWriter)) -> bool {
    one.0 == other.0 && one.1.holds_the_same(&other.1)
}

/// The attributes that hold the groups of a record.
fn groups_of(parts: &Parts) -> Vec<String> {
    let groups = parts.groups.iter().map(|(group, _)| *group).chain(parts.withheld.iter().copied());
    groups.map(payload_attribute).collect()
}

fn keep_unknown_fields<T: Envelope>(fields: &mut FieldWriter, stored: &Plaintext) -> Result<(), ErrorKind> {
    for (name, value) in read_fields(stored.expose())? {
        if T::SCHEMA.owner(name).is_none() {
            fields.encoded(name, &value);
        }
    }
    Ok(())
}

/// A readable attribute that is written or removed.
struct Change {
    name: String,
    new: Option<AttributeValue>,
    /// What it must still be, where others may change it in place.
    expected: Option<Option<AttributeValue>>,
}

/// What replaces a record in place.
pub(crate) struct Resealed {
    /// The payload that was read.
    read: Option<AttributeValue>,
    /// The attributes that hold what is sealed.
    anew: Item,
    changes: Vec<Change>,
    /// The readable attributes as they are after it, as far as the struct knows them.
    written: Item,
}

impl Resealed {
    /// Adds the clauses that write it; returns the condition that what was read still stands there.
    pub(crate) fn render(&self, clauses: &mut Clauses, placeholders: &mut Placeholders) -> String {
        let mut condition = payload_stands(self.read.as_ref(), placeholders);
        for (name, value) in &self.anew {
            let (name, value) = (placeholders.name(name), placeholders.value(value.clone()));
            clauses.set.push(format!("{name} = {value}"));
        }
        for change in &self.changes {
            let name = placeholders.name(&change.name);
            match &change.expected {
                None => {}
                Some(None) => condition.push_str(&format!(" AND attribute_not_exists({name})")),
                Some(Some(old)) => condition.push_str(&format!(" AND {name} = {}", placeholders.value(old.clone()))),
            }
            match &change.new {
                Some(new) => clauses.set.push(format!("{name} = {}", placeholders.value(new.clone()))),
                None => clauses.remove.push(name),
            }
        }
        condition
    }

    /// Whether `item` holds this very payload: then it has been written.
    pub(crate) fn is_in(&self, item: &Item) -> bool {
        item.get(ENCRYPTED_PAYLOAD).is_some_and(|payload| self.anew.get(ENCRYPTED_PAYLOAD) == Some(payload))
    }
}

impl<T> Stored<T> {
    /// The condition that the record has not been sealed anew since it was read.
    pub(crate) fn still_stands(&self, placeholders: &mut Placeholders) -> String {
        payload_stands(self.item.get(ENCRYPTED_PAYLOAD), placeholders)
    }
}

fn payload_stands(payload: Option<&AttributeValue>, placeholders: &mut Placeholders) -> String {
    let payload = payload.and_then(|payload| payload.as_b().ok()).map(Blob::as_ref).unwrap_or_default();
    still_stands(ENCRYPTED_PAYLOAD, payload, placeholders)
}

/// The condition that the attribute `name` begins like `payload`, and so is that very payload.
pub(crate) fn still_stands(name: &str, payload: &[u8], placeholders: &mut Placeholders) -> String {
    let beginning = Blob::new(payload.get(..UNIQUE_BYTES).unwrap_or(payload));
    let name = placeholders.name(name);
    format!("begins_with({name}, {})", placeholders.value(AttributeValue::B(beginning)))
}
