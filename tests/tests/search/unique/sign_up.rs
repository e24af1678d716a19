//! Sign-ups: one address, one record.

use envelope_dynamo::Fault;
use envelope_dynamo::error::UsageError;
use envelope_tests::{all_it_says, assert_never_sent};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_sign_ups_at_once_one_wins() {
    let bench = Bench::new().await;
    let spellings = ["zoe@example.com", "Zoe@Example.com", " zoe@example.com", "ZOE@EXAMPLE.COM\n"];
    let sign_ups: Vec<_> = (0..16)
        .zip(spellings.into_iter().cycle())
        .map(|(number, email)| {
            let (users, user) = (bench.users(), user(&format!("u_{number}"), email));
            tokio::spawn(async move { users.put(&user).if_not_exists().send().await })
        })
        .collect();
    let mut won = 0;
    for sign_up in sign_ups {
        match sign_up.await.unwrap() {
            Ok(()) => won += 1,
            Err(error) => assert_eq!(taken(&error), Some("email"), "{error}"),
        }
    }
    assert_eq!((won, bench.records().await), (1, 1));
    let owners = bench.owners().await;
    assert_eq!(owners.len(), 1);
    assert_eq!(bench.owner_of("Zoe@example.com").await.as_ref(), owners.first());
}

#[tokio::test]
async fn an_address_that_is_in_use_is_refused_and_not_named() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    let error = users.put(&user("u_2", " ZOE@example.com")).send().await.unwrap_err();
    assert_eq!(taken(&error), Some("email"));
    assert_eq!(
        (error.fault(), error.is_in_doubt(), error.is_retryable()),
        (Fault::Caller, false, false)
    );
    assert!(error.returned_item().is_none(), "the other record is nobody's business");
    let told = all_it_says(&error);
    assert!(told.contains("u_2") && told.contains("the unique field `email`"), "{told}");
    assert!(told.contains("nothing was written"), "{told}");
    for secret in ["zoe", "ZOE", "u_1"] {
        assert!(!told.contains(secret), "{told}");
    }
    assert_eq!((bench.records().await, bench.owners().await), (1, vec!["u_1".to_owned()]));
}

#[tokio::test]
async fn a_record_can_be_put_again_with_its_own_values() {
    let bench = Bench::new().await;
    let users = bench.users();
    for email in ["zoe@example.com", "Zoe@Example.com "] {
        users.put(&user("u_1", email)).send().await.unwrap();
    }
    assert_eq!((bench.records().await, bench.owners().await.len()), (1, 1));
    let again = users.put(&user("u_1", "zoe@example.com")).if_not_exists().send().await;
    assert!(again.unwrap_err().is_condition_failure(), "the record is there");
}

#[tokio::test]
async fn a_taken_number_leaves_the_address_free() {
    let bench = Bench::new().await;
    let users = bench.users();
    let phone = |number: &str| Some(number.to_owned());
    let zoe = User { phone: phone("+41 79 123 45 67"), ..user("u_1", "zoe@example.com") };
    users.put(&zoe).send().await.unwrap();
    let ana = User { phone: phone("0041791234567"), ..user("u_2", "ana@example.com") };
    users.put(&ana).send().await.unwrap();
    let max = User { phone: phone("41-79-123-45-67"), ..user("u_3", "max@example.com") };
    let error = users.put(&max).send().await.unwrap_err();
    assert_eq!(taken(&error), Some("phone"));
    assert_eq!(bench.owners().await, ["u_1", "u_1", "u_2", "u_2"]);
    users.put(&user("u_4", "max@example.com")).send().await.unwrap();
}

#[tokio::test]
async fn records_without_a_value_do_not_exclude_each_other() {
    let bench = Bench::new().await;
    let users = bench.users();
    for number in 0..3 {
        let user = user(&format!("u_{number}"), &format!("{number}@example.com"));
        users
            .put(&User { phone: (number > 0).then(|| "none".into()), ..user })
            .send()
            .await
            .unwrap();
    }
    assert_eq!((bench.records().await, bench.owners().await.len()), (3, 3));
}

