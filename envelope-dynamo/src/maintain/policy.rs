//! The IAM policy of each role around a table, made from the schema file and the ARNs.
//!
//! ```
//! use envelope_dynamo::maintain::SchemaFile;
//! use envelope_dynamo::maintain::policy::{Policy, PolicyFor, Role};
//!
//! # let schema: SchemaFile = r#"{ "envelope-schema": 1, "records": { "User": {
//! #     "table": "users", "form": "raw", "partition_key": { "name": "user_id", "type": "S" },
//! #     "fields": { "email": "encrypted" } } } }"#.parse()?;
//! let table = "arn:aws:dynamodb:eu-central-1:111122223333:table/prod-users";
//! let key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
//! let [writer, reader] = [Role::Writer, Role::Reader].map(|role| {
//!     PolicyFor::new(role, &schema, "users")?.table(table)?.key(key)?.identity_policy()
//! });
//! let (writer, reader) = (writer?, reader?);
//! let allows = |policy: &Policy, action| {
//!     let allowed = policy.statements().iter().filter(|statement| !statement.is_deny());
//!     allowed.flat_map(|statement| statement.actions()).any(|allowed| *allowed == action)
//! };
//! // Whoever takes over the service that writes records cannot read older ones.
//! assert!(allows(&writer, "kms:GenerateDataKey") && !allows(&writer, "kms:Decrypt"));
//! assert!(allows(&reader, "kms:Decrypt") && !allows(&reader, "kms:GenerateDataKey"));
//! println!("{writer}"); // for `aws iam put-role-policy`
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arns;
mod attributes;
mod claims;
mod guard;
mod key_policy;
mod roles;
mod statement;

use std::collections::BTreeMap;
use std::fmt;

use crate::keys::key_table::purpose::Purpose;
use crate::maintain::policy::arns::{ResourceArn, key_arn};
use crate::maintain::policy::attributes::Attributes;
use crate::maintain::{RecordSchema, SchemaFile};

pub use crate::maintain::policy::guard::guard;
pub use crate::maintain::policy::statement::{Policy, Statement};

/// The logical name of the table of branch keys, if no other is given.
const BRANCH_KEYS: &str = "branch-keys";

/// The logical name of the table of search keys, if no other is given.
const SEARCH_KEYS: &str = "search-keys";

/// Who works with a table, and so which permissions are needed.
///
/// ```
/// use envelope_dynamo::maintain::policy::Role;
///
/// let role = Role::ALL.into_iter().find(|role| role.name() == "branch-operator");
/// assert_eq!(role, Some(Role::BranchOperator));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Writes records. It cannot read what it wrote, except under branch keys.
    Writer,
    /// Reads records.
    Reader,
    /// Moves data keys to another KMS key, and opens no record.
    Rotator,
    /// Counts what stands under which key, which search tags are not current, and what they reveal.
    /// Opens no record unless [`opens_records`](PolicyFor::opens_records) is set.
    Auditor,
    /// Gives records a new data key, and so opens them. It may name the attributes of the schema
    /// file alone: a record that authenticates another attribute, which an earlier struct had,
    /// fails by name.
    Resealer,
    /// Seals the items of a table that are not sealed, and so reads them. It opens no sealed record
    /// unless [`opens_records`](PolicyFor::opens_records) is set, or branch keys are used. It may
    /// change the attributes of the schema file alone.
    Backfill,
    /// Gives records current search tags, and counts those that have not. So it opens records, and
    /// holds the search key. It may name the attributes of the schema file alone.
    Reindexer,
    /// Creates, rotates, moves and deletes branch keys, and never sees one.
    BranchOperator,
    /// Creates, rotates, retires, moves and deletes search keys, and never sees one.
    SearchOperator,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 9] = [
        Self::Writer,
        Self::Reader,
        Self::Rotator,
        Self::Auditor,
        Self::Resealer,
        Self::Backfill,
        Self::Reindexer,
        Self::BranchOperator,
        Self::SearchOperator,
    ];

    /// The name, as the command line has it: `branch-operator`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Writer => "writer",
            Self::Reader => "reader",
            Self::Rotator => "rotator",
            Self::Auditor => "auditor",
            Self::Resealer => "resealer",
            Self::Backfill => "backfill",
            Self::Reindexer => "reindexer",
            Self::BranchOperator => "branch-operator",
            Self::SearchOperator => "search-operator",
        }
    }

    /// Whether the role moves wrapped keys or makes new ones from a key to another.
    const fn moves(self) -> bool {
        matches!(self, Self::Rotator | Self::Resealer)
    }
}

