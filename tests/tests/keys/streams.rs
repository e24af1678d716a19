//! Streams, with the data keys of KMS and of other providers.

use std::time::Duration;

use envelope_dynamo::error::{KeyErrorKind, OpenError, SealError};
use envelope_dynamo::keys::{CacheLimits, MultiKeyProvider, RsaRecipient, SharingLimits};
use envelope_dynamo::message::{Context, ContextForm};
use envelope_dynamo::stream::{OpenStreamErrorKind, SealStreamError, open_stream, seal_stream};
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{
    CachedKeyProvider, KeyProvider, KmsKeyProvider, KmsKeyWrapper, SharedKeyProvider,
};
use envelope_examples::servers::create_kms_key;
use envelope_examples::{Fault, Faults, Servers};
use envelope_tests::{rsa_private_key, rsa_public_key};
use serde_json::{Value, json};

const CHUNK: usize = 65_536;

fn context() -> Context<'static> {
    Context::new("invoices").pair("object", "2026/11/invoice-7.pdf").unwrap()
}

fn plaintext(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

async fn comes_back_through(provider: &dyn KeyProvider, context: &Context<'_>) {
    let (plaintext, mut stream, mut opened) = (plaintext(2 * CHUNK + 5), Vec::new(), Vec::new());
    seal_stream(&plaintext[..], &mut stream, context, provider).await.unwrap();
    open_stream(&stream[..], &mut opened, context, provider).await.unwrap();
    assert_eq!(opened, plaintext);
}

#[tokio::test]
async fn a_stream_of_any_length_is_one_call_to_seal_and_one_to_open() {
    let (servers, calls) = (Servers::from_env().await.unwrap(), Faults::new());
    let key = create_kms_key(servers.kms()).await.unwrap();
    let provider = KmsKeyProvider::new(servers.kms_through(&calls), &key);
    comes_back_through(&provider, &context()).await;
    assert_eq!((calls.calls("GenerateDataKey"), calls.calls("Decrypt")), (1, 1));

    let generated: Value = serde_json::from_slice(&calls.requests("GenerateDataKey")[0]).unwrap();
    let shown = json!({ "table": "invoices", "object": "2026/11/invoice-7.pdf" });
    assert_eq!(generated["EncryptionContext"], shown);
}

#[tokio::test]
async fn a_stream_moved_to_another_object_is_refused_by_kms() {
    let servers = Servers::from_env().await.unwrap();
    let key = create_kms_key(servers.kms()).await.unwrap();
    let provider = KmsKeyProvider::new(servers.kms().clone(), &key);
    let mut stream = Vec::new();
    // A write-only service can seal, too.
    let writer = KmsKeyWrapper::new(servers.kms().clone(), &key);
    seal_stream(&b"text"[..], &mut stream, &context(), &writer).await.unwrap();

    let elsewhere = Context::new("invoices").pair("object", "2026/11/invoice-8.pdf").unwrap();
    let mut opened = Vec::new();
    let error = open_stream(&stream[..], &mut opened, &elsewhere, &provider).await.unwrap_err();
    let OpenStreamErrorKind::Open(OpenError::Key(key_error)) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(key_error.kind(), KeyErrorKind::ContextMismatch);
    assert!(opened.is_empty());
    open_stream(&stream[..], &mut opened, &context(), &provider).await.unwrap();
    assert_eq!(opened, b"text");
}

#[tokio::test]
async fn without_a_data_key_nothing_is_written() {
    let (servers, faults) = (Servers::from_env().await.unwrap(), Faults::new());
    let key = create_kms_key(servers.kms()).await.unwrap();
    let provider = KmsKeyProvider::new(servers.kms_through(&faults), &key);
    let mut stream = Vec::new();
    faults.fail_always("GenerateDataKey", Fault::error("AccessDeniedException"));
    let error = seal_stream(&b"text"[..], &mut stream, &context(), &provider).await.unwrap_err();
    let SealStreamError::Seal(SealError::Key(key_error)) = &error else { panic!("{error:?}") };
    assert_eq!((key_error.kind(), stream.len()), (KeyErrorKind::AccessDenied, 0));

    faults.recover("GenerateDataKey");
    seal_stream(&b"text"[..], &mut stream, &context(), &provider).await.unwrap();
    faults.fail_always("Decrypt", Fault::error("DisabledException"));
    let mut opened = Vec::new();
    let error = open_stream(&stream[..], &mut opened, &context(), &provider).await.unwrap_err();
    let OpenStreamErrorKind::Open(OpenError::Key(key_error)) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!((key_error.kind(), opened.len()), (KeyErrorKind::KeyDisabled, 0));
}

#[tokio::test]
async fn another_context_form_is_refused_before_any_call() {
    let provider = TestKeyProvider::default();
    let mut stream = Vec::new();
    seal_stream(&b"text"[..], &mut stream, &context(), &provider).await.unwrap();
    let hashed = context().form(ContextForm::Hashed);
    let error = open_stream(&stream[..], &mut Vec::new(), &hashed, &provider).await.unwrap_err();
    assert!(
        matches!(error.kind(), OpenStreamErrorKind::Open(OpenError::ContextForm { .. })),
        "{error:?}"
    );
    assert_eq!(provider.unwrap_calls(), 0);
}

#[tokio::test]
async fn streams_count_towards_the_bytes_of_a_shared_data_key() {
    let inner = TestKeyProvider::default();
    let limits = SharingLimits::new(Duration::from_secs(3600), 1000).max_bytes(3 * CHUNK as u64);
    let shared = SharedKeyProvider::new(inner.clone(), limits);
    let context = Context::new("invoices").form(ContextForm::Table);
    for generated in [1, 1, 2] {
        comes_back_through(&shared, &context).await;
        assert_eq!(inner.generate_calls(), generated);
    }
}

#[tokio::test]
async fn every_kind_of_provider_serves_streams() {
    let limits = CacheLimits::new(Duration::from_secs(60));
    comes_back_through(&TestKeyProvider::default(), &context()).await;
    comes_back_through(&CachedKeyProvider::new(TestKeyProvider::default(), limits), &context())
        .await;
    let rsa = MultiKeyProvider::new(TestKeyProvider::default()).also_opens_with(rsa_private_key());
    comes_back_through(&rsa, &context()).await;

    let (mut stream, mut opened) = (Vec::new(), Vec::new());
    let partner = RsaRecipient::new(rsa_public_key()).unwrap();
    seal_stream(&b"from a partner"[..], &mut stream, &context(), &partner).await.unwrap();
    open_stream(&stream[..], &mut opened, &context(), &rsa).await.unwrap();
    assert_eq!(opened, b"from a partner");
}
