//! The fields of a struct, and the one rule that decides which field a name belongs to.

use crate::record::field::{Field, Mark, Origin, Role};
use crate::record::key_format::KeyFormat;
use crate::record::search_tag::{SearchTag, is_search_tag};

/// The attributes that hold the record's encrypted fields and its data key.
pub(crate) const RESERVED: [&str; 2] = [ENCRYPTED_PAYLOAD, ENCRYPTED_DEK];

/// The attribute that holds the encrypted fields (FORMAT 4).
pub(crate) const ENCRYPTED_PAYLOAD: &str = "encrypted_payload";

/// The attribute that holds the wrapped data key (FORMAT 3).
pub(crate) const ENCRYPTED_DEK: &str = "encrypted_dek";

/// Whether `name` is reserved for encrypted data and data keys: the record's own, or a group's.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| match name.strip_prefix(reserved) {
        Some(rest) => rest.is_empty() || rest.starts_with('_'),
        None => false,
    })
}

/// The stored fields of a struct, and its generated attributes: composed keys and constants.
///
/// A name in an item, in a payload or in an expression belongs to the field that is stored or read
/// under it, and to no other: the derive refuses two fields with one name. All code that writes,
/// reads, changes or names attributes uses the methods of this type, so no two places can disagree.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::record::Field;
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
///     #[serde(skip)]
///     session: u64,
/// }
///
/// let stored: &[Field] = User::SCHEMA.fields();
/// assert_eq!(stored.len(), 2, "`session` is not stored");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Schema(&'static [Field]);

impl Schema {
    /// Creates a schema of the fields of a struct, in its order. No two fields may share a name.
    #[must_use]
    pub const fn new(fields: &'static [Field]) -> Self {
        Self(fields)
    }

    /// Returns the fields, in the order of the struct.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        self.0
    }

    pub(crate) fn iter(self) -> std::slice::Iter<'static, Field> {
        self.0.iter()
    }

    /// The field that `name` belongs to, as its stored name or as an alias.
    pub(crate) fn owner(self, name: &str) -> Option<&'static Field> {
        self.iter().find(|field| field.has_name(name))
    }

    /// Whether others may use `name`: it belongs to no field, and is reserved neither for
    /// encrypted data nor for search tags.
    pub(crate) fn is_free(self, name: &str) -> bool {
        !is_reserved(name) && !is_search_tag(name) && self.owner(name).is_none()
    }

    /// The field whose stored name is `name`; aliases are not considered.
    pub(crate) fn stored_as(self, name: &str) -> Option<&'static Field> {
        self.iter().find(|field| field.name == name)
    }

    /// The generated attribute `name`: a composed key or a constant.
    pub(crate) fn generated(self, name: &str) -> Option<&'static Field> {
        self.stored_as(name).filter(|field| field.is_generated())
    }

    /// The key attributes.
    pub(crate) fn keys(self) -> impl Iterator<Item = &'static Field> {
        self.iter().filter(|field| field.mark.is_key())
    }

    pub(crate) fn partition_key(self) -> Option<&'static Field> {
        self.with_mark(Mark::PartitionKey).next()
    }

    pub(crate) fn sort_key(self) -> Option<&'static Field> {
        self.with_mark(Mark::SortKey).next()
    }

    pub(crate) fn with_mark(self, mark: Mark) -> impl Iterator<Item = &'static Field> {
        self.iter().filter(move |field| field.mark == mark)
    }

    /// The keys of indexes that are composed of fields.
    pub(crate) fn index_keys(self) -> impl Iterator<Item = (&'static Field, KeyFormat)> {
        self.iter().filter_map(|field| Some((field, field.index_format()?)))
    }

    /// The search tags.
    pub(crate) fn search_tags(self) -> impl Iterator<Item = (&'static Field, SearchTag)> {
        self.iter().filter_map(|field| Some((field, field.as_search_tag()?)))
    }

    /// The search tags whose values no two records may share.
    pub(crate) fn unique_tags(self) -> impl Iterator<Item = (&'static Field, SearchTag)> {
        self.search_tags().filter(|(_, tag)| tag.is_unique)
    }

    /// The keys of the table that are composed of fields.
    pub(crate) fn composed_keys(self) -> impl Iterator<Item = &'static Field> {
        self.iter().filter(|field| field.is_composed())
    }

    /// The fields whose values are in the KMS encryption context.
    pub(crate) fn context_fields(self) -> impl Iterator<Item = &'static Field> {
        self.iter().filter(|field| field.in_encryption_context)
    }

    /// The attributes that distinguish entity types: composed keys of the table, and constants.
    pub(crate) fn discriminators(self) -> impl Iterator<Item = &'static Field> {
        self.iter().filter(|field| field.is_discriminator())
    }

    /// The names and values of the constant attributes.
    pub(crate) fn constants(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.iter().filter_map(|field| match field.origin {
            Origin::Constant(value) => Some((field.name, value)),
            Origin::Field | Origin::Composed(_) | Origin::IndexKey(_) | Origin::SearchTag(_) => {
                None
            }
        })
    }

    /// The discriminators whose values are known before the item is read: key attributes and
    /// constants.
    pub(crate) fn discriminators_known_before_read(self) -> impl Iterator<Item = &'static Field> {
        self.discriminators().filter(|field| field.mark.is_key() || !field.is_composed())
    }

    /// The names of all attributes of this library that a record of the struct can have.
    pub(crate) fn reserved_names(self) -> Vec<String> {
        let groups = self.groups().into_iter();
        let of_groups =
            groups.flat_map(|group| RESERVED.map(|reserved| format!("{reserved}_{group}")));
        RESERVED.into_iter().map(str::to_owned).chain(of_groups).collect()
    }

    /// The names of the groups, each once, in the order of the struct.
    pub(crate) fn groups(self) -> Vec<&'static str> {
        let mut groups = Vec::new();
        for group in self.iter().filter_map(|field| field.group) {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }

    /// The field that counts the writes of the record, and its maximum.
    pub(crate) fn version(self) -> Option<(&'static Field, u64)> {
        self.iter().find_map(|field| match field.role? {
            Role::Version { max } => Some((field, max)),
            Role::Ttl | Role::Created | Role::Updated => None,
        })
    }

    /// The field that holds the time after which DynamoDB may delete the record.
    pub(crate) fn ttl(self) -> Option<&'static Field> {
        self.iter().find(|field| field.role == Some(Role::Ttl))
    }

    /// The field that holds the time when the record was last written.
    pub(crate) fn updated(self) -> Option<&'static Field> {
        self.iter().find(|field| field.role == Some(Role::Updated))
    }

    /// Whether the struct has a discriminator, which distinguishes its records from others.
    pub(crate) const fn has_discriminator(self) -> bool {
        let mut fields = self.0;
        while let [field, rest @ ..] = fields {
            if field.is_discriminator() {
                return true;
            }
            fields = rest;
        }
        false
    }

    /// Whether every item of a record with the schema `other` also fits this schema: `other` has
    /// all discriminators of this schema. Keys of two formats that differ only for some values are
    /// told apart when they are written.
    pub(crate) const fn fits_all_of(self, other: Self) -> bool {
        let mut fields = self.0;
        while let [field, rest @ ..] = fields {
            if field.is_discriminator() && !other.has_same_discriminator(field) {
                return false;
            }
            fields = rest;
        }
        true
    }

    const fn has_same_discriminator(self, discriminator: &Field) -> bool {
        let mut fields = self.0;
        while let [field, rest @ ..] = fields {
            if field.is_same_discriminator(discriminator) {
                return true;
            }
            fields = rest;
        }
        false
    }

    /// The name of a key attribute; empty if there is none.
    pub(crate) const fn key_name(self, mark: Mark) -> &'static str {
        let mut fields = self.0;
        while let [field, rest @ ..] = fields {
            if field.mark as u8 == mark as u8 {
                return field.name;
            }
            fields = rest;
        }
        ""
    }
}

