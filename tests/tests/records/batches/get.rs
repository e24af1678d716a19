//! Reading many records by their keys.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{DataError, ServiceError};
use envelope_dynamo::{Error, ErrorKind, Fault};
use envelope_examples::Fault as Injected;

use super::{Bench, order, user, users};

#[tokio::test]
async fn thousands_of_records_come_back_in_the_order_of_their_keys() {
    let bench = Bench::new().await;
    let users = users(2_345);
    assert_eq!(bench.users.batch_put(&users).send().await.unwrap(), 2_345);
    let wanted: Vec<_> = users.iter().rev().map(|user| user.user_id.clone()).collect();

    let found = bench.users.batch_get(&wanted).consistent_read().send().await.unwrap();
    assert!(found.into_iter().map(Option::unwrap).eq(users.into_iter().rev()));
    assert_eq!(bench.faults.calls("BatchGetItem"), 24);
    let requests = bench.requests("BatchGetItem");
    let asked = requests.iter().map(|request| &request["RequestItems"][bench.users.name()]);
    assert!(asked.clone().all(|table| table["ConsistentRead"] == true));
    assert_eq!(asked.map(|table| table["Keys"].as_array().unwrap().len()).max(), Some(100));
    bench.assert_nothing_secret_was_sent();
}

#[tokio::test]
async fn a_missing_record_is_none_and_no_keys_cause_no_request() {
    let bench = Bench::new().await;
    bench.users.put(&user("a")).send().await.unwrap();
    assert_eq!(
        bench.users.batch_get(["x", "a", "y"]).send().await.unwrap(),
        [None, Some(user("a")), None]
    );
    assert_eq!(bench.users.batch_get(Vec::<String>::new()).send().await.unwrap(), []);
    assert_eq!(bench.faults.calls("BatchGetItem"), 1);
}

/// DynamoDB refuses a request that names a key twice, `1` and `1.0` included.
#[tokio::test]
async fn a_key_that_is_named_several_times_is_asked_for_once_and_answered_each_time() {
    let bench = Bench::new().await;
    bench.users.put(&user("a")).send().await.unwrap();
    let found = bench.users.batch_get(["a", "b", "a", "b", "a"]).send().await.unwrap();
    assert_eq!(found, [Some(user("a")), None, Some(user("a")), None, Some(user("a"))]);

    bench.orders.put(&order("c", 1.0)).send().await.unwrap();
    let found = bench.orders.batch_get([("c", 1.0), ("c", 2.0), ("c", 1.0)]).send().await.unwrap();
    assert_eq!(found, [Some(order("c", 1.0)), None, Some(order("c", 1.0))]);
    let request = bench.requests("BatchGetItem").pop().unwrap();
    assert_eq!(request["RequestItems"][bench.orders.name()]["Keys"].as_array().unwrap().len(), 2);
}

/// Every result of a stream by its key.
async fn each(
    bench: &Bench,
    keys: &[&'static str],
) -> HashMap<&'static str, Result<Option<super::User>, Error>> {
    let mut stream = bench.users.batch_get(keys.iter().copied()).stream();
    let mut results = HashMap::new();
    while let Some((key, result)) = stream.next().await {
        assert!(results.insert(key, result).is_none(), "{key} came twice");
    }
    assert!(stream.next().await.is_none());
    results
}

#[tokio::test]
async fn one_bad_record_or_key_does_not_affect_the_others() {
    let bench = Bench::new().await;
    bench.users.batch_put(["a", "b", "c", "d"].map(user)).send().await.unwrap();
    let mut tampered = bench.stored().await.remove("b").unwrap();
    tampered.insert("plan".into(), AttributeValue::S("enterprise".into()));
    bench.put_raw(tampered).await;
    bench.put_raw([("user_id".to_owned(), AttributeValue::S("c".into()))].into()).await;

    let mut results = each(&bench, &["a", "b", "c", "", "d", "e"]).await;
    for there in ["a", "d"] {
        assert_eq!(results.remove(there).unwrap().unwrap(), Some(user(there)));
    }
    assert_eq!(results.remove("e").unwrap().unwrap(), None);
    let told = |results: &HashMap<_, Result<_, Error>>, key| {
        results[key].as_ref().unwrap_err().to_string()
    };
    assert!(told(&results, "b").starts_with("users[user_id=b]: "), "{}", told(&results, "b"));
    assert!(matches!(
        results["b"].as_ref().unwrap_err().kind(),
        ErrorKind::Data(DataError::NotAuthentic { .. })
    ));
    assert!(matches!(
        results["c"].as_ref().unwrap_err().kind(),
        ErrorKind::Data(DataError::NotSealed)
    ));
    assert!(told(&results, "").contains("is a key attribute, but empty"), "{}", told(&results, ""));

    let error = bench.users.batch_get(["a", "b"]).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
}

#[tokio::test]
async fn unprocessed_keys_are_requested_again() {
    let bench = Bench::new().await;
    let users = users(250);
    bench.users.batch_put(&users).send().await.unwrap();
    for processed in [0, 0, 1, 30, 0, 99, 0] {
        bench.faults.fail_next("BatchGetItem", Injected::Unprocessed { processed });
    }
    let found = bench.users.batch_get(users.iter().map(|user| &user.user_id)).send().await.unwrap();
    assert!(found.into_iter().map(Option::unwrap).eq(users));
    assert!(bench.faults.all_used());
}

/// The client is configured by hand, without a sleep. The clock advances only while a task sleeps.
#[tokio::test]
async fn retries_pause_even_if_the_client_has_no_sleep() {
    let bench = Bench::new().await;
    let keys = serde_json::json!([{ "user_id": { "S": "a" } }]);
    let body = serde_json::json!({ "UnprocessedKeys": { bench.users.name(): { "Keys": keys } } })
        .to_string();
    bench.faults.fail_always("BatchGetItem", Injected::Reply { status: 200, body });

    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let error = bench.users.batch_get(["a"]).send().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::DynamoDb(ServiceError::Unprocessed { tries: 10 })),
        "{error}"
    );
    assert!(start.elapsed() > Duration::ZERO);
}

