//! The table's stream: every write that was made, judged by the item before and after it.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use base64_simd::STANDARD;
use envelope_dynamo::keys::{EncryptedDek, KmsKeyHint, WrappedKey};
use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::records::{World, hint};

/// A shard that has had so many empty answers in a row has no more events.
const EMPTY_ANSWERS: u32 = 3;

/// How many events of each kind the stream has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Items that were created.
    pub inserts: u64,
    /// Items that were deleted.
    pub removes: u64,
    /// Records that were sealed again.
    pub payloads: u64,
    /// Items that were counted in place.
    pub in_place: u64,
    /// Records whose data keys moved from the old key to the new one, and nothing else.
    pub rewraps: u64,
    /// Rewraps of records that had nothing under the old key.
    pub second_writes: u64,
    /// Writes that nobody should have made.
    pub violations: Vec<String>,
}

/// Begins to record the writes of the table.
///
/// # Errors
///
/// If DynamoDB refuses.
pub async fn enable(world: &World) -> Outcome<()> {
    let images = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages)
        .build()?;
    let update = world.dynamodb().update_table().table_name(&world.name);
    update.stream_specification(images).send().await?;
    Ok(())
}

/// Reads all writes since [`enable`]. `endpoint` is that of DynamoDB.
///
/// Without the SDK: it does not parse an empty map in an image of DynamoDB Local.
///
/// # Errors
///
/// If the stream cannot be read.
pub async fn read(world: &World, endpoint: &str) -> Outcome<Events> {
    let stream = Stream { connector: Connector::builder().build_http(), endpoint };
    let described = world.dynamodb().describe_table().table_name(&world.name).send().await?;
    let arn = described.table.and_then(|table| table.latest_stream_arn).ok_or("no stream")?;
    let judge = Judge { old: hint(&world.from), new: hint(&world.to) };
    let (mut events, mut after) = (Events::default(), None);
    loop {
        let mut ask = json!({ "StreamArn": arn });
        if let (Some(ask), Some(after)) = (ask.as_object_mut(), &after) {
            ask.insert("ExclusiveStartShardId".to_owned(), Value::clone(after));
        }
        let answer = stream.call("DescribeStream", &ask).await?;
        let description = answer.get("StreamDescription").unwrap_or(&Value::Null);
        for shard in list(description, "Shards") {
            let shard = shard.get("ShardId").cloned().unwrap_or_default();
            stream.read_shard(&arn, &shard, &judge, &mut events).await?;
        }
        match description.get("LastEvaluatedShardId") {
            Some(last) if !last.is_null() => after = Some(last.clone()),
            _ => return Ok(events),
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
        judge: &Judge,
        events: &mut Events,
    ) -> Outcome<()> {
        let ask = json!({
            "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"
        });
        let mut iterator = self.call("GetShardIterator", &ask).await?.get("ShardIterator").cloned();
        let mut empty = 0;
        while let Some(at) = iterator.filter(|iterator| !iterator.is_null()) {
            let answer = self.call("GetRecords", &json!({ "ShardIterator": at })).await?;
            let records = list(&answer, "Records");
            records.iter().for_each(|event| judge.judge(event, events));
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

/// Knows what a write may do.
struct Judge {
    old: KmsKeyHint,
    new: KmsKeyHint,
}

type Image = Map<String, Value>;

impl Judge {
    fn judge(&self, event: &Value, events: &mut Events) {
        let data = event.get("dynamodb").unwrap_or(&Value::Null);
        let image = |name: &str| data.get(name).and_then(Value::as_object);
        match (image("OldImage"), image("NewImage")) {
            (None, Some(_)) => events.inserts += 1,
            (Some(_), None) => events.removes += 1,
            (Some(old), Some(new)) => self.judge_change(old, new, events),
            (None, None) => events.violations.push(format!("an event without images: {event}")),
        }
    }

    fn judge_change(&self, old: &Image, new: &Image, events: &mut Events) {
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let changed: Vec<&String> =
            names.into_iter().filter(|name| old.get(*name) != new.get(*name)).collect();
        if changed.iter().any(|name| *name == "encrypted_payload") {
            events.payloads += 1;
        } else if changed == ["logins"] {
            events.in_place += 1;
        } else if !changed.is_empty() && changed.iter().all(|n| n.starts_with("encrypted_dek")) {
            match self.is_move(old, new, &changed) {
                Some(true) => events.rewraps += 1,
                Some(false) => {
                    events.second_writes += 1;
                    events.violations.push(format!("{:?}: a second write", new.get("id")));
                }
                None => {
                    events.violations.push(format!("{:?}: not a rewrap", new.get("id")));
                }
            }
        } else {
            events.violations.push(format!("{:?}: changed {changed:?}", new.get("id")));
        }
    }

    /// Whether each changed data key left the old key for the new one, and no other recipient
    /// changed. `Some(false)` if a changed data key was not under the old key; `None` if the change
    /// is of another kind.
    fn is_move(&self, old: &Image, new: &Image, changed: &[&String]) -> Option<bool> {
        for name in changed {
            let (old, new) = (dek(old, name)?, dek(new, name)?);
            let is_old = |key: &&WrappedKey| self.old.fits(key.id());
            if !old.keys().iter().any(|key| is_old(&key)) {
                return Some(false);
            }
            let others = old.keys().iter().filter(|key| !is_old(key));
            let others_stay = others.into_iter().all(|key| new.keys().contains(key));
            let has_new = new.keys().iter().filter(|key| self.new.fits(key.id())).count() == 1;
            if new.keys().iter().any(|key| is_old(&key)) || !has_new || !others_stay {
                return None;
            }
        }
        Some(true)
    }
}

fn dek(image: &Image, name: &str) -> Option<EncryptedDek> {
    let text = image.get(name)?.get("B")?.as_str()?;
    EncryptedDek::parse(&STANDARD.decode_to_vec(text).ok()?).ok()
}
