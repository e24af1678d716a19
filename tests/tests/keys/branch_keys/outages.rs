//! KMS or the table refuses, or cannot be reached.

use envelope_dynamo::keys::KeyEvent;

use super::*;

#[tokio::test]
async fn a_refusal_drops_the_cached_branch_key_at_once() {
    let bench = Bench::with(&["alice"]).await;
    let provider = bench.provider(TTL.while_unreachable(60 * MINUTE));
    let item = write("alice", &provider).await;
    bench.clock.advance(9 * MINUTE);
    bench.faults.fail_always("Decrypt", Fault::error("AccessDeniedException"));
    assert_eq!(
        read(&item, &provider).await,
        Err(KeyErrorKind::AccessDenied),
        "though the key is not yet too old"
    );
    let error = to_item(&visit(1, "alice"), &provider).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::AccessDenied);
    bench.faults.fail_always("Decrypt", Fault::Io);
    assert_eq!(
        read(&item, &provider).await,
        Err(KeyErrorKind::Unreachable),
        "there is nothing left to bridge with"
    );
    bench.faults.recover("Decrypt");
    assert_eq!(read(&item, &provider).await, Ok(visit(1, "alice")));
}

#[tokio::test]
async fn an_outage_is_bridged_within_limits_and_only_on_request() {
    for operation in ["Decrypt", "GetItem"] {
        for (grace, bridged) in [(Duration::ZERO, false), (5 * MINUTE, true)] {
            let bench = Bench::with(&["alice"]).await;
            let provider = bench.provider(TTL.while_unreachable(grace));
            let item = write("alice", &provider).await;
            bench.faults.fail_always(operation, Fault::Timeout);
            bench.clock.advance(9 * MINUTE);
            assert_eq!(read(&item, &provider).await, Ok(visit(1, "alice")), "not yet too old");
            assert!(bench.counters.count(KeyEvent::ServedWhileUnreachable) > 0);
            bench.clock.advance(2 * MINUTE);
            let expected = if bridged { Ok(()) } else { Err(KeyErrorKind::Unreachable) };
            assert_eq!(read(&item, &provider).await.map(drop), expected);
            assert_eq!(
                to_item(&visit(1, "alice"), &provider).await.map(drop).map_err(|e| kind(&e)),
                expected
            );
            bench.clock.advance(10 * MINUTE);
            assert_eq!(
                read(&item, &provider).await,
                Err(KeyErrorKind::Unreachable),
                "beyond every bound"
            );
            bench.faults.recover(operation);
            assert_eq!(read(&item, &provider).await, Ok(visit(1, "alice")));
        }
    }
}

#[tokio::test]
async fn a_failure_of_the_table_says_what_kind_it_is() {
    let bench = Bench::with(&["alice"]).await;
    for (code, expected) in [
        ("ProvisionedThroughputExceededException", KeyErrorKind::Throttled),
        ("AccessDeniedException", KeyErrorKind::AccessDenied),
        ("ResourceNotFoundException", KeyErrorKind::Configuration),
        ("ValidationException", KeyErrorKind::Other),
    ] {
        bench.faults.fail_always("GetItem", Fault::error(code));
        let error = to_item(&visit(1, "alice"), &bench.provider(TTL)).await.unwrap_err();
        let error = error.key_error().unwrap();
        assert_eq!(error.kind(), expected);
        assert!(
            error.to_string().contains("GetItem on the table of branch keys")
                && error.to_string().contains(code)
        );
        assert!(error.request_id().is_some());
    }
}

#[tokio::test]
async fn a_branch_whose_key_kms_does_not_make_is_not_created() {
    let bench = Bench::with(&["alice"]).await;
    bench.faults.fail_always("GenerateDataKeyWithoutPlaintext", Fault::error("DisabledException"));
    for error in [
        bench.keys().create("bob").await.unwrap_err(),
        bench.keys().rotate("alice").await.unwrap_err(),
    ] {
        assert_eq!(branch_kind(&error), KeyErrorKind::KeyDisabled);
    }
    assert_eq!(bench.faults.calls("TransactWriteItems"), 0);
    assert_eq!(bench.keys().versions("alice").await.unwrap().len(), 1);
}
