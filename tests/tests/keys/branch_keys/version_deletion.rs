//! Deleting one version of a branch's key.

use super::*;

/// Rotates `branch` once. Returns a record under each of the two versions.
async fn rotated(bench: &Bench, branch: &str) -> (Item, Item) {
    let old = write(branch, &bench.provider(TTL)).await;
    bench.keys().rotate(branch).await.unwrap();
    (old, write(branch, &bench.provider(TTL)).await)
}

async fn versions(bench: &Bench, branch: &str) -> Vec<BranchVersion> {
    bench.keys().versions(branch).await.unwrap().iter().map(|it| it.version()).collect()
}

#[tokio::test]
async fn a_deleted_version_loses_its_records_and_no_others() {
    let bench = Bench::with(&["alice", "bob"]).await;
    let (old, new) = rotated(&bench, "alice").await;
    let (bobs, _) = rotated(&bench, "bob").await;
    assert!(bench.keys().delete_version("alice", version(&old)).await.unwrap());
    assert_eq!(versions(&bench, "alice").await, [version(&new)]);
    assert_eq!(versions(&bench, "bob").await.len(), 2);

    let provider = bench.provider(TTL);
    let error = from_item::<Visit>(old, &provider).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::KeyNotFound);
    assert!(error.key_error().unwrap().to_string().contains("the version"), "{error}");
    assert_eq!(read(&new, &provider).await, Ok(visit(1, "alice")));
    assert_eq!(read(&bobs, &provider).await, Ok(visit(1, "bob")));
    let active = version(&write("alice", &provider).await);
    assert_eq!(active, version(&new), "the branch is written under as before");
}

