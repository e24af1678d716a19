//! The calls that each role's commands make, recorded. With `ENVELOPE_CALLS=FILE` they are written
//! to a file, with the role's policy: `tests/policies.sh` judges them by a simulator of IAM.

mod claims;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::{env, fs};

use envelope_examples::servers::loopback::{Call, Watch};
use serde_json::{Value, json};

use crate::backfill;
use crate::bench::Bench;
use crate::process::{file, run};

/// The account of the simulated role, in which its table and keys are.
const ACCOUNT: &str = "111122223333";

/// The calls, as they came: the operation and its request.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<(String, Value)>>>);

impl Watch for Calls {
    fn answered(&self, call: Call) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let request = serde_json::from_slice(&call.request).unwrap();
        self.0.lock().unwrap().push((call.operation, request));
        Box::pin(std::future::ready(()))
    }
}

impl Calls {
    /// What IAM is asked about the calls since the last time, each once.
    fn requests(&self) -> BTreeSet<String> {
        let calls = std::mem::take(&mut *self.0.lock().unwrap());
        calls
            .iter()
            .flat_map(|(name, request)| asked(name, request))
            .map(|it| it.to_string())
            .collect()
    }
}

/// The requests to IAM for one call, in the form of `tests/policies/requests.json`.
fn asked(operation: &str, request: &Value) -> Vec<Value> {
    let kms = |action: &str, key: &str, context: &str| {
        let context = request.get(context).cloned().unwrap_or(Value::Null);
        json!({
            "name": operation, "action": format!("kms:{action}"),
            "resource": in_account(request[key].as_str().unwrap()), "pairs": context,
        })
    };
    match operation {
        "ReEncrypt" => vec![
            kms("ReEncryptFrom", "SourceKeyId", "SourceEncryptionContext"),
            kms("ReEncryptTo", "DestinationKeyId", "DestinationEncryptionContext"),
        ],
        "Decrypt"
        | "DescribeKey"
        | "Encrypt"
        | "GenerateDataKey"
        | "GenerateDataKeyWithoutPlaintext" => vec![kms(operation, "KeyId", "EncryptionContext")],
        "TransactWriteItems" => {
            let items = request["TransactItems"].as_array().unwrap().iter();
            let one = items.flat_map(|item| item.as_object().unwrap());
            one.flat_map(|(kind, request)| {
                let action = if kind == "ConditionCheck" { "ConditionCheckItem" } else { kind };
                let action = action.trim_end_matches("Item").to_owned() + "Item";
                asked(&action, request)
            })
            .collect()
        }
        _ => vec![of_dynamodb(operation, request)],
    }
}

fn of_dynamodb(operation: &str, request: &Value) -> Value {
    let names = request.get("ExpressionAttributeNames").and_then(Value::as_object);
    let named = names.into_iter().flatten().map(|(_, name)| name.as_str().unwrap());
    let keys = request.get("Key").and_then(Value::as_object);
    let keys = keys.into_iter().flatten().map(|(name, _)| name.as_str());
    let attributes: BTreeSet<_> = named.chain(keys).collect();
    let resource = match (operation, request["TableName"].as_str()) {
        ("ListBackups", _) => "*".to_owned(),
        (_, Some(name)) => table_arn(name),
        // The ARN of an emulator names a region of its own.
        (_, None) => table_arn(request["TableArn"].as_str().unwrap().rsplit('/').next().unwrap()),
    };
    let mut asked = BTreeMap::from([
        ("name", json!(operation)),
        ("action", json!(format!("dynamodb:{operation}"))),
        ("resource", json!(resource)),
    ]);
    // Of the operations of roles whose policy has the condition key.
    let has_attributes =
        matches!(operation, "Scan" | "Query" | "GetItem" | "UpdateItem" | "ConditionCheckItem");
    if has_attributes && !attributes.is_empty() {
        asked.insert("attributes", json!(attributes));
    }
    for (key, parameter) in [("select", "Select"), ("return", "ReturnValues")] {
        if let Some(value) = request.get(parameter) {
            asked.insert(key, value.clone());
        }
    }
    if operation == "GetItem" {
        let is_projected = request.get("ProjectionExpression").is_some();
        let select = if is_projected { "SPECIFIC_ATTRIBUTES" } else { "ALL_ATTRIBUTES" };
        asked.insert("select", json!(select));
    }
    json!(asked)
}

fn table_arn(name: &str) -> String {
    format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{name}")
}

/// The same key in the account of the role.
fn in_account(arn: &str) -> String {
    let mut parts: Vec<_> = arn.splitn(6, ':').collect();
    parts[4] = ACCOUNT;
    parts.join(":")
}

