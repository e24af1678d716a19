//! What claims are decided by: consistent reads, every tag of a value, every value of a record.

use envelope_tests::requests;
use serde_json::Value;

use super::*;

fn both(id: &str, email: &str, phone: &str) -> User {
    User { phone: Some(phone.to_owned()), ..user(id, email) }
}

/// Keys of a process that writes under the second key of a rotation.
fn writing() -> SearchKeys {
    LocalSearchKeys::new(search_key(2)).also_previous(search_key(1)).into()
}

/// A put that takes a claim over: `meanwhile` is stored between its look and its transaction.
async fn overtaken(bench: &Bench, keys: SearchKeys, new: User, meanwhile: Item) -> Error {
    bench.faults.forget_calls();
    bench.faults.hold("GetItem");
    let users = bench.with_keys(keys);
    let sign_up = tokio::spawn(async move { users.put(&new).send().await });
    while bench.faults.calls("GetItem") < 1 {
        assert!(!sign_up.is_finished(), "the put did not meet a claim");
        tokio::task::yield_now().await;
    }
    bench.faults.hold("TransactWriteItems");
    bench.faults.release("GetItem");
    while bench.faults.calls("TransactWriteItems") < 2 {
        assert!(!sign_up.is_finished(), "the put did not take the claim over");
        tokio::task::yield_now().await;
    }
    bench.plant(&bench.name, meanwhile).await;
    bench.faults.release("TransactWriteItems");
    sign_up.await.unwrap().unwrap_err()
}

/// The servers of tests answer consistently in any case. So the requests are looked at.
#[tokio::test]
async fn claims_and_their_records_are_read_consistently() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    users.put(&user("u_2", "zoe@example.com")).send().await.unwrap_err();
    users.unique(|u| u.email).get("zoe@example.com").send().await.unwrap().unwrap();
    let reads = requests(&bench.faults, "GetItem");
    assert_eq!(reads.len(), 4, "the claim and the record, twice");
    for read in reads {
        assert_eq!(read["ConsistentRead"], Value::Bool(true), "{read}");
    }
}

/// The record comes back with its tag under either key of a rotation.
#[tokio::test]
async fn a_record_that_comes_back_under_either_key_keeps_its_value() {
    for keys in [only(1), only(2)] {
        let bench = Bench::new().await;
        bench.with_keys(keys).put(&user("u_1", "zoe@example.com")).send().await.unwrap();
        let stored = bench.items(&bench.name).await.pop().unwrap();
        bench.expire("u_1").await;
        let new = user("u_2", "zoe@example.com");
        let error = overtaken(&bench, writing(), new, stored).await;
        assert_eq!(taken(&error), Some("email"));
        assert_eq!((bench.records().await, bench.owners().await), (1, vec!["u_1".to_owned()]));
    }
}

/// Two values are taken over from one record, which comes back with one of them.
#[tokio::test]
async fn a_record_that_comes_back_with_one_of_two_values_keeps_it() {
    let cases = [
        (both("u_1", "other@example.com", "1234567"), "phone"),
        (both("u_1", "zoe@example.com", "7654321"), "email"),
    ];
    for (back, field) in cases {
        let bench = Bench::new().await;
        let users = bench.users();
        users.put(&back).send().await.unwrap();
        let stored = bench.items(&bench.name).await.pop().unwrap();
        users.put(&both("u_1", "zoe@example.com", "1234567")).send().await.unwrap();
        bench.expire("u_1").await;
        let new = both("u_2", "zoe@example.com", "1234567");
        let error = overtaken(&bench, only(1), new, stored).await;
        assert_eq!(taken(&error), Some(field));
        assert_eq!(bench.owners().await, ["u_1", "u_1"]);
    }
}

/// One value is the record's own already, and the other one was left behind.
#[tokio::test]
async fn a_record_keeps_one_value_and_takes_another_over() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    users.put(&both("u_2", "ana@example.com", "1234567")).send().await.unwrap();
    bench.expire("u_2").await;
    users.put(&both("u_1", "zoe@example.com", "1234567")).send().await.unwrap();
    assert_eq!(bench.owners().await, ["u_1", "u_1", "u_2"]);
}

/// The caller's condition failed, so that is what the caller learns.
#[tokio::test]
async fn a_condition_of_the_caller_is_reported_before_a_taken_value() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    users.put(&user("u_2", "ana@example.com")).send().await.unwrap();
    let again = users.put(&user("u_2", "zoe@example.com")).if_not_exists().send().await;
    let error = again.unwrap_err();
    assert!(error.is_condition_failure(), "{error}");
    assert_eq!(bench.owner_of("ana@example.com").await.as_deref(), Some("u_2"));
}

/// The answer shows a value that the record does not have any more when the put is tried again.
#[tokio::test]
async fn a_put_releases_the_value_that_it_replaced() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "ana@example.com")).send().await.unwrap();
    let ana =
        requests(&bench.faults, "TransactWriteItems")[0]["TransactItems"][0]["Put"]["Item"].clone();
    users.put(&user("u_1", "max@example.com")).send().await.unwrap();
    let stale = serde_json::json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": [
            { "Code": "ConditionalCheckFailed", "Message": "refused", "Item": ana },
            { "Code": "None" },
        ],
    });
    let stale = Injected::Reply { status: 400, body: stale.to_string() };
    bench.faults.fail_next("TransactWriteItems", stale);
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    assert_eq!(bench.owners().await, ["u_1"], "the claim of max is gone");
    assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some("u_1"));
}

/// A release comes after others have changed the claim or the record.
#[tokio::test]
async fn a_late_release_frees_nothing_that_is_in_use() {
    for next in ["u_1", "u_2"] {
        let bench = Bench::new().await;
        bench.users().put(&user("u_1", "zoe@example.com")).send().await.unwrap();
        bench.faults.forget_calls();
        bench.faults.hold("TransactWriteItems");
        let users = bench.users();
        let delete = tokio::spawn(async move { users.delete("u_1").send().await });
        called(&bench, "TransactWriteItems", 1).await;
        // Past the faults.
        let other = Table::<User, _>::new(bench.servers.dynamodb().clone(), local_keys(7))
            .named(bench.name.clone())
            .with_search_keys(only(1))
            .with_claims(bench.claims.clone());
        other.put(&user(next, "zoe@example.com")).send().await.unwrap();
        bench.faults.release("TransactWriteItems");
        delete.await.unwrap().unwrap();
        assert_eq!(bench.owners().await, [next]);
        assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some(next));
    }
}

/// A claim under one key leads nowhere. The claim under the other key is looked at all the same.
#[tokio::test]
async fn a_claim_without_a_record_does_not_hide_the_other_claim() {
    for [of_nobody, of_zoe] in [[1, 2], [2, 1]] {
        let bench = Bench::new().await;
        bench.with_keys(only(of_nobody)).put(&user("u_0", "zoe@example.com")).send().await.unwrap();
        bench.expire("u_0").await;
        bench.with_keys(only(of_zoe)).put(&user("u_1", "zoe@example.com")).send().await.unwrap();
        let users = bench.with_keys(writing());
        let found = users.unique(|u| u.email).get("zoe@example.com").send().await.unwrap();
        assert_eq!(found.map(|user| user.user_id).as_deref(), Some("u_1"), "{of_nobody}");
    }
}