#[tokio::test]
async fn a_user_is_found_however_the_address_is_typed() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "Zoe@Example.com")).send().await.unwrap();
    for typed in ["zoe@example.com", " ZOE@EXAMPLE.COM "] {
        assert_eq!(bench.owner_of(typed).await.as_deref(), Some("u_1"));
    }
    assert_eq!(bench.owner_of("zoe@example.org").await, None);
    bench.faults.forget_calls();
    assert_eq!(bench.owner_of(" \t").await, None);
    assert_eq!(bench.faults.all_requests().len(), 0, "an empty value has no record");
    let none = users.unique(|u| u.phone).get(None::<String>).send().await.unwrap();
    assert_eq!(none, None);
}

#[tokio::test]
async fn without_a_table_of_claims_nothing_is_sent() {
    let bench = Bench::new().await;
    bench.users().put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    bench.faults.forget_calls();
    let users = bench.bare::<User>().with_search_keys(only(1));
    let no_claims = |error: &Error| {
        let told = error.to_string();
        assert!(told.contains("`Table::with_claims`") && told.contains("`blind_email`"), "{told}");
        assert_eq!(error.fault(), Fault::Caller);
        matches!(error.kind(), ErrorKind::Usage(UsageError::NoClaims { attribute: "blind_email" }))
    };
    assert!(no_claims(&users.put(&user("u_2", "ana@example.com")).send().await.unwrap_err()));
    let got = users.unique(|u| u.email).get("zoe@example.com").send().await;
    assert!(no_claims(&got.unwrap_err()));
    assert!(no_claims(&users.create_claims_table().await.unwrap_err()));
    assert_eq!(bench.faults.all_requests().len(), 0);

    let change = |user: &mut User| user.email = "ana@example.com".into();
    assert!(no_claims(&users.update("u_1").modify(change).send().await.unwrap_err()));
    assert_eq!(
        (bench.faults.calls("UpdateItem"), bench.faults.calls("TransactWriteItems")),
        (0, 0)
    );
    users.update("u_1").modify(|user| user.address = "x".into()).send().await.unwrap();
    users.delete("u_1").send().await.unwrap();
}

#[tokio::test]
async fn a_table_of_claims_that_does_not_exist_is_named() {
    let bench = Bench::new().await;
    let users = bench.users().with_claims("no-such-table");
    let error = users.put(&user("u_1", "zoe@example.com")).send().await.unwrap_err();
    assert!(error.to_string().contains("no-such-table"), "{error}");
    assert_eq!(bench.records().await, 0);
}

/// Without its tag, a value cannot be claimed.
#[tokio::test]
async fn a_handle_that_leaves_tags_out_writes_no_unique_values() {
    let bench = Bench::new().await;
    bench.users().put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    bench.faults.forget_calls();
    let users = bench.users().without_search_tags();
    let error = users.put(&user("u_2", "ana@example.com")).send().await.unwrap_err();
    assert!(error.to_string().contains("nobody can keep a field unique"), "{error}");
    assert_eq!(bench.faults.all_requests().len(), 0);
    let change = |user: &mut User| user.email = "ana@example.com".into();
    users.update("u_1").modify(change).send().await.unwrap_err();
    users.update("u_1").modify(|user| user.address = "x".into()).send().await.unwrap();
    assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some("u_1"));
}

#[tokio::test]
async fn no_value_is_sent() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "Plaintext-Mark@x")).send().await.unwrap();
    users.put(&user("u_2", "plaintext-mark@x")).send().await.unwrap_err();
    users.put(&user("u_1", "Other-Plaintext-Mark@x")).send().await.unwrap();
    users.put(&user("u_2", "plaintext-mark@x")).send().await.unwrap();
    let change = |user: &mut User| user.email = "third-plaintext-mark@x".into();
    users.update("u_1").modify(change).send().await.unwrap();
    users.unique(|u| u.email).get("plaintext-mark@x").send().await.unwrap().unwrap();
    users.delete("u_1").send().await.unwrap();
    for value in ["laintext-", "LAINTEXT", "Kramgasse"] {
        assert_never_sent(&bench.faults, value);
    }
    let asked = users.unique(|u| u.email);
    assert!(format!("{asked:?}").contains("blind_email"));
}