#[cfg(test)]
mod tests {
    use crate::record::field::{Field, Mark};
    use crate::record::schema::{Schema, is_reserved};

    const SCHEMA: Schema = Schema::new(&[
        Field::new("id", Mark::PartitionKey),
        Field::new("email", Mark::Encrypted).aliases(&["mail", "e-mail"]),
        Field::new("name", Mark::Encrypted).in_group("contact"),
        Field::new("kind", Mark::Authenticated).constant("user"),
        Field::new("age", Mark::Plaintext).in_encryption_context(),
    ]);

    fn owner(name: &str) -> Option<&'static str> {
        SCHEMA.owner(name).map(|field| field.name)
    }

    #[test]
    fn a_name_belongs_to_the_field_that_is_stored_or_read_under_it() {
        assert_eq!(["email", "mail", "e-mail"].map(owner), [Some("email"); 3]);
        assert_eq!(["id", "kind", "age"].map(owner), [Some("id"), Some("kind"), Some("age")]);
        assert_eq!(["Email", "emai", "email2", ""].map(owner), [None; 4]);
    }

    #[test]
    fn only_the_stored_name_of_a_field_names_its_attribute() {
        assert_eq!(SCHEMA.stored_as("email").map(|field| field.name), Some("email"));
        assert!(SCHEMA.stored_as("mail").is_none());
        assert!(SCHEMA.generated("kind").is_some() && SCHEMA.generated("email").is_none());
    }

    #[test]
    fn names_of_fields_and_reserved_names_are_not_free() {
        for name in ["id", "email", "mail", "name", "kind", "encrypted_payload", "encrypted_dek_x"]
        {
            assert!(!SCHEMA.is_free(name), "{name}");
        }
        assert!(SCHEMA.is_free("other"));
    }

    #[test]
    fn the_attributes_of_every_group_are_reserved_and_no_others() {
        for name in
            ["encrypted_payload", "encrypted_dek", "encrypted_payload_", "encrypted_dek_medical"]
        {
            assert!(is_reserved(name), "{name}");
        }
        for name in
            ["encrypted", "encrypted_payloads", "encrypted_de", "Encrypted_dek", "my_encrypted_dek"]
        {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn keys_pairs_and_groups_are_found() {
        let names =
            |fields: Vec<&'static Field>| fields.iter().map(|field| field.name).collect::<Vec<_>>();
        assert_eq!(names(SCHEMA.keys().collect()), ["id"]);
        assert_eq!(names(SCHEMA.context_fields().collect()), ["age"]);
        assert_eq!(names(SCHEMA.discriminators().collect()), ["kind"]);
        assert_eq!((SCHEMA.groups(), SCHEMA.has_discriminator()), (vec!["contact"], true));
        assert_eq!(
            (SCHEMA.key_name(Mark::PartitionKey), SCHEMA.key_name(Mark::SortKey)),
            ("id", "")
        );
        assert!(SCHEMA.sort_key().is_none());
        const SORTED: Schema =
            Schema::new(&[Field::new("id", Mark::PartitionKey), Field::new("at", Mark::SortKey)]);
        assert_eq!(SORTED.sort_key().map(|field| field.name), Some("at"));
    }
}
