//! While a search key is rotated, records are found under the old key and under the new one.

use std::sync::Arc;
use std::time::Duration;

use envelope_dynamo::keys::{SearchKeyTable, SearchKeys};
use envelope_dynamo::testing::TestClock;
use envelope_dynamo::{ErrorKind, KmsKeyProvider};
use envelope_examples::Fault;

use super::*;

#[tokio::test]
async fn records_are_found_under_both_keys_and_the_old_one_is_asked_first() {
    let bench = Bench::with(&[user("u_1", "zoe"), user("u_2", "zoe")]).await;
    bench.put(2, &[user("u_3", "zoe"), user("u_4", "ana")]).await;
    let users = bench.table::<User>(rotating(1, 2));
    let zoe = || users.index(|i| i.by_email).query("Zoe@example.com");
    let found = zoe().send().await.unwrap();
    assert_eq!(found[2], user("u_3", "zoe"), "the records of the new key come last");
    assert_eq!(by_id(found), ["u_1", "u_2", "u_3"].map(|id| user(id, "zoe")));
    let tags: Vec<_> = bench.queries().iter().map(tag_of).collect();
    assert_eq!(tags.len(), 2);
    for (tag, id) in tags.iter().zip(["u_1", "u_3"]) {
        let stored = envelope_tests::bytes_of(&bench.stored(id).await, "blind_email");
        assert_eq!(*tag, envelope_tests::base64(&stored));
    }
    assert_eq!(zoe().count().await.unwrap(), 3);
    assert_eq!(zoe().limit(1).count().await.unwrap(), 1);
    let ana = users.index(|i| i.by_email).query("ana@example.com");
    assert_eq!(ana.one().await.unwrap(), Some(user("u_4", "ana")));
    let error = zoe().one().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(_)), "{error}");
}

fn tag_of(query: &Value) -> String {
    let values = query["ExpressionAttributeValues"].as_object().unwrap();
    values.values().find_map(|value| value["B"].as_str()).unwrap().to_owned()
}

/// `one` finds the second record of a value under the other key too.
#[tokio::test]
async fn one_sees_both_keys() {
    let bench = Bench::with(&[user("u_1", "zoe")]).await;
    bench.put(2, &[user("u_2", "zoe")]).await;
    let users = bench.table::<User>(rotating(1, 2));
    assert!(users.index(|i| i.by_email).query("zoe@example.com").one().await.is_err());
    let before = bench.table::<User>(only(1));
    let found = before.index(|i| i.by_email).query("zoe@example.com").one().await.unwrap();
    assert_eq!(found, Some(user("u_1", "zoe")));
}

#[tokio::test]
async fn every_setting_holds_under_both_keys() {
    let bench = Bench::with(&namesakes(20)[..9]).await;
    bench.put(2, &namesakes(20)[9..]).await;
    let users = bench.table::<User>(rotating(1, 2));
    let smiths = || users.index(|i| i.by_name).query("smith");
    assert_eq!(smiths().page_size(4).send().await.unwrap(), namesakes(20));
    assert_eq!(smiths().limit(12).send().await.unwrap(), namesakes(12));
    let between = smiths().sort(|created| created.between(7_u64, 11_u64));
    assert_eq!(between.send().await.unwrap(), namesakes(20)[7..=11]);
    let read = smiths().descending().fetch_base_table().send().await.unwrap();
    let old_then_new: Vec<_> =
        (0..9).rev().chain((9..20).rev()).map(|at| namesakes(20)[at].clone()).collect();
    assert_eq!(read, old_then_new, "each key has its own order");
}

