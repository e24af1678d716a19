//! KMS in this process, without a socket: an HTTP client that hands requests to an emulated
//! service.

mod key_material;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use http::{HeaderMap, HeaderName, HeaderValue};
use winterbaume_core::{MockRequest, MockService};
use winterbaume_kms::KmsService;

use self::key_material::KeyMaterials;
use crate::http::{operation, response};

/// Never resolved. If a client loses its HTTP client, its requests end here and not at AWS.
pub(crate) const ENDPOINT: &str = "http://kms.invalid";

/// An [`HttpClient`] whose connections all lead to one KMS, with separate keys for each region.
#[derive(Clone)]
pub(crate) struct EmbeddedKms {
    service: Arc<KmsService>,
    materials: Arc<Mutex<KeyMaterials>>,
}

impl EmbeddedKms {
    pub(crate) fn new() -> Self {
        Self { service: Arc::new(KmsService::new()), materials: Arc::default() }
    }
}

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
        let Self { service, materials } = self.clone();
        HttpConnectorFuture::new(async move {
            let reply = service.handle(mock_request(&request)?).await;
            let mut body = reply.body.to_vec();
            if reply.status == 200 {
                let asked = request.body().bytes().unwrap_or_default();
                let mut materials = materials.lock().unwrap_or_else(PoisonError::into_inner);
                body = materials.complete(operation(&request), asked, body);
            }
            response(reply.status, body, "application/x-amz-json-1.1")
        })
    }
}

/// The request in the form of the emulated service, which reads the region from the host name.
fn mock_request(request: &HttpRequest) -> Result<MockRequest, ConnectorError> {
    let region = signing_region(request)
        .ok_or_else(|| ConnectorError::user("the request is not signed".into()))?;
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers() {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|e| ConnectorError::user(e.into()))?;
        headers.insert(
            name,
            HeaderValue::from_str(value).map_err(|e| ConnectorError::user(e.into()))?,
        );
    }
    if operation(request) == "RotateKeyOnDemand" {
        // The service would replace the key material and open nothing from before: it is asked for
        // the key's id alone.
        headers
            .insert("x-amz-target", HeaderValue::from_static("TrentService.GetKeyRotationStatus"));
    }
    Ok(MockRequest {
        method: request.method().to_owned(),
        uri: format!("https://kms.{region}.amazonaws.com/"),
        headers,
        body: request.body().bytes().unwrap_or_default().to_vec().into(),
    })
}

/// The region of `Authorization: AWS4-HMAC-SHA256 Credential=<id>/<date>/<region>/kms/aws4_request,
/// ..`.
fn signing_region(request: &HttpRequest) -> Option<&str> {
    let (_, credential) = request.headers().get("authorization")?.split_once("Credential=")?;
    credential.split('/').nth(2)
}
