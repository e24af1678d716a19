//! The code of docs/guide/lambda.md. That of the stream is in `examples/examples/lambda_stream.rs`.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use envelope_dynamo::keys::{CacheLimits, CachedKeyProvider};
use envelope_dynamo::testing::TestClock;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_testing::{Aws, Faults};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

/// How long a key may be used after it was fetched.
const AGE: Duration = Duration::from_secs(300);

struct Function {
    users: Table<User>,
}

impl Function {
    /// Once in each execution environment, before the first event.
    fn new(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client) -> Self {
        // Shorter than the function's own time-out, so that an error is returned and logged.
        let kms = KmsKeyProvider::new(kms, "alias/users").deadline(Duration::from_secs(2));
        Self { users: Table::new(dynamodb, CachedKeyProvider::new(kms, CacheLimits::new(AGE))) }
    }
}

#[tokio::test]
async fn a_frozen_function_does_not_use_a_key_for_longer() -> Result<(), Box<dyn Error>> {
    let faults = Faults::new();
    let aws = Aws::embedded().await?.with_faults(&faults);
    aws.create_table::<User>("users").await?;
    aws.create_alias("alias/users").await?;
    Function::new(aws.dynamodb().clone(), aws.kms().clone());
    let clock = Arc::<TestClock>::default();
    let kms = KmsKeyProvider::new(aws.kms().clone(), "alias/users");
    let keys =
        CachedKeyProvider::new(kms, CacheLimits::new(AGE)).with_clock(Arc::clone(&clock) as _);
    let function = Function { users: Table::new(aws.dynamodb().clone(), keys) };
    let zoe = User { user_id: "u_1".to_owned(), email: "zoe@example.com".to_owned() };
    function.users.put(&zoe).send().await?;

    function.users.get("u_1").send().await?;
    function.users.get("u_1").send().await?;
    assert_eq!(faults.calls("Decrypt"), 1);

    clock.suspend(Duration::from_secs(60 * 60)); // the monotonic clock stands still
    function.users.get("u_1").send().await?;
    assert_eq!(faults.calls("Decrypt"), 2);
    Ok(())
}
