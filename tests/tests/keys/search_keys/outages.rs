//! KMS or the table refuses, or cannot be reached.

use super::*;

#[tokio::test]
async fn an_outage_of_the_table_is_never_bridged() {
    let bench = Bench::with(&["users"]).await;
    let keys = bench.process().while_unreachable(60 * MINUTE);
    keys.prefetch("users").await.unwrap();
    bench.faults.fail_always("GetItem", Fault::Timeout);
    bench.clock.advance(MAX_AGE * 95 / 100);
    keys.prefetch("users").await.unwrap();
    bench.clock.advance(MAX_AGE * 5 / 100);
    let error = keys.prefetch("users").await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Unreachable);
    assert!(error.to_string().contains("the table of search keys"), "{error}");
    bench.faults.recover("GetItem");
    keys.prefetch("users").await.unwrap();
}

#[tokio::test]
async fn an_outage_of_kms_is_bridged_within_limits_and_only_on_request() {
    for (grace, is_bridged) in [(Duration::ZERO, false), (5 * MINUTE, true)] {
        let bench = Bench::with(&["users"]).await;
        let keys = bench.process().while_unreachable(grace);
        keys.prefetch("users").await.unwrap();
        bench.faults.fail_always("Decrypt", Fault::Timeout);
        bench.clock.advance(MAX_AGE + MINUTE);
        assert_eq!(keys.prefetch("users").await.is_ok(), is_bridged);
        bench.clock.advance(5 * MINUTE);
        let error = keys.prefetch("users").await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Unreachable, "beyond every bound");
        bench.faults.recover("Decrypt");
        keys.prefetch("users").await.unwrap();
    }
}

/// A new version has no key that could be bridged with: searching without it would miss records.
#[tokio::test]
async fn a_new_version_needs_kms() {
    let bench = Bench::with(&["users"]).await;
    let keys = bench.process().while_unreachable(60 * MINUTE);
    keys.prefetch("users").await.unwrap();
    bench.keys().rotate("users").await.unwrap();
    bench.clock.advance(MAX_AGE);
    bench.faults.fail_always("Decrypt", Fault::Io);
    let error = keys.prefetch("users").await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Unreachable);
}

#[tokio::test]
async fn a_refusal_is_noticed_at_once_and_keeps_nothing() {
    let bench = Bench::with(&["users"]).await;
    let keys = bench.process().while_unreachable(60 * MINUTE);
    keys.prefetch("users").await.unwrap();
    bench.clock.advance(MAX_AGE * 95 / 100);
    bench.faults.fail_always("Decrypt", Fault::error("AccessDeniedException"));
    let error = keys.prefetch("users").await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::AccessDenied, "though the key is not yet too old");
    bench.faults.fail_always("Decrypt", Fault::Io);
    let error = keys.prefetch("users").await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Unreachable, "there is nothing left to bridge with");
}

#[tokio::test]
async fn a_failure_of_the_table_says_what_kind_it_is() {
    let bench = Bench::with(&["users"]).await;
    for (code, expected) in [
        ("ProvisionedThroughputExceededException", KeyErrorKind::Throttled),
        ("AccessDeniedException", KeyErrorKind::AccessDenied),
        ("ResourceNotFoundException", KeyErrorKind::Configuration),
        ("ValidationException", KeyErrorKind::Other),
    ] {
        bench.faults.fail_always("GetItem", Fault::error(code));
        let error = bench.fetched().await.unwrap_err();
        assert_eq!(error.kind(), expected);
        let message = error.to_string();
        assert!(
            message.contains("GetItem on the table of search keys was refused")
                && message.contains(code),
            "{message}"
        );
    }
}

/// Every change makes one write, so an outage leaves a branch as it was.
#[tokio::test]
async fn an_outage_of_any_call_leaves_a_branch_that_works() {
    for operation in ["GetItem", "GenerateDataKeyWithoutPlaintext", "TransactWriteItems"] {
        let bench = Bench::with(&["users"]).await;
        let rotated = {
            bench.faults.fail_always(operation, Fault::Io);
            for error in [
                bench.keys().create("orders").await.unwrap_err(),
                bench.keys().rotate("users").await.unwrap_err(),
            ] {
                assert!(!error.to_string().is_empty());
            }
            bench.faults.recover(operation);
            bench.fetched().await.unwrap();
            assert_eq!(bench.keys().versions("users").await.unwrap().len(), 1, "{operation}");
            bench.keys().create("orders").await.unwrap();
            bench.keys().rotate("users").await.unwrap()
        };
        if operation == "GenerateDataKeyWithoutPlaintext" {
            continue;
        }
        bench.faults.fail_always(operation, Fault::Io);
        bench.keys().cancel("users").await.unwrap_err();
        bench.clock.advance(2 * (MAX_AGE + CLOCKS) + MINUTE);
        let error = bench.keys().retire("users").await.unwrap_err();
        assert!(matches!(error, SearchKeyError::DynamoDb(_)), "{error}");
        bench.faults.recover(operation);
        assert_eq!(bench.keys().branch("users").await.unwrap(), rotated);
        bench.fetched().await.unwrap();
        assert_eq!(bench.keys().retire("users").await.unwrap(), rotated.also_search());
    }
}

/// The connection breaks after DynamoDB has carried the request out, in every attempt of the SDK.
#[tokio::test]
async fn an_unknown_outcome_is_said_and_cancel_and_retire_may_be_repeated() {
    let bench = Bench::with(&["users"]).await;
    let old = bench.keys().branch("users").await.unwrap();
    let rotated = bench.keys().rotate("users").await.unwrap();
    bench.faults.fail_always("TransactWriteItems", Fault::LoseReply);
    let error = bench.keys().cancel("users").await.unwrap_err();
    assert_eq!(error.write_outcome(), envelope_dynamo::WriteOutcome::Unknown);
    assert!(error.is_retryable() && error.to_string().contains("`list` tells"), "{error}");
    let error = bench.keys().create("orders").await.unwrap_err();
    assert!(!error.is_retryable(), "it may have created a version: {error}");
    bench.faults.recover("TransactWriteItems");
    assert_eq!(bench.keys().cancel("users").await.unwrap().write(), old.write());
    bench.clock.advance(MAX_AGE + CLOCKS + MINUTE);
    bench.faults.fail_always("TransactWriteItems", Fault::LoseReply);
    bench.keys().retire("users").await.unwrap_err();
    bench.faults.recover("TransactWriteItems");
    assert_eq!(bench.keys().retire("users").await.unwrap(), None, "it was retired before");
    assert_ne!(bench.keys().branch("users").await.unwrap().write(), rotated.write());
}
