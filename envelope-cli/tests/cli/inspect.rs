//! `envelope inspect`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::process::{Ended, USERS, file, run, run_with, users};

/// An item as `aws dynamodb get-item` prints it.
fn printed(item: &HashMap<String, AttributeValue>) -> String {
    let attribute = |value: &AttributeValue| match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::B(bytes) => {
            json!({ "B": base64_simd::STANDARD.encode_to_string(bytes.as_ref()) })
        }
        other => panic!("{other:?}"),
    };
    let item: BTreeMap<_, _> = item.iter().map(|(name, value)| (name, attribute(value))).collect();
    json!({ "Item": item }).to_string()
}

async fn stored(bench: &Bench) -> HashMap<String, AttributeValue> {
    let get = bench.servers.dynamodb().get_item().table_name(&bench.name);
    let key = AttributeValue::S("p_0".into());
    get.key("patient_id", key).send().await.unwrap().item.unwrap()
}

impl Bench {
    fn inspect(&self, item: &HashMap<String, AttributeValue>, more: &[&str]) -> Ended {
        let arguments = [&["inspect", "--schema", &self.schema], more].concat();
        run_with(&arguments, &[], &printed(item))
    }
}

#[tokio::test]
async fn an_item_is_explained_and_no_value_of_it_is_printed() {
    let bench = Bench::of(1).await;
    let key = ["--key", "p_0", "--kms-key", &bench.old, "--kms-key", &bench.new];
    let by_key = [&["inspect", "--schema", &bench.schema, "--table", &bench.name], &key[..]];
    let ended = bench.run(&by_key.concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    for part in [
        "Patient of the table patients: ",
        "encrypted_payload: version 1, suite 1, ",
        "  authenticated: ward, encrypted_payload_medical\n",
        "encrypted_dek: version 1, context form hashed, ",
        &format!("; the hint fits {}\n", bench.old),
        "group medical\n  encrypted_payload: version 1",
        "   (SHA-256 of the key)\n",
        "  group = medical\n",
        "  purpose = care\n",
        "  ward = west\n",
        "no problem was found; nothing of this is proved",
    ] {
        assert!(ended.stdout.contains(part), "no {part:?} in {}", ended.stdout);
    }
    assert!(!ended.stdout.contains(&format!("fits {}", bench.new)), "{}", ended.stdout);
    for value in ["NAME-0", "DIAGNOSIS"] {
        assert!(!ended.stdout.contains(value), "{}", ended.stdout);
    }
    for operation in ["Decrypt", "GenerateDataKey", "DescribeKey", "ReEncrypt"] {
        assert_eq!(bench.faults.calls(operation), 0, "{operation}");
    }
    let requests = bench.faults.requests("GetItem");
    let request: Value = serde_json::from_slice(&requests[0]).unwrap();
    assert_eq!((requests.len(), &request["ConsistentRead"]), (1, &json!(true)));

    let item = stored(&bench).await;
    let from_stdin = bench.inspect(&item, &key[2..]);
    assert_eq!(from_stdin.stdout, ended.stdout);
}

#[tokio::test]
async fn the_encryption_context_is_the_one_that_kms_sees() {
    let bench = Bench::of(1).await;
    let item = stored(&bench).await;
    let inspection = bench.inspect(&item, &["--output", "json"]).json();
    assert_eq!(bench.run(&bench.rewrap(&[])).code, 0);
    let seen: Vec<Value> = bench
        .faults
        .requests("ReEncrypt")
        .iter()
        .map(|request| serde_json::from_slice::<Value>(request).unwrap())
        .map(|request| request["SourceEncryptionContext"].clone())
        .collect();
    assert_eq!(seen.len(), 2);
    assert!(seen.contains(&inspection["record"]["encryption_context"]), "{seen:?}");
    assert!(seen.contains(&inspection["groups"]["medical"]["encryption_context"]), "{seen:?}");
}

#[tokio::test]
async fn the_result_as_json_has_stable_names() {
    let bench = Bench::of(1).await;
    let item = stored(&bench).await;
    let more = ["--output", "json", "--kms-key", &bench.old];
    let inspection = bench.inspect(&item, &more).json();
    assert_eq!(inspection["record_type"], "Patient");
    assert_eq!(inspection["problems"], json!([]));
    let names = |value: &Value| {
        let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        names.sort_unstable();
        names.join(" ")
    };
    let expected =
        "attributes bytes groups problems record record_type search_tags table unprotected";
    assert_eq!(names(&inspection), expected);
    let record = &inspection["record"];
    assert_eq!(names(record), "encryption_context payload wrapped_keys");
    assert_eq!(names(&record["payload"]), "absent authenticated bytes suite version");
    assert_eq!(names(&record["wrapped_keys"]), "bytes entries form version");
    let entry = &record["wrapped_keys"]["entries"][0];
    assert_eq!(names(entry), "branch_version bytes fits id kind names_material");
    assert_eq!((&entry["kind"], &entry["fits"]), (&json!("aws-kms"), &json!([bench.old])));
}

#[tokio::test]
async fn what_is_wrong_is_explained_with_the_attribute() {
    let bench = Bench::of(1).await;
    let whole = stored(&bench).await;
    let bytes = |bytes: &[u8]| Some(AttributeValue::B(bytes.to_vec().into()));
    let text = |text: &str| Some(AttributeValue::S(text.into()));
    let other_form = {
        let mut dek = whole["encrypted_dek"].as_b().unwrap().as_ref().to_vec();
        dek[1] = 0;
        dek
    };
    for (attribute, value, said) in [
        ("encrypted_dek", None, "`encrypted_dek`: is missing, and `encrypted_payload` is there"),
        ("encrypted_payload", None, "`encrypted_payload`: is missing, and `encrypted_dek` is"),
        ("encrypted_dek", text("x"), "`encrypted_dek`: has the type S in place of B"),
        ("encrypted_dek", bytes(&[9]), "`encrypted_dek`: cannot be parsed: encrypted_dek has for"),
        ("encrypted_dek", bytes(&[1, 0, 0]), "`encrypted_dek`: cannot be parsed"),
        ("encrypted_payload", bytes(&[1, 1]), "`encrypted_payload`: cannot be parsed"),
        (
            "encrypted_dek",
            bytes(&[1, 1, 1, 2, 3, 7, 7, 7, 0, 1, 9]),
            "has an entry of kind aws-kms with an id of 3 bytes",
        ),
        ("encrypted_dek", bytes(&other_form), "names the context form raw, and the schema file h"),
        ("encrypted_payload_medical", None, "is missing, and `encrypted_dek_medical` is there"),
        ("encrypted_payload_other", bytes(&[1]), "is not in the list of the record's payload"),
        ("encrypted_dek_other", bytes(&[1]), "belongs to a group that the schema of `Patient` l"),
        ("patient_id", None, "no encryption context: "),
        ("ward", None, "no encryption context: "),
    ] {
        let mut item = whole.clone();
        match value {
            Some(value) => drop(item.insert(attribute.to_owned(), value)),
            None => drop(item.remove(attribute)),
        }
        let ended = bench.inspect(&item, &[]);
        assert_eq!(ended.code, 3, "{attribute}: {ended:?}");
        assert!(ended.stdout.contains(said), "{attribute}: no {said:?} in {}", ended.stdout);
    }
}

#[test]
fn a_plain_item_has_no_sealed_fields() {
    let schema = users();
    let item = r#"{"user_id": {"S": "u_1\u001b[31m"}, "plan": {"S": "SECRET"}}"#;
    let ended = run_with(&["inspect", "--schema", &schema], &[], item);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("the item has no sealed fields"), "{}", ended.stdout);
    assert!(ended.stdout.contains("partition_key = u_1"), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\u{1b}') && !ended.stdout.contains("SECRET"));
}

#[test]
fn an_unprotected_item_proves_nothing() {
    let schema = file(
        "unprotected.json",
        r#"{ "envelope-schema": 1, "records": { "Coupon": {
            "table": "shop", "unprotected": true, "form": "raw",
            "partition_key": { "name": "pk", "type": "S", "format": "COUPON#{code}" },
            "fields": { "code": "key", "percent": "plaintext" } } } }"#,
    );
    let item = r#"{"pk": {"S": "COUPON#a"}, "percent": {"N": "20"}}"#;
    let inspect = |item: &str, more: &[&str]| {
        run_with(&[&["inspect", "--schema", &schema], more].concat(), &[], item)
    };
    let ended = inspect(item, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let says = "the type is unprotected: nothing in the item is secret or authentic";
    assert!(ended.stdout.contains(says), "{}", ended.stdout);
    assert!(!ended.stdout.contains("partition_key"), "no context: {}", ended.stdout);
    assert_eq!(inspect(item, &["--output", "json"]).json()["unprotected"], true);
    let planted = item.replace("\"percent\"", "\"encrypted_dek\": {\"B\": \"AQ==\"}, \"percent\"");
    let ended = inspect(&planted, &[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(
        ended.stdout.contains("records of `Coupon` are stored unprotected"),
        "{}",
        ended.stdout
    );
}

#[test]
fn an_item_of_no_known_type_is_explained() {
    let schema = USERS.replace("\"fields\"", "\"entity\": {\"kind\": \"user\"}, \"fields\"");
    let schema = file("entities.json", &schema);
    let item = r#"{"user_id": {"S": "u_1"}, "kind": {"S": "order"}}"#;
    let ended = run_with(&["inspect", "--schema", &schema], &[], item);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(
        ended.stdout.contains("problem: `kind`: the item is not of type `User`"),
        "{}",
        ended.stdout
    );
}

#[test]
fn mistakes_are_explained() {
    let schema = users();
    let inspect = |more: &[&str], stdin: &str| {
        run_with(&[&["inspect", "--schema", &schema], more].concat(), &[], stdin)
    };
    inspect(&[], "").refused(2, &["stdin has no item in DynamoDB's JSON", "no JSON"]);
    inspect(&[], "{\"a\": 1}").refused(2, &["`a`: not an attribute"]);
    let item = r#"{"user_id": {"S": "u_1"}}"#;
    inspect(&["--kms-key", "alias/users"], item)
        .refused(2, &["`alias/users` is neither the ARN nor the id", "aws kms describe-key"]);
    inspect(&["--key", "u_1"], item).refused(2, &["--table"]);
    inspect(&["--table", "t"], item).refused(2, &["--key"]);
    inspect(&["--table", "t", "--key", "u_1", "--sort-key", "s"], "")
        .refused(2, &["the table has no sort key"]);
    let numbers = file("numbers.json", &USERS.replace("\"S\"", "\"N\""));
    run(&["inspect", "--schema", &numbers, "--table", "t", "--key", "u_1"])
        .refused(2, &["the key `user_id`: the key is a number, and `u_1` is none"]);
}

#[tokio::test]
async fn a_missing_item_and_a_missing_permission_are_told_apart() {
    let bench = Bench::of(1).await;
    let get = |table: &str| {
        let table = ["--table", table, "--key", "p_9"];
        bench.run(&[&["inspect", "--schema", &bench.schema], &table[..]].concat())
    };
    get(&bench.name).refused(2, &["has no item under this key"]);
    get("no-such-table").refused(2, &["no-such-table", "ResourceNotFoundException"]);
    bench.faults.fail_always("GetItem", envelope_examples::Fault::error("AccessDeniedException"));
    get(&bench.name).refused(2, &["does not give the item", "AccessDeniedException"]);
}
