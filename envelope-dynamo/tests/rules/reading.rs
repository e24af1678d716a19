//! Streams of records: what is under way between two records, and what a caller that goes away
//! leaves behind.
//!
//! Time stands still but for sleepers, so a call that never ends fails at once, and nothing waits.

mod bounded;

use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{AsyncSleep, Sleep};
use bounded::Bounded;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{Envelope, Error, Table};
use envelope_examples::{Faults, Servers};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

/// Longer than any call lasts.
const FOREVER: Duration = Duration::from_secs(86_400);
/// More polls than any call needs.
const MANY: usize = 10_000;
const DEADLINE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes", index(name = "by-topic", partition_key = topic))]
struct Note {
    #[partition_key]
    author: String,
    #[sort_key]
    number: u32,
    #[encrypted]
    text: String,
    #[plaintext]
    topic: String,
}

fn note(number: u32) -> Note {
    Note { author: "a_1".into(), number, text: format!("note {number}"), topic: "rust".into() }
}

fn notes(numbers: std::ops::Range<u32>) -> Vec<Note> {
    numbers.map(note).collect()
}

/// A table of forty notes.
struct Bench {
    notes: Table<Note>,
    dynamodb: Faults,
    keys: TestKeyProvider,
}

impl Bench {
    /// With at most `calls` calls for data keys at a time.
    async fn permits(calls: usize) -> Self {
        let servers = Servers::embedded().await.expect("the embedded servers start");
        let (dynamodb, keys) = (Faults::new(), TestKeyProvider::default());
        let client = servers.dynamodb_through(&dynamodb);
        let timeouts = TimeoutConfig::builder().operation_timeout(DEADLINE).build();
        let config = client.config().to_builder().sleep_impl(TokioSleep).timeout_config(timeouts);
        let provider =
            Bounded { keys: keys.clone(), permits: Semaphore::new(calls), deadline: DEADLINE };
        let notes =
            Table::<Note>::new(aws_sdk_dynamodb::Client::from_conf(config.build()), provider);
        notes.create_table().send().await.expect("the table is created");
        notes.batch_put(self::notes(0..40)).send().await.expect("the notes are stored");
        dynamodb.forget_calls();
        Self { notes, dynamodb, keys }
    }

    /// How many calls to unwrap a data key were made.
    fn calls(&self) -> u64 {
        self.keys.unwrap_calls()
    }

    async fn get(&self, number: u32) -> Option<Note> {
        ends(self.notes.get(("a_1", number)).send()).await.expect("the note opens")
    }
}

/// Sleeps by tokio's clock, which the tests stop.
#[derive(Debug)]
struct TokioSleep;

impl AsyncSleep for TokioSleep {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(duration))
    }
}

/// The outcome of a call that must come to an end while nobody polls anything else.
async fn ends<F: Future>(call: F) -> F::Output {
    timeout(FOREVER, call).await.expect("the call comes to an end")
}

/// Polls a call until `is_enough`, and gives it up.
async fn give_up<F: Future>(call: F, is_enough: impl Fn() -> bool) {
    let mut call = Box::pin(call);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..MANY {
        if is_enough() {
            return;
        }
        assert!(call.as_mut().poll(&mut context).is_pending(), "the call is over too early");
        yield_now().await;
    }
    panic!("the call does not get as far");
}

async fn rest(records: &mut envelope_dynamo::read::Records<Note>) -> Vec<Note> {
    ends(records.try_collect()).await.expect("every note opens")
}

