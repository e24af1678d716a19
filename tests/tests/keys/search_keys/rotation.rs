//! Rotating, cancelling and retiring, in time.

use envelope_examples::servers::create_kms_key;

use super::*;

#[tokio::test]
async fn a_rotation_is_searched_at_once_and_written_later() {
    let bench = Bench::with(&["users"]).await;
    let old = bench.keys().branch("users").await.unwrap();
    assert_eq!((old.also_search(), old.write_from(), old.retire_from()), (None, None, None));
    let now = bench.now();
    let rotated = bench.keys().rotate("users").await.unwrap();
    assert_eq!(rotated.also_search(), Some(old.write()));
    assert_eq!(rotated, bench.keys().branch("users").await.unwrap(), "as it is stored");
    let write_from = rotated.write_from().unwrap();
    let exact = now + MAX_AGE + CLOCKS;
    assert!(exact <= write_from && write_from <= exact + Duration::from_secs(1));
    assert_eq!(rotated.retire_from(), Some(write_from + MAX_AGE + CLOCKS));
    assert_eq!(rotated.written_at(write_from - Duration::from_secs(1)), old.write());
    assert_eq!(rotated.written_at(write_from), rotated.write());

    let refused = bench.keys().rotate("users").await.unwrap_err();
    assert!(matches!(refused, SearchKeyError::Rotating { .. }), "{refused}");
    let early = bench.keys().retire("users").await.unwrap_err();
    assert!(early.to_string().contains("may still be written"), "{early}");
    bench.clock.advance(2 * (MAX_AGE + CLOCKS) - MINUTE);
    let early = bench.keys().retire("users").await.unwrap_err();
    assert!(matches!(early, SearchKeyError::TooEarly { .. }), "{early}");
    bench.clock.advance(MINUTE + Duration::from_secs(1));
    assert_eq!(bench.keys().retire("users").await.unwrap(), Some(old.write()));
    assert_eq!(bench.keys().retire("users").await.unwrap(), None, "it may be repeated");
    let retired = bench.keys().branch("users").await.unwrap();
    assert_eq!((retired.write(), retired.also_search()), (rotated.write(), None));
    let versions = bench.keys().versions("users").await.unwrap();
    assert_eq!(versions.len(), 2, "the retired key stays");
    assert_eq!(versions.iter().filter(|it| it.is_live()).count(), 1);
    bench.fetched().await.unwrap();
    bench.keys().rotate("users").await.unwrap();
}

#[tokio::test]
async fn a_rotation_is_cancelled_until_it_is_written() {
    let bench = Bench::with(&["users"]).await;
    let error = bench.keys().cancel("users").await.unwrap_err();
    assert!(matches!(error, SearchKeyError::NotRotating(_)), "{error}");
    let old = bench.keys().branch("users").await.unwrap();
    let rotated = bench.keys().rotate("users").await.unwrap();
    bench.clock.advance(MAX_AGE + CLOCKS - MINUTE);
    let cancelled = bench.keys().cancel("users").await.unwrap();
    assert_eq!(cancelled, bench.keys().cancel("users").await.unwrap(), "it may be repeated");
    assert_eq!(cancelled, bench.keys().branch("users").await.unwrap(), "as it is stored");
    assert_eq!(cancelled.write(), old.write());
    // A process that does not know of the cancellation may write the new version for a while.
    assert_eq!(cancelled.also_search(), Some(rotated.write()));
    assert_eq!(cancelled.write_from(), None);
    assert_eq!(cancelled.written_at(SystemTime::UNIX_EPOCH), old.write(), "by any clock");
    let error = bench.keys().retire("users").await.unwrap_err();
    assert!(matches!(error, SearchKeyError::TooEarly { .. }), "{error}");
    bench.clock.advance(MAX_AGE + CLOCKS + Duration::from_secs(1));
    assert_eq!(bench.keys().retire("users").await.unwrap(), Some(rotated.write()));

    bench.keys().rotate("users").await.unwrap();
    bench.clock.advance(MAX_AGE + CLOCKS + Duration::from_secs(1));
    let error = bench.keys().cancel("users").await.unwrap_err();
    assert!(matches!(error, SearchKeyError::TooLate { .. }), "{error}");
    assert!(error.to_string().contains("cannot be cancelled any more"), "{error}");
}

#[tokio::test]
async fn a_longer_max_age_makes_a_longer_rotation() {
    let bench = Bench::with(&[]).await;
    bench.keys().max_age(60 * MINUTE).create("users").await.unwrap();
    let rotated = bench.keys().rotate("users").await.unwrap();
    assert_eq!(rotated.max_age(), 60 * MINUTE, "whoever rotates does not change it");
    let (now, write_from) = (seconds(bench.now()), seconds(rotated.write_from().unwrap()));
    assert!((5400..=5401).contains(&(write_from - now)), "{}", write_from - now);
}

