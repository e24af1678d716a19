//! What a key policy must say about a role.

use crate::maintain::policy::statement::Statement;
use crate::maintain::policy::{PolicyFor, roles};

/// The statements of the role about one key, with the role as principal.
pub(crate) fn statements(facts: &PolicyFor, key: &str, principal: &str) -> Vec<Statement> {
    let is_kms =
        |statement: &Statement| statement.actions().iter().all(|action| action.starts_with("kms:"));
    let about: Vec<_> = roles::statements(facts)
        .into_iter()
        .filter(|statement| is_kms(statement) && statement.is_about(key))
        .collect();
    if about.iter().all(Statement::is_deny) {
        return Vec::new();
    }
    about.into_iter().map(|statement| statement.of_key_policy(principal)).collect()
}
