//! One stored field of a struct: its names and its mark.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::record::key_format::{KeyFormat, Piece};

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
    /// The name of the mark's attribute in the struct.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PartitionKey => "partition_key",
            Self::SortKey => "sort_key",
            Self::Key => "key",
            Self::Encrypted => "encrypted",
            Self::Authenticated => "authenticated",
            Self::Plaintext => "plaintext",
        }
    }

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
    Composed(KeyFormat),
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
    pub(crate) const fn is_managed(&self) -> bool {
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
        self.origin = Origin::Composed(KeyFormat::new(text, pieces));
        self
    }

    /// An attribute that has the same value in every record of the struct.
    #[must_use]
    pub const fn constant(mut self, value: &'static str) -> Self {
        self.origin = Origin::Constant(value);
        self
    }

    /// Whether the attribute is not a field of the struct: a composed key or a constant. Such an
    /// attribute is a discriminator: it distinguishes one entity type from another.
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
    pub(crate) fn discriminator_mismatch(
        &self,
        attribute: Option<&AttributeValue>,
    ) -> Option<&'static str> {
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
