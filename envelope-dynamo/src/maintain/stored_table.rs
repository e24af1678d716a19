//! A table that is known by a schema file alone: whose record an item is, and what it is bound to.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_dynamodb::Client;
use envelope_core::{Context, EncryptionContext};
use sha2::{Digest, Sha256};

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::item::context::bare_context;
use crate::item::group::group_context;
use crate::item::layout::dek_attribute;
use crate::item::unique_value::first_unique;
use crate::maintain::engine::error::Refusal;
use crate::maintain::schema_file::{SchemaFile, SchemaFileError};
use crate::record::field::{Field, Mark};
use crate::record::item_key::record_id;
use crate::record::kind::Kind;
use crate::record::schema::ENCRYPTED_DEK;
use crate::table::claims::Claims;

/// A table whose records a schema file describes.
///
/// This is what maintenance works on: it needs no struct of the program.
///
/// ```
/// use envelope_dynamo::maintain::{SchemaFile, StoredTable};
///
/// # fn example(dynamodb: aws_sdk_dynamodb::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let text = r#"{ "envelope-schema": 1, "records": { "User": {
///     "table": "users", "form": "raw", "partition_key": { "name": "user_id", "type": "S" },
///     "fields": { "email": "encrypted" } } } }"#;
/// let schema: SchemaFile = text.parse()?;
/// let table = StoredTable::new(dynamodb, &schema, "users")?.named("prod-users");
/// assert_eq!((table.logical(), table.name()), ("users", "prod-users"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct StoredTable {
    pub(crate) client: Client,
    pub(crate) name: String,
    logical: &'static str,
    kinds: Vec<Kind>,
    /// DynamoDB's types of the key attributes, where the schema file knows them.
    key_types: BTreeMap<String, String>,
    /// SHA-256 of the schema file, as hexadecimal text.
    schema_digest: String,
    /// The physical table of the claims of unique values.
    claims: Option<String>,
}

impl StoredTable {
    /// The table with the logical name `logical`, which is also its physical name unless
    /// [`named`](Self::named) sets another.
    ///
    /// # Errors
    ///
    /// If the file has no record of that table, or records of it with other key attributes.
    pub fn new(
        client: Client,
        schema: &SchemaFile,
        logical: &str,
    ) -> Result<Self, SchemaFileError> {
        let kinds = schema.kinds_of(logical)?;
        let logical = kinds.first().map_or("", |kind| kind.table);
        Ok(Self::of_kinds(client, schema, logical, kinds))
    }

    /// The table of the records of `kinds`, for a run that knows the types.
    pub(crate) fn of_records(
        client: Client,
        schema: &SchemaFile,
        logical: &'static str,
        kinds: Vec<Kind>,
    ) -> Self {
        Self::of_kinds(client, schema, logical, kinds)
    }

    fn of_kinds(
        client: Client,
        schema: &SchemaFile,
        logical: &'static str,
        kinds: Vec<Kind>,
    ) -> Self {
        let records = schema.records().values().filter(|record| record.table == logical);
        let keys = records.flat_map(|it| std::iter::once(&it.partition_key).chain(&it.sort_key));
        let key_types = keys.filter_map(|key| Some((key.name.clone(), key.scalar.clone()?)));
        let key_types = key_types.collect();
        let digest: [u8; 32] = Sha256::digest(schema.to_string()).into();
        let schema_digest = hex(&digest);
        let name = logical.to_owned();
        Self { client, name, logical, kinds, key_types, schema_digest, claims: None }
    }

    /// Uses the table with the physical name `name`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the physical table of claims, if a record type has `#[searchable(unique)]` fields:
    /// [`reindex`](Self::reindex) claims the values of the records that it changes.
    #[must_use]
    pub fn with_claims(mut self, table: impl Into<String>) -> Self {
        self.claims = Some(table.into());
        self
    }

