use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use envelope_core::testing::TestClock;
use envelope_core::{Clock, DataKey, KeyErrorKind, Recipient, RootKey, UnwrapKey, WrapKey, seal};

use super::{MINUTE, Note, SECOND, TICK, TestKeyProvider, Wakes, place, poll, read_with, text};

async fn note(provider: &TestKeyProvider) -> Note {
    Note { id: 1, sealed: seal(text(1).as_bytes(), &place(1), provider).await.unwrap() }
}

/// A provider that was called 3 times to generate, 2 times to wrap and once to unwrap.
async fn called_six_times() -> TestKeyProvider {
    let (provider, context) = (TestKeyProvider::default(), place(1).encryption_context());
    let mut wrapped = Vec::new();
    for _ in 0..3 {
        wrapped = provider.generate(&context).await.unwrap().wrapped;
    }
    let key = provider.unwrap_key(&wrapped, &context).await.unwrap();
    for _ in 0..2 {
        provider.wrap_data_key(&key, &context).await.unwrap();
    }
    provider
}

#[tokio::test]
async fn every_kind_of_call_has_its_own_counter() {
    let provider = TestKeyProvider::default();
    assert_eq!(
        (provider.generate_calls(), provider.wrap_calls(), provider.unwrap_calls()),
        (0, 0, 0)
    );
    let provider = called_six_times().await;
    assert_eq!(
        (provider.generate_calls(), provider.wrap_calls(), provider.unwrap_calls()),
        (3, 2, 1)
    );
    assert_eq!(format!("{provider:?}"), "TestKeyProvider(3 generated, 1 unwrapped)");
    let clone = provider.clone();
    note(&clone).await;
    assert_eq!(provider.generate_calls(), 4, "a clone is the same provider");
}

#[tokio::test]
async fn a_further_party_unwraps_its_wrapped_key() {
    let (provider, context) = (TestKeyProvider::default(), place(1).encryption_context());
    let key = DataKey::generate().unwrap();
    let wrapped = provider.wrap_data_key(&key, &context).await.unwrap();
    assert_eq!(wrapped.len(), 1);
    assert_eq!(provider.unwrap_key(&wrapped, &context).await.unwrap().expose(), key.expose());
}

#[tokio::test]
async fn the_asserted_number_of_calls_is_allowed() {
    let provider = called_six_times().await;
    provider.assert_calls_at_most(6);
    provider.assert_calls_at_most(7);
}

#[tokio::test]
#[should_panic(
    expected = "expected at most 5 calls, but 3 data keys were generated, 2 wrapped and 1 unwrapped"
)]
async fn one_call_more_than_asserted_panics() {
    called_six_times().await.assert_calls_at_most(5);
}

#[tokio::test]
async fn default_test_providers_open_each_others_records() {
    let note = note(&TestKeyProvider::default()).await;
    assert_eq!(read_with(&note, &TestKeyProvider::default()).await, Ok(()));
    let shared = RootKey::from_bytes(b"a root key that protects nothing").unwrap();
    assert_eq!(read_with(&note, &TestKeyProvider::new(shared)).await, Ok(()));
    let another = TestKeyProvider::new(RootKey::from_bytes(&[7; 32]).unwrap());
    assert_eq!(read_with(&note, &another).await, Err(KeyErrorKind::WrongKey));
}

#[tokio::test]
async fn faults_occur_in_the_order_of_their_injection() {
    let provider = TestKeyProvider::default();
    let note = note(&provider).await;
    for kind in [KeyErrorKind::Throttled, KeyErrorKind::AccessDenied, KeyErrorKind::KeyDisabled] {
        provider.fail_next(kind);
    }
    assert_eq!(read_with(&note, &provider).await, Err(KeyErrorKind::Throttled));
    let context = place(1).encryption_context();
    let error = provider.generate(&context).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::AccessDenied);
    assert!(error.to_string().ends_with(": injected by the test"), "{error}");
    let key = DataKey::generate().unwrap();
    assert_eq!(
        provider.wrap_data_key(&key, &context).await.unwrap_err().kind(),
        KeyErrorKind::KeyDisabled
    );
    assert_eq!(read_with(&note, &provider).await, Ok(()));
    assert_eq!(
        (provider.generate_calls(), provider.wrap_calls(), provider.unwrap_calls()),
        (2, 1, 2)
    );
}

#[tokio::test]
async fn every_call_fails_until_the_provider_recovers() {
    let provider = TestKeyProvider::default();
    let note = note(&provider).await;
    provider.fail_always(KeyErrorKind::Unreachable);
    provider.fail_next(KeyErrorKind::Throttled);
    assert_eq!(
        read_with(&note, &provider).await,
        Err(KeyErrorKind::Throttled),
        "what is next comes first"
    );
    for _ in 0..3 {
        assert_eq!(read_with(&note, &provider).await, Err(KeyErrorKind::Unreachable));
    }
    provider.fail_next(KeyErrorKind::Throttled);
    provider.recover();
    assert_eq!(read_with(&note, &provider).await, Ok(()));
}

#[tokio::test]
async fn held_calls_are_counted_and_wait_for_their_release() {
    let provider = TestKeyProvider::default();
    let note = note(&provider).await;
    provider.hold();
    let (wakes, context) = (Arc::<Wakes>::default(), place(1).encryption_context());
    let (mut reader, mut writer) =
        (pin!(read_with(&note, &provider)), pin!(provider.generate(&context)));
    assert!(wakes.poll(&mut reader).is_pending() && wakes.poll(&mut writer).is_pending());
    assert_eq!((provider.generate_calls(), provider.unwrap_calls(), wakes.count()), (2, 1, 0));
    assert!(poll(&mut reader).is_pending(), "still held");
    provider.fail_next(KeyErrorKind::Throttled);
    provider.release();
    assert_eq!(wakes.count(), 2);
    assert_eq!(
        poll(&mut reader),
        Poll::Ready(Err(KeyErrorKind::Throttled)),
        "a fault asked for meanwhile"
    );
    assert!(matches!(poll(&mut writer), Poll::Ready(Ok(_))));
    assert_eq!(
        (provider.generate_calls(), provider.unwrap_calls()),
        (2, 1),
        "each is counted once"
    );
    assert_eq!(
        poll(&mut pin!(read_with(&note, &provider))),
        Poll::Ready(Ok(())),
        "those to come do not wait"
    );
    provider.release();
    assert_eq!(wakes.count(), 2);
}

#[test]
fn both_times_of_a_test_clock_move_only_when_advanced() {
    let clock = TestClock::default();
    let (now, time) = (clock.now(), clock.system_time());
    assert_eq!((clock.now(), clock.system_time()), (now, time));
    clock.advance(MINUTE);
    assert_eq!((clock.now(), clock.system_time()), (now + MINUTE, time + MINUTE));
    clock.advance(SECOND + TICK);
    assert_eq!(
        (clock.now(), clock.system_time()),
        (now + MINUTE + SECOND + TICK, time + MINUTE + SECOND + TICK)
    );
}
