//! The names of KMS keys on the command line.

use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;

use crate::aws::failed;
use crate::failure::Failure;

/// A KMS key as it was named, and its ARN.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The alias or key id, if that was named in place of the ARN.
    named: Option<String>,
    pub(crate) arn: String,
}

impl Key {
    /// The key that `name` names. Only an alias or a key id costs a call to KMS.
    pub(crate) async fn resolve(kms: &Client, name: &str) -> Result<Self, Failure> {
        if is_arn(name) {
            return Ok(Self { named: None, arn: name.to_owned() });
        }
        let described = kms.describe_key().key_id(name).send().await.map_err(|error| {
            let failure = failed(&format!("KMS does not describe the key {name}"), &error);
            let hint = match error.code() {
                Some("NotFoundException") => {
                    "; a key of another region or account is named by its ARN"
                }
                Some("AccessDeniedException") => {
                    "; name the key by its ARN, or allow kms:DescribeKey"
                }
                _ => "",
            };
            Failure { message: failure.message + hint, ..failure }
        })?;
        let arn = described.key_metadata.and_then(|key| key.arn).ok_or_else(|| {
            Failure::try_again(format!("KMS described the key {name} without its ARN"))
        })?;
        Ok(Self { named: Some(name.to_owned()), arn })
    }

    /// The ARN, and the name if it is another.
    pub(crate) fn shown(&self) -> String {
        match &self.named {
            Some(name) => format!("{} ({name})", self.arn),
            None => self.arn.clone(),
        }
    }
}

/// Whether the name is the ARN of a key. An alias can move; a key id does not name the region.
pub(crate) fn is_arn(name: &str) -> bool {
    name.starts_with("arn:") && name.contains(":key/")
}
