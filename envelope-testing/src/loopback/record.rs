//! A file of all calls: operations and names, never values.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::future::{self, Future};
use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

use super::{Call, Watch};
use crate::error::Error;

/// Writes a line of JSON for each call to a file.
///
/// | member | of | is |
/// |---|---|---|
/// | `service`, `operation`, `status` | all | `dynamodb` or `kms`, the API's name, the HTTP status |
/// | `caller` | all | the access key id that signed the request |
/// | `error` | all | the error code of a call that failed |
/// | `parameters` | all | the parameters that are not values of a user: see below |
/// | `attributes` | DynamoDB | the names of the attributes that the request reads, tests or writes |
/// | `contexts` | KMS | for each encryption context in the request, the names of its pairs |
///
/// `parameters` has the request's members that are key ids, names of tables, and settings such as
/// `ReturnValues`. Values of attributes, values of encryption contexts, keys of items, ciphertexts
/// and plaintexts are never written.
///
/// ```
/// # /// Stands for another process.
/// # fn list_keys(kms_url: &str) -> std::io::Result<()> {
/// #     use std::io::{Read, Write};
/// #     let mut stream = std::net::TcpStream::connect(kms_url.trim_start_matches("http://"))?;
/// #     stream.write_all(
/// #         b"POST / HTTP/1.1\r\nHost: kms\r\nConnection: close\r\nContent-Length: 2\r\n\
/// #         Authorization: AWS4-HMAC-SHA256 Credential=ID/20261122/us-east-1/kms/aws4_request\r\n\
/// #         X-Amz-Target: TrentService.ListKeys\r\n\r\n{}",
/// #     )?;
/// #     stream.read_to_end(&mut Vec::new()).map(|_| ())
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use envelope_testing::Aws;
/// use envelope_testing::loopback::Recorder;
///
/// let aws = Aws::embedded().await?;
/// # let file = std::env::temp_dir().join(envelope_testing::unique_name("calls"));
/// // `file` is a path.
/// let loopback = aws.loopback().watch(Recorder::append_to(&file)?).start()?;
/// // Another process lists the keys at `loopback.kms_url()`.
/// # list_keys(loopback.kms_url())?;
/// let calls = std::fs::read_to_string(&file)?;
/// assert!(calls.starts_with(r#"{"service":"kms","operation":"ListKeys","#));
/// # std::fs::remove_file(file)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Recorder(Mutex<File>);

/// The members of a request whose values are no user's data.
const PARAMETERS: [&str; 22] = [
    "AliasName",
    "ConsistentRead",
    "ConditionExpression",
    "DestinationKeyId",
    "FilterExpression",
    "IndexName",
    "KeyConditionExpression",
    "KeyId",
    "KeySpec",
    "Limit",
    "NumberOfBytes",
    "ProjectionExpression",
    "ReturnConsumedCapacity",
    "ReturnValues",
    "ReturnValuesOnConditionCheckFailure",
    "Segment",
    "Select",
    "SourceKeyId",
    "TableName",
    "TargetKeyId",
    "TotalSegments",
    "UpdateExpression",
];

/// The members of a DynamoDB request whose names are names of attributes.
const ITEMS: [&str; 3] = ["Item", "Key", "ExclusiveStartKey"];

/// The words of expressions that are no names.
const KEYWORDS: [&str; 9] = ["SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"];

#[derive(Debug, Default, Serialize)]
struct Line<'c> {
    service: &'c str,
    operation: &'c str,
    caller: &'c str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    parameters: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    attributes: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    contexts: BTreeMap<String, BTreeSet<String>>,
}

impl Recorder {
    /// Appends to the file at `path`, which is created if it does not exist.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn append_to(path: &Path) -> Result<Self, Error> {
        let file = File::options().create(true).append(true).open(path);
        file.map(|file| Self(Mutex::new(file))).map_err(|error| {
            Error::because(format!("cannot write the calls to {}", path.display()), error)
        })
    }

    fn write(&self, call: &Call) -> io::Result<()> {
        let mut line = serde_json::to_string(&line(call))?;
        line.push('\n');
        // One write for each line: several processes may append to one file.
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes())
    }
}

impl Watch for Recorder {
    fn answered(&self, call: Call) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        if let Err(error) = self.write(&call) {
            eprintln!("a call was not recorded: {error}");
        }
        Box::pin(future::ready(()))
    }
}

fn line(call: &Call) -> Line<'_> {
    let request: Value = serde_json::from_slice(&call.request).unwrap_or_default();
    let members = request.as_object().into_iter().flatten();
    let parameters = members
        .clone()
        .filter(|(name, _)| PARAMETERS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()));
    let contexts = members
        .filter(|(name, _)| name.ends_with("EncryptionContext"))
        .map(|(name, pairs)| (name.clone(), keys(pairs).collect()));
    let answer: Value = serde_json::from_slice(&call.answer).unwrap_or_default();
    let error = answer.get("__type").and_then(Value::as_str);
    Line {
        service: call.service,
        operation: &call.operation,
        caller: &call.caller,
        status: call.status,
        error: error.map(|code| code.rsplit('#').next().unwrap_or_default().to_owned()),
        parameters: parameters.collect(),
        attributes: attributes(&request),
        contexts: contexts.collect(),
    }
}

