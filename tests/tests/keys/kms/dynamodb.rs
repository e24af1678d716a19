//! Every way in which DynamoDB fails, or succeeds without saying so.

use envelope_dynamo::error::{DynamoDbError, ServiceError, WriteError};
use envelope_dynamo::{Error, ErrorKind, Fault};
use envelope_examples::Fault as Injected;
use envelope_tests::{Secret, all_it_says};

use super::{Bench, json, user};

/// How often the SDK tries a call whose failure it considers transient.
const TRIES: usize = 3;

struct Case {
    answer: Injected,
    code: Option<&'static str>,
    retryable: bool,
    calls: usize,
    has_request_id: bool,
}

/// Status and code as in the Amazon DynamoDB API Reference.
fn refused(status: u16, code: &'static str, retryable: bool, calls: usize) -> Case {
    let body =
        serde_json::json!({ "__type": code, "message": "a fault that was asked for" }).to_string();
    Case {
        answer: Injected::Reply { status, body },
        code: Some(code),
        retryable,
        calls,
        has_request_id: true,
    }
}

fn garbled(status: u16, body: &str, retryable: bool, calls: usize) -> Case {
    let answer = Injected::Reply { status, body: body.to_owned() };
    Case { answer, code: None, retryable, calls, has_request_id: true }
}

fn silent(answer: Injected) -> Case {
    Case { answer, code: None, retryable: true, calls: TRIES, has_request_id: false }
}

