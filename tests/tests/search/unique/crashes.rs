//! A process that dies at any step leaves nothing that stops others.

use super::*;

fn refused() -> Injected {
    Injected::error("AccessDeniedException")
}

/// The addresses that records have, by opening all of them.
async fn addresses(bench: &Bench) -> Vec<String> {
    let scan = bench.users().scan().consistent_read().send().await.unwrap();
    let mut all: Vec<_> = scan.into_iter().map(|user| user.email).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn a_lost_reply_of_a_sign_up_is_recognized() {
    let bench = Bench::new().await;
    let users = bench.users();
    bench.faults.fail_next("TransactWriteItems", Injected::LoseReply);
    users.put(&user("u_1", "zoe@example.com")).if_not_exists().send().await.unwrap();
    assert_eq!(bench.faults.calls("TransactWriteItems"), 2);
    bench.faults.fail_next("TransactWriteItems", Injected::LoseReply);
    let change = |user: &mut User| user.email = "ana@example.com".into();
    users.update("u_1").modify(change).send().await.unwrap();
    assert_eq!(bench.owner_of("ana@example.com").await.as_deref(), Some("u_1"));
}

#[tokio::test]
async fn without_any_answer_a_sign_up_is_in_doubt_and_may_be_repeated() {
    let bench = Bench::new().await;
    let users = bench.users();
    bench.faults.fail_always("TransactWriteItems", Injected::LoseReply);
    let zoe = user("u_1", "zoe@example.com");
    let error = users.put(&zoe).send().await.unwrap_err();
    assert!(error.is_in_doubt() && error.is_retryable(), "{error}");
    let conditional = users.put(&zoe).if_not_exists().send().await.unwrap_err();
    assert!(conditional.is_in_doubt() && !conditional.is_retryable(), "{conditional}");
    bench.faults.recover("TransactWriteItems");
    users.put(&zoe).send().await.unwrap();
    assert_eq!((bench.records().await, bench.owners().await.len()), (1, 1));
}

/// The change was carried out, and the record shows it.
#[tokio::test]
async fn a_modify_whose_answers_are_lost_reads_the_record() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    bench.faults.fail_always("TransactWriteItems", Injected::LoseReply);
    let change = |user: &mut User| user.email = "ana@example.com".into();
    let changed = users.update("u_1").modify(change).send().await.unwrap().unwrap();
    assert_eq!(changed.email, "ana@example.com");
    bench.faults.fail_always("TransactWriteItems", Injected::Io);
    let change = |user: &mut User| user.email = "max@example.com".into();
    let error = users.update("u_1").modify(change).send().await.unwrap_err();
    assert!(error.is_in_doubt(), "{error}");
    bench.faults.recover("TransactWriteItems");
    assert_eq!(bench.owner_of("ana@example.com").await.as_deref(), Some("u_1"));
}

/// The sign-up that takes a claim over makes four calls: a transaction that meets the claim, a look
/// at the claim and at its record, and a second transaction.
#[tokio::test]
async fn a_sign_up_may_die_at_any_call() {
    let calls = ["TransactWriteItems", "GetItem", "GetItem", "TransactWriteItems"];
    for (step, call) in calls.into_iter().enumerate() {
        for fault in [refused(), Injected::Io, Injected::LoseReply] {
            let bench = Bench::new().await;
            bench.users().put(&user("u_1", "zoe@example.com")).send().await.unwrap();
            bench.expire("u_1").await;
            bench.faults.forget_calls();
            let (users, faults) = (bench.users(), bench.faults.clone());
            if step < 2 {
                faults.fail_always(call, fault.clone());
            } else {
                faults.hold("GetItem");
            }
            let dying =
                tokio::spawn(
                    async move { users.put(&user("u_2", "zoe@example.com")).send().await },
                );
            if step >= 2 {
                // The first calls were let through, and the next ones are not.
                called(&bench, "GetItem", 1).await;
                faults.fail_always(call, fault.clone());
                faults.release("GetItem");
            }
            let died = dying.await.unwrap();
            assert!(died.is_err(), "{step}, {fault:?}");
            faults.recover(call);
            let survivor = bench.users().put(&user("u_3", "zoe@example.com")).send().await;
            let is_carried_out = addresses(&bench).await;
            assert_eq!(is_carried_out, ["zoe@example.com"], "{step}, {fault:?}");
            match survivor {
                Ok(()) => {}
                Err(error) => {
                    // The second transaction was carried out, and no reply came.
                    assert_eq!((step, &fault), (3, &Injected::LoseReply));
                    assert!(died.unwrap_err().is_in_doubt());
                    assert_eq!(taken(&error), Some("email"), "{step}, {fault:?}");
                    let owner = bench.owner_of("zoe@example.com").await;
                    assert_eq!(owner.as_deref(), Some("u_2"));
                }
            }
        }
    }
}

/// The claims of former values cannot be deleted: they do not count all the same.
#[tokio::test]
async fn a_claim_that_is_not_released_does_not_count() {
    let bench = Bench::new().await;
    let users = bench.users();
    for freeing in 0..3 {
        let id = format!("u_{freeing}");
        users.put(&user(&id, "zoe@example.com")).send().await.unwrap();
        match freeing {
            0 => {
                bench.faults.fail_always("TransactWriteItems", refused());
                users.delete(&*id).send().await.unwrap();
            }
            1 => {
                // The write is let through, and the release is not.
                let change = |user: &mut User| user.email = "ana@example.com".into();
                let calls = bench.faults.calls("TransactWriteItems");
                bench.faults.hold("TransactWriteItems");
                let writing = users.update(&*id).modify(change).send();
                let failing = async {
                    called(&bench, "TransactWriteItems", calls + 1).await;
                    bench.faults.fail_always("TransactWriteItems", refused());
                    bench.faults.release("TransactWriteItems");
                };
                let (written, ()) = tokio::join!(writing, failing);
                written.unwrap();
            }
            _ => bench.expire(&id).await,
        }
        bench.faults.recover("TransactWriteItems");
        let left = bench.owners().await;
        assert!(left.contains(&id), "{freeing}: the claim is still there: {left:?}");
    }
    users.put(&user("u_9", "zoe@example.com")).send().await.unwrap();
    assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some("u_9"));
}

/// While other writers change the claim each time, the sign-up gives up in the end, and says so.
#[tokio::test]
async fn conflicts_end() {
    let bench = Bench::new().await;
    let users = bench.users();
    let cancelled = serde_json::json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": [
            { "Code": "None" },
            { "Code": "ConditionalCheckFailed", "Message": "The conditional request failed" },
        ],
    });
    let fault = Injected::Reply { status: 400, body: cancelled.to_string() };
    bench.faults.fail_always("TransactWriteItems", fault);
    let error = users.put(&user("u_1", "zoe@example.com")).send().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Write(WriteError::Conflict { tries: 10 })),
        "{error}"
    );
    assert!(error.is_retryable() && !error.is_in_doubt(), "{error}");
    let busy = cancelled.to_string().replace("ConditionalCheckFailed", "TransactionConflict");
    bench.faults.fail_always("TransactWriteItems", Injected::Reply { status: 400, body: busy });
    bench.faults.forget_calls();
    let error = users.put(&user("u_1", "zoe@example.com")).send().await.unwrap_err();
    assert!(error.to_string().contains("TransactionConflict"), "{error}");
    assert!(error.is_retryable(), "{error}");
    assert_eq!(bench.faults.calls("TransactWriteItems"), 10);
}
