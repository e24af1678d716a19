//! Clients for an example that also runs against AWS itself.

use std::env;
use std::error::Error;

use aws_config::BehaviorVersion;
use aws_smithy_http_client::tls;

use crate::Servers;

/// Clients of DynamoDB and of KMS, and a key in that KMS.
#[derive(Clone, Debug)]
pub struct Clients {
    dynamodb: aws_sdk_dynamodb::Client,
    kms: aws_sdk_kms::Client,
    kms_key_id: String,
    description: String,
}

impl Clients {
    /// The clients of [`Servers::from_env`]: of embedded servers, or of the emulators that the
    /// environment names.
    ///
    /// # Errors
    ///
    /// As [`Servers::from_env`].
    pub async fn from_env() -> Result<Self, Box<dyn Error>> {
        let servers = Servers::from_env().await?;
        Ok(Self {
            dynamodb: servers.dynamodb().clone(),
            kms: servers.kms().clone(),
            kms_key_id: servers.kms_key_id().to_owned(),
            description: servers.describe().to_owned(),
        })
    }

    /// Clients of AWS, with the credentials and the region of the AWS SDK's default chain, and the
    /// key `KMS_KEY_ID`.
    ///
    /// # Errors
    ///
    /// If no region is configured, if `KMS_KEY_ID` is unset, or if the environment also names
    /// emulators.
    pub async fn of_aws() -> Result<Self, Box<dyn Error>> {
        let kms_key_id = key_id(|name| env::var(name).ok())?;
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_https();
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
        let region = config.region().ok_or("no AWS region is configured: set AWS_REGION")?;
        Ok(Self {
            description: format!("AWS in {region}, KMS key {kms_key_id}"),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            kms: aws_sdk_kms::Client::new(&config),
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
}

/// The key to use at AWS, if the environment does not name emulators at the same time.
fn key_id(var: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    // An empty variable counts as unset, because a script cannot always unset one.
    let set = |name| var(name).filter(|value| !value.is_empty());
    for name in ["DYNAMODB_ENDPOINT", "KMS_ENDPOINT"] {
        if set(name).is_some() {
            return Err(format!(
                "AWS is asked for, but {name} names an emulator: unset it, or do not ask for AWS"
            ));
        }
    }
    set("KMS_KEY_ID").ok_or_else(|| {
        "a KMS key costs money, so none is created at AWS: set KMS_KEY_ID to its id, ARN or alias"
            .to_owned()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::key_id;

    #[test]
    fn aws_needs_a_key_and_no_emulator() {
        assert!(key_id(|_| None).unwrap_err().contains("set KMS_KEY_ID"));
        let both = |name: &str| match name {
            "KMS_KEY_ID" => Some("alias/users".to_owned()),
            "DYNAMODB_ENDPOINT" => Some("http://127.0.0.1:8000".to_owned()),
            _ => None,
        };
        assert!(key_id(both).unwrap_err().contains("DYNAMODB_ENDPOINT names an emulator"));
        let key = |name: &str| (name == "KMS_KEY_ID").then(|| "alias/users".to_owned());
        assert_eq!(key_id(key).unwrap(), "alias/users");
    }
}
