//! DynamoDB's JSON, as `aws dynamodb get-item` prints it.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value};

type Item = HashMap<String, AttributeValue>;

/// DynamoDB nests at most 32 levels; serde_json refuses more than 128 by itself.
const MAX_LEVELS: usize = 64;

/// The item in a text: `{"Item": {..}}`, or the item alone.
pub(crate) fn item(text: &str) -> Result<Item, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    let Value::Object(outer) = value else { return Err("no JSON object".to_owned()) };
    match outer.get("Item") {
        // An attribute may be named `Item`: its value has one member, the type.
        Some(Value::Object(inner)) if !is_attribute(inner) => attributes(inner, MAX_LEVELS),
        _ => attributes(&outer, MAX_LEVELS),
    }
}

fn is_attribute(value: &Map<String, Value>) -> bool {
    let types = ["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"];
    value.len() == 1
        && value.iter().all(|(name, value)| types.contains(&name.as_str()) && !is_typed(value))
}

/// Whether a value is itself an attribute with a type: then the name before is a name.
fn is_typed(value: &Value) -> bool {
    value.as_object().is_some_and(is_attribute)
}

fn attributes(map: &Map<String, Value>, levels: usize) -> Result<Item, String> {
    let attribute = |(name, value): (&String, &Value)| {
        let value = attribute(value, levels).map_err(|problem| format!("`{name}`: {problem}"))?;
        Ok((name.clone(), value))
    };
    map.iter().map(attribute).collect()
}

fn attribute(value: &Value, levels: usize) -> Result<AttributeValue, String> {
    let levels = levels.checked_sub(1).ok_or("nested too deeply")?;
    let one = value.as_object().filter(|object| object.len() == 1);
    let Some((kind, value)) = one.and_then(|object| object.iter().next()) else {
        return Err("not an attribute, such as {\"S\": \"text\"}".to_owned());
    };
    let wrong = || format!("a value that does not fit the type {kind}");
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(wrong);
    let bytes = |value: &Value| {
        let decoded = base64_simd::STANDARD.decode_to_vec(text(value)?);
        decoded.map(Blob::new).map_err(|_| "a binary value that is not base64".to_owned())
    };
    let list = || value.as_array().ok_or_else(wrong);
    Ok(match kind.as_str() {
        "S" => AttributeValue::S(text(value)?),
        "N" => AttributeValue::N(text(value)?),
        "B" => AttributeValue::B(bytes(value)?),
        "BOOL" => AttributeValue::Bool(value.as_bool().ok_or_else(wrong)?),
        "NULL" => AttributeValue::Null(value.as_bool().ok_or_else(wrong)?),
        "SS" => AttributeValue::Ss(list()?.iter().map(text).collect::<Result<_, _>>()?),
        "NS" => AttributeValue::Ns(list()?.iter().map(text).collect::<Result<_, _>>()?),
        "BS" => AttributeValue::Bs(list()?.iter().map(bytes).collect::<Result<_, _>>()?),
        "L" => {
            let values = list()?.iter().map(|value| attribute(value, levels));
            AttributeValue::L(values.collect::<Result<_, _>>()?)
        }
        "M" => AttributeValue::M(attributes(value.as_object().ok_or_else(wrong)?, levels)?),
        other => return Err(format!("the type `{other}`, which DynamoDB does not have")),
    })
}

/// A key attribute of a type of DynamoDB, from the command line: B in base64.
pub(crate) fn key(scalar: &str, text: &str) -> Result<AttributeValue, String> {
    match scalar {
        "N" if text.parse::<f64>().is_ok() => Ok(AttributeValue::N(text.to_owned())),
        "N" => Err(format!("the key is a number, and `{text}` is none")),
        "B" => match base64_simd::STANDARD.decode_to_vec(text) {
            Ok(bytes) => Ok(AttributeValue::B(Blob::new(bytes))),
            Err(_) => Err("the key is binary: give it in base64".to_owned()),
        },
        _ => Ok(AttributeValue::S(text.to_owned())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue;

    use crate::dynamodb_json::{item, key};

    #[test]
    fn an_item_of_every_type_is_read() {
        let text = r#"{"Item": {"s": {"S": "x"}, "n": {"N": "1.5"}, "b": {"B": "AQI="},
            "t": {"BOOL": true}, "z": {"NULL": true}, "l": {"L": [{"S": "y"}]},
            "m": {"M": {"k": {"N": "2"}}}, "ss": {"SS": ["a"]}, "ns": {"NS": ["1"]},
            "bs": {"BS": ["AQI="]}}, "ConsumedCapacity": {"CapacityUnits": 0.5}}"#;
        let found = item(text).unwrap();
        assert_eq!(found.len(), 10);
        assert_eq!(found.get("b"), Some(&AttributeValue::B(Blob::new([1, 2]))));
        assert_eq!(item(r#"{"user_id": {"S": "u_1"}}"#).unwrap().len(), 1);
        let named = item(r#"{"Item": {"S": "x"}}"#).unwrap();
        assert_eq!(named.get("Item"), Some(&AttributeValue::S("x".into())));
        assert!(item(r#"{"Item": {"S": {"S": "x"}}}"#).unwrap().contains_key("S"));
    }

    #[test]
    fn other_texts_are_explained_by_the_attribute() {
        for (text, said) in [
            ("", "no JSON"),
            ("[]", "no JSON object"),
            (r#"{"a": 1}"#, "`a`: not an attribute"),
            (r#"{"a": {"B": "!"}}"#, "`a`: a binary value that is not base64"),
            (r#"{"a": {"N": 1}}"#, "`a`: a value that does not fit the type N"),
            (r#"{"a": {"X": "1"}}"#, "`a`: the type `X`"),
            (r#"{"a": {"M": {"b": {"L": 1}}}}"#, "`a`: `b`: a value that does not fit"),
        ] {
            let problem = item(text).unwrap_err();
            assert!(problem.contains(said), "{text}: {problem}");
        }
        let deep = format!("{{\"a\": {}1{}}}", "{\"L\": [".repeat(70), "]}".repeat(70));
        assert!(item(&deep).is_err());
    }

    #[test]
    fn keys_have_the_type_of_the_schema() {
        assert_eq!(key("S", "1").unwrap(), AttributeValue::S("1".into()));
        assert_eq!(key("N", "1").unwrap(), AttributeValue::N("1".into()));
        assert_eq!(key("B", "AQI=").unwrap(), AttributeValue::B(Blob::new([1, 2])));
        assert!(key("N", "x").is_err() && key("B", "!").is_err());
    }
}
