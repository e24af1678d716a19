//! The trait that `#[derive(Envelope)]` implements, and the marks it records.

pub(crate) mod access;
pub(crate) mod attribute;
pub(crate) mod field;
pub mod index;
pub(crate) mod item_key;
pub(crate) mod key;
pub(crate) mod key_format;
pub(crate) mod key_identity;
pub(crate) mod kind;
pub(crate) mod path;
pub(crate) mod schema;
pub(crate) mod ungrouped;
pub(crate) mod version;
pub(crate) mod view;

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{ContextForm, ValueError};
use serde::{Deserializer, Serialize, Serializer};

pub use crate::record::access::Access;
use crate::record::attribute::mark;
pub use crate::record::field::{Field, Mark};
use crate::record::index::{IndexSchema, PrimaryKey};
pub use crate::record::key::{Composite, IntoKey, IntoValue, Partition, Parts, RecordKey};
use crate::record::path::AttributePath;
pub use crate::record::schema::Schema;
pub use crate::record::version::{AuthenticatedVersion, VersionNumber};
pub use crate::record::view::View;

/// A domain struct that is stored as one DynamoDB item, some of its fields sealed.
///
/// Implemented by `#[derive(Envelope)]`; not meant to be written by hand.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::record::Composite;
///
/// #[derive(Envelope)]
/// #[envelope(table = "visits", context(purpose = "health"))]
/// #[serde(rename_all = "camelCase")]
/// struct Visit {
///     #[partition_key]
///     patient_id: String,
///     #[sort_key]
///     number: u32,
///     #[encrypted]
///     diagnosis: String,
///     #[authenticated]
///     ward: String,
///     #[plaintext]
///     changed_at: u64,
/// }
///
/// assert_eq!(Visit::TABLE, "visits");
/// assert_eq!(Visit::CONTEXT, [("purpose", "health")]);
/// let key: <Visit as Envelope>::Key = Composite { partition: "p_1".to_owned(), sort: 3 };
/// assert_eq!(key.sort, 3);
/// ```
pub trait Envelope: Sized {
    /// The name of the struct, for errors.
    const NAME: &'static str;

    /// The logical table name: the literal in `#[envelope(table = "..")]`.
    ///
    /// It is bound into every record. The physical table may be named otherwise at run time.
    const TABLE: &'static str;

    /// How the record's key stands in the KMS encryption context.
    const CONTEXT_FORM: ContextForm = ContextForm::Raw;

    /// Constant pairs added to the KMS encryption context and the associated data.
    const CONTEXT: &'static [(&'static str, &'static str)] = &[];

    /// Every stored field with its mark, in the order of the struct, and the attributes that are
    /// made of them or constant; fields that serde skips are absent.
    const SCHEMA: Schema;

    /// Whether an attribute that no field claims is an error (`#[serde(deny_unknown_fields)]`).
    const DENY_UNKNOWN_FIELDS: bool = false;

    /// The primary key: [`Partition`](crate::record::Partition) or
    /// [`Composite`](crate::record::Composite), of the key fields or of the
    /// [`Parts`](crate::record::Parts) of composed keys.
    type Key: RecordKey;

    /// The stored fields as attributes, each under the name of its field.
    type Attributes;

    /// The stored fields as attributes: what conditions and updates are made of.
    fn attributes() -> Self::Attributes;

    /// An attribute that the struct does not have, for conditions, filters and updates; `V` is the
    /// type of its values.
    ///
    /// An item may have others beside the struct's fields: those of another service, of another
    /// entity type, or of an earlier version of the struct.
    ///
    /// ```
    /// # use envelope_dynamo::Envelope;
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] logins: u64 }
    /// let condition = User::attribute::<String>("migrated to").not_exists();
    /// assert_eq!(format!("{condition:?}"), "attribute_not_exists(migrated to)");
    /// ```
    ///
    /// A name or alias of a field of the struct, or of any kind of record in the table, is refused
    /// when the request is sent ([`UsageError::Attribute`](crate::error::UsageError::Attribute)), and so
    /// are `encrypted_payload`, `encrypted_dek` and those of groups. Nothing is sent then.
    ///
    /// # Security
    ///
    /// The values reach DynamoDB in plaintext. A name that only **another version** of the struct
    /// protects cannot be told from a free one: a value that is compared with it leaves, and a
    /// record whose authenticated attribute is changed does not open any more.
    #[must_use]
    fn attribute<V: Serialize>(
        name: impl Into<Cow<'static, str>>,
    ) -> AttributePath<Self, V, mark::Plaintext> {
        AttributePath::named(name.into())
    }

    /// The group of each field that has one, and whether the field's value is withheld.
    fn withheld(&self) -> Vec<(&'static str, bool)> {
        Vec::new()
    }

    /// The indexes of `#[envelope(index(..))]`, each an [`Index`](crate::record::index::Index)
    /// under its name, with `_` for what no Rust name can have.
    type Indexes;

    /// The indexes: what [`Table::index`](crate::Table::index) is given to choose from.
    fn indexes() -> Self::Indexes;

    /// What the secondary indexes are created from.
    #[doc(hidden)]
    fn index_schemas() -> Vec<IndexSchema> {
        Vec::new()
    }

    /// The primary key as a way to the records.
    #[doc(hidden)]
    fn primary_key() -> PrimaryKey<Self>;

    /// Takes over what the library wrote into the record: its version and its stamps.
    ///
    /// # Errors
    ///
    /// When what was written is not of the field's type.
    #[doc(hidden)]
    fn apply_managed_fields(
        &mut self,
        _stored: &HashMap<String, AttributeValue>,
    ) -> Result<(), ValueError> {
        Ok(())
    }

    /// Serializes the stored fields under their serde names.
    ///
    /// # Errors
    ///
    /// Whatever the serializer or a field's own serialization reports.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Serializes a primary key under the serde names of the key fields, or of the fields that keys
    /// are composed of.
    ///
    /// # Errors
    ///
    /// Whatever the serializer or a key's own serialization reports.
    fn serialize_key<S: Serializer>(key: Self::Key, serializer: S) -> Result<S::Ok, S::Error>;

    /// Rebuilds a primary key from what [`serialize_key`](Self::serialize_key) makes of it.
    ///
    /// # Errors
    ///
    /// Whatever the deserializer or a key's own deserialization reports.
    fn deserialize_key<D: Deserializer<'static>>(deserializer: D) -> Result<Self::Key, D::Error>;

    /// Rebuilds the struct from its stored fields.
    ///
    /// The deserializer lends nothing: borrowed fields (`Cow` with `#[serde(borrow)]`) come back
    /// owned, as they do from `serde_dynamo`.
    ///
    /// # Errors
    ///
    /// Whatever the deserializer or a field's own deserialization reports.
    fn deserialize<D: Deserializer<'static>>(deserializer: D) -> Result<Self, D::Error>;
}
