//! The stream of a table: the item before and after each write.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Map, Value, json};

use crate::Outcome;

/// A shard that has had so many empty answers in a row has no more events.
const EMPTY_ANSWERS: u32 = 3;

/// An item, as DynamoDB's JSON.
pub type Image = Map<String, Value>;

/// The item before and after a write; `None` where it did not exist.
#[derive(Clone, Copy, Debug)]
pub struct Write<'e> {
    /// The item before the write.
    pub old: Option<&'e Image>,
    /// The item after the write.
    pub new: Option<&'e Image>,
}

/// Begins to record the writes of the table.
///
/// # Errors
///
/// If DynamoDB refuses.
pub async fn enable(dynamodb: &Client, table: &str) -> Outcome<()> {
    let images = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages)
        .build()?;
    let update = dynamodb.update_table().table_name(table).stream_specification(images);
    update.send().await?;
    Ok(())
}

/// Shows `see` all writes since [`enable`], in their order for each item. `endpoint` is that of
/// DynamoDB.
///
/// Without the SDK: it does not parse an empty map in an image of DynamoDB Local.
///
/// # Errors
///
/// If the stream cannot be read.
pub async fn read(
    dynamodb: &Client,
    table: &str,
    endpoint: &str,
    mut see: impl FnMut(Write<'_>),
) -> Outcome<()> {
    let stream = Stream { connector: Connector::builder().build_http(), endpoint };
    let described = dynamodb.describe_table().table_name(table).send().await?;
    let arn = described.table.and_then(|table| table.latest_stream_arn).ok_or("no stream")?;
    let mut after = None;
    loop {
        let mut ask = json!({ "StreamArn": arn });
        if let (Some(ask), Some(after)) = (ask.as_object_mut(), &after) {
            ask.insert("ExclusiveStartShardId".to_owned(), Value::clone(after));
        }
        let answer = stream.call("DescribeStream", &ask).await?;
        let description = answer.get("StreamDescription").unwrap_or(&Value::Null);
        for shard in list(description, "Shards") {
            let shard = shard.get("ShardId").cloned().unwrap_or_default();
            stream.read_shard(&arn, &shard, &mut see).await?;
        }
        match description.get("LastEvaluatedShardId") {
            Some(last) if !last.is_null() => after = Some(last.clone()),
            _ => return Ok(()),
        }
    }
}

struct Stream<'e> {
    connector: Connector,
    endpoint: &'e str,
}

impl Stream<'_> {
    async fn read_shard(
        &self,
        arn: &str,
        shard: &Value,
        see: &mut impl FnMut(Write<'_>),
    ) -> Outcome<()> {
        let ask = json!({
            "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"
        });
        let mut iterator = self.call("GetShardIterator", &ask).await?.get("ShardIterator").cloned();
        let mut empty = 0;
        while let Some(at) = iterator.filter(|iterator| !iterator.is_null()) {
            let answer = self.call("GetRecords", &json!({ "ShardIterator": at })).await?;
            let records = list(&answer, "Records");
            for event in records {
                let data = event.get("dynamodb").unwrap_or(&Value::Null);
                let image = |name: &str| data.get(name).and_then(Value::as_object);
                see(Write { old: image("OldImage"), new: image("NewImage") });
            }
            empty = if records.is_empty() { empty + 1 } else { 0 };
            if empty == EMPTY_ANSWERS {
                break;
            }
            iterator = answer.get("NextShardIterator").cloned();
        }
        Ok(())
    }

    async fn call(&self, operation: &str, ask: &Value) -> Outcome<Value> {
        let mut request = HttpRequest::new(SdkBody::from(ask.to_string()));
        request.set_method("POST")?;
        request.set_uri(format!("{}/", self.endpoint))?;
        let headers = request.headers_mut();
        headers.insert("x-amz-target", format!("DynamoDBStreams_20120810.{operation}"));
        headers.insert("content-type", "application/x-amz-json-1.0");
        headers.insert("x-amz-date", "20260101T000000Z");
        headers.insert(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=emulator/20260101/us-east-1/dynamodb/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-target, Signature=0",
        );
        let response = self.connector.call(request).await?;
        let status = response.status().as_u16();
        let body = ByteStream::new(response.into_body()).collect().await?.into_bytes();
        if status != 200 {
            let said = String::from_utf8_lossy(&body).into_owned();
            return Err(format!("{operation}: {status}: {said}").into());
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

fn list<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
