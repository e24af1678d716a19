//! The schema file: how each type of record is stored, as JSON.

pub(crate) mod search_tag;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use envelope_core::ContextForm;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::item::Entity;
use crate::maintain::kinds;
pub use crate::maintain::schema_file::search_tag::TaggedFieldSchema;
use crate::record::field::{Field, Mark};
use crate::record::kind::Kind;

/// The version of the file's layout.
const VERSION: u32 = 1;

/// How each type of record of a program is stored: the content of `envelope.schema.json`.
///
/// It is JSON, with one object for each type under `records`, by the name of the struct. The file
/// has no secret and no key.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::maintain::SchemaFile;
///
/// #[derive(Envelope)]
/// #[envelope(table = "users", context(purpose = "pii"))]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: Option<String>,
///     #[authenticated]
///     plan: String,
/// }
///
/// let file = SchemaFile::new().with::<User>();
/// assert_eq!(
///     file.to_string(),
///     r#"{
///   "envelope-schema": 1,
///   "records": {
///     "User": {
///       "table": "users",
///       "form": "raw",
///       "context": {
///         "purpose": "pii"
///       },
///       "partition_key": {
///         "name": "user_id",
///         "type": "S"
///       },
///       "fields": {
///         "email": {
///           "mark": "encrypted",
///           "optional": true
///         },
///         "plan": "authenticated"
///       }
///     }
///   }
/// }
/// "#
/// );
/// assert_eq!(file.to_string().parse::<SchemaFile>()?, file);
/// # Ok::<(), envelope_dynamo::maintain::SchemaFileError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaFile {
    #[serde(rename = "envelope-schema")]
    version: u32,
    pub(crate) records: BTreeMap<String, RecordSchema>,
}

/// How one type of record is stored.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::maintain::SchemaFile;
/// use envelope_dynamo::record::Mark;
///
/// #[derive(Envelope)]
/// #[envelope(table = "shop", index(name = "by-email", partition_key = email))]
/// #[partition_key(name = "pk", format = "USER#{user_id}")]
/// struct User {
///     #[key]
///     user_id: String,
///     #[encrypted]
///     #[searchable(normalize(trim, ascii_lowercase))]
///     email: String,
///     #[encrypted]
///     address: Option<String>,
///     #[plaintext]
///     logins: u64,
/// }
///
/// let schema = SchemaFile::new().with::<User>();
/// let user = &schema.records()["User"];
/// assert_eq!(user.partition_key.name, "pk");
/// assert_eq!(user.partition_key.format.as_deref(), Some("USER#{user_id}"));
///
/// // For a data catalog: which fields are encrypted, and which of them can be searched?
/// let fields = user.fields.iter().filter(|(_, field)| field.mark == Mark::Encrypted);
/// let encrypted: Vec<_> = fields.map(|(name, _)| name.as_str()).collect();
/// assert_eq!(encrypted, ["address", "email"]);
/// let tag = &user.search_tags["email"];
/// assert_eq!((tag[0].field.as_str(), tag[0].steps.len()), ("email", 2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordSchema {
    /// The logical table name.
    pub table: String,
    /// Whether records are stored as they are (`#[envelope(unprotected)]`): nothing in them is
    /// secret or authentic.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unprotected: bool,
    /// The form of the record's key in the KMS encryption context: `raw`, `hashed` or `table`.
    #[serde(with = "form")]
    pub form: ContextForm,
    /// The constant pairs of the KMS encryption context.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// The fields whose values are in the KMS encryption context.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pairs: BTreeSet<String>,
    /// The partition key.
    pub partition_key: KeySchema,
    /// The sort key, if the table has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_key: Option<KeySchema>,
    /// The formats of the composed keys of indexes, by the names of their attributes, with the
    /// stored names of their parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub index_keys: BTreeMap<String, String>,
    /// The search tags, by their names: the attribute is `blind_` and the name. Each has its
    /// fields in order, with the steps that their text goes through.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub search_tags: BTreeMap<String, Vec<TaggedFieldSchema>>,
    /// The names of the search tags whose values no two records share: `#[searchable(unique)]`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unique: BTreeSet<String>,
    /// The attributes that have the same value in every record of this type: `entity(..)`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entity: BTreeMap<String, String>,
    /// The groups of encrypted fields.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
    /// The fields that are not keys, by the name under which they are stored.
    pub fields: BTreeMap<String, FieldSchema>,
    /// The last day (UTC) on which items or fields of this type may be in plaintext, such as
    /// `2027-03-31`: written by a person, for [`SchemaFile::overdue`]. The code does not know it,
    /// since nothing in a program depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plaintext_until: Option<String>,
    /// Why a field is less protected than it was: written by a person, for
    /// [`SchemaFile::changes_since`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, String>,
}

