//! Somebody who can write the table of claims, or of records, but has no data key.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::DataError;
use envelope_dynamo::item::PlaintextItems;
use envelope_tests::{bytes_of, number, with};

use super::*;

fn claim(tag: &AttributeValue, owner: AttributeValue) -> Item {
    Item::from([("claim".to_owned(), tag.clone()), ("owner".to_owned(), owner)])
}

fn owner(id: &str) -> AttributeValue {
    AttributeValue::M(HashMap::from([("user_id".to_owned(), text(id))]))
}

/// Zoe and Ana, and their stored items.
async fn two() -> (Bench, Table<User>, [Item; 2]) {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_ana", "ana@example.com")).send().await.unwrap();
    users.put(&user("u_zoe", "zoe@example.com")).send().await.unwrap();
    let mut items = bench.items(&bench.name).await;
    items.sort_by_key(|item| item["user_id"].as_s().unwrap().clone());
    let items = items.try_into().unwrap();
    (bench, users, items)
}

#[tokio::test]
async fn nobody_logs_in_as_somebody_else_by_a_forged_claim() {
    let (bench, _, [ana, _]) = two().await;
    bench.plant(&bench.claims, claim(&ana["blind_email"], owner("u_zoe"))).await;
    assert_eq!(bench.owner_of("ana@example.com").await, None);
    assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some("u_zoe"));
    // The forged claim does not stop Ana, who has the value, nor does it name her.
    bench.users().put(&user("u_ana", "ana@example.com")).send().await.unwrap();
    assert_eq!(bench.owner_of("ana@example.com").await.as_deref(), Some("u_ana"));
}

/// A copied tag makes a record somebody else's in no way: it does not open.
#[tokio::test]
async fn nobody_logs_in_as_somebody_else_by_a_copied_tag() {
    let (bench, users, [ana, zoe]) = two().await;
    let forged = with(&zoe, "blind_email", ana["blind_email"].clone());
    bench.plant(&bench.name, forged).await;
    bench.plant(&bench.claims, claim(&ana["blind_email"], owner("u_zoe"))).await;
    let got = users.unique(|u| u.email).get("ana@example.com").send().await;
    assert!(got.is_err(), "the record that the claim names is not authentic");
    let error = users.put(&user("u_new", "ana@example.com")).send().await.unwrap_err();
    assert_eq!(taken(&error), Some("email"), "the claim squats: two tables were forged");
}

/// Without its claim, a value is free. Both records have it; who has the claim is found.
#[tokio::test]
async fn a_deleted_claim_frees_a_value_and_shows_no_other_record() {
    let (bench, users, [ana, _]) = two().await;
    let delete = bench.servers.dynamodb().delete_item().table_name(&bench.claims);
    delete.key("claim", ana["blind_email"].clone()).send().await.unwrap();
    assert_eq!(bench.owner_of("ana@example.com").await, None);
    users.put(&user("u_new", "ana@example.com")).send().await.unwrap();
    assert_eq!(bench.owner_of("ana@example.com").await.as_deref(), Some("u_new"));
    // The change of the first record claims nothing that it has already.
    users.update("u_ana").modify(|user| user.address = "x".into()).send().await.unwrap();
    let error = users.put(&user("u_ana", "ana@example.com")).send().await.unwrap_err();
    assert_eq!(taken(&error), Some("email"));
}

#[tokio::test]
async fn a_claim_that_names_no_key_is_an_error_and_does_no_harm() {
    let (bench, users, [ana, _]) = two().await;
    let of = |entries: [(&str, AttributeValue); 2]| {
        let entries = entries.map(|(name, value)| (name.to_owned(), value));
        AttributeValue::M(HashMap::from(entries))
    };
    let odd = [
        text("u_zoe"),
        AttributeValue::M(HashMap::new()),
        AttributeValue::M(HashMap::from([("user_id".to_owned(), text(""))])),
        AttributeValue::M(HashMap::from([("user_id".to_owned(), AttributeValue::Null(true))])),
        AttributeValue::M(HashMap::from([("other".to_owned(), text("u_zoe"))])),
        of([("user_id", text("u_zoe")), ("other", number(1))]),
    ];
    for owner in odd {
        bench.plant(&bench.claims, claim(&ana["blind_email"], owner.clone())).await;
        let get = users.unique(|u| u.email).get("ana@example.com").send().await;
        let put = users.put(&user("u_new", "ana@example.com")).send().await;
        for error in [get.map(drop).unwrap_err(), put.unwrap_err()] {
            assert!(
                matches!(error.kind(), ErrorKind::Data(DataError::Malformed(_))),
                "{owner:?}: {error}"
            );
            assert!(error.to_string().contains("a claim names no primary key"), "{error}");
        }
    }
    assert_eq!(bench.records().await, 2);
}

