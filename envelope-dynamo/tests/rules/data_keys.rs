//! Data keys from KMS: what a secret that KMS encrypts can stand for, and calls that nobody waits
//! for or polls.

#![allow(clippy::indexing_slicing)]

use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use envelope_dynamo::error::KeyErrorKind;
use envelope_dynamo::keys::{CacheLimits, EncryptedDek, KeyKind, WrappedKey};
use envelope_dynamo::message::{Context, ContextForm, EncryptionContext};
use envelope_dynamo::{CachedKeyProvider, KmsKeyProvider, UnwrapKey, WrapKey};
use envelope_examples::{Fault, Faults, Servers};
use tokio::task::yield_now;

const GENERATE: &str = "GenerateDataKey";
const DECRYPT: &str = "Decrypt";

/// A KMS behind faults.
struct Kms {
    servers: Servers,
    faults: Faults,
}

impl Kms {
    async fn new() -> Self {
        Self {
            servers: Servers::embedded().await.expect("the embedded servers start"),
            faults: Faults::new(),
        }
    }

    fn provider(&self) -> KmsKeyProvider {
        KmsKeyProvider::new(self.servers.kms_through(&self.faults), self.servers.kms_key_id())
    }

    async fn called(&self, operation: &str, calls: usize) {
        while self.faults.calls(operation) < calls {
            yield_now().await;
        }
    }
}

fn place(id: &str) -> Context<'static> {
    Context::new("letters")
        .form(ContextForm::Table)
        .pair("id", id.to_owned())
        .expect("a pair that is not reserved")
}

fn context(id: &str) -> EncryptionContext {
    place(id).encryption_context()
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut TaskContext::from_waker(Waker::noop()))
}

