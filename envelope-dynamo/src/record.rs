//! The trait that `#[derive(Envelope)]` implements, and the marks it records.

use envelope_core::ContextForm;
use serde::{Deserializer, Serializer};

use crate::key::RecordKey;

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
    /// The logical table name: the literal in `#[envelope(table = "..")]`.
    ///
    /// It is bound into every record. The physical table may be named otherwise at run time.
    const TABLE: &'static str;

    /// How the record's key stands in the KMS encryption context.
    const CONTEXT_FORM: ContextForm = ContextForm::Raw;

    /// Constant pairs added to the KMS encryption context and the associated data.
    const CONTEXT: &'static [(&'static str, &'static str)] = &[];

    /// Every stored field with its mark, in the order of the struct; fields that serde skips are absent.
    const FIELDS: &'static [Field];

    /// Whether an attribute that no field claims is an error (`#[serde(deny_unknown_fields)]`).
    const DENY_UNKNOWN_FIELDS: bool = false;

    /// The primary key: [`Partition`](crate::Partition) or [`Composite`](crate::Composite).
    type Key: RecordKey;

    /// The stored fields as attributes, each under the name of its field; flattened fields are not among them.
    type Attributes;

    /// The stored fields as attributes: what conditions and updates are made of.
    fn attributes() -> Self::Attributes;

    /// The group of each field that has one, and whether the field's value is withheld.
    fn withheld(&self) -> Vec<(&'static str, bool)> {
        Vec::new()
    }

    /// Serializes the stored fields under their serde names.
    ///
    /// # Errors
    ///
    /// Whatever the serializer or a field's own serialization reports.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Serializes a primary key under the serde names of the key fields.
    ///
    /// # Errors
    ///
    /// Whatever the serializer or a key's own serialization reports.
    fn serialize_key<S: Serializer>(key: Self::Key, serializer: S) -> Result<S::Ok, S::Error>;

    /// Rebuilds the struct from its stored fields.
    ///
    /// The deserializer lends nothing: borrowed fields (`Cow` with `#[serde(borrow)]`) come back owned, as they do
    /// from `serde_dynamo`.
    ///
    /// # Errors
    ///
    /// Whatever the deserializer or a field's own deserialization reports.
    fn deserialize<D: Deserializer<'static>>(deserializer: D) -> Result<Self, D::Error>;
}

/// The attribute that every record has.
pub(crate) fn partition_key<T: Envelope>() -> &'static str {
    T::FIELDS.iter().find(|field| field.mark == Mark::PartitionKey).map_or("", |field| field.name)
}

/// What happens to a field: exactly one per field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mark {
    /// The table's partition key: readable, bound into the record.
    PartitionKey,
    /// The table's sort key: readable, bound into the record.
    SortKey,
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

/// A stored field: its serde names and its mark.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) mark: Mark,
    pub(crate) flatten: bool,
    pub(crate) accepts_plaintext: bool,
    pub(crate) in_encryption_context: bool,
    pub(crate) group: Option<&'static str>,
}

impl Field {
    /// A field stored under `name`.
    #[must_use]
    pub const fn new(name: &'static str, mark: Mark) -> Self {
        Self {
            name,
            aliases: &[],
            mark,
            flatten: false,
            accepts_plaintext: false,
            in_encryption_context: false,
            group: None,
        }
    }

    /// Names other than the stored one under which the field is read (`#[serde(alias)]`, or a `rename` that differs
    /// between serializing and deserializing).
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The field's entries stand beside the others (`#[serde(flatten)]`); its own name is never stored.
    #[must_use]
    pub const fn flatten(mut self) -> Self {
        self.flatten = true;
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

    /// Whether the field may be updated in place: nothing that is sealed is bound to it.
    pub(crate) fn is_free_in_place(&self) -> bool {
        self.mark == Mark::Plaintext && !self.in_encryption_context
    }

    /// Every name under which the field is read, the one under which it is stored first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}
