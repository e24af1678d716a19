//! Calls that take too long, and callers that give up.

use std::time::Duration;

use aws_sdk_kms::config::timeout::TimeoutConfig;
use envelope_dynamo::error::{KeyErrorKind, ServiceError};
use envelope_dynamo::{ErrorKind, KmsKeyProvider, from_item, to_item};
use envelope_examples::Fault as Injected;

use super::{Bench, User, key_error, user};

/// Drops `call` after `operation` was sent and before it is answered.
async fn give_up_during<T>(bench: &Bench, operation: &str, call: impl Future<Output = T>) {
    bench.faults.hold(operation);
    let calls = bench.faults.calls(operation) + 1;
    tokio::select! {
        biased;
        _ = call => panic!("{operation} is not answered"),
        () = bench.called(operation, calls) => {}
    }
    bench.faults.release(operation);
}

#[tokio::test]
async fn a_put_that_is_dropped_writes_nothing_and_leaves_the_table_usable() {
    let bench = Bench::new().await;
    let alice = user("alice");
    for operation in ["GenerateDataKey", "PutItem"] {
        give_up_during(&bench, operation, bench.table.put(&alice).send()).await;
        assert_eq!(bench.stored("alice").await, None, "given up during {operation}");
    }
    bench.table.put(&alice).send().await.unwrap();
    assert_eq!(bench.table.get("alice").send().await.unwrap(), Some(alice));
}

#[tokio::test]
async fn a_get_or_delete_that_is_dropped_leaves_the_table_usable() {
    let bench = Bench::new().await;
    bench.table.put(&user("alice")).send().await.unwrap();
    for operation in ["GetItem", "Decrypt"] {
        give_up_during(&bench, operation, bench.table.get("alice").send()).await;
    }
    give_up_during(&bench, "DeleteItem", bench.table.delete("alice").send()).await;
    assert_eq!(bench.table.get("alice").send().await.unwrap(), Some(user("alice")));
    bench.table.delete("alice").send().await.unwrap();
    assert_eq!(bench.table.get("alice").send().await.unwrap(), None);
}

#[tokio::test]
async fn a_dropped_call_does_not_resolve_its_alias() {
    let bench = Bench::new().await;
    let alias = bench.alias(&bench.key).await;
    let provider = bench.provider(&alias);
    give_up_during(&bench, "GenerateDataKey", to_item(&user("alice"), &provider)).await;
    let item = to_item(&user("alice"), &provider).await.unwrap();
    assert_eq!(from_item::<User>(item, &provider).await.unwrap(), user("alice"));
}

/// Nothing answers, so the time limit ends the call, however slow the machine is.
#[tokio::test]
async fn a_call_without_an_answer_in_time_is_unreachable() {
    let bench = Bench::new().await;
    let moment = Duration::from_millis(5);
    let limits = [
        (TimeoutConfig::builder().operation_attempt_timeout(moment).build(), 3),
        (TimeoutConfig::builder().operation_timeout(moment).build(), 1),
    ];
    let item = to_item(&user("alice"), &bench.provider(&bench.key)).await.unwrap();
    for operation in ["GenerateDataKey", "Decrypt"] {
        bench.faults.hold(operation);
    }
    for (limit, calls) in limits {
        let config = bench
            .servers
            .kms_through(&bench.faults)
            .config()
            .to_builder()
            .timeout_config(limit)
            .build();
        let provider = KmsKeyProvider::new(aws_sdk_kms::Client::from_conf(config), &bench.key);
        bench.faults.forget_calls();
        let wrote = to_item(&user("alice"), &provider).await.unwrap_err();
        let read = from_item::<User>(item.clone(), &provider).await.unwrap_err();
        for (operation, error) in [("GenerateDataKey", wrote), ("Decrypt", read)] {
            let key = key_error(&error);
            assert_eq!(key.kind(), KeyErrorKind::Unreachable, "{key}");
            assert!(error.is_retryable(), "{key}");
            assert_eq!((key.request_id(), bench.faults.calls(operation)), (None, calls), "{key}");
        }
    }
}

#[tokio::test]
async fn dynamodb_without_an_answer_in_time_is_retryable() {
    let bench = Bench::new().await;
    let limit = TimeoutConfig::builder().operation_timeout(Duration::from_millis(5)).build();
    let config = bench
        .servers
        .dynamodb_through(&bench.faults)
        .config()
        .to_builder()
        .timeout_config(limit)
        .build();
    let provider = bench.provider(&bench.key);
    let table =
        envelope_dynamo::Table::<User>::new(aws_sdk_dynamodb::Client::from_conf(config), provider);
    bench.faults.hold("PutItem");
    let error = table.put(&user("alice")).send().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::DynamoDb(ServiceError::Request(_)))
            && error.is_retryable(),
        "{error}"
    );
}

/// KMS generated a data key, and the answer was lost. The next try generates another, which the
/// record uses.
#[tokio::test]
async fn a_data_key_whose_answer_was_lost_is_not_missed() {
    let bench = Bench::new().await;
    bench.faults.fail_next("GenerateDataKey", Injected::LoseReply);
    bench.faults.fail_next("Decrypt", Injected::LoseReply);
    bench.table.put(&user("alice")).send().await.unwrap();
    assert_eq!(bench.table.get("alice").send().await.unwrap(), Some(user("alice")));
    assert_eq!((bench.faults.calls("GenerateDataKey"), bench.faults.calls("Decrypt")), (2, 2));
}
