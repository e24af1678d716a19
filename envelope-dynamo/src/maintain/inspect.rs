//! Looks at one stored item, without a key: what is sealed in it, for whom, and what it is bound
//! to.
//!
//! ```
//! use std::collections::HashMap;
//!
//! use aws_sdk_dynamodb::types::AttributeValue;
//! use envelope_dynamo::maintain::SchemaFile;
//! use envelope_dynamo::maintain::inspect::Inspection;
//!
//! let schema: SchemaFile = r#"{ "envelope-schema": 1, "records": { "User": {
//!     "table": "users", "form": "raw", "partition_key": { "name": "user_id", "type": "S" },
//!     "fields": { "email": "encrypted" } } } }"#.parse()?;
//! let item = HashMap::from([("user_id".to_owned(), AttributeValue::S("u_1".into()))]);
//! let inspection = Inspection::of(&item, &schema, "users")?;
//! assert_eq!(inspection.record_type.as_deref(), Some("User"));
//! assert!(!inspection.is_sealed() && inspection.problems.is_empty());
//! let context = inspection.record.encryption_context.unwrap();
//! assert_eq!(context["partition_key"], "u_1"); // as CloudTrail shows it
//! # Ok::<(), envelope_dynamo::maintain::SchemaFileError>(())
//! ```
//!
//! # Security
//!
//! Nothing that is stored is authenticated here: headers, hints and names are claims of whoever can
//! write the table. An inspection holds the values of the encryption context, and no other value of
//! the item.

mod search_tags;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{
    BranchVersion, EncryptedDek, FormatError, KeyKind, KmsKeyHint, UntrustedPayload, WrappedKey,
};
use serde::Serialize;

use crate::convert::type_name;
use crate::dynamodb::Item;
use crate::item::layout::{dek_attribute, payload_attribute};
use crate::item::size::item_bytes;
use crate::keys::kms::arn::KeyName;
use crate::maintain::schema_file::{SchemaFile, SchemaFileError};
use crate::maintain::stored_table::key_context;
use crate::record::kind::Kind;
use crate::record::schema::{ENCRYPTED_DEK, ENCRYPTED_PAYLOAD};

/// What a stored item says about itself.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::maintain::SchemaFile;
/// use envelope_dynamo::maintain::inspect::Inspection;
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, to_item};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// // An item that does not open. What is wrong with it?
/// let mut item = to_item(&zoe, &TestKeyProvider::default()).await?;
/// item.remove("encrypted_dek");
/// let schema = SchemaFile::new().with::<User>();
/// let inspection = Inspection::of(&item, &schema, "users")?;
/// assert_eq!(inspection.record_type.as_deref(), Some("User"));
/// assert!(inspection.record.payload.is_some());
/// assert_eq!(inspection.problems[0].attribute, "encrypted_dek");
/// assert_eq!(inspection.problems[0].problem, "is missing, and `encrypted_payload` is there");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// The logical name of the table.
    pub table: String,
    /// The struct whose record the item is, by the schema file.
    pub record_type: Option<String>,
    /// Whether that struct is `unprotected`. Then nothing in the item is secret or authentic.
    pub unprotected: bool,
    /// The size of the item as DynamoDB counts it.
    pub bytes: usize,
    /// How many attributes the item has.
    pub attributes: usize,
    /// The record's own sealed fields.
    pub record: SealedPart,
    /// The groups that the schema file, the item or the payload names.
    pub groups: BTreeMap<String, SealedPart>,
    /// The search tags that the payload lists or the item has. Each with its generation, in
    /// hexadecimal digits, if the item has the tag: the version of the search key and the
    /// definition.
    pub search_tags: BTreeMap<String, Option<String>>,
    /// What is wrong, each with the attribute.
    pub problems: Vec<Problem>,
}

