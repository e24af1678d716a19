//! Transactions: all writes happen, or none.

use envelope_dynamo::error::WriteError;
use envelope_dynamo::transaction::{Transaction, TransactionError, TransactionErrorKind};
use envelope_dynamo::{ErrorKind, Fault, transact_write};
use envelope_examples::Fault as Injected;
use envelope_examples::servers::unique_name;
use envelope_tests::{Secret, all_it_says};

use super::{Bench, SECRET, cancelled, ids, order, set, user, users};

impl Bench {
    fn transaction(&self) -> Transaction<'_> {
        transact_write(self.users.client())
    }

    /// The bodies of the transactions that were sent.
    fn sent(&self) -> Vec<serde_json::Value> {
        self.requests("TransactWriteItems")
    }
}

#[tokio::test]
async fn records_of_several_types_are_written_and_deleted_together() {
    let bench = Bench::with_kms().await;
    bench.users.batch_put([user("a"), user("b")]).send().await.unwrap();
    bench.faults.forget_calls();
    let (c, first) = (user("c"), order("a", 1.0));
    bench
        .transaction()
        .put(bench.users.put(&c).if_not_exists())
        .put(bench.orders.put(&first))
        .delete(bench.users.delete("b"))
        .check(bench.users.check("a").condition(|a| a.logins.eq(3).and(a.plan.eq("pro"))))
        .check(bench.users.check("d").if_not_exists())
        .send()
        .await
        .unwrap();
    assert_eq!(bench.stored_ids().await, set(["a", "c"]));
    assert_eq!(bench.users.get("c").send().await.unwrap(), Some(c));
    assert_eq!(bench.orders.get(("a", 1.0)).send().await.unwrap(), Some(first));
    assert_eq!(
        (bench.faults.calls("TransactWriteItems"), bench.faults.calls("GenerateDataKey")),
        (1, 2)
    );
    bench.assert_nothing_secret_was_sent();
}

/// Cancels the transaction below because of its second and fourth action.
async fn refused(bench: &Bench) -> TransactionError {
    let (a, b) = (user("a"), user("b"));
    let transaction = bench
        .transaction()
        .put(bench.users.put(&b))
        .put(bench.users.put(&a).if_not_exists())
        .delete(bench.orders.delete(("x", 1.0)))
        .check(bench.users.check("c").if_exists());
    transaction.send().await.unwrap_err()
}

#[tokio::test]
async fn a_failed_condition_stops_the_whole_transaction() {
    let bench = Bench::new().await;
    bench.users.put(&user("a")).send().await.unwrap();
    let error = refused(&bench).await;
    assert_eq!(bench.stored_ids().await, set(["a"]));
    let positions: Vec<_> = error.reasons().iter().map(|reason| reason.position()).collect();
    assert_eq!(positions, [1, 3]);
    assert!(error.reasons().iter().all(|reason| matches!(
        reason.error().kind(),
        ErrorKind::Write(WriteError::ConditionFailed)
    )));
    assert_eq!(error.reasons()[1].error().record().keys().collect::<Vec<_>>(), [("user_id", "c")]);
    assert_eq!(
        (error.fault(), error.is_retryable(), error.is_in_doubt()),
        (Fault::Caller, false, false)
    );
    assert_eq!(
        bench.faults.calls("TransactWriteItems"),
        1,
        "a condition does not come true by waiting"
    );
    let told = error.to_string();
    assert!(
        told.starts_with(
            "transact_write was cancelled by DynamoDB: action 1, users[user_id=a]: the condition"
        ),
        "{told}"
    );
    assert!(told.contains("; action 3, users[user_id=c]: the condition"), "{told}");
}

#[tokio::test]
async fn a_failed_condition_shows_no_value_of_the_stored_record() {
    let bench = Bench::new().await;
    let mut stored = user("a");
    stored.plan = "a readable value".into();
    bench.users.put(&stored).send().await.unwrap();
    let told = all_it_says(&refused(&bench).await);
    let (secret, readable) = (Secret::new(SECRET), Secret::new("a readable value"));
    assert_eq!((secret.found_in(&told), readable.found_in(&told)), (None, None), "{told}");
}