fn keys(object: &Value) -> impl Iterator<Item = String> {
    object.as_object().into_iter().flat_map(|members| members.keys().cloned())
}

/// The attributes that a DynamoDB request names, at any depth: batches and transactions hold
/// requests.
fn attributes(request: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match request {
        Value::Array(inner) => found.extend(inner.iter().flat_map(attributes)),
        Value::Object(members) => {
            for (name, value) in members {
                match name.as_str() {
                    name if ITEMS.contains(&name) => found.extend(keys(value)),
                    "Keys" => found.extend(value.as_array().into_iter().flatten().flat_map(keys)),
                    name if name.ends_with("Expression") => {
                        let text = value.as_str().unwrap_or_default();
                        let placeholders = request.get("ExpressionAttributeNames");
                        found.extend(names(text, placeholders.unwrap_or(&Value::Null)));
                    }
                    // Values of attributes, under their placeholders.
                    "ExpressionAttributeValues" | "ExpressionAttributeNames" => {}
                    _ => found.extend(attributes(value)),
                }
            }
        }
        _ => {}
    }
    found
}

/// The top-level attributes that an expression names.
fn names(expression: &str, placeholders: &Value) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_#:.-".contains(c);
    let mut names = BTreeSet::new();
    let mut rest = expression;
    while let Some(start) = rest.find(is_word) {
        let after = rest.split_at(start).1;
        let (word, tail) = after.split_at(after.find(|c| !is_word(c)).unwrap_or(after.len()));
        rest = tail;
        // An element of a list, as in `tags[0]`, or the rest of a path behind it.
        if word.starts_with(|c: char| c.is_ascii_digit() || ":.-".contains(c)) {
            continue;
        }
        let is_function = tail.trim_start().starts_with('(') && !word.starts_with('#');
        if is_function || KEYWORDS.contains(&word.to_ascii_uppercase().as_str()) {
            continue;
        }
        let top = word.split('.').next().unwrap_or_default();
        let name = placeholders.get(top).and_then(Value::as_str).unwrap_or(top);
        names.insert(name.to_owned());
    }
    names
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use axum::body::Bytes;
    use serde_json::json;

    use super::*;

    fn recorded(service: &'static str, operation: &str, request: &Value, answer: &Value) -> Value {
        let bytes = |value: &Value| Bytes::from(value.to_string());
        let call = Call {
            service,
            operation: operation.to_owned(),
            caller: "rotator".to_owned(),
            status: 200,
            request: bytes(request),
            answer: bytes(answer),
        };
        serde_json::to_value(line(&call)).unwrap()
    }

    #[test]
    fn an_update_is_recorded_with_its_attributes_and_without_values() {
        let request = json!({
            "TableName": "people",
            "Key": { "person": { "S": "SECRET" } },
            "UpdateExpression": "SET #0 = :0, counts.total = if_not_exists(counts.total, :0)",
            "ConditionExpression": "#0 = :1 AND (attribute_exists(person) OR size (tags[0].x) IN (:2))",
            "ExpressionAttributeNames": { "#0": "encrypted_dek" },
            "ExpressionAttributeValues": { ":0": { "S": "SECRET" }, ":1": { "B": "SECRET" } },
            "ReturnValues": "NONE",
        });
        let line = recorded("dynamodb", "UpdateItem", &request, &json!({}));
        assert_eq!(line["attributes"], json!(["counts", "encrypted_dek", "person", "tags"]));
        assert_eq!(line["parameters"]["ReturnValues"], "NONE");
        assert!(!line.to_string().contains("SECRET"));
    }

    #[test]
    fn batches_and_transactions_are_recorded_with_their_attributes() {
        let put = json!({ "PutRequest": { "Item": { "person": { "S": "SECRET" } } } });
        let get = json!({ "Keys": [{ "pk": { "S": "SECRET" } }], "ProjectionExpression": "plan" });
        let request = json!({ "RequestItems": { "a": [put], "b": get } });
        let line = recorded("dynamodb", "BatchWriteItem", &request, &json!({}));
        assert_eq!(line["attributes"], json!(["person", "pk", "plan"]));
        assert!(!line.to_string().contains("SECRET"));
    }

    #[test]
    fn a_call_to_kms_is_recorded_with_its_keys_and_the_names_of_its_contexts() {
        let request = json!({
            "CiphertextBlob": "SECRET",
            "SourceKeyId": "arn:1",
            "DestinationKeyId": "arn:2",
            "SourceEncryptionContext": { "table": "SECRET", "person": "SECRET" },
            "DestinationEncryptionContext": { "table": "SECRET" },
        });
        let answer = json!({ "__type": "com.amazonaws#AccessDeniedException" });
        let line = recorded("kms", "ReEncrypt", &request, &answer);
        assert_eq!(line["error"], "AccessDeniedException");
        assert_eq!(
            line["parameters"],
            json!({ "SourceKeyId": "arn:1", "DestinationKeyId": "arn:2" })
        );
        assert_eq!(line["contexts"]["SourceEncryptionContext"], json!(["person", "table"]));
        assert!(!line.to_string().contains("SECRET"));
    }
}