/// The sealed fields of a record, or of one of its groups, and their data key.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::maintain::SchemaFile;
/// use envelope_dynamo::maintain::inspect::{Inspection, SealedPart};
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, to_item};
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
/// # let (email, plan) = ("zoe@example.com".into(), "pro".into());
/// # let zoe = User { user_id: "u_1".into(), email, plan };
/// let item = to_item(&zoe, &TestKeyProvider::default()).await?;
/// let inspection = Inspection::of(&item, &SchemaFile::new().with::<User>(), "users")?;
/// let part: &SealedPart = &inspection.record;
/// let payload = part.payload.as_ref().expect("it is sealed");
/// assert_eq!(payload.authenticated, ["plan"]); // a change of the plan would show
/// assert_eq!(part.wrapped_keys.as_ref().map(|keys| keys.form.as_str()), Some("raw"));
/// // What CloudTrail shows of each call for this record.
/// let context = part.encryption_context.as_ref().expect("the item has its key");
/// assert_eq!((context["table"].as_str(), context["partition_key"].as_str()), ("users", "u_1"));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SealedPart {
    /// The header of the payload, if there is one.
    pub payload: Option<PayloadHeader>,
    /// The wrapped data key, if there is one.
    pub wrapped_keys: Option<WrappedKeys>,
    /// The pairs that KMS binds the data key to, as CloudTrail shows them. In the hashed form the
    /// keys are digests.
    pub encryption_context: Option<BTreeMap<String, String>>,
}

/// What is readable of `encrypted_payload`, in a [`SealedPart`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PayloadHeader {
    /// The version of the layout.
    pub version: u8,
    /// The cryptographic suite.
    pub suite: u8,
    /// The size of the whole payload.
    pub bytes: usize,
    /// The attributes that the payload lists as authenticated.
    pub authenticated: Vec<String>,
    /// Those of them that the item does not have. They may be bound as absent.
    pub absent: Vec<String>,
}

/// What is readable of `encrypted_dek`, in a [`SealedPart`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::maintain::SchemaFile;
/// use envelope_dynamo::maintain::inspect::{Inspection, WrappedKeys};
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, to_item};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// # let item = to_item(&zoe, &TestKeyProvider::default()).await?;
/// let inspection = Inspection::of(&item, &SchemaFile::new().with::<User>(), "users")?;
/// let keys: &WrappedKeys = inspection.record.wrapped_keys.as_ref().expect("it is sealed");
/// // Which keys can open the record? In production, no entry should be `local`.
/// let kinds: Vec<_> = keys.entries.iter().map(|entry| entry.kind.as_str()).collect();
/// assert_eq!(kinds, ["local"]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WrappedKeys {
    /// The version of the layout.
    pub version: u8,
    /// The form of the encryption context: `raw`, `hashed` or `table`.
    pub form: String,
    /// The size of the attribute.
    pub bytes: usize,
    /// One entry for each key that can unwrap the data key.
    pub entries: Vec<Entry>,
}

/// One wrapping of a data key, in [`WrappedKeys`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// `aws-kms`, `branch`, `rsa-oaep`, `local`, or `kind` and a number.
    pub kind: String,
    /// The id of the entry, in hexadecimal digits.
    pub id: String,
    /// The version of the branch key, if the entry is under one.
    pub branch_version: Option<String>,
    /// Whether the entry names the key material of a KMS key.
    pub names_material: bool,
    /// The size of the wrapped key.
    pub bytes: usize,
    /// The KMS keys of [`Inspection::compare_with`] whose hint this entry has.
    pub fits: Vec<String>,
}

/// Something that is wrong with an item, in an [`Inspection`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The attribute.
    pub attribute: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Inspection {
    /// Looks at an item of the table with the logical name `logical`.
    ///
    /// # Errors
    ///
    /// If the schema file has no record of the table. What is wrong with the item is no error, and
    /// is in [`problems`](Self::problems).
    pub fn of(item: &Item, schema: &SchemaFile, logical: &str) -> Result<Self, SchemaFileError> {
        let kinds = schema.kinds_of(logical)?;
        let mut look = Look { item, problems: Vec::new() };
        let kind = look.kind(&kinds);
        let mut record = look.part(ENCRYPTED_PAYLOAD, ENCRYPTED_DEK);
        if let Some(problem) =
            kind.filter(|kind| kind.unprotected).and_then(|kind| kind.sealed_nevertheless(item))
        {
            look.problem("", problem);
        }
        record.encryption_context = look.context(kind, None, &record);
        let mut groups = BTreeMap::new();
        for name in look.group_names(kind, &record) {
            let part = look.group(kind, &name, &record);
            groups.insert(name, part);
        }
        let search_tags = look.search_tags(&record);
        Ok(Self {
            table: logical.to_owned(),
            record_type: kind.map(|kind| kind.name.to_owned()),
            unprotected: kind.is_some_and(|kind| kind.unprotected),
            bytes: item_bytes(item),
            attributes: item.len(),
            record,
            groups,
            search_tags,
            problems: look.problems,
        })
    }

    /// Whether the item has sealed fields.
    #[must_use]
    pub const fn is_sealed(&self) -> bool {
        self.record.payload.is_some() || self.record.wrapped_keys.is_some()
    }

    /// Notes at each entry whether its hint is that of a KMS key. The answer is `false` if `key` is
    /// neither the ARN nor the id of a key: an alias does not tell which key it names.
    ///
    /// # Security
    ///
    /// A hint has 4 bytes and is not authenticated. That it fits does not prove that the key
    /// unwraps.
    pub fn compare_with(&mut self, key: &str) -> bool {
        let Some(hint) = KeyName::new(key.to_owned()).hint() else { return false };
        let parts = std::iter::once(&mut self.record).chain(self.groups.values_mut());
        let entries = parts.filter_map(|part| part.wrapped_keys.as_mut());
        for entry in entries.flat_map(|keys| &mut keys.entries) {
            if entry.kind == name_of(KeyKind::AWS_KMS) && entry.fits_hint(hint) {
                entry.fits.push(key.to_owned());
            }
        }
        true
    }
}