/// If the old key's query fails, the new key is not asked: a record that moves meanwhile would be
/// missed when the search continues.
#[tokio::test]
async fn a_search_that_fails_continues_where_it_stopped() {
    let bench = Bench::with(&namesakes(20)[..9]).await;
    bench.put(2, &namesakes(20)[9..]).await;
    let users = bench.table::<User>(rotating(1, 2));
    let smiths = || users.index(|i| i.by_name).query("smith").page_size(2);
    for before in 0..9 {
        let mut records = smiths().concurrency(1).stream().unwrap();
        let mut read = Vec::new();
        let mut is_failing = false;
        let error = loop {
            if read.len() == before && !is_failing {
                bench.faults.fail_always("Query", Fault::error("AccessDeniedException"));
                is_failing = true;
            }
            match records.next().await {
                Some(Ok(record)) => read.push(record),
                Some(Err(error)) => break error,
                None => panic!("the page was refused"),
            }
        };
        assert!(matches!(error.kind(), ErrorKind::DynamoDb(_)), "{error}");
        assert!(records.next().await.is_none(), "the stream has ended");
        bench.faults.recover("Query");
        let token = records.resume_token().expect("not everything was read");
        read.extend(smiths().resume(token).send().await.unwrap());
        assert_eq!(read, namesakes(20), "{before}");
    }
}

/// A table of search keys, and the faults in front of it and of its KMS key.
async fn stored_keys(bench: &Bench) -> (SearchKeyTable<KmsKeyProvider>, Faults) {
    stored_keys_by(bench, &Arc::<TestClock>::default()).await
}

async fn stored_keys_by(
    bench: &Bench,
    clock: &Arc<TestClock>,
) -> (SearchKeyTable<KmsKeyProvider>, Faults) {
    let faults = Faults::new();
    let kms = bench.servers.kms_through(&faults);
    let provider = KmsKeyProvider::new(kms, bench.servers.kms_key_id());
    let client = bench.servers.dynamodb_through(&faults);
    let keys = SearchKeyTable::new(client, unique_name("search-keys"), provider);
    let keys = keys.with_clock(Arc::clone(clock) as _);
    keys.create_table().await.unwrap();
    keys.create("users").await.unwrap();
    faults.forget_calls();
    (keys, faults)
}

#[tokio::test]
async fn a_search_with_known_keys_calls_neither_kms_nor_the_table_of_keys() {
    let bench = Bench::new().await;
    let (store, faults) = stored_keys(&bench).await;
    let users = bench.table::<User>(SearchKeys::per_table(store));
    users.put(&user("u_1", "zoe")).send().await.unwrap();
    let calls = (faults.calls("Decrypt"), faults.calls("GetItem"));
    assert_eq!(calls, (1, 2), "the pointer and one version");
    for _ in 0..20 {
        let found = users.index(|i| i.by_email).query("zoe@example.com").one().await.unwrap();
        assert_eq!(found, Some(user("u_1", "zoe")));
    }
    assert_eq!((faults.calls("Decrypt"), faults.calls("GetItem")), calls);
    assert_eq!(bench.faults.calls("Query"), 20);
}

#[tokio::test]
async fn a_search_whose_keys_cannot_be_had_sends_nothing_to_the_table() {
    let bench = Bench::with(&[user("u_1", "zoe")]).await;
    let (store, faults) = stored_keys(&bench).await;
    let users = bench.table::<User>(SearchKeys::per_table(store));
    faults.fail_always("Decrypt", Fault::error("AccessDeniedException"));
    let mut records = users.index(|i| i.by_email).query("zoe@example.com").stream().unwrap();
    let error = records.next().await.unwrap().unwrap_err();
    assert!(error.key_error().is_some(), "{error}");
    assert!(error.to_string().contains("could not get the search keys"), "{error}");
    assert!(records.next().await.is_none());
    assert!(records.resume_token().is_some(), "nothing was read");
    let error = users.index(|i| i.by_email).query("zoe@example.com").count().await.unwrap_err();
    assert!(error.key_error().is_some(), "{error}");
    assert_eq!(bench.faults.calls("Query"), 0);
}

