//! KMS under load: concurrent calls, slow calls, dropped calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_kms::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use envelope_dynamo::KmsKeyProvider;
use envelope_dynamo::error::{KeyError, KeyErrorKind, OpenError, SealError};
use envelope_dynamo::message::{Context, Sealed, open, seal};
use envelope_examples::{Fault, Faults, Servers};
use tokio::task::{JoinSet, yield_now};
use tokio::time::Instant;

const KEY_CALL: &str = "GenerateDataKey";

/// A provider behind faults, limited by `limits`.
async fn bench(
    limits: impl FnOnce(KmsKeyProvider) -> KmsKeyProvider,
) -> (Arc<KmsKeyProvider>, Faults) {
    let servers = Servers::embedded().await.unwrap();
    let faults = Faults::new();
    let provider = KmsKeyProvider::new(servers.kms_through(&faults), servers.kms_key_id());
    (Arc::new(limits(provider)), faults)
}

fn letter(to: &str) -> Context<'_> {
    Context::new("letters").pair("to", to).unwrap()
}

async fn write(provider: &KmsKeyProvider, to: &str) -> Result<Sealed, KeyError> {
    seal(b"dear", &letter(to), provider).await.map_err(|error| match error {
        SealError::Key(error) => error,
        other => panic!("not about a key: {other}"),
    })
}

async fn called(faults: &Faults, calls: usize) {
    while faults.calls(KEY_CALL) < calls {
        yield_now().await;
    }
}

/// Counts concurrent calls in front of a client. Each call lasts long enough for others to start.
#[derive(Clone, Debug)]
struct Gauge {
    inner: SharedHttpClient,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

impl HttpClient for Gauge {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(GaugedConnector { inner, counts: Arc::clone(&self.counts) })
    }
}

#[derive(Debug)]
struct GaugedConnector {
    inner: SharedHttpConnector,
    counts: Arc<Counts>,
}

impl HttpConnector for GaugedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, counts) = (self.inner.clone(), Arc::clone(&self.counts));
        HttpConnectorFuture::new(async move {
            let now = counts.now.fetch_add(1, Ordering::SeqCst) + 1;
            counts.most.fetch_max(now, Ordering::SeqCst);
            counts.all.fetch_add(1, Ordering::SeqCst);
            for _ in 0..100 {
                yield_now().await;
            }
            let response = inner.call(request).await;
            counts.now.fetch_sub(1, Ordering::SeqCst);
            response
        })
    }
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_were_allowed() {
    for (allowed, expected) in [(Some(3), 3), (Some(0), 1), (None, 32)] {
        let servers = Servers::embedded().await.unwrap();
        let counts = Arc::<Counts>::default();
        let inner = servers.kms().config().http_client().unwrap();
        let config = servers
            .kms()
            .config()
            .to_builder()
            .http_client(Gauge { inner, counts: Arc::clone(&counts) });
        let kms = aws_sdk_kms::Client::from_conf(config.build());
        let provider = KmsKeyProvider::new(kms, servers.kms_key_id());
        let provider = Arc::new(match allowed {
            Some(calls) => provider.max_concurrent_calls(calls),
            None => provider,
        });
        let mut tasks = JoinSet::new();
        for task in 0..32 {
            let provider = Arc::clone(&provider);
            tasks.spawn(async move {
                let context = letter(if task % 2 == 0 { "grandmother" } else { "grandfather" });
                let sealed = seal(b"dear", &context, &*provider).await.unwrap();
                let blob = provider.encrypt_direct(b"dear", &context).await.unwrap();
                assert_eq!(open(&sealed, &context, &*provider).await.unwrap().expose(), b"dear");
                assert_eq!(
                    provider.decrypt_direct(&blob, &context).await.unwrap().expose(),
                    b"dear"
                );
            });
        }
        tasks.join_all().await;
        let [most, all] = [&counts.most, &counts.all].map(|count| count.load(Ordering::SeqCst));
        assert_eq!((most, all), (expected, 32 * 4), "{allowed:?} allowed");
    }
}

#[tokio::test]
async fn callers_are_served_in_the_order_in_which_they_came() {
    let (provider, faults) = bench(|provider| provider.max_concurrent_calls(1)).await;
    let names: Vec<_> = (10..30).map(|number| format!("cousin {number}")).collect();
    let mut tasks = JoinSet::new();
    for name in names.clone() {
        let provider = Arc::clone(&provider);
        tasks.spawn(async move { write(&provider, &name).await.unwrap() });
    }
    tasks.join_all().await;
    let served = faults.requests(KEY_CALL).into_iter().map(|request| {
        let request: serde_json::Value = serde_json::from_slice(&request).unwrap();
        request["EncryptionContext"]["to"].as_str().unwrap().to_owned()
    });
    assert_eq!(served.collect::<Vec<_>>(), names);
}