impl Entry {
    fn of(wrapped: &WrappedKey) -> Self {
        let (kind, id) = (wrapped.kind(), wrapped.id());
        let version = <[u8; 16]>::try_from(id).ok().filter(|_| kind == KeyKind::BRANCH);
        let kms = KmsKeyHint::parse(id).filter(|_| kind == KeyKind::AWS_KMS);
        Self {
            kind: name_of(kind),
            id: hexadecimal(id),
            branch_version: version.map(|bytes| BranchVersion::from_bytes(bytes).to_string()),
            names_material: kms.is_some_and(|hint| hint.material().is_some()),
            bytes: wrapped.bytes().len(),
            fits: Vec::new(),
        }
    }

    fn fits_hint(&self, hint: KmsKeyHint) -> bool {
        let is_whole = self.id.len() == 2 * KmsKeyHint::BYTES;
        is_whole && self.id.starts_with(&hexadecimal(&hint.key()))
    }
}

/// The item, and what was found wrong so far.
struct Look<'i> {
    item: &'i Item,
    problems: Vec<Problem>,
}

impl<'i> Look<'i> {
    fn problem(&mut self, attribute: &str, problem: impl ToString) {
        let (attribute, problem) = (attribute.to_owned(), problem.to_string());
        self.problems.push(Problem { attribute, problem });
    }

