//! KMS in this process, without a socket: an HTTP client that hands requests to keys in memory.
//!
//! It is strict: what AWS refuses, it refuses with the same code, and it refuses what it does not
//! implement. `docs/adr/0033-kms-in-the-process.md` says why it exists.

mod aliases;
mod blob;
mod data_keys;
mod key;
mod lifecycle;
mod refusal;
mod request;
mod store;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::Value;

use self::refusal::Refusal;
use self::request::Request;
use self::store::Store;
use crate::http::{operation, response};

/// Never resolved. If a client loses its HTTP client, its requests end here and not at AWS.
pub(crate) const ENDPOINT: &str = "http://kms.invalid";

/// An [`HttpClient`] whose connections all lead to one KMS, with separate keys for each region.
#[derive(Clone, Default)]
pub(crate) struct EmbeddedKms(Arc<Mutex<Store>>);

impl EmbeddedKms {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn answer(&self, request: &HttpRequest) -> (u16, String) {
        match self.carry_out(request) {
            Ok(answer) => (200, answer.to_string()),
            Err(refusal) => (400, refusal.to_json()),
        }
    }

    fn carry_out(&self, request: &HttpRequest) -> Result<Value, Refusal> {
        let region = signing_region(request).ok_or_else(Refusal::unsigned)?;
        let operation = operation(request);
        let body = request.body().bytes().unwrap_or_default();
        let request = Request::parse(operation, region, body)?;
        // A call that panicked reports that itself; the keys stay readable.
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        dispatch(&mut store, &request)
    }
}

/// Prints nothing of the keys.
impl fmt::Debug for EmbeddedKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmbeddedKms")
    }
}

impl HttpClient for EmbeddedKms {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for EmbeddedKms {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let server = self.clone();
        // Nothing happens before the first poll: a call that is dropped unpolled was never sent.
        HttpConnectorFuture::new(async move {
            let (status, reply) = server.answer(&request);
            response(status, reply.into_bytes(), "application/x-amz-json-1.1")
        })
    }
}

fn dispatch(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    match request.operation() {
        "GenerateDataKey" => data_keys::generate(store, request),
        "GenerateDataKeyWithoutPlaintext" => data_keys::generate_without_plaintext(store, request),
        "Encrypt" => data_keys::encrypt(store, request),
        "Decrypt" => data_keys::decrypt(store, request),
        "ReEncrypt" => data_keys::re_encrypt(store, request),
        "CreateKey" => lifecycle::create(store, request),
        "DescribeKey" => lifecycle::describe(store, request),
        "ListKeys" => lifecycle::list(store, request),
        "EnableKey" => lifecycle::enable(store, request),
        "DisableKey" => lifecycle::disable(store, request),
        "ScheduleKeyDeletion" => lifecycle::schedule_deletion(store, request),
        "CancelKeyDeletion" => lifecycle::cancel_deletion(store, request),
        "RotateKeyOnDemand" => lifecycle::rotate(store, request),
        "ReplicateKey" => lifecycle::replicate(store, request),
        "GetPublicKey" => lifecycle::public_key(store, request),
        "CreateAlias" => aliases::create(store, request),
        "UpdateAlias" => aliases::update(store, request),
        "DeleteAlias" => aliases::delete(store, request),
        "ListAliases" => aliases::list(store, request),
        unknown => Err(Refusal::unknown_operation(unknown)),
    }
}

/// The region of `Authorization: AWS4-HMAC-SHA256 Credential=<id>/<date>/<region>/kms/aws4_request,
/// ..`.
fn signing_region(request: &HttpRequest) -> Option<&str> {
    let (_, credential) = request.headers().get("authorization")?.split_once("Credential=")?;
    credential.split('/').nth(2)
}
