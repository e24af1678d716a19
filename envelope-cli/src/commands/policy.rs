//! `envelope policy`: the permissions of a role, and the guard of a table.

use clap::{Args, ValueEnum};
use envelope_dynamo::maintain::SchemaFile;
use envelope_dynamo::maintain::policy::{Policy, PolicyError, PolicyFor, Role, guard};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::input::{Logical, pair};
use crate::output;
use crate::schema_source::SchemaArgs;

/// The result is JSON in every case: a policy that `aws iam put-role-policy` takes as it is, or
/// `aws dynamodb put-resource-policy` for the guard.
#[derive(Args, Debug)]
pub(crate) struct PolicyArgs {
    /// Who works with the table
    #[arg(long, value_enum)]
    role: RoleName,

    /// The ARN of the table
    #[arg(long, value_name = "ARN", required_unless_present_any = ["branch_keys", "search_keys"])]
    table_arn: Option<String>,

    #[command(flatten)]
    schema: SchemaArgs,

    #[command(flatten)]
    logical: Logical,

    /// The KMS key that the role uses; may be repeated
    ///
    /// With --branch-keys it is the key that wraps the branch keys.
    #[arg(long, value_name = "ARN")]
    kms_key: Vec<String>,

    /// The KMS key from which wrapped keys are moved; may be repeated
    #[arg(long, value_name = "ARN")]
    from: Vec<String>,

    /// The KMS key to which wrapped keys are moved
    #[arg(long, value_name = "ARN")]
    to: Vec<String>,

    /// The ARN of the table of branch keys, if the records are under branch keys
    #[arg(long, value_name = "ARN")]
    branch_keys: Option<String>,

    /// The logical name of the table of branch keys
    #[arg(long, value_name = "NAME", requires = "branch_keys", default_value = "branch-keys")]
    branch_keys_logical: String,

    /// The ARN of the table of search keys, for a role that searches or writes searchable fields
    #[arg(long, value_name = "ARN")]
    search_keys: Option<String>,

    /// The logical name of the table of search keys
    #[arg(long, value_name = "NAME", requires = "search_keys", default_value = "search-keys")]
    search_keys_logical: String,

    /// The KMS key that wraps the search keys; may be repeated
    #[arg(long, value_name = "ARN")]
    search_kms_key: Vec<String>,

    /// The ARN of the table of claims, for a role that writes unique fields or reads by them
    #[arg(long, value_name = "ARN")]
    claims: Option<String>,

    /// Deny a writer the key of --search-kms-key: it writes searchable fields without search tags
    #[arg(long, requires = "search_kms_key", conflicts_with = "search_keys")]
    without_search_tags: bool,

    /// A pair that every encryption context must have, such as tenant=t_7; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pin: Vec<(String, String)>,

    /// Also allow what `coverage --open` needs, or a backfill of records that are sealed already
    #[arg(long)]
    open: bool,

    /// Also allow what `coverage --expect-sealed` needs
    #[arg(long)]
    expect_sealed: bool,

    /// The ARN of an IAM role that may write sealed records, for the guard; may be repeated
    #[arg(long, value_name = "ARN", required_if_eq("role", "guard"))]
    writer: Vec<String>,

    /// The ARN of an IAM role that may update items and store none, for the guard; may be repeated
    #[arg(long, value_name = "ARN")]
    updater: Vec<String>,

    /// Print the statements for the policy of this KMS key, in place of the policy of the role
    #[arg(long, value_name = "ARN", requires = "principal")]
    key_policy: Option<String>,

    /// The ARN of the IAM role, for --key-policy
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    /// Writes records
    Writer,
    /// Reads records
    Reader,
    /// Moves data keys to another KMS key, and opens no record
    Rotator,
    /// Counts what stands under which key
    Auditor,
    /// Gives records a new data key, and so opens them
    Resealer,
    /// Seals the items that are stored in plaintext
    Backfill,
    /// Gives records current search tags, and so opens them and holds the search key
    Reindexer,
    /// Creates, rotates, moves and deletes branch keys, and never sees one
    BranchOperator,
    /// Creates, rotates, retires, moves and deletes search keys, and never sees one
    SearchOperator,
    /// Nobody: the policy of the table itself, which denies writes to all but --writer
    Guard,
}

impl RoleName {
    /// The role; `None` for the guard.
    const fn role(self) -> Option<Role> {
        Some(match self {
            Self::Writer => Role::Writer,
            Self::Reader => Role::Reader,
            Self::Rotator => Role::Rotator,
            Self::Auditor => Role::Auditor,
            Self::Resealer => Role::Resealer,
            Self::Backfill => Role::Backfill,
            Self::Reindexer => Role::Reindexer,
            Self::BranchOperator => Role::BranchOperator,
            Self::SearchOperator => Role::SearchOperator,
            Self::Guard => return None,
        })
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        Self::act_now(error.to_string())
    }
}

pub(crate) fn run(args: &PolicyArgs, of_code: Option<SchemaFile>) -> Outcome {
    let policy = match args.role.role() {
        Some(role) => of_role(args, role, of_code)?,
        None => guard(args.table_arn.as_deref().unwrap_or_default(), &args.writer, &args.updater)?,
    };
    output::line(&policy)?;
    Ok(Exit::Done)
}

fn of_role(args: &PolicyArgs, role: Role, of_code: Option<SchemaFile>) -> Result<Policy, Failure> {
    if !args.writer.is_empty() || !args.updater.is_empty() {
        return Err(Failure::act_now("--writer and --updater are for --role guard alone"));
    }
    let facts = facts(args, role, of_code)?;
    Ok(match (&args.key_policy, &args.principal) {
        (Some(key), Some(principal)) => facts.key_policy(key, principal)?,
        _ => facts.identity_policy()?,
    })
}

fn facts(args: &PolicyArgs, role: Role, of_code: Option<SchemaFile>) -> Result<PolicyFor, Failure> {
    let mut facts = match role {
        Role::BranchOperator => PolicyFor::branch_operator(),
        Role::SearchOperator => PolicyFor::search_operator(),
        _ => {
            let schema = args.schema.load(of_code)?;
            PolicyFor::new(role, &schema, args.logical.of(&schema)?)?
        }
    };
    if let Some(arn) = &args.table_arn {
        facts = facts.table(arn)?;
    }
    for key in &args.kms_key {
        facts = facts.key(key)?;
    }
    for key in &args.from {
        facts = facts.from_key(key)?;
    }
    for key in &args.to {
        facts = facts.to_key(key)?;
    }
    if let Some(arn) = &args.branch_keys {
        facts = facts.branch_keys(arn, Some(&args.branch_keys_logical))?;
    }
    if let Some(arn) = &args.search_keys {
        facts = facts.search_keys(arn, Some(&args.search_keys_logical))?;
    }
    for key in &args.search_kms_key {
        facts = facts.search_kms_key(key)?;
    }
    if let Some(arn) = &args.claims {
        facts = facts.claims(arn)?;
    }
    for (name, value) in &args.pin {
        facts = facts.pinned(name, value)?;
    }
    let facts = facts.opens_records(args.open).expects_sealed(args.expect_sealed);
    Ok(facts.without_search_tags(args.without_search_tags))
}
