//! `modify` whose answers are lost, throttled, or cut off.

use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::{ServiceError, WriteError};
use envelope_examples::Fault as Injected;

use super::{Bench, User, user};

async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench.other().put(&user("zoe")).send().await.unwrap();
    bench
}

#[tokio::test]
async fn a_modify_whose_answer_is_lost_is_applied_once() {
    let bench = bench().await;
    let users = bench.table::<User>();
    bench.faults.fail_next("UpdateItem", Injected::LoseReply);
    let mut calls = 0;
    let change = |user: &mut User| {
        calls += 1;
        user.logins += 1;
    };
    let changed = users.update("zoe").modify(change).send().await.unwrap().unwrap();
    assert_eq!((changed.logins, bench.number("zoe", "logins").await, calls), (4, 4, 1));
    assert_eq!(bench.faults.calls("UpdateItem"), 2);

    bench.faults.fail_next("UpdateItem", Injected::LoseReply);
    let both = users.update("zoe").add(|u| u.logins, 1).modify(|user| user.email.push('!')).send();
    let both = both.await.unwrap().unwrap();
    assert_eq!((both.logins, bench.number("zoe", "logins").await), (5, 5));
    assert_eq!(both, users.get("zoe").consistent_read().send().await.unwrap().unwrap());
}

#[tokio::test]
async fn a_modify_whose_answers_are_all_lost_reads_the_record() {
    let bench = bench().await;
    let users = bench.table::<User>();
    bench.faults.fail_always("UpdateItem", Injected::LoseReply);
    let changed =
        users.update("zoe").modify(|user| user.logins += 1).send().await.unwrap().unwrap();
    assert_eq!((changed.logins, bench.number("zoe", "logins").await), (4, 4));
    assert_eq!((bench.faults.calls("UpdateItem"), bench.faults.calls("GetItem")), (3, 2));
}

#[tokio::test]
async fn a_modify_that_did_not_arrive_may_still_do_so() {
    let bench = bench().await;
    let users = bench.table::<User>();
    for fault in
        [Injected::Io, Injected::Timeout, Injected::Reply { status: 503, body: "{}".into() }]
    {
        bench.faults.fail_always("UpdateItem", fault);
        let error = users.update("zoe").modify(|user| user.logins += 1).send().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::DynamoDb(ServiceError::Request(_)))
                && error.is_in_doubt(),
            "{error}"
        );
    }
    bench.faults.fail_always("UpdateItem", Injected::error("ThrottlingException"));
    let error = users.update("zoe").modify(|user| user.logins += 1).send().await.unwrap_err();
    assert!(error.is_retryable() && !error.is_in_doubt(), "{error}");
    assert_eq!(bench.number("zoe", "logins").await, 3);
}

/// The first try was executed, and another writer replaced its result before the second try
/// arrived. The stored item does not show whether the first try arrived, so the change is not
/// applied again.
#[tokio::test]
async fn a_modify_that_may_have_been_overwritten_is_in_doubt() {
    let bench = bench().await;
    let users = bench.table::<User>();
    bench.faults.fail_next("UpdateItem", Injected::Io);
    let mut calls = 0;
    let modify = users.update("zoe").modify(|user| {
        calls += 1;
        user.logins += 1;
    });
    let error = bench
        .between(modify.send(), async { bench.other().put(&user("zoe")).send().await.unwrap() })
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::Conflict { .. })), "{error}");
    assert!(error.is_in_doubt() && !error.is_retryable());
    assert_eq!(
        error.to_string(),
        "users[userId=zoe]: another writer changed the record after it was read; an answer was lost, so the write may \
         have been carried out (read the record to find out)"
    );
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn a_transient_refusal_is_retried() {
    let bench = bench().await;
    let users = bench.table::<User>();
    bench.faults.fail_next("GetItem", Injected::Io);
    bench.faults.fail_next("UpdateItem", Injected::error("ProvisionedThroughputExceededException"));
    bench.faults.fail_next("UpdateItem", Injected::Timeout);
    users.update("zoe").modify(|user| user.logins += 1).send().await.unwrap();
    assert_eq!(bench.number("zoe", "logins").await, 4);
    assert!(bench.faults.all_used());
}

#[tokio::test]
async fn a_dropped_modify_writes_nothing_more() {
    let bench = bench().await;
    let users = bench.table::<User>();
    bench.faults.hold("UpdateItem");
    tokio::select! {
        biased;
        _ = users.update("zoe").modify(|user| user.logins += 1).send() => panic!("the write is held"),
        () = bench.sent("UpdateItem", 1) => {}
    }
    bench.faults.release("UpdateItem");
    assert_eq!(bench.number("zoe", "logins").await, 3);
    users.update("zoe").modify(|user| user.logins += 1).send().await.unwrap();
    assert_eq!(bench.number("zoe", "logins").await, 4);
}
