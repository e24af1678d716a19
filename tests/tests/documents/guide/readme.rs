//! The code of README.md. It runs as well.

use std::error::Error;

use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::Servers;
use envelope_examples::servers::create_table;

#[rustfmt::skip]
#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key] user_id: String,
    #[encrypted]     email: String,
    #[encrypted]     ssn: Option<String>,
    #[authenticated] plan: String, // readable; a record with a changed `plan` does not open
    #[plaintext]     logins: u64,  // readable, and can be updated in place
}

async fn store_and_read(
    dynamodb: aws_sdk_dynamodb::Client,
    kms: aws_sdk_kms::Client,
    user: User,
) -> Result<Option<User>, envelope_dynamo::Error> {
    // `dynamodb` and `kms` are clients of the AWS SDK.
    let users = Table::<User>::new(dynamodb, KmsKeyProvider::new(kms, "alias/users"));
    users.put(&user).send().await?;
    users.update("u_12345").add(|user| user.logins, 1).send().await?;
    let user: Option<User> = users.get("u_12345").send().await?;
    Ok(user)
}

#[tokio::test]
async fn the_readme_stores_and_reads_a_user() -> Result<(), Box<dyn Error>> {
    let servers = Servers::embedded().await?;
    let (dynamodb, kms) = (servers.dynamodb(), servers.kms());
    create_table(dynamodb, "users", ("user_id", ScalarAttributeType::S), None).await?;
    let alias = kms.create_alias().alias_name("alias/users");
    alias.target_key_id(servers.kms_key_id()).send().await?;
    let user = User {
        user_id: "u_12345".into(),
        email: "zoe@example.com".into(),
        ssn: None,
        plan: "pro".into(),
        logins: 3,
    };
    let stored = store_and_read(dynamodb.clone(), kms.clone(), user).await?;
    let stored = stored.expect("the user was stored");
    assert_eq!((stored.email.as_str(), stored.logins), ("zoe@example.com", 4));
    Ok(())
}
