//! The clients of DynamoDB and KMS, configured as the AWS CLI is.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::Client as Kms;

use crate::args::Global;
use crate::failure::{Failure, chain};

/// A connection that says nothing for so long is given up, and the SDK tries again.
const SILENCE: Duration = Duration::from_secs(30);

/// The clients of one command.
pub(crate) struct Aws {
    pub(crate) config: SdkConfig,
    pub(crate) dynamodb: DynamoDb,
    pub(crate) kms: Kms,
}

impl Aws {
    /// Reads the configuration, and checks that there are a region and credentials.
    pub(crate) async fn load(global: &Global) -> Result<Self, Failure> {
        let timeouts = TimeoutConfig::builder().read_timeout(SILENCE).build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
        if let Ok(name) = AppName::new("envelope-cli") {
            loader = loader.app_name(name);
        }
        if let Some(region) = &global.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &global.profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        if config.region().is_none() {
            return Err(Failure::act_now(
                "no AWS region is configured: give --region, set AWS_REGION, or name a profile \
                 that has a region with --profile",
            ));
        }
        check_credentials(&config).await?;
        Ok(Self { dynamodb: DynamoDb::new(&config), kms: Kms::new(&config), config })
    }
}

/// Without this, every call would say in its own words that there are no credentials.
async fn check_credentials(config: &SdkConfig) -> Result<(), Failure> {
    let Some(provider) = config.credentials_provider() else {
        return Err(Failure::act_now(format!("no AWS credentials are configured; {HOW}")));
    };
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(error @ CredentialsError::ProviderTimedOut(_)) => Err(Failure::try_again(format!(
            "the AWS credentials could not be obtained in time: {}",
            chain(&error)
        ))),
        Err(error) => Err(Failure::act_now(format!(
            "the AWS credentials could not be obtained: {}; {HOW}",
            chain(&error)
        ))),
    }
}

const HOW: &str = "the command finds them as the AWS CLI does: in the environment, in a profile \
                   (--profile), by `aws sso login`, by the role of a pod, container or instance";

/// A call that failed. Without an answer of the service, or if it is busy, trying again may help.
pub(crate) fn failed<E, R>(what: &str, error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    const BUSY: [&str; 6] = [
        "InternalServerError",
        "KMSInternalException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
    ];
    let text = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{what}: {code}: {message}"),
        (Some(code), None) => format!("{what}: {code}"),
        _ => format!("{what}: {}", chain(error)),
    };
    match error.code() {
        Some(code) if !BUSY.contains(&code) => Failure::act_now(text),
        _ => Failure::try_again(text),
    }
}
