//! Claims whose record is gone, or has another value, without this library's doing.

use super::older::{Older, Searchable, older, searchable};
use super::*;

async fn with_zoe() -> (Bench, Table<User>) {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    (bench, users)
}

/// The claim of u_1 does not stop u_2.
async fn assert_taken_over(bench: &Bench) {
    assert_eq!(bench.owner_of("zoe@example.com").await, None);
    bench.users().put(&user("u_2", "zoe@example.com")).send().await.unwrap();
    assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some("u_2"));
    assert_eq!(bench.owners().await, ["u_2"]);
}

#[tokio::test]
async fn a_record_that_expired_leaves_its_value() {
    let (bench, _) = with_zoe().await;
    bench.expire("u_1").await;
    assert_eq!(bench.owners().await, ["u_1"]);
    assert_taken_over(&bench).await;
}

#[tokio::test]
async fn a_put_of_an_older_program_leaves_its_value() {
    let (bench, _) = with_zoe().await;
    bench.bare::<Older>().put(&older("u_1", "ana@example.com")).send().await.unwrap();
    assert_taken_over(&bench).await;
}

#[tokio::test]
async fn a_change_by_an_older_program_leaves_the_value() {
    let (bench, _) = with_zoe().await;
    let change = |older: &mut Older| older.email = "ana@example.com".into();
    bench.bare::<Older>().update("u_1").modify(change).send().await.unwrap();
    assert_taken_over(&bench).await;
}

#[tokio::test]
async fn a_change_by_a_program_without_claims_leaves_the_value() {
    let (bench, _) = with_zoe().await;
    let older = bench.bare::<Searchable>().with_search_keys(only(1));
    older.put(&searchable("u_1", "ana@example.com")).send().await.unwrap();
    assert_taken_over(&bench).await;
}

/// A value that an older program wrote is not claimed. The first program that knows claims and
/// moves the tag claims it, unless somebody else has it by then.
#[tokio::test]
async fn a_value_of_a_program_without_claims_is_claimed_when_the_record_is_put() {
    let bench = Bench::new().await;
    let older = bench.bare::<Searchable>().with_search_keys(only(1));
    older.put(&searchable("u_1", "zoe@example.com")).send().await.unwrap();
    assert_eq!(bench.owner_of("zoe@example.com").await, None);
    bench.users().put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    let error = bench.users().put(&user("u_2", "zoe@example.com")).send().await.unwrap_err();
    assert_eq!(taken(&error), Some("email"));
}

/// The record comes back between the look at it and the transaction.
#[tokio::test]
async fn a_record_that_comes_back_keeps_its_value() {
    let (bench, users) = with_zoe().await;
    let stored = bench.items(&bench.name).await.pop().unwrap();
    bench.expire("u_1").await;
    bench.faults.forget_calls();
    bench.faults.hold("GetItem");
    let other = bench.users();
    let sign_up =
        tokio::spawn(async move { other.put(&user("u_2", "zoe@example.com")).send().await });
    // The first transaction meets the claim. The second one, which takes it over, is held.
    called(&bench, "GetItem", 1).await;
    bench.faults.hold("TransactWriteItems");
    bench.faults.release("GetItem");
    called(&bench, "TransactWriteItems", 2).await;
    bench.plant(&bench.name, stored).await;
    bench.faults.release("TransactWriteItems");
    let error = sign_up.await.unwrap().unwrap_err();
    assert_eq!(taken(&error), Some("email"));
    drop(users);
    assert_eq!((bench.records().await, bench.owners().await), (1, vec!["u_1".to_owned()]));
}
