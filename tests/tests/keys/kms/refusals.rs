//! Every error that KMS can answer, for both operations.

use envelope_dynamo::error::KeyErrorKind;
use envelope_dynamo::error::KeyErrorKind::{
    AccessDenied, Configuration, ContextMismatch, InvalidKeyUsage, InvalidResponse, KeyDisabled,
    KeyNotFound, Other, PendingDeletion, Throttled, Unreachable, WrongKey,
};
use envelope_dynamo::{Error, Fault, Table};
use envelope_examples::Fault as Injected;

use super::{Bench, User, json, key_error, user};

/// How often the SDK tries a call whose failure it considers transient.
const TRIES: usize = 3;

/// An answer of KMS, and the error that the caller gets.
struct Case {
    answer: Injected,
    kind: KeyErrorKind,
    calls: usize,
    has_request_id: bool,
}

/// Status and code as in the AWS KMS API Reference.
fn refused(status: u16, code: &str, kind: KeyErrorKind, calls: usize) -> Case {
    let body =
        serde_json::json!({ "__type": code, "message": "a fault that was asked for" }).to_string();
    Case { answer: Injected::Reply { status, body }, kind, calls, has_request_id: true }
}

fn garbled(status: u16, body: &str, kind: KeyErrorKind, calls: usize) -> Case {
    Case {
        answer: Injected::Reply { status, body: body.to_owned() },
        kind,
        calls,
        has_request_id: true,
    }
}

fn silent(answer: Injected) -> Case {
    Case { answer, kind: Unreachable, calls: TRIES, has_request_id: false }
}

