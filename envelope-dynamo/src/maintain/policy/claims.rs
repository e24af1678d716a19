//! What the roles may do with claims: which record has a value that no other record may have.

use crate::maintain::policy::roles::{
    ATTRIBUTES, EACH_EQUALS, EQUALS_IF_EXISTS, SELECT, Statements, table,
};
use crate::maintain::policy::statement::Statement;
use crate::maintain::policy::{PolicyError, PolicyFor, Role};

/// Checks that the table of claims was given exactly if the role can use it and needs it.
pub(crate) fn check(facts: &PolicyFor) -> Result<(), PolicyError> {
    let (role, has_unique) = (facts.role.name(), facts.attributes.has_unique());
    let fail = |problem: String| Err(PolicyError(problem));
    if facts.claims.is_none() {
        let writes = matches!(facts.role, Role::Writer | Role::Backfill | Role::Reindexer);
        if writes && has_unique && facts.search_keys.is_some() {
            return fail(format!(
                "the policy of the {role} needs the ARN of the table of claims, because records \
                 of this table have unique fields"
            ));
        }
        return Ok(());
    }
    let uses = matches!(facts.role, Role::Writer | Role::Reader | Role::Backfill | Role::Reindexer);
    if !uses {
        return fail(format!("the {role} does not use a table of claims"));
    }
    if !has_unique {
        return fail(
            "no record of this table has unique fields, so no role uses a table of claims"
                .to_owned(),
        );
    }
    if facts.leaves_tags_out {
        return fail(
            "a writer that leaves search tags out cannot write unique fields, so it uses no table \
             of claims"
                .to_owned(),
        );
    }
    if facts.search_keys.is_none() {
        return fail(format!(
            "the policy of the {role} needs the ARN of the table of search keys, because claims \
             are stored under search tags"
        ));
    }
    Ok(())
}

/// The statements about the table of claims, and about the records that own claims.
pub(crate) fn statements(facts: &PolicyFor) -> Statements {
    let Some(claims) = &facts.claims else { return Vec::new() };
    let claims = [claims.as_str()];
    match facts.role {
        // It reads records in any case.
        Role::Reader => vec![Some(Statement::allow("FindClaims", &["dynamodb:GetItem"], claims))],
        Role::Writer => {
            let actions = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"];
            // It checks records in any case.
            let look = look_at_owners(facts, &["dynamodb:GetItem"]);
            vec![Some(Statement::allow("ClaimValues", &actions, claims)), Some(look)]
        }
        _ => {
            let actions = ["dynamodb:GetItem", "dynamodb:PutItem"];
            let look = look_at_owners(facts, &["dynamodb:ConditionCheckItem", "dynamodb:GetItem"]);
            vec![Some(Statement::allow("ClaimValues", &actions, claims)), Some(look)]
        }
    }
}

/// To find out whether the owner of a claim still has the value.
///
/// AWS documents `dynamodb:Select` for `GetItem`, and not when a request has it. So it is tested
/// only if it exists.
fn look_at_owners(facts: &PolicyFor, actions: &[&'static str]) -> Statement {
    Statement::allow("LookAtOwners", actions, table(facts))
        .when(EACH_EQUALS, ATTRIBUTES, facts.attributes.of_owners())
        .when(EQUALS_IF_EXISTS, SELECT, ["SPECIFIC_ATTRIBUTES"])
}
