//! `bring_in ITEMS KILLS [SEED]`: see `tests/bring-in.sh`.

use std::process::ExitCode;

use envelope_million_tests::bring_in::scenario::{self, Plan};
use envelope_million_tests::{Outcome, programs};

#[tokio::main]
async fn main() -> ExitCode {
    programs::exit("bring_in", run().await)
}

async fn run() -> Outcome<bool> {
    let [items, kills, seed] = programs::arguments("bring_in")?;
    let endpoint = programs::dynamodb_endpoint("bring_in")?;
    scenario::run(Plan { items, kills, seed, endpoint }).await
}
