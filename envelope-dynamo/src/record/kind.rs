//! Kinds of records: what is known of a record type before an item is read.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::ContextForm;

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::record::Envelope;
use crate::record::field::Field;
use crate::record::index::{IndexSchema, primary_key_attributes};
use crate::record::index_key::KeyAttribute;
use crate::record::schema::Schema;

/// A kind of record: the name, table, key form and schema of a record type.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "maintain"), allow(dead_code))] // the schema file has all of it
pub struct Kind {
    pub(crate) name: &'static str,
    pub(crate) table: &'static str,
    pub(crate) form: ContextForm,
    /// The constant pairs of the KMS encryption context.
    pub(crate) context: &'static [(&'static str, &'static str)],
    pub(crate) schema: Schema,
    /// Whether records are stored as they are: no payload, no data key.
    pub(crate) unprotected: bool,
    /// The attributes of the primary key, with their DynamoDB types.
    pub(crate) key_attributes: fn() -> Vec<KeyAttribute>,
    /// The fields without which a record is read.
    pub(crate) optional_fields: fn() -> Vec<&'static str>,
    /// The secondary indexes.
    pub(crate) indexes: fn() -> Vec<IndexSchema>,
}

impl Kind {
    /// The kind of the records of type `T`.
    #[must_use]
    pub const fn of<T: Envelope>() -> Self {
        Self {
            name: T::NAME,
            table: T::TABLE,
            form: T::CONTEXT_FORM,
            context: T::CONTEXT,
            schema: T::SCHEMA,
            unprotected: T::UNPROTECTED,
            key_attributes: primary_key_attributes::<T>,
            optional_fields: T::optional_fields,
            indexes: T::index_schemas,
        }
    }

    /// Checks that an item to be written matches exactly one of `kinds`. Otherwise a value in its
    /// key could make it overwrite a record of another kind.
    pub(crate) fn check_one_kind(kinds: &[Self], item: &Item) -> Result<(), ErrorKind> {
        let matching = || Self::matching(kinds, item).map(|(_, kind)| kind.name);
        // Collects only for the error, because every put runs this check.
        if matching().count() == 1 {
            Ok(())
        } else {
            Err(ErrorKind::Usage(UsageError::AmbiguousKey { entities: matching().collect() }))
        }
    }

    /// Checks that no record of another kind can have `key`, a primary key of this kind. Otherwise
    /// an update could change a record of another kind.
    pub(crate) fn check_owns(&self, kinds: &[Self], key: &Item) -> Result<(), ErrorKind> {
        if kinds.len() < 2 {
            return Ok(());
        }
        let mut known = key.clone();
        known.extend(
            self.schema
                .constants()
                .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))),
        );
        let fits = |kind: &&Self| {
            kind.schema
                .discriminators_known_before_read()
                .all(|field| field.discriminator_mismatch(known.get(field.name)).is_none())
        };
        let entities: Vec<_> = kinds.iter().filter(fits).map(|kind| kind.name).collect();
        if entities.len() > 1 {
            Err(ErrorKind::Usage(UsageError::AmbiguousKey { entities }))
        } else {
            Ok(())
        }
    }

    /// The kinds whose discriminators match the item, with their positions.
    pub(crate) fn matching<'k>(
        kinds: &'k [Self],
        item: &Item,
    ) -> impl Iterator<Item = (usize, &'k Self)> {
        kinds.iter().enumerate().filter(|(_, kind)| kind.mismatch(item).is_none())
    }

    /// The error if a discriminator of the item does not match this kind. A kind without
    /// discriminators matches every item.
    pub(crate) fn mismatch(&self, item: &Item) -> Option<ErrorKind> {
        let difference =
            |field: &Field| Some((field.name, field.discriminator_mismatch(item.get(field.name))?));
        let (attribute, expected) = self.schema.iter().find_map(difference)?;
        Some(ErrorKind::Data(DataError::WrongEntity { entity: self.name, attribute, expected }))
    }

    /// Whether the derive found mistakes in the record and made a placeholder implementation.
    pub(crate) const fn is_stub(&self) -> bool {
        self.name.is_empty()
    }
}
