//! The trait that `#[derive(Envelope)]` implements, and the marks it records.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{ContextForm, ValueError};
use serde::{Deserializer, Serialize, Serializer};

use crate::composed::{Format, Piece};
use crate::expression::{AttributePath, mark};
use crate::index::{IndexSchema, PrimaryKey};
use crate::key::RecordKey;
use crate::schema::Schema;

/// A domain struct that is stored as one DynamoDB item, some of its fields sealed.
///
/// Implemented by `#[derive(Envelope)]`; not meant to be written by hand.
///
/// ```
/// use envelope_dynamo::{Composite, Envelope};
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

    /// The primary key: [`Partition`](crate::Partition) or [`Composite`](crate::Composite), of the
    /// key fields or of the [`Parts`](crate::Parts) of composed keys.
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
    /// when the request is sent ([`ErrorKind::Attribute`](crate::ErrorKind::Attribute)), and so
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

    /// The indexes of `#[envelope(index(..))]`, each an [`Index`](crate::Index) under its name,
    /// with `_` for what no Rust name can have.
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
    fn restate(&mut self, _stored: &HashMap<String, AttributeValue>) -> Result<(), ValueError> {
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

/// The attribute that every record has.
pub(crate) fn partition_key<T: Envelope>() -> &'static str {
    T::SCHEMA.partition_key().map_or("", |field| field.name)
}

/// What happens to a field: exactly one per field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mark {
    /// The table's partition key: readable, bound into the record.
    PartitionKey,
    /// The table's sort key: readable, bound into the record.
    SortKey,
    /// Stored in a composed key alone.
    Key,
    /// Sealed in `encrypted_payload`.
    Encrypted,
    /// Readable in the table, tamper-evident.
    Authenticated,
    /// Readable in the table, free to be updated in place.
    Plaintext,
}

impl Mark {
    pub(crate) const fn is_key(self) -> bool {
        matches!(self, Self::PartitionKey | Self::SortKey)
    }
}

/// What the library keeps a field for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It counts the writes of the record, up to this.
    Version { max: u64 },
    /// DynamoDB may delete the record then.
    Ttl,
    /// The record was first put then.
    Created,
    /// The record was last written then.
    Updated,
}

/// A stored attribute or field: its serde names and its mark.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) mark: Mark,
    pub(crate) accepts_plaintext: bool,
    pub(crate) in_encryption_context: bool,
    pub(crate) role: Option<Role>,
    pub(crate) group: Option<&'static str>,
    pub(crate) in_key: bool,
    pub(crate) is_read: bool,
    pub(crate) origin: Origin,
}

/// Where the value of an attribute comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// A field of the struct.
    Field,
    /// Other fields, whose values it holds as text.
    Composed(Format),
    /// The struct's attributes: it tells one entity type from another.
    Constant(&'static str),
}

impl Field {
    /// A field stored under `name`.
    #[must_use]
    pub const fn new(name: &'static str, mark: Mark) -> Self {
        Self {
            name,
            aliases: &[],
            mark,
            accepts_plaintext: false,
            in_encryption_context: false,
            role: None,
            group: None,
            in_key: matches!(mark, Mark::Key),
            is_read: true,
            origin: Origin::Field,
        }
    }

    /// Names other than the stored one under which the field is read (`#[serde(alias)]`, or a
    /// `rename` that differs between serializing and deserializing).
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The field is also read from records that were written while it was `#[plaintext]`.
    #[must_use]
    pub const fn accepting_plaintext(mut self) -> Self {
        self.accepts_plaintext = true;
        self
    }

    /// The field's value stands in the KMS encryption context as well (`#[encryption_context]`).
    #[must_use]
    pub const fn in_encryption_context(mut self) -> Self {
        self.in_encryption_context = true;
        self
    }

    /// The field is sealed with others of its group (`#[encrypted(group = "..")]`).
    #[must_use]
    pub const fn in_group(mut self, group: &'static str) -> Self {
        self.group = Some(group);
        self
    }

    /// The field counts the writes of the record (`#[version]`), up to `max`.
    #[must_use]
    pub const fn version(mut self, max: u64) -> Self {
        self.role = Some(Role::Version { max });
        self
    }

    /// The field says when DynamoDB may delete the record (`#[ttl]`).
    #[must_use]
    pub const fn ttl(mut self) -> Self {
        self.role = Some(Role::Ttl);
        self
    }

    /// The field says when the record was first put (`#[created]`).
    #[must_use]
    pub const fn created(mut self) -> Self {
        self.role = Some(Role::Created);
        self
    }

    /// The field says when the record was last written (`#[updated]`).
    #[must_use]
    pub const fn updated(mut self) -> Self {
        self.role = Some(Role::Updated);
        self
    }

    /// Whether the library alone changes the field.
    pub(crate) const fn is_kept(&self) -> bool {
        matches!(self.role, Some(Role::Version { .. } | Role::Updated))
    }

    /// The field's value is a part of a composed key as well.
    #[must_use]
    pub const fn in_key(mut self) -> Self {
        self.in_key = true;
        self
    }

    /// The field is written and never read (`#[serde(skip_deserializing)]`).
    #[must_use]
    pub const fn unread(mut self) -> Self {
        self.is_read = false;
        self
    }

    /// A key attribute that is composed of fields.
    #[must_use]
    pub const fn composed(mut self, text: &'static str, pieces: &'static [Piece]) -> Self {
        self.origin = Origin::Composed(Format::new(text, pieces));
        self
    }

    /// An attribute that has the same value in every record of the struct.
    #[must_use]
    pub const fn constant(mut self, value: &'static str) -> Self {
        self.origin = Origin::Constant(value);
        self
    }

    /// Whether the attribute is no field of the struct.
    pub(crate) const fn is_generated(&self) -> bool {
        !matches!(self.origin, Origin::Field)
    }

    /// Whether the attribute is a key that is made of fields.
    pub(crate) const fn is_composed(&self) -> bool {
        matches!(self.origin, Origin::Composed(_))
    }

    /// The parts of a composed key as they stand in `attribute`; `None` if it is no such key.
    pub(crate) fn parts<'k>(
        &self,
        attribute: &'k AttributeValue,
    ) -> Option<Vec<(&'static str, &'k str)>> {
        match (self.origin, attribute) {
            (Origin::Composed(format), AttributeValue::S(key)) => format.split(key),
            _ => None,
        }
    }

    /// What the attribute would be in an item of the struct's own kind, if `attribute` is something
    /// else.
    pub(crate) fn told_apart_by(&self, attribute: Option<&AttributeValue>) -> Option<&'static str> {
        match self.origin {
            Origin::Field => None,
            Origin::Composed(format) => {
                attribute.and_then(|key| self.parts(key)).is_none().then(|| format.text())
            }
            Origin::Constant(value) => {
                (!matches!(attribute, Some(AttributeValue::S(stored)) if stored == value))
                    .then_some(value)
            }
        }
    }

    /// Whether the attribute tells one entity type from another.
    pub(crate) const fn tells_apart(&self) -> bool {
        !matches!(self.origin, Origin::Field)
    }

    /// A name under which the struct's own deserialization knows the field.
    pub(crate) fn read_name(&self) -> &'static str {
        self.aliases.last().unwrap_or(&self.name)
    }

    /// Whether the field is stored or read under `name`.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// Every name under which the field is read, the one under which it is stored first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}
