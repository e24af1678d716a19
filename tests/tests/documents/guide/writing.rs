//! The code of docs/guide/writing.md.

use envelope_dynamo::transaction::TransactionError;
use envelope_dynamo::{Envelope, Error, Table, transact_write};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[authenticated]
    plan: String,
    #[plaintext]
    logins: u64,
}

async fn change(users: Table<User>, user: User) -> Result<(), Error> {
    users.put(&user).if_not_exists().send().await?;

    let put = users.put(&user);
    put.condition(|stored| stored.plan.eq("free").and(stored.logins.lt(9))).send().await?;

    // In place: no call to KMS.
    users.update("u_12345").add(|u| u.logins, 1).condition(|u| u.logins.lt(100)).send().await?;

    // Read, opened, changed and sealed again.
    users.update("u_12345").modify(|user| user.email = user.email.to_lowercase()).send().await?;

    let deleted: Option<User> = users.delete("u_12345").returning_old().send().await?;
    drop(deleted);
    Ok(())
}

#[derive(Envelope)]
#[envelope(table = "carts")]
struct Cart {
    #[partition_key]
    user_id: String,
    #[encrypted]
    address: String,
    #[plaintext]
    items: u32,
}

async fn transaction(
    dynamodb: aws_sdk_dynamodb::Client,
    users: Table<User>,
    carts: Table<Cart>,
    user: User,
) -> Result<(), TransactionError> {
    let write = transact_write(&dynamodb).put(users.put(&user));
    write.update(carts.update("u_12345").add(|cart| cart.items, 1)).send().await?;
    Ok(())
}
