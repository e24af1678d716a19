//! Rewrapping data keys for other keys, without sealing again.

use std::error::Error;

use envelope_core::testing::TestKeyProvider;
use envelope_core::{
    ContextForm, DataKey, EncryptionContext, Fault, FormatError, KeyErrorKind, KeyFuture,
    MAX_WRAPPED_KEYS, Recipient, RewrapError, Value, rewrap,
};

use super::*;

async fn sealed_by(provider: &TestKeyProvider, context: &Context<'_>) -> Sealed {
    seal(b"dear", context, provider).await.unwrap()
}

#[tokio::test]
async fn a_data_key_is_rewrapped_only_for_the_named_recipients() {
    let (old, parties) = (party(), [party(), party()]);
    let mut sealed = sealed_by(&old, &letters()).await;
    let [first, second] = &parties;
    sealed.encrypted_dek =
        rewrap(&sealed, &old, &letters(), &[first, second], &letters()).await.unwrap();
    let keys = wrapped(&sealed);
    assert_eq!(kinds(&keys), [KeyKind::LOCAL; 2]);
    for (party, own) in parties.iter().zip(keys) {
        assert_opens(&sealed, &letters(), party).await;
        assert!(
            party.unwrap_key(&[own], &letters().encryption_context()).await.is_ok(),
            "in their order"
        );
        assert_eq!((party.wrap_calls(), party.generate_calls()), (1, 0));
    }
    assert_eq!(refusal(&sealed, &letters(), &old).await.kind(), KeyErrorKind::WrongKey);
    assert_eq!(old.generate_calls(), 1, "the data key is the same");
}

#[tokio::test]
async fn rewrapping_may_change_the_form_of_the_context() {
    let (old, new) = (party(), party());
    let keyed = |form| letters().partition_key("id", Value::string("7")).form(form);
    let forms = [ContextForm::Raw, ContextForm::Hashed, ContextForm::Table];
    for from in forms {
        for to in forms {
            let mut sealed = sealed_by(&old, &keyed(from)).await;
            sealed.encrypted_dek =
                rewrap(&sealed, &old, &keyed(from), &[&new], &keyed(to)).await.unwrap();
            assert_eq!(EncryptedDek::parse(&sealed.encrypted_dek).unwrap().form(), to);
            assert_opens(&sealed, &keyed(to), &new).await;
        }
    }
}

/// FORMAT 3.2-3: otherwise the writer of the bytes would decide what KMS logs.
#[tokio::test]
async fn another_form_than_the_source_is_refused_before_any_call() {
    let (old, new) = (party(), party());
    let sealed = sealed_by(&old, &letters().form(ContextForm::Hashed)).await;
    let error = rewrap(&sealed, &old, &letters(), &[&new], &letters()).await.unwrap_err();
    let RewrapError::ContextForm { written, expected } = error else { panic!("{error}") };
    assert_eq!((written, expected), (ContextForm::Hashed, ContextForm::Raw));
    assert_eq!((old.unwrap_calls(), new.wrap_calls()), (0, 0));
}

#[tokio::test]
async fn a_data_key_cannot_be_rewrapped_for_another_record() {
    let (old, new) = (party(), party());
    let here = || {
        let keyed =
            letters().partition_key("id", Value::string("7")).sort_key("at", Value::string("8"));
        keyed.authenticated("plan", Some(Value::string("pro"))).unwrap()
    };
    let sealed = sealed_by(&old, &here()).await;
    let keyed =
        || letters().partition_key("id", Value::string("7")).sort_key("at", Value::string("8"));
    for elsewhere in [
        here().partition_key("id", Value::string("9")),
        here().partition_key("no", Value::string("7")),
        here().sort_key("at", Value::string("9")),
        here().pair("purpose", "pii").unwrap(),
        here().authenticated("name", None).unwrap(),
        keyed(),
        keyed().authenticated("plan", Some(Value::string("free"))).unwrap(),
        letter_to("grandfather"),
        Context::new("parcels").pair("to", "grandmother").unwrap(),
    ] {
        for destination in [elsewhere.clone(), elsewhere.form(ContextForm::Hashed)] {
            let error = rewrap(&sealed, &old, &here(), &[&new], &destination).await.unwrap_err();
            assert!(matches!(error, RewrapError::OtherPlace), "{destination:?}: {error}");
        }
    }
    assert_eq!((old.unwrap_calls(), new.wrap_calls()), (0, 0));
    assert!(rewrap(&sealed, &old, &here(), &[&new], &here()).await.is_ok());
}

/// Returns a data key for any context, like a provider that derives its keys.
#[derive(Debug)]
struct Deriving;

impl UnwrapKey for Deriving {
    fn unwrap_key<'a>(
        &'a self,
        _: &'a [WrappedKey],
        _: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async { Ok(DataKey::generate()?) })
    }
}

