//! A record between the two steps of sealing: split into its parts, and without its type.

use std::time::SystemTime;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{Content, Sealed, WrapKey, seal_payload};

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::item::context::context;
use crate::item::group::{copy_group, group_context};
use crate::item::layout::{dek_attribute, payload_attribute};
use crate::item::managed_fields;
use crate::item::managed_fields::ExpectedVersion;
use crate::item::read_back::split;
use crate::item::search_tags::{TagKey, add_tags, has_tags, leave_out_tags};
use crate::item::split::{Parts, keys_of};
use crate::item::unique_value::{UniqueValue, unique_values};
use crate::record::Envelope;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;
use crate::record::schema::RESERVED;

/// The parts of a record, and the kind of record that they are.
#[doc(hidden)]
pub struct PendingItem {
    parts: Parts,
    kind: Kind,
}

impl PendingItem {
    pub(crate) fn of<T: Envelope>(record: &T) -> Result<Self, Error> {
        let id = || record_id(&Kind::of::<T>(), &keys_of(record).unwrap_or_default());
        let parts = split(record).and_then(|mut parts| {
            parts.compose_index_keys(T::SCHEMA)?;
            Ok(parts)
        });
        let parts = parts.map_err(|kind| Error::new(id(), kind))?;
        Ok(Self { parts, kind: Kind::of::<T>() })
    }

    /// The `parts` of a record of this kind.
    pub(crate) const fn from_parts(kind: Kind, parts: Parts) -> Self {
        Self { parts, kind }
    }

    pub(crate) const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The keys and the readable attributes.
    #[cfg(feature = "maintain")]
    pub(crate) const fn item(&self) -> &Item {
        &self.parts.item
    }

    /// How many data keys sealing takes.
    #[cfg(feature = "maintain")]
    pub(crate) const fn data_keys(&self) -> usize {
        if self.kind.unprotected { 0 } else { 1 + self.parts.groups.len() }
    }

    /// Whether the record has search tags, which are computed under a search key.
    pub(crate) fn has_search_tags(&self) -> bool {
        has_tags(self.kind.schema)
    }

    /// Refuses a record whose search tags nobody computes.
    pub(crate) fn check_no_search_tags(self, instead: &'static str) -> Result<Self, Error> {
        match self.kind.schema.search_tags().next() {
            None => Ok(self),
            Some((field, _)) => {
                let attribute = field.name;
                let problem = UsageError::NoSearchKeys { attribute, instead };
                Err(Error::new(self.id(), problem))
            }
        }
    }

    /// Computes the search tags. Managed fields must have been set before.
    pub(crate) fn add_search_tags(&mut self, key: TagKey<'_>) -> Result<(), Error> {
        let added = add_tags(&self.kind, &mut self.parts, key);
        added.map_err(|problem| Error::new(self.id(), problem))
    }

    /// Leaves the search tags out: the record will not list them, as one of before the mark.
    pub(crate) fn leave_out_search_tags(&mut self) -> Result<(), Error> {
        let left_out = leave_out_tags(&self.kind, &mut self.parts);
        left_out.map_err(|problem| Error::new(self.id(), problem))
    }

    /// The values that no other record may have, for the search keys in use.
    pub(crate) fn unique_values(&self, key: TagKey<'_>) -> Result<Vec<UniqueValue>, Error> {
        let values = unique_values(&self.kind, &self.parts, key);
        values.map_err(|problem| Error::new(self.id(), problem))
    }

    pub(crate) fn id(&self) -> RecordId {
        record_id(&self.kind, &self.parts.item)
    }

    /// Checks that the record fits exactly one of a table's `kinds`.
    pub(crate) fn check_one_kind(self, kinds: &[Kind]) -> Result<Self, Error> {
        match Kind::check_one_kind(kinds, &self.parts.item) {
            Ok(()) => Ok(self),
            Err(kind) => Err(Error::new(self.id(), kind)),
        }
    }

    /// Increments the version of a record that will be put, and sets its timestamps. Returns the
    /// version that the put expects in the table.
    pub(crate) fn set_managed_fields(
        &mut self,
        now: SystemTime,
    ) -> Result<Option<ExpectedVersion>, Error> {
        let (schema, parts) = (self.kind.schema, &mut self.parts);
        let version = managed_fields::put(schema, &mut parts.item, now).and_then(|version| {
            parts.compose_index_keys(schema)?;
            Ok(version)
        });
        version.map_err(|problem| Error::new(self.id(), problem))
    }

    /// Seals the encrypted fields, and adds payloads and wrapped keys to the item. A record of an
    /// unprotected struct is the item already.
    pub(crate) async fn seal(self, provider: &(impl WrapKey + ?Sized)) -> Result<Item, Error> {
        self.seal_replacing(&Item::new(), provider).await
    }

    /// As [`seal`](Self::seal), for a record that replaces `stored`: groups whose values the record
    /// does not have are copied from there.
    pub(crate) async fn seal_replacing(
        mut self,
        stored: &Item,
        provider: &(impl WrapKey + ?Sized),
    ) -> Result<Item, Error> {
        let (kind, mut item) = (self.kind, std::mem::take(&mut self.parts.item));
        if kind.unprotected {
            return Ok(item);
        }
        match self.seal_into(&mut item, stored, provider).await {
            Ok(()) => Ok(item),
            Err(problem) => Err(Error::new(record_id(&kind, &item), problem)),
        }
    }

    async fn seal_into(
        self,
        item: &mut Item,
        stored: &Item,
        provider: &(impl WrapKey + ?Sized),
    ) -> Result<(), ErrorKind> {
        let Parts { fields, groups, withheld, authenticated, .. } = self.parts;
        for group in withheld {
            copy_group(item, group, stored)?;
        }
        for (group, fields) in groups {
            let context = group_context(&self.kind, item, group)?;
            let sealed = seal_payload(fields.finish(), Content::Group, &context, provider).await?;
            insert(item, [payload_attribute(group), dek_attribute(group)], sealed);
        }
        let context = context(&self.kind, item, authenticated.iter().map(AsRef::as_ref))?;
        let sealed = seal_payload(fields.finish(), Content::Record, &context, provider).await?;
        insert(item, RESERVED.map(str::to_owned), sealed);
        Ok(())
    }
}

/// Stores sealed fields under the names of their two attributes.
pub(crate) fn insert(item: &mut Item, [payload, dek]: [String; 2], sealed: Sealed) {
    item.insert(payload, AttributeValue::B(Blob::new(sealed.encrypted_payload)));
    item.insert(dek, AttributeValue::B(Blob::new(sealed.encrypted_dek)));
}