#[tokio::test]
async fn the_record_that_made_a_condition_fail_can_be_opened() {
    let bench = Bench::new().await;
    let mut stored = user("a");
    stored.logins = 7;
    bench.users.put(&stored).send().await.unwrap();
    let error = refused(&bench).await;
    let found = bench.users.open_returned(error.reasons()[0].error()).await.unwrap();
    assert_eq!(found, Some(stored));
    assert_eq!(bench.users.open_returned(error.reasons()[1].error()).await.unwrap(), None);
}

#[tokio::test]
async fn records_are_updated_in_place_among_other_writes() {
    let bench = Bench::new().await;
    bench.users.put(&user("a")).send().await.unwrap();
    let before = bench.stored().await.remove("a").unwrap();
    let first = order("a", 1.0);
    let transaction = || {
        let update = bench
            .users
            .update("a")
            .add(|user| user.logins, 1)
            .condition(|user| user.plan.eq("pro"));
        bench.transaction().update(update).put(bench.orders.put(&first))
    };
    // The token prevents that the second try adds again.
    bench.faults.fail_next("TransactWriteItems", Injected::LoseReply);
    transaction().send().await.unwrap();
    let after = bench.stored().await.remove("a").unwrap();
    assert_eq!(bench.users.get("a").send().await.unwrap().unwrap().logins, 4);
    assert_eq!(after["encrypted_payload"], before["encrypted_payload"]);
    assert_eq!(bench.orders.get(("a", 1.0)).send().await.unwrap(), Some(first.clone()));

    // An update never creates a record.
    let update = bench.users.update("b").set(|user| user.logins, 1);
    let error = bench
        .transaction()
        .update(update)
        .delete(bench.users.delete("a"))
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(error.reasons()[0].error().kind(), ErrorKind::Write(WriteError::NoRecord)),
        "{error}"
    );
    assert_eq!(bench.stored_ids().await, set(["a"]));
    let missed =
        bench.users.update("a").set(|user| user.logins, 1).condition(|user| user.logins.eq(9));
    let error = bench.transaction().update(missed).send().await.unwrap_err();
    assert!(
        matches!(error.reasons()[0].error().kind(), ErrorKind::Write(WriteError::ConditionFailed)),
        "{error}"
    );
    assert_eq!(
        bench.users.open_returned(error.reasons()[0].error()).await.unwrap().unwrap().logins,
        4
    );

    let nothing = bench.transaction().update(bench.users.update("a")).send().await.unwrap_err();
    assert_eq!(
        nothing.to_string(),
        "transact_write: users[user_id=a]: the update changes nothing; nothing was sent"
    );
    let protected =
        bench.users.update("a").customize(|update| update.update_expression("SET plan = logins"));
    let error = bench.transaction().update(protected).send().await.unwrap_err();
    assert_eq!(error.fault(), Fault::Caller);
    bench.assert_nothing_secret_was_sent();
}

#[tokio::test]
async fn a_conflict_is_retried_with_the_same_bytes() {
    let bench = Bench::with_kms().await;
    let users = users(3);
    for codes in [
        ["TransactionConflict", "None", "None"],
        ["ThrottlingError", "TransactionConflict", "None"],
    ] {
        bench.faults.fail_next("TransactWriteItems", cancelled(&codes));
    }
    let puts = users
        .iter()
        .fold(bench.transaction(), |transaction, user| transaction.put(bench.users.put(user)));
    puts.send().await.unwrap();
    let sent = bench.sent();
    assert_eq!((sent.len(), bench.faults.calls("GenerateDataKey")), (3, 3));
    assert!(sent.iter().all(|request| *request == sent[0]), "sealed once, named once");
    assert_eq!(bench.stored_ids().await, set(ids(&users)));
}

