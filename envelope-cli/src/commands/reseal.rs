//! `envelope reseal`: gives records new data keys.

use std::sync::Arc;

use clap::Args;
use envelope_dynamo::keys::{KmsKeyWrapper, MultiKeyProvider};
use envelope_dynamo::maintain::{SchemaFile, Target};

use crate::args::Global;
use crate::aws::Aws;
use crate::failure::{Failure, Outcome};
use crate::key_name::Key;
use crate::providers::{BranchTableArgs, OpenArgs, kms};
use crate::run::{RunArgs, Subject, TableArgs, described, drive, refuse_alias_in_parts};

#[derive(Args, Debug)]
pub(crate) struct ResealArgs {
    #[command(flatten)]
    table: TableArgs,

    /// A KMS key that opens the records: ARN, or alias without --part; may be repeated
    #[arg(long, value_name = "KEY", required_unless_present = "branch_keys")]
    from: Vec<String>,

    /// The KMS key of the new data keys: ARN, or alias without --part
    #[arg(
        long,
        value_name = "KEY",
        requires = "from",
        required_unless_present = "branch_keys",
        conflicts_with = "branch_keys"
    )]
    to: Option<String>,

    /// In place of --to: new data keys of the active versions of the branches
    #[command(flatten)]
    branch_table: BranchTableArgs,

    #[command(flatten)]
    keys: OpenArgs,

    /// Also reseal records that are under the target and under another key beside it
    #[arg(long)]
    nothing_else: bool,

    #[command(flatten)]
    run: RunArgs,
}

pub(crate) async fn run(args: ResealArgs, global: &Global, of_code: Option<SchemaFile>) -> Outcome {
    let names: Vec<&str> = args.from.iter().chain(&args.to).map(String::as_str).collect();
    refuse_alias_in_parts(args.run.part()?, &names)?;
    let stop = args.run.stop();
    let aws = Aws::load(global).await?;
    let table = args.table.open(&aws, of_code)?;
    let mut from = Vec::new();
    for name in &args.from {
        from.push(Key::resolve(&aws.kms, name).await?);
    }
    let arns: Vec<_> = from.iter().map(|key| key.arn.clone()).collect();
    let mut subject = Subject {
        command: "reseal",
        changed: "resealed",
        from: (!from.is_empty())
            .then(|| from.iter().map(Key::shown).collect::<Vec<_>>().join(", ")),
        to: None,
        is_of_types: false,
    };
    let target =
        |target: Target| if args.nothing_else { target.and_nothing_else() } else { target };
    let run = if let Some(name) = &args.to {
        let to = Key::resolve(&aws.kms, name).await?;
        if arns.contains(&to.arn) {
            return Err(Failure::act_now(format!(
                "{} is both --from and --to: a stored record does not show that it has a new data \
                 key of the same KMS key. Make a new KMS key and reseal to that",
                to.shown()
            )));
        }
        subject.to = Some(to.shown());
        table.reseal(
            kms(&aws, &arns)?,
            KmsKeyWrapper::new(aws.kms.clone(), &*to.arn),
            target(Target::kms_key(aws.kms.clone(), &*to.arn)),
        )
    } else {
        let Some(branches) = args.keys.branches(&aws, &args.branch_table)? else {
            return Err(Failure::act_now("name the target: --to KEY, or --branch-keys TABLE"));
        };
        subject.to = Some("the active versions of the branches".to_owned());
        let reader = MultiKeyProvider::new(Arc::clone(&branches));
        let reader = match arns.is_empty() {
            true => reader,
            false => reader.also_opens_with(kms(&aws, &arns)?),
        };
        let active = Target::active_branch_version(Arc::clone(&branches));
        table.reseal(reader, branches, target(active))
    };
    let info = described(&table).await?;
    drive(run, &args.run, &info, &subject, global.output, stop).await
}