/// A key attribute, in a [`RecordSchema`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KeySchema {
    /// The name of the attribute.
    pub name: String,
    /// DynamoDB's type: `S`, `N` or `B`; absent where the Rust type does not tell.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub scalar: Option<String>,
    /// The format of a composed key, with the stored names of its parts: `ORDER#{created:020}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// A field that is not a key attribute, in a [`RecordSchema`].
///
/// In the file, a field with a mark alone is a string, `"encrypted"`; any other is an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldSchema {
    /// The mark: [`Mark::Key`], [`Mark::Encrypted`], [`Mark::Authenticated`] or
    /// [`Mark::Plaintext`].
    pub mark: Mark,
    /// Other names under which the field is read.
    pub aliases: BTreeSet<String>,
    /// The group in which the field is sealed.
    pub group: Option<String>,
    /// Whether the field is also read from records in which it was plaintext
    /// (`accept = "plaintext"`).
    pub accepts_plaintext: bool,
    /// Whether a record without the field is read: an `Option`, or a serde default.
    pub is_optional: bool,
}

impl SchemaFile {
    /// A file without records.
    #[must_use]
    pub const fn new() -> Self {
        Self { version: VERSION, records: BTreeMap::new() }
    }

    /// Adds a type of record, or all types of an enum of records.
    ///
    /// # Panics
    ///
    /// If another struct of the same name, and with another schema, has been added: the file names
    /// records by their structs.
    #[must_use]
    pub fn with<T: Entity>(mut self) -> Self {
        for kind in T::KINDS {
            let record = RecordSchema::of(kind);
            let known = self.records.entry(kind.name.to_owned()).or_insert_with(|| record.clone());
            assert!(*known == record, "two structs of this schema file are named `{}`", kind.name);
        }
        self
    }

    /// The types of record, by the names of their structs.
    #[must_use]
    pub const fn records(&self) -> &BTreeMap<String, RecordSchema> {
        &self.records
    }

    /// The logical names of the tables.
    #[must_use]
    pub fn tables(&self) -> BTreeSet<&str> {
        self.records.values().map(|record| record.table.as_str()).collect()
    }

    /// The kinds of record in the table with the logical name `table`: at least one, all with the
    /// same key attributes. No key is one of a protected kind and of an unprotected one.
    pub(crate) fn kinds_of(&self, table: &str) -> Result<Vec<Kind>, SchemaFileError> {
        let records = self.records.iter().filter(|(_, record)| record.table == table);
        let kinds = records.map(|(name, record)| kind(name, record));
        let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
        let keys = |kind: &Kind| kind.schema.keys().map(|field| field.name).collect::<Vec<_>>();
        let problem = match kinds.split_first() {
            None => format!(
                "it has no record of the table `{table}`, only of {}",
                self.tables().into_iter().collect::<Vec<_>>().join(", ")
            ),
            Some((first, others)) => match others.iter().find(|other| keys(other) != keys(first)) {
                None => match not_apart(&kinds) {
                    None => return Ok(kinds),
                    Some(problem) => problem,
                },
                Some(other) => format!(
                    "`{}` and `{}` are records of one table with other key attributes",
                    first.name, other.name
                ),
            },
        };
        Err(SchemaFileError { problem })
    }

