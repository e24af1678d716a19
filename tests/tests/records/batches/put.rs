//! Writing and deleting many records.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::batch::BatchError;
use envelope_dynamo::error::{ServiceError, UsageError};
use envelope_dynamo::{
    ErrorKind, Fault, KmsKeyProvider, KmsKeyWrapper, Table, transact_get, transact_write,
};
use envelope_examples::Fault as Injected;
use envelope_tests::{Secret, all_it_says};

use super::{Bench, SECRET, User, ids, order, set, user, users};

/// The positions that failed, and whether each is in doubt.
fn failed(error: &BatchError) -> Vec<(usize, bool)> {
    error
        .failures()
        .iter()
        .map(|failure| (failure.position(), failure.error().is_in_doubt()))
        .collect()
}

/// The payloads that were sent for each key.
fn payloads(bench: &Bench) -> HashMap<String, Vec<String>> {
    let mut payloads = HashMap::<_, Vec<_>>::new();
    for request in bench.requests("BatchWriteItem") {
        for write in request["RequestItems"][bench.users.name()].as_array().unwrap() {
            let item = &write["PutRequest"]["Item"];
            let text = |name: &str, kind: &str| item[name][kind].as_str().unwrap().to_owned();
            let sealed = text("encrypted_payload", "B") + &text("encrypted_dek", "B");
            payloads.entry(text("user_id", "S")).or_default().push(sealed);
        }
    }
    payloads
}

#[track_caller]
fn assert_each_was_sealed_once(bench: &Bench) {
    for (key, mut sealed) in payloads(bench) {
        sealed.dedup();
        assert_eq!(sealed.len(), 1, "{key} was sealed anew");
    }
}

#[tokio::test]
async fn an_iterator_of_thousands_is_stored_in_requests_of_twenty_five() {
    let bench = Bench::new().await;
    let records = (0..3_010).map(|n| user(format!("u_{n}")));
    assert_eq!(bench.users.batch_put(records).send().await.unwrap(), 3_010);
    assert_eq!(bench.faults.calls("BatchWriteItem"), 121);
    assert_eq!(bench.stored_ids().await, set(ids(&users(3_010))));
    bench.assert_nothing_secret_was_sent();

    let last = bench.users.get("u_3009").send().await.unwrap();
    assert_eq!(last, Some(user("u_3009")));
    let deleted =
        bench.users.batch_delete((10..3_010).map(|n| format!("u_{n}"))).send().await.unwrap();
    assert_eq!(deleted, 3_000);
    assert_eq!(bench.stored_ids().await, set(ids(&users(10))));
}

/// Records are taken from the iterator as earlier requests finish.
#[tokio::test]
async fn no_more_than_one_request_is_held_in_memory() {
    let bench = Bench::new().await;
    let faults = bench.faults.clone();
    let records = (0..1_000).map(|n| {
        assert_eq!(faults.calls("BatchWriteItem"), n / 25, "record {n} is taken too early");
        user(format!("u_{n}"))
    });
    assert_eq!(bench.users.batch_put(records).send().await.unwrap(), 1_000);
}

#[tokio::test]
async fn nothing_is_nothing() {
    let bench = Bench::new().await;
    assert_eq!(bench.users.batch_put(&[]).send().await.unwrap(), 0);
    assert_eq!(bench.users.batch_delete(Vec::<&str>::new()).send().await.unwrap(), 0);
    assert_eq!(bench.faults.all_requests().len(), 0);
}

/// DynamoDB refuses a request that writes a record twice.
#[tokio::test]
async fn the_last_of_several_records_with_one_key_is_stored() {
    let bench = Bench::new().await;
    let records = ["a", "b", "a", "c", "a"].into_iter().zip(1..).map(|(id, logins)| {
        let mut user = user(id);
        user.logins = logins;
        user
    });
    assert_eq!(bench.users.batch_put(records).send().await.unwrap(), 5);
    assert_eq!(bench.faults.calls("BatchWriteItem"), 3, "a and b, a and c, a");
    let stored = bench.users.batch_get(["a", "b", "c"]).send().await.unwrap();
    assert_eq!(stored.into_iter().map(|user| user.unwrap().logins).collect::<Vec<_>>(), [5, 2, 4]);

    assert_eq!(
        bench
            .orders
            .batch_put([order("c", 1.0), order("c", 1.0), order("c", 2.5)])
            .send()
            .await
            .unwrap(),
        3
    );
    assert_eq!(
        bench.orders.batch_delete([("c", 1.0), ("c", 2.5), ("c", 1.0)]).send().await.unwrap(),
        3
    );
    assert_eq!(
        bench.orders.batch_get([("c", 1.0), ("c", 2.5)]).send().await.unwrap(),
        [None, None]
    );
}