#[tokio::test]
async fn a_lasting_conflict_is_an_error_that_names_the_record() {
    let bench = Bench::new().await;
    bench.faults.fail_always("TransactWriteItems", cancelled(&["None", "TransactionConflict"]));
    let (a, b) = (user("a"), user("b"));
    let error = bench
        .transaction()
        .put(bench.users.put(&a))
        .put(bench.users.put(&b))
        .send()
        .await
        .unwrap_err();
    assert_eq!(bench.faults.calls("TransactWriteItems"), 10);
    assert_eq!(
        (error.fault(), error.is_retryable(), error.is_in_doubt()),
        (Fault::Operator, true, false)
    );
    let told = "transact_write was cancelled by DynamoDB 10 times: action 1, users[user_id=b]: TransactionConflict";
    assert_eq!(error.to_string(), told);

    // One permanent reason is enough.
    bench.faults.forget_calls();
    bench
        .faults
        .fail_always("TransactWriteItems", cancelled(&["ValidationError", "TransactionConflict"]));
    let error = bench
        .transaction()
        .put(bench.users.put(&a))
        .put(bench.users.put(&b))
        .send()
        .await
        .unwrap_err();
    assert_eq!((bench.faults.calls("TransactWriteItems"), error.fault()), (1, Fault::Caller));
}

#[tokio::test]
async fn a_lost_reply_does_not_cause_a_second_write() {
    let bench = Bench::new().await;
    bench.faults.fail_next("TransactWriteItems", Injected::LoseReply);
    let a = user("a");
    // Without the token the second try would fail its condition.
    bench.transaction().put(bench.users.put(&a).if_not_exists()).send().await.unwrap();
    assert_eq!(bench.faults.calls("TransactWriteItems"), 2);
    assert_eq!(bench.users.get("a").send().await.unwrap(), Some(a));
}

#[tokio::test]
async fn sending_a_prepared_transaction_again_tells_its_outcome() {
    let bench = Bench::with_kms().await;
    let (a, b) = (user("a"), user("b"));
    let prepared =
        bench.transaction().put(bench.users.put(&a).if_not_exists()).put(bench.users.put(&b));
    let prepared = prepared.prepare().await.unwrap();
    assert_eq!(
        (bench.faults.calls("GenerateDataKey"), bench.faults.calls("TransactWriteItems")),
        (2, 0)
    );
    assert_eq!(
        prepared.records().map(ToString::to_string).collect::<Vec<_>>(),
        ["users[user_id=a]", "users[user_id=b]"]
    );
    let printed = format!("{prepared:?}");
    assert!(
        printed.contains(prepared.client_token()) && !printed.contains("encrypted_payload"),
        "{printed}"
    );

    for _ in 0..3 {
        bench.faults.fail_next("TransactWriteItems", Injected::LoseReply);
    }
    let error = prepared.send().await.unwrap_err();
    assert_eq!(
        (error.is_in_doubt(), error.is_retryable(), error.fault()),
        (true, true, Fault::Operator)
    );
    assert!(
        error.to_string().ends_with("so the transaction may have been carried out all the same"),
        "{error}"
    );
    let stored = bench.stored().await;
    assert_eq!(stored.len(), 2);

    // Another writer changes a record; the transaction is not executed again.
    bench.users.delete("b").send().await.unwrap();
    prepared.send().await.unwrap();
    assert_eq!(bench.stored_ids().await, set(["a"]));
    assert_eq!(bench.stored().await["a"], stored["a"]);
    let sent = bench.sent();
    assert!(sent.iter().all(|request| *request == sent[0]));
}