/// Time for whatever tasks there are to come to their end.
async fn let_tasks_run() {
    for _ in 0..1_000 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_secret_that_kms_encrypted_is_no_data_key() {
    let kms = Kms::new().await;
    let provider = kms.provider();
    let real = provider.generate(&context("1")).await.expect("a data key").wrapped;
    let blob =
        provider.encrypt_direct(&[7; 32], &place("1")).await.expect("the secret is encrypted");
    let forged = WrappedKey::new(KeyKind::AWS_KMS, real[0].id(), blob).expect("a wrapped key");
    let error = provider.unwrap_key(&[forged], &context("1")).await.expect_err("a chosen data key");
    assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
}

#[tokio::test]
async fn the_data_key_of_a_record_does_not_decrypt_as_a_secret() {
    let kms = Kms::new().await;
    let provider = kms.provider();
    let provisioned = provider.generate_without_plaintext(&place("1")).await.expect("a data key");
    let dek = EncryptedDek::parse(&provisioned).expect("an encrypted_dek");
    let generated = provider.generate(&context("1")).await.expect("a data key").wrapped;
    for wrapped in [&dek.keys()[0], &generated[0]] {
        let error = provider
            .decrypt_direct(wrapped.bytes(), &place("1"))
            .await
            .expect_err("a data key given out");
        assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
        provider
            .unwrap_key(std::slice::from_ref(wrapped), &context("1"))
            .await
            .expect("it is the record's");
    }
}

#[tokio::test]
async fn kms_is_told_that_a_secret_is_no_data_key() {
    let kms = Kms::new().await;
    let provider = kms.provider();
    let blob =
        provider.encrypt_direct(b"tok_1", &place("1")).await.expect("the secret is encrypted");
    provider.decrypt_direct(&blob, &place("1")).await.expect("the secret");
    for operation in ["Encrypt", DECRYPT] {
        let request: serde_json::Value =
            serde_json::from_slice(&kms.faults.requests(operation)[0]).expect("JSON");
        let expected = serde_json::json!({"table": "letters", "id": "1", "envelope": "direct"});
        assert_eq!(request["EncryptionContext"], expected, "{operation}");
    }
}

#[tokio::test]
async fn readers_cut_off_by_a_timeout_give_back_their_permits() {
    let kms = Kms::new().await;
    let provider = CachedKeyProvider::new(
        kms.provider().max_concurrent_calls(2),
        CacheLimits::new(Duration::MAX),
    );
    let mut wrapped = Vec::new();
    for id in ["1", "2", "3"] {
        wrapped.push(provider.generate(&context(id)).await.expect("a data key").wrapped);
    }
    kms.faults.hold(DECRYPT);
    for (wrapped, id) in wrapped.iter().zip(["1", "2"]) {
        let context = context(id);
        let mut reader = pin!(provider.unwrap_key(wrapped, &context));
        assert!(poll(reader.as_mut()).is_pending());
    }
    let third = context("3");
    let mut reader = pin!(provider.unwrap_key(&wrapped[2], &third));
    assert!(poll(reader.as_mut()).is_pending());
    kms.called(DECRYPT, 1).await;
    kms.faults.release(DECRYPT);
    reader.await.expect("the third reader has a permit");
}

/// A stream between two records, the branch of a `select!` that is not chosen: alive, and not
/// polled.
#[tokio::test]
async fn a_caller_that_is_not_polled_keeps_no_permit() {
    let kms = Kms::new().await;
    let provider = kms.provider().max_concurrent_calls(1);
    kms.faults.hold(GENERATE);
    let contexts = ["1", "2", "3"].map(context);
    let (mut paused, mut queued) =
        (pin!(provider.generate(&contexts[0])), pin!(provider.generate(&contexts[1])));
    assert!(poll(paused.as_mut()).is_pending() && poll(queued.as_mut()).is_pending());
    kms.called(GENERATE, 1).await;
    kms.faults.release(GENERATE);
    tokio::time::pause();
    let third =
        tokio::time::timeout(Duration::from_secs(3600), provider.generate(&contexts[2])).await;
    third.expect("neither of the two who are not polled has the permit").expect("a data key");
    for paused in [poll(paused.as_mut()), poll(queued.as_mut())] {
        assert!(matches!(paused, Poll::Ready(Ok(_))), "their calls ran to their ends meanwhile");
    }
    assert_eq!(kms.faults.calls(GENERATE), 3);
}

#[tokio::test]
async fn the_deadline_does_not_run_for_a_caller_that_is_not_polled() {
    let kms = Kms::new().await;
    let provider = kms.provider().deadline(Duration::from_secs(3));
    (0..2).for_each(|_| kms.faults.fail_next(GENERATE, Fault::error("ThrottlingException")));
    let context = context("1");
    let mut slow = pin!(provider.generate(&context));
    tokio::time::pause();
    assert!(poll(slow.as_mut()).is_pending());
    tokio::time::sleep(Duration::from_secs(60)).await;
    slow.await.expect("KMS answered in time, and the caller came late");
    assert_eq!(kms.faults.calls(GENERATE), 3);
}

#[tokio::test]
async fn a_dropped_caller_ends_its_call() {
    let kms = Kms::new().await;
    let provider = kms.provider();
    kms.faults.fail_always(GENERATE, Fault::error("ThrottlingException"));
    kms.faults.hold(GENERATE);
    let context = context("1");
    {
        let mut dropped = pin!(provider.generate(&context));
        assert!(poll(dropped.as_mut()).is_pending());
        kms.called(GENERATE, 1).await;
    }
    kms.faults.release(GENERATE);
    let_tasks_run().await;
    assert_eq!(kms.faults.calls(GENERATE), 1, "it is not tried again");
}

#[test]
fn a_call_goes_on_when_the_runtime_that_it_began_on_is_gone() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let kms = runtime().block_on(Kms::new());
    let provider = kms.provider();
    kms.faults.hold(GENERATE);
    let context = context("1");
    let mut outliving = Box::pin(provider.generate(&context));
    runtime().block_on(async {
        assert!(poll(outliving.as_mut()).is_pending());
        kms.called(GENERATE, 1).await;
    });
    kms.faults.release(GENERATE);
    runtime().block_on(outliving).expect("a data key");
    assert_eq!(kms.faults.calls(GENERATE), 2);
}
