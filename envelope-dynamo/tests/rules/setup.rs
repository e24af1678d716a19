//! What the tests share: an embedded DynamoDB with faults in front of it, and keys in this process.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{Envelope, Table};
use envelope_examples::{Faults, Servers};
use serde_json::Value;

/// An item as DynamoDB stores it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// An attribute of type S.
pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// An embedded DynamoDB behind faults, and a key provider that counts its calls.
pub(crate) struct Setup {
    pub(crate) dynamodb: Client,
    /// The faults in front of `dynamodb`, and the requests that it sent.
    pub(crate) faults: Faults,
    pub(crate) keys: TestKeyProvider,
    _servers: Servers,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        let servers = Servers::embedded().await.expect("the embedded servers start");
        let faults = Faults::new();
        let dynamodb = servers.dynamodb_through(&faults);
        Self { dynamodb, faults, keys: TestKeyProvider::default(), _servers: servers }
    }

    /// The table of `T`, created if it does not exist. Several versions of a struct share a table.
    pub(crate) async fn table<T: Envelope>(&self) -> Table<T> {
        let table = Table::new(self.dynamodb.clone(), self.keys.clone());
        let exists = self.dynamodb.describe_table().table_name(T::TABLE).send().await.is_ok();
        if !exists {
            table.create_table().send().await.expect("the table is created");
        }
        table
    }
}

/// DynamoDB refuses a placeholder that no expression of the request uses; the embedded server does
/// not.
impl Drop for Setup {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for request in self.faults.all_requests() {
            let request = serde_json::from_slice(&request).expect("a request is JSON");
            assert_uses_its_placeholders(&request);
        }
    }
}

fn assert_uses_its_placeholders(request: &Value) {
    let entries = request.as_object().into_iter().flatten();
    let expressions: Vec<_> = entries
        .filter(|(name, _)| name.ends_with("Expression"))
        .filter_map(|(_, value)| value.as_str())
        .collect();
    for map in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        for placeholder in
            request.get(map).and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name)
        {
            assert!(
                expressions.iter().any(|text| has_word(text, placeholder)),
                "{placeholder} is unused: {request}"
            );
        }
    }
    let parts: Box<dyn Iterator<Item = &Value>> = match request {
        Value::Array(parts) => Box::new(parts.iter()),
        Value::Object(parts) => Box::new(parts.values()),
        _ => return,
    };
    parts.for_each(assert_uses_its_placeholders);
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || "#:_".contains(c))).any(|other| other == word)
}
