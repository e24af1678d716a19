//! Calls that are cut short again and again, and tries whose answers were lost before another one
//! was refused.

#![allow(clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use envelope_dynamo::error::{ServiceError, WriteError};
use envelope_dynamo::keys::{DataKey, GeneratedKey, KeyFuture, Recipient, WrappedKey};
use envelope_dynamo::message::EncryptionContext;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{
    Envelope, ErrorKind, KmsKeyProvider, LocalKeyProvider, RootKey, Table, UnwrapKey, WrapKey,
    WriteOutcome, transact_write,
};
use envelope_examples::{Fault as Injected, Faults, Servers};
use tokio::task::yield_now;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument as _, Metadata, Subscriber};
use tracing_core::span::Current;

use super::setup::Setup;

/// More calls of `next` than any stream here needs.
const MANY: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "letters")]
struct Letter {
    #[partition_key]
    author: String,
    #[sort_key]
    number: u32,
    #[encrypted]
    text: String,
    #[plaintext]
    readers: u64,
}

fn letter(number: u32) -> Letter {
    Letter { author: "a_1".into(), number, text: format!("letter {number}"), readers: 0 }
}

/// Data keys that take longer than a caller waits who gives up each call of `next` at once.
#[derive(Debug)]
struct Slow(TestKeyProvider);

impl WrapKey for Slow {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        self.0.generate(context)
    }
}

impl UnwrapKey for Slow {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move {
            for _ in 0..5 {
                yield_now().await;
            }
            self.0.unwrap_key(wrapped, context).await
        })
    }
}

async fn slow_letters(setup: &Setup) -> Table<Letter> {
    let letters = setup.table::<Letter>().await;
    letters
        .batch_put((0..20).map(letter).collect::<Vec<_>>())
        .send()
        .await
        .expect("the letters are stored");
    Table::new(setup.dynamodb.clone(), Slow(setup.keys.clone()))
}

/// The output of a call that another branch of a `select!` cuts short, if the call was fast enough.
async fn unless_cut_short<F: Future>(call: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = call => Some(output),
        () = yield_now() => None,
    }
}

#[tokio::test]
async fn a_stream_whose_calls_of_next_are_all_cut_short_goes_on() {
    let setup = Setup::new().await;
    let letters = slow_letters(&setup).await;
    let mut records = letters.query("a_1").stream().expect("the reading is in order");
    let mut batch = letters.batch_get((0..20).map(|number| ("a_1", number))).stream();
    let (mut read, mut found) = (Vec::new(), 0);
    for _ in 0..MANY {
        if let Some(Some(record)) = unless_cut_short(records.next()).await {
            read.push(record.expect("the letter opens"));
        }
        if let Some(Some((_, record))) = unless_cut_short(batch.next()).await {
            found += usize::from(record.expect("the letter opens").is_some());
        }
    }
    assert_eq!(found, 20);
    assert_eq!(read, (0..20).map(letter).collect::<Vec<_>>());
}

/// A connection on which every answer takes a while.
#[derive(Clone, Debug)]
struct SlowHttp<C>(C);

impl HttpClient for SlowHttp<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(SlowHttp(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for SlowHttp<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async {
            for _ in 0..5 {
                yield_now().await;
            }
            answer.await
        })
    }
}

#[tokio::test]
async fn a_refused_request_is_told_to_a_caller_that_cuts_each_call_short() {
    let setup = Setup::new().await;
    setup.table::<Letter>().await;
    for operation in ["Query", "BatchGetItem"] {
        setup.faults.fail_always(operation, Injected::error("AccessDeniedException"));
    }
    let config = setup.dynamodb.config();
    let http = SlowHttp(config.http_client().expect("the embedded server's"));
    let slow = aws_sdk_dynamodb::Client::from_conf(config.to_builder().http_client(http).build());
    let letters = Table::<Letter>::new(slow, setup.keys.clone());

    let mut records = letters.query("a_1").stream().expect("the reading is in order");
    let mut batch = letters.batch_get([("a_1", 1)]).stream();
    let mut told = (false, false);
    for _ in 0..100 {
        if let Some(record) = unless_cut_short(records.next()).await {
            told.0 |= record.is_some_and(|record| record.is_err());
        }
        if let Some(record) = unless_cut_short(batch.next()).await {
            told.1 |= record.is_some_and(|(_, record)| record.is_err());
        }
    }
    assert_eq!(told, (true, true));
    assert_eq!(["Query", "BatchGetItem"].map(|operation| setup.faults.calls(operation)), [2, 2]);
}

