//! Lost answers, other writers, stores of search keys that do not answer, and old transactions.

use std::sync::Arc;
use std::time::Duration;

use envelope_core::testing::TestClock;
use envelope_dynamo::keys::{KeyCounters, SearchKeyTable};
use envelope_dynamo::transaction::TransactionErrorKind;
use envelope_dynamo::{ErrorKind, Fault, KmsKeyProvider, transact_write};
use envelope_examples::Fault as Injected;

use super::*;

#[tokio::test]
async fn a_put_and_a_modify_whose_answers_are_lost_write_one_tag() {
    let bench = Bench::new().await;
    let users = bench.users();
    bench.faults.fail_next("PutItem", Injected::LoseReply);
    users.put(&user("zoe")).if_not_exists().send().await.unwrap();
    assert_eq!(bench.faults.calls("PutItem"), 2);
    bench.faults.fail_next("UpdateItem", Injected::LoseReply);
    let mut calls = 0;
    let change = |user: &mut User| {
        calls += 1;
        user.email = "ana@example.com".into();
    };
    users.update("zoe").modify(change).send().await.unwrap();
    assert_eq!((calls, bench.faults.calls("UpdateItem")), (1, 2));
    let item = bench.stored("zoe").await;
    assert_eq!(bytes_of(&item, "blind_email"), email_tag(1, "ana@example.com"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_leave_the_tag_of_the_last_value() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&User { email: "x".into(), ..user("zoe") }).send().await.unwrap();
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let (users, older) = (users.clone(), bench.past::<unmarked::User>());
            tokio::spawn(async move {
                if writer % 4 == 3 {
                    let change = |user: &mut unmarked::User| user.email.push_str("-older");
                    older.update("zoe").modify(change).max_tries(40).send().await.unwrap();
                } else {
                    let change = |user: &mut User| user.email.push_str("-new");
                    users.update("zoe").modify(change).max_tries(40).send().await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let zoe = users.get("zoe").consistent_read().send().await.unwrap().unwrap();
    assert_eq!(zoe.email.matches('-').count(), 16);
    let item = bench.stored("zoe").await;
    match item.contains_key("blind_email") {
        true => assert_eq!(bytes_of(&item, "blind_email"), email_tag(1, &zoe.email)),
        // The last writer did not know the tag.
        false => assert_eq!(listed_tags(&item), ["blind_number", "blind_phone"]),
    }
}

/// A table of search keys, behind the faults.
struct Store {
    keys: SearchKeyTable<KmsKeyProvider>,
    clock: Arc<TestClock>,
    counters: Arc<KeyCounters>,
}

impl Store {
    async fn new(bench: &Bench) -> Self {
        let name = envelope_examples::servers::unique_name("search-keys");
        let kms = KmsKeyProvider::new(
            bench.servers.kms_through(&bench.faults),
            bench.servers.kms_key_id(),
        );
        let client = bench.servers.dynamodb_through(&bench.faults);
        let keys = SearchKeyTable::new(client, "search-keys", kms).named(name);
        keys.create_table().await.unwrap();
        keys.create("users").await.unwrap();
        Self { keys, clock: Arc::new(TestClock::default()), counters: Arc::default() }
    }

    fn into_keys(self) -> (SearchKeys, Arc<TestClock>, Arc<KeyCounters>) {
        let keys = SearchKeys::per_table(self.keys)
            .with_clock(self.clock.clone())
            .observed_by(self.counters.clone());
        (keys, self.clock, self.counters)
    }
}

#[tokio::test]
async fn search_keys_are_fetched_once_for_many_writes() {
    let bench = Bench::new().await;
    let (keys, clock, _) = Store::new(&bench).await.into_keys();
    let users = bench.without_keys::<User>().with_search_keys(keys);
    bench.faults.forget_calls();
    let records: Vec<_> = (0..60).map(|n| user(&format!("u_{n}"))).collect();
    users.batch_put(&records).send().await.unwrap();
    assert_eq!((bench.faults.calls("GetItem"), bench.faults.calls("Decrypt")), (2, 1));
    let mut transaction = transact_write(bench.servers.dynamodb());
    for record in &records[..20] {
        transaction = transaction.put(users.put(record));
    }
    transaction.send().await.unwrap();
    users.put(&user("zoe")).send().await.unwrap();
    assert_eq!((bench.faults.calls("GetItem"), bench.faults.calls("Decrypt")), (2, 1));
    clock.advance(Duration::from_secs(301));
    users.put(&user("zoe")).send().await.unwrap();
    assert_eq!(bench.faults.calls("GetItem"), 4, "they are asked for again after `max_age`");
}

#[tokio::test]
async fn a_store_that_does_not_answer_stops_only_writes_that_need_a_tag() {
    let bench = Bench::new().await;
    let (keys, ..) = Store::new(&bench).await.into_keys();
    let users = bench.without_keys::<User>().with_search_keys(keys.clone());
    users.put(&user("zoe")).send().await.unwrap();
    let tagged = bench.stored("zoe").await;

    keys.clear();
    bench.faults.fail_always("Decrypt", Injected::error("AccessDeniedException"));
    bench.faults.forget_calls();
    let error = users.put(&user("ana")).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Key(_)), "{error}");
    assert!(error.to_string().contains("search key"), "{error}");
    assert_eq!((error.fault(), bench.faults.calls("PutItem")), (Fault::Operator, 0));
    assert!(error.record().to_string().contains("ana"), "{error}");
    let batch = users.batch_put([user("ana")]).send().await.unwrap_err();
    assert!(batch.failures()[0].error().to_string().contains("search key"));

    let change = |user: &mut User| user.email = "ana@example.com".into();
    users.update("zoe").modify(change).send().await.unwrap_err();
    assert_eq!(bench.faults.calls("UpdateItem"), 0);
    users.update("zoe").modify(|user| user.address = "x".into()).send().await.unwrap();
    let kept = bench.stored("zoe").await;
    assert_eq!(kept["blind_email"], tagged["blind_email"]);
    assert_eq!(users.get("zoe").send().await.unwrap().unwrap().address, "x");
}

#[tokio::test]
async fn a_prepared_transaction_with_old_tags_is_not_sent() {
    let bench = Bench::new().await;
    let (keys, clock, _) = Store::new(&bench).await.into_keys();
    let users = bench.without_keys::<User>().with_search_keys(keys);
    let (zoe, client) = (user("zoe"), bench.servers.dynamodb_through(&bench.faults));
    let prepared = transact_write(&client).put(users.put(&zoe)).prepare().await.unwrap();
    bench.faults.forget_calls();
    clock.advance(Duration::from_secs(299));
    prepared.send().await.unwrap();
    clock.advance(Duration::from_secs(2));
    let error = prepared.send().await.unwrap_err();
    assert!(
        matches!(error.kind(), TransactionErrorKind::OldSearchTags { record }
            if record.to_string().contains("zoe")),
        "{error}"
    );
    assert!(!error.is_in_doubt() && !error.is_retryable(), "{error}");
    assert_eq!((error.fault(), bench.faults.calls("TransactWriteItems")), (Fault::Caller, 1));

    // Nobody searches by a record without tags.
    let plain = bench.without_keys::<unmarked::User>();
    let record = user("ana").into();
    let prepared = transact_write(&client).put(plain.put(&record)).prepare().await.unwrap();
    clock.advance(Duration::from_secs(3_600));
    prepared.send().await.unwrap();
}

/// Whether an earlier send was carried out stays unknown.
#[tokio::test]
async fn an_old_transaction_in_doubt_stays_in_doubt() {
    let bench = Bench::new().await;
    let (keys, clock, _) = Store::new(&bench).await.into_keys();
    let users = bench.without_keys::<User>().with_search_keys(keys);
    let (zoe, client) = (user("zoe"), bench.servers.dynamodb_through(&bench.faults));
    let prepared = transact_write(&client).put(users.put(&zoe)).prepare().await.unwrap();
    bench.faults.fail_always("TransactWriteItems", Injected::Io);
    assert!(prepared.send().await.unwrap_err().is_in_doubt());
    bench.faults.recover("TransactWriteItems");
    clock.advance(Duration::from_secs(301));
    assert!(prepared.send().await.unwrap_err().is_in_doubt());
}