    /// The same file with what people have written into `other`: code does not know it.
    pub(crate) fn with_notes_of(mut self, other: &Self) -> Self {
        for (name, record) in &mut self.records {
            if let Some(other) = other.records.get(name) {
                record.plaintext_until.clone_from(&other.plaintext_until);
                record.reasons.clone_from(&other.reasons);
            }
        }
        self
    }
}

/// Why two of the kinds cannot be in one table: an item could be read as unprotected that should be
/// sealed.
pub(crate) fn not_apart(kinds: &[Kind]) -> Option<String> {
    let pairs = kinds.iter().flat_map(|kind| kinds.iter().map(move |other| (kind, other)));
    let mut unprotected = pairs.filter(|(kind, _)| kind.unprotected);
    let (kind, other) = unprotected.find(|(kind, other)| !kind.is_apart_from(other))?;
    Some(format!(
        "`{}` is unprotected, and a record of `{}` could have the same key: compose the same key \
         attribute of both, with different constant text at its beginning",
        kind.name, other.name
    ))
}

impl Default for SchemaFile {
    fn default() -> Self {
        Self::new()
    }
}

/// The file's text: indented JSON, sorted by name, with a newline at the end.
impl fmt::Display for SchemaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?;
        writeln!(f, "{text}")
    }
}

impl std::str::FromStr for SchemaFile {
    type Err = SchemaFileError;

    fn from_str(text: &str) -> Result<Self, SchemaFileError> {
        let file: Self = serde_json::from_str(text)
            .map_err(|error| SchemaFileError { problem: error.to_string() })?;
        if file.version != VERSION {
            let problem = format!(
                "it has layout {}, and this version of the library reads layout {VERSION}",
                file.version
            );
            return Err(SchemaFileError { problem });
        }
        for (name, record) in &file.records {
            kind(name, record)?;
        }
        Ok(file)
    }
}

fn kind(name: &str, record: &RecordSchema) -> Result<Kind, SchemaFileError> {
    kinds::kind(name, record)
        .map_err(|problem| SchemaFileError { problem: format!("`{name}`: {problem}") })
}

/// A text is not a schema file.
///
/// ```
/// use envelope_dynamo::maintain::SchemaFile;
///
/// let error = r#"{ "envelope-schema": 99, "records": {} }"#.parse::<SchemaFile>().unwrap_err();
/// assert!(error.to_string().starts_with("this is not a schema file of Envelope: "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFileError {
    problem: String,
}

impl fmt::Display for SchemaFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is not a schema file of Envelope: {}", self.problem)
    }
}

impl std::error::Error for SchemaFileError {}

impl RecordSchema {
    fn of(kind: &Kind) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let schema = kind.schema;
        let optional = (kind.optional_fields)();
        let field = |field: &Field| {
            (field.name.to_owned(), FieldSchema::of(field, optional.contains(&field.name)))
        };
        let is_field = |field: &&Field| !field.mark.is_key() && !field.is_generated();
        Self {
            table: kind.table.to_owned(),
            unprotected: kind.unprotected,
            form: kind.form,
            context: kind.context.iter().copied().map(owned).collect(),
            pairs: schema.context_fields().map(|field| field.name.to_owned()).collect(),
            partition_key: schema
                .partition_key()
                .map(|key| KeySchema::of(kind, key))
                .unwrap_or(KeySchema { name: String::new(), scalar: None, format: None }),
            sort_key: schema.sort_key().map(|key| KeySchema::of(kind, key)),
            index_keys: schema
                .index_keys()
                .map(|(field, format)| (field.name.to_owned(), format.stored_text()))
                .collect(),
            search_tags: schema
                .search_tags()
                .map(|(_, tag)| (tag.name.to_owned(), TaggedFieldSchema::of(tag)))
                .collect(),
            unique: schema.unique_tags().map(|(_, tag)| tag.name.to_owned()).collect(),
            entity: schema.constants().map(owned).collect(),
            groups: schema.groups().into_iter().map(str::to_owned).collect(),
            fields: schema.iter().filter(is_field).map(field).collect(),
            plaintext_until: None,
            reasons: BTreeMap::new(),
        }
    }
}

