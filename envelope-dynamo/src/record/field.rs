//! One stored field of a struct: its names, its mark and its role.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::record::key_format::{KeyFormat, Piece, are_equal};
use crate::record::search_tag::{SearchTag, TaggedField};

/// How a field is stored. Every field has exactly one mark.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::maintain::SchemaFile;
/// use envelope_dynamo::record::Mark;
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
///     #[authenticated]
///     plan: String,
/// }
///
/// let schema = SchemaFile::new().with::<User>();
/// let fields = &schema.records()["User"].fields;
/// assert_eq!(fields["email"].mark, Mark::Encrypted);
/// assert_eq!(fields["plan"].mark, Mark::Authenticated);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mark {
    /// The table's partition key. Readable; the record is bound to it.
    PartitionKey,
    /// The table's sort key. Readable; the record is bound to it.
    SortKey,
    /// Stored only as a part of a composed key. Readable; the record is bound to it.
    Key,
    /// Encrypted, in `encrypted_payload`.
    Encrypted,
    /// Readable in the table. A change is detected when the record is opened.
    Authenticated,
    /// Readable in the table, and not protected. It can be updated in place.
    Plaintext,
}

impl Mark {
    /// The name of the attribute that sets the mark, such as `encrypted` in `#[encrypted]`.
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

    /// Whether the value is sealed in a payload, or bound to one.
    pub(crate) const fn is_protected(self) -> bool {
        matches!(self, Self::Encrypted | Self::Authenticated)
    }
}

/// The task that the library manages with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The field counts the writes of the record, up to `max`.
    Version { max: u64 },
    /// The time after which DynamoDB may delete the record.
    Ttl,
    /// The time when the record was first put.
    Created,
    /// The time when the record was last written.
    Updated,
}

/// A stored field, or a generated attribute: its serde names and its mark.
///
/// Derived code makes it. [`Schema`](crate::record::Schema) lists the fields of a record, and has
/// an example. To read names and marks, use `maintain::SchemaFile`, as in the example of [`Mark`].
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
    pub(crate) in_index_key: bool,
    pub(crate) in_search_tag: bool,
    pub(crate) is_read: bool,
    pub(crate) origin: Origin,
}

/// The source of the value of an attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// A field of the struct.
    Field,
    /// Other fields, whose values are composed to a key of the table.
    Composed(KeyFormat),
    /// Other fields, whose values are composed to a key of indexes.
    IndexKey(KeyFormat),
    /// Other fields, whose values are authenticated by a key of their own: a search tag.
    SearchTag(SearchTag),
    /// A constant of the struct, which distinguishes one entity type from another.
    Constant(&'static str),
}

