//! One data key for several parties.

use std::future::pending;
use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};

use envelope_core::{
    DataKey, EncryptionContext, KeyError, KeyErrorKind, KeyFuture, MAX_WRAPPED_KEYS,
    MultiKeyProvider, MultiKeyWrapper, Recipient, UnwrapKey, WrapKey,
};

use super::*;

#[tokio::test]
async fn a_record_for_several_parties_opens_only_for_them() {
    let (here, there, stranger) = (party(), party(), party());
    let both = MultiKeyProvider::new(here.clone()).with(there.clone());
    let sealed = seal(b"dear", &letters(), &both).await.unwrap();
    assert_eq!((here.generate_calls(), here.wrap_calls()), (1, 0));
    assert_eq!((there.generate_calls(), there.wrap_calls()), (0, 1), "one data key, wrapped twice");
    assert_eq!(wrapped(&sealed).len(), 2);
    for reader in [&here, &there] {
        assert_opens(&sealed, &letters(), reader).await;
    }
    assert_eq!(refusal(&sealed, &letters(), &stranger).await.kind(), KeyErrorKind::WrongKey);
}

#[tokio::test]
async fn a_reader_stops_at_the_first_party_that_unwraps() {
    let (here, there) = (party(), party());
    let written_here = MultiKeyProvider::new(here.clone()).with(there.clone());
    let sealed = seal(b"dear", &letters(), &written_here).await.unwrap();
    let reads_there = MultiKeyProvider::new(there.clone()).with(here.clone());
    assert_opens(&sealed, &letters(), &reads_there).await;
    assert_eq!((there.unwrap_calls(), here.unwrap_calls()), (1, 0));
    there.fail_always(KeyErrorKind::Unreachable);
    assert_opens(&sealed, &letters(), &reads_there).await;
    assert_eq!((there.unwrap_calls(), here.unwrap_calls()), (2, 1));
}

#[tokio::test]
async fn a_party_may_only_wrap_or_only_unwrap() {
    let (ours, partner, earlier) = (party(), party(), party());
    let provider = MultiKeyProvider::new(ours.clone())
        .also_wraps_for(partner.clone())
        .also_opens_with(earlier.clone());
    let sealed = seal(b"dear", &letters(), &provider).await.unwrap();
    assert_eq!((partner.wrap_calls(), earlier.wrap_calls(), earlier.generate_calls()), (1, 0, 0));
    assert_opens(&sealed, &letters(), &partner).await;
    assert_eq!(refusal(&sealed, &letters(), &earlier).await.kind(), KeyErrorKind::WrongKey);

    let old = seal(b"dear", &letters(), &earlier).await.unwrap();
    assert_opens(&old, &letters(), &provider).await;
    let asked_before = partner.unwrap_calls();
    let partners = seal(b"dear", &letters(), &partner).await.unwrap();
    assert_eq!(refusal(&partners, &letters(), &provider).await.kind(), KeyErrorKind::WrongKey);
    assert_eq!(partner.unwrap_calls(), asked_before, "the partner reads elsewhere");
}

#[tokio::test]
async fn if_no_party_unwraps_the_error_has_every_reason() {
    use KeyErrorKind::{
        AccessDenied, ContextMismatch, KeyDisabled, Throttled, Unreachable, WrongKey,
    };
    let parties = [party(), party(), party()];
    let [a, b, c] = parties.clone();
    let all = MultiKeyProvider::new(a).with(b).also_opens_with(c);
    let sealed = seal(b"dear", &letters(), &all).await.unwrap();
    for (kinds, combined) in [
        ([AccessDenied, Unreachable, KeyDisabled], Unreachable),
        ([Throttled, Unreachable, WrongKey], Throttled),
        ([WrongKey, KeyDisabled, AccessDenied], KeyDisabled),
        ([ContextMismatch, ContextMismatch, WrongKey], ContextMismatch),
        ([WrongKey, WrongKey, WrongKey], WrongKey),
    ] {
        parties.iter().zip(kinds).for_each(|(party, kind)| party.fail_always(kind));
        let error = refusal(&sealed, &letters(), &all).await;
        assert_eq!(error.kind(), combined);
        assert_eq!(error.is_retryable(), matches!(combined, Throttled | Unreachable));
        let [first, second, third] = kinds.map(|kind| KeyError::new(kind, "injected by the test"));
        let message = format!(
            "none of 3 key providers unwrapped the data key: (1) {first}; (2) {second}; (3) {third}"
        );
        assert_eq!(error.to_string(), KeyError::new(combined, message).to_string());
    }
}

