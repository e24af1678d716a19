//! Puts of records with unique fields as actions of a transaction.

use envelope_dynamo::transact_write;
use envelope_dynamo::transaction::{TransactionError, TransactionErrorKind};

use super::*;

/// The unique field whose value is taken, and the position of the put.
fn reason(error: &TransactionError) -> Option<(usize, &'static str)> {
    let reason = error.reasons().first()?;
    Some((reason.position(), taken(reason.error())?))
}

#[tokio::test]
async fn a_transaction_claims_the_values_of_its_puts() {
    let bench = Bench::new().await;
    let (users, client) = (bench.users(), bench.servers.dynamodb_through(&bench.faults));
    let (zoe, ana) = (user("u_1", "zoe@example.com"), user("u_2", "ana@example.com"));
    let prepared = transact_write(&client).put(users.put(&zoe)).put(users.put(&ana));
    let prepared = prepared.prepare().await.unwrap();
    assert_eq!(prepared.records().len(), 2);
    prepared.send().await.unwrap();
    prepared.send().await.unwrap();
    assert_eq!(bench.owners().await, ["u_1", "u_2"]);
    assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some("u_1"));
}

#[tokio::test]
async fn a_value_in_use_stops_a_transaction() {
    let bench = Bench::new().await;
    let (users, client) = (bench.users(), bench.servers.dynamodb().clone());
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    let (max, other) = (user("u_2", "max@example.com"), user("u_3", "zoe@example.com"));
    let both = || transact_write(&client).put(users.put(&max)).put(users.put(&other));
    let error = both().send().await.unwrap_err();
    let TransactionErrorKind::Record(of_record) = error.kind() else { panic!("{error}") };
    assert_eq!(taken(of_record), Some("email"));
    assert_eq!(bench.records().await, 1);

    // The claim is left behind, and the transaction takes it over.
    bench.expire("u_1").await;
    let prepared = both().prepare().await.unwrap();
    // Somebody else is faster.
    users.put(&user("u_4", "zoe@example.com")).send().await.unwrap();
    let error = prepared.send().await.unwrap_err();
    assert_eq!(reason(&error), Some((1, "email")), "{error}");
    assert!(error.to_string().contains("u_3") && !error.to_string().contains("zoe@"), "{error}");
    bench.expire("u_4").await;
    both().send().await.unwrap();
    assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some("u_3"));
}

#[tokio::test]
async fn two_puts_of_one_value_are_refused() {
    let bench = Bench::new().await;
    let (users, client) = (bench.users(), bench.servers.dynamodb_through(&bench.faults));
    let (zoe, other) = (user("u_1", "zoe@example.com"), user("u_2", "ZOE@example.com"));
    let both = transact_write(&client).put(users.put(&zoe)).put(users.put(&other));
    let error = both.send().await.unwrap_err();
    let TransactionErrorKind::Record(of_record) = error.kind() else { panic!("{error}") };
    assert_eq!(taken(of_record), Some("email"));
    assert_eq!(bench.faults.calls("TransactWriteItems"), 0);
}

#[tokio::test]
async fn a_transaction_needs_a_table_of_claims() {
    let bench = Bench::new().await;
    let users = bench.bare::<User>().with_search_keys(only(1));
    let zoe = user("u_1", "zoe@example.com");
    let client = bench.servers.dynamodb_through(&bench.faults);
    let error = transact_write(&client).put(users.put(&zoe)).send().await.unwrap_err();
    assert!(error.to_string().contains("`Table::with_claims`"), "{error}");
    assert_eq!(bench.faults.all_requests().len(), 0);
}

/// A delete in a transaction deletes no claim: it does not count.
#[tokio::test]
async fn a_delete_in_a_transaction_frees_the_value() {
    let bench = Bench::new().await;
    let (users, client) = (bench.users(), bench.servers.dynamodb().clone());
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    transact_write(&client).delete(users.delete("u_1")).send().await.unwrap();
    users.put(&user("u_2", "zoe@example.com")).send().await.unwrap();
    assert_eq!(bench.owners().await, ["u_2"]);
}
