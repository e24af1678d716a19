//! Creating, rotating and listing branches.

use super::*;

#[tokio::test]
async fn old_records_open_after_a_rotation_and_new_ones_use_the_new_key() {
    let bench = Bench::with(&["alice"]).await;
    let provider = bench.provider(TTL);
    let old = write("alice", &provider).await;
    let rotated = bench.keys().rotate("alice").await.unwrap();
    assert_eq!(
        version(&write("alice", &provider).await),
        version(&old),
        "the old one is in the cache"
    );
    bench.clock.advance(10 * MINUTE);
    let new = write("alice", &provider).await;
    assert_eq!(version(&new), rotated);
    assert_ne!(version(&old), rotated);
    for item in [old, new] {
        assert_eq!(read(&item, &provider).await, Ok(visit(1, "alice")));
        assert_eq!(read(&item, &bench.provider(TTL)).await, Ok(visit(1, "alice")), "and by others");
    }
}

#[tokio::test]
async fn sixteen_concurrent_rotations_lose_nothing() {
    let bench = Arc::new(Bench::with(&["alice"]).await);
    let first = bench.active("alice").await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move {
                let rotated = bench.keys().rotate("alice").await.unwrap();
                (rotated, write("alice", &bench.provider(TTL)).await)
            })
        })
        .collect();
    let mut items = Vec::new();
    let mut rotated = Vec::new();
    for task in tasks {
        let (version, item) = task.await.unwrap();
        rotated.push(version);
        items.push(item);
    }
    let active = bench.active("alice").await;
    let all: Vec<_> =
        bench.keys().versions("alice").await.unwrap().iter().map(|it| it.version()).collect();
    assert!(!rotated.contains(&first) && rotated.contains(&active));
    assert!(
        all.contains(&first) && rotated.iter().all(|version| all.contains(version)),
        "{rotated:?} of {all:?}"
    );
    for item in items {
        assert_eq!(read(&item, &bench.provider(TTL)).await, Ok(visit(1, "alice")));
    }
}

/// Both read the active version before either writes.
#[tokio::test]
async fn two_concurrent_rotations_agree_on_the_new_version() {
    let bench = Arc::new(Bench::with(&["alice"]).await);
    let first = bench.active("alice").await;
    bench.faults.forget_calls();
    bench.faults.hold("TransactWriteItems");
    let tasks: Vec<_> = (0..2)
        .map(|_| {
            let keys = bench.keys();
            tokio::spawn(async move { keys.rotate("alice").await.unwrap() })
        })
        .collect();
    while bench.faults.calls("TransactWriteItems") < 2 {
        tokio::task::yield_now().await;
    }
    bench.faults.release("TransactWriteItems");
    for task in tasks {
        assert_eq!(task.await.unwrap(), bench.active("alice").await);
    }
    assert_ne!(bench.active("alice").await, first);
    assert_eq!(bench.keys().versions("alice").await.unwrap().len(), 2);
}

#[tokio::test]
async fn conflicts_are_retried_but_not_forever() {
    let bench = Bench::with(&["alice"]).await;
    let first = bench.active("alice").await;
    bench.faults.fail_next("TransactWriteItems", cancelled("TransactionConflict"));
    let second = bench.keys().rotate("alice").await.unwrap();
    assert_eq!(bench.active("alice").await, second);
    assert_ne!(second, first);

    bench.faults.fail_always("TransactWriteItems", cancelled("TransactionConflict"));
    bench.faults.forget_calls();
    let error = bench.keys().rotate("alice").await.unwrap_err();
    assert!(matches!(error, BranchKeyError::Conflict(_)) && error.is_retryable(), "{error}");
    assert_eq!(
        (
            bench.faults.calls("TransactWriteItems"),
            bench.faults.calls("GenerateDataKeyWithoutPlaintext")
        ),
        (8, 1)
    );
    let error = bench.keys().create("bob").await.unwrap_err();
    assert!(matches!(error, BranchKeyError::Conflict(_)), "{error}");
    bench.faults.recover("TransactWriteItems");
    assert_eq!(bench.keys().versions("alice").await.unwrap().len(), 2, "nothing was written");
}

