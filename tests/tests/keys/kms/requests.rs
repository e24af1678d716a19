//! The complete requests to KMS.

use envelope_dynamo::{Envelope, KmsKeyWrapper, Table, from_item, to_item};
use serde_json::json;

use super::{Bench, User, base64, json, user, wrapped_keys};

/// Ends a call after its request is recorded: emulators do not know grant tokens.
fn enough() -> envelope_examples::Fault {
    envelope_examples::Fault::error("AccessDeniedException")
}

#[tokio::test]
async fn a_write_asks_for_a_data_key_bound_to_the_record() {
    let bench = Bench::new().await;
    bench.table.put(&user("alice")).send().await.unwrap();
    let [request] = bench.faults.requests("GenerateDataKey").try_into().unwrap();
    let expected = json!({
        "KeyId": bench.key,
        "KeySpec": "AES_256",
        "EncryptionContext": { "table": "users", "partition_key": "alice", "tenant": "t1", "purpose": "pii" },
    });
    assert_eq!(json(&request), expected);
}

#[tokio::test]
async fn a_read_names_key_algorithm_and_record() {
    let bench = Bench::new().await;
    bench.table.put(&user("alice")).send().await.unwrap();
    let stored = bench.stored("alice").await.unwrap();
    bench.table.get("alice").send().await.unwrap();
    let [request] = bench.faults.requests("Decrypt").try_into().unwrap();
    let expected = json!({
        "KeyId": bench.key,
        "CiphertextBlob": base64(wrapped_keys(&stored).keys()[0].bytes()),
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "EncryptionContext": { "table": "users", "partition_key": "alice", "tenant": "t1", "purpose": "pii" },
    });
    assert_eq!(json(&request), expected);
}

#[tokio::test]
async fn grant_tokens_are_sent_with_both_operations() {
    let bench = Bench::new().await;
    let item = to_item(&user("alice"), &bench.provider(&bench.key)).await.unwrap();
    bench.faults.forget_calls();
    bench.faults.fail_always("GenerateDataKey", enough());
    bench.faults.fail_always("Decrypt", enough());

    let provider = bench.provider(&bench.key).grant_token("first").grant_token("second");
    to_item(&user("alice"), &provider).await.unwrap_err();
    from_item::<User>(item, &provider).await.unwrap_err();
    let wrapper = KmsKeyWrapper::new(bench.servers.kms_through(&bench.faults), &bench.key)
        .grant_token("third");
    to_item(&user("alice"), &wrapper).await.unwrap_err();

    let tokens = |operation| -> Vec<_> {
        bench
            .faults
            .requests(operation)
            .iter()
            .map(|request| json(request)["GrantTokens"].clone())
            .collect()
    };
    assert_eq!(tokens("GenerateDataKey"), [json!(["first", "second"]), json!(["third"])]);
    assert_eq!(tokens("Decrypt"), [json!(["first", "second"])]);
}

#[tokio::test]
async fn a_missing_or_invalid_record_causes_no_kms_call() {
    let bench = Bench::new().await;
    assert_eq!(bench.table.get("nobody").send().await.unwrap(), None);
    bench.table.delete("nobody").send().await.unwrap();
    bench.table.put(&user("")).send().await.unwrap_err();
    assert_eq!((bench.faults.calls("GenerateDataKey"), bench.faults.calls("Decrypt")), (0, 0));
}

#[derive(Envelope)]
#[envelope(table = "visits", kms_context = "hashed")]
struct Visit {
    #[partition_key]
    patient: String,
    #[sort_key]
    day: u32,
    #[encrypted]
    diagnosis: String,
}

#[derive(Envelope)]
#[envelope(table = "sessions", kms_context = "table")]
struct Session {
    #[partition_key]
    token: String,
    #[encrypted]
    address: String,
}

#[tokio::test]
async fn kms_sees_no_key_with_the_context_form_table() {
    let bench = Bench::new().await;
    let provider = bench.provider(&bench.key);
    let visit =
        Visit { patient: "zoe@example.com".into(), day: 20_260_101, diagnosis: "flu".into() };
    from_item::<Visit>(to_item(&visit, &provider).await.unwrap(), &provider).await.unwrap();
    let requests =
        [bench.faults.requests("GenerateDataKey"), bench.faults.requests("Decrypt")].concat();
    let shown: Vec<_> =
        requests.iter().map(|request| json(request)["EncryptionContext"].clone()).collect();
    // The digests of FORMAT 5.2, computed without this library.
    let expected = json!({
        "table": "visits",
        "partition_key": "mEBu+BEsFVNe1K0eseQo4WlZIpaxmhrBJnZT6PbnqYo=",
        "sort_key": "9bR7ZggtIFk/ZNxqgnL2S59vT/AT6vQB3n/btpFs0AM=",
    });
    assert_eq!(shown, [expected.clone(), expected]);

    bench.faults.forget_calls();
    let table = Table::<Session>::new(bench.servers.dynamodb().clone(), bench.provider(&bench.key));
    drop(
        table
            .put(&Session { token: "t".into(), address: "192.0.2.1".into() })
            .into_sdk()
            .await
            .unwrap(),
    );
    let [request] = bench.faults.requests("GenerateDataKey").try_into().unwrap();
    assert_eq!(json(&request)["EncryptionContext"], json!({ "table": "sessions" }));
}