#[tokio::test]
async fn a_failing_party_fails_the_write() {
    let (here, there) = (party(), party());
    let wrapper = MultiKeyWrapper::new(here.clone()).with(there.clone());
    there.fail_next(KeyErrorKind::KeyDisabled);
    assert_eq!(refusal_to_seal(&letters(), &wrapper).await.kind(), KeyErrorKind::KeyDisabled);
    here.fail_next(KeyErrorKind::Throttled);
    let error = refusal_to_seal(&letters(), &wrapper).await;
    assert_eq!((error.kind(), there.wrap_calls()), (KeyErrorKind::Throttled, 1));
}

/// Never answers.
#[derive(Debug)]
struct Silent;

impl Recipient for Silent {
    fn wrap_data_key<'a>(
        &'a self,
        _: &'a DataKey,
        _: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(pending())
    }
}

#[tokio::test]
async fn parties_wrap_concurrently_until_the_first_failure() {
    let failing = party();
    failing.fail_next(KeyErrorKind::AccessDenied);
    let wrapper = MultiKeyWrapper::new(party()).with(Silent).with(failing);
    assert_eq!(refusal_to_seal(&letters(), &wrapper).await.kind(), KeyErrorKind::AccessDenied);
}

#[tokio::test]
async fn wrapped_keys_are_in_the_order_of_the_parties() {
    let parties = [party(), party(), party()];
    let [first, slow, quick] = parties.clone();
    let wrapper = MultiKeyWrapper::new(first).with(slow.clone()).with(quick.clone());
    slow.hold();
    let (context, mut task) = (letters().encryption_context(), Task::from_waker(Waker::noop()));
    let mut call = pin!(wrapper.generate(&context));
    for _ in 0..2 {
        assert!(call.as_mut().poll(&mut task).is_pending());
        assert_eq!(
            (slow.wrap_calls(), quick.wrap_calls()),
            (1, 1),
            "who has answered is not asked again"
        );
    }
    slow.release();
    let Poll::Ready(Ok(generated)) = call.as_mut().poll(&mut task) else {
        panic!("all have answered")
    };
    assert_eq!(generated.wrapped.len(), 3);
    for (party, own) in parties.iter().zip(&generated.wrapped) {
        let opened = party.unwrap_key(std::slice::from_ref(own), &context).await.unwrap();
        assert_eq!(opened.expose(), generated.data_key.expose());
    }
}

/// Returns any number of wrapped keys.
#[derive(Debug)]
struct Answering(usize);

impl Recipient for Answering {
    fn wrap_data_key<'a>(
        &'a self,
        _: &'a DataKey,
        _: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async {
            Ok(vec![WrappedKey::new(KeyKind::AWS_KMS, [0; 4], [7; 184]).unwrap(); self.0])
        })
    }
}

#[tokio::test]
async fn a_party_that_wraps_nothing_is_noticed() {
    let error =
        refusal_to_seal(&letters(), &MultiKeyWrapper::new(party()).with(Answering(0))).await;
    assert_eq!(error.kind(), KeyErrorKind::InvalidResponse);
    assert_eq!(error.to_string(), "invalid response: a recipient returned no wrapped key");
}

#[tokio::test]
async fn seventeen_parties_are_refused_before_any_call() {
    let parties: Vec<_> = (0..17).map(|_| party()).collect();
    let of = |count: usize| {
        let further = parties[1..count].iter().cloned();
        further.fold(MultiKeyWrapper::new(parties[0].clone()), MultiKeyWrapper::with)
    };
    let sealed = seal(b"dear", &letters(), &of(16)).await.unwrap();
    assert_eq!(wrapped(&sealed).len(), 16);
    assert_opens(&sealed, &letters(), &parties[15]).await;
    let error = refusal_to_seal(&letters(), &of(17)).await;
    assert_eq!(error.kind(), KeyErrorKind::Configuration);
    assert_eq!((parties[0].generate_calls(), parties[1].wrap_calls()), (1, 1), "{error}");
}

/// A party may return several wrapped keys: a multi-party provider does.
#[tokio::test]
async fn the_wrapped_keys_of_all_parties_are_counted() {
    let most = MultiKeyWrapper::new(party()).with(Answering(MAX_WRAPPED_KEYS - 1));
    assert_eq!(wrapped(&seal(b"dear", &letters(), &most).await.unwrap()).len(), MAX_WRAPPED_KEYS);
    let error = refusal_to_seal(
        &letters(),
        &MultiKeyWrapper::new(party()).with(Answering(MAX_WRAPPED_KEYS)),
    )
    .await;
    assert_eq!(
        error.to_string(),
        "invalid configuration: a record has at most 16 wrapped keys, but these parties need 17: \
         add fewer parties"
    );
}
