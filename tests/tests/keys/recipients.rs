//! Several recipients, provisioned keys, small secrets and rewrapping, with KMS.
//!
//! `envelope-core/tests/providers` has the tests without KMS.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{KeyErrorKind, RewrapError, SealError};
use envelope_dynamo::item::item_context;
use envelope_dynamo::keys::{
    EncryptedDek, KeyKind, KmsKeyHint, MultiKeyProvider, MultiKeyWrapper, ProvisionedKeyWrapper,
    WrappedKey, rewrap,
};
use envelope_dynamo::message::{Context, ContextForm, Sealed, open, seal};
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{
    Envelope, KmsKeyProvider, KmsKeyWrapper, LocalKeyProvider, RootKey, from_item, to_item,
};
use envelope_examples::servers::{create_kms_key, disable_kms_key, unique_name};
use envelope_examples::{Fault, Faults, Servers};
use envelope_tests::{Secret, all_it_says};
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes", context(purpose = "pii"))]
struct Note {
    #[partition_key]
    id: u64,
    #[encrypted]
    text: String,
    #[authenticated]
    author: String,
}

fn note() -> Note {
    Note { id: 7, text: "buy milk".into(), author: "zoe".into() }
}

fn party() -> TestKeyProvider {
    TestKeyProvider::new(RootKey::generate().unwrap())
}

fn letters() -> Context<'static> {
    Context::new("letters").pair("to", "grandmother").unwrap()
}

/// KMS behind faults.
struct Kms {
    servers: Servers,
    faults: Faults,
}

impl Kms {
    async fn new() -> Self {
        Self { servers: Servers::from_env().await.unwrap(), faults: Faults::new() }
    }

    async fn key(&self) -> String {
        create_kms_key(self.servers.kms()).await.unwrap()
    }

    fn provider(&self, key: &str) -> KmsKeyProvider {
        KmsKeyProvider::new(self.servers.kms_through(&self.faults), key)
    }

    fn wrapper(&self, key: &str) -> KmsKeyWrapper {
        KmsKeyWrapper::new(self.servers.kms_through(&self.faults), key)
    }

    fn requests(&self, operation: &str) -> Vec<Value> {
        self.faults
            .requests(operation)
            .iter()
            .map(|request| serde_json::from_slice(request).unwrap())
            .collect()
    }
}

fn key_kind(error: RewrapError) -> KeyErrorKind {
    match error {
        RewrapError::Key(error) => error.kind(),
        other => panic!("not of the key: {other}"),
    }
}

fn kinds(dek: &[u8]) -> Vec<KeyKind> {
    EncryptedDek::parse(dek).unwrap().keys().iter().map(WrappedKey::kind).collect()
}

// --- several parties
// ------------------------------------------------------------------------------------------------

#[tokio::test]
async fn two_kms_keys_each_open_a_record_wrapped_for_both() {
    let kms = Kms::new().await;
    let (first, second) = (kms.key().await, kms.key().await);
    let both = MultiKeyProvider::new(kms.provider(&first)).with(kms.provider(&second));
    let item = to_item(&note(), &both).await.unwrap();
    assert_eq!((kms.faults.calls("GenerateDataKey"), kms.faults.calls("Encrypt")), (1, 1));
    let [encrypt] = kms.requests("Encrypt").try_into().unwrap();
    assert_eq!(encrypt["KeyId"], second);
    assert_eq!(
        encrypt["EncryptionContext"],
        json!({"table": "notes", "partition_key": "7", "purpose": "pii"})
    );

    for key in [&first, &second] {
        assert_eq!(from_item::<Note>(item.clone(), &kms.provider(key)).await.unwrap(), note());
    }
    disable_kms_key(kms.servers.kms(), &first).await.unwrap();
    kms.faults.forget_calls();
    assert_eq!(from_item::<Note>(item.clone(), &both).await.unwrap(), note());
    assert_eq!(kms.faults.calls("Decrypt"), 2, "the reader's first key, then the other");

    let mut moved = item;
    moved.insert("id".into(), AttributeValue::N("8".into()));
    let error = from_item::<Note>(moved, &kms.provider(&second)).await.unwrap_err();
    assert_eq!(
        error.key_error().unwrap().kind(),
        KeyErrorKind::ContextMismatch,
        "Encrypt binds the context as well"
    );
}

