//! `modify` while other writers or an attacker write the same record.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::{DataError, WriteError};

use super::{Bench, User, payload, user};

/// Every change is applied once, and no change needs more tries than the limit. The limit is
/// generous, since a slow server accepts few writes a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_changes_of_one_record_at_once_are_all_applied() {
    const WRITERS: usize = 200;
    const TRIES: u32 = 40;
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&User { email: String::new(), ..user("zoe") }).send().await.unwrap();
    let most = Arc::new(AtomicU32::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (users, most) = (users.clone(), Arc::clone(&most));
            tokio::spawn(async move {
                let mut calls: u32 = 0;
                let change = |user: &mut User| {
                    calls += 1;
                    user.email.push_str(&format!("{writer},"));
                };
                users.update("zoe").modify(change).max_tries(TRIES).send().await.unwrap();
                most.fetch_max(calls, Ordering::Relaxed);
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let zoe = users.get("zoe").consistent_read().send().await.unwrap().unwrap();
    let mut applied: Vec<usize> =
        zoe.email.split_terminator(',').map(|writer| writer.parse().unwrap()).collect();
    applied.sort_unstable();
    assert_eq!(applied, (0..WRITERS).collect::<Vec<_>>());
    let (most, writes) = (most.load(Ordering::Relaxed), bench.faults.calls("UpdateItem"));
    println!("{WRITERS} changes took {writes} writes, the most patient one {most} tries");
    assert!(most <= TRIES && writes >= WRITERS, "{most} tries, {writes} writes");
}

#[tokio::test]
async fn an_update_in_place_of_another_attribute_does_not_disturb_a_change() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let modify = users.update("zoe").modify(|user| user.email = "new@example.com".into()).send();
    let changed = bench.between(modify, async {
        bench
            .other::<User>()
            .update("zoe")
            .add(|u| u.logins, 10)
            .remove(|u| u.nickname)
            .send()
            .await
            .unwrap();
    });
    assert_eq!(changed.await.unwrap().unwrap().logins, 3, "as it was read");
    let stored = users.get("zoe").consistent_read().send().await.unwrap().unwrap();
    assert_eq!(
        (stored.email.as_str(), stored.logins, stored.nickname),
        ("new@example.com", 13, None)
    );
    assert_eq!(bench.faults.calls("UpdateItem"), 1);
}

#[tokio::test]
async fn an_update_in_place_of_the_same_attribute_is_not_lost() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let modify = users.update("zoe").modify(|user| user.logins += 1).send();
    let changed = bench.between(modify, async {
        bench.other::<User>().update("zoe").add(|u| u.logins, 10).send().await.unwrap();
    });
    assert_eq!(changed.await.unwrap().unwrap().logins, 14);
    assert_eq!(bench.number("zoe", "logins").await, 14);
    assert_eq!((bench.faults.calls("UpdateItem"), bench.faults.calls("GetItem")), (2, 2));
}

#[tokio::test]
async fn a_put_in_between_is_not_lost() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let modify = users.update("zoe").modify(|user| user.email.push('!')).send();
    let changed = bench.between(modify, async {
        bench
            .other()
            .put(&User { email: "put@example.com".into(), ..user("zoe") })
            .send()
            .await
            .unwrap();
    });
    assert_eq!(changed.await.unwrap().unwrap().email, "put@example.com!");
}

#[tokio::test]
async fn a_record_that_is_deleted_in_between_stays_deleted() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let modify = users.update("zoe").modify(|user| user.email.push('!')).send();
    let changed =
        bench.between(modify, async { bench.other::<User>().delete("zoe").send().await.unwrap() });
    assert_eq!((changed.await.unwrap(), bench.stored("zoe").await), (None, None));
}

#[tokio::test]
async fn a_modify_that_always_loses_is_an_error_and_wrote_nothing() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let modify = users.update("zoe").modify(|user| user.email.push('!')).max_tries(1).send();
    let error = bench
        .between(modify, async { bench.other().put(&user("zoe")).send().await.unwrap() })
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::Conflict { tries: 1 })));
    assert!(error.is_retryable() && !error.is_in_doubt());
    assert_eq!(
        error.to_string(),
        "users[userId=zoe]: another writer changed the record after it was read; nothing was written"
    );
    assert_eq!(users.get("zoe").consistent_read().send().await.unwrap(), Some(user("zoe")));
}

#[tokio::test]
async fn a_payload_that_is_swapped_in_between_is_not_overwritten_unseen() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&User { email: "older@example.com".into(), ..user("zoe") }).send().await.unwrap();
    let older = bench.stored("zoe").await.unwrap();
    users.put(&user("zoe")).send().await.unwrap();

    // An older version of the record is authentic, so the change is applied to it.
    let modify = users.update("zoe").modify(|user| user.email.push('!')).send();
    let changed = bench.between(modify, bench.plant(older.clone())).await.unwrap().unwrap();
    assert_eq!(changed.email, "older@example.com!");

    // A forged payload is not authentic. It is not overwritten: it is evidence.
    let mut forged = older.clone();
    let mut bytes = payload(&older).as_ref().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    forged.insert("encrypted_payload".into(), AttributeValue::B(bytes.into()));
    let modify = users.update("zoe").modify(|user| user.email.push('!')).send();
    let error = bench.between(modify, bench.plant(forged.clone())).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
    assert_eq!(bench.stored("zoe").await.unwrap(), forged);
}

#[tokio::test]
async fn what_is_authenticated_cannot_be_slipped_in_while_a_change_is_made() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let mut forged = bench.stored("zoe").await.unwrap();
    forged.insert("plan".into(), AttributeValue::S("enterprise".into()));
    let modify = users.update("zoe").modify(|user| user.email.push('!')).send();
    let error = bench.between(modify, bench.plant(forged.clone())).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
    assert_eq!(bench.stored("zoe").await.unwrap(), forged, "and nothing was written");
}
