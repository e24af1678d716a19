//! GenerateDataKey: a data key for each record that is written.

use std::sync::Arc;

use aws_sdk_kms::operation::generate_data_key::GenerateDataKeyOutput;
use aws_sdk_kms::types::DataKeySpec;
use envelope_core::{EncryptionContext, GeneratedKey, KeyError};

use crate::keys::kms::KmsKeyWrapper;
use crate::keys::kms::client::CallInfo;
use crate::keys::kms::key::{KmsKey, pairs, take_data_key, take_wrapped};

const OPERATION: &str = "GenerateDataKey";

impl KmsKeyWrapper {
    pub(crate) async fn generate_data_key(
        &self,
        context: &EncryptionContext,
    ) -> Result<GeneratedKey, KeyError> {
        let request = self
            .kms
            .sdk
            .generate_data_key()
            .key_id(self.key.key_id())
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(pairs(context)))
            .set_grant_tokens(self.kms.grant_tokens());
        let info = CallInfo::new(OPERATION, self.key.key_id(), context.form());
        let key = Arc::clone(&self.key);
        let take = move |output| key.take_generated(output);
        self.kms.call(info, move || request.clone().send(), take).await
    }
}

impl KmsKey {
    fn take_generated(&self, output: GenerateDataKeyOutput) -> Result<GeneratedKey, KeyError> {
        let data_key = take_data_key(output.plaintext, OPERATION)?;
        let arn = self.accept(output.key_id.as_deref())?;
        let hint = arn.hint().with_material(output.key_material_id.as_deref());
        let wrapped = take_wrapped(hint, output.ciphertext_blob, OPERATION)?;
        Ok(GeneratedKey { data_key, wrapped: vec![wrapped] })
    }
}