#[tokio::test]
async fn unprocessed_writes_are_sent_again_as_sealed() {
    let bench = Bench::with_kms().await;
    let users = users(60);
    for processed in [0, 7, 0, 0, 24, 1, 0] {
        bench.faults.fail_next("BatchWriteItem", Injected::Unprocessed { processed });
    }
    assert_eq!(bench.users.batch_put(&users).send().await.unwrap(), 60);
    assert!(bench.faults.all_used());
    assert_each_was_sealed_once(&bench);
    assert_eq!(bench.faults.calls("GenerateDataKey"), 60);
    let found = bench.users.batch_get(ids(&users)).consistent_read().send().await.unwrap();
    assert!(found.into_iter().map(Option::unwrap).eq(users));
}

#[tokio::test]
async fn writes_that_stay_unprocessed_are_named() {
    let bench = Bench::new().await;
    let users = users(100);
    // The first request succeeds in part, so the second is sent; it fails entirely.
    bench.faults.fail_next("BatchWriteItem", Injected::Unprocessed { processed: 20 });
    bench.faults.fail_always("BatchWriteItem", Injected::Unprocessed { processed: 0 });
    let mut records = users.iter();
    let error = bench.users.batch_put(records.by_ref()).send().await.unwrap_err();
    assert_eq!((error.done(), error.taken(), error.stopped()), (20, 50, true));
    assert_eq!(failed(&error), (20..50).map(|position| (position, false)).collect::<Vec<_>>());
    assert!(matches!(
        error.failures()[0].error().kind(),
        ErrorKind::DynamoDb(ServiceError::Unprocessed { tries: 10 })
    ));
    assert_eq!((error.fault(), error.is_retryable()), (Fault::Operator, true));
    assert_eq!(bench.faults.calls("BatchWriteItem"), 11 + 10);
    assert_each_was_sealed_once(&bench);
    assert_eq!(bench.stored_ids().await, set(ids(&users[..20])));
    assert_eq!(
        error.to_string().split("; input 21").next().unwrap(),
        "batch_put on users: of 50 records 20 were done and 30 failed; it stopped there; input 20, users[user_id=u_20]: \
         DynamoDB left the record unprocessed 10 times in a row: has the table enough capacity?"
    );
    assert!(error.to_string().ends_with("; and 25 more"), "{error}");

    // The failures are known, and the following records were not taken.
    bench.faults.recover("BatchWriteItem");
    let again: Vec<_> = error.failures().iter().map(|failure| &users[failure.position()]).collect();
    assert_eq!(bench.users.batch_put(again.into_iter().chain(records)).send().await.unwrap(), 80);
    assert_eq!(bench.stored_ids().await, set(ids(&users)));
}

#[tokio::test]
async fn a_record_that_cannot_be_sent_fails_alone_and_early() {
    let bench = Bench::new().await;
    let mut users = users(30);
    users[3].email = "x".repeat(400 * 1024);
    users[27].user_id = String::new();
    let error = bench.users.batch_put(&users).send().await.unwrap_err();
    assert_eq!(failed(&error), [(3, false), (27, false)]);
    assert_eq!((error.done(), error.taken(), error.stopped()), (28, 30, false));
    assert!(
        matches!(error.failures()[0].error().kind(), ErrorKind::Usage(UsageError::TooLarge { bytes }) if *bytes > 400 * 1024)
    );
    assert_eq!((error.fault(), error.is_retryable()), (Fault::Caller, false));
    assert_eq!(payloads(&bench).len(), 28);
    let told = error.to_string();
    assert!(told.contains("input 3, users[user_id=u_3]: the sealed item is "), "{told}");

    let error = bench.users.batch_delete(["u_1", "", "u_2"]).send().await.unwrap_err();
    assert_eq!((failed(&error), error.done()), (vec![(1, false)], 2));
    assert_eq!(bench.stored().await.len(), 26);
}

/// DynamoDB limits the size of a record as stored, and of a request as sent: in base64, with
/// control characters escaped.
#[tokio::test]
async fn a_request_stays_within_sixteen_megabytes_on_the_wire() {
    let bench = Bench::new().await;
    let mut users = users(25);
    for user in &mut users {
        user.plan = "\u{1}".repeat(390 * 1024);
    }
    assert_eq!(bench.users.batch_put(&users).send().await.unwrap(), 25);
    let requests = bench.faults.requests("BatchWriteItem");
    assert!(requests.len() > 1 && requests.iter().all(|request| request.len() < 16_000_000));
}