#[tokio::test]
async fn a_refusal_without_a_lost_reply_leaves_no_doubt() {
    let bench = Bench::new().await;
    let a = user("a");
    let prepared = bench.transaction().put(bench.users.put(&a)).prepare().await.unwrap();
    bench.faults.fail_next("TransactWriteItems", Injected::error("AccessDeniedException"));
    let error = prepared.send().await.unwrap_err();
    assert!(!error.is_in_doubt(), "{error}");
    bench.faults.fail_next("TransactWriteItems", Injected::LoseReply);
    bench.faults.fail_next("TransactWriteItems", Injected::error("AccessDeniedException"));
    let error = prepared.send().await.unwrap_err();
    assert!(error.is_in_doubt(), "{error}");
    // A cancelled answer means that no earlier try was executed.
    bench.faults.fail_next("TransactWriteItems", Injected::Io);
    bench.faults.fail_next("TransactWriteItems", cancelled(&["ValidationError"]));
    let error = prepared.send().await.unwrap_err();
    assert!(!error.is_in_doubt(), "{error}");
    // An earlier try is still in progress, ten times.
    bench
        .faults
        .fail_always("TransactWriteItems", Injected::error("TransactionInProgressException"));
    let error = prepared.send().await.unwrap_err();
    assert!(error.is_in_doubt(), "{error}");
}

#[tokio::test]
async fn a_client_token_is_used_for_one_sealing_only() {
    let bench = Bench::new().await;
    let token = unique_name("t").chars().take(36).collect::<String>();
    let a = user("a");
    let put = || bench.transaction().put(bench.users.put(&a)).client_token(&token);
    put().send().await.unwrap();
    let error = put().send().await.unwrap_err();
    assert!(matches!(error.kind(), TransactionErrorKind::TokenReused), "{error}");
    assert_eq!(
        (error.fault(), error.is_retryable(), error.is_in_doubt()),
        (Fault::Caller, false, false)
    );
    assert!(error.to_string().contains("prepare it once, and send that again"), "{error}");
    let prepared = bench.transaction().put(bench.users.put(&a)).prepare().await.unwrap();
    prepared.send().await.unwrap();
    prepared.send().await.unwrap();
    assert_ne!(prepared.client_token(), token);
}

#[tokio::test]
async fn invalid_transactions_are_refused_before_they_are_sent() {
    let bench = Bench::new().await;
    let refused = async |transaction: Transaction<'_>| {
        let error = transaction.send().await.unwrap_err();
        assert_eq!((error.fault(), error.is_in_doubt()), (Fault::Caller, false), "{error}");
        error
    };
    let a = user("a");
    let twice = bench.transaction().put(bench.users.put(&a)).delete(bench.users.delete("a"));
    let told = refused(twice).await.to_string();
    assert_eq!(
        told,
        "transact_write: actions 0 and 1 are both on users[user_id=a], and DynamoDB takes one action on a record; nothing was sent"
    );
    // `1` and `1.0` are one number.
    let (one, also_one) = (order("a", 1.0), order("a", 0.5 + 0.5));
    refused(bench.transaction().put(bench.orders.put(&one)).put(bench.orders.put(&also_one))).await;

    let many = users(101);
    let too_many =
        many.iter().fold(bench.transaction(), |all, user| all.put(bench.users.put(user)));
    assert!(matches!(
        refused(too_many).await.kind(),
        TransactionErrorKind::TooManyActions { actions: 101 }
    ));

    let mut large = users(11);
    for user in &mut large {
        user.email = "x".repeat(390 * 1024);
    }
    let too_large =
        large.iter().fold(bench.transaction(), |all, user| all.put(bench.users.put(user)));
    let error = refused(too_large).await;
    assert!(
        matches!(error.kind(), TransactionErrorKind::TooLarge { bytes } if *bytes > 4 * 1024 * 1024),
        "{error}"
    );
    large[0].email = "x".repeat(400 * 1024);
    let told = refused(bench.transaction().put(bench.users.put(&large[0]))).await.to_string();
    assert!(told.starts_with("transact_write: users[user_id=u_0]: the sealed item is "), "{told}");

    let check = bench.users.check("a").if_exists();
    let named = check.customize(|check| check.condition_expression("email = :email"));
    let told = refused(bench.transaction().check(named)).await.to_string();
    assert!(told.contains("`customize` must not set `condition_expression`"), "{told}");
    let legacy = bench.users.put(&a).customize(|put| {
        let absent =
            aws_sdk_dynamodb::types::ExpectedAttributeValue::builder().exists(false).build();
        put.expected("user_id", absent)
    });
    let told = refused(bench.transaction().put(legacy)).await.to_string();
    assert!(told.contains("`customize` must not set `expected`"), "{told}");
    assert_eq!(bench.faults.all_requests().len(), 0);
}

