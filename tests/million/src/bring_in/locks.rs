//! A client that waits for the locks of DynamoDB Local.
//!
//! While somebody scans a large table, DynamoDB Local refuses some requests with status 500, and
//! says that DynamoDB itself would carry them out. Such a request had no effect. It is sent again
//! here, so that the processes do not see a failure that DynamoDB does not have.

use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

const INTERNAL_ERROR: u16 = 500;
/// What DynamoDB Local says.
const NO_LOCK: &str = "This request will succeed in actual DynamoDB API";
/// After so many refusals of one request, the process sees the last one.
const TRIES: u32 = 100;

/// An HTTP client that waits for locks.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    SharedHttpClient::new(WaitingClient(Builder::new().build_http()))
}

#[derive(Debug)]
struct WaitingClient(SharedHttpClient);

impl HttpClient for WaitingClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(WaitingConnector(self.0.http_connector(settings, components)))
    }
}

#[derive(Debug)]
struct WaitingConnector(SharedHttpConnector);

impl HttpConnector for WaitingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let inner = self.0.clone();
        HttpConnectorFuture::new(async move {
            for _ in 1..TRIES {
                let Some(again) = request.try_clone() else { break };
                let mut response = inner.call(again).await?;
                if !has_no_lock(&mut response).await? {
                    return Ok(response);
                }
            }
            inner.call(request).await
        })
    }
}

/// Whether the request had no effect because it got no lock.
async fn has_no_lock(response: &mut HttpResponse) -> Result<bool, ConnectorError> {
    if response.status().as_u16() != INTERNAL_ERROR {
        return Ok(false);
    }
    let body = std::mem::replace(response.body_mut(), SdkBody::empty());
    let body = ByteStream::new(body).collect().await;
    let body = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    let has_no_lock = String::from_utf8_lossy(&body).contains(NO_LOCK);
    *response.body_mut() = SdkBody::from(body);
    Ok(has_no_lock)
}
