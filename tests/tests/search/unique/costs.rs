//! What a unique field costs: calls, actions of transactions, and so write units.

use envelope_dynamo::{to_item, to_item_with};
use envelope_tests::requests;

use super::*;

/// The actions of each transaction that was sent.
fn actions(bench: &Bench) -> Vec<usize> {
    let sent = requests(&bench.faults, "TransactWriteItems");
    sent.iter().map(|sent| sent["TransactItems"].as_array().unwrap().len()).collect()
}

fn reads(bench: &Bench) -> usize {
    bench.faults.calls("GetItem")
}

/// The rows of the table in `docs/guide/search.md`: one unique field, of which an action on a
/// record or a claim of up to 1 KB takes two write units.
#[tokio::test]
async fn calls_and_actions_are_as_the_guide_says() {
    let bench = Bench::new().await;
    let users = bench.users();
    let measured = || {
        let measured = (actions(&bench), reads(&bench));
        bench.faults.forget_calls();
        measured
    };
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    assert_eq!(measured(), (vec![2], 0), "a put: the record and the claim");

    users.put(&user("u_2", "zoe@example.com")).send().await.unwrap_err();
    assert_eq!(measured(), (vec![2], 2), "a taken value: the claim and its record are read");

    users.unique(|u| u.email).get("zoe@example.com").send().await.unwrap().unwrap();
    assert_eq!(measured(), (vec![], 2), "a get: the claim and its record");

    users.update("u_1").modify(|user| user.address = "x".into()).send().await.unwrap();
    assert_eq!(measured(), (vec![], 1), "a modify that keeps the value");

    let change = |user: &mut User| user.email = "ana@example.com".into();
    users.update("u_1").modify(change).send().await.unwrap();
    assert_eq!(measured(), (vec![2, 2], 1), "a modify that changes it: write, and release");

    users.put(&user("u_1", "max@example.com")).send().await.unwrap();
    assert_eq!(measured(), (vec![2, 2, 2], 0), "a put that changes it: it tries once more");

    users.delete("u_1").send().await.unwrap();
    assert_eq!(measured(), (vec![2], 0), "a delete, which is a request of its own: release");

    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    bench.expire("u_1").await;
    measured();
    users.put(&user("u_2", "zoe@example.com")).send().await.unwrap();
    assert_eq!(measured(), (vec![2, 3], 2), "a claim that was left behind is taken over");

    let rotating = LocalSearchKeys::new(search_key(2)).also_previous(search_key(1));
    let users = bench.with_keys(rotating.into());
    users.put(&user("u_3", "eva@example.com")).send().await.unwrap();
    assert_eq!(measured(), (vec![3], 0), "during a rotation there are two claims");
}

/// `to_item_with` computes the tag, and claims nothing.
#[tokio::test]
async fn to_item_makes_no_claim() {
    let bench = Bench::new().await;
    let zoe = user("u_1", "zoe@example.com");
    to_item(&zoe, &local_keys(7)).await.unwrap_err();
    let item = to_item_with(&zoe, &local_keys(7), &only(1)).await.unwrap();
    assert!(item.contains_key("blind_email"));
    bench.plant(&bench.name, item).await;
    assert_eq!(bench.owner_of("zoe@example.com").await, None);
    bench.users().put(&user("u_2", "zoe@example.com")).send().await.unwrap();
}