/// The SDK retries a request that was executed but not answered.
#[tokio::test]
async fn a_lost_reply_does_not_count_the_version_twice() {
    let bench = Bench::with(&[]).await;
    bench.faults.fail_next("TransactWriteItems", Fault::LoseReply);
    let created = bench.keys().create("alice").await.unwrap();
    assert_eq!(bench.active("alice").await, created);
    bench.faults.fail_next("TransactWriteItems", Fault::LoseReply);
    let rotated = bench.keys().rotate("alice").await.unwrap();
    assert_eq!(bench.active("alice").await, rotated);
    assert_eq!(bench.keys().versions("alice").await.unwrap().len(), 2);
    assert!(bench.faults.all_used());
}

#[tokio::test]
async fn failed_creations_and_rotations_say_why() {
    let bench = Bench::with(&["alice"]).await;
    let keys = bench.keys();
    let error = keys.create("alice").await.unwrap_err();
    assert!(matches!(error, BranchKeyError::Exists(_)), "{error}");
    assert_eq!(error.to_string(), "the branch `alice` exists: `rotate` gives it a new key");
    for error in [keys.rotate("bob").await.unwrap_err(), keys.versions("bob").await.unwrap_err()] {
        assert_eq!(branch_kind(&error), KeyErrorKind::KeyNotFound);
        assert!(
            error.to_string().contains("the branch `bob`") && error.to_string().contains("create"),
            "{error}"
        );
    }
    for name in ["", &"x".repeat(256)] {
        assert_eq!(branch_kind(&keys.create(name).await.unwrap_err()), KeyErrorKind::Configuration);
    }
    let longest = "x".repeat(255);
    keys.create(&longest).await.unwrap();
    assert_eq!(keys.versions(&longest).await.unwrap().len(), 1);
    let calls = bench.faults.calls("GenerateDataKeyWithoutPlaintext");
    assert_eq!(calls, 1, "what fails costs no call");
}

#[tokio::test]
async fn the_error_of_an_unknown_branch_says_what_to_do() {
    let bench = Bench::with(&[]).await;
    let error =
        to_item(&visit(1, "mallory\nINFO all is well"), &bench.provider(TTL)).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::KeyNotFound);
    let message = error.key_error().unwrap().to_string();
    assert!(
        message.contains("BranchKeyTable::create") && message.contains("mallory\\nINFO"),
        "{message}"
    );
}

#[tokio::test]
async fn keys_restored_into_another_table_unwrap_as_before() {
    let bench = Bench::with(&["alice"]).await;
    let item = write("alice", &bench.provider(TTL)).await;
    let restored = bench.keys().named(unique_name("restored"));
    restored.create_table().await.unwrap();
    for key in [bench.stored("alice", "active").await, bench.stored("alice", version(&item)).await]
    {
        let put =
            bench.servers.dynamodb().put_item().table_name(restored.name()).set_item(Some(key));
        put.send().await.unwrap();
    }
    let provider = HierarchicalKeyProvider::per_pair(restored, "patient", TTL);
    assert_eq!(read(&item, &provider).await, Ok(visit(1, "alice")));
}

/// More than the megabyte that DynamoDB returns at a time.
#[tokio::test]
async fn branches_and_versions_are_listed_completely() {
    let bench = Bench::with(&["alice"]).await;
    let names: Vec<_> = (0..12).map(|i| format!("patient {i}")).collect();
    let item = bench.stored("alice", bench.active("alice").await).await;
    for name in &names {
        let mut pointer = bench.stored("alice", "active").await;
        pointer.extend([
            ("branch".to_owned(), text(name)),
            ("pad".to_owned(), text("x".repeat(120_000))),
        ]);
        bench.store(pointer).await;
        let mut version = item.clone();
        version.insert("version".into(), text(BranchVersion::generate().unwrap()));
        version.insert("pad".into(), text("x".repeat(120_000)));
        bench.store(version).await;
    }
    bench.faults.forget_calls();
    let (mut branches, mut found) = (bench.keys().list(), Vec::new());
    while let Some(branch) = branches.next().await {
        let branch = branch.unwrap();
        assert!(branch.active().is_some());
        found.push(branch.name().to_owned());
    }
    found.sort_unstable();
    let mut expected = [vec!["alice".to_owned()], names].concat();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(bench.faults.calls("Scan") > 1);

    let versions = bench.keys().versions("alice").await.unwrap();
    assert_eq!(versions.len(), 13);
    assert_eq!(versions.iter().filter(|version| version.is_active()).count(), 1);
    assert!(versions.iter().all(|version| version.created().elapsed().unwrap() < 10 * MINUTE));
    assert!(bench.faults.calls("Query") > 1);
}