#[tokio::test]
async fn a_wrong_answer_to_encrypt_fails_the_write() {
    let kms = Kms::new().await;
    let (first, second) = (kms.key().await, kms.key().await);
    let wrapper = MultiKeyWrapper::new(kms.wrapper(&first)).with(kms.wrapper(&second));
    for (key, blob) in [(json!(first), "BwcH"), (json!(second), ""), (Value::Null, "BwcH")] {
        let body = json!({ "KeyId": key, "CiphertextBlob": blob }).to_string();
        kms.faults.fail_next("Encrypt", Fault::Reply { status: 200, body });
        let error = to_item(&note(), &wrapper).await.unwrap_err();
        let error = error.key_error().unwrap();
        assert_eq!(error.kind(), KeyErrorKind::InvalidResponse, "{error}");
        assert!(error.request_id().is_some(), "{error}");
    }
}

// --- keys handed out beforehand
// -------------------------------------------------------------------------------------

#[tokio::test]
async fn a_provisioned_key_seals_for_the_holder_of_its_wrapping_key() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    let context = letters().form(ContextForm::Table);
    let provisioned = kms.wrapper(&key).generate_without_plaintext(&context).await.unwrap();
    assert_eq!(
        (kms.faults.calls("GenerateDataKeyWithoutPlaintext"), kms.faults.calls("GenerateDataKey")),
        (1, 0)
    );
    let [request] = kms.requests("GenerateDataKeyWithoutPlaintext").try_into().unwrap();
    assert_eq!(request["EncryptionContext"], json!({"table": "letters", "to": "grandmother"}));

    let device = ProvisionedKeyWrapper::new(&provisioned, kms.provider(&key)).unwrap();
    let sealed = seal(b"dear", &context, &device).await.unwrap();
    assert_eq!(
        (kms.faults.calls("Decrypt"), kms.faults.calls("GenerateDataKey")),
        (1, 0),
        "the device makes no key"
    );
    assert_eq!(sealed.encrypted_dek, provisioned);
    assert_eq!(open(&sealed, &context, &kms.provider(&key)).await.unwrap().expose(), b"dear");

    let other = Context::new("letters").pair("to", "grandfather").unwrap().form(ContextForm::Table);
    assert!(seal(b"dear", &other, &device).await.is_err(), "wrapped for another context");
    let SealError::Key(error) = seal(b"dear", &letters(), &device).await.unwrap_err() else {
        panic!("another error")
    };
    assert_eq!(error.kind(), KeyErrorKind::Configuration, "wrapped for another form");
}

#[tokio::test]
async fn a_provisioned_key_wrapped_by_another_key_is_refused() {
    let kms = Kms::new().await;
    let (first, second) = (kms.key().await, kms.key().await);
    let body = json!({ "KeyId": second, "CiphertextBlob": "BwcH" }).to_string();
    kms.faults.fail_next("GenerateDataKeyWithoutPlaintext", Fault::Reply { status: 200, body });
    let error = kms.wrapper(&first).generate_without_plaintext(&letters()).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::InvalidResponse);
}

// --- small secrets
// --------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_small_secret_comes_back_for_its_own_context_alone() {
    let kms = Kms::new().await;
    let provider = kms.provider(&kms.key().await);
    for secret in [b"t".to_vec(), vec![0xa5; 4096]] {
        let blob = provider.encrypt_direct(&secret, &letters()).await.unwrap();
        assert_eq!(provider.decrypt_direct(&blob, &letters()).await.unwrap().expose(), secret);
        let other = Context::new("letters").pair("to", "grandfather").unwrap();
        let error = provider.decrypt_direct(&blob, &other).await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
    }
    for request in kms.requests("Decrypt") {
        assert!(request["KeyId"].is_string(), "the key is named");
    }
}

#[tokio::test]
async fn what_kms_does_not_encrypt_by_itself_is_refused_before_it_is_sent() {
    let kms = Kms::new().await;
    let provider = kms.provider("alias/none");
    let bound = letters().authenticated("plan", None).unwrap();
    for (secret, context, hint) in [
        (vec![], letters(), "nothing"),
        (vec![7; 4097], letters(), "`seal`"),
        (vec![7; 9], bound, "`seal`"),
    ] {
        let error = provider.encrypt_direct(&secret, &context).await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Configuration);
        assert!(error.to_string().contains(hint), "{error}");
    }
    assert_eq!(kms.faults.all_requests().len(), 0);
}