#[tokio::test]
async fn keys_that_stay_unprocessed_are_errors() {
    let bench = Bench::new().await;
    bench.users.batch_put(["a", "b"].map(user)).send().await.unwrap();
    bench.faults.fail_next("BatchGetItem", Injected::Unprocessed { processed: 1 });
    bench.faults.fail_always("BatchGetItem", Injected::Unprocessed { processed: 0 });
    let results = each(&bench, &["a", "b"]).await;
    let (found, left): (Vec<_>, Vec<_>) = results.into_values().partition(Result::is_ok);
    assert_eq!(found.len(), 1);
    let error = left.into_iter().next().unwrap().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::DynamoDb(ServiceError::Unprocessed { tries: 10 })),
        "{error}"
    );
    assert_eq!((error.fault(), error.is_retryable()), (Fault::Operator, true));
    assert_eq!(bench.faults.calls("BatchGetItem"), 11);
    let told = error.to_string();
    let reason =
        ": DynamoDB left the record unprocessed 10 times in a row: has the table enough capacity?";
    assert!(told.starts_with("users[user_id=") && told.ends_with(reason), "{told}");
}

/// 42 records of 395 KB exceed the limit of one answer.
#[tokio::test]
async fn a_batch_larger_than_one_answer_takes_several() {
    let bench = Bench::new().await;
    let mut users = users(42);
    for user in &mut users {
        user.email = "x".repeat(395 * 1024);
    }
    assert_eq!(bench.users.batch_put(&users).send().await.unwrap(), 42);
    bench.faults.forget_calls();
    let found = bench
        .users
        .batch_get(users.iter().map(|user| &user.user_id))
        .consistent_read()
        .send()
        .await
        .unwrap();
    assert!(found.into_iter().map(Option::unwrap).eq(users));
    assert_eq!(bench.faults.calls("BatchGetItem"), 2);
}

#[tokio::test]
async fn a_failed_request_is_an_error_of_each_key_and_the_next_is_sent() {
    let bench = Bench::new().await;
    let users = users(150);
    bench.users.batch_put(&users).send().await.unwrap();
    bench.faults.fail_next("BatchGetItem", Injected::error("AccessDeniedException"));
    let mut stream = bench.users.batch_get(users.iter().map(|user| &user.user_id)).stream();
    let (mut found, mut refused) = (0, 0);
    while let Some((_, result)) = stream.next().await {
        match result {
            Ok(user) => found += usize::from(user.is_some()),
            Err(error) => {
                assert!(error.to_string().contains("BatchGetItem on the table"), "{error}");
                assert_eq!((error.fault(), error.is_retryable()), (Fault::Operator, false));
                refused += 1;
            }
        }
    }
    assert_eq!((found, refused), (50, 100));
}

/// A dropped call of `next` loses no key.
#[tokio::test]
async fn dropping_the_future_of_a_record_loses_nothing() {
    let bench = Bench::new().await;
    let users = users(120);
    bench.users.batch_put(&users).send().await.unwrap();
    let mut stream = bench.users.batch_get(users.iter().map(|user| &user.user_id)).stream();
    let mut found = 0;
    loop {
        bench.faults.hold("BatchGetItem");
        let given_up = tokio::select! {
            biased;
            next = stream.next() => Some(next),
            () = tokio::task::yield_now() => None,
        };
        bench.faults.release("BatchGetItem");
        match given_up {
            Some(None) => break,
            Some(Some((_, result))) => found += usize::from(result.unwrap().is_some()),
            None => match stream.next().await {
                Some((_, result)) => found += usize::from(result.unwrap().is_some()),
                None => break,
            },
        }
    }
    assert_eq!((found, bench.faults.calls("BatchGetItem")), (120, 2), "nothing is asked for twice");
}

#[tokio::test]
async fn keys_are_taken_as_they_are_needed() {
    let bench = Bench::new().await;
    bench.users.put(&user("u_0")).send().await.unwrap();
    let taken = AtomicU64::new(0);
    let keys = (0_u64..).map(|n| {
        taken.store(n + 1, Ordering::SeqCst);
        format!("u_{n}")
    });
    let mut stream = bench.users.batch_get(keys).stream();
    for _ in 0..101 {
        stream.next().await.unwrap().1.unwrap();
    }
    assert_eq!(taken.load(Ordering::SeqCst), 200);
}

/// Memory stays bounded, however often a key is repeated.
#[tokio::test]
async fn an_endless_input_of_one_key_is_answered() {
    let bench = Bench::new().await;
    bench.users.put(&user("a")).send().await.unwrap();
    let mut stream = bench.users.batch_get(std::iter::repeat("a")).stream();
    for _ in 0..250 {
        assert_eq!(stream.next().await.unwrap().1.unwrap(), Some(user("a")));
    }
    assert_eq!(bench.faults.calls("BatchGetItem"), 3);
}

#[tokio::test]
async fn the_records_are_a_stream_for_those_who_want_one() {
    async fn count<S: futures_core::Stream + Unpin>(mut stream: S) -> usize {
        let mut count = 0;
        while std::future::poll_fn(|context| std::pin::Pin::new(&mut stream).poll_next(context))
            .await
            .is_some()
        {
            count += 1;
        }
        count
    }
    let bench = Bench::new().await;
    assert_eq!(
        count(bench.users.batch_get((0..130).map(|n| format!("u_{n}"))).stream()).await,
        130
    );
}