impl KeySchema {
    fn of(kind: &Kind, key: &Field) -> Self {
        let format = key.key_format().map(|format| format.stored_text());
        let attributes = (kind.key_attributes)();
        let attribute = attributes.into_iter().find(|attribute| attribute.name == key.name);
        let scalar = attribute
            .and_then(|attribute| attribute.scalar)
            .map(|scalar| scalar.as_str().to_owned());
        Self { name: key.name.to_owned(), scalar, format }
    }
}

impl FieldSchema {
    fn of(field: &Field, is_optional: bool) -> Self {
        Self {
            mark: field.mark,
            aliases: field.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            group: field.group.map(str::to_owned),
            accepts_plaintext: field.accepts_plaintext,
            is_optional,
        }
    }

    /// A field with nothing but a mark.
    const fn marked(mark: Mark) -> Self {
        Self {
            mark,
            aliases: BTreeSet::new(),
            group: None,
            accepts_plaintext: false,
            is_optional: false,
        }
    }
}

/// A field as an object of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldObject {
    mark: MarkName,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    aliases: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accept: Option<Accepted>,
    #[serde(default, skip_serializing_if = "is_false")]
    optional: bool,
}

/// What `accept` may say.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Accepted {
    Plaintext,
}

/// The marks that a field of the file can have.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MarkName {
    Key,
    Encrypted,
    Authenticated,
    Plaintext,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
fn is_false(value: &bool) -> bool {
    !value
}

impl From<MarkName> for Mark {
    fn from(name: MarkName) -> Self {
        match name {
            MarkName::Key => Self::Key,
            MarkName::Encrypted => Self::Encrypted,
            MarkName::Authenticated => Self::Authenticated,
            MarkName::Plaintext => Self::Plaintext,
        }
    }
}

impl From<Mark> for MarkName {
    fn from(mark: Mark) -> Self {
        match mark {
            Mark::PartitionKey | Mark::SortKey | Mark::Key => Self::Key,
            Mark::Encrypted => Self::Encrypted,
            Mark::Authenticated => Self::Authenticated,
            Mark::Plaintext => Self::Plaintext,
        }
    }
}

impl Serialize for FieldSchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mark = MarkName::from(self.mark);
        if *self == Self::marked(self.mark) {
            return mark.serialize(serializer);
        }
        let object = FieldObject {
            mark,
            aliases: self.aliases.clone(),
            group: self.group.clone(),
            accept: self.accepts_plaintext.then_some(Accepted::Plaintext),
            optional: self.is_optional,
        };
        object.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FieldSchema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = FieldSchema;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mark, such as \"encrypted\", or an object with a mark")
    }

    fn visit_str<E: de::Error>(self, mark: &str) -> Result<FieldSchema, E> {
        let mark = MarkName::deserialize(de::value::StrDeserializer::new(mark))?;
        Ok(FieldSchema::marked(mark.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldSchema, A::Error> {
        let FieldObject { mark, aliases, group, accept, optional } =
            FieldObject::deserialize(MapAccessDeserializer::new(map))?;
        Ok(FieldSchema {
            mark: mark.into(),
            aliases,
            group,
            accepts_plaintext: accept.is_some(),
            is_optional: optional,
        })
    }
}

/// The form of the KMS context as text.
mod form {
    use envelope_core::ContextForm;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Name {
        Raw,
        Hashed,
        Table,
    }

    pub(super) fn serialize<S: Serializer>(
        form: &ContextForm,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let name = match form {
            ContextForm::Hashed => Name::Hashed,
            ContextForm::Table => Name::Table,
            _ => Name::Raw,
        };
        name.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ContextForm, D::Error> {
        Ok(match Name::deserialize(deserializer)? {
            Name::Raw => ContextForm::Raw,
            Name::Hashed => ContextForm::Hashed,
            Name::Table => ContextForm::Table,
        })
    }
}
