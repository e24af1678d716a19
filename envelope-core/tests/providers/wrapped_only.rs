//! Data keys of which only the wrapped keys are returned.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use envelope_core::{
    CacheLimits, CachedKeyProvider, DataKey, EncryptionContext, GeneratedKey, GroupKeyProvider,
    KeyCounters, KeyErrorKind, KeyEvent, KeyFuture, KeyProvider, MultiKeyWrapper,
    ObservedKeyProvider, SharedKeyProvider, SharingLimits,
};

use super::*;

/// A key service that keeps its data keys to itself, and refuses to show one.
#[derive(Debug, Default)]
struct Blind(AtomicUsize);

impl WrapKey for Blind {
    fn generate<'a>(&'a self, _: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async { Err(KeyError::new(KeyErrorKind::AccessDenied, "no plaintext")) })
    }

    fn generate_wrapped<'a>(&'a self, _: &'a EncryptionContext) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            Ok(vec![WrappedKey::new(KeyKind::AWS_KMS, [0; 8], [count as u8; 40]).unwrap()])
        })
    }
}

impl UnwrapKey for Blind {
    fn unwrap_key<'a>(
        &'a self,
        _: &'a [WrappedKey],
        _: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async { Err(KeyError::new(KeyErrorKind::AccessDenied, "no plaintext")) })
    }
}

/// Asks twice, for a record and for its group `medical`.
async fn assert_blind(provider: impl WrapKey) {
    let medical = letters().pair("group", "medical").unwrap();
    let mut blobs = Vec::new();
    for context in [letters().encryption_context(), medical.encryption_context()] {
        let wrapped = provider.generate_wrapped(&context).await.unwrap();
        blobs.extend(wrapped.iter().map(|entry| entry.bytes().to_vec()));
        let error = provider.generate(&context).await.unwrap_err();
        assert!(error.kind() != KeyErrorKind::Other, "{provider:?}: {error}");
    }
    assert_eq!(blobs.len(), 2, "{provider:?}");
    assert_ne!(blobs[0], blobs[1], "each call makes a data key: {provider:?}");
}

#[tokio::test]
async fn providers_around_another_one_ask_it_for_the_wrapped_key_alone() {
    let limits = CacheLimits::new(Duration::from_secs(60));
    let sharing = SharingLimits::new(Duration::from_secs(60), 1_000);
    let counters = Arc::new(KeyCounters::default());
    assert_blind(&Blind::default()).await;
    assert_blind(Box::new(Blind::default()) as Box<dyn KeyProvider>).await;
    assert_blind(Arc::new(Blind::default()) as Arc<dyn WrapKey>).await;
    assert_blind(CachedKeyProvider::new(Blind::default(), limits).keeping_generated()).await;
    assert_blind(SharedKeyProvider::new(Blind::default(), sharing)).await;
    assert_blind(GroupKeyProvider::new(Blind::default()).group("medical", TwoBlobs)).await;
    assert_blind(GroupKeyProvider::new(Blind::default()).write_only_group("medical", TwoBlobs))
        .await;
    assert_blind(ObservedKeyProvider::new(Blind::default(), counters)).await;
}

/// Another key service than [`Blind`], with other blobs.
#[derive(Debug)]
struct TwoBlobs;

impl WrapKey for TwoBlobs {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async move { Blind::default().generate(context).await })
    }

    fn generate_wrapped<'a>(&'a self, _: &'a EncryptionContext) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async { Ok(vec![WrappedKey::new(KeyKind::AWS_KMS, [0; 8], [99; 40]).unwrap()]) })
    }
}

impl UnwrapKey for TwoBlobs {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move { Blind::default().unwrap_key(wrapped, context).await })
    }
}

#[tokio::test]
async fn a_group_without_a_provider_has_no_wrapped_key_either() {
    let provider = GroupKeyProvider::new(Blind::default());
    let medical = letters().pair("group", "medical").unwrap();
    let error = provider.generate_wrapped(&medical.encryption_context()).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::AccessDenied, "{error}");
}

/// A provider of somebody who has not heard of `generate_wrapped`.
#[tokio::test]
async fn by_default_the_data_key_is_made_here_and_not_returned() {
    let provider = party();
    let context = letters().encryption_context();
    let wrapped = provider.generate_wrapped(&context).await.unwrap();
    assert_eq!((provider.generate_calls(), wrapped.len()), (1, 1));
    provider.unwrap_key(&wrapped, &context).await.unwrap();
    let other = letter_to("grandfather").encryption_context();
    provider.unwrap_key(&wrapped, &other).await.unwrap_err();
    provider.fail_next(KeyErrorKind::Throttled);
    let error = provider.generate_wrapped(&context).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Throttled);
}

/// The others wrap the data key in this process, so it has to be here.
#[tokio::test]
async fn several_parties_all_get_a_wrapped_key() {
    let (first, second) = (party(), party());
    let wrapper = MultiKeyWrapper::new(first.clone()).with(second.clone());
    let context = letters().encryption_context();
    let wrapped = wrapper.generate_wrapped(&context).await.unwrap();
    assert_eq!(wrapped.len(), 2);
    let keys = [&first, &second].map(|party| party.unwrap_key(&wrapped, &context));
    let [first, second] = keys.map(|key| async { key.await.unwrap().expose().to_vec() });
    assert_eq!(first.await, second.await);
    let error =
        MultiKeyWrapper::new(Blind::default()).generate_wrapped(&context).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::AccessDenied, "{error}");
}

#[tokio::test]
async fn an_observer_hears_of_data_keys_that_nobody_here_sees() {
    let counters = Arc::new(KeyCounters::default());
    let events = || [KeyEvent::Generated, KeyEvent::Failed].map(|event| counters.count(event));
    let context = letters().encryption_context();
    let provider = ObservedKeyProvider::new(Blind::default(), counters.clone());
    provider.generate_wrapped(&context).await.unwrap();
    assert_eq!(events(), [1, 0]);

    let inner = party();
    let sharing = SharingLimits::new(Duration::from_secs(60), 1_000);
    let shared = SharedKeyProvider::new(inner.clone(), sharing).observed_by(counters.clone());
    shared.generate_wrapped(&context).await.unwrap();
    inner.fail_next(KeyErrorKind::Throttled);
    shared.generate_wrapped(&context).await.unwrap_err();
    assert_eq!(events(), [2, 1]);
}
