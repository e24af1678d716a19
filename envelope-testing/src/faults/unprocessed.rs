//! A batch of which only a part is processed. The rest comes back in the form that DynamoDB uses.

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Map, Value, json};

use super::reply;
use crate::http::operation;

/// Lets `inner` process the first of the request's reads or writes, and returns the others.
pub(super) async fn process_some(
    inner: SharedHttpConnector,
    mut request: HttpRequest,
    processed: usize,
) -> Result<HttpResponse, ConnectorError> {
    let left_in = match operation(&request) {
        "BatchWriteItem" => "UnprocessedItems",
        "BatchGetItem" => "UnprocessedKeys",
        other => return Err(ConnectorError::user(format!("{other} is no batch").into())),
    };
    let mut body: Value = parse(request.body().bytes().unwrap_or_default())?;
    let left = leave_out(&mut body, processed);
    if body.get("RequestItems").and_then(Value::as_object).is_none_or(Map::is_empty) {
        return reply(200, json!({ "Responses": {}, left_in: left }).to_string());
    }
    let body = body.to_string();
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
    let response = inner.call(request).await?;
    let status = response.status().as_u16();
    let body = ByteStream::new(response.into_body()).collect().await;
    let mut body: Value =
        parse(&body.map_err(|error| ConnectorError::other(error.into(), None))?.into_bytes())?;
    if let (200, Some(answer)) = (status, body.as_object_mut()) {
        answer.insert(left_in.to_owned(), left);
    }
    reply(status, body.to_string())
}

fn parse(body: &[u8]) -> Result<Value, ConnectorError> {
    serde_json::from_slice(body).map_err(|error| ConnectorError::user(error.into()))
}

/// Removes all reads or writes after the first `kept` from the request, and returns them in the
/// form of unprocessed items.
fn leave_out(body: &mut Value, kept: usize) -> Value {
    let mut left = Map::new();
    let mut kept = kept;
    if let Some(tables) = body.get_mut("RequestItems").and_then(Value::as_object_mut) {
        for (table, requests) in tables.iter_mut() {
            let mut others = requests.clone();
            let (Some(here), Some(there)) = (list(requests), list(&mut others)) else { continue };
            there.drain(..kept.min(there.len()));
            here.truncate(kept);
            kept -= here.len();
            if !there.is_empty() {
                left.insert(table.clone(), others);
            }
        }
        tables.retain(|_, requests| list(requests).is_some_and(|requests| !requests.is_empty()));
    }
    Value::Object(left)
}

/// Writes are in a list. Keys are in the list `Keys`, beside the settings for all of them.
fn list(requests: &mut Value) -> Option<&mut Vec<Value>> {
    match requests {
        Value::Array(writes) => Some(writes),
        reads => reads.get_mut("Keys")?.as_array_mut(),
    }
}
