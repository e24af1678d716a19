//! Pointers to providers and stores behave like the providers and stores.

use std::sync::Arc;

use envelope_core::{BranchKeyStore, BranchName, DataKey, KeyErrorKind, KeyProvider, Recipient};

use super::hierarchical::Branches;
use super::*;

/// Calls each method once through `provider`.
async fn use_once(provider: impl WrapKey + UnwrapKey + Recipient) {
    let context = letters().encryption_context();
    let generated = provider.generate(&context).await.unwrap();
    let opened = provider.unwrap_key(&generated.wrapped, &context).await.unwrap();
    assert_eq!(opened.expose(), generated.data_key.expose());
    assert_eq!(provider.wrap_data_key(&opened, &context).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_pointer_to_a_provider_forwards_every_call() {
    let provider = party();
    use_once(&provider).await;
    use_once(Box::new(provider.clone())).await;
    use_once(Arc::new(provider.clone())).await;
    assert_eq!(
        (provider.generate_calls(), provider.unwrap_calls(), provider.wrap_calls()),
        (3, 3, 3)
    );
}

#[tokio::test]
async fn a_dyn_provider_wraps_and_unwraps() {
    let provider = party();
    let unknown: Box<dyn KeyProvider> = Box::new(provider.clone());
    let sealed = seal(b"dear", &letters(), &unknown).await.unwrap();
    assert_opens(&sealed, &letters(), &unknown).await;
    let recipient: Arc<dyn Recipient> = Arc::new(provider.clone());
    let data_key = DataKey::generate().unwrap();
    provider.fail_next(KeyErrorKind::Throttled);
    let error =
        recipient.wrap_data_key(&data_key, &letters().encryption_context()).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Throttled);
    assert_eq!(
        (provider.generate_calls(), provider.unwrap_calls(), provider.wrap_calls()),
        (1, 1, 1)
    );
}

async fn ask_once(store: impl BranchKeyStore) {
    let branch = BranchName::new("letters").unwrap();
    let version = store.active(&branch).await.unwrap();
    let key = store.branch_key(&branch, version).await.unwrap();
    assert_eq!((key.branch(), key.version()), (&branch, version));
}

#[tokio::test]
async fn a_pointer_to_a_store_forwards_every_call() {
    let store = Branches::of(&["letters"]);
    ask_once(&*store).await;
    ask_once(Box::new(Arc::clone(&store))).await;
    ask_once(Arc::clone(&store) as Arc<dyn BranchKeyStore>).await;
    assert_eq!(store.calls(), (3, 3));
}