#[tokio::test]
async fn a_caller_that_gives_up_returns_its_permit_and_its_place() {
    let (provider, faults) = bench(|provider| provider.max_concurrent_calls(1)).await;
    let start = |to: &'static str| {
        let provider = Arc::clone(&provider);
        tokio::spawn(async move { write(&provider, to).await })
    };
    faults.hold(KEY_CALL);
    let first = start("first");
    called(&faults, 1).await;
    let (second, third) = (start("second"), start("third"));
    yield_now().await;
    second.abort();
    assert!(second.await.unwrap_err().is_cancelled());
    assert_eq!(faults.calls(KEY_CALL), 1, "the third waits for the first");
    first.abort();
    called(&faults, 2).await;
    faults.release(KEY_CALL);
    third.await.unwrap().unwrap();
    assert_eq!(faults.calls(KEY_CALL), 2);
}

#[tokio::test]
async fn a_failed_call_gives_back_its_permit() {
    let (provider, faults) = bench(|provider| provider.max_concurrent_calls(1)).await;
    for fault in [Fault::error("AccessDeniedException"), Fault::error("DisabledException")] {
        faults.fail_next(KEY_CALL, fault);
        write(&provider, "grandmother").await.unwrap_err();
    }
    write(&provider, "grandmother").await.unwrap();
}

#[tokio::test]
async fn a_call_without_an_answer_ends_at_its_deadline() {
    let (provider, faults) = bench(|provider| provider.deadline(Duration::from_secs(3))).await;
    let sealed = write(&provider, "grandmother").await.unwrap();
    faults.hold(KEY_CALL);
    faults.hold("Decrypt");
    tokio::time::pause();
    let start = Instant::now();
    let error = write(&provider, "grandmother").await.unwrap_err();
    let waited = start.elapsed().as_millis();
    assert_eq!((error.kind(), error.is_retryable()), (KeyErrorKind::Unreachable, true), "{error}");
    assert!((3_000..3_100).contains(&waited), "{waited} ms");

    let OpenError::Key(error) =
        open(&sealed, &letter("grandmother"), &*provider).await.unwrap_err()
    else {
        panic!("not about a key");
    };
    assert_eq!(error.kind(), KeyErrorKind::Unreachable, "{error}");
    tokio::time::resume();
    faults.release("Decrypt");
    open(&sealed, &letter("grandmother"), &*provider).await.unwrap();
}

#[tokio::test]
async fn the_deadline_ends_the_retries_as_well() {
    let retry = RetryConfig::standard()
        .with_max_attempts(1_000)
        .with_initial_backoff(Duration::from_secs(1));
    let (provider, faults) =
        bench(|provider| provider.retry(retry).deadline(Duration::from_secs(30))).await;
    faults.fail_always(KEY_CALL, Fault::error("ThrottlingException"));
    tokio::time::pause();
    let start = Instant::now();
    let error = write(&provider, "grandmother").await.unwrap_err();
    let waited = start.elapsed().as_secs();
    assert_eq!(error.kind(), KeyErrorKind::Unreachable, "{error}");
    assert_eq!(waited, 30);
    assert!((2..1_000).contains(&faults.calls(KEY_CALL)), "{}", faults.calls(KEY_CALL));
}

#[tokio::test]
async fn calls_are_retried_as_often_as_configured() {
    let (provider, faults) = bench(|provider| provider.retry(RetryConfig::disabled())).await;
    faults.fail_next(KEY_CALL, Fault::error("ThrottlingException"));
    assert_eq!(write(&provider, "grandmother").await.unwrap_err().kind(), KeyErrorKind::Throttled);
    assert_eq!(faults.calls(KEY_CALL), 1);

    let retry =
        RetryConfig::standard().with_max_attempts(6).with_initial_backoff(Duration::from_millis(1));
    let (provider, faults) = bench(|provider| provider.retry(retry)).await;
    (0..5).for_each(|_| faults.fail_next(KEY_CALL, Fault::error("ThrottlingException")));
    write(&provider, "grandmother").await.unwrap();
    assert_eq!(faults.calls(KEY_CALL), 6);
}
