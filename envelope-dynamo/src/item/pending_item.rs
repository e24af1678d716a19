//! A record between the two steps of sealing: split into its parts, and without its type.

use std::borrow::Cow;
use std::time::SystemTime;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{Content, Context, Sealed, WrapKey, seal_payload};

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
use crate::item::split::{Parts, keys_of};
use crate::record::Envelope;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;
use crate::record::schema::{RESERVED, Schema};

/// The parts of a record, with the functions of its type that sealing needs.
#[doc(hidden)]
pub struct PendingItem {
    parts: Parts,
    schema: Schema,
    context: for<'a> fn(&'a Item, &'a [Cow<'static, str>]) -> Result<Context<'a>, ErrorKind>,
    group_context: for<'a> fn(&'a Item, &'static str) -> Result<Context<'a>, ErrorKind>,
    id: fn(&Item) -> RecordId,
}

impl PendingItem {
    pub(crate) fn of<T: Envelope>(record: &T) -> Result<Self, Error> {
        let id = || record_id::<T>(&keys_of(record).unwrap_or_default());
        let parts = split(record).map_err(|kind| Error::new(id(), kind))?;
        Ok(Self::from_parts::<T>(parts))
    }

    /// The `parts` of a record of type `T`.
    pub(crate) fn from_parts<T: Envelope>(parts: Parts) -> Self {
        Self {
            parts,
            schema: T::SCHEMA,
            context: context_of::<T>,
            group_context: group_context::<T>,
            id: record_id::<T>,
        }
    }

    /// Checks that the record fits exactly one of a table's `kinds`.
    pub(crate) fn check_one_kind(self, kinds: &[Kind]) -> Result<Self, Error> {
        match Kind::check_one_kind(kinds, &self.parts.item) {
            Ok(()) => Ok(self),
            Err(kind) => Err(Error::new((self.id)(&self.parts.item), kind)),
        }
    }

    /// Increments the version of a record that will be put, and sets its timestamps. Returns the
    /// version that the put expects in the table.
    pub(crate) fn set_managed_fields(
        &mut self,
        now: SystemTime,
    ) -> Result<Option<ExpectedVersion>, Error> {
        managed_fields::put(self.schema, &mut self.parts.item, now)
            .map_err(|kind| Error::new((self.id)(&self.parts.item), kind))
    }

    /// Sets the timestamps of a record that will be put without a condition.
    ///
    /// # Errors
    ///
    /// If the record has a version, which needs a condition.
    pub(crate) fn set_managed_fields_unversioned(&mut self, now: SystemTime) -> Result<(), Error> {
        match self.schema.version() {
            None => self.set_managed_fields(now).map(|_| ()),
            Some((field, _)) => {
                let reason =
                    "is a version, which a batch cannot check: put such records one by one";
                let kind = ErrorKind::Usage(UsageError::Attribute {
                    attribute: field.name.to_owned(),
                    reason,
                });
                Err(Error::new((self.id)(&self.parts.item), kind))
            }
        }
    }

    /// Seals the encrypted fields, and adds payloads and wrapped keys to the item.
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
        let (id, mut item) = (self.id, std::mem::take(&mut self.parts.item));
        match self.seal_into(&mut item, stored, provider).await {
            Ok(()) => Ok(item),
            Err(kind) => Err(Error::new(id(&item), kind)),
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
            let context = (self.group_context)(item, group)?;
            let sealed = seal_payload(fields.finish(), Content::Group, &context, provider).await?;
            insert(item, [payload_attribute(group), dek_attribute(group)], sealed);
        }
        let context = (self.context)(item, &authenticated)?;
        let sealed = seal_payload(fields.finish(), Content::Record, &context, provider).await?;
        insert(item, RESERVED.map(str::to_owned), sealed);
        Ok(())
    }
}

fn insert(item: &mut Item, [payload, dek]: [String; 2], sealed: Sealed) {
    item.insert(payload, AttributeValue::B(Blob::new(sealed.encrypted_payload)));
    item.insert(dek, AttributeValue::B(Blob::new(sealed.encrypted_dek)));
}

fn context_of<'a, T: Envelope>(
    item: &'a Item,
    authenticated: &'a [Cow<'static, str>],
) -> Result<Context<'a>, ErrorKind> {
    context::<T>(item, authenticated.iter().map(AsRef::as_ref))
}
