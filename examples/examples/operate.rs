//! A service with users in a table, to practise on: docs/guide/rotation-example.md moves its table
//! to another KMS key.
//!
//! ```text
//! cargo run --example operate -- fill 2000 alias/users-2025
//! cargo run --example operate -- visit 300 alias/users-2026 alias/users-2025
//! cargo run --example operate -- check alias/users-2026
//! ```
//!
//! The first KMS key is the one to write with; the others are only read with. The servers are those
//! of `DYNAMODB_ENDPOINT` and `KMS_ENDPOINT`. The records are described in
//! `operate.schema.json`, beside this file.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use aws_sdk_dynamodb::types::ScalarAttributeType::S;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::Servers;
use envelope_examples::servers::create_table;

const USAGE: &str = "usage: operate fill USERS KEY | visit CHANGES KEY.. | check KEY..";

/// The name of the table in DynamoDB. Records are bound to the logical name, which is `users`.
const TABLE: &str = "prod-users";

/// A user. The number of visits is sealed, so every change of it is read, changed and written.
#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    visits: u64,
    #[authenticated]
    plan: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let servers = Servers::from_env().await?;
    match *words {
        ["fill", count, key] => fill(&servers, count.parse()?, &users(&servers, key, &[])).await,
        ["visit", count, key, ref others @ ..] => {
            visit(count.parse()?, &users(&servers, key, others)).await
        }
        ["check", key, ref others @ ..] => check(&users(&servers, key, others)).await,
        _ => Err(USAGE.into()),
    }
}

/// The users, written under `key` and read with all keys.
fn users(servers: &Servers, key: &str, others: &[&str]) -> Table<User> {
    let keys =
        others.iter().fold(KmsKeyProvider::new(servers.kms().clone(), key), |keys, &other| {
            keys.also_decrypts(other)
        });
    Table::new(servers.dynamodb().clone(), keys).named(TABLE)
}

fn user_id(number: u32) -> String {
    format!("u_{number}")
}

/// Creates the table, and stores `count` users.
async fn fill(servers: &Servers, count: u32, users: &Table<User>) -> Result<(), Box<dyn Error>> {
    create_table(servers.dynamodb(), TABLE, ("user_id", S), None).await?;
    let all: Vec<_> = (1..=count)
        .map(|number| User {
            user_id: user_id(number),
            email: format!("{number}@example.com"),
            visits: 0,
            plan: "pro".into(),
        })
        .collect();
    users.batch_put(&all).send().await?;
    println!("stored {count} users");
    Ok(())
}

/// Counts a visit of `count` users, one after another.
async fn visit(count: u32, users: &Table<User>) -> Result<(), Box<dyn Error>> {
    for number in 1..=count {
        users.update(&*user_id(number)).modify(|user| user.visits += 1).send().await?;
    }
    println!("counted {count} visits");
    Ok(())
}

/// Opens every user, and adds the visits up.
async fn check(users: &Table<User>) -> Result<(), Box<dyn Error>> {
    let (mut opened, mut visits) = (0, 0);
    let mut all = users.scan().consistent_read().stream()?;
    while let Some(user) = all.next().await {
        visits += user?.visits;
        opened += 1;
    }
    println!("opened {opened} users, {visits} visits");
    Ok(())
}
