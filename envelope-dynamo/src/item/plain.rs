//! A record in an item that is not sealed: each field is an attribute, as serde writes it.

use std::borrow::Cow;
use std::time::SystemTime;

use crate::dynamodb::{Item, MAX_ITEM_BYTES};
use crate::error::Error;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::item::assemble::assemble;
use crate::item::index_keys;
use crate::item::index_keys::KeyPart;
use crate::item::managed_fields;
use crate::item::managed_fields::ExpectedVersion;
use crate::item::open::mismatched_key;
use crate::item::read_back::{check_fragile, split};
use crate::item::reconcile::{Source, choose_parts, out_of_date};
use crate::item::size::item_bytes;
use crate::item::split::{FragileFields, Parts, keys_of, split_plain};
use crate::record::Envelope;
use crate::record::field::{Field, Mark};
use crate::record::item_key::{key_attributes, record_id};
use crate::record::kind::Kind;
use crate::record::schema::Schema;
use crate::record::search_tag::is_search_tag;

/// Reads a plain item, and leaves its key attributes there: an error names the record with them.
///
/// The entity type and the composed keys must fit, as in a sealed record.
pub(crate) fn open_plain<T: Envelope>(item: &mut Item) -> Result<T, ErrorKind> {
    if let Some(mismatch) = Kind::of::<T>().mismatch(item) {
        return Err(mismatch);
    }
    let keys = key_attributes::<T>(item);
    let record = assemble(choose::<T>(std::mem::replace(item, keys)))?;
    match mismatched_key(&record, item)? {
        None => Ok(record),
        Some(attribute) => Err(ErrorKind::Data(DataError::KeyMismatch { attribute })),
    }
}

/// Reads an item of a struct whose records are stored as they are. An attribute of sealed data does
/// not belong there.
pub(crate) fn open_unprotected<T: Envelope>(item: &mut Item) -> Result<T, ErrorKind> {
    match Kind::of::<T>().sealed_nevertheless(item) {
        None => open_plain(item),
        Some(problem) => Err(problem),
    }
}

/// The attributes that the struct reads.
fn choose<T: Envelope>(item: Item) -> Vec<(Cow<'static, str>, Source<'static>)> {
    let out_of_date = out_of_date::<T>(&item);
    let mut chosen = Vec::with_capacity(item.len());
    for (name, attribute) in item {
        if out_of_date.contains(&name.as_str()) {
            continue;
        }
        match (T::SCHEMA.generated(&name), T::SCHEMA.owner(&name)) {
            (Some(field), _) if field.index_format().is_some() => {}
            (Some(field), _) => choose_parts::<T>(field, &attribute, &mut chosen),
            // The value comes from the composed key.
            (None, Some(Field { mark: Mark::Key, .. })) => {}
            (None, None) if !T::DENY_UNKNOWN_FIELDS || is_search_tag(&name) => {}
            (None, _) => chosen.push((Cow::Owned(name), Source::Attribute(attribute))),
        }
    }
    chosen
}

/// The attributes of a plain item for `record`.
///
/// # Errors
///
/// As for a record that is sealed: a record that is stored in plaintext now must be one that can be
/// sealed later. A record of an unprotected struct is stored as it is, in any case.
pub(crate) fn plain_attributes<T: Envelope>(record: &T) -> Result<PlainParts, ErrorKind> {
    let parts = split(record)?;
    if let Some(group) = parts.withheld.first() {
        return Err(ErrorKind::Usage(UsageError::GroupWithheld { group }));
    }
    if T::UNPROTECTED {
        return Ok(PlainParts { item: parts.item, key_parts: parts.key_parts });
    }
    let Parts { item, fragile, key_parts, .. } = split_plain(record)?;
    check_fragile::<T>(&fragile, || read_back::<T>(&item))?;
    Ok(PlainParts { item, key_parts })
}

/// The attributes of a plain item, and the parts of its composed keys.
pub(crate) struct PlainParts {
    pub(crate) item: Item,
    key_parts: Vec<KeyPart>,
}

impl PlainParts {
    /// Composes the keys of indexes, from the fields and from the managed fields in the item.
    pub(crate) fn compose_index_keys(&mut self, schema: Schema) -> Result<(), ErrorKind> {
        index_keys::compose(schema, &self.key_parts, &mut self.item)
    }
}

fn read_back<T: Envelope>(item: &Item) -> Result<FragileFields, ErrorKind> {
    Ok(split_plain(&open_plain::<T>(&mut item.clone())?)?.fragile)
}

/// A record as the attributes of a plain item, and the kind of record that they are.
#[doc(hidden)]
pub struct PlainItem {
    parts: PlainParts,
    kind: Kind,
}

impl PlainItem {
    pub(crate) fn of<T: Envelope>(record: &T) -> Result<Self, Error> {
        let kind = Kind::of::<T>();
        let id = || record_id(&kind, &keys_of(record).unwrap_or_default());
        let parts = plain_attributes(record).and_then(|mut parts| {
            parts.compose_index_keys(T::SCHEMA)?;
            Ok(parts)
        });
        let parts = parts.map_err(|problem| Error::new(id(), problem))?;
        Ok(Self { parts, kind })
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
        let schema = self.kind.schema;
        let version = managed_fields::put(schema, &mut self.parts.item, now).and_then(|version| {
            self.parts.compose_index_keys(schema)?;
            Ok(version)
        });
        version.map_err(|problem| Error::new(self.id(), problem))
    }

    pub(crate) const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The item, if DynamoDB takes one of its size.
    pub(crate) fn into_item(self) -> Result<Item, Error> {
        match item_bytes(&self.parts.item) {
            bytes if bytes > MAX_ITEM_BYTES => {
                Err(Error::new(self.id(), UsageError::TooLarge { bytes }))
            }
            _ => Ok(self.parts.item),
        }
    }
}