#[tokio::test]
async fn a_small_secret_opens_only_by_a_configured_key() {
    let kms = Kms::new().await;
    let (old, new) = (kms.key().await, kms.key().await);
    let blob = kms.provider(&old).encrypt_direct(b"hunter2", &letters()).await.unwrap();
    let error = kms.provider(&new).decrypt_direct(&blob, &letters()).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::WrongKey);
    let both = kms.provider(&new).also_decrypts(&old);
    assert_eq!(both.decrypt_direct(&blob, &letters()).await.unwrap().expose(), b"hunter2");
}

#[tokio::test]
async fn an_answer_by_another_key_is_refused_without_its_secret() {
    let kms = Kms::new().await;
    let (key, other) = (kms.key().await, kms.key().await);
    let secret = "tr0ub4dor&3 tr0ub4dor&3";
    let plaintext = base64_simd::STANDARD.encode_to_string(secret);
    let body = json!({ "KeyId": other, "Plaintext": plaintext }).to_string();
    kms.faults.fail_next("Decrypt", Fault::Reply { status: 200, body });
    let error = kms.provider(&key).decrypt_direct(&[7; 99], &letters()).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::InvalidResponse);
    assert_eq!(Secret::new(secret).found_in(&all_it_says(&error)), None);
}

// --- wrapped keys that move
// -----------------------------------------------------------------------------------------

#[tokio::test]
async fn rewrapping_for_another_kms_key_never_returns_the_data_key() {
    let kms = Kms::new().await;
    let (old, new) = (kms.key().await, kms.key().await);
    let mut item = to_item(&note(), &kms.provider(&old)).await.unwrap();
    let payload = item["encrypted_payload"].clone();
    kms.faults.forget_calls();

    let dek = item["encrypted_dek"].as_b().unwrap().as_ref().to_vec();
    let context = item_context::<Note>(&item).unwrap();
    let dek =
        kms.provider(&old).rewrap(&dek, &context, &kms.wrapper(&new), &context).await.unwrap();
    let calls = ["ReEncrypt", "Decrypt", "GenerateDataKey", "Encrypt"]
        .map(|operation| kms.faults.calls(operation));
    assert_eq!(calls, [1, 0, 0, 0]);
    let [request] = kms.requests("ReEncrypt").try_into().unwrap();
    let pairs = json!({"table": "notes", "partition_key": "7", "purpose": "pii"});
    assert_eq!((&request["SourceKeyId"], &request["DestinationKeyId"]), (&json!(old), &json!(new)));
    assert_eq!(
        [&request["SourceEncryptionContext"], &request["DestinationEncryptionContext"]],
        [&pairs, &pairs]
    );

    item.insert("encrypted_dek".into(), AttributeValue::B(Blob::new(dek)));
    assert_eq!(item["encrypted_payload"], payload);
    assert_eq!(from_item::<Note>(item.clone(), &kms.provider(&new)).await.unwrap(), note());
    let error = from_item::<Note>(item, &kms.provider(&old)).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::WrongKey);
}

#[tokio::test]
async fn a_wrapped_key_moves_to_another_context_form_and_to_no_other_place() {
    let kms = Kms::new().await;
    let (old, new) = (kms.key().await, kms.key().await);
    let (provider, to) = (kms.provider(&old), kms.wrapper(&new));
    let mut sealed = seal(b"dear", &letters(), &provider).await.unwrap();
    let elsewhere = Context::new("letters").pair("to", "grandfather").unwrap();
    let error =
        provider.rewrap(&sealed.encrypted_dek, &letters(), &to, &elsewhere).await.unwrap_err();
    assert!(matches!(error, RewrapError::OtherPlace), "{error}");
    let hashed = letters().form(ContextForm::Hashed);
    let error = provider.rewrap(&sealed.encrypted_dek, &hashed, &to, &hashed).await.unwrap_err();
    assert!(matches!(error, RewrapError::ContextForm { .. }), "{error}");
    assert_eq!(kms.faults.calls("ReEncrypt"), 0);

    sealed.encrypted_dek =
        provider.rewrap(&sealed.encrypted_dek, &letters(), &to, &hashed).await.unwrap();
    assert_eq!(open(&sealed, &hashed, &kms.provider(&new)).await.unwrap().expose(), b"dear");
    assert!(open(&sealed, &letters(), &kms.provider(&new)).await.is_err());
}