impl Field {
    /// Creates a field that is stored under `name`.
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
            in_index_key: false,
            in_search_tag: false,
            is_read: true,
            origin: Origin::Field,
        }
    }

    /// Adds the other names under which the field is read (`#[serde(alias)]`, or a `rename` that
    /// differs between serializing and deserializing).
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Marks a field that is also read from records that were written while it was `#[plaintext]`.
    #[must_use]
    pub const fn accepting_plaintext(mut self) -> Self {
        self.accepts_plaintext = true;
        self
    }

    /// Marks a field whose value is also in the KMS encryption context (`#[encryption_context]`).
    #[must_use]
    pub const fn in_encryption_context(mut self) -> Self {
        self.in_encryption_context = true;
        self
    }

    /// Marks a field that is encrypted with the others of its group (`#[encrypted(group = "..")]`).
    #[must_use]
    pub const fn in_group(mut self, group: &'static str) -> Self {
        self.group = Some(group);
        self
    }

    /// Marks the field that counts the writes of the record (`#[version]`), up to `max`.
    #[must_use]
    pub const fn version(mut self, max: u64) -> Self {
        self.role = Some(Role::Version { max });
        self
    }

    /// Marks the field that holds the time after which DynamoDB may delete the record (`#[ttl]`).
    #[must_use]
    pub const fn ttl(mut self) -> Self {
        self.role = Some(Role::Ttl);
        self
    }

    /// Marks the field that holds the time when the record was first put (`#[created]`).
    #[must_use]
    pub const fn created(mut self) -> Self {
        self.role = Some(Role::Created);
        self
    }

    /// Marks the field that holds the time when the record was last written (`#[updated]`).
    #[must_use]
    pub const fn updated(mut self) -> Self {
        self.role = Some(Role::Updated);
        self
    }

    /// Whether only the library changes the field once the record is stored.
    pub(crate) const fn is_managed(&self) -> bool {
        matches!(self.role, Some(Role::Version { .. } | Role::Updated))
    }

    /// Marks a field whose value is also a part of a composed key.
    #[must_use]
    pub const fn in_key(mut self) -> Self {
        self.in_key = true;
        self
    }

    /// Marks a field whose value is also a part of a composed key of an index.
    #[must_use]
    pub const fn in_index_key(mut self) -> Self {
        self.in_index_key = true;
        self
    }

    /// Marks a field from whose value a search tag is computed (`#[searchable]`).
    #[must_use]
    pub const fn in_search_tag(mut self) -> Self {
        self.in_search_tag = true;
        self
    }

    /// Marks a field that is written but never read (`#[serde(skip_deserializing)]`).
    #[must_use]
    pub const fn unread(mut self) -> Self {
        self.is_read = false;
        self
    }

    /// Makes the attribute a key that is composed of fields.
    #[must_use]
    pub const fn composed(mut self, text: &'static str, pieces: &'static [Piece]) -> Self {
        self.origin = Origin::Composed(KeyFormat::new(text, pieces));
        self
    }

    /// Makes the attribute a key of indexes that is composed of fields.
    #[must_use]
    pub const fn index_key(mut self, text: &'static str, pieces: &'static [Piece]) -> Self {
        self.origin = Origin::IndexKey(KeyFormat::new(text, pieces));
        self
    }

    /// Makes the attribute the search tag `name` of `fields` (FORMAT 13). The attribute is
    /// `blind_<name>`, and its mark is [`Mark::Authenticated`]: every record lists it, also a
    /// record without a value to find.
    #[must_use]
    pub const fn search_tag(mut self, name: &'static str, fields: &'static [TaggedField]) -> Self {
        self.origin = Origin::SearchTag(SearchTag { name, fields, is_unique: false });
        self
    }

    /// Makes the search tag unique: no two records of the table may have the same values.
    #[must_use]
    pub const fn unique(mut self) -> Self {
        if let Origin::SearchTag(tag) = self.origin {
            self.origin = Origin::SearchTag(SearchTag { is_unique: true, ..tag });
        }
        self
    }

    /// Makes the attribute a constant: it has the same value in every record of the struct.
    #[must_use]
    pub const fn constant(mut self, value: &'static str) -> Self {
        self.origin = Origin::Constant(value);
        self
    }

    /// Whether the attribute is not a field of the struct: a composed key, a search tag or a
    /// constant.
    pub(crate) const fn is_generated(&self) -> bool {
        !matches!(self.origin, Origin::Field)
    }

    /// Whether the attribute distinguishes one entity type from another: a composed key of the
    /// table, or a constant. The key of an index does not: a record may be without it.
    pub(crate) const fn is_discriminator(&self) -> bool {
        matches!(self.origin, Origin::Composed(_) | Origin::Constant(_))
    }

    /// Whether both are a discriminator of one name with one constant or one format.
    pub(crate) const fn is_same_discriminator(&self, other: &Self) -> bool {
        are_equal(self.name, other.name)
            && match (self.origin, other.origin) {
                (Origin::Composed(one), Origin::Composed(two)) => one.is_same_form(two),
                (Origin::Constant(one), Origin::Constant(two)) => are_equal(one, two),
                _ => false,
            }
    }

    /// The format of a composed key of indexes.
    pub(crate) const fn index_format(&self) -> Option<KeyFormat> {
        match self.origin {
            Origin::IndexKey(format) => Some(format),
            Origin::Field | Origin::Composed(_) | Origin::SearchTag(_) | Origin::Constant(_) => {
                None
            }
        }
    }

    /// What the attribute is computed from, if it is a search tag.
    pub(crate) const fn as_search_tag(&self) -> Option<SearchTag> {
        match self.origin {
            Origin::SearchTag(tag) => Some(tag),
            Origin::Field | Origin::Composed(_) | Origin::IndexKey(_) | Origin::Constant(_) => None,
        }
    }

    /// The format of a composed key, of the table or of indexes.
    pub(crate) const fn key_format(&self) -> Option<KeyFormat> {
        match self.origin {
            Origin::Composed(format) | Origin::IndexKey(format) => Some(format),
            Origin::Field | Origin::SearchTag(_) | Origin::Constant(_) => None,
        }
    }

    /// Whether the attribute is a key of the table that is composed of fields.
    pub(crate) const fn is_composed(&self) -> bool {
        matches!(self.origin, Origin::Composed(_))
    }

    /// The parts of a composed key, split from `attribute`; `None` if it is not such a key.
    pub(crate) fn parts<'k>(
        &self,
        attribute: &'k AttributeValue,
    ) -> Option<Vec<(&'static str, &'k str)>> {
        match (self.origin, attribute) {
            (Origin::Composed(format), AttributeValue::S(key)) => format.split(key),
            _ => None,
        }
    }

    /// The expected format or constant, if `attribute` does not match it; `None` if it matches, or
    /// if the attribute is not a discriminator.
    pub(crate) fn discriminator_mismatch(
        &self,
        attribute: Option<&AttributeValue>,
    ) -> Option<&'static str> {
        match self.origin {
            Origin::Field | Origin::IndexKey(_) | Origin::SearchTag(_) => None,
            Origin::Composed(format) => {
                attribute.and_then(|key| self.parts(key)).is_none().then(|| format.text())
            }
            Origin::Constant(value) => {
                (!matches!(attribute, Some(AttributeValue::S(stored)) if stored == value))
                    .then_some(value)
            }
        }
    }

    /// A name that the struct's own deserialization accepts for the field.
    pub(crate) fn read_name(&self) -> &'static str {
        self.aliases.last().unwrap_or(&self.name)
    }

    /// Whether `name` is the stored name or an alias of the field.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// The stored name of the field, then its aliases.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}
