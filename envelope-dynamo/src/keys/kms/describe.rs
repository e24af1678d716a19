//! DescribeKey: the key that an alias names now.

use aws_sdk_kms::operation::describe_key::DescribeKeyOutput;
use envelope_core::{KeyError, KmsKeyHint};

use crate::keys::kms::client::CallInfo;
use crate::keys::kms::{KmsKeyProvider, KmsKeyWrapper};

const OPERATION: &str = "DescribeKey";

impl KmsKeyWrapper {
    /// The alias that names the key, if it is not known yet which key that is.
    pub(crate) fn alias(&self) -> Option<&str> {
        self.key.hint().is_none().then(|| self.key.name.as_str())
    }

    /// The name of the key: its ARN, once that is known.
    pub(crate) fn key_id(&self) -> &str {
        self.key.key_id()
    }

    /// What stored records say about the key. Asks KMS which key an alias names
    /// (`kms:DescribeKey`), and keeps the answer.
    pub(crate) async fn resolve(&self) -> Result<KmsKeyHint, KeyError> {
        if let Some(hint) = self.key.hint() {
            return Ok(hint);
        }
        let request = self
            .kms
            .sdk
            .describe_key()
            .key_id(self.key.key_id())
            .set_grant_tokens(self.kms.grant_tokens());
        let info = CallInfo::new(OPERATION, self.key.key_id(), None);
        let key = self.key.clone();
        let take = move |output: DescribeKeyOutput| {
            let described = output.key_metadata.and_then(|metadata| metadata.arn);
            Ok(key.accept(described.as_deref())?.hint())
        };
        self.kms.call(info, move || request.clone().send(), take).await
    }
}

impl KmsKeyProvider {
    /// As [`KmsKeyWrapper::alias`], of the key that this provider writes with.
    pub(crate) fn alias(&self) -> Option<&str> {
        self.wrapper.alias()
    }

    /// As [`KmsKeyWrapper::resolve`].
    pub(crate) async fn resolve(&self) -> Result<KmsKeyHint, KeyError> {
        self.wrapper.resolve().await
    }
}
