//! An attribute of a type that the SDK does not know. It cannot be built, only received.

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, IdentityCache, Region, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::{Client, Config};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_types::body::SdkBody;

use crate::convert::tests::*;

pub(crate) fn attribute() -> AttributeValue {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let reply =
        runtime.block_on(client().get_item().table_name("t").key("k", s("1")).send()).unwrap();
    let attribute = reply.item.unwrap().remove("a").unwrap();
    assert!(attribute.is_unknown());
    attribute
}

fn client() -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("id", "key", None, None, "test"))
        .identity_cache(IdentityCache::no_cache())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(canned());
    Client::from_conf(config.build())
}

fn canned() -> SharedHttpClient {
    http_client_fn(|_, _| SharedHttpConnector::new(Canned))
}

#[derive(Debug)]
struct Canned;

impl HttpConnector for Canned {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let body = r#"{"Item": {"a": {"X": "of a type to come"}}}"#;
        HttpConnectorFuture::ready(Ok(HttpResponse::new(
            200.try_into().unwrap(),
            SdkBody::from(body),
        )))
    }
}