#[tokio::test]
async fn a_data_key_that_did_not_seal_the_payload_is_refused() {
    let partner = party();
    let sealed = sealed_by(&party(), &letters()).await;
    let error = rewrap(&sealed, &Deriving, &letters(), &[&partner], &letters()).await.unwrap_err();
    assert!(matches!(error, RewrapError::OtherDataKey), "{error}");
    assert_eq!(partner.wrap_calls(), 0);
}

#[tokio::test]
async fn one_to_sixteen_recipients_are_wrapped_for() {
    let (old, new) = (party(), party());
    let sealed = sealed_by(&old, &letters()).await;
    let to = async |count: usize| {
        let recipients = vec![&new as &dyn Recipient; count];
        rewrap(&sealed, &old, &letters(), &recipients, &letters()).await
    };
    assert_eq!(
        EncryptedDek::parse(&to(MAX_WRAPPED_KEYS).await.unwrap()).unwrap().keys().len(),
        MAX_WRAPPED_KEYS
    );
    for count in [0, MAX_WRAPPED_KEYS + 1] {
        let RewrapError::Key(error) = to(count).await.unwrap_err() else {
            panic!("not of the key")
        };
        assert_eq!(
            error.to_string(),
            format!(
                "invalid configuration: rewrap for 1 to 16 recipients: these returned {count} \
                 wrapped keys"
            )
        );
    }
}

#[tokio::test]
async fn errors_of_unwrapping_and_wrapping_are_returned() {
    let (old, new) = (party(), party());
    let sealed = sealed_by(&old, &letters()).await;
    for (failing, kind) in [(&old, KeyErrorKind::AccessDenied), (&new, KeyErrorKind::Throttled)] {
        failing.fail_next(kind);
        let error = rewrap(&sealed, &old, &letters(), &[&new], &letters()).await.unwrap_err();
        assert!(matches!(&error, RewrapError::Key(error) if error.kind() == kind), "{error}");
    }
    let error = rewrap(&sealed, &party(), &letters(), &[&new], &letters()).await.unwrap_err();
    assert!(
        matches!(&error, RewrapError::Key(error) if error.kind() == KeyErrorKind::WrongKey),
        "{error}"
    );
}

#[tokio::test]
async fn bytes_that_are_not_sealed_are_refused_before_any_call() {
    let (old, new) = (party(), party());
    let sealed = sealed_by(&old, &letters()).await;
    for broken in [
        Sealed { encrypted_payload: vec![], ..sealed.clone() },
        Sealed { encrypted_dek: vec![], ..sealed.clone() },
    ] {
        let error = rewrap(&broken, &old, &letters(), &[&new], &letters()).await.unwrap_err();
        assert!(matches!(error, RewrapError::Format(FormatError::Truncated(_))), "{error:?}");
    }
    assert_eq!((old.unwrap_calls(), new.wrap_calls()), (0, 0));
}

#[test]
fn every_error_has_a_message_a_fault_and_a_source() {
    let forms =
        RewrapError::ContextForm { written: ContextForm::Hashed, expected: ContextForm::Table };
    let format = || FormatError::Truncated("encrypted_dek");
    let key = |kind| KeyError::new(kind, "why").with_source("HTTP 400");
    for (error, fault, source, shown) in [
        (
            format().into(),
            Fault::Data,
            None,
            "the stored bytes are not sealed data: encrypted_dek is truncated",
        ),
        (
            forms,
            Fault::Caller,
            None,
            "the data key is wrapped under the KMS context form `hashed`, but the source context \
             has the form `table`: set the form `hashed`",
        ),
        (
            RewrapError::OtherPlace,
            Fault::Caller,
            None,
            "the source and destination contexts may differ only in their form: the payload is \
             bound to everything else and would no longer open",
        ),
        (
            RewrapError::OtherParties,
            Fault::Caller,
            None,
            "the data key is also wrapped for other parties under the old context form: keep the \
             form, or wrap for all parties with `rewrap`",
        ),
        (
            RewrapError::OtherDataKey,
            Fault::Data,
            None,
            "the unwrapped data key did not seal this payload: the context belongs to another \
             record, or the record was changed",
        ),
        (
            key(KeyErrorKind::AccessDenied).into(),
            Fault::Operator,
            Some("HTTP 400".to_owned()),
            "could not rewrap the data key: access denied: why",
        ),
        (
            key(KeyErrorKind::Configuration).into(),
            Fault::Caller,
            Some("HTTP 400".to_owned()),
            "could not rewrap the data key: invalid configuration: why",
        ),
    ] {
        assert_eq!(error.to_string(), shown);
        assert_eq!(error.fault(), fault, "{shown}");
        assert_eq!(error.source().map(ToString::to_string), source, "{shown}");
    }
}
