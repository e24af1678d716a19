// A DynamoDB with one fixed answer to each operation. Examples in the documentation of this crate
// include this file, to show what a program does with an answer. The library does not compile it.

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, IdentityCache, Region, StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::{Client, Config};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_types::body::SdkBody;

/// A client whose operation `GetItem`, say, is answered with a status and a body. Each answer has
/// the request id `R1`.
pub fn dynamodb(answers: &'static [(&'static str, u16, &'static str)]) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("id", "key", None, None, "example"))
        .identity_cache(IdentityCache::no_cache())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(Answers(answers))));
    Client::from_conf(config.build())
}

#[derive(Debug)]
struct Answers(&'static [(&'static str, u16, &'static str)]);

impl HttpConnector for Answers {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let known = self.0.iter().find(|(name, ..)| target.ends_with(&format!(".{name}")));
        let unknown = ("", 400, r#"{ "__type": "UnknownOperationException" }"#);
        let (_, status, body) = *known.unwrap_or(&unknown);
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        response.headers_mut().insert("x-amzn-requestid", "R1");
        HttpConnectorFuture::ready(Ok(response))
    }
}
