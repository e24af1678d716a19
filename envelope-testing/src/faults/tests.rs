#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::ReturnValue::AllNew;
use aws_sdk_dynamodb::types::ScalarAttributeType::S;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::types::DataKeySpec;

use super::*;
use crate::{Aws, create_table, unique_name};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// A table behind the faults; the calls that made it are forgotten.
async fn table(faults: &Faults) -> (aws_sdk_dynamodb::Client, String) {
    let servers = Aws::from_env().await.unwrap();
    let (dynamodb, table) = (servers.dynamodb_through(faults), unique_name("users"));
    create_table(&dynamodb, &table, ("user_id", S), None).await.unwrap();
    faults.forget_calls();
    (dynamodb, table)
}

#[tokio::test]
async fn a_call_without_a_fault_reaches_the_server_and_is_recorded() {
    let faults = Faults::new();
    let (dynamodb, table) = table(&faults).await;
    for name in ["Ana", "Борис"] {
        let put = dynamodb.put_item().table_name(&table).item("user_id", text(name));
        put.send().await.unwrap();
    }
    let found =
        dynamodb.get_item().table_name(&table).key("user_id", text("Борис")).send().await.unwrap();
    assert!(found.item.is_some());

    assert_eq!(
        (faults.calls("PutItem"), faults.calls("GetItem"), faults.calls("DeleteItem")),
        (2, 1, 0)
    );
    let puts = faults.requests("PutItem");
    let second: serde_json::Value = serde_json::from_slice(&puts[1]).unwrap();
    assert_eq!(second["Item"]["user_id"]["S"], "Борис");
    assert_eq!(faults.all_requests().len(), 3);
}

#[tokio::test]
async fn faults_happen_in_order_and_once_each() {
    let faults = Faults::new();
    let (dynamodb, table) = table(&faults).await;
    faults.fail_next("PutItem", Fault::error("ProvisionedThroughputExceededException"));
    faults.fail_next("PutItem", Fault::Io);
    let put = || dynamodb.put_item().table_name(&table).item("user_id", text("u_1")).send();
    assert!(!faults.all_used());
    put().await.unwrap();
    assert!(faults.all_used());
    assert_eq!(faults.calls("PutItem"), 3);

    faults.fail_next("PutItem", Fault::error("AccessDeniedException"));
    let refused = put().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDeniedException"));
    assert!(refused.request_id().is_some());
    put().await.unwrap();
}

#[tokio::test]
async fn a_standing_fault_holds_until_recovery() {
    let faults = Faults::new();
    let servers = Aws::from_env().await.unwrap();
    let kms = servers.kms_through(&faults);
    let generate = || {
        kms.generate_data_key().key_id(servers.kms_key_id()).key_spec(DataKeySpec::Aes256).send()
    };

    faults.fail_always("GenerateDataKey", Fault::Timeout);
    for _ in 0..2 {
        let error = generate().await.unwrap_err();
        assert!(
            matches!(&error, aws_sdk_kms::error::SdkError::DispatchFailure(e) if e.is_timeout()),
            "{error:?}"
        );
    }
    assert_eq!(faults.calls("GenerateDataKey"), 6); // three tries each
    faults.recover("GenerateDataKey");
    generate().await.unwrap();
}

#[tokio::test]
async fn a_lost_reply_does_not_undo_what_the_server_did() {
    let faults = Faults::new();
    let (dynamodb, table) = table(&faults).await;
    faults.fail_next("UpdateItem", Fault::LoseReply);
    let add = dynamodb
        .update_item()
        .table_name(&table)
        .key("user_id", text("u_1"))
        .update_expression("ADD logins :one");
    let add = add
        .expression_attribute_values(":one", AttributeValue::N("1".into()))
        .return_values(AllNew);
    let updated = add.send().await.unwrap().attributes.unwrap();
    assert_eq!(updated.get("logins"), Some(&AttributeValue::N("2".into())));
    assert_eq!(faults.calls("UpdateItem"), 2);
}