/// The caller of a stream may go away at each await, also while the keys are fetched.
#[tokio::test]
async fn a_search_may_be_cancelled_while_the_keys_are_fetched() {
    use std::future::Future as _;
    use std::task::{Context, Waker};
    let bench = Bench::new().await;
    let (store, faults) = stored_keys(&bench).await;
    let keys = SearchKeys::per_table(store);
    let users = bench.table::<User>(keys.clone());
    users.put(&user("u_1", "zoe")).send().await.unwrap();
    keys.clear();
    let mut records = users.index(|i| i.by_email).query("zoe@example.com").stream().unwrap();
    faults.hold("Decrypt");
    for _ in 0..10 {
        let mut next = Box::pin(records.next());
        let poll = next.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
        tokio::task::yield_now().await;
    }
    faults.release("Decrypt");
    assert_eq!(records.next().await.unwrap().unwrap(), user("u_1", "zoe"));
    assert!(records.next().await.is_none());
}

/// Until writers use the new key of a rotation, and some time more.
const ROTATION: Duration = Duration::from_secs(3_600);

/// A key that comes into use while a stream is read is queried too.
#[tokio::test]
async fn a_stream_that_is_read_during_a_rotation_asks_for_both_keys() {
    let (bench, clock) = (Bench::new().await, Arc::<TestClock>::default());
    let (store, _) = stored_keys_by(&bench, &clock).await;
    let operator = SearchKeyTable::new(
        bench.servers.dynamodb().clone(),
        store.logical().to_owned(),
        KmsKeyProvider::new(bench.servers.kms().clone(), bench.servers.kms_key_id()),
    );
    let operator = operator.with_clock(Arc::clone(&clock) as _);
    let keys = SearchKeys::per_table(store).with_clock(Arc::clone(&clock) as _);
    let users = bench.table::<User>(keys);
    users.batch_put(&namesakes(3)).send().await.unwrap();
    let smiths = || users.index(|i| i.by_name).query("smith").page_size(1);
    let mut records = smiths().stream().unwrap();
    assert_eq!(records.next().await.unwrap().unwrap(), namesakes(3)[0]);

    operator.rotate("users").await.unwrap();
    clock.advance(ROTATION);
    let moved = &namesakes(3)[2];
    users.put(moved).send().await.unwrap();
    let added = User { created: 9, ..user("u_009", "smith") };
    users.put(&added).send().await.unwrap();
    let rest: Vec<_> = records.try_collect().await.unwrap();
    assert_eq!(by_id(rest), [namesakes(3)[1].clone(), moved.clone(), added]);
    assert!(records.resume_token().is_none());
}

/// Whoever can write the table of search keys hides records, and makes nobody somebody else.
#[tokio::test]
async fn a_pointer_that_is_turned_back_hides_records() {
    let (bench, clock) = (Bench::new().await, Arc::<TestClock>::default());
    let (store, _) = stored_keys_by(&bench, &clock).await;
    let name = store.name().to_owned();
    let pointer = || async {
        let items = bench.servers.dynamodb().scan().table_name(&name).send().await.unwrap();
        items.items().iter().find(|item| item.contains_key("write")).unwrap().clone()
    };
    let before = pointer().await;
    store.rotate("users").await.unwrap();
    clock.advance(ROTATION);
    let keys = SearchKeys::per_table(store).with_clock(Arc::clone(&clock) as _);
    let users = bench.table::<User>(keys.clone());
    users.put(&user("u_1", "zoe")).send().await.unwrap();
    let zoe = || users.index(|i| i.by_email).query("zoe@example.com");
    assert_eq!(zoe().one().await.unwrap(), Some(user("u_1", "zoe")));

    plant(&bench.servers, &name, before).await;
    keys.clear();
    assert_eq!(zoe().one().await.unwrap(), None, "a search misses it, and cannot notice");
    users.put(&user("u_2", "zoe")).send().await.unwrap();
    assert_eq!(zoe().one().await.unwrap(), Some(user("u_2", "zoe")));
}