fn local(root: u8) -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::from_bytes(&[root; 32]).expect("a root key"))
}

#[tokio::test]
async fn a_rewrap_that_was_carried_out_before_a_conflict_is_found_out() {
    let setup = Setup::new().await;
    setup.table::<Letter>().await;
    let letters = Table::<Letter>::new(setup.dynamodb.clone(), local(1));
    letters.put(&letter(1)).send().await.expect("the letter is stored");
    let (from, new) = (local(1), local(2));
    let to: [&dyn Recipient; 1] = [&new];

    setup.faults.fail_next("UpdateItem", Injected::LoseReply);
    setup.faults.fail_next("UpdateItem", Injected::error("TransactionConflictException"));
    let moved =
        letters.rewrap(("a_1", 1)).unwrap_and_wrap(&from, &to).send().await.expect("it was moved");
    assert_eq!(moved.expect("there is such a letter").moved(), ["encrypted_dek"]);
    assert_eq!(setup.faults.calls("UpdateItem"), 2);
}

#[tokio::test]
async fn a_rewrap_that_fails_after_a_lost_answer_is_in_doubt() {
    let setup = Setup::new().await;
    setup.table::<Letter>().await;
    let letters = Table::<Letter>::new(setup.dynamodb.clone(), local(1));
    let (from, new) = (local(1), local(2));
    let to: [&dyn Recipient; 1] = [&new];
    let rewrap = || letters.rewrap(("a_1", 1)).unwrap_and_wrap(&from, &to).send();

    letters.put(&letter(1)).send().await.expect("the letter is stored");
    setup.faults.fail_next("UpdateItem", Injected::LoseReply);
    setup.faults.fail_next("UpdateItem", Injected::error("TransactionConflictException"));
    setup.faults.hold("UpdateItem");
    let refusing = async {
        while setup.faults.calls("UpdateItem") == 0 {
            yield_now().await;
        }
        setup.faults.fail_next("GetItem", Injected::error("AccessDeniedException"));
        setup.faults.release("UpdateItem");
    };
    let (outcome, ()) = tokio::join!(rewrap(), refusing);
    let error = outcome.expect_err("the record cannot be read again");
    assert!(matches!(error.kind(), ErrorKind::DynamoDb(ServiceError::Request(_))), "{error}");
    assert_eq!(
        (error.write_outcome(), error.is_retryable()),
        (WriteOutcome::Unknown, false),
        "{error}"
    );

    letters.put(&letter(1)).send().await.expect("the letter is stored");
    setup.faults.fail_next("UpdateItem", Injected::Io);
    setup.faults.fail_always("UpdateItem", Injected::error("TransactionConflictException"));
    tokio::time::pause();
    let error = rewrap().await.expect_err("a transaction is always writing it");
    assert!(
        matches!(error.kind(), ErrorKind::Write(WriteError::Conflict { tries: 16 })),
        "{error}"
    );
    assert_eq!(
        (error.write_outcome(), error.is_retryable()),
        (WriteOutcome::Unknown, true),
        "{error}"
    );
}

