//! A DynamoDB and a KMS, and the SDK clients of both.

mod endpoints;
mod setup;

use std::env;
use std::time::Duration;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_types::retry::RetryConfig;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};

pub(crate) use self::endpoints::MADE_UP;
pub use self::setup::{create_kms_key, create_table, disable_kms_key, unique_name};

use self::endpoints::Endpoints;
use crate::dynamodb::{self, EmbeddedDynamoDb};
use crate::error::Error;
use crate::faults::Faults;
use crate::http::Server;
use crate::kms::{self, EmbeddedKms};

/// The backoff of clients with [`Faults`]: they retry as often as always, but tests do not wait for
/// the retries.
const FAULTY_BACKOFF: Duration = Duration::from_millis(1);

/// The AWS SDK's own clients of a DynamoDB and of a KMS, and a key in that KMS.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aws_sdk_kms::types::DataKeySpec;
/// use envelope_testing::Aws;
///
/// let aws = Aws::embedded().await?;
/// let generate = aws.kms().generate_data_key().key_id(aws.kms_key_id());
/// let generated = generate.key_spec(DataKeySpec::Aes256).send().await?;
/// assert_eq!(generated.key_id(), Some(aws.kms_key_id()));
/// assert!(aws.dynamodb().list_tables().send().await?.table_names().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Aws {
    dynamodb: aws_sdk_dynamodb::Client,
    kms: aws_sdk_kms::Client,
    pub(crate) dynamodb_server: Server,
    pub(crate) kms_server: Server,
    pub(crate) kms_key_id: String,
    description: String,
}

impl Aws {
    /// The emulators that the environment names. A server that it does not name is embedded in this
    /// process.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `DYNAMODB_ENDPOINT` | a DynamoDB emulator, as `http://host:port`; embedded when unset |
    /// | `KMS_ENDPOINT` | a KMS emulator, as `http://host:port`; embedded when unset |
    /// | `KMS_KEY_ID` | the key at `KMS_ENDPOINT`; created when unset |
    /// | `AWS_REGION` | the region named to the emulators; `us-east-1` when unset |
    ///
    /// An empty variable counts as unset. Nothing else in the environment is read: emulators only
    /// see made-up credentials, and an address of AWS is refused. Other tests may use the same
    /// emulators, so name tables by [`unique_name`].
    ///
    /// # Errors
    ///
    /// If a variable has an invalid value, or if a key cannot be created at `KMS_ENDPOINT`.
    pub async fn from_env() -> Result<Self, Error> {
        Self::at(Endpoints::from_vars(|name| env::var(name).ok())?).await
    }

    /// New servers in this process, without regard to the environment. They are empty except for
    /// one KMS key.
    ///
    /// Nothing listens on a socket, and nothing outlives the clients.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_testing::Aws;
    ///
    /// let (ours, theirs) = (Aws::embedded().await?, Aws::embedded().await?);
    /// ours.create_alias("alias/users").await?;
    /// ours.kms().describe_key().key_id("alias/users").send().await?;
    /// assert!(theirs.kms().describe_key().key_id("alias/users").send().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the embedded database or the KMS key cannot be created.
    pub async fn embedded() -> Result<Self, Error> {
        Self::at(Endpoints::default()).await
    }

    async fn at(endpoints: Endpoints) -> Result<Self, Error> {
        let dynamodb_server = match &endpoints.dynamodb {
            Some(url) => Server::emulator(url),
            None => Server::embedded(EmbeddedDynamoDb::new()?, dynamodb::ENDPOINT),
        };
        let kms_server = match &endpoints.kms {
            Some(url) => Server::emulator(url),
            None => Server::embedded(EmbeddedKms::new(), kms::ENDPOINT),
        };
        let region = Region::new(endpoints.region.clone());
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(made_up_credentials())
            .region(region.clone())
            .endpoint_url(&dynamodb_server.url)
            .http_client(dynamodb_server.client.clone())
            .build();
        let kms = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(made_up_credentials())
            .region(region)
            .endpoint_url(&kms_server.url)
            .http_client(kms_server.client.clone())
            .build();
        let kms = aws_sdk_kms::Client::from_conf(kms);
        let kms_key_id = match endpoints.kms_key_id.clone() {
            Some(id) => id,
            None => create_kms_key(&kms).await?,
        };
        Ok(Self {
            description: format!("{}, KMS key {kms_key_id}", endpoints.describe()),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
            kms,
            dynamodb_server,
            kms_server,
            kms_key_id,
        })
    }

