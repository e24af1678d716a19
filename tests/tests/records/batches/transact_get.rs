//! Several records, read at one moment.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use envelope_dynamo::error::DataError;
use envelope_dynamo::transaction::{TransactionError, TransactionErrorKind};
use envelope_dynamo::{ErrorKind, Fault, transact_get};
use envelope_examples::Fault as Injected;

use super::{Bench, cancelled, order, user, users};

#[tokio::test]
async fn records_of_several_types_are_read_together() {
    let bench = Bench::new().await;
    bench.users.put(&user("a")).send().await.unwrap();
    bench.orders.put(&order("a", 7.0)).send().await.unwrap();
    let (users, orders) = (&bench.users, &bench.orders);

    let found = transact_get((users.get("a"), orders.get(("a", 7.0)), users.get("b")))
        .send()
        .await
        .unwrap();
    assert_eq!(found, (Some(user("a")), Some(order("a", 7.0)), None));
    let (one,) = transact_get((orders.get(("a", 7.0)),)).send().await.unwrap();
    assert_eq!(one, Some(order("a", 7.0)));
    let get = |n: f64| orders.get(("a", n));
    let eight =
        (get(1.0), get(2.0), get(3.0), get(4.0), get(5.0), get(6.0), get(7.0), users.get("a"));
    let found = transact_get(eight).send().await.unwrap();
    assert_eq!((found.0, found.6, found.7), (None, Some(order("a", 7.0)), Some(user("a"))));
    assert_eq!((bench.faults.calls("TransactGetItems"), bench.faults.calls("GetItem")), (3, 0));
}

#[tokio::test]
async fn a_hundred_of_one_type_are_read_together_and_one_more_is_refused() {
    let bench = Bench::with_kms().await;
    let users = users(101);
    bench.users.batch_put(&users[..100]).send().await.unwrap();
    let gets = |count: usize| {
        users[..count].iter().map(|user| bench.users.get(&user.user_id)).collect::<Vec<_>>()
    };

    let found = transact_get(gets(100)).send().await.unwrap();
    assert!(found.into_iter().map(Option::unwrap).eq(users[..100].iter().cloned()));
    assert_eq!((bench.faults.calls("TransactGetItems"), bench.faults.calls("Decrypt")), (1, 100));
    let error = transact_get(gets(101)).send().await.unwrap_err();
    assert!(matches!(error.kind(), TransactionErrorKind::TooManyActions { actions: 101 }));
    let told = "transact_get: 101 actions, more than the 100 that DynamoDB takes at once; nothing was sent";
    assert_eq!(error.to_string(), told);
    assert_eq!(transact_get(gets(0)).send().await.unwrap(), []);
    assert_eq!(bench.faults.calls("TransactGetItems"), 1);
    bench.assert_nothing_secret_was_sent();
}

#[tokio::test]
async fn a_transaction_names_a_record_once_and_refuses_invalid_keys() {
    let bench = Bench::new().await;
    let orders = &bench.orders;
    let error =
        transact_get(vec![orders.get(("a", 1.0)), orders.get(("b", 1.0)), orders.get(("a", 1.0))])
            .send()
            .await;
    let error = error.unwrap_err();
    assert!(
        matches!(error.kind(), TransactionErrorKind::SameRecord { positions: [0, 2], .. }),
        "{error}"
    );
    assert_eq!(error.fault(), Fault::Caller);
    let error = transact_get((bench.users.get("a"), bench.users.get(""))).send().await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("transact_get: users: `user_id` is a key attribute, but empty"),
        "{error}"
    );
    assert_eq!(bench.faults.all_requests().len(), 0);
}

#[tokio::test]
async fn a_record_that_does_not_open_is_named() {
    let bench = Bench::new().await;
    bench.users.batch_put([user("a"), user("b")]).send().await.unwrap();
    let mut tampered = bench.stored().await.remove("b").unwrap();
    tampered.insert("plan".into(), AttributeValue::S("enterprise".into()));
    bench.put_raw(tampered).await;
    let error =
        transact_get((bench.users.get("a"), bench.users.get("b"))).send().await.unwrap_err();
    let TransactionErrorKind::Record(record) = error.kind() else { panic!("{error}") };
    assert!(matches!(record.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })));
    assert!(error.to_string().starts_with("transact_get: users[user_id=b]: "), "{error}");
    assert_eq!((error.fault(), error.is_retryable()), (Fault::Data, false));
}

async fn read(bench: &Bench) -> Result<(), TransactionError> {
    let both = transact_get((bench.users.get("a"), bench.orders.get(("a", 1.0)))).send().await?;
    assert_eq!(both, (Some(user("a")), None));
    Ok(())
}

#[tokio::test]
async fn a_conflict_is_retried() {
    let bench = Bench::new().await;
    bench.users.put(&user("a")).send().await.unwrap();
    for codes in [["TransactionConflict", "None"], ["None", "ThrottlingError"]] {
        bench.faults.fail_next("TransactGetItems", cancelled(&codes));
    }
    read(&bench).await.unwrap();
    assert_eq!(bench.faults.calls("TransactGetItems"), 3);

    bench.faults.fail_always("TransactGetItems", cancelled(&["None", "TransactionConflict"]));
    let error = read(&bench).await.unwrap_err();
    assert_eq!(bench.faults.calls("TransactGetItems"), 3 + 10);
    assert_eq!(
        (error.reasons().len(), error.reasons()[0].position(), error.is_retryable()),
        (1, 1, true)
    );
    let told = "transact_get was cancelled by DynamoDB 10 times: action 1, orders[customer=(withheld), number=(withheld)]: TransactionConflict";
    assert_eq!(error.to_string(), told);

    bench.faults.fail_always("TransactGetItems", Injected::error("AccessDeniedException"));
    let error = read(&bench).await.unwrap_err();
    let tables = format!("{}, {}", bench.orders.name(), bench.users.name());
    assert!(
        error
            .to_string()
            .starts_with(&format!("TransactGetItems on the table {tables} was refused")),
        "{error}"
    );
    assert_eq!((error.fault(), error.is_retryable()), (Fault::Operator, false));
}

#[tokio::test]
async fn what_the_caller_sets_stays() {
    let bench = Bench::new().await;
    let get = transact_get((bench.users.get("a"),));
    let got =
        get.customize(|request| request.return_consumed_capacity(ReturnConsumedCapacity::Total));
    assert_eq!(got.send().await.unwrap(), (None,));
    assert_eq!(bench.requests("TransactGetItems")[0]["ReturnConsumedCapacity"], "TOTAL");
}