/// All replies are lost: the records may be stored, and here they are.
#[tokio::test]
async fn a_connection_that_is_cut_leaves_records_that_may_have_been_written() {
    let bench = Bench::new().await;
    let users = users(75);
    // The first request succeeds; the replies to the second are lost.
    bench.faults.fail_next("BatchWriteItem", Injected::Unprocessed { processed: 25 });
    for _ in 0..3 {
        bench.faults.fail_next("BatchWriteItem", Injected::LoseReply);
    }
    let mut records = users.iter();
    let error = bench.users.batch_put(records.by_ref()).send().await.unwrap_err();
    assert_eq!((error.done(), error.taken(), error.stopped(), records.len()), (25, 50, true, 25));
    assert_eq!(failed(&error), (25..50).map(|position| (position, true)).collect::<Vec<_>>());
    assert_eq!((error.fault(), error.is_retryable()), (Fault::Operator, true));
    assert_each_was_sealed_once(&bench);
    assert_eq!(bench.faults.calls("BatchWriteItem"), 1 + 3);
    assert_eq!(bench.stored_ids().await, set(ids(&users[..50])));
    let told = error.to_string();
    assert!(told.contains("25 failed, 25 of which may have been done all the same"), "{told}");
}

/// The SDK reports only its last try; an earlier one may have written.
#[tokio::test]
async fn a_refusal_after_a_lost_reply_is_not_taken_for_an_answer() {
    let bench = Bench::new().await;
    bench.faults.fail_next("BatchWriteItem", Injected::LoseReply);
    bench.faults.fail_next("BatchWriteItem", Injected::error("AccessDeniedException"));
    let error = bench.users.batch_put([user("a")]).send().await.unwrap_err();
    assert_eq!(failed(&error), [(0, true)]);
    assert!(bench.stored().await.contains_key("a"));

    bench.faults.fail_next("BatchWriteItem", Injected::error("AccessDeniedException"));
    let error = bench.users.batch_put([user("b")]).send().await.unwrap_err();
    assert_eq!(failed(&error), [(0, false)]);

    // Throttled three times: nothing can have been written.
    bench
        .faults
        .fail_always("BatchWriteItem", Injected::error("ProvisionedThroughputExceededException"));
    let error = bench.users.batch_put([user("b")]).send().await.unwrap_err();
    assert_eq!((failed(&error), error.is_retryable()), (vec![(0, false)], true));
    // An internal error of DynamoDB says nothing about the write.
    bench.faults.fail_always("BatchWriteItem", Injected::Reply { status: 500, body: "{}".into() });
    let error = bench.users.batch_delete(["b"]).send().await.unwrap_err();
    assert_eq!((failed(&error), error.is_retryable()), (vec![(0, true)], true));
    assert!(
        error
            .to_string()
            .starts_with("batch_delete on users: of 1 records 0 were done and 1 failed"),
        "{error}"
    );
}

#[tokio::test]
async fn a_lost_reply_before_an_answer_is_no_failure() {
    let bench = Bench::with_kms().await;
    bench.faults.fail_next("BatchWriteItem", Injected::LoseReply);
    assert_eq!(bench.users.batch_put(users(25)).send().await.unwrap(), 25);
    assert_eq!(
        (bench.faults.calls("BatchWriteItem"), bench.faults.calls("GenerateDataKey")),
        (2, 25)
    );
    assert_each_was_sealed_once(&bench);
}

/// DynamoDB refuses a whole request for one bad write, such as an index key of the wrong type.
#[tokio::test]
async fn one_record_that_dynamodb_refuses_does_not_take_the_others_with_it() {
    let bench = Bench::new().await;
    let body =
        r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"Type mismatch"}"#
            .to_owned();
    // The request, and then the third of the single writes.
    let refused = Injected::Reply { status: 400, body };
    bench.faults.fail_next("BatchWriteItem", refused.clone());
    for _ in 0..2 {
        bench.faults.fail_next("BatchWriteItem", Injected::Unprocessed { processed: 1 });
    }
    bench.faults.fail_next("BatchWriteItem", refused.clone());
    let error = bench.users.batch_put(users(30)).send().await.unwrap_err();
    assert_eq!((failed(&error), error.done(), error.stopped()), (vec![(2, false)], 29, false));
    assert_eq!(error.fault(), Fault::Caller);
    assert_each_was_sealed_once(&bench);

    // If every write is refused, the remaining ones are not tried.
    bench.faults.fail_always("BatchWriteItem", refused);
    let error = bench.users.batch_put(users(60)).send().await.unwrap_err();
    assert_eq!((error.failures().len(), error.taken(), error.stopped()), (25, 25, true));
}