/// The policy of a role, by the command itself.
fn policy(schema: &str, role: &str, more: &[&str]) -> Value {
    let schema = ["policy", "--role", role, "--schema", schema];
    let ended = run(&[&schema[..], more].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.json()
}

#[tokio::test]
async fn the_calls_of_each_role_are_those_of_its_policy() {
    let calls = Calls::default();
    let bench = Bench::watched(6, calls.clone()).await;
    let done = |arguments: &[&str]| {
        let ended = bench.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
    };
    let table = ["--table", &bench.name, "--schema", &bench.schema];
    let (old, new) = (in_account(&bench.old), in_account(&bench.new));
    let (own_arn, branches) = (table_arn(&bench.name), table_arn(&bench.branches));
    let of_table = ["--table-arn", &own_arn];
    let (from_to, under_new) = (["--from", &old, "--to", &new], ["--kms-key", &new]);
    let mut roles = Vec::new();
    let mut note = |role: &str, more: &[&str]| {
        let requests = calls.requests();
        assert!(!requests.is_empty(), "{role} called nothing");
        let requests: Vec<Value> =
            requests.iter().map(|request| serde_json::from_str(request).unwrap()).collect();
        roles.push(json!({
            "role": role, "policy": policy(&bench.schema, role, more), "requests": requests,
        }));
        requests
    };

    done(&bench.rewrap(&[]));
    let moved = note("rotator", &[&of_table[..], &from_to].concat());
    let actions: BTreeSet<_> = moved.iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        BTreeSet::from([
            "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeTable",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ])
    );

    done(&[&["coverage"], &table[..], &["--expect-none", &bench.old]].concat());
    note("auditor", &[&of_table[..], &under_new].concat());
    let open = ["--open", "--kms-key", &bench.new];
    done(&[&["coverage"], &table[..], &open].concat());
    done(&[&["coverage"], &table[..], &open, &["--sample", "3"]].concat());
    note("auditor", &[&of_table[..], &under_new, &["--open"]].concat());
    done(&[&["coverage"], &table[..], &["--expect-sealed"]].concat());
    note("auditor", &[&of_table[..], &under_new, &["--expect-sealed"]].concat());

    let back = ["--from", &bench.new, "--to", &bench.old];
    done(&[&["reseal"], &table[..], &back].concat());
    note("resealer", &[&of_table[..], &["--from", &new, "--to", &old]].concat());

    done(&[&["inspect"], &table[..], &["--key", "p_1"]].concat());
    note("reader", &[&of_table[..], &under_new].concat());

    let branch_keys = |arguments: &[&str]| {
        let ended = bench.branch_keys(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        ended.stdout.trim().to_owned()
    };
    branch_keys(&["create-table"]);
    let branch = ["--branch", "west", "--kms-key", &bench.old];
    let first = branch_keys(&[&["create"], &branch[..]].concat());
    branch_keys(&[&["rotate"], &branch[..]].concat());
    branch_keys(&["list"]);
    branch_keys(&["versions", "--branch", "west"]);
    branch_keys(&["rewrap", "--from", &bench.old, "--to", &bench.new]);
    let version = ["--branch", "west", "--version", &first, "--confirm", &first];
    branch_keys(&[&["delete-version"], &version[..]].concat());
    branch_keys(&["delete", "--branch", "west", "--confirm", "west"]);
    let of_branches = ["--branch-keys", &branches, "--kms-key", &old];
    note("branch-operator", &[&of_branches[..], &from_to].concat());

    let search_keys = |arguments: &[&str]| {
        let ended = bench.search_keys(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        ended.stdout.trim().to_owned()
    };
    search_keys(&["create-table"]);
    let of = ["--branch", "patients", "--kms-key", &bench.old];
    let created = search_keys(&[&["create"], &of[..]].concat());
    search_keys(&[&["rotate"], &of[..]].concat());
    search_keys(&["cancel", "--branch", "patients"]);
    search_keys(&["list"]);
    search_keys(&["versions", "--branch", "patients"]);
    search_keys(&["rewrap", "--from", &bench.old, "--to", &bench.new]);
    search_keys(&[&["create", "--branch", "users"], &of[2..]].concat());
    let rotated = search_keys(&[&["rotate", "--branch", "users"], &of[2..]].concat());
    bench.age_rotation("users").await;
    let retired = search_keys(&["retire", "--branch", "users", "--without-count"]);
    let retired = retired.strip_prefix("retired ").unwrap();
    assert!(rotated.contains(retired) && !created.contains(retired));
    let version = ["--branch", "users", "--version", retired, "--confirm", retired];
    search_keys(&[&["delete-version"], &version[..]].concat());
    let searches = table_arn(&bench.searches);
    let of_searches = ["--search-keys", &searches, "--search-kms-key", &old];
    note("search-operator", &[&of_searches[..], &from_to].concat());

    // The command of a service, which knows the types of its records.
    let (shop, schema) = (backfill::plain_table(&bench.servers).await, backfill::schema());
    let ended = backfill::run_backfill(&shop, &bench.old, &bench.environment());
    assert_eq!(ended.code, 0, "{ended:?}");
    let requests = calls.requests();
    let requests: Vec<Value> =
        requests.iter().map(|request| serde_json::from_str(request).unwrap()).collect();
    let actions: BTreeSet<_> = requests.iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        BTreeSet::from([
            "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeTable",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
            "kms:GenerateDataKey",
        ])
    );
    let of_shop = table_arn(&shop);
    let of_shop = ["--logical", "shop", "--table-arn", &of_shop, "--kms-key", &old];
    let schema = file("shop.schema.json", &schema);
    roles.push(json!({
        "role": "backfill", "policy": policy(&schema, "backfill", &of_shop), "requests": requests,
    }));

    roles.extend(claims::roles().await);

    if let Some(path) = env::var_os("ENVELOPE_CALLS") {
        fs::write(path, serde_json::to_string_pretty(&roles).unwrap()).unwrap();
    }
}
