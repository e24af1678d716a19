//! HTTP: servers in this process, which need no network, and emulators at an address.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnector, SharedHttpClient};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

/// A server: its address, and how its clients reach it.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) client: SharedHttpClient,
    /// For calls that come through a port, which no SDK client makes.
    #[cfg(feature = "loopback")]
    pub(crate) connector: aws_smithy_runtime_api::client::http::SharedHttpConnector,
}

impl Server {
    /// A server in this process, at an address that is never resolved.
    pub(crate) fn embedded(
        server: impl HttpClient + HttpConnector + Clone + 'static,
        url: &str,
    ) -> Self {
        Self::new(server.clone(), server, url)
    }

    /// A server at an address. Emulators use plain HTTP: TLS would be one more thing to configure.
    pub(crate) fn emulator(url: &str) -> Self {
        let connector = aws_smithy_http_client::Connector::builder().build_http();
        Self::new(aws_smithy_http_client::Builder::new().build_http(), connector, url)
    }

    #[cfg_attr(not(feature = "loopback"), expect(unused_variables, reason = "for ports alone"))]
    fn new(
        client: impl HttpClient + 'static,
        connector: impl HttpConnector + 'static,
        url: &str,
    ) -> Self {
        Self {
            url: url.to_owned(),
            client: SharedHttpClient::new(client),
            #[cfg(feature = "loopback")]
            connector: aws_smithy_runtime_api::client::http::SharedHttpConnector::new(connector),
        }
    }
}

/// The operation of a request, from `X-Amz-Target: DynamoDB_20120810.PutItem`; empty if the request
/// names none.
pub(crate) fn operation(request: &HttpRequest) -> &str {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    target.rsplit_once('.').map_or(target, |(_, operation)| operation)
}

/// A reply with a request id, as every reply of AWS has one.
pub(crate) fn response(
    status: u16,
    body: Vec<u8>,
    content_type: &'static str,
) -> Result<HttpResponse, ConnectorError> {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let status = status.try_into().map_err(|error| ConnectorError::user(Box::new(error)))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    let request_id = format!("in-process-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    response.headers_mut().insert("content-type", content_type);
    response.headers_mut().insert("x-amzn-requestid", request_id);
    Ok(response)
}