/// The facts from which the policy of a [`Role`] is made.
///
/// ```
/// use envelope_dynamo::maintain::SchemaFile;
/// use envelope_dynamo::maintain::policy::{PolicyFor, Role};
///
/// let schema: SchemaFile = r#"{ "envelope-schema": 1, "records": { "User": {
///     "table": "users", "form": "raw", "partition_key": { "name": "user_id", "type": "S" },
///     "fields": { "email": "encrypted" } } } }"#.parse()?;
/// let key = |id| format!("arn:aws:kms:eu-central-1:111122223333:key/{id}");
/// let policy = PolicyFor::new(Role::Rotator, &schema, "users")?
///     .table("arn:aws:dynamodb:eu-central-1:111122223333:table/prod-users")?
///     .from_key(&key("1234abcd-12ab-34cd-56ef-1234567890ab"))?
///     .to_key(&key("5678dcba-12ab-34cd-56ef-1234567890ab"))?
///     .identity_policy()?;
/// let denied = policy.statements().iter().filter(|statement| statement.is_deny());
/// assert_eq!(denied.count(), 2, "Decrypt, and ReEncryptTo to any other key");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Security
///
/// The policies allow what the commands need, and deny what a role must never have, so that another
/// policy of the same role cannot add it. They rest on what AWS documents of its condition keys;
/// AWS itself was not tried. Nobody should be both rotator and reader of distrusting tenants:
/// `ReEncrypt` can change the encryption context, and no condition compares the two contexts.
#[derive(Clone, Debug)]
pub struct PolicyFor {
    role: Role,
    logical: String,
    attributes: Attributes,
    /// Pairs that every request to KMS for a record must have.
    pinned: BTreeMap<String, String>,
    /// The pairs that the contexts of all records have, by name.
    pairs: Vec<String>,
    table: Option<ResourceArn>,
    keys: Vec<String>,
    from: Vec<String>,
    to: Vec<String>,
    branch_keys: Option<TableOfKeys>,
    search_keys: Option<TableOfKeys>,
    /// The KMS keys that wrap the search keys.
    search_kms_keys: Vec<String>,
    claims: Option<ResourceArn>,
    opens: bool,
    expects_sealed: bool,
    leaves_tags_out: bool,
}

/// The table of branch keys, or of search keys.
#[derive(Clone, Debug)]
struct TableOfKeys {
    table: ResourceArn,
    logical: String,
    purpose: Purpose,
}

impl PolicyFor {
    /// The role, for the table with the logical name `logical` of a schema file.
    ///
    /// # Errors
    ///
    /// If the file has no record of that table.
    pub fn new(role: Role, schema: &SchemaFile, logical: &str) -> Result<Self, PolicyError> {
        let records: Vec<_> =
            schema.records().values().filter(|record| record.table == logical).collect();
        if records.is_empty() {
            return Err(PolicyError(format!(
                "the schema has no record of a table with the logical name `{logical}`"
            )));
        }
        Ok(Self {
            logical: logical.to_owned(),
            attributes: Attributes::of(&records),
            pinned: common(&records),
            pairs: common_pairs(&records),
            ..Self::bare(role)
        })
    }

    /// The policy of the operator of branch keys, which needs no schema.
    #[must_use]
    pub fn branch_operator() -> Self {
        Self::bare(Role::BranchOperator)
    }

    /// The policy of the operator of search keys, which needs no schema.
    #[must_use]
    pub fn search_operator() -> Self {
        Self::bare(Role::SearchOperator)
    }