    /// The one kind of record that the item is.
    fn kind<'k>(&mut self, kinds: &'k [Kind]) -> Option<&'k Kind> {
        let fitting: Vec<_> = Kind::matching(kinds, self.item).map(|(_, kind)| kind).collect();
        match fitting.as_slice() {
            [kind] => return Some(kind),
            [] => {
                for kind in kinds {
                    let attribute = kind.schema.discriminators().next().map_or("", |it| it.name);
                    if let Some(mismatch) = kind.mismatch(self.item) {
                        self.problem(attribute, mismatch);
                    }
                }
            }
            several => {
                let names: Vec<_> = several.iter().map(|kind| kind.name).collect();
                self.problem("", format!("the item fits several records: {}", names.join(", ")));
            }
        }
        None
    }

    fn part(&mut self, payload: &str, dek: &str) -> SealedPart {
        let (has_payload, has_dek) = (self.item.contains_key(payload), self.item.contains_key(dek));
        if has_payload != has_dek {
            let (there, missing) = if has_payload { (payload, dek) } else { (dek, payload) };
            self.problem(missing, format!("is missing, and `{there}` is there"));
        }
        SealedPart {
            payload: self.payload(payload),
            wrapped_keys: self.wrapped_keys(dek),
            encryption_context: None,
        }
    }

    /// The bytes of an attribute, if it has the type B.
    fn bytes(&mut self, name: &str) -> Option<&'i [u8]> {
        match self.item.get(name)? {
            AttributeValue::B(bytes) => Some(bytes.as_ref()),
            other => {
                self.problem(name, format!("has the type {} in place of B", type_name(other)));
                None
            }
        }
    }

    fn payload(&mut self, name: &str) -> Option<PayloadHeader> {
        let bytes = self.bytes(name)?;
        let authenticated = match UntrustedPayload::parse(bytes.to_vec()) {
            Ok(payload) => payload.authenticated_names().to_vec(),
            Err(error) => {
                self.malformed(name, &error);
                Vec::new()
            }
        };
        let absent =
            authenticated.iter().filter(|name| !self.item.contains_key(*name)).cloned().collect();
        let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
        Some(PayloadHeader {
            version: byte(0),
            suite: byte(1),
            bytes: bytes.len(),
            authenticated,
            absent,
        })
    }

    fn wrapped_keys(&mut self, name: &str) -> Option<WrappedKeys> {
        let bytes = self.bytes(name)?;
        let dek = match EncryptedDek::parse(bytes) {
            Ok(dek) => dek,
            Err(error) => {
                self.malformed(name, &error);
                return None;
            }
        };
        for wrapped in dek.keys() {
            let is_short = match wrapped.kind() {
                KeyKind::AWS_KMS => KmsKeyHint::parse(wrapped.id()).is_none(),
                KeyKind::BRANCH => wrapped.id().len() != 16,
                _ => false,
            };
            if is_short {
                let kind = name_of(wrapped.kind());
                let length = wrapped.id().len();
                self.problem(
                    name,
                    format!("has an entry of kind {kind} with an id of {length} bytes"),
                );
            }
        }
        Some(WrappedKeys {
            version: bytes.first().copied().unwrap_or_default(),
            form: dek.form().to_string(),
            bytes: bytes.len(),
            entries: dek.keys().iter().map(Entry::of).collect(),
        })
    }

    fn malformed(&mut self, name: &str, error: &FormatError) {
        self.problem(name, format!("cannot be parsed: {error}"));
    }

    /// The pairs that KMS sees; `None` if the item does not have what they are made of.
    fn context(
        &mut self,
        kind: Option<&Kind>,
        group: Option<&'static str>,
        part: &SealedPart,
    ) -> Option<BTreeMap<String, String>> {
        let kind = kind.filter(|kind| !kind.unprotected)?;
        let attribute = group.map_or_else(|| ENCRYPTED_DEK.to_owned(), dek_attribute);
        if let Some(keys) = &part.wrapped_keys
            && keys.form != kind.form.to_string()
        {
            let (stored, known) = (&keys.form, kind.form);
            self.problem(
                &attribute,
                format!("names the context form {stored}, and the schema file {known}"),
            );
        }
        match key_context(kind, self.item, group) {
            Ok(context) => {
                let pairs = context.encryption_context();
                let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
                Some(pairs.pairs().map(owned).collect())
            }
            Err(error) => {
                if group.is_none() {
                    self.problem("", format!("no encryption context: {error}"));
                }
                None
            }
        }
    }

    /// The groups of the schema, of the item's attributes, and of the payload's list.
    fn group_names(&self, kind: Option<&Kind>, record: &SealedPart) -> BTreeSet<String> {
        let of_schema = kind.map(|kind| kind.schema.groups()).unwrap_or_default();
        let listed = record.payload.iter().flat_map(|payload| &payload.authenticated);
        let prefixes = [payload_attribute(""), dek_attribute("")];
        let named = self.item.keys().chain(listed).filter_map(|name| {
            prefixes.iter().find_map(|prefix| name.strip_prefix(prefix.as_str()))
        });
        of_schema.into_iter().chain(named).map(str::to_owned).collect()
    }

    fn group(&mut self, kind: Option<&Kind>, name: &str, record: &SealedPart) -> SealedPart {
        let (payload, dek) = (payload_attribute(name), dek_attribute(name));
        let is_listed =
            record.payload.as_ref().is_some_and(|record| record.authenticated.contains(&payload));
        let is_there = self.item.contains_key(&payload) || self.item.contains_key(&dek);
        let mut part = self.part(&payload, &dek);
        match (is_listed, is_there) {
            (true, false) => {
                self.problem(&payload, "is missing, and the record's payload lists it")
            }
            (false, true) => {
                self.problem(&payload, "is not in the list of the record's payload: it was added");
            }
            (true, true) | (false, false) => {}
        }
        if part.payload.as_ref().is_some_and(|payload| !payload.authenticated.is_empty()) {
            self.problem(&payload, "lists authenticated attributes, which a group does not have");
        }
        let known =
            kind.and_then(|kind| kind.schema.groups().into_iter().find(|known| *known == name));
        match (kind, known) {
            (Some(_), Some(known)) => {
                part.encryption_context = self.context(kind, Some(known), &part);
            }
            (Some(kind), None) => {
                let entity = kind.name;
                self.problem(
                    &dek,
                    format!("belongs to a group that the schema of `{entity}` lacks"),
                );
            }
            (None, _) => {}
        }
        part
    }
}

fn name_of(kind: KeyKind) -> String {
    format!("{kind:?}")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