fn cases() -> Vec<Case> {
    vec![
        refused(400, "ProvisionedThroughputExceededException", true, TRIES),
        refused(400, "ThrottlingException", true, TRIES),
        refused(400, "RequestLimitExceeded", true, TRIES),
        refused(400, "TransactionConflictException", true, 1),
        refused(500, "InternalServerError", true, TRIES),
        refused(503, "ServiceUnavailable", true, TRIES),
        refused(500, "InternalFailure", true, TRIES),
        refused(400, "AccessDeniedException", false, 1),
        refused(400, "ItemCollectionSizeLimitExceededException", false, 1),
        refused(400, "ResourceNotFoundException", false, 1),
        refused(400, "UnrecognizedClientException", false, 1),
        refused(400, "ValidationException", false, 1),
        refused(400, "AnErrorOfTomorrowException", false, 1),
        garbled(500, "", true, TRIES),
        garbled(503, "<html><body>503 Service Unavailable</body></html>", true, TRIES),
        garbled(403, "<html><body>403 Forbidden</body></html>", false, 1),
        garbled(200, r#"{"Item":{"user_id":{"S":"ali"#, false, 1),
        silent(Injected::Io),
        silent(Injected::Timeout),
    ]
}

/// Answers of a global table, to writes only.
fn conflict() -> Case {
    refused(400, "ReplicatedWriteConflictException", true, TRIES)
}

#[track_caller]
fn assert_told(case: &Case, bench: &Bench, operation: &str, error: &Error) {
    let Case { answer, code, retryable, calls, has_request_id } = case;
    let ErrorKind::DynamoDb(ServiceError::Request(dynamodb)) = error.kind() else {
        panic!("{answer:?}: {error}")
    };
    assert_eq!(dynamodb.code(), *code, "{answer:?}: {error}");
    // An invalid request must be fixed in the program.
    let fault = if *code == Some("ValidationException") { Fault::Caller } else { Fault::Operator };
    assert_eq!((error.is_retryable(), error.fault()), (*retryable, fault), "{answer:?}: {error}");
    assert_eq!(bench.faults.calls(operation), *calls, "{answer:?}");
    assert_eq!(
        dynamodb.request_id().is_some_and(|id| id.starts_with("in-process-")),
        *has_request_id,
        "{answer:?}"
    );
    let told = error.to_string();
    assert!(told.starts_with(&format!("users[user_id=alice]: {operation} ")), "{told}");
    assert!(told.contains(dynamodb.request_id().unwrap_or_default()), "{told}");
    assert!(told.contains(code.unwrap_or_default()), "{told}");
}

#[tokio::test]
async fn every_failure_of_a_put_is_reported_and_calls_kms_once() {
    let bench = Bench::new().await;
    for case in cases().into_iter().chain([conflict()]) {
        bench.faults.forget_calls();
        bench.faults.fail_always("PutItem", case.answer.clone());
        let error = bench.table.put(&user("alice")).send().await.unwrap_err();
        assert_told(&case, &bench, "PutItem", &error);
        assert_eq!(bench.faults.calls("GenerateDataKey"), 1);
    }
    assert_eq!(bench.stored("alice").await, None);
    bench.faults.recover("PutItem");
    bench.table.put(&user("alice")).send().await.unwrap();
}

#[tokio::test]
async fn every_failure_of_a_get_is_reported() {
    let bench = Bench::new().await;
    for case in cases() {
        bench.faults.forget_calls();
        bench.faults.fail_always("GetItem", case.answer.clone());
        assert_told(&case, &bench, "GetItem", &bench.table.get("alice").send().await.unwrap_err());
        assert_eq!(bench.faults.calls("Decrypt"), 0);
    }
}

#[tokio::test]
async fn every_failure_of_a_delete_is_reported() {
    let bench = Bench::new().await;
    for case in cases().into_iter().chain([conflict()]) {
        bench.faults.forget_calls();
        bench.faults.fail_always("DeleteItem", case.answer.clone());
        assert_told(
            &case,
            &bench,
            "DeleteItem",
            &bench.table.delete("alice").send().await.unwrap_err(),
        );
    }
}

#[tokio::test]
async fn a_call_that_is_throttled_twice_succeeds() {
    let bench = Bench::new().await;
    for operation in ["PutItem", "GetItem", "DeleteItem"] {
        for _ in 0..2 {
            bench
                .faults
                .fail_next(operation, Injected::error("ProvisionedThroughputExceededException"));
        }
    }
    bench.table.put(&user("alice")).send().await.unwrap();
    assert_eq!(bench.table.get("alice").send().await.unwrap(), Some(user("alice")));
    bench.table.delete("alice").send().await.unwrap();
    let calls = ["PutItem", "GetItem", "DeleteItem"].map(|operation| bench.faults.calls(operation));
    assert_eq!(calls, [TRIES; 3]);
    assert_eq!((bench.faults.calls("GenerateDataKey"), bench.faults.calls("Decrypt")), (1, 1));
}

#[tokio::test]
async fn a_put_whose_reply_was_lost_is_sent_again_as_it_was_sealed() {
    let bench = Bench::new().await;
    bench.faults.fail_next("PutItem", Injected::LoseReply);
    bench.table.put(&user("alice")).send().await.unwrap();
    let [first, second] = bench.faults.requests("PutItem").try_into().unwrap();
    assert!(json(&first)["Item"]["encrypted_payload"]["B"].is_string());
    assert_eq!(json(&first), json(&second));
    assert_eq!(bench.faults.calls("GenerateDataKey"), 1, "sealed once");
    assert_eq!(bench.table.get("alice").send().await.unwrap(), Some(user("alice")));
}

/// The second try finds what the first one stored, and recognizes the payload.
#[tokio::test]
async fn a_put_if_absent_whose_reply_was_lost_has_succeeded() {
    let bench = Bench::new().await;
    bench.faults.fail_next("PutItem", Injected::LoseReply);
    bench.table.put(&user("alice")).if_not_exists().send().await.unwrap();
    assert_eq!(bench.faults.calls("PutItem"), 2);
    assert_eq!(bench.table.get("alice").send().await.unwrap(), Some(user("alice")));
}

#[tokio::test]
async fn a_get_or_delete_whose_reply_was_lost_is_asked_again() {
    let bench = Bench::new().await;
    bench.table.put(&user("alice")).send().await.unwrap();
    bench.faults.fail_next("GetItem", Injected::LoseReply);
    bench.faults.fail_next("DeleteItem", Injected::LoseReply);
    assert_eq!(bench.table.get("alice").send().await.unwrap(), Some(user("alice")));
    bench.table.delete("alice").send().await.unwrap();
    assert_eq!((bench.faults.calls("GetItem"), bench.faults.calls("DeleteItem")), (2, 2));
    assert_eq!(bench.stored("alice").await, None);
}

/// The SDK keeps an answer that it cannot parse, and would print its readable attributes with the
/// error.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_not_printed() {
    let bench = Bench::new().await;
    let value = Secret::new("a readable value");
    for status in [200, 400, 500] {
        for body in [
            r#"{"Item":{"note":{"S":"a readable value"}"#,
            r#"{"Item":{"note":{"S":"a readable value"},"x":{"N":7}}}"#,
            r#"{"Item":{"note":{"a readable value":"S"}}}{}"#,
            "a readable value",
        ] {
            bench.faults.fail_always("GetItem", Injected::Reply { status, body: body.to_owned() });
            let error = bench.table.get("alice").send().await.unwrap_err();
            let told = all_it_says(&error);
            assert_eq!(value.found_in(&told), None, "{status} {body}: {told}");
        }
    }
}

/// The SDK's error holds the stored item, with its readable attributes.
#[tokio::test]
async fn the_item_that_failed_a_condition_is_not_printed() {
    let bench = Bench::new().await;
    bench.table.put(&user("alice")).send().await.unwrap();
    let put = user("alice");
    let put = bench.table.put(&put).if_not_exists().customize(|put| {
        put.return_values_on_condition_check_failure(
            aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld,
        )
    });
    let error = put.send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{error}");
    assert!(!all_it_says(&error).contains("encrypted_payload"), "{error:?}");
}

#[tokio::test]
async fn the_sdks_own_error_is_kept() {
    use aws_sdk_dynamodb::operation::get_item::GetItemError;
    let bench = Bench::new().await;
    bench.faults.fail_next("GetItem", Injected::error("ResourceNotFoundException"));
    let error = bench.table.get("alice").send().await.unwrap_err();
    let sdk_error = error.dynamodb_error().unwrap().sdk_error().unwrap();
    let sdk_error = sdk_error.downcast_ref::<GetItemError>().unwrap();
    assert!(sdk_error.is_resource_not_found_exception());
    let _: &DynamoDbError = match error.kind() {
        ErrorKind::DynamoDb(ServiceError::Request(error)) => error,
        other => panic!("{other}"),
    };
}
