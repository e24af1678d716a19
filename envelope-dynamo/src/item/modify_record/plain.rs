//! Changes of an item that is not sealed: it stays plain, or becomes sealed and loses no value.

use std::borrow::Cow;
use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::dynamodb::{Item, MAX_ITEM_BYTES};
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::expression::placeholders::Placeholders;
use crate::item::managed_fields;
use crate::item::modify_record::plan::{Change, is_same};
use crate::item::modify_record::unread::{has_unread, is_empty};
use crate::item::modify_record::{Modification, Stored, as_read, unchanged};
use crate::item::plain::plain_attributes;
use crate::item::read_back::split;
use crate::item::size::item_bytes;
use crate::item::split::Parts;
use crate::record::Envelope;
use crate::record::field::{Field, Mark};
use crate::record::item_key::record_id;
use crate::record::kind::Kind;
use crate::record::schema::ENCRYPTED_PAYLOAD;

const NOT_READ: &str = "is encrypted in the struct, and the struct does not read and write the value that the item \
                        has: sealing the record would leave it in plaintext or lose it; nothing was sent (let the \
                        struct read and write it, or remove the attribute)";

const READ_IN_PART: &str = "holds values that the struct does not read, or not to the last digit, so sealing the record \
                            would lose them; nothing was sent (let the struct read them, or remove them from the \
                            item)";

impl<T: Envelope> Stored<T> {
    /// Whether the item is not sealed.
    pub(crate) const fn is_plain(&self) -> bool {
        self.plaintext.is_none()
    }

    /// The changed record of a plain item, in plaintext; `None` if nothing has changed.
    pub(crate) fn modified_in_plaintext(
        &self,
        now: SystemTime,
    ) -> Result<Option<Modification>, Error> {
        let fail = |kind| Error::new(record_id(&Kind::of::<T>(), &self.item), kind);
        self.modified(now).map_err(fail)
    }

    fn modified(&self, now: SystemTime) -> Result<Option<Modification>, ErrorKind> {
        let Some(before) = &self.before_plain else { return Ok(None) };
        let parts = split(&self.record)?;
        self.same_groups(&parts)?;
        self.same_key(&parts)?;
        let mut written = plain_attributes(&self.record)?;
        managed_fields::restore(T::SCHEMA, &mut written.item, before);
        written.compose_index_keys(T::SCHEMA)?;
        if fields::<T>().any(|field| has_changed(field, before, &written.item)) {
            managed_fields::change(T::SCHEMA, &mut written.item, now)?;
            written.compose_index_keys(T::SCHEMA)?;
        } else if !self.has_other_index_keys(&written.item) {
            return Ok(None);
        }
        let written = written.item;
        let mut changes = self.changes(before, &written);
        changes.extend(self.index_key_changes(&written));
        match item_bytes(&self.readable_after(&changes)) {
            bytes if bytes > MAX_ITEM_BYTES => {
                return Err(ErrorKind::Usage(UsageError::TooLarge { bytes }));
            }
            _ => {}
        }
        let expected = self.expected(&[], &changes);
        Ok(Some(Modification {
            expected,
            sealed_again: Item::new(),
            changes,
            written,
            unique: Vec::new(),
        }))
    }