    fn bare(role: Role) -> Self {
        Self {
            role,
            logical: String::new(),
            attributes: Attributes::default(),
            pinned: BTreeMap::new(),
            pairs: Vec::new(),
            table: None,
            keys: Vec::new(),
            from: Vec::new(),
            to: Vec::new(),
            branch_keys: None,
            search_keys: None,
            search_kms_keys: Vec::new(),
            claims: None,
            opens: false,
            expects_sealed: false,
            leaves_tags_out: false,
        }
    }

    /// The ARN of the table.
    ///
    /// # Errors
    ///
    /// If it is not the ARN of a DynamoDB table.
    pub fn table(mut self, arn: &str) -> Result<Self, PolicyError> {
        self.table = Some(ResourceArn::table(arn)?);
        Ok(self)
    }

    /// Adds a KMS key that the role uses: the one that wraps the data keys, or the branch keys.
    ///
    /// # Errors
    ///
    /// If it is not the ARN of a KMS key. An alias is no resource of an IAM policy.
    pub fn key(mut self, arn: &str) -> Result<Self, PolicyError> {
        self.keys.push(key_arn(arn)?);
        Ok(self)
    }

    /// Adds a KMS key from which wrapped keys are moved.
    ///
    /// # Errors
    ///
    /// As [`key`](Self::key).
    pub fn from_key(mut self, arn: &str) -> Result<Self, PolicyError> {
        self.from.push(key_arn(arn)?);
        Ok(self)
    }

    /// Adds a KMS key to which wrapped keys are moved, or under which new ones are made.
    ///
    /// # Errors
    ///
    /// As [`key`](Self::key).
    pub fn to_key(mut self, arn: &str) -> Result<Self, PolicyError> {
        self.to.push(key_arn(arn)?);
        Ok(self)
    }

    /// The table of branch keys, if the records are under branch keys.
    ///
    /// `logical` is its logical name, `branch-keys` if `None`.
    ///
    /// # Errors
    ///
    /// If `arn` is not the ARN of a DynamoDB table.
    pub fn branch_keys(mut self, arn: &str, logical: Option<&str>) -> Result<Self, PolicyError> {
        self.branch_keys = Some(TableOfKeys {
            table: ResourceArn::table(arn)?,
            logical: logical.unwrap_or(BRANCH_KEYS).to_owned(),
            purpose: Purpose::Branch,
        });
        Ok(self)
    }

    /// The table of search keys, for a role that searches, or that writes searchable fields. A
    /// reader by primary key does not need it.
    ///
    /// `logical` is its logical name, `search-keys` if `None`.
    ///
    /// # Errors
    ///
    /// If `arn` is not the ARN of a DynamoDB table.
    pub fn search_keys(mut self, arn: &str, logical: Option<&str>) -> Result<Self, PolicyError> {
        self.search_keys = Some(TableOfKeys {
            table: ResourceArn::table(arn)?,
            logical: logical.unwrap_or(SEARCH_KEYS).to_owned(),
            purpose: Purpose::Search,
        });
        Ok(self)
    }

    /// Adds a KMS key that wraps the search keys. It should wrap nothing else.
    ///
    /// # Errors
    ///
    /// As [`key`](Self::key).
    pub fn search_kms_key(mut self, arn: &str) -> Result<Self, PolicyError> {
        self.search_kms_keys.push(key_arn(arn)?);
        Ok(self)
    }

    /// The table of claims, for a role that writes `#[searchable(unique)]` fields, or that reads
    /// records by them.
    ///
    /// # Errors
    ///
    /// If `arn` is not the ARN of a DynamoDB table.
    ///
    /// # Security
    ///
    /// A writer also gets `GetItem` on the table of records, for their keys and the search tags of
    /// unique fields. AWS does not document that every `GetItem` of a whole item has the condition
    /// key `dynamodb:Select`. Where it has not, a writer can read stored items as they are. It
    /// still cannot open them.
    pub fn claims(mut self, arn: &str) -> Result<Self, PolicyError> {
        self.claims = Some(ResourceArn::table(arn)?);
        Ok(self)
    }

