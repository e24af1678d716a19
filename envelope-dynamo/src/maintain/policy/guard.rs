//! The policy of a table that denies writes to all but named roles.

use std::collections::BTreeSet;

use crate::maintain::policy::PolicyError;
use crate::maintain::policy::arns::{ResourceArn, role_arn};
use crate::maintain::policy::statement::{Policy, Statement};

/// DynamoDB refuses a larger policy, and counts its white space.
const MAX_BYTES: usize = 20 * 1024;

/// What stores an item, or an attribute of it, other than an update. A `TransactWriteItems` needs
/// the permission of each of its actions.
const STORES: [&str; 4] = [
    "dynamodb:BatchWriteItem",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
];

const UPDATES: &str = "dynamodb:UpdateItem";

/// The guard of a table that is taken in: the policy of the table itself (a resource-based policy),
/// which denies every write to all roles but `writers`.
///
/// `writers` are the roles that seal records: they may make data keys. `updaters` may only update
/// items. Give them an identity policy that lists the plaintext attributes which they change: the
/// guard does not look at attributes.
///
/// Deletions are not denied, because they store nothing. The replication of DynamoDB's global
/// tables is never denied: AWS turns a replica whose replication is denied for 20 hours into a
/// table of its own, and nothing undoes that.
///
/// ```
/// use envelope_dynamo::maintain::policy::guard;
///
/// let policy = guard(
///     "arn:aws:dynamodb:eu-central-1:111122223333:table/prod-users",
///     &["arn:aws:iam::111122223333:role/users-service"],
///     &[],
/// )?;
/// assert!(policy.statements().iter().all(|statement| statement.is_deny()));
/// # Ok::<(), envelope_dynamo::maintain::policy::PolicyError>(())
/// ```
///
/// # Errors
///
/// If an ARN is not one of a table or a role, if `writers` is empty, or if the policy is larger
/// than DynamoDB takes (20 KB).
///
/// # Security
///
/// The guard denies, and allows nothing: each role still needs its own permission. It binds every
/// principal, also of other accounts. It does not bind whoever may change it
/// (`dynamodb:PutResourcePolicy`, `dynamodb:DeleteResourcePolicy`), or may delete the table and
/// create it again. A table has one policy, so add these statements to those that it has. A
/// restored table and each replica need their own.
pub fn guard<R: AsRef<str>>(
    table_arn: &str,
    writers: &[R],
    updaters: &[R],
) -> Result<Policy, PolicyError> {
    let table = ResourceArn::table(table_arn)?;
    let writers = roles(writers)?;
    let updaters = roles(updaters)?;
    if writers.is_empty() {
        let problem = "the guard needs the ARN of a role that may write: without one, nobody could";
        return Err(PolicyError(problem.to_owned()));
    }
    let replication = table.replication_role();
    let all_but = |sid: &str, actions: &[&'static str], roles: BTreeSet<String>| {
        Statement::deny(sid, actions)
            .of_table_policy(table.as_str())
            .when(
                "ArnNotEquals",
                "aws:PrincipalArn",
                roles.into_iter().chain([replication.clone()]),
            )
            // Only DynamoDB's own replication between accounts comes as a service.
            .when("BoolIfExists", "aws:PrincipalIsAWSService", ["false"])
    };
    let statements = if updaters.is_empty() {
        let actions: Vec<_> = STORES.into_iter().chain([UPDATES]).collect();
        vec![all_but("OnlyTheseRolesWrite", &actions, writers)]
    } else {
        vec![
            all_but("OnlyTheseRolesPut", &STORES, writers.clone()),
            all_but(
                "OnlyTheseRolesUpdate",
                &[UPDATES],
                writers.into_iter().chain(updaters).collect(),
            ),
        ]
    };
    let policy = Policy::new(statements);
    let bytes = policy.to_string().len();
    if bytes > MAX_BYTES {
        return Err(PolicyError(format!(
            "the guard has {bytes} bytes, and DynamoDB takes {MAX_BYTES}: name fewer roles"
        )));
    }
    Ok(policy)
}

fn roles(arns: &[impl AsRef<str>]) -> Result<BTreeSet<String>, PolicyError> {
    arns.iter().map(|arn| role_arn(arn.as_ref())).collect()
}
