//! `envelope rewrap`: moves data keys from one KMS key to another.

use clap::Args;
use envelope_dynamo::maintain::SchemaFile;

use crate::args::Global;
use crate::aws::Aws;
use crate::failure::Outcome;
use crate::key_name::Key;
use crate::run::{RunArgs, Subject, TableArgs, described, drive, refuse_alias_in_parts};

#[derive(Args, Debug)]
pub(crate) struct RewrapArgs {
    #[command(flatten)]
    table: TableArgs,

    /// The KMS key that wraps the data keys now: ARN, or alias without --part
    #[arg(long, value_name = "KEY")]
    from: String,

    /// The KMS key that shall wrap them: ARN, or alias without --part
    #[arg(long, value_name = "KEY")]
    to: String,

    #[command(flatten)]
    run: RunArgs,
}

pub(crate) async fn run(args: RewrapArgs, global: &Global, of_code: Option<SchemaFile>) -> Outcome {
    refuse_alias_in_parts(args.run.part()?, &[&args.from, &args.to])?;
    let stop = args.run.stop();
    let aws = Aws::load(global).await?;
    let table = args.table.open(&aws, of_code)?;
    let from = Key::resolve(&aws.kms, &args.from).await?;
    let to = Key::resolve(&aws.kms, &args.to).await?;
    let info = described(&table).await?;
    let subject = Subject {
        command: "rewrap",
        changed: "moved",
        from: Some(from.shown()),
        to: Some(to.shown()),
        is_of_types: false,
    };
    let run = table.rewrap(aws.kms.clone(), from.arn, to.arn);
    drive(run, &args.run, &info, &subject, global.output, stop).await
}
