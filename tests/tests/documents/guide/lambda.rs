//! The code of docs/guide/lambda.md. That of the stream is in `examples/examples/lambda_stream.rs`.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use envelope_dynamo::keys::{CacheLimits, CachedKeyProvider};
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
    keys: Arc<CachedKeyProvider<KmsKeyProvider>>,
    cleared: Mutex<SystemTime>,
}

impl Function {
    /// Once in each execution environment, before the first event.
    fn new(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client, now: SystemTime) -> Self {
        // Shorter than the function's own time-out, so that an error is returned and logged.
        let kms = KmsKeyProvider::new(kms, "alias/users").deadline(Duration::from_secs(2));
        let keys = Arc::new(CachedKeyProvider::new(kms, CacheLimits::new(AGE)));
        let users = Table::new(dynamodb, Arc::clone(&keys));
        Self { users, keys, cleared: Mutex::new(now) }
    }
}

impl Function {
    /// At the begin of each event: forgets all keys that may be older than `AGE`.
    fn begin(&self, now: SystemTime) {
        let mut cleared = self.cleared.lock().unwrap_or_else(PoisonError::into_inner);
        if !now.duration_since(*cleared).is_ok_and(|age| age < AGE) {
            self.keys.clear();
            *cleared = now;
        }
    }
}

/// The monotonic clock of this test moves for milliseconds, as that of a frozen function.
#[tokio::test]
async fn no_key_is_used_for_longer_than_its_age_by_the_time_of_day() -> Result<(), Box<dyn Error>> {
    let faults = Faults::new();
    let aws = Aws::embedded().await?.with_faults(&faults);
    aws.create_table::<User>("users").await?;
    aws.create_alias("alias/users").await?;
    let start = SystemTime::now();
    let function = Function::new(aws.dynamodb().clone(), aws.kms().clone(), start);
    let zoe = User { user_id: "u_1".to_owned(), email: "zoe@example.com".to_owned() };
    function.users.put(&zoe).send().await?;

    // Every four minutes an event: no gap is as long as the age.
    let mut decrypts = Vec::new();
    for minutes in [0, 4, 8, 12, 16] {
        function.begin(start + Duration::from_secs(60 * minutes));
        function.users.get("u_1").send().await?;
        decrypts.push(faults.calls("Decrypt"));
    }
    assert_eq!(decrypts, [1, 1, 2, 2, 3]);

    // The clock was set back.
    function.begin(start);
    function.users.get("u_1").send().await?;
    assert_eq!(faults.calls("Decrypt"), 4);
    Ok(())
}