#[tokio::test]
async fn rewrapping_keeps_the_wrapped_keys_of_other_parties() {
    let kms = Kms::new().await;
    let (old, new) = (kms.key().await, kms.key().await);
    let partner = party();
    let both = MultiKeyWrapper::new(kms.provider(&old)).with(partner.clone());
    let mut sealed = seal(b"dear", &letters(), &both).await.unwrap();
    let (provider, to) = (kms.provider(&old), kms.wrapper(&new));
    let hashed = letters().form(ContextForm::Hashed);
    let error = provider.rewrap(&sealed.encrypted_dek, &letters(), &to, &hashed).await.unwrap_err();
    assert!(
        matches!(error, RewrapError::OtherParties),
        "the partner's wrapping is bound to the old form: {error}"
    );

    sealed.encrypted_dek =
        provider.rewrap(&sealed.encrypted_dek, &letters(), &to, &letters()).await.unwrap();
    assert_eq!(kinds(&sealed.encrypted_dek), [KeyKind::AWS_KMS, KeyKind::LOCAL]);
    assert_eq!(open(&sealed, &letters(), &kms.provider(&new)).await.unwrap().expose(), b"dear");
    assert_eq!(open(&sealed, &letters(), &partner).await.unwrap().expose(), b"dear");
}

/// An alias that no provider has used yet.
async fn alias(kms: &Kms, key: &str) -> String {
    let alias = format!("alias/{}", unique_name("moves"));
    let create = kms.servers.kms().create_alias().alias_name(&alias).target_key_id(key);
    create.send().await.unwrap();
    alias
}

/// `sealed` with the entries that `choose` makes of its own.
fn with_entries(sealed: &Sealed, choose: impl Fn(&[WrappedKey]) -> Vec<WrappedKey>) -> Vec<u8> {
    let dek = EncryptedDek::parse(&sealed.encrypted_dek).unwrap();
    EncryptedDek::new(dek.form(), choose(dek.keys())).unwrap().to_bytes()
}

#[tokio::test]
async fn the_old_entry_is_dropped_without_a_call_where_the_new_key_has_one() {
    let kms = Kms::new().await;
    let (old, new, partner) = (kms.key().await, kms.key().await, party());
    let parties = MultiKeyWrapper::new(kms.provider(&old))
        .with(partner.clone())
        .with(kms.wrapper(&new))
        .with(kms.wrapper(&old));
    let mut sealed = seal(b"dear", &letters(), &parties).await.unwrap();
    let entries = EncryptedDek::parse(&sealed.encrypted_dek).unwrap().keys().to_vec();
    kms.faults.forget_calls();
    let provider = kms.provider(&old);
    sealed.encrypted_dek = provider
        .rewrap(&sealed.encrypted_dek, &letters(), &kms.wrapper(&new), &letters())
        .await
        .unwrap();
    assert_eq!(kms.faults.all_requests().len(), 0, "no call to KMS");
    let left = EncryptedDek::parse(&sealed.encrypted_dek).unwrap();
    assert_eq!(left.keys(), &entries[1..3], "and the others stay as they were");
    assert_eq!(open(&sealed, &letters(), &kms.provider(&new)).await.unwrap().expose(), b"dear");
    assert_eq!(open(&sealed, &letters(), &partner).await.unwrap().expose(), b"dear");

    let again = provider
        .rewrap(&sealed.encrypted_dek, &letters(), &kms.wrapper(&new), &letters())
        .await
        .unwrap_err();
    assert_eq!(key_kind(again), KeyErrorKind::WrongKey, "there is nothing left to move");
}

