//! Tables and keys that an example or a test needs before it starts.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

use crate::error::Error;

/// AWS takes about ten seconds to create a table; emulators create it at once.
const TABLE_CREATION_TIMEOUT: Duration = Duration::from_secs(120);

/// Creates a table with on-demand billing and waits until it can be used.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aws_sdk_dynamodb::types::ScalarAttributeType::{N, S};
/// use envelope_testing::{Aws, create_table, unique_name};
///
/// let aws = Aws::embedded().await?;
/// let orders = unique_name("orders");
/// create_table(aws.dynamodb(), &orders, ("user_id", S), Some(("placed_at", N))).await?;
/// assert_eq!(aws.dynamodb().list_tables().send().await?.table_names(), [orders]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If DynamoDB cannot be reached, refuses the table, or does not finish within two minutes.
pub async fn create_table(
    dynamodb: &aws_sdk_dynamodb::Client,
    name: &str,
    partition_key: (&str, ScalarAttributeType),
    sort_key: Option<(&str, ScalarAttributeType)>,
) -> Result<(), Error> {
    let invalid = |error| Error::because(format!("the key of table {name} is not valid"), error);
    let mut creation =
        dynamodb.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    let partition_key = Some((partition_key, KeyType::Hash));
    let sort_key = sort_key.map(|key| (key, KeyType::Range));
    for ((attribute, scalar), role) in partition_key.into_iter().chain(sort_key) {
        let element = KeySchemaElement::builder().attribute_name(attribute).key_type(role).build();
        let definition =
            AttributeDefinition::builder().attribute_name(attribute).attribute_type(scalar).build();
        creation = creation
            .key_schema(element.map_err(invalid)?)
            .attribute_definitions(definition.map_err(invalid)?);
    }
    creation
        .send()
        .await
        .map_err(|error| Error::because(format!("cannot create table {name}"), error))?;
    let ready =
        dynamodb.wait_until_table_exists().table_name(name).wait(TABLE_CREATION_TIMEOUT).await;
    ready
        .map(drop)
        .map_err(|error| Error::because(format!("table {name} does not become active"), error))
}

/// Creates a symmetric KMS key and returns its ARN.
///
/// # Errors
///
/// If KMS cannot be reached, or refuses the request.
pub async fn create_kms_key(kms: &aws_sdk_kms::Client) -> Result<String, Error> {
    let created = kms.create_key().description("envelope-testing").send().await;
    let created = created.map_err(|error| {
        Error::because(
            "cannot create a KMS key: is the server at KMS_ENDPOINT running, and is it a KMS?",
            error,
        )
    })?;
    let arn = created.key_metadata.and_then(|key| key.arn);
    arn.ok_or_else(|| Error::new("KMS created a key without saying its ARN"))
}

/// Disables a KMS key. Until it is enabled again, it wraps and unwraps nothing.
///
/// # Errors
///
/// If KMS cannot be reached, or if the key does not exist or cannot be disabled in its state.
pub async fn disable_kms_key(kms: &aws_sdk_kms::Client, key_id: &str) -> Result<(), Error> {
    let disabled = kms.disable_key().key_id(key_id).send().await;
    disabled
        .map(drop)
        .map_err(|error| Error::because(format!("cannot disable the KMS key {key_id}"), error))
}

/// A name that no other test uses, in this process or another: `prefix` and letters, digits and
/// hyphens.
///
/// For the names of tables, and of KMS aliases after `alias/`: tests share a server when the
/// environment names one.
#[must_use]
pub fn unique_name(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{prefix}-{:x}-{now:x}-{count}", process::id())
}
