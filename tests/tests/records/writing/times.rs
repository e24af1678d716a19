//! Times to live, and timestamps.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::keys::Clock;
use envelope_dynamo::testing::TestClock;
use envelope_dynamo::{Envelope, Table};

use super::Bench;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "sessions")]
struct Session {
    #[partition_key]
    #[serde(rename = "userId")]
    id: String,
    #[encrypted]
    token: String,
    #[plaintext]
    hits: u64,
    #[plaintext]
    #[ttl]
    expires: Option<SystemTime>,
    #[authenticated]
    #[created]
    made: Option<SystemTime>,
    #[plaintext]
    #[updated]
    changed: u64,
}

fn session(expires: Option<SystemTime>) -> Session {
    Session { id: "s".into(), token: "t".into(), hits: 0, expires, made: None, changed: 0 }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

async fn bench() -> (Bench, Table<Session>, Arc<TestClock>) {
    let (bench, clock) = (Bench::new().await, Arc::new(TestClock::default()));
    let sessions = bench.table::<Session>().with_clock(clock.clone());
    (bench, sessions, clock)
}

#[tokio::test]
async fn a_time_to_live_is_stored_in_seconds() {
    let (bench, sessions, _) = bench().await;
    let expires = UNIX_EPOCH + Duration::from_millis(1_900_000_000_001);
    sessions.put(&session(Some(expires))).send().await.unwrap();
    assert_eq!(
        bench.stored("s").await.unwrap()["expires"],
        AttributeValue::N("1900000001".into()),
        "never too early"
    );
    let read = sessions.get("s").send().await.unwrap().unwrap();
    assert_eq!(read.expires, Some(UNIX_EPOCH + Duration::from_secs(1_900_000_001)));

    let later = expires + Duration::from_secs(60);
    sessions.update("s").set(|session| session.expires, later).send().await.unwrap();
    assert_eq!(bench.number("s", "expires").await, 1_900_000_061);
    sessions.update("s").remove(|session| session.expires).send().await.unwrap();
    assert_eq!(sessions.get("s").send().await.unwrap().unwrap().expires, None);
    sessions
        .put(&session(None))
        .condition(|stored| stored.expires.not_exists())
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn an_expired_record_is_read_unless_skipped() {
    let (bench, sessions, clock) = bench().await;
    let expires = clock.system_time() + Duration::from_secs(10);
    sessions.put(&session(Some(expires))).send().await.unwrap();
    let read = async || {
        let all = sessions.get("s").consistent_read().send().await.unwrap();
        let live = sessions.get("s").consistent_read().skip_expired().send().await.unwrap();
        (all.is_some(), live.is_some())
    };
    assert_eq!(read().await, (true, true));
    clock.advance(Duration::from_secs(12));
    assert_eq!(read().await, (true, false));
    sessions.put(&session(None)).send().await.unwrap();
    assert_eq!(read().await, (true, true), "what has no time to live does not expire");
    drop(bench);
}

#[derive(Debug, Envelope)]
#[envelope(table = "sessions")]
struct Misfit {
    #[partition_key]
    #[serde(rename = "userId")]
    id: String,
    #[encrypted]
    token: String,
    #[plaintext]
    #[ttl]
    #[serde(with = "crate::writing::in_hex")]
    expires: u32,
}

#[tokio::test]
async fn a_time_to_live_that_dynamodb_would_not_see_is_refused() {
    let bench = Bench::new().await;
    let record = Misfit { id: "m".into(), token: "t".into(), expires: 1 };
    let error = bench.table::<Misfit>().put(&record).send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "sessions[userId=m]: `expires` is a time to live, but not stored as a number of seconds: DynamoDB would never \
         delete the record"
    );
    assert!(bench.faults.all_requests().is_empty());
}

#[tokio::test]
async fn timestamps_say_when_a_record_was_created_and_updated() {
    let (bench, sessions, clock) = bench().await;
    let made = seconds(clock.system_time());
    let mut mine = session(None);
    sessions.put_mut(&mut mine).send().await.unwrap();
    assert_eq!((mine.made.map(seconds), mine.changed), (Some(made), made));
    assert_eq!(sessions.get("s").consistent_read().send().await.unwrap().as_ref(), Some(&mine));

    clock.advance(Duration::from_secs(100));
    let now = seconds(clock.system_time());
    sessions.update("s").add(|session| session.hits, 1).send().await.unwrap();
    let read = sessions.get("s").consistent_read().send().await.unwrap().unwrap();
    assert_eq!((read.made, read.changed), (mine.made, now));

    clock.advance(Duration::from_secs(100));
    let now = seconds(clock.system_time());
    let changed = sessions
        .update("s")
        .modify(|session| session.token.push('!'))
        .send()
        .await
        .unwrap()
        .unwrap();
    assert_eq!((changed.made, changed.changed), (mine.made, now));
    assert_eq!(sessions.get("s").consistent_read().send().await.unwrap(), Some(changed.clone()));

    clock.advance(Duration::from_secs(100));
    let now = seconds(clock.system_time());
    sessions.put(&changed).send().await.unwrap();
    let read = sessions.get("s").consistent_read().send().await.unwrap().unwrap();
    assert_eq!(
        (read.made, read.changed),
        (mine.made, now),
        "a put keeps what the record says of its making"
    );
    clock.advance(Duration::from_secs(100));
    sessions.update("s").condition(|session| session.hits.eq(1)).send().await.unwrap();
    sessions.update("s").modify(|session| session.changed = 7).send().await.unwrap();
    assert_eq!(bench.number("s", "changed").await, now, "nothing has changed");
    sessions.batch_put([session(None)]).send().await.unwrap();
    assert_eq!(bench.number("s", "changed").await, now + 100);
}