    /// The attributes that differ from what is stored. Fields that have not changed stay as they
    /// are, under whatever name.
    fn changes(&self, before: &Item, after: &Item) -> Vec<Change> {
        let changed = fields::<T>().filter(|field| has_changed(field, before, after));
        let of_field = |field: &'static Field| {
            field.names().map(|name| {
                let new = after.get(field.name).filter(|_| name == field.name);
                Change { name: name.to_owned(), new: new.cloned() }
            })
        };
        let differs = |change: &Change| self.item.get(&change.name) != change.new.as_ref();
        changed.flat_map(of_field).filter(differs).collect()
    }

    /// The attributes of a plain item that must be as they were read, whatever changes: without a
    /// payload, nothing else shows that another writer was faster.
    ///
    /// These are all values that are sealed or bound, absent ones included; of an unprotected
    /// record all fields. The partition key is among them, because an item that was deleted has
    /// no attribute that contradicts the others.
    pub(super) fn expected_of_plain(&self) -> Vec<Cow<'static, str>> {
        if !self.is_plain() {
            return Vec::new();
        }
        let bound = T::SCHEMA.iter().filter(|field| {
            matches!(field.mark, Mark::Encrypted | Mark::Authenticated | Mark::PartitionKey)
                || T::UNPROTECTED && field.mark == Mark::Plaintext
        });
        let reserved = T::SCHEMA.reserved_names().into_iter().map(Cow::Owned);
        bound.flat_map(Field::names).map(Cow::Borrowed).chain(reserved).collect()
    }

    /// The attributes that must be as they were read if the closure has changed nothing.
    pub(super) fn expected_of_unchanged(&self) -> Vec<(String, Option<AttributeValue>)> {
        if self.is_plain() { self.expected(&[], &[]) } else { Vec::new() }
    }

    /// The condition that no other writer was faster, if the closure has changed nothing: the
    /// record was not sealed again, and a plain item has the values that were read.
    pub(crate) fn as_read(&self, placeholders: &mut Placeholders) -> String {
        match self.is_plain() {
            true => as_read(&self.expected_of_unchanged(), placeholders),
            false => unchanged(ENCRYPTED_PAYLOAD, self.item.get(ENCRYPTED_PAYLOAD), placeholders),
        }
    }

    /// The whole record in plaintext, with the attribute `name` as it is stored. A plain item is
    /// that already; a sealed one is as its struct would write it.
    fn in_plaintext<'s>(&'s self, written: &Item, name: &str) -> Cow<'s, Item> {
        if self.is_plain() {
            return Cow::Borrowed(&self.item);
        }
        let mut item = written.clone();
        for other in T::SCHEMA.owner(name).into_iter().flat_map(Field::names) {
            item.remove(other);
        }
        item.extend(self.item.get(name).map(|value| (name.to_owned(), value.clone())));
        Cow::Owned(item)
    }

    /// Checks that an item whose encrypted fields leave the clear loses no value that the change
    /// did not touch, and leaves none of them in plaintext.
    pub(super) fn check_nothing_lost(
        &self,
        after: &Parts,
        changes: &[Change],
    ) -> Result<(), ErrorKind> {
        let Some(before) = &self.before_plain else { return Ok(()) };
        let planner = self.planner(after)?;
        for field in T::SCHEMA.with_mark(Mark::Encrypted) {
            for name in field.names() {
                let Some(stored) = self.item.get(name) else { continue };
                let refuse = |reason| {
                    ErrorKind::Usage(UsageError::Attribute { attribute: name.to_owned(), reason })
                };
                let is_removed = |change: &Change| change.name == name && change.new.is_none();
                if !changes.iter().any(is_removed) || (!field.is_read && !is_empty(stored)) {
                    return Err(refuse(NOT_READ));
                }
                if planner.has_changed(field) {
                    continue;
                }
                match before.get(field.name) {
                    None if !is_empty(stored) => return Err(refuse(NOT_READ)),
                    Some(again)
                        if has_unread::<T>(
                            &self.in_plaintext(before, name),
                            name,
                            field,
                            again,
                        ) =>
                    {
                        return Err(refuse(READ_IN_PART));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// The fields that a change may write.
fn fields<T: Envelope>() -> impl Iterator<Item = &'static Field> {
    let is_written = |field: &&Field| {
        matches!(field.mark, Mark::Encrypted | Mark::Authenticated | Mark::Plaintext)
            && !field.is_generated()
    };
    T::SCHEMA.iter().filter(is_written)
}

fn has_changed(field: &Field, before: &Item, after: &Item) -> bool {
    !is_same(before.get(field.name), after.get(field.name))
}