    /// The claims of records of this kind, if it has unique fields and there is a table of claims.
    pub(crate) fn claims(&self, kind: &Kind) -> Option<Claims<'_>> {
        first_unique(kind)?;
        let (client, records, schema) = (&self.client, &*self.name, kind.schema);
        Some(Claims { client, records, claims: self.claims.as_deref()?, schema })
    }

    /// Refuses a run that would write unique values and could not claim them.
    pub(crate) fn require_claims(&self) -> Result<(), Refusal> {
        let unclaimed = self.kinds.iter().find(|kind| first_unique(kind).is_some());
        match unclaimed.filter(|_| self.claims.is_none()) {
            None => Ok(()),
            Some(kind) => {
                let problem = format!(
                    "`{}` has unique fields, and there is no table of claims: name it with \
                     `with_claims` (the command: `--claims`)",
                    kind.name
                );
                Err(Refusal::Setting { problem })
            }
        }
    }

    /// The logical table name, to which every record is bound.
    #[must_use]
    pub fn logical(&self) -> &str {
        self.logical
    }

    /// The physical table name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The record types of the table, by the names of their structs.
    pub fn entities(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().map(|kind| kind.name)
    }

    /// The KMS encryption contexts of the record in `item`: of its own data key, and by name of the
    /// data key of each group that its struct has.
    ///
    /// # Errors
    ///
    /// If the item fits no record of the schema file, or several, or lacks a key or a pair.
    pub fn encryption_contexts(
        &self,
        item: &Item,
    ) -> Result<Vec<(Option<&'static str>, EncryptionContext)>, Error> {
        let kind = self.kind_of(item)?;
        let groups = std::iter::once(None).chain(kind.schema.groups().into_iter().map(Some));
        let context = |group| {
            let context = key_context(kind, item, group);
            Ok((group, context?.encryption_context()))
        };
        let contexts: Result<_, ErrorKind> = groups.map(context).collect();
        contexts.map_err(|problem| Error::new(record_id(kind, item), problem))
    }

    /// All kinds of records.
    pub(crate) fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// SHA-256 of the schema file as the library writes it, as hexadecimal text.
    pub(crate) fn schema_digest(&self) -> &str {
        &self.schema_digest
    }

    /// The one kind of record that the item is.
    ///
    /// # Errors
    ///
    /// If no kind fits, or several do. The error shows the key only if all kinds show it.
    pub(crate) fn kind_of(&self, item: &Item) -> Result<&Kind, Error> {
        let mut matching = Kind::matching(&self.kinds, item).map(|(_, kind)| kind);
        let problem = match (matching.next(), matching.next()) {
            (Some(kind), None) => return Ok(kind),
            (None, _) => {
                DataError::NoEntity { entities: self.kinds.iter().map(|kind| kind.name).collect() }
            }
            (Some(_), Some(_)) => DataError::SeveralEntities {
                entities: Kind::matching(&self.kinds, item).map(|(_, kind)| kind.name).collect(),
            },
        };
        Err(Error::new(self.id(item), problem))
    }

    /// Whether the item is a record of an unprotected kind, which has no data key.
    ///
    /// # Errors
    ///
    /// If it is one, and has an attribute of sealed data nevertheless.
    pub(crate) fn is_unprotected(&self, item: &Item) -> Result<bool, Error> {
        let Some(kind) = Kind::unprotected_of(&self.kinds, item) else { return Ok(false) };
        match kind.sealed_nevertheless(item) {
            None => Ok(true),
            Some(problem) => Err(Error::new(record_id(kind, item), problem)),
        }
    }

    /// The record in errors, where its kind is not known.
    pub(crate) fn id(&self, item: &Item) -> RecordId {
        let Some((first, others)) = self.kinds.split_first() else {
            return RecordId::of_table(self.logical);
        };
        let agree = others.iter().all(|kind| kind.form == first.form);
        if agree { record_id(first, item) } else { RecordId::of_table(self.logical) }
    }

    /// The key attributes, the partition key first.
    pub(crate) fn key_fields(&self) -> impl Iterator<Item = &'static Field> {
        self.kinds.first().into_iter().flat_map(|kind| kind.schema.keys())
    }

    /// DynamoDB's type of a key attribute: `S`, `N` or `B`; `None` if the schema file does not say.
    pub(crate) fn key_type(&self, name: &str) -> Option<String> {
        self.key_types.get(name).cloned()
    }

    /// The key attributes of `item`.
    pub(crate) fn key(&self, item: &Item) -> Item {
        self.key_fields()
            .filter_map(|field| Some((field.name.to_owned(), item.get(field.name)?.clone())))
            .collect()
    }

    /// The names of the encrypted fields, of all kinds of records.
    pub(crate) fn encrypted_attributes(&self) -> Vec<String> {
        self.attributes_with(&[Mark::Encrypted])
    }

    /// The names of the encrypted and authenticated fields, of all kinds of records.
    pub(crate) fn protected_attributes(&self) -> Vec<String> {
        self.attributes_with(&[Mark::Encrypted, Mark::Authenticated])
    }

    fn attributes_with(&self, marks: &[Mark]) -> Vec<String> {
        let fields = self.kinds.iter().flat_map(|kind| kind.schema.iter());
        let marked = fields.filter(|field| marks.contains(&field.mark));
        marked.flat_map(Field::names).map(str::to_owned).collect()
    }

    /// The attributes that wrapped keys and their contexts need: keys, entity types, pairs, and
    /// every `encrypted_dek`. Sorted, none twice.
    pub(crate) fn context_attributes(&self) -> Vec<String> {
        let mut names = vec![ENCRYPTED_DEK.to_owned()];
        for kind in &self.kinds {
            let bound = kind.schema.iter().filter(|field| {
                let is_part = field.mark == Mark::Key;
                field.mark.is_key()
                    || field.is_discriminator()
                    || (field.in_encryption_context && !is_part)
            });
            names.extend(bound.flat_map(Field::names).map(str::to_owned));
            names.extend(kind.schema.groups().into_iter().map(dek_attribute));
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Bytes as hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for StoredTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredTable")
            .field("name", &self.name)
            .field("logical", &self.logical)
            .field("entities", &self.entities().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The context of a record's own data key, or of a group's.
pub(crate) fn key_context<'i>(
    kind: &Kind,
    item: &'i Item,
    group: Option<&'static str>,
) -> Result<Context<'i>, ErrorKind> {
    match group {
        None => bare_context(kind, item),
        Some(group) => group_context(kind, item, group),
    }
}