/// A key of a type that the table does not have is refused by DynamoDB, and named.
#[tokio::test]
async fn a_claim_of_a_key_of_another_type_is_an_error() {
    let (bench, users, [ana, _]) = two().await;
    let numbered = AttributeValue::M(HashMap::from([("user_id".to_owned(), number(7))]));
    bench.plant(&bench.claims, claim(&ana["blind_email"], numbered)).await;
    users.unique(|u| u.email).get("ana@example.com").send().await.unwrap_err();
    users.put(&user("u_new", "ana@example.com")).send().await.unwrap_err();
    assert_eq!(bench.records().await, 2);
}

/// Whoever reads the claims learns which record has a value, and nothing of the value.
#[tokio::test]
async fn a_claim_is_a_tag_and_a_key() {
    let (bench, _, [ana, _]) = two().await;
    let claims = bench.items(&bench.claims).await;
    let of_ana = claims.iter().find(|claim| claim["owner"] == owner("u_ana")).unwrap();
    assert_eq!(of_ana.len(), 2);
    assert_eq!(bytes_of(of_ana, "claim"), bytes_of(&ana, "blind_email"));
}

/// The claim of the old value is gone. So it is not found, and it stops nobody.
#[tokio::test]
async fn an_old_version_that_is_put_back_is_not_found() {
    let (bench, users, [ana, _]) = two().await;
    let change = |user: &mut User| user.email = "new@example.com".into();
    users.update("u_ana").modify(change).send().await.unwrap();
    bench.plant(&bench.name, ana).await;
    assert_eq!(bench.owner_of("ana@example.com").await, None);
    assert_eq!(bench.owner_of("new@example.com").await, None);
    users.put(&user("u_new", "ana@example.com")).send().await.unwrap();
    assert_eq!(bench.owner_of("ana@example.com").await.as_deref(), Some("u_new"));
}

/// A plain item has nothing authentic, in whatever state the table reads plain items.
#[tokio::test]
async fn nobody_logs_in_as_a_plain_item() {
    let (bench, users, [ana, _]) = two().await;
    let plain = Item::from([
        ("user_id".to_owned(), text("u_mallory")),
        ("email".to_owned(), text("ana@example.com")),
        ("address".to_owned(), text("x")),
        ("logins".to_owned(), number(1)),
        ("blind_email".to_owned(), ana["blind_email"].clone()),
    ]);
    bench.plant(&bench.name, plain).await;
    bench.plant(&bench.claims, claim(&ana["blind_email"], owner("u_mallory"))).await;
    for state in [PlaintextItems::Refuse, PlaintextItems::Read, PlaintextItems::ReadAndWrite] {
        let users = users.clone().plaintext_items(state);
        let got = users.unique(|u| u.email).get("ana@example.com").send().await.unwrap();
        assert_eq!(got, None, "{state:?}");
    }
}

/// Whoever can write records frees a value by removing its tag, as by deleting the record. The
/// record does not open any more, so it does not share the value with the next owner.
#[tokio::test]
async fn a_removed_tag_frees_a_value_and_its_record_does_not_open() {
    let (bench, users, [mut ana, _]) = two().await;
    ana.remove("blind_email");
    bench.plant(&bench.name, ana).await;
    users.unique(|u| u.email).get("ana@example.com").send().await.unwrap_err();
    users.put(&user("u_new", "ana@example.com")).send().await.unwrap();
    assert_eq!(bench.owner_of("ana@example.com").await.as_deref(), Some("u_new"));
    users.get("u_ana").send().await.unwrap_err();
}

/// An owner of the record's own form, with a key that DynamoDB takes, is no more than a record that
/// is looked at: it bars nothing while it has no tag of the value.
#[tokio::test]
async fn a_claim_for_a_record_that_never_was_bars_nothing() {
    let (bench, users, [ana, _]) = two().await;
    bench.expire("u_ana").await;
    for id in ["u_nobody", "u_zoe"] {
        bench.plant(&bench.claims, claim(&ana["blind_email"], owner(id))).await;
        users.put(&user("u_new", "ana@example.com")).send().await.unwrap();
        assert_eq!(bench.owner_of("ana@example.com").await.as_deref(), Some("u_new"), "{id}");
    }
}