#[tokio::test]
async fn the_active_version_is_not_deleted() {
    let bench = Bench::with(&["alice"]).await;
    let active = bench.active("alice").await;
    let error = bench.keys().delete_version("alice", active).await.unwrap_err();
    let BranchKeyError::ActiveVersion { branch, version } = &error else { panic!("{error}") };
    assert_eq!((branch.as_str(), *version), ("alice", active));
    assert!(error.to_string().contains("`rotate` the branch"), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(versions(&bench, "alice").await, [active]);
}

#[tokio::test]
async fn a_version_that_is_not_there_is_deleted_already() {
    let bench = Bench::with(&["alice", "bob"]).await;
    let (old, _) = rotated(&bench, "alice").await;
    let (bobs, _) = rotated(&bench, "bob").await;
    assert!(bench.keys().delete_version("alice", version(&old)).await.unwrap());
    assert!(!bench.keys().delete_version("alice", version(&old)).await.unwrap());
    assert!(!bench.keys().delete_version("nobody", version(&old)).await.unwrap());
    assert!(
        !bench.keys().delete_version("alice", version(&bobs)).await.unwrap(),
        "the version of another branch"
    );
    assert_eq!(versions(&bench, "bob").await.len(), 2);
    let error = bench.keys().delete_version("", version(&old)).await.unwrap_err();
    assert_eq!(branch_kind(&error), KeyErrorKind::Configuration, "{error}");
}

/// The rotation back comes after the caller looked, and before the deletion.
#[tokio::test]
async fn a_version_that_becomes_active_before_it_is_deleted_stays() {
    let bench = Bench::with(&["alice"]).await;
    let (old, _) = rotated(&bench, "alice").await;
    bench.faults.hold("TransactWriteItems");
    let deleting = {
        let (keys, old) = (bench.keys(), version(&old));
        tokio::spawn(async move { keys.delete_version("alice", old).await })
    };
    while bench.faults.calls("TransactWriteItems") == 0 {
        tokio::task::yield_now().await;
    }
    bench.point("alice", version(&old)).await;
    bench.faults.release("TransactWriteItems");
    let error = deleting.await.unwrap().unwrap_err();
    assert!(matches!(error, BranchKeyError::ActiveVersion { .. }), "{error}");
    assert_eq!(read(&old, &bench.provider(TTL)).await, Ok(visit(1, "alice")));
    assert_eq!(versions(&bench, "alice").await.len(), 2);
}

/// Rotations and deletions of everything that is not active, all at once. Whatever a rotation
/// answers is a version that no deletion took while it was active.
#[tokio::test]
async fn rotations_and_deletions_at_once_leave_the_active_version() {
    let bench = Arc::new(Bench::with(&["alice"]).await);
    let rotating: Vec<_> = (0..8)
        .map(|_| {
            let keys = bench.keys();
            tokio::spawn(async move { keys.rotate("alice").await })
        })
        .collect();
    let deleting: Vec<_> = (0..8)
        .map(|_| {
            let keys = bench.keys();
            tokio::spawn(async move {
                for version in keys.versions("alice").await.unwrap() {
                    match keys.delete_version("alice", version.version()).await {
                        Ok(_) | Err(BranchKeyError::ActiveVersion { .. }) => {}
                        Err(BranchKeyError::Conflict(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    for task in rotating {
        match task.await.unwrap() {
            Ok(_) | Err(BranchKeyError::Conflict(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    for task in deleting {
        task.await.unwrap();
    }
    let item = write("alice", &bench.provider(TTL)).await;
    assert_eq!(version(&item), bench.active("alice").await);
    assert_eq!(read(&item, &bench.provider(TTL)).await, Ok(visit(1, "alice")));
}

#[tokio::test]
async fn a_branch_that_is_being_deleted_says_so() {
    let bench = Bench::with(&["alice"]).await;
    let (old, new) = rotated(&bench, "alice").await;
    bench.faults.fail_always("TransactWriteItems", Fault::Io);
    bench.keys().delete("alice").await.unwrap_err();
    bench.faults.recover("TransactWriteItems");
    for item in [&old, &new] {
        let error = bench.keys().delete_version("alice", version(item)).await.unwrap_err();
        assert!(matches!(error, BranchKeyError::Deleting(_)), "{error}");
    }
    assert_eq!(bench.keys().delete("alice").await.unwrap(), 2);
    assert!(!bench.keys().delete_version("alice", version(&old)).await.unwrap());
}

/// The pointer is missing from a backup, or somebody deleted it.
#[tokio::test]
async fn a_branch_without_a_pointer_loses_no_version() {
    let bench = Bench::with(&["alice"]).await;
    let (old, _) = rotated(&bench, "alice").await;
    let delete = bench.servers.dynamodb().delete_item().table_name(&bench.table);
    delete.key("branch", text("alice")).key("version", text("active")).send().await.unwrap();
    let error = bench.keys().delete_version("alice", version(&old)).await.unwrap_err();
    assert_eq!(branch_kind(&error), KeyErrorKind::KeyNotFound);
    assert!(error.to_string().contains("no active version"), "{error}");
    assert_eq!(read(&old, &bench.provider(TTL)).await, Ok(visit(1, "alice")));
    assert_eq!(bench.keys().delete("alice").await.unwrap(), 2, "as the message says");
}

#[tokio::test]
async fn a_lost_reply_is_found_out_or_told() {
    let bench = Bench::with(&["alice"]).await;
    let (old, _) = rotated(&bench, "alice").await;
    bench.faults.fail_next("TransactWriteItems", Fault::LoseReply);
    assert!(bench.keys().delete_version("alice", version(&old)).await.unwrap(), "by this call");
    assert!(bench.faults.all_used());

    let (old, _) = rotated(&bench, "alice").await;
    bench.faults.fail_always("TransactWriteItems", Fault::LoseReply);
    let error = bench.keys().delete_version("alice", version(&old)).await.unwrap_err();
    assert_eq!(error.write_outcome(), WriteOutcome::Unknown, "{error}");
    assert!(error.is_retryable(), "{error}");
    bench.faults.recover("TransactWriteItems");
    assert!(!bench.keys().delete_version("alice", version(&old)).await.unwrap());
}

#[tokio::test]
async fn a_deletion_that_conflicts_each_time_gives_up() {
    let bench = Bench::with(&["alice"]).await;
    let (old, _) = rotated(&bench, "alice").await;
    bench.faults.forget_calls();
    bench.faults.fail_always("TransactWriteItems", cancelled("TransactionConflict"));
    let error = bench.keys().delete_version("alice", version(&old)).await.unwrap_err();
    assert!(matches!(error, BranchKeyError::Conflict(_)) && error.is_retryable(), "{error}");
    assert_eq!(bench.faults.calls("TransactWriteItems"), 8);
    bench.faults.recover("TransactWriteItems");
    assert_eq!(versions(&bench, "alice").await.len(), 2, "nothing was deleted");
}

/// As documented for other processes.
#[tokio::test]
async fn a_process_with_the_version_in_its_cache_writes_what_nobody_else_reads() {
    let bench = Bench::with(&["alice"]).await;
    let provider = bench.provider(TTL);
    let old = write("alice", &provider).await;
    bench.keys().rotate("alice").await.unwrap();
    bench.keys().delete_version("alice", version(&old)).await.unwrap();
    let late = write("alice", &provider).await;
    assert_eq!(version(&late), version(&old));
    assert_eq!(read(&late, &provider).await, Ok(visit(1, "alice")));
    assert_eq!(read(&late, &bench.provider(TTL)).await, Err(KeyErrorKind::KeyNotFound));
    bench.clock.advance(10 * MINUTE);
    assert_eq!(read(&late, &provider).await, Err(KeyErrorKind::KeyNotFound));
}
