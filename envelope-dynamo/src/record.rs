//! Describes a struct that is stored as an encrypted item: its fields, its key and its indexes.
//!
//! `#[derive(Envelope)]` and `#[derive(View)]` implement the traits of this module. You name its
//! types in signatures of your own, and implement [`VersionNumber`] for number types of your own.
//!
//! | to | use |
//! |---|---|
//! | describe a record | [`Envelope`], derived |
//! | read some readable attributes without a data key | [`View`], derived |
//! | declare a field whose value may be withheld from a reader | [`Access`] |
//! | name a primary key | [`Partition`], [`Composite`], [`Parts`]; [`RecordKey`] is their trait |
//! | accept every form of a key, of its first parts, or of a value in a function | [`IntoKey`], [`IntoFirstParts`], [`IntoValue`] |
//! | count versions with a number type of your own | [`VersionNumber`] |
//! | require a version that cannot be changed unnoticed | [`AuthenticatedVersion`] |
//! | require that there is no version, as a batch of puts does | [`Unversioned`] |
//! | require unique fields, or that there are none | [`UniqueFields`], [`Unclaimed`] |
//! | know the fields of a record and their marks | [`Schema`], [`Field`], [`Mark`] |
//! | name an index in a signature | [`index`] |
//!
//! ```
//! use envelope_dynamo::Envelope;
//! use envelope_dynamo::record::{Composite, IntoKey};
//!
//! #[derive(Envelope)]
//! #[envelope(table = "visits")]
//! struct Visit {
//!     #[partition_key]
//!     patient_id: String,
//!     #[sort_key]
//!     number: u32,
//!     #[encrypted]
//!     diagnosis: String,
//! }
//!
//! type VisitKey = <Visit as Envelope>::Key;
//!
//! // Accepts every form of a key that the calls of `Table` accept.
//! fn key(key: impl IntoKey<VisitKey>) -> VisitKey {
//!     key.into_key()
//! }
//!
//! assert_eq!(key(("p_1", 3)), Composite { partition: "p_1".to_owned(), sort: 3 });
//! assert_eq!(Visit::SCHEMA.fields().len(), 3);
//! ```

pub(crate) mod access;
pub(crate) mod attribute;
pub(crate) mod document_path;
pub(crate) mod enum_check;
pub(crate) mod field;
pub mod index;
pub(crate) mod index_key;
pub(crate) mod item_key;
pub(crate) mod key;
pub(crate) mod key_format;
pub(crate) mod key_identity;
pub(crate) mod kind;
pub(crate) mod path;
pub(crate) mod schema;
pub(crate) mod search_tag;
pub(crate) mod ungrouped;
pub(crate) mod unique;
pub(crate) mod unprotected;
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
use crate::record::index::{IndexKey, IndexSchema, PrimaryKey};
pub use crate::record::key::{
    Composite, IntoFirstParts, IntoKey, IntoValue, Partition, Parts, RecordKey,
};
use crate::record::path::AttributePath;
pub use crate::record::schema::Schema;
pub use crate::record::unique::{Unclaimed, UniqueField, UniqueFields};
pub use crate::record::version::{AuthenticatedVersion, Unversioned, VersionNumber};
pub use crate::record::view::View;

/// A struct that is stored as one DynamoDB item, with some of its fields encrypted.
///
/// `#[derive(Envelope)]` implements this trait. Do not implement it by hand.
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a struct with `#[derive(Envelope)]`",
    label = "needs the type of one record",
    note = "for an enum of records, choose the type of the record first: \
            `shop.of::<Order>().get(key)`"
)]
pub trait Envelope: Sized {
    /// The name of the struct, used in errors.
    const NAME: &'static str;

    /// The logical table name: the literal in `#[envelope(table = "..")]`.
    ///
    /// Every record is bound to this name. The physical table may have another name at run time.
    const TABLE: &'static str;

    /// The form of the record's key in the KMS encryption context.
    const CONTEXT_FORM: ContextForm = ContextForm::Raw;

    /// Constant pairs added to the KMS encryption context and the associated data.
    const CONTEXT: &'static [(&'static str, &'static str)] = &[];

    /// Every stored field with its mark, in the order of the struct, and the generated attributes:
    /// composed keys and constants. Fields that serde skips are not included.
    const SCHEMA: Schema;

