//! DynamoDB and KMS for examples and tests: embedded in this process, named by the environment, or
//! AWS itself.
//!
//! | variable | meaning |
//! |---|---|
//! | `DYNAMODB_ENDPOINT` | a DynamoDB emulator, as `http://host:port`; embedded when unset |
//! | `KMS_ENDPOINT` | a KMS emulator, as `http://host:port`; embedded when unset |
//! | `KMS_KEY_ID` | the key at `KMS_ENDPOINT` (created when unset) or at AWS (required) |
//! | `AWS_REGION` | the region named to the emulators, `us-east-1` when unset |
//!
//! Emulators only ever see made-up credentials, whatever the environment holds.

mod embedded_dynamodb;
mod embedded_kms;
mod endpoints;
mod error;
pub(crate) mod in_process;
mod key_material;
pub mod loopback;
mod setup;

use std::env;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::Credentials;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;

pub use self::error::ServersError;
pub use self::setup::{create_kms_key, create_table, disable_kms_key, unique_name};

use self::embedded_dynamodb::EmbeddedDynamoDb;
use self::embedded_kms::EmbeddedKms;
use self::endpoints::{Endpoints, MADE_UP};
use self::loopback::{LoopbackBuilder, Server};
use crate::faults::Faults;

/// The backoff of clients with [`Faults`]: they retry as often as always, but tests do not wait for
/// the retries.
const FAULTY_BACKOFF: Duration = Duration::from_millis(1);

/// The AWS SDK's own clients of a DynamoDB and of a KMS, and a key in that KMS.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use aws_sdk_kms::types::DataKeySpec;
/// use envelope_examples::Servers;
///
/// let servers = Servers::embedded().await?;
/// let generate = servers.kms().generate_data_key().key_id(servers.kms_key_id());
/// let generated = generate.key_spec(DataKeySpec::Aes256).send().await?;
/// assert_eq!(generated.key_id(), Some(servers.kms_key_id()));
/// assert!(servers.dynamodb().list_tables().send().await?.table_names().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Servers {
    dynamodb: aws_sdk_dynamodb::Client,
    dynamodb_http: SharedHttpClient,
    kms: aws_sdk_kms::Client,
    kms_http: SharedHttpClient,
    /// `None` means AWS.
    dynamodb_server: Option<Server>,
    kms_server: Option<Server>,
    kms_key_id: String,
    region: String,
    description: String,
}

impl Servers {
    /// The servers that the environment names. A server that it does not name is embedded in this
    /// process.
    ///
    /// # Errors
    ///
    /// If a variable has an invalid value, or if a key cannot be created at `KMS_ENDPOINT`.
    pub async fn from_env() -> Result<Self, ServersError> {
        Self::at(Endpoints::from_vars(|name| env::var(name).ok())?).await
    }

    /// New servers in this process, without regard to the environment. They are empty except for
    /// one KMS key.
    ///
    /// Nothing listens on a socket, and nothing outlives the clients.
    ///
    /// # Errors
    ///
    /// If the embedded database or the KMS key cannot be created.
    pub async fn embedded() -> Result<Self, ServersError> {
        Self::at(Endpoints::default()).await
    }

    /// AWS itself, with the credentials and the region of the AWS SDK's default chain, and the key
    /// `KMS_KEY_ID`.
    ///
    /// # Errors
    ///
    /// If no region is configured, if `KMS_KEY_ID` is unset, or if the environment also names
    /// emulators.
    pub async fn aws() -> Result<Self, ServersError> {
        let kms_key_id = endpoints::aws_key_id(|name| env::var(name).ok())?;
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_https();
        let config =
            aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone()).load().await;
        let Some(region) = config.region() else {
            return Err(ServersError::new("no AWS region is configured: set AWS_REGION"));
        };
        Ok(Self {
            description: format!("AWS in {region}, KMS key {kms_key_id}"),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            dynamodb_http: http.clone(),
            kms: aws_sdk_kms::Client::new(&config),
            kms_http: http,
            dynamodb_server: None,
            kms_server: None,
            region: region.to_string(),
            kms_key_id,
        })
    }

    async fn at(endpoints: Endpoints) -> Result<Self, ServersError> {
        let (dynamodb_http, dynamodb_server) = match &endpoints.dynamodb {
            Some(url) => emulator(url),
            None => {
                let embedded = EmbeddedDynamoDb::new()?;
                let server = Server::new(embedded.clone(), embedded_dynamodb::ENDPOINT);
                (SharedHttpClient::new(embedded), server)
            }
        };
        let (kms_http, kms_server) = match &endpoints.kms {
            Some(url) => emulator(url),
            None => {
                let embedded = EmbeddedKms::new();
                let server = Server::new(embedded.clone(), embedded_kms::ENDPOINT);
                (SharedHttpClient::new(embedded), server)
            }
        };
        let region = Region::new(endpoints.region.clone());
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(made_up_credentials())
            .region(region.clone())
            .endpoint_url(&dynamodb_server.url)
            .http_client(dynamodb_http.clone())
            .build();
        let kms = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(made_up_credentials())
            .region(region)
            .endpoint_url(&kms_server.url)
            .http_client(kms_http.clone())
            .build();
        let kms = aws_sdk_kms::Client::from_conf(kms);
        let kms_key_id = match endpoints.kms_key_id.clone() {
            Some(id) => id,
            None => create_kms_key(&kms).await?,
        };
        Ok(Self {
            description: format!("{}, KMS key {kms_key_id}", endpoints.describe()),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
            dynamodb_http,
            kms,
            kms_http,
            dynamodb_server: Some(dynamodb_server),
            kms_server: Some(kms_server),
            kms_key_id,
            region: endpoints.region,
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

    /// These servers at ports of 127.0.0.1, for other processes. See [`loopback`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::process::Command;
    ///
    /// use envelope_examples::Servers;
    ///
    /// let servers = Servers::embedded().await?;
    /// let loopback = servers.loopback().start()?;
    /// let mut command = Command::new("true");
    /// command.envs(loopback.environment());
    /// assert!(command.status()?.success()); // while it runs, it can use both servers
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn loopback(&self) -> LoopbackBuilder<'_> {
        LoopbackBuilder::new(self)
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
            .http_client(faults.in_front_of(&self.dynamodb_http))
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
        let config =
            config.http_client(faults.in_front_of(&self.kms_http)).retry_config(quick_retries());
        aws_sdk_kms::Client::from_conf(config.retry_partition(quota).build())
    }
}

/// Emulators use plain HTTP: TLS would be one more thing to configure.
fn emulator(url: &str) -> (SharedHttpClient, Server) {
    let connector = aws_smithy_http_client::Connector::builder().build_http();
    (aws_smithy_http_client::Builder::new().build_http(), Server::new(connector, url))
}

/// Requests are signed as always, and emulators do not check the signature. DynamoDB Local accepts
/// only letters and digits in a key id.
fn made_up_credentials() -> Credentials {
    Credentials::new(MADE_UP, MADE_UP, None, None, "envelope-examples")
}

fn quick_retries() -> RetryConfig {
    RetryConfig::standard().with_initial_backoff(FAULTY_BACKOFF)
}

#[cfg(test)]
mod tests;