#[tokio::test]
async fn a_batch_stops_if_no_data_key_is_available() {
    let bench = Bench::with_kms().await;
    bench.faults.fail_always("GenerateDataKey", Injected::error("AccessDeniedException"));
    let error = bench.users.batch_put(users(1_000)).send().await.unwrap_err();
    assert_eq!(
        (error.done(), error.taken(), error.failures().len(), error.stopped()),
        (0, 25, 25, true)
    );
    assert_eq!(
        (error.fault(), error.failures()[0].error().key_error().is_some()),
        (Fault::Operator, true)
    );
    assert_eq!(bench.faults.calls("BatchWriteItem"), 0);

    // A failed record does not affect the others.
    bench.faults.recover("GenerateDataKey");
    bench.faults.fail_next("GenerateDataKey", Injected::error("AccessDeniedException"));
    let error = bench.users.batch_put(users(60)).send().await.unwrap_err();
    assert_eq!(
        (error.done(), error.taken(), error.failures().len(), error.stopped()),
        (59, 60, 1, false)
    );
}

#[tokio::test]
async fn data_key_requests_are_bounded() {
    let bench = Bench::with_kms().await;
    bench.faults.hold("GenerateDataKey");
    let records = users(25);
    let watch = async {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bench.faults.calls("GenerateDataKey"), 4);
        bench.faults.release("GenerateDataKey");
    };
    let (stored, ()) = tokio::join!(bench.users.batch_put(&records).concurrency(4).send(), watch);
    assert_eq!(stored.unwrap(), 25);
}

#[tokio::test]
async fn an_error_tells_no_value() {
    let bench = Bench::new().await;
    let (secret, readable) = (Secret::new(SECRET), Secret::new("a readable value"));
    let mut user = user("a");
    user.plan = "a readable value".into();
    for fault in [
        Injected::Unprocessed { processed: 0 },
        Injected::Io,
        Injected::error("ValidationException"),
    ] {
        bench.faults.fail_always("BatchWriteItem", fault);
        let told = all_it_says(&bench.users.batch_put([&user]).send().await.unwrap_err());
        assert_eq!((secret.found_in(&told), readable.found_in(&told)), (None, None), "{told}");
    }
}

#[tokio::test]
async fn customized_settings_stay_and_added_items_are_refused() {
    let bench = Bench::new().await;
    let other = aws_sdk_dynamodb::types::PutRequest::builder()
        .item("user_id", AttributeValue::S("x".into()));
    let other = aws_sdk_dynamodb::types::WriteRequest::builder()
        .put_request(other.build().unwrap())
        .build();
    let put = bench.users.batch_put([user("a")]);
    let error = put
        .customize(|request| request.request_items("elsewhere", vec![other.clone()]))
        .send()
        .await
        .unwrap_err();
    assert!(matches!(
        error.failures()[0].error().kind(),
        ErrorKind::Usage(UsageError::Customized { setting: "request_items", .. })
    ));
    assert_eq!(bench.requests("BatchWriteItem").len(), 0);
    let put = bench.users.batch_put([user("a")]).customize(|request| {
        request.return_consumed_capacity(aws_sdk_dynamodb::types::ReturnConsumedCapacity::Total)
    });
    assert_eq!(put.send().await.unwrap(), 1);
    let request = bench.requests("BatchWriteItem").remove(0);
    assert_eq!(request["ReturnConsumedCapacity"], "TOTAL");
    assert_eq!(
        request["RequestItems"].as_object().unwrap().keys().collect::<Vec<_>>(),
        [bench.users.name()]
    );
}

#[tokio::test]
async fn a_handle_with_one_right_uses_it_in_batches() {
    let bench = Bench::new().await;
    let kms = || KmsKeyProvider::new(bench.servers.kms().clone(), bench.servers.kms_key_id());
    let writing = KmsKeyWrapper::new(bench.servers.kms().clone(), bench.servers.kms_key_id());
    let writing = Table::<User, _>::write_only(bench.servers.dynamodb().clone(), writing)
        .named(bench.users.name());
    let reading = Table::<User, _>::read_only(bench.servers.dynamodb().clone(), kms())
        .named(bench.users.name());
    assert_eq!(writing.batch_put([user("a"), user("b")]).send().await.unwrap(), 2);
    assert_eq!(
        reading.batch_get(["a", "b"]).send().await.unwrap(),
        [Some(user("a")), Some(user("b"))]
    );
    assert_eq!(reading.batch_delete(["a"]).send().await.unwrap(), 1);
    let c = user("c");
    transact_write(writing.client())
        .put(writing.put(&c))
        .delete(writing.delete("b"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        transact_get((reading.get("b"), reading.get("c"))).send().await.unwrap(),
        (None, Some(c))
    );
}

#[tokio::test]
async fn batches_can_be_spawned() {
    let bench = Bench::new().await;
    let table = bench.users.clone();
    let task = tokio::spawn(async move {
        table.batch_put((0..30).map(|n| user(format!("u_{n}")))).send().await.unwrap();
        let found = table.batch_get((0..30).map(|n| format!("u_{n}"))).send().await.unwrap();
        table.batch_delete(vec!["u_1"]).send().await.unwrap();
        found.len()
    });
    assert_eq!(task.await.unwrap(), 30);
}
