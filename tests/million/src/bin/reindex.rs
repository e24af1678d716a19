//! `reindex ITEMS KILLS [SEED]`: see `tests/million.sh`.

use std::process::ExitCode;

use envelope_million_tests::{Outcome, programs, reindex};

#[tokio::main]
async fn main() -> ExitCode {
    programs::exit("reindex", run().await)
}

async fn run() -> Outcome<bool> {
    let arguments = programs::arguments("reindex")?;
    let endpoint = programs::dynamodb_endpoint("reindex")?;
    reindex::scenario::run(arguments, endpoint).await
}