#[tokio::test(start_paused = true)]
async fn a_get_between_two_records_of_a_stream_does_not_wait_for_it() {
    for permits in [1, 4, 8] {
        let bench = Bench::permits(permits).await;
        let mut records =
            bench.notes.scan().page_size(20).stream().expect("the reading is in order");
        let mut read = 0;
        while let Some(record) = ends(records.next()).await {
            let record: Note = record.expect("the note opens");
            assert_eq!(bench.get(record.number).await, Some(record));
            read += 1;
        }
        assert_eq!((read, bench.calls()), (40, 80), "{permits}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_put_between_two_records_of_a_batch_does_not_wait_for_it() {
    for permits in [1, 4, 8] {
        let bench = Bench::permits(permits).await;
        let mut records = bench.notes.batch_get((0..50).map(|number| ("a_1", number))).stream();
        let mut read = 0;
        while let Some((_, record)) = ends(records.next()).await {
            if let Some(record) = record.expect("the note opens") {
                ends(bench.notes.put(&record).send()).await.expect("the note is stored");
                read += 1;
            }
        }
        assert_eq!((read, bench.calls()), (40, 40), "{permits}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_streams_read_in_turns_do_not_wait_for_each_other() {
    for permits in [1, 4] {
        let bench = Bench::permits(permits).await;
        let mut one =
            bench.notes.query("a_1").page_size(7).stream().expect("the reading is in order");
        let mut other =
            bench.notes.scan().segments(3).page_size(5).stream().expect("the reading is in order");
        let mut batch = bench.notes.batch_get((0..40).map(|number| ("a_1", number))).stream();
        for number in 0..40 {
            let record = ends(one.next()).await.expect("a note").expect("the note opens");
            assert_eq!(record, note(number));
            ends(other.next()).await.expect("a note").expect("the note opens");
            ends(batch.next()).await.expect("a note").1.expect("the note opens");
        }
        assert!(ends(one.next()).await.is_none() && ends(other.next()).await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_slower_than_the_deadline_loses_no_record() {
    let bench = Bench::permits(4).await;
    let mut records =
        bench.notes.query("a_1").page_size(9).stream().expect("the reading is in order");
    let mut batch = bench.notes.batch_get((0..40).map(|number| ("a_1", number))).stream();
    for number in 0..40 {
        let record = ends(records.next()).await.expect("a note");
        assert_eq!(record.expect("the note opens"), note(number));
        let (_, record) = ends(batch.next()).await.expect("a note");
        assert!(record.expect("the note opens").is_some());
        sleep(DEADLINE * 10).await;
    }
    assert!(ends(records.next()).await.is_none());
    assert_eq!(bench.calls(), 80);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_of_next_gives_its_permits_back() {
    let bench = Bench::permits(1).await;
    let mut records = bench.notes.query("a_1").stream().expect("the reading is in order");
    let mut batch = bench.notes.batch_get((0..40).map(|number| ("a_1", number))).stream();
    bench.keys.hold();
    give_up(records.next(), || bench.calls() == 1).await;
    give_up(batch.next(), || bench.calls() == 2).await;
    bench.keys.release();
    assert_eq!(bench.get(7).await, Some(note(7)));
    // Once more, when two notes of each window are open.
    give_up(records.next(), || bench.calls() >= 6).await;
    give_up(batch.next(), || bench.calls() >= 9).await;
    assert_eq!(bench.get(8).await, Some(note(8)));
    assert_eq!(rest(&mut records).await, notes(0..40));
    let mut read = 0;
    while let Some((_, record)) = ends(batch.next()).await {
        assert!(record.expect("the note opens").is_some());
        read += 1;
    }
    assert_eq!(read, 40);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_gives_its_permits_back() {
    let bench = Bench::permits(1).await;
    bench.keys.hold();
    let mut records = bench.notes.query("a_1").stream().expect("the reading is in order");
    give_up(records.next(), || bench.calls() == 1).await;
    drop(records);
    bench.keys.release();
    assert_eq!(bench.get(7).await, Some(note(7)));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_time_ran_out_while_nobody_polled_it_is_sent_again() {
    let bench = Bench::permits(4).await;
    let mut records = bench.notes.query("a_1").stream().expect("the reading is in order");
    let mut batch = bench.notes.batch_get((0..40).map(|number| ("a_1", number))).stream();
    for operation in ["Query", "BatchGetItem"] {
        bench.dynamodb.hold(operation);
    }
    give_up(records.next(), || bench.dynamodb.calls("Query") == 1).await;
    give_up(batch.next(), || bench.dynamodb.calls("BatchGetItem") == 1).await;
    sleep(DEADLINE * 10).await;
    let both = async {
        let read: Result<Vec<Note>, Error> = records.try_collect().await;
        assert_eq!(read.expect("every note opens"), notes(0..40));
        while let Some((_, record)) = batch.next().await {
            assert!(record.expect("the note opens").is_some());
        }
    };
    let release = async {
        for operation in ["Query", "BatchGetItem"] {
            for _ in 0..MANY {
                if bench.dynamodb.calls(operation) == 2 {
                    break;
                }
                yield_now().await;
            }
            bench.dynamodb.release(operation);
        }
    };
    ends(async { tokio::join!(both, release) }).await;
    assert_eq!((bench.dynamodb.calls("Query"), bench.dynamodb.calls("BatchGetItem")), (2, 2));
}
