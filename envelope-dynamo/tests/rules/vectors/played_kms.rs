//! KMS as a table: what a vector says that it answers.

use std::collections::BTreeMap;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use envelope_dynamo::KmsKeyProvider;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Hex;

/// The keys that a vector's reader has in KMS, and what KMS answers.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PlayedKms {
    keys: Vec<String>,
    answers: Vec<Answer>,
}

/// A blob that `key` made for an encryption context, and what comes out of it.
#[derive(Clone, Debug, Deserialize)]
struct Answer {
    key: String,
    key_material_id: Option<String>,
    encryption_context: BTreeMap<String, String>,
    ciphertext_blob: Hex,
    plaintext: Hex,
    /// The key that KMS says it was, if not `key`.
    answered_key: Option<String>,
    /// The error that KMS answers with in place of a plaintext.
    refuses: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    key_id: String,
    ciphertext_blob: Option<String>,
    encryption_context: BTreeMap<String, String>,
}

impl PlayedKms {
    /// A provider with the reader's keys: the last is the one that it writes with.
    pub(super) fn provider(&self) -> KmsKeyProvider {
        let client = Client::from_conf(
            aws_sdk_kms::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("eu-central-1"))
                .credentials_provider(Credentials::new("id", "secret", None, None, "a vector"))
                .endpoint_url("http://kms.invalid")
                .retry_config(RetryConfig::disabled())
                .http_client(self.clone())
                .build(),
        );
        let (own, others) = self.keys.split_last().expect("the reader has a key");
        others.iter().fold(KmsKeyProvider::new(client, own), KmsKeyProvider::also_decrypts)
    }

    fn answer(&self, request: &HttpRequest) -> (u16, Json) {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().expect("a body in memory");
        let request: Request = serde_json::from_slice(body).expect("a request to KMS");
        let outcome = match target {
            "TrentService.Decrypt" => self.decrypt(&request),
            "TrentService.GenerateDataKey" => self.generate(&request),
            other => panic!("no vector plays {other}"),
        };
        outcome.map_or_else(
            |code| (400, json!({ "__type": code, "message": "played" })),
            |answer| (200, answer),
        )
    }

    fn decrypt(&self, request: &Request) -> Result<Json, String> {
        let made = |answer: &&Answer| {
            request.ciphertext_blob.as_deref() == Some(&base64(&answer.ciphertext_blob))
        };
        let answer = self.answers.iter().find(made).ok_or("InvalidCiphertextException")?;
        if let Some(code) = &answer.refuses {
            return Err(code.clone());
        }
        if answer.encryption_context != request.encryption_context {
            return Err("InvalidCiphertextException".to_owned());
        }
        if answer.key != request.key_id {
            return Err("IncorrectKeyException".to_owned());
        }
        Ok(answer.to_json())
    }

    /// What this KMS made for the context, when the vector was written.
    fn generate(&self, request: &Request) -> Result<Json, String> {
        let made = |answer: &&Answer| {
            answer.key == request.key_id && answer.encryption_context == request.encryption_context
        };
        self.answers.iter().find(made).map(Answer::to_json).ok_or("NotFoundException".to_owned())
    }
}

impl Answer {
    fn to_json(&self) -> Json {
        json!({
            "KeyId": self.answered_key.as_ref().unwrap_or(&self.key),
            "KeyMaterialId": self.key_material_id,
            "CiphertextBlob": base64(&self.ciphertext_blob),
            "Plaintext": base64(&self.plaintext),
        })
    }
}

fn base64(bytes: &Hex) -> String {
    base64_simd::STANDARD.encode_to_string(&bytes.0)
}

impl HttpClient for PlayedKms {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for PlayedKms {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, answer) = self.answer(&request);
        let status = status.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(answer.to_string()))))
    }
}