    /// Whether an attribute that belongs to no field is an error (`#[serde(deny_unknown_fields)]`).
    const DENY_UNKNOWN_FIELDS: bool = false;

    /// Whether records are stored as they are (`#[envelope(unprotected)]`).
    ///
    /// # Security
    ///
    /// Nothing in such a record is secret or authentic: whoever can write the table can write it.
    const UNPROTECTED: bool = false;

    /// The primary key: a [`Partition`] or a [`Composite`] of the key fields, or of the [`Parts`]
    /// of composed keys.
    type Key: IndexKey;

    /// The stored fields as attributes, each under the name of its field.
    type Attributes;

    /// Returns the stored fields as attributes, from which conditions and updates are built.
    fn attributes() -> Self::Attributes;

    /// Names an attribute that is not a field of the struct, for conditions, filters and updates.
    ///
    /// `V` is the type of its values. An item may have attributes besides the struct's fields:
    /// those of another service, of another entity type, or of an earlier version of the
    /// struct.
    ///
    /// ```
    /// # use envelope_dynamo::Envelope;
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let condition = User::attribute::<String>("migrated to").not_exists();
    /// assert_eq!(format!("{condition:?}"), "attribute_not_exists(migrated to)");
    /// ```
    ///
    /// The request fails with [`UsageError::Attribute`](crate::error::UsageError::Attribute),
    /// before anything is sent, if `name` is
    ///
    /// - the name or an alias of a field of the struct, or of any other kind of record in the
    ///   table,
    /// - `encrypted_payload` or `encrypted_dek`, or one of these names with the suffix of a group.
    ///
    /// # Security
    ///
    /// The values are sent to DynamoDB in plaintext. This version of the struct cannot know the
    /// names that only **another version** protects. If that version encrypts the field, a
    /// value that you compare is sent in plaintext. If that version authenticates the
    /// attribute, a record that you update no longer opens.
    #[must_use]
    fn attribute<V: Serialize>(
        name: impl Into<Cow<'static, str>>,
    ) -> AttributePath<Self, V, mark::Plaintext> {
        AttributePath::named(name.into())
    }

    /// Returns the group of each field in a group, and whether the field's value is withheld.
    fn withheld(&self) -> Vec<(&'static str, bool)> {
        Vec::new()
    }

    /// The fields without which a record is read: options, and those with a serde default.
    #[doc(hidden)]
    fn optional_fields() -> Vec<&'static str> {
        Vec::new()
    }

    /// The indexes of `#[envelope(index(..))]`: a struct with an [`Index`](index::Index) for each.
    ///
    /// Each field has the name of its index, with `_` for characters that a Rust name cannot have.
    type Indexes;

    /// Returns the indexes, from which [`Table::index`](crate::Table::index) chooses.
    fn indexes() -> Self::Indexes;

    /// Returns the definitions from which the secondary indexes are created.
    #[doc(hidden)]
    fn index_schemas() -> Vec<IndexSchema> {
        Vec::new()
    }

    /// Returns the primary key as an index.
    #[doc(hidden)]
    fn primary_key() -> PrimaryKey<Self>;

    /// Sets the managed fields, the version and the timestamps, to the values in `stored`.
    ///
    /// # Errors
    ///
    /// If a stored value is not of its field's type.
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
    /// If the serializer or a field's own serialization fails.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Serializes a primary key under the serde names of the key fields, or of the parts of
    /// composed keys.
    ///
    /// # Errors
    ///
    /// If the serializer or a key's own serialization fails.
    fn serialize_key<S: Serializer>(key: Self::Key, serializer: S) -> Result<S::Ok, S::Error>;

    /// Deserializes a primary key from the output of [`serialize_key`](Self::serialize_key).
    ///
    /// # Errors
    ///
    /// If the deserializer or a key's own deserialization fails.
    fn deserialize_key<D: Deserializer<'static>>(deserializer: D) -> Result<Self::Key, D::Error>;

    /// Deserializes the struct from its stored fields.
    ///
    /// The deserializer does not lend data: borrowed fields (`Cow` with `#[serde(borrow)]`) become
    /// owned, as in `serde_dynamo`.
    ///
    /// # Errors
    ///
    /// If the deserializer or a field's own deserialization fails.
    fn deserialize<D: Deserializer<'static>>(deserializer: D) -> Result<Self, D::Error>;
}
