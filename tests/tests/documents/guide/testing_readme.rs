//! The code of envelope-testing/README.md. It runs as well.

use envelope_dynamo::Envelope;
use envelope_testing::Aws;

#[rustfmt::skip]
#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key] user_id: String,
    #[encrypted]     email: String,
}

#[tokio::test]
async fn a_user_is_stored_and_read() -> Result<(), Box<dyn std::error::Error>> {
    let aws = Aws::embedded().await?;
    let users = aws.create_table::<User>("users").await?;

    let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
    users.put(&zoe).send().await?;
    assert_eq!(users.get("u_1").send().await?, Some(zoe));
    Ok(())
}
