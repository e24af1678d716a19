//! Data keys that were provisioned beforehand.

use envelope_core::{ContextForm, FormatError, KeyErrorKind, ProvisionedKeyWrapper};

use super::*;

/// A data key that `provider` made for letters to grandmother, wrapped.
async fn provisioned(form: ContextForm, provider: &impl WrapKey) -> Vec<u8> {
    let wrapped =
        provider.generate(&letters().form(form).encryption_context()).await.unwrap().wrapped;
    EncryptedDek::new(form, wrapped).unwrap().to_bytes()
}

#[tokio::test]
async fn a_provisioned_key_is_stored_unchanged_in_the_record() {
    let provider = party();
    for form in [ContextForm::Raw, ContextForm::Hashed, ContextForm::Table] {
        let dek = provisioned(form, &provider).await;
        let (generated, unwrapped) = (provider.generate_calls(), provider.unwrap_calls());
        let device = ProvisionedKeyWrapper::new(&dek, provider.clone()).unwrap();
        for _ in 0..2 {
            let sealed = seal(b"dear", &letters().form(form), &device).await.unwrap();
            assert_eq!(sealed.encrypted_dek, dek);
            assert_opens(&sealed, &letters().form(form), &provider).await;
        }
        assert_eq!(provider.generate_calls(), generated, "the device makes no key");
        assert_eq!(provider.unwrap_calls(), unwrapped + 4, "and unwraps its own for each record");
    }
}

#[tokio::test]
async fn a_provisioned_key_seals_only_for_its_context_and_form() {
    let provider = party();
    let device =
        ProvisionedKeyWrapper::new(&provisioned(ContextForm::Table, &provider).await, &provider)
            .unwrap();
    let elsewhere = letter_to("grandfather").form(ContextForm::Table);
    assert_eq!(refusal_to_seal(&elsewhere, &device).await.kind(), KeyErrorKind::ContextMismatch);
    let asked = provider.unwrap_calls();
    let error = refusal_to_seal(&letters(), &device).await;
    assert_eq!(
        error.to_string(),
        "invalid configuration: the provisioned data key is wrapped under the context form \
         `table`, but the record has the form `raw`"
    );
    assert_eq!(provider.unwrap_calls(), asked);
}

#[tokio::test]
async fn the_device_returns_the_error_of_unwrapping() {
    let provider = party();
    let device =
        ProvisionedKeyWrapper::new(&provisioned(ContextForm::Raw, &provider).await, &provider)
            .unwrap();
    provider.fail_next(KeyErrorKind::KeyDisabled);
    assert_eq!(refusal_to_seal(&letters(), &device).await.kind(), KeyErrorKind::KeyDisabled);
    let stranger =
        ProvisionedKeyWrapper::new(&provisioned(ContextForm::Raw, &provider).await, party())
            .unwrap();
    assert_eq!(refusal_to_seal(&letters(), &stranger).await.kind(), KeyErrorKind::WrongKey);
}

#[test]
fn bytes_that_are_not_a_wrapped_key_are_refused() {
    let error = ProvisionedKeyWrapper::new(&[], party()).unwrap_err();
    assert_eq!(error, FormatError::Truncated("encrypted_dek"));
}
