//! Statements of a policy, in the JSON that IAM and KMS read.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// A policy document. Its text (`{}`) is JSON, which `aws iam put-role-policy` takes.
///
/// ```
/// use envelope_dynamo::maintain::SchemaFile;
/// use envelope_dynamo::maintain::policy::{PolicyFor, Role};
///
/// # let schema: SchemaFile = r#"{ "envelope-schema": 1, "records": { "User": {
/// #     "table": "users", "form": "raw", "partition_key": { "name": "user_id", "type": "S" },
/// #     "fields": { "email": "encrypted" } } } }"#.parse()?;
/// let policy = PolicyFor::new(Role::Reader, &schema, "users")?
///     .table("arn:aws:dynamodb:eu-central-1:111122223333:table/prod-users")?
///     .key("arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")?
///     .identity_policy()?;
/// assert!(policy.to_string().contains(r#""Version": "2012-10-17""#));
/// let allowed = policy.statements().iter().filter(|statement| !statement.is_deny());
/// let allowed: Vec<_> = allowed.flat_map(|statement| statement.actions()).collect();
/// assert!(allowed.contains(&&"kms:Decrypt") && !allowed.contains(&&"dynamodb:PutItem"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    #[serde(rename = "Statement")]
    statements: Vec<Statement>,
}

impl Policy {
    pub(crate) const fn new(statements: Vec<Statement>) -> Self {
        Self { version: "2012-10-17", statements }
    }

    /// The statements.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?)
    }
}

/// One statement of a [`Policy`].
///
/// ```
/// use envelope_dynamo::maintain::SchemaFile;
/// use envelope_dynamo::maintain::policy::{PolicyFor, Role};
///
/// # let schema: SchemaFile = r#"{ "envelope-schema": 1, "records": { "User": {
/// #     "table": "users", "form": "raw", "partition_key": { "name": "user_id", "type": "S" },
/// #     "fields": { "email": "encrypted" } } } }"#.parse()?;
/// let policy = PolicyFor::new(Role::Reader, &schema, "users")?
///     .table("arn:aws:dynamodb:eu-central-1:111122223333:table/prod-users")?
///     .key("arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")?
///     .identity_policy()?;
/// let decrypts = |actions: &[&str]| actions.contains(&"kms:Decrypt");
/// let statement = policy.statements().iter().find(|statement| decrypts(statement.actions()));
/// assert!(!statement.expect("a reader unwraps data keys").is_deny());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    sid: String,
    effect: Effect,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Principal>,
    action: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_resource: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    condition: BTreeMap<&'static str, BTreeMap<String, Vec<String>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Principal {
    #[serde(rename = "AWS")]
    aws: String,
}

impl Statement {
    pub(crate) fn allow<R: Into<String>>(
        sid: &str,
        actions: &[&'static str],
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self {
            sid: sid.to_owned(),
            effect: Effect::Allow,
            principal: None,
            action: actions.to_vec(),
            resource: resources.into_iter().map(Into::into).collect(),
            not_resource: Vec::new(),
            condition: BTreeMap::new(),
        }
    }

    pub(crate) fn deny(sid: &str, actions: &[&'static str]) -> Self {
        Self::deny_on(sid, actions, ["*"])
    }

    pub(crate) fn deny_on<R: Into<String>>(
        sid: &str,
        actions: &[&'static str],
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self { effect: Effect::Deny, ..Self::allow(sid, actions, resources) }
    }

    /// Denies for every other resource.
    pub(crate) fn deny_elsewhere<R: Into<String>>(
        sid: &str,
        actions: &[&'static str],
        allowed: impl IntoIterator<Item = R>,
    ) -> Self {
        let not_resource: Vec<_> = allowed.into_iter().map(Into::into).collect();
        if not_resource.is_empty() {
            return Self::deny(sid, actions);
        }
        Self { resource: Vec::new(), not_resource, ..Self::deny(sid, actions) }
    }

    /// The same statement of a key policy: about its own key, for one principal.
    pub(crate) fn of_key_policy(mut self, principal: &str) -> Self {
        self.not_resource.clear();
        self.principal = Some(Principal { aws: principal.to_owned() });
        self.resource = vec!["*".to_owned()];
        self
    }

    /// The same statement of a table's policy: about the table, for everybody.
    pub(crate) fn of_table_policy(mut self, table: &str) -> Self {
        self.principal = Some(Principal { aws: "*".to_owned() });
        self.resource = vec![table.to_owned()];
        self
    }

    pub(crate) fn when(
        mut self,
        operator: &'static str,
        key: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.condition.entry(operator).or_default().insert(key.into(), values);
        self
    }

    pub(crate) fn named(mut self, sid: &str) -> Self {
        sid.clone_into(&mut self.sid);
        self
    }

    /// Whether the statement denies.
    #[must_use]
    pub fn is_deny(&self) -> bool {
        self.effect == Effect::Deny
    }

    /// The actions, such as `kms:ReEncryptTo`.
    #[must_use]
    pub fn actions(&self) -> &[&'static str] {
        &self.action
    }

    /// Whether the statement is about this resource.
    pub(crate) fn is_about(&self, resource: &str) -> bool {
        if self.not_resource.is_empty() {
            self.resource.iter().any(|own| own == "*" || own == resource)
        } else {
            !self.not_resource.iter().any(|own| own == resource)
        }
    }
}