#[tokio::test]
async fn a_prepared_transaction_stays_in_doubt_when_a_later_send_is_refused() {
    const WRITE: &str = "TransactWriteItems";
    let setup = Setup::new().await;
    let letters = setup.table::<Letter>().await;
    letters.put(&letter(1)).send().await.expect("the letter is stored");
    let update =
        || transact_write(&setup.dynamodb).update(letters.update(("a_1", 1)).add(|l| l.readers, 1));
    let refused = || setup.faults.fail_next(WRITE, Injected::error("AccessDeniedException"));

    let prepared = update().prepare().await.expect("prepared");
    setup.faults.fail_always(WRITE, Injected::LoseReply);
    assert!(prepared.send().await.expect_err("no answer").is_in_doubt());
    setup.faults.recover(WRITE);
    refused();
    let error = prepared.send().await.expect_err("refused");
    assert_eq!(
        error.write_outcome(),
        WriteOutcome::Unknown,
        "the first one has been carried out: {error}"
    );
    prepared.send().await.expect("known by its token");

    let prepared = update().prepare().await.expect("prepared");
    (0..3).for_each(|_| {
        setup.faults.fail_next(WRITE, Injected::error("TransactionInProgressException"))
    });
    refused();
    let error = prepared.send().await.expect_err("refused");
    assert_eq!(error.write_outcome(), WriteOutcome::Unknown, "it was in progress: {error}");

    // Dropped with its request on its way.
    let prepared = update().prepare().await.expect("prepared");
    let calls = setup.faults.calls(WRITE);
    setup.faults.hold(WRITE);
    while setup.faults.calls(WRITE) == calls {
        assert!(unless_cut_short(prepared.send()).await.is_none());
    }
    setup.faults.release(WRITE);
    refused();
    let error = prepared.send().await.expect_err("refused");
    assert_eq!(
        error.write_outcome(),
        WriteOutcome::Unknown,
        "nobody knows how far it came: {error}"
    );

    // What has its own cause of failure is known.
    let prepared = update().prepare().await.expect("prepared");
    refused();
    assert_eq!(
        prepared.send().await.expect_err("refused").write_outcome(),
        WriteOutcome::NotWritten
    );
}

/// Spans by name, each with the name of the one around it.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    metadata: Vec<&'static Metadata<'static>>,
    parents: Vec<(&'static str, Option<&'static str>)>,
    entered: Vec<u64>,
}

impl Seen {
    fn name(&self, id: u64) -> Option<&'static str> {
        self.metadata.get(usize::try_from(id).ok()?.checked_sub(1)?).map(|metadata| metadata.name())
    }
}

struct Nothing;

impl Visit for Nothing {
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Nothing);
        let mut seen = self.0.lock().expect("nobody panics");
        let parent = match span.parent() {
            Some(parent) => Some(parent.into_u64()),
            None => seen.entered.last().copied(),
        };
        let parent = parent.and_then(|parent| seen.name(parent));
        seen.metadata.push(span.metadata());
        seen.parents.push((span.metadata().name(), parent));
        Id::from_u64(seen.metadata.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        self.0.lock().expect("nobody panics").entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut seen = self.0.lock().expect("nobody panics");
        if let Some(at) = seen.entered.iter().rposition(|entered| *entered == span.into_u64()) {
            seen.entered.remove(at);
        }
    }

    fn current_span(&self) -> Current {
        let seen = self.0.lock().expect("nobody panics");
        match seen.entered.last() {
            Some(id) => Current::new(
                Id::from_u64(*id),
                seen.metadata[usize::try_from(*id).expect("small") - 1],
            ),
            None => Current::none(),
        }
    }
}

#[tokio::test]
async fn a_call_to_kms_is_traced_within_the_span_of_its_caller() {
    let servers = Servers::embedded().await.expect("the embedded servers start");
    let provider = KmsKeyProvider::new(servers.kms_through(&Faults::new()), servers.kms_key_id());
    let context = envelope_dynamo::message::Context::new("letters").encryption_context();
    let spans = Spans::default();
    let guard = tracing::subscriber::set_default(spans.clone());
    let made = provider.generate(&context).instrument(tracing::info_span!("caller")).await;
    drop(guard);
    made.expect("a data key");
    let seen = spans.0.lock().expect("nobody panics");
    assert!(seen.parents.contains(&("kms", Some("caller"))), "{:?}", seen.parents);
}
