//! The code of docs/guide/migration.md.

use envelope_dynamo::item::PlaintextItems;
use envelope_dynamo::maintain::{Limits, Part};
use envelope_dynamo::{Envelope, LocalKeyProvider, Table};

#[derive(Envelope)]
#[envelope(table = "users")]
#[allow(dead_code)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

#[allow(dead_code)]
async fn sealed(users: Table<User>) -> Result<(), Box<dyn std::error::Error>> {
    let counts = users.backfill().part(Part::of(17, 256)?).limits(Limits::new()).send().await?;
    println!("{} sealed, {} failed", counts.changed, counts.failed);
    Ok(())
}

#[allow(dead_code, clippy::let_and_return)] // as the chapter has it
fn watched(dynamodb: aws_sdk_dynamodb::Client, provider: LocalKeyProvider) -> Table<User> {
    let users = Table::<User>::new(dynamodb, provider)
        .plaintext_items(PlaintextItems::Read)
        .observe_plaintext(|event, record| println!("{event:?} {}", record.table()));
    users
}