fn cases() -> Vec<Case> {
    vec![
        refused(400, "AccessDeniedException", AccessDenied, 1),
        refused(400, "NotAuthorizedException", AccessDenied, 1),
        refused(409, "DisabledException", KeyDisabled, 1),
        refused(409, "KMSInvalidStateException", PendingDeletion, 1),
        refused(404, "NotFoundException", KeyNotFound, 1),
        refused(400, "IncorrectKeyException", WrongKey, 1),
        refused(400, "InvalidCiphertextException", ContextMismatch, 1),
        refused(400, "InvalidKeyUsageException", InvalidKeyUsage, 1),
        refused(400, "ThrottlingException", Throttled, TRIES),
        refused(400, "LimitExceededException", Throttled, TRIES),
        refused(500, "KeyUnavailableException", Unreachable, TRIES),
        refused(503, "DependencyTimeoutException", Unreachable, TRIES),
        refused(500, "KMSInternalException", Unreachable, TRIES),
        refused(400, "InvalidArnException", Configuration, 1),
        refused(400, "ValidationException", Configuration, 1),
        refused(400, "InvalidGrantTokenException", Configuration, 1),
        refused(400, "AnErrorOfTomorrowException", Other, 1),
        // Error codes as other protocols of AWS spell them.
        refused(400, "com.amazonaws.kms#DisabledException", KeyDisabled, 1),
        refused(
            400,
            "DisabledException:http://internal.amazon.com/coral/com.amazonaws.kms/",
            KeyDisabled,
            1,
        ),
        // Not from KMS, but from a load balancer, a proxy, or a broken connection.
        garbled(500, "", Unreachable, TRIES),
        garbled(503, "<html><body>503 Service Unavailable</body></html>", Unreachable, TRIES),
        garbled(403, "<html><body>403 Forbidden</body></html>", Other, 1),
        garbled(200, r#"{"KeyId":"arn:aws:kms:us-east-1:1111222233"#, InvalidResponse, 1),
        garbled(200, "<html><body>please sign in</body></html>", InvalidResponse, 1),
        silent(Injected::Io),
        silent(Injected::Timeout),
    ]
}

const fn fault(kind: KeyErrorKind) -> Fault {
    match kind {
        ContextMismatch => Fault::Data,
        Configuration => Fault::Caller,
        _ => Fault::Operator,
    }
}

#[track_caller]
fn assert_told(case: &Case, bench: &Bench, operation: &str, error: &Error) {
    let Case { answer, kind, calls, has_request_id } = case;
    let key = key_error(error);
    assert_eq!(key.kind(), *kind, "{answer:?}: {key}");
    assert_eq!(error.fault(), fault(*kind), "{answer:?}");
    assert_eq!(error.is_retryable(), matches!(kind, Throttled | Unreachable), "{answer:?}");
    assert_eq!(bench.faults.calls(operation), *calls, "{answer:?}");
    assert_eq!(
        key.request_id().is_some_and(|id| id.starts_with("in-process-")),
        *has_request_id,
        "{answer:?}: {key}"
    );
    let told = key.to_string();
    assert!(told.contains(operation) && told.contains(&bench.key), "{told}");
    if let Injected::Reply { body, .. } = answer
        && let Some(code) = serde_json::from_str::<serde_json::Value>(body).ok().and_then(|body| {
            Some(body["__type"].as_str()?.split(':').next()?.rsplit('#').next()?.to_owned())
        })
    {
        assert!(told.contains(&code), "{told}");
    }
}

#[tokio::test]
async fn every_refusal_to_make_a_data_key_has_its_kind_and_writes_nothing() {
    let bench = Bench::new().await;
    for case in cases() {
        bench.faults.forget_calls();
        bench.faults.fail_always("GenerateDataKey", case.answer.clone());
        let error = bench.table.put(&user("alice")).send().await.unwrap_err();
        assert_told(&case, &bench, "GenerateDataKey", &error);
        assert_eq!(bench.faults.calls("PutItem"), 0, "{:?}", case.answer);
    }
    assert_eq!(bench.stored("alice").await, None);
    bench.faults.recover("GenerateDataKey");
    bench.table.put(&user("alice")).send().await.unwrap();
}

#[tokio::test]
async fn every_refusal_to_unwrap_a_data_key_has_its_kind() {
    let bench = Bench::new().await;
    bench.table.put(&user("alice")).send().await.unwrap();
    for case in cases() {
        bench.faults.forget_calls();
        bench.faults.fail_always("Decrypt", case.answer.clone());
        let error = bench.table.get("alice").send().await.unwrap_err();
        assert_told(&case, &bench, "Decrypt", &error);
        assert_eq!(bench.faults.calls("GetItem"), 1);
    }
    bench.faults.recover("Decrypt");
    assert_eq!(bench.table.get("alice").send().await.unwrap(), Some(user("alice")));
}

#[tokio::test]
async fn a_write_only_table_gets_the_same_error() {
    let bench = Bench::new().await;
    let wrapper =
        envelope_dynamo::KmsKeyWrapper::new(bench.servers.kms_through(&bench.faults), &bench.key);
    let ingest =
        Table::<User, _>::write_only(bench.servers.dynamodb_through(&bench.faults), wrapper);
    for case in cases() {
        bench.faults.forget_calls();
        bench.faults.fail_always("GenerateDataKey", case.answer.clone());
        let error = ingest.put(&user("alice")).send().await.unwrap_err();
        assert_told(&case, &bench, "GenerateDataKey", &error);
    }
    assert_eq!(bench.faults.calls("PutItem"), 0);
}

#[tokio::test]
async fn a_call_that_is_throttled_twice_succeeds() {
    let bench = Bench::new().await;
    for operation in ["GenerateDataKey", "Decrypt"] {
        for _ in 0..2 {
            bench.faults.fail_next(operation, Injected::error("ThrottlingException"));
        }
    }
    bench.table.put(&user("alice")).send().await.unwrap();
    assert_eq!((bench.faults.calls("GenerateDataKey"), bench.faults.calls("PutItem")), (3, 1));
    assert_eq!(bench.table.get("alice").send().await.unwrap(), Some(user("alice")));
    assert_eq!((bench.faults.calls("Decrypt"), bench.faults.calls("GetItem")), (3, 1));
    assert!(bench.faults.all_used());
    let asked: Vec<_> =
        bench.faults.requests("Decrypt").iter().map(|request| json(request)).collect();
    assert!(asked.iter().all(|request| *request == asked[0]), "each try asks the same");
}