#[tokio::test]
async fn a_held_call_waits_and_is_not_sent_if_it_is_dropped() {
    let faults = Faults::new();
    let (dynamodb, table) = table(&faults).await;
    let put = |id: &str| dynamodb.put_item().table_name(&table).item("user_id", text(id)).send();
    let found = |id: &str| dynamodb.get_item().table_name(&table).key("user_id", text(id)).send();
    let sent = async |calls| {
        while faults.calls("PutItem") < calls {
            tokio::task::yield_now().await;
        }
    };

    faults.hold("PutItem");
    tokio::select! {
        biased;
        _ = put("given up") => panic!("the call is held"),
        () = sent(1) => {}
    }
    let release = async {
        sent(2).await;
        assert!(found("patient").await.unwrap().item.is_none());
        faults.release("PutItem");
    };
    let (stored, ()) = tokio::join!(put("patient"), release);
    stored.unwrap();
    assert!(found("patient").await.unwrap().item.is_some());
    assert!(found("given up").await.unwrap().item.is_none());
}

#[tokio::test]
async fn a_made_up_reply_is_read_as_if_the_server_had_sent_it() {
    let faults = Faults::new();
    let servers = Aws::from_env().await.unwrap();
    let body =
        r#"{"KeyId":"arn:aws:kms:us-east-1:111122223333:key/other","Plaintext":"AAAA"}"#.to_owned();
    faults.fail_next("Decrypt", Fault::Reply { status: 200, body });
    let blob = aws_sdk_kms::primitives::Blob::new("not a blob of any KMS");
    let reply = servers.kms_through(&faults).decrypt().ciphertext_blob(blob).send().await.unwrap();
    assert_eq!(reply.key_id(), Some("arn:aws:kms:us-east-1:111122223333:key/other"));
}

#[tokio::test]
async fn a_batch_may_be_processed_in_part() {
    use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, WriteRequest};
    let faults = Faults::new();
    let (dynamodb, table) = table(&faults).await;
    let put = |id| PutRequest::builder().item("user_id", text(id)).build().unwrap();
    let puts = ["u_1", "u_2", "u_3"].map(|id| WriteRequest::builder().put_request(put(id)).build());
    let write = || dynamodb.batch_write_item().request_items(&table, puts.to_vec()).send();
    let keys = ["u_1", "u_2", "u_3"].map(|id| [("user_id".to_owned(), text(id))].into());
    let keys = KeysAndAttributes::builder()
        .set_keys(Some(keys.to_vec()))
        .consistent_read(true)
        .build()
        .unwrap();
    let read = || dynamodb.batch_get_item().request_items(&table, keys.clone()).send();

    faults.fail_next("BatchWriteItem", Fault::Unprocessed { processed: 2 });
    assert_eq!(write().await.unwrap().unprocessed_items.unwrap()[&table], puts[2..]);
    assert_eq!(read().await.unwrap().responses.unwrap()[&table].len(), 2);
    faults.fail_next("BatchWriteItem", Fault::Unprocessed { processed: 0 });
    assert_eq!(write().await.unwrap().unprocessed_items.unwrap()[&table], puts);

    faults.fail_next("BatchGetItem", Fault::Unprocessed { processed: 1 });
    let some = read().await.unwrap();
    assert_eq!(some.responses.unwrap()[&table].len(), 1);
    assert_eq!(some.unprocessed_keys.unwrap()[&table].keys, keys.keys[1..]);
    faults.fail_next("BatchGetItem", Fault::Unprocessed { processed: 0 });
    let none = read().await.unwrap();
    assert_eq!(
        (none.responses.unwrap().len(), none.unprocessed_keys.unwrap()[&table].keys.len()),
        (0, 3)
    );
    assert!(faults.all_used());
}

#[tokio::test]
async fn calls_that_fail_for_good_leave_later_calls_their_retries() {
    let faults = Faults::new();
    let servers = Aws::from_env().await.unwrap();
    let kms = servers.kms_through(&faults);
    faults.fail_always("DescribeKey", Fault::Timeout);
    for _ in 0..100 {
        kms.describe_key().key_id(servers.kms_key_id()).send().await.unwrap_err();
    }
    assert_eq!(faults.calls("DescribeKey"), 300);
}

#[test]
fn printing_the_faults_prints_no_request() {
    let faults = Faults::new();
    faults.state().requests.push(("PutItem".into(), b"secret".to_vec()));
    faults.fail_next("PutItem", Fault::Io);
    let printed = format!("{faults:?}");
    assert_eq!(printed, r#"Faults { once: {"PutItem": [Io]}, always: {}, held: [], requests: 1 }"#);
}