    /// Requires a pair of the encryption context, so that the role works for one tenant alone.
    ///
    /// # Errors
    ///
    /// If the contexts of the table do not all have the pair: the role could do nothing.
    pub fn pinned(mut self, name: &str, value: &str) -> Result<Self, PolicyError> {
        if !self.pairs.iter().any(|pair| pair == name) {
            return Err(PolicyError(format!(
                "the encryption contexts of this table do not all have the pair `{name}`; they have \
                 {}",
                shown(&self.pairs)
            )));
        }
        self.pinned.insert(name.to_owned(), value.to_owned());
        Ok(self)
    }

    /// Lets an auditor open records, for `coverage --open`; and a backfill, for fields of records
    /// that are sealed already.
    #[must_use]
    pub const fn opens_records(mut self, opens: bool) -> Self {
        self.opens = opens;
        self
    }

    /// Lets an auditor look for plaintext, for `coverage --expect-sealed`: it may read the
    /// attributes of encrypted and authenticated fields, and list the backups, exports and streams
    /// of the table.
    ///
    /// # Security
    ///
    /// As long as items are plain, this auditor can read the fields that will be encrypted.
    #[must_use]
    pub const fn expects_sealed(mut self, expects: bool) -> Self {
        self.expects_sealed = expects;
        self
    }

    /// Denies a writer the search keys, for [`Table::without_search_tags`]: it may not unwrap what
    /// is under the KMS keys of [`search_kms_key`](Self::search_kms_key).
    ///
    /// # Security
    ///
    /// The KMS key must wrap search keys alone, and not the data keys or branch keys that the
    /// writer uses.
    ///
    /// [`Table::without_search_tags`]: crate::Table::without_search_tags
    #[must_use]
    pub const fn without_search_tags(mut self, leaves_out: bool) -> Self {
        self.leaves_tags_out = leaves_out;
        self
    }

    /// The policy to attach to the role.
    ///
    /// # Errors
    ///
    /// If a table or a key that the role needs was not given. The message names it.
    pub fn identity_policy(&self) -> Result<Policy, PolicyError> {
        self.check()?;
        Ok(Policy::new(roles::statements(self)))
    }

    /// The statements about the key `arn` to add to its key policy, for the role `principal`.
    ///
    /// KMS needs them if the key policy does not let IAM policies of the account decide, or if the
    /// key belongs to another account. What they deny also beats grants.
    ///
    /// # Errors
    ///
    /// As [`identity_policy`](Self::identity_policy), and if the role does not use the key.
    pub fn key_policy(&self, arn: &str, principal: &str) -> Result<Policy, PolicyError> {
        self.check()?;
        let arn = key_arn(arn)?;
        if !principal.starts_with("arn:") {
            return Err(PolicyError(format!(
                "the principal `{principal}` is not an ARN, such as \
                 arn:aws:iam::111122223333:role/{}",
                self.role.name()
            )));
        }
        let statements = key_policy::statements(self, &arn, principal);
        if statements.is_empty() {
            return Err(PolicyError(format!(
                "the {} does not use the key {arn}",
                self.role.name()
            )));
        }
        Ok(Policy::new(statements))
    }

