//! `reindex [--claims] ITEMS KILLS [SEED]`: see `tests/million.sh`.

use std::process::ExitCode;

use envelope_million_tests::reindex::records::{Member, Person};
use envelope_million_tests::reindex::scenario;
use envelope_million_tests::{Outcome, programs};

#[tokio::main]
async fn main() -> ExitCode {
    programs::exit("reindex", run().await)
}

async fn run() -> Outcome<bool> {
    let (claims, arguments) = programs::arguments_after("--claims", "reindex")?;
    let endpoint = programs::dynamodb_endpoint("reindex")?;
    match claims {
        true => scenario::run::<Member>(arguments, endpoint).await,
        false => scenario::run::<Person>(arguments, endpoint).await,
    }
}
