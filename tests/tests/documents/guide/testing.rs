//! The code of docs/guide/testing.md. It runs as well.

use std::sync::Arc;
use std::time::Duration;

use envelope_dynamo::error::KeyErrorKind;
use envelope_dynamo::keys::{CacheLimits, CachedKeyProvider};
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_testing::{Aws, Fault, Faults, TestClock, disable_kms_key};

#[rustfmt::skip]
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key] user_id: String,
    #[encrypted]     email: String,
}

fn zoe() -> User {
    User { user_id: "u_1".into(), email: "zoe@example.com".into() }
}

#[tokio::test]
async fn a_user_is_stored_and_read() -> Result<(), Box<dyn std::error::Error>> {
    let aws = Aws::embedded().await?;
    let users = aws.create_table::<User>("users").await?;
    users.put(&zoe()).send().await?;
    assert_eq!(users.get("u_1").send().await?, Some(zoe()));
    Ok(())
}

/// The code under test, as it is in production.
struct Accounts {
    users: Table<User>,
}

impl Accounts {
    fn new(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client) -> Self {
        Self { users: Table::new(dynamodb, KmsKeyProvider::new(kms, "alias/users")) }
    }

    async fn register(&self, user: &User) -> Result<(), envelope_dynamo::Error> {
        self.users.put(user).if_not_exists().send().await
    }
}

#[tokio::test]
async fn a_registration_survives_a_lost_answer() -> Result<(), Box<dyn std::error::Error>> {
    let faults = Faults::new();
    let aws = Aws::embedded().await?.with_faults(&faults);
    aws.create_table::<User>("users").await?;
    aws.create_alias("alias/users").await?;
    let accounts = Accounts::new(aws.dynamodb().clone(), aws.kms().clone());

    faults.fail_next("PutItem", Fault::LoseReply); // DynamoDB writes, and its answer is lost
    accounts.register(&zoe()).await?;
    assert_eq!((faults.calls("PutItem"), faults.calls("GenerateDataKey")), (2, 1));

    for request in faults.requests("PutItem") {
        assert!(!String::from_utf8_lossy(&request).contains("zoe@example.com"));
    }

    faults.fail_always("Decrypt", Fault::error("AccessDeniedException"));
    let error = accounts.users.get("u_1").send().await.unwrap_err();
    assert_eq!(error.key_error().map(|error| error.kind()), Some(KeyErrorKind::AccessDenied));
    Ok(())
}

#[tokio::test]
async fn a_disabled_key_opens_nothing() -> Result<(), Box<dyn std::error::Error>> {
    let aws = Aws::embedded().await?;
    let users = aws.create_table::<User>("users").await?;
    users.put(&zoe()).send().await?;

    disable_kms_key(aws.kms(), aws.kms_key_id()).await?;
    let error = users.get("u_1").send().await.unwrap_err();
    assert_eq!(error.key_error().map(|error| error.kind()), Some(KeyErrorKind::KeyDisabled));
    Ok(())
}

#[tokio::test]
async fn a_cached_key_expires() -> Result<(), Box<dyn std::error::Error>> {
    let faults = Faults::new();
    let aws = Aws::embedded().await?.with_faults(&faults);
    aws.create_table::<User>("users").await?.put(&zoe()).send().await?;

    let clock = Arc::new(TestClock::default());
    let kms = KmsKeyProvider::new(aws.kms().clone(), aws.kms_key_id());
    let keys = CachedKeyProvider::new(kms, CacheLimits::new(Duration::from_secs(300)));
    let keys = keys.with_clock(clock.clone());
    let users = Table::<User>::new(aws.dynamodb().clone(), keys);

    users.get("u_1").send().await?;
    users.get("u_1").send().await?;
    assert_eq!(faults.calls("Decrypt"), 1);
    clock.advance(Duration::from_secs(301));
    users.get("u_1").send().await?;
    assert_eq!(faults.calls("Decrypt"), 2);
    Ok(())
}