    fn check(&self) -> Result<(), PolicyError> {
        let role = self.role.name();
        let needs = |what: &str| Err(PolicyError(format!("the policy of the {role} needs {what}")));
        if self.role == Role::BranchOperator {
            if self.branch_keys.is_none() {
                return needs("the ARN of the table of branch keys");
            }
            if self.keys.is_empty() && self.to.is_empty() {
                return needs("the ARN of the KMS key that wraps the branch keys");
            }
        } else if self.role == Role::SearchOperator {
            if self.search_keys.is_none() {
                return needs("the ARN of the table of search keys");
            }
        } else if self.table.is_none() {
            return needs("the ARN of the table");
        }
        if self.role.moves() && (self.from.is_empty() || self.to.is_empty()) {
            let branches = self.role == Role::Resealer && self.branch_keys.is_some();
            if !branches || self.keys.is_empty() {
                return needs("the ARNs of the KMS key to move from and of the key to move to");
            }
        }
        let uses_keys = matches!(
            self.role,
            Role::Writer | Role::Reader | Role::Auditor | Role::Backfill | Role::Reindexer
        );
        if uses_keys && self.keys.is_empty() {
            return needs("the ARN of the KMS key");
        }
        if self.search_keys.is_some() && self.search_kms_keys.is_empty() {
            return needs("the ARN of the KMS key that wraps the search keys");
        }
        if self.role == Role::Reindexer && self.search_keys.is_none() {
            return needs("the ARN of the table of search keys");
        }
        let searches =
            matches!(self.role, Role::Writer | Role::Reader | Role::Backfill | Role::Reindexer);
        if self.search_keys.is_some() && !searches && self.role != Role::SearchOperator {
            return Err(PolicyError(format!("the {role} does not use search keys")));
        }
        if self.leaves_tags_out {
            self.check_leaves_tags_out()?;
        } else if self.search_keys.is_none() && !self.search_kms_keys.is_empty() {
            return needs("the ARN of the table of search keys");
        }
        claims::check(self)?;
        if let Some(key) = self.from.iter().find(|key| self.to.contains(key)) {
            return Err(PolicyError(format!("{key} is both the key to move from and the one to")));
        }
        Ok(())
    }
}

impl PolicyFor {
    fn check_leaves_tags_out(&self) -> Result<(), PolicyError> {
        if self.role != Role::Writer {
            let role = self.role.name();
            return Err(PolicyError(format!(
                "only a writer leaves search tags out, and no {role}"
            )));
        }
        if self.search_keys.is_some() {
            let problem = "a writer that leaves search tags out uses no table of search keys";
            return Err(PolicyError(problem.to_owned()));
        }
        if self.search_kms_keys.is_empty() {
            let problem = "name the KMS key that wraps the search keys, which is denied to a \
                           writer that leaves search tags out";
            return Err(PolicyError(problem.to_owned()));
        }
        match self.search_kms_keys.iter().find(|key| self.keys.contains(key)) {
            Some(key) => Err(PolicyError(format!(
                "{key} wraps the search keys, which are denied to this writer, and also keys that \
                 it uses: give the search keys a KMS key of their own"
            ))),
            None => Ok(()),
        }
    }
}

/// The constant pairs that all records have, with the same values.
fn common(records: &[&RecordSchema]) -> BTreeMap<String, String> {
    let Some((first, others)) = records.split_first() else { return BTreeMap::new() };
    let mut common = first.context.clone();
    common.retain(|name, value| {
        others.iter().all(|record| record.context.get(name) == Some(&*value))
    });
    common
}

/// The names of the pairs that all records have.
fn common_pairs(records: &[&RecordSchema]) -> Vec<String> {
    let Some((first, others)) = records.split_first() else { return Vec::new() };
    let has = |record: &RecordSchema, name: &String| {
        record.pairs.contains(name) || record.context.contains_key(name)
    };
    let names = first.pairs.iter().chain(first.context.keys());
    names.filter(|name| others.iter().all(|record| has(record, name))).cloned().collect()
}

fn shown(names: &[String]) -> String {
    if names.is_empty() {
        return "none but the table and the keys".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The facts for a policy are not complete, or not what they should be.
///
/// ```
/// use envelope_dynamo::maintain::SchemaFile;
/// use envelope_dynamo::maintain::policy::{PolicyFor, Role};
///
/// # let schema: SchemaFile = r#"{ "envelope-schema": 1, "records": { "User": {
/// #     "table": "users", "form": "raw", "partition_key": { "name": "user_id", "type": "S" },
/// #     "fields": { "email": "encrypted" } } } }"#.parse()?;
/// let error = PolicyFor::new(Role::Reader, &schema, "letters").unwrap_err();
/// assert!(error.to_string().contains("letters"), "the schema file has no such table");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError(String);

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PolicyError {}