    /// The DynamoDB client.
    #[must_use]
    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        &self.dynamodb
    }

    /// The KMS client.
    #[must_use]
    pub fn kms(&self) -> &aws_sdk_kms::Client {
        &self.kms
    }

    /// The KMS key to use: the ARN of the created key, or the value of `KMS_KEY_ID`.
    #[must_use]
    pub fn kms_key_id(&self) -> &str {
        &self.kms_key_id
    }

    /// One line that describes the servers.
    #[must_use]
    pub fn describe(&self) -> &str {
        &self.description
    }

    /// The same servers, with `faults` in front of [`dynamodb`](Self::dynamodb) and
    /// [`kms`](Self::kms). Their retries wait for a millisecond.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_testing::{Aws, Fault, Faults};
    ///
    /// let faults = Faults::new();
    /// let aws = Aws::embedded().await?.with_faults(&faults);
    /// faults.fail_next("ListTables", Fault::Io);
    /// aws.dynamodb().list_tables().send().await?;
    /// assert_eq!(faults.calls("ListTables"), 2); // the SDK tried again
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_faults(self, faults: &Faults) -> Self {
        Self { dynamodb: self.dynamodb_through(faults), kms: self.kms_through(faults), ..self }
    }

    /// Creates a table with the keys, the indexes and the time to live of `T`, and returns it. Its
    /// records are sealed under [`kms_key_id`](Self::kms_key_id).
    ///
    /// Code that makes a [`Table`] of its own from these clients uses the same table.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::Envelope;
    /// use envelope_testing::Aws;
    ///
    /// #[derive(Debug, PartialEq, Envelope)]
    /// #[envelope(table = "users")]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     email: String,
    /// }
    ///
    /// let aws = Aws::embedded().await?;
    /// let users = aws.create_table::<User>("test-users").await?;
    /// let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
    /// users.put(&zoe).send().await?;
    /// assert_eq!(users.get("u_1").send().await?, Some(zoe));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If DynamoDB cannot be reached, refuses the table, or does not finish within two minutes.
    pub async fn create_table<T: Envelope>(&self, name: &str) -> Result<Table<T>, Error> {
        let keys = KmsKeyProvider::new(self.kms.clone(), &self.kms_key_id);
        let table = Table::new(self.dynamodb.clone(), keys).named(name);
        let created = table.create_table().send().await;
        created.map_err(|error| Error::because(format!("cannot create table {name}"), error))?;
        Ok(table)
    }

    /// Creates a KMS key with the alias `name`, which starts with `alias/`, and returns the key's
    /// ARN. For code that names its key by an alias.
    ///
    /// # Errors
    ///
    /// If KMS cannot be reached, if the alias exists, or if its name is not valid.
    pub async fn create_alias(&self, name: &str) -> Result<String, Error> {
        let key = create_kms_key(&self.kms).await?;
        let created = self.kms.create_alias().alias_name(name).target_key_id(&key).send().await;
        created
            .map_err(|error| Error::because(format!("cannot create the alias {name}"), error))?;
        Ok(key)
    }

    /// Another client of the same DynamoDB, with `faults` in between.
    ///
    /// It retries as often as the SDK does by default, but after a millisecond, and has its own
    /// retry quota.
    #[must_use]
    pub fn dynamodb_through(&self, faults: &Faults) -> aws_sdk_dynamodb::Client {
        use aws_sdk_dynamodb::config::retry::{RetryPartition, TokenBucket};
        let quota = RetryPartition::custom(unique_name("dynamodb"))
            .token_bucket(TokenBucket::unlimited())
            .build();
        let config = self.dynamodb.config().to_builder();
        let config = config
            .http_client(faults.in_front_of(&self.dynamodb_server.client))
            .retry_config(quick_retries());
        aws_sdk_dynamodb::Client::from_conf(config.retry_partition(quota).build())
    }

    /// Another client of the same KMS, with `faults` in between.
    ///
    /// It retries as often as the SDK does by default, but after a millisecond, and has its own
    /// retry quota.
    #[must_use]
    pub fn kms_through(&self, faults: &Faults) -> aws_sdk_kms::Client {
        use aws_sdk_kms::config::retry::{RetryPartition, TokenBucket};
        let quota = RetryPartition::custom(unique_name("kms"))
            .token_bucket(TokenBucket::unlimited())
            .build();
        let config = self.kms.config().to_builder();
        let config = config
            .http_client(faults.in_front_of(&self.kms_server.client))
            .retry_config(quick_retries());
        aws_sdk_kms::Client::from_conf(config.retry_partition(quota).build())
    }
}

/// Requests are signed as always, and emulators do not check the signature. DynamoDB Local accepts
/// only letters and digits in a key id.
fn made_up_credentials() -> Credentials {
    Credentials::new(MADE_UP, MADE_UP, None, None, "envelope-testing")
}

fn quick_retries() -> RetryConfig {
    RetryConfig::standard().with_initial_backoff(FAULTY_BACKOFF)
}

#[cfg(test)]
mod tests;