#[tokio::test]
async fn one_entry_of_the_new_key_replaces_all_of_the_old_one() {
    let kms = Kms::new().await;
    let (old, new, partner) = (kms.key().await, kms.key().await, party());
    let parties =
        MultiKeyWrapper::new(kms.provider(&old)).with(partner.clone()).with(kms.wrapper(&old));
    let mut sealed = seal(b"dear", &letters(), &parties).await.unwrap();
    sealed.encrypted_dek = kms
        .provider(&old)
        .rewrap(&sealed.encrypted_dek, &letters(), &kms.wrapper(&new), &letters())
        .await
        .unwrap();
    assert_eq!(kinds(&sealed.encrypted_dek), [KeyKind::AWS_KMS, KeyKind::LOCAL]);
    assert_eq!(kms.faults.calls("ReEncrypt"), 1);
    assert_eq!(open(&sealed, &letters(), &kms.provider(&new)).await.unwrap().expose(), b"dear");
    assert_eq!(open(&sealed, &letters(), &partner).await.unwrap().expose(), b"dear");
}

/// An alias can stand for any key. The answer to the first ReEncrypt names its key.
#[tokio::test]
async fn an_alias_costs_one_call_until_its_key_is_known() {
    for (from_alias, to_alias) in [(true, false), (false, true), (true, true)] {
        let kms = Kms::new().await;
        let (old, new) = (kms.key().await, kms.key().await);
        let name = async |is_alias, key: &String| match is_alias {
            true => alias(&kms, key).await,
            false => key.clone(),
        };
        let (from, to) = (name(from_alias, &old).await, name(to_alias, &new).await);
        let (provider, to) = (kms.provider(&from), kms.wrapper(&to));
        let both = MultiKeyWrapper::new(kms.provider(&new)).with(kms.wrapper(&old));
        let sealed = seal(b"dear", &letters(), &both).await.unwrap();
        let first = EncryptedDek::parse(&sealed.encrypted_dek).unwrap().keys()[..1].to_vec();
        // The entry of the target comes first. An alias of the old key may be tried with it.
        let tried = if from_alias && to_alias { 2 } else { 1 };
        for _ in 0..2 {
            let dek = provider.rewrap(&sealed.encrypted_dek, &letters(), &to, &letters()).await;
            assert_eq!(EncryptedDek::parse(&dek.unwrap()).unwrap().keys(), first);
            assert_eq!(kms.faults.calls("ReEncrypt"), tried, "{from_alias} {to_alias}");
        }
    }
}

#[tokio::test]
async fn a_target_that_a_record_cannot_tell_from_the_source_is_refused() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    let (_, id) = key.split_once(":key/").unwrap();
    let replica = format!("arn:aws:kms:us-west-2:111122223333:key/{id}");
    let sealed = seal(b"dear", &letters(), &kms.provider(&key)).await.unwrap();
    for (from, to) in [(&*key, &*key), (&key, &replica), (&key, id), (id, &replica)] {
        let (provider, to) = (kms.provider(from), kms.wrapper(to));
        let error =
            provider.rewrap(&sealed.encrypted_dek, &letters(), &to, &letters()).await.unwrap_err();
        assert!(error.to_string().contains("another key id"), "{error}");
        assert_eq!(key_kind(error), KeyErrorKind::Configuration);
    }
    assert_eq!(kms.faults.calls("ReEncrypt"), 0);

    // An alias of the same key is found out by the answer, and refused without a call from then on.
    let (from, to) = (alias(&kms, &key).await, alias(&kms, &key).await);
    for (from, to) in [(&from, &key), (&key, &to), (&from, &to)] {
        kms.faults.forget_calls();
        let (provider, to) = (kms.provider(from), kms.wrapper(to));
        for _ in 0..2 {
            provider.rewrap(&sealed.encrypted_dek, &letters(), &to, &letters()).await.unwrap_err();
        }
        assert!(kms.faults.calls("ReEncrypt") <= 1, "{from} {to:?}");
    }
}

