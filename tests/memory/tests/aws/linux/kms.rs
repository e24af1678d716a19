//! The copies of KMS responses that the AWS SDK leaves in memory.

use std::ops::Range;

use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use envelope_core::{Context, DataKey, Recipient, open, seal};
use envelope_dynamo::KmsKeyProvider;
use envelope_memory_tests::{
    Find, Form, Place, Search, Service, alone, found_besides, leave_behind,
};

use super::sockets::listen;
use super::{KEYS, masked_key, run};

pub(crate) const KEY: &str =
    "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const RECORDS: usize = 50;

/// Responds like KMS, with keys of a seed. The body of a response is the only copy of its key.
#[derive(Clone, Debug)]
pub(crate) struct Double;

/// A response of KMS. The `CiphertextBlob` contains `number`.
pub(crate) fn answer(number: usize) -> Vec<u8> {
    let (key, padding) = (masked_key(number), "=\"}");
    let head = format!(
        "{{\"KeyId\":\"{KEY}\",\"CiphertextBlob\":\"{}{number:04}\",\"Plaintext\":\"",
        "AAAA".repeat(20)
    );
    let mut body = Vec::with_capacity(head.len() + 43 + padding.len());
    body.extend(head.as_bytes());
    (0..43).for_each(|at| body.push(key.base64_digit(at)));
    body.extend(padding.as_bytes());
    body
}

/// The number of the data key of a request: that in its `CiphertextBlob`, or the next one.
pub(crate) fn number_in(request: &[u8], next: impl FnOnce() -> usize) -> usize {
    let text = std::str::from_utf8(request).unwrap();
    match text.split_once("\"CiphertextBlob\":\"") {
        Some((_, rest)) => rest.split_once('"').unwrap().0[80..84].parse().unwrap(),
        None => next(),
    }
}

pub(crate) fn next_key() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl HttpClient for Double {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Double {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let number = number_in(request.body().bytes().unwrap(), next_key);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(
            200.try_into().unwrap(),
            SdkBody::from(answer(number)),
        )))
    }
}

fn provider(url: &str, http: impl HttpClient + 'static) -> KmsKeyProvider {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("emulator", "emulator", None, None, "tests"))
        .endpoint_url(url)
        .http_client(http)
        .build();
    KmsKeyProvider::new(aws_sdk_kms::Client::from_conf(config), KEY)
}

/// Seals and opens a number of records, and returns the numbers of their data keys.
fn seal_and_open(provider: &KmsKeyProvider) -> Range<usize> {
    let context = Context::new("letters");
    run(async {
        let first = next_key() + 1;
        for _ in 0..RECORDS {
            let sealed = seal(b"dear", &context, provider).await.unwrap();
            assert_eq!(open(&sealed, &context, provider).await.unwrap().expose(), b"dear");
        }
        first..first + RECORDS
    })
}

fn sought(keys: Range<usize>) -> Search {
    let mut search = Search::default();
    keys.for_each(|number| search.add("data key", &masked_key(number)));
    search
}

/// One copy of each response stays, in base64: the body, which the SDK drops without wiping. The
/// last key also stays on the stack, where it was decoded, until another call overwrites it.
#[track_caller]
fn assert_one_body_for_each_answer(finds: &[Find], keys: &Range<usize>) {
    let (stack, heap): (Vec<_>, Vec<_>) = finds.iter().partition(|find| find.place == Place::Stack);
    let summary = Find::summary(finds);
    assert!(finds.iter().all(|find| find.form == Form::Base64), "{summary}");
    assert!(stack.iter().all(|find| find.number == keys.len() - 1), "{summary}");
    for number in 0..keys.len() {
        // GenerateDataKey and Decrypt.
        assert_eq!(
            heap.iter().filter(|find| find.number == number).count(),
            2,
            "data key {number}\n{summary}"
        );
    }
}

#[test]
fn the_sdk_leaves_the_body_of_each_response() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let provider = provider("http://kms.invalid", Double);
        (seal_and_open(&provider), provider)
    });
    let stack = service.stack();
    let (keys, _) = &service.output;
    assert_one_body_for_each_answer(&found_besides(|| sought(keys.clone()), stack), keys);
}

/// As before: the body consists of the buffers that the connection reads.
#[test]
fn a_connection_leaves_no_more_than_the_sdk() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let provider = provider(&listen(), aws_smithy_http_client::Builder::new().build_http());
        (seal_and_open(&provider), provider)
    });
    let stack = service.stack();
    let (keys, _) = &service.output;
    assert_one_body_for_each_answer(&found_besides(|| sought(keys.clone()), stack), keys);
}

/// To wrap a data key for a further KMS key, it is sent to KMS.
#[test]
fn the_sdk_leaves_the_plaintext_of_encrypt() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        let (provider, number) = (provider("http://kms.invalid", Double), next_key());
        let data_key = DataKey::from_slice(&KEYS.key(number)).unwrap();
        run(provider.wrap_data_key(&data_key, &Context::new("letters").encryption_context()))
            .unwrap();
        number..number + 1
    });
    let keys = &service.output;
    let finds = found_besides(|| sought(keys.clone()), service.stack());
    let count =
        |form| finds.iter().filter(|find| find.form == form && find.place == Place::Heap).count();
    // The blob, its text in base64, the growing JSON, and the body.
    assert_eq!((count(Form::Plain), count(Form::Base64)), (1, 3), "{}", Find::summary(&finds));
}
