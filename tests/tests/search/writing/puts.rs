//! Puts of every kind, and what they do without search keys.

use envelope_core::search::{SearchValue, Step};
use envelope_dynamo::error::UsageError;
use envelope_dynamo::item::PlaintextItems;
use envelope_dynamo::{Error, ErrorKind, to_item, to_item_with, transact_write};
use envelope_tests::{local_keys, names_of};

use super::*;

#[tokio::test]
async fn a_put_stores_the_tag_of_each_value() {
    let bench = Bench::new().await;
    bench.users().put(&user("zoe")).send().await.unwrap();
    let item = bench.stored("zoe").await;
    assert_eq!(bytes_of(&item, "blind_email"), email_tag(1, "zoe@example.com"));
    let phone = tag(1, "phone", &[Step::Digits], &SearchValue::Text("41791234567"));
    assert_eq!(bytes_of(&item, "blind_phone"), phone);
    let number = tag(1, "number", &[], &SearchValue::number("-7").unwrap());
    assert_eq!(bytes_of(&item, "blind_number"), number);
    assert_eq!(listed_tags(&item), TAGS);
    let read = bench.without_keys::<User>().get("zoe").send().await.unwrap();
    assert_eq!(read, Some(user("zoe")), "reading by key needs no search keys");
}

#[tokio::test]
async fn a_value_that_is_absent_or_empty_has_no_tag_but_is_listed() {
    let bench = Bench::new().await;
    let absent = User { email: " \t".into(), phone: None, number: None, ..user("ana") };
    bench.users().put(&absent).send().await.unwrap();
    let item = bench.stored("ana").await;
    assert!(!item.keys().any(|name| name.starts_with("blind_")), "{:?}", names_of(&item));
    assert_eq!(listed_tags(&item), TAGS);
    let no_digit = User { phone: Some("none".into()), number: Some(0), ..user("bea") };
    bench.users().put(&no_digit).send().await.unwrap();
    let item = bench.stored("bea").await;
    assert!(!item.contains_key("blind_phone") && item.contains_key("blind_number"));
}

#[tokio::test]
async fn every_way_to_put_writes_the_same_tags() {
    let bench = Bench::new().await;
    let (users, record) = (bench.users(), |id: &str| user(id));
    users.put_mut(&mut record("mut")).send().await.unwrap();
    users.batch_put([record("b_1"), record("b_2")]).send().await.unwrap();
    let client = bench.servers.dynamodb();
    transact_write(client).put(users.put(&record("t"))).send().await.unwrap();
    let request = users.put(&record("sdk")).into_sdk().await.unwrap();
    request.send().await.unwrap();
    let item = to_item_with(&record("item"), &local_keys(7), &search_keys(1)).await.unwrap();
    bench.plant(item).await;
    for id in ["mut", "b_1", "b_2", "t", "sdk", "item"] {
        let item = bench.stored(id).await;
        assert_eq!(bytes_of(&item, "blind_email"), email_tag(1, "zoe@example.com"), "{id}");
        assert_eq!(listed_tags(&item), TAGS, "{id}");
    }
}

#[track_caller]
fn assert_no_search_keys(error: &Error, instead: &str) {
    let kind = error.kind();
    let ErrorKind::Usage(UsageError::NoSearchKeys { attribute, .. }) = kind else {
        panic!("{error}")
    };
    let text = error.to_string();
    assert_eq!(*attribute, "blind_email");
    assert!(text.contains(instead) && text.contains("nothing was sent"), "{text}");
    assert!(error.record().to_string().contains("zoe"), "the error names the record: {error}");
    assert!(!text.contains("xample"), "{text}");
}

#[tokio::test]
async fn without_search_keys_nothing_is_sent() {
    let bench = Bench::new().await;
    let (users, zoe) = (bench.without_keys::<User>(), user("zoe"));
    let with = "`Table::with_search_keys`";
    assert_no_search_keys(&users.put(&zoe).send().await.unwrap_err(), with);
    assert_no_search_keys(&users.put_mut(&mut zoe.clone()).send().await.unwrap_err(), with);
    assert_no_search_keys(&users.put(&zoe).into_sdk().await.unwrap_err(), with);
    let batch = users.batch_put([&zoe]).send().await.unwrap_err();
    assert_no_search_keys(batch.failures()[0].error(), with);
    let prepared = transact_write(bench.servers.dynamodb()).put(users.put(&zoe)).prepare().await;
    let error = prepared.unwrap_err();
    let envelope_dynamo::transaction::TransactionErrorKind::Record(error) = error.kind() else {
        panic!("{error}")
    };
    assert_no_search_keys(error, with);
    let plain = users.clone().plaintext_items(PlaintextItems::ReadAndWrite);
    assert_no_search_keys(&plain.put(&zoe).send().await.unwrap_err(), with);
    assert_no_search_keys(&to_item(&zoe, &local_keys(7)).await.unwrap_err(), "`to_item_with`");
    assert_eq!(bench.faults.all_requests().len(), 0);
}

/// A clone, and the handle of one type of an enum, keep the search keys.
#[tokio::test]
async fn search_keys_stay_with_the_handle() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.clone().named(users.name()).put(&user("zoe")).send().await.unwrap();
    assert!(bench.stored("zoe").await.contains_key("blind_email"));
}

/// A service that may write but not read.
#[tokio::test]
async fn a_handle_that_only_writes_computes_tags() {
    let bench = Bench::new().await;
    let users = Table::<User, _>::write_only(bench.servers.dynamodb().clone(), local_keys(7));
    let users = users.named(bench.name.clone()).with_search_keys(search_keys(1));
    users.put(&user("zoe")).send().await.unwrap();
    let item = bench.stored("zoe").await;
    assert_eq!(bytes_of(&item, "blind_email"), email_tag(1, "zoe@example.com"));
}
