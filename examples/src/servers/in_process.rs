//! HTTP without a network, for the embedded servers.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

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
