//! The code of docs/guide/faq.md.

use envelope_dynamo::{Envelope, Error, Table};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    logins: u64,
}

async fn change(users: Table<User>) -> Result<(), Error> {
    users.update("u_1").modify(|user| user.email = "zoe@example.org".to_owned()).send().await?;
    users.update("u_1").add(|user| user.logins, 1).send().await?;
    Ok(())
}
