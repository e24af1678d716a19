//! Deleting a branch makes its records unreadable everywhere.

use super::*;

#[tokio::test]
async fn deleting_a_subjects_branch_makes_all_of_its_records_unreadable_and_nobody_elses() {
    let bench = Bench::with(&["alice", "bob"]).await;
    let provider = bench.provider(TTL);
    let mut items = Vec::new();
    for patient in ["alice", "bob"] {
        let before = to_item(&visit(1, patient), &provider).await.unwrap();
        bench.keys().rotate(patient).await.unwrap();
        provider.clear();
        let after = to_item(&visit(2, patient), &provider).await.unwrap();
        items.push((before, after, to_item(&letter(3, patient), &provider).await.unwrap()));
    }
    let backup = items.clone();
    assert_eq!(bench.keys().delete("alice").await.unwrap(), 2);

    let other = bench.provider(TTL);
    for [alices, bobs] in [items, backup].map(|items| <[_; 2]>::try_from(items).unwrap()) {
        let (before, after, letter_3) = alices;
        for item in [before, after] {
            assert_eq!(read(&item, &other).await, Err(KeyErrorKind::KeyNotFound));
        }
        assert_eq!(
            kind(&from_item::<Letter>(letter_3, &other).await.unwrap_err()),
            KeyErrorKind::KeyNotFound
        );
        let (before, after, letter_3) = bobs;
        assert_eq!(read(&before, &other).await, Ok(visit(1, "bob")));
        assert_eq!(read(&after, &other).await, Ok(visit(2, "bob")));
        assert_eq!(from_item::<Letter>(letter_3, &other).await.unwrap(), letter(3, "bob"));
    }
    let scan = bench
        .servers
        .dynamodb()
        .scan()
        .table_name(&bench.table)
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    assert!(
        scan.items().iter().all(|item| item["branch"] == text("bob")),
        "nothing of alice's is left"
    );
}

/// As documented for other processes.
#[tokio::test]
async fn a_process_that_has_the_key_reads_on_until_it_is_old() {
    let bench = Bench::with(&["alice"]).await;
    let provider = bench.provider(TTL);
    let item = write("alice", &provider).await;
    bench.keys().delete("alice").await.unwrap();
    bench.clock.advance(8 * MINUTE);
    assert_eq!(read(&item, &provider).await, Ok(visit(1, "alice")));
    bench.clock.advance(MINUTE);
    assert_eq!(
        read(&item, &provider).await,
        Err(KeyErrorKind::KeyNotFound),
        "noticed when it is to be refreshed"
    );
    let error = to_item(&visit(1, "alice"), &provider).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::KeyNotFound);
}

#[tokio::test]
async fn a_branch_that_does_not_exist_is_deleted_already() {
    let bench = Bench::with(&["alice"]).await;
    assert_eq!(bench.keys().delete("nobody").await.unwrap(), 0);
    assert_eq!(bench.keys().delete("alice").await.unwrap(), 1);
    assert_eq!(bench.keys().delete("alice").await.unwrap(), 0);
    assert!(bench.keys().list().next().await.is_none());
}

#[tokio::test]
async fn a_deletion_that_was_interrupted_is_visible_and_continues() {
    let bench = Bench::with(&["alice"]).await;
    let item = write("alice", &bench.provider(TTL)).await;
    bench.keys().rotate("alice").await.unwrap();
    bench.faults.fail_always("TransactWriteItems", Fault::Io);
    let error = bench.keys().delete("alice").await.unwrap_err();
    assert!(matches!(error, BranchKeyError::DynamoDb(_)) && error.is_retryable(), "{error}");
    bench.faults.recover("TransactWriteItems");

    let mut branches = bench.keys().list();
    let branch = branches.next().await.unwrap().unwrap();
    assert_eq!((branch.name(), branch.active()), ("alice", None));
    let error = to_item(&visit(1, "alice"), &bench.provider(TTL)).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::KeyNotFound, "nothing is written under it any more");
    for error in [
        bench.keys().create("alice").await.unwrap_err(),
        bench.keys().rotate("alice").await.unwrap_err(),
    ] {
        assert!(matches!(error, BranchKeyError::Deleting(_)), "{error}");
        assert!(error.to_string().contains("`delete` it again"), "{error}");
    }
    assert_eq!(bench.keys().delete("alice").await.unwrap(), 2);
    assert_eq!(read(&item, &bench.provider(TTL)).await, Err(KeyErrorKind::KeyNotFound));
}

#[tokio::test]
async fn recreating_a_branch_does_not_make_its_records_readable() {
    let bench = Bench::with(&["alice"]).await;
    let item = write("alice", &bench.provider(TTL)).await;
    bench.keys().delete("alice").await.unwrap();
    bench.keys().create("alice").await.unwrap();
    let provider = bench.provider(TTL);
    assert_eq!(read(&item, &provider).await, Err(KeyErrorKind::KeyNotFound));
    let new = write("alice", &provider).await;
    assert_eq!(read(&new, &provider).await, Ok(visit(1, "alice")));
}

/// The slower of two deletions must not delete the key of a branch that was created in between.
#[tokio::test]
async fn a_deletion_leaves_alone_a_branch_that_was_recreated_meanwhile() {
    let bench = Bench::with(&["alice"]).await;
    bench.faults.hold("TransactWriteItems");
    let slow = {
        let keys = bench.keys();
        tokio::spawn(async move { keys.delete("alice").await.unwrap() })
    };
    while bench.faults.calls("TransactWriteItems") == 0 {
        tokio::task::yield_now().await;
    }
    let kms = KmsKeyProvider::new(bench.servers.kms().clone(), bench.servers.kms_key_id());
    let quick = BranchKeyTable::new(bench.servers.dynamodb().clone(), "branch-keys", kms)
        .named(&bench.table);
    assert_eq!(quick.delete("alice").await.unwrap(), 1);
    let created = quick.create("alice").await.unwrap();
    bench.faults.release("TransactWriteItems");
    assert_eq!(slow.await.unwrap(), 0);
    assert_eq!(bench.active("alice").await, created);
    write("alice", &bench.provider(TTL)).await;
}
