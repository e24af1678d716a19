//! `backfill`: seals a table that was stored in plaintext, or that another program encrypted.

use std::sync::Arc;

use clap::Args;
use envelope_dynamo::KeyProvider;
use envelope_dynamo::maintain::StoredTable;

use crate::args::Global;
use crate::aws::Aws;
use crate::command::Command;
use crate::failure::{Failure, Outcome};
use crate::input::Logical;
use crate::key_name::Key;
use crate::providers::{BranchTableArgs, OpenArgs, SearchKeyArgs, kms};
use crate::records::Place;
use crate::run::{RunArgs, Subject, described, drive, refuse_alias_in_parts};

/// What the command says in a binary that has no record types.
pub(crate) const NEEDS_TYPES: &str = "\
backfill needs your record types: which value a field has is theirs to say, and this binary has \
none.
Build a binary with them: a package that depends on your records and on `envelope-cli`, with this
src/main.rs:

    use my_service::{Order, User};

    fn main() -> std::process::ExitCode {
        envelope_cli::main_with::<(User, Order)>()
    }
";

#[derive(Args, Debug)]
pub(crate) struct BackfillArgs {
    /// The table, by its physical name
    #[arg(long, value_name = "NAME")]
    table: String,

    #[command(flatten)]
    logical: Logical,

    /// The KMS key that seals the records, or that wraps the branch keys with --branch-keys: ARN,
    /// or alias without --part
    ///
    /// May be repeated: records are sealed under the first, and may be opened under all. Only
    /// sealed records with a field in the clear, or that do not list a search tag, are opened.
    #[arg(long, value_name = "KEY", required = true, verbatim_doc_comment)]
    kms_key: Vec<String>,

    #[command(flatten)]
    branch_table: BranchTableArgs,

    /// The pair of the encryption context that names the branch, such as tenant
    ///
    /// Without it there is one branch for the table.
    #[arg(long, value_name = "PAIR", requires = "branch_keys")]
    branch_pair: Option<String>,

    #[command(flatten)]
    search: SearchKeyArgs,

    /// The KMS key that unwraps the search key, if the record types have searchable fields
    #[arg(long, value_name = "KEY")]
    search_kms_key: Option<String>,

    /// The table of claims, if the record types have unique fields
    #[arg(long, value_name = "TABLE")]
    claims: Option<String>,

    #[command(flatten)]
    run: RunArgs,
}

pub(crate) async fn run(args: BackfillArgs, global: &Global, command: Command) -> Outcome {
    let Some(schema) = command.schema().cloned() else {
        return Err(Failure::act_now(NEEDS_TYPES));
    };
    command.check_settings()?;
    let logical = args.logical.of(&schema)?.to_owned();
    if args.branch_table.branch_keys.is_none() {
        let names: Vec<_> = args.kms_key.iter().map(String::as_str).collect();
        refuse_alias_in_parts(args.run.part()?, &names)?;
    }
    let stop = args.run.stop();
    let aws = Aws::load(global).await?;
    let table = StoredTable::new(aws.dynamodb.clone(), &schema, &logical)
        .map_err(|error| Failure::act_now(error.to_string()))?
        .named(&args.table);
    let mut keys = Vec::new();
    for name in &args.kms_key {
        keys.push(Key::resolve(&aws.kms, name).await?);
    }
    let kms_key = keys.iter().map(|key| key.arn.clone()).collect();
    let open = OpenArgs { kms_key, branch_pair: args.branch_pair };
    let branches = open.branches(&aws, &args.branch_table)?;
    let under = match branches {
        Some(_) => "the active versions of the branches".to_owned(),
        None => keys.first().map(Key::shown).unwrap_or_default(),
    };
    let provider: Arc<dyn KeyProvider> = match branches {
        Some(branches) => branches,
        None => Arc::new(kms(&aws, &open.kms_key)?),
    };
    let dynamodb = aws.dynamodb.clone();
    let place = Place {
        table: &args.table,
        search: args.search_kms_key.as_ref().map(|key| args.search.open(&aws, key)),
        claims: args.claims.as_deref(),
    };
    let backfill = command.backfill(&logical, &place, &aws.config, dynamodb, provider);
    let Some(backfill) = backfill else {
        return Err(Failure::act_now(format!("no record type has the table `{logical}`")));
    };
    let info = described(&table).await?;
    let subject = Subject {
        command: "backfill",
        changed: "sealed",
        from: None,
        to: Some(under),
        is_of_types: true,
    };
    drive(backfill.run(), &args.run, &info, &subject, global.output, stop).await
}
