//! The ARNs in policies: tables, KMS keys and roles.

use crate::keys::kms::arn::KeyArn;
use crate::maintain::policy::PolicyError;

/// The ARN of a DynamoDB table.
#[derive(Clone, Debug)]
pub(crate) struct ResourceArn(String);

impl ResourceArn {
    pub(crate) fn table(arn: &str) -> Result<Self, PolicyError> {
        let parts: Vec<_> = arn.splitn(6, ':').collect();
        let name = match parts.as_slice() {
            ["arn", partition, "dynamodb", region, account, name]
                if ![*partition, *region, *account].contains(&"") =>
            {
                name.strip_prefix("table/")
            }
            _ => None,
        };
        if name.is_some_and(is_table_name) {
            return Ok(Self(arn.to_owned()));
        }
        Err(PolicyError(format!(
            "`{arn}` is not the ARN of a table, such as \
             arn:aws:dynamodb:eu-central-1:111122223333:table/users"
        )))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// All indexes of the table.
    pub(crate) fn indexes(&self) -> String {
        format!("{}/index/*", self.0)
    }

    /// The role by which DynamoDB replicates global tables of the table's account.
    pub(crate) fn replication_role(&self) -> String {
        let part = |at| self.0.split(':').nth(at).unwrap_or_default();
        format!(
            "arn:{}:iam::{}:role/aws-service-role/replication.dynamodb.amazonaws.com/\
             AWSServiceRoleForDynamoDBReplication",
            part(1),
            part(4)
        )
    }
}

/// The characters of table names, of which none is a wildcard of policies.
fn is_table_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|char| char.is_ascii_alphanumeric() || "._-".contains(char))
}

/// The ARN of a KMS key.
pub(crate) fn key_arn(arn: &str) -> Result<String, PolicyError> {
    let is_key = KeyArn::parse(arn).is_some_and(|key| {
        !key.as_str().contains(['*', '?']) && key.as_str().matches('/').count() == 1
    });
    if is_key {
        return Ok(arn.to_owned());
    }
    let hint = if arn.contains("alias/") {
        "; an alias is no resource of an IAM policy: `aws kms describe-key --key-id` prints the \
         ARN of its key"
    } else {
        ""
    };
    Err(PolicyError(format!(
        "`{arn}` is not the ARN of a KMS key, such as \
         arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab{hint}"
    )))
}

/// The ARN of an IAM role, with its path.
pub(crate) fn role_arn(arn: &str) -> Result<String, PolicyError> {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let name = match parts.as_slice() {
        ["arn", partition, "iam", "", account, role] if ![*partition, *account].contains(&"") => {
            role.strip_prefix("role/")
        }
        _ => None,
    };
    // None of them is a wildcard or a variable of policies.
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.ends_with('/')
            && name.chars().all(|char| char.is_ascii_alphanumeric() || "+=,.@_-/".contains(char))
    };
    if name.is_some_and(is_name) {
        return Ok(arn.to_owned());
    }
    let hint = if arn.contains(":assumed-role/") {
        "; a session is no role: name the role that it assumes"
    } else {
        ""
    };
    Err(PolicyError(format!(
        "`{arn}` is not the ARN of a role, such as \
         arn:aws:iam::111122223333:role/users-service{hint}"
    )))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::maintain::policy::arns::{ResourceArn, key_arn};

    #[test]
    fn wildcards_and_other_resources_are_refused() {
        let table = "arn:aws:dynamodb:eu-central-1:111122223333:table/prod.users-1";
        assert_eq!(ResourceArn::table(table).unwrap().as_str(), table);
        for other in [
            "users",
            "*",
            "arn:aws:dynamodb:eu-central-1:111122223333:table/*",
            "arn:aws:dynamodb:eu-central-1:111122223333:table/users/index/by_mail",
            "arn:aws:dynamodb::111122223333:table/users",
            "arn:aws:s3:eu-central-1:111122223333:table/users",
        ] {
            ResourceArn::table(other).unwrap_err();
        }
        let key = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd";
        assert_eq!(key_arn(key).unwrap(), key);
        let error = key_arn("arn:aws:kms:eu-central-1:111122223333:alias/users").unwrap_err();
        assert!(error.to_string().contains("an alias is no resource"), "{error}");
        for other in ["alias/users", "1234abcd", "arn:aws:kms:eu-central-1:111122223333:key/*"] {
            key_arn(other).unwrap_err();
        }
    }
}
