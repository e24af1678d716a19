// A DynamoDB with one fixed answer to each operation. Examples in the documentation of this crate
// include this file, to show what a program does with an answer. The library does not compile it.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, IdentityCache, Region, StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::{Client, Config};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// A client whose operation `GetItem`, say, is answered with a status and a body. Each answer has
/// the request id `R1`. All items of a scan are in its first segment.
pub fn dynamodb(answers: &[(&'static str, u16, &str)]) -> Client {
    let answers = answers.iter().map(|(name, status, body)| (*name, *status, (*body).to_owned()));
    let answers = Answers(answers.collect());
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("id", "key", None, None, "example"))
        .identity_cache(IdentityCache::no_cache())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(answers.clone())));
    Client::from_conf(config.build())
}

/// A client of the table `users` with the partition key `user_id`, which has these items. All
/// writes succeed.
pub fn users(items: &[HashMap<String, AttributeValue>]) -> Client {
    let items: Vec<_> = items.iter().map(object).collect();
    let scan = json!({ "Items": items, "ConsumedCapacity": { "CapacityUnits": 1.0 } }).to_string();
    dynamodb(&[
        ("DescribeTable", 200, TABLE),
        ("DescribeContinuousBackups", 200, RECOVERY),
        ("Scan", 200, &scan),
        ("UpdateItem", 200, r#"{ "ConsumedCapacity": { "CapacityUnits": 1.0 } }"#),
    ])
}

/// What DynamoDB says of the table `users`.
pub const TABLE: &str = r#"{ "Table": {
    "TableArn": "arn:aws:dynamodb:eu-central-1:111122223333:table/users", "TableId": "t-1",
    "ItemCount": 2, "TableSizeBytes": 600,
    "KeySchema": [{ "AttributeName": "user_id", "KeyType": "HASH" }],
    "AttributeDefinitions": [{ "AttributeName": "user_id", "AttributeType": "S" }] } }"#;

/// Point-in-time recovery is on.
pub const RECOVERY: &str = r#"{ "ContinuousBackupsDescription": {
    "ContinuousBackupsStatus": "ENABLED",
    "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "ENABLED" } } }"#;

/// Point-in-time recovery is off.
pub const NO_RECOVERY: &str = r#"{ "ContinuousBackupsDescription": {
    "ContinuousBackupsStatus": "ENABLED",
    "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "DISABLED" } } }"#;

/// The refusal of a write whose condition this stored item did not fulfil.
pub fn condition_failed(stored: &HashMap<String, AttributeValue>) -> String {
    let code = "ConditionalCheckFailedException";
    json!({ "__type": code, "Item": object(stored) }).to_string()
}

fn object(item: &HashMap<String, AttributeValue>) -> Value {
    item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(bytes) => {
            json!({ "B": base64_simd::STANDARD.encode_to_string(bytes.as_ref()) })
        }
        other => panic!("no example has {other:?}"),
    }
}

#[derive(Clone, Debug)]
struct Answers(Arc<[(&'static str, u16, String)]>);

impl HttpConnector for Answers {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let name = target.rsplit('.').next().unwrap_or_default();
        let sent = std::str::from_utf8(request.body().bytes().unwrap_or_default()).unwrap();
        let is_later_segment = sent.contains(r#""Segment":"#) && !sent.contains(r#""Segment":0"#);
        let known = self.0.iter().find(|(known, ..)| *known == name);
        let (status, body) = match known {
            Some(_) if is_later_segment => (200, r#"{ "Items": [] }"#),
            Some((_, status, body)) => (*status, body.as_str()),
            None => (400, r#"{ "__type": "UnknownOperationException" }"#),
        };
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        response.headers_mut().insert("x-amzn-requestid", "R1");
        HttpConnectorFuture::ready(Ok(response))
    }
}
