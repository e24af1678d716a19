//! Reading the tables of branch keys and of search keys.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Config, Credentials, IdentityCache, Region, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_types::body::SdkBody;
use envelope_core::{BranchKeyStore, BranchName, BranchVersion, LocalKeyProvider, RootKey};
use envelope_dynamo::BranchKeyTable;
use envelope_dynamo::keys::{SearchKeyTable, SearchKeys};
use serde_json::{Map, Value as Json, json};

use crate::input::{Input, Item};

/// Arbitrary items of the tables are read or refused, and nobody without the KMS key can forge a
/// branch key or a search key.
///
/// The bytes are two items. A simulated DynamoDB returns the first item for a pointer and for a
/// key, and both items for a list.
pub fn branch_keys(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let items = [input.item(), input.item()];
    let [first, second] = items.each_ref().map(json_item);
    let body = json!({ "Item": first, "Items": [first, second], "Count": 2, "ScannedCount": 2 });
    TABLE.with(|played| {
        *played.body.lock().unwrap() = body.to_string();
        let branch = BranchName::new("b_1").unwrap();
        played.runtime.block_on(async {
            if let Ok(version) = played.table.active(&branch).await {
                let stored = items[0]["active_version"].as_s().unwrap();
                assert_eq!(&version.to_string(), stored, "a version has one spelling");
            }
            let version = BranchVersion::from_bytes([7; 16]);
            assert!(
                played.table.branch_key(&branch, version).await.is_err(),
                "a branch key was forged"
            );
            let _ = played.table.versions("b_1").await.map(|versions| format!("{versions:?}"));
            let _ = played.table.list().next().await.map(|page| format!("{page:?}"));

            assert!(played.keys.prefetch("b_1").await.is_err(), "a search key was forged");
            let searches = &played.searches;
            if let Ok(branch) = searches.branch("b_1").await {
                let live = [Some(branch.write()), branch.also_search()];
                assert!(live.contains(&Some(branch.written_at(SystemTime::now()))));
                assert!(
                    branch.retire_from() > branch.write_from().max(branch.cancelled())
                        || live[1].is_none()
                );
            }
            let _ = searches.versions("b_1").await.map(|versions| format!("{versions:?}"));
            let _ = searches.list().next().await.map(|page| format!("{page:?}"));
            let _ = searches.cancel("b_1").await.map_err(|error| error.to_string());
            let _ = searches.retire("b_1").await.map_err(|error| error.to_string());
        });
    });
}

struct Played {
    runtime: tokio::runtime::Runtime,
    table: BranchKeyTable<LocalKeyProvider>,
    searches: SearchKeyTable<LocalKeyProvider>,
    keys: SearchKeys,
    body: Arc<Mutex<String>>,
}

thread_local! {
    static TABLE: Played = Played::new();
}

impl Played {
    fn new() -> Self {
        let body = Arc::<Mutex<String>>::default();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "key", None, None, "test"))
            .identity_cache(IdentityCache::no_cache())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(answering(&body));
        let provider = || LocalKeyProvider::new(RootKey::from_bytes(&[9; 32]).unwrap());
        let client = Client::from_conf(config.build());
        let searches = || SearchKeyTable::new(client.clone(), "search-keys", provider());
        Self {
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            searches: searches(),
            keys: SearchKeys::per_table(searches()),
            table: BranchKeyTable::new(client, "branch-keys", provider()),
            body,
        }
    }
}

fn answering(body: &Arc<Mutex<String>>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Answer(Arc::clone(body)));
    http_client_fn(move |_, _| connector.clone())
}

/// Returns the same response to every request.
#[derive(Debug)]
struct Answer(Arc<Mutex<String>>);

impl HttpConnector for Answer {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let body = self.0.lock().unwrap().clone();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(
            200.try_into().unwrap(),
            SdkBody::from(body),
        )))
    }
}

/// An item in the encoding of DynamoDB.
fn json_item(item: &Item) -> Json {
    Json::Object(
        item.iter().map(|(name, value)| (name.clone(), json_value(value))).collect::<Map<_, _>>(),
    )
}

fn json_value(value: &AttributeValue) -> Json {
    let base64 = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
    match value {
        AttributeValue::Bool(value) => json!({ "BOOL": value }),
        AttributeValue::N(text) => json!({ "N": text }),
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::B(blob) => json!({ "B": base64(blob.as_ref()) }),
        AttributeValue::L(values) => {
            json!({ "L": values.iter().map(json_value).collect::<Vec<_>>() })
        }
        AttributeValue::M(entries) => json!({ "M": json_item(entries) }),
        AttributeValue::Ss(set) => json!({ "SS": set }),
        AttributeValue::Ns(set) => json!({ "NS": set }),
        AttributeValue::Bs(set) => {
            json!({ "BS": set.iter().map(|blob| base64(blob.as_ref())).collect::<Vec<_>>() })
        }
        _ => json!({ "NULL": true }),
    }
}