/// Both read the branch before either writes.
#[tokio::test]
async fn concurrent_rotations_add_one_version() {
    let bench = Arc::new(Bench::with(&["users"]).await);
    bench.faults.hold("TransactWriteItems");
    let rotations: Vec<_> = (0..4)
        .map(|_| {
            let keys = bench.keys();
            tokio::spawn(async move { keys.rotate("users").await.unwrap() })
        })
        .collect();
    while bench.faults.calls("TransactWriteItems") < 4 {
        tokio::task::yield_now().await;
    }
    bench.faults.release("TransactWriteItems");
    for rotation in rotations {
        assert_eq!(rotation.await.unwrap(), bench.keys().branch("users").await.unwrap());
    }
    assert_eq!(bench.keys().versions("users").await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_lost_reply_does_not_repeat_a_change() {
    let bench = Bench::with(&[]).await;
    let lose = || bench.faults.fail_next("TransactWriteItems", Fault::LoseReply);
    lose();
    let created = bench.keys().create("users").await.unwrap();
    lose();
    let rotated = bench.keys().rotate("users").await.unwrap();
    assert_eq!(rotated.also_search(), Some(created.write()));
    lose();
    let cancelled = bench.keys().cancel("users").await.unwrap();
    assert_eq!(cancelled.write(), created.write());
    bench.clock.advance(MAX_AGE + CLOCKS + MINUTE);
    lose();
    assert_eq!(bench.keys().retire("users").await.unwrap(), Some(rotated.write()));
    assert_eq!(bench.keys().versions("users").await.unwrap().len(), 2);
    assert!(bench.faults.all_used());
}

/// The times of a rotation count from before the call. If the process is suspended in the call,
/// others would learn of the rotation too late.
#[tokio::test]
async fn a_rotation_that_is_stored_late_is_postponed() {
    let bench = Arc::new(Bench::with(&["users"]).await);
    bench.faults.hold("TransactWriteItems");
    let keys = bench.keys();
    let rotation = tokio::spawn(async move { keys.rotate("users").await.unwrap() });
    while bench.faults.calls("TransactWriteItems") < 1 {
        tokio::task::yield_now().await;
    }
    bench.clock.advance(MAX_AGE + CLOCKS);
    bench.faults.release("TransactWriteItems");
    let rotated = rotation.await.unwrap();
    assert!(rotated.write_from().unwrap() >= bench.now() + MAX_AGE + CLOCKS);
    assert_eq!(rotated, bench.keys().branch("users").await.unwrap());
    assert_eq!(bench.keys().versions("users").await.unwrap().len(), 2);
}

#[tokio::test]
async fn only_a_retired_version_is_deleted() {
    let bench = Bench::with(&["users"]).await;
    let keys = bench.keys();
    let rotated = keys.rotate("users").await.unwrap();
    let (old, new) = (rotated.also_search().unwrap(), rotated.write());
    for version in [old, new] {
        let error = keys.delete_version("users", version).await.unwrap_err();
        assert!(matches!(error, SearchKeyError::Live { .. }), "{error}");
    }
    bench.clock.advance(2 * (MAX_AGE + CLOCKS) + MINUTE);
    keys.retire("users").await.unwrap();
    bench.faults.fail_next("TransactWriteItems", Fault::LoseReply);
    assert!(keys.delete_version("users", old).await.unwrap());
    assert!(!keys.delete_version("users", old).await.unwrap(), "it was deleted before");
    let error = keys.delete_version("users", new).await.unwrap_err();
    assert!(error.to_string().contains("`rotate` and `retire` it"), "{error}");
    assert_eq!(keys.versions("users").await.unwrap().len(), 1);
    bench.fetched().await.unwrap();
    let error = keys.delete_version("orders", new).await.unwrap_err();
    assert_eq!(key_kind(&error), KeyErrorKind::KeyNotFound);
}

/// The operator who moves keys sees none: KMS re-encrypts them, for the same purpose alone.
#[tokio::test]
async fn search_keys_move_to_another_kms_key() {
    let bench = Bench::with(&[]).await;
    let kms = bench.servers.kms();
    let (old, new) = (create_kms_key(kms).await.unwrap(), create_kms_key(kms).await.unwrap());
    let keys = |key: &str| {
        let kms = KmsKeyProvider::new(bench.servers.kms().clone(), key);
        let dynamodb = bench.servers.dynamodb().clone();
        SearchKeyTable::new(dynamodb, "search-keys", kms).named(&bench.table)
    };
    keys(&old).create("users").await.unwrap();
    keys(&old).create("orders").await.unwrap();
    keys(&old).rotate("users").await.unwrap();
    let run = keys(&old).rewrap(bench.servers.kms_through(&bench.faults), &old, &new);
    let counts = run.send().await.unwrap();
    assert_eq!((counts.changed, counts.failed, counts.other_key), (3, 0, 0));
    assert_eq!((bench.faults.calls("ReEncrypt"), bench.faults.calls("Decrypt")), (3, 0));
    for request in bench.faults.requests("ReEncrypt") {
        let request = String::from_utf8(request).unwrap();
        assert_eq!(request.matches(r#""purpose":"search""#).count(), 2, "{request}");
    }
    let error = SearchKeys::per_table(keys(&old)).prefetch("users").await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::WrongKey, "the process does not know the new key");
    for table in ["users", "orders"] {
        SearchKeys::per_table(keys(&new)).prefetch(table).await.unwrap();
    }
}