/// The provider of a service that reads both keys and writes with the new one.
#[tokio::test]
async fn the_target_is_not_a_source_even_if_the_provider_has_it() {
    let kms = Kms::new().await;
    let (old, new) = (kms.key().await, kms.key().await);
    let provider = kms.provider(&new).also_decrypts(&old);
    let to = kms.wrapper(&new);
    let mut sealed = seal(b"dear", &letters(), &kms.provider(&old)).await.unwrap();
    sealed.encrypted_dek =
        provider.rewrap(&sealed.encrypted_dek, &letters(), &to, &letters()).await.unwrap();
    assert_eq!(open(&sealed, &letters(), &kms.provider(&new)).await.unwrap().expose(), b"dear");
    let again =
        provider.rewrap(&sealed.encrypted_dek, &letters(), &to, &letters()).await.unwrap_err();
    assert!(again.to_string().contains(&*old), "{again}");
    assert_eq!(key_kind(again), KeyErrorKind::WrongKey);
    assert_eq!(kms.faults.calls("ReEncrypt"), 1);
}

/// Somebody who can write the table names the new key in an entry of their own. As documented, the
/// good entry is dropped. Nothing false opens, and no key of theirs is asked for.
#[tokio::test]
async fn a_planted_entry_of_the_new_key_spoils_the_record_and_gains_nothing() {
    let kms = Kms::new().await;
    let (old, new) = (kms.key().await, kms.key().await);
    let mut sealed = seal(b"dear", &letters(), &kms.provider(&old)).await.unwrap();
    let (_, id) = new.split_once(":key/").unwrap();
    let planted = WrappedKey::new(KeyKind::AWS_KMS, KmsKeyHint::of(id), [7; 96]).unwrap();
    sealed.encrypted_dek =
        with_entries(&sealed, |own| [own, std::slice::from_ref(&planted)].concat());
    assert_eq!(
        open(&sealed, &letters(), &kms.provider(&old)).await.unwrap().expose(),
        b"dear",
        "it opens until it is moved"
    );
    let provider = kms.provider(&old);
    sealed.encrypted_dek = provider
        .rewrap(&sealed.encrypted_dek, &letters(), &kms.wrapper(&new), &letters())
        .await
        .unwrap();
    for key in [&old, &new] {
        open(&sealed, &letters(), &kms.provider(key)).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_wrong_answer_to_re_encrypt_is_refused() {
    let kms = Kms::new().await;
    let (old, new, other) = (kms.key().await, kms.key().await, kms.key().await);
    let sealed = seal(b"dear", &letters(), &kms.provider(&old)).await.unwrap();
    for (source, destination, blob) in
        [(&other, &new, "BwcH"), (&old, &other, "BwcH"), (&old, &new, "")]
    {
        let body = json!({ "SourceKeyId": source, "KeyId": destination, "CiphertextBlob": blob })
            .to_string();
        kms.faults.fail_next("ReEncrypt", Fault::Reply { status: 200, body: body.clone() });
        let moved = kms
            .provider(&old)
            .rewrap(&sealed.encrypted_dek, &letters(), &kms.wrapper(&new), &letters())
            .await;
        let Err(RewrapError::Key(error)) = moved else { panic!("{body}: {moved:?}") };
        assert_eq!(error.kind(), KeyErrorKind::InvalidResponse, "{body}: {error}");
        assert!(error.request_id().is_some(), "{body}");
    }
}

#[tokio::test]
async fn rewrap_moves_a_key_between_any_two_providers() {
    let kms = Kms::new().await;
    let provider = kms.provider(&kms.key().await);
    let local = LocalKeyProvider::new(RootKey::generate().unwrap());
    let partner = party();
    let mut sealed = seal(b"dear", &letters(), &local).await.unwrap();
    sealed.encrypted_dek =
        rewrap(&sealed, &local, &letters(), &[&provider, &partner], &letters()).await.unwrap();
    assert_eq!(kinds(&sealed.encrypted_dek), [KeyKind::AWS_KMS, KeyKind::LOCAL]);
    assert_eq!(open(&sealed, &letters(), &provider).await.unwrap().expose(), b"dear");
    assert_eq!(open(&sealed, &letters(), &partner).await.unwrap().expose(), b"dear");
    assert!(
        open(&sealed, &letters(), &local).await.is_err(),
        "wrapped for those named and nobody else"
    );

    let nobody = rewrap(&sealed, &provider, &letters(), &[], &letters()).await.unwrap_err();
    let RewrapError::Key(error) = nobody else { panic!("{nobody}") };
    assert_eq!(error.kind(), KeyErrorKind::Configuration);
}
