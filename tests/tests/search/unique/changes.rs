//! Changed and deleted records free their former values, and nobody else's.

use envelope_dynamo::Envelope;

use super::*;

/// Who has the address before, who after, and who owns claims.
async fn assert_moved(bench: &Bench, from: &str, to: &str) {
    assert_eq!(bench.owner_of(from).await, None, "{from}");
    assert_eq!(bench.owner_of(to).await.as_deref(), Some("u_1"), "{to}");
    assert_eq!(bench.owners().await, ["u_1"]);
}

#[tokio::test]
async fn a_modify_moves_the_claim() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    let change = |user: &mut User| user.email = "ana@example.com".into();
    let changed = users.update("u_1").modify(change).send().await.unwrap().unwrap();
    assert_eq!(changed.email, "ana@example.com");
    assert_moved(&bench, "zoe@example.com", "ana@example.com").await;
    users.put(&user("u_2", "zoe@example.com")).send().await.unwrap();
}

#[tokio::test]
async fn a_put_moves_the_claim() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    users.put(&user("u_1", "ana@example.com")).send().await.unwrap();
    assert_moved(&bench, "zoe@example.com", "ana@example.com").await;
    // Conditions of the caller still decide.
    let max = user("u_1", "max@example.com");
    let refused = users.put(&max).condition(|u| u.logins.gt(9)).send().await;
    assert!(refused.unwrap_err().is_condition_failure());
    assert_moved(&bench, "max@example.com", "ana@example.com").await;
}

#[tokio::test]
async fn a_modify_to_a_value_in_use_changes_nothing() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    users.put(&user("u_2", "ana@example.com")).send().await.unwrap();
    let change = |user: &mut User| user.email = "ANA@example.com".into();
    let error = users.update("u_1").modify(change).send().await.unwrap_err();
    assert_eq!(taken(&error), Some("email"));
    assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some("u_1"));
    assert_eq!(bench.owner_of("ana@example.com").await.as_deref(), Some("u_2"));
}

#[tokio::test]
async fn other_changes_need_no_transaction() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    bench.faults.forget_calls();
    let change = |user: &mut User| {
        user.address = "x".into();
        user.email = " Zoe@Example.com".into();
    };
    users.update("u_1").modify(change).send().await.unwrap();
    users.update("u_1").add(|u| u.logins, 1).send().await.unwrap();
    assert_eq!(bench.faults.calls("TransactWriteItems"), 0);
    assert_eq!(bench.owner_of("zoe@example.com").await.as_deref(), Some("u_1"));
}

#[tokio::test]
async fn a_modify_with_changes_in_place_returns_the_record_as_stored() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    let change = |user: &mut User| user.email = "ana@example.com".into();
    let update = users.update("u_1").add(|u| u.logins, 1).modify(change);
    let changed = update.send().await.unwrap().unwrap();
    assert_eq!((changed.email.as_str(), changed.logins), ("ana@example.com", 4));
    let refused = users.update("u_1").condition(|u| u.logins.gt(9)).modify(|user| {
        user.email = "max@example.com".into();
    });
    assert!(refused.send().await.unwrap_err().is_condition_failure());
}

#[tokio::test]
async fn a_value_that_is_removed_is_free() {
    let bench = Bench::new().await;
    let users = bench.users();
    let zoe = User { phone: Some("1234567".into()), ..user("u_1", "zoe@example.com") };
    users.put(&zoe).send().await.unwrap();
    users.update("u_1").modify(|user| user.phone = None).send().await.unwrap();
    assert_eq!(bench.owners().await, ["u_1"]);
    users.put(&zoe).send().await.unwrap();
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    assert_eq!(bench.owners().await, ["u_1"]);
}

#[tokio::test]
async fn a_delete_frees_the_values() {
    let bench = Bench::new().await;
    let users = bench.users();
    let zoe = User { phone: Some("1234567".into()), ..user("u_1", "zoe@example.com") };
    users.put(&zoe).send().await.unwrap();
    users.delete("u_1").send().await.unwrap();
    assert_eq!((bench.records().await, bench.owners().await.len()), (0, 0));
    users.put(&zoe).send().await.unwrap();
    let old = users.delete("u_1").returning_old().send().await.unwrap();
    assert_eq!((old, bench.owners().await.len()), (Some(zoe), 0));
    users.delete("u_1").send().await.unwrap();
}

#[tokio::test]
async fn a_version_is_counted_with_the_claims() {
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users")]
    struct Counted {
        #[partition_key]
        user_id: String,
        #[encrypted]
        #[searchable(normalize(trim, ascii_lowercase), unique)]
        email: String,
        #[authenticated]
        #[version]
        version: u64,
    }
    let bench = Bench::new().await;
    let users = bench.bare::<Counted>().with_search_keys(only(1)).with_claims(bench.claims.clone());
    let mut zoe = Counted { user_id: "u_1".into(), email: "zoe@example.com".into(), version: 0 };
    users.put_mut(&mut zoe).send().await.unwrap();
    let mut stale = zoe.clone();
    zoe.email = "ana@example.com".into();
    users.put_mut(&mut zoe).send().await.unwrap();
    assert_eq!(zoe.version, 2);
    stale.email = "max@example.com".into();
    let error = users.put_mut(&mut stale).send().await.unwrap_err();
    assert!(error.is_condition_failure(), "{error}");
    assert_eq!((stale.version, bench.owners().await), (1, vec!["u_1".to_owned()]));
    let found = users.unique(|u| u.email).get("ana@example.com").send().await.unwrap();
    assert_eq!(found, Some(zoe));
}

/// Sixteen writers give one record other addresses, and each other's former ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_changes_leave_one_claim() {
    let bench = Bench::new().await;
    bench.users().put(&user("u_1", "0@example.com")).send().await.unwrap();
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let users = bench.users();
            tokio::spawn(async move {
                let email = format!("{}@example.com", writer % 4);
                if writer % 2 == 0 {
                    let change = |user: &mut User| user.email.clone_from(&email);
                    users.update("u_1").modify(change).max_tries(60).send().await.unwrap();
                } else {
                    users.put(&user("u_1", &email)).send().await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let zoe = bench.users().get("u_1").consistent_read().send().await.unwrap().unwrap();
    assert_eq!(bench.owner_of(&zoe.email).await.as_deref(), Some("u_1"));
    for other in 0..4 {
        let email = format!("{other}@example.com");
        if email != zoe.email {
            let new = user(&format!("v_{other}"), &email);
            bench.users().put(&new).send().await.unwrap();
        }
    }
}