#[tokio::test]
async fn no_action_is_no_request() {
    let bench = Bench::new().await;
    bench.transaction().send().await.unwrap();
    assert_eq!(bench.faults.all_requests().len(), 0);
}

#[tokio::test]
async fn a_hundred_actions_are_one_request_and_a_missing_key_is_an_error() {
    let bench = Bench::with_kms().await;
    let users = users(100);
    let all = || users.iter().fold(bench.transaction(), |all, user| all.put(bench.users.put(user)));
    bench.faults.fail_next("GenerateDataKey", Injected::error("AccessDeniedException"));
    let error = all().send().await.unwrap_err();
    let TransactionErrorKind::Record(record) = error.kind() else { panic!("{error}") };
    assert!(record.key_error().is_some());
    assert_eq!((error.fault(), bench.faults.calls("TransactWriteItems")), (Fault::Operator, 0));

    all().send().await.unwrap();
    assert_eq!(bench.faults.calls("TransactWriteItems"), 1);
    assert_eq!(bench.stored_ids().await, set(ids(&users)));
}

#[tokio::test]
async fn customized_settings_stay_and_all_conditions_apply() {
    let bench = Bench::new().await;
    bench.users.put(&user("a")).send().await.unwrap();
    let a = user("a");
    let put = bench
        .users
        .put(&a)
        .condition(|stored| stored.logins.eq(3))
        .condition(|stored| stored.logins.eq(9));
    let total = aws_sdk_dynamodb::types::ReturnConsumedCapacity::Total;
    let transaction = bench
        .transaction()
        .put(put)
        .customize(move |request| request.return_consumed_capacity(total.clone()));
    let error = transaction.send().await.unwrap_err();
    assert!(
        matches!(error.reasons()[0].error().kind(), ErrorKind::Write(WriteError::ConditionFailed)),
        "{error}"
    );
    assert_eq!(bench.sent()[0]["ReturnConsumedCapacity"], "TOTAL");
}

/// Many concurrent transactions on the same records: each is executed entirely or not at all.
#[tokio::test]
async fn concurrent_transactions_are_never_seen_in_part() {
    let bench = Bench::new().await;
    let (users, orders, client) = (&bench.users, &bench.orders, bench.users.client());
    let writers = (1..=20_u64).map(|n| async move {
        let (mut user, mut order) = (user("a"), order("a", 1.0));
        (user.logins, order.state) = (n, n.to_string());
        transact_write(client).put(users.put(&user)).put(orders.put(&order)).send().await.unwrap();
        let (user, order) = envelope_dynamo::transact_get((users.get("a"), orders.get(("a", 1.0))))
            .send()
            .await
            .unwrap();
        assert_eq!(user.unwrap().logins.to_string(), order.unwrap().state);
    });
    let mut all: Vec<_> = writers.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        all.retain_mut(|writer| writer.as_mut().poll(context).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn transactions_can_be_spawned() {
    let bench = Bench::new().await;
    let (users, client) = (bench.users.clone(), bench.users.client().clone());
    let task = tokio::spawn(async move {
        let a = user("a");
        transact_write(&client).put(users.put(&a)).send().await.unwrap();
        envelope_dynamo::transact_get((users.get("a"),)).send().await.unwrap()
    });
    assert_eq!(task.await.unwrap(), (Some(user("a")),));
}
