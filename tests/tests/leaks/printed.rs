//! `Debug` of the public types that hold something.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use envelope_dynamo::keys::{
    CacheLimits, DataKey, EncryptedDek, GeneratedKey, KeyKind, SharingLimits, WrappedKey,
};
use envelope_dynamo::message::{Context, ContextForm, Number, Plaintext, Sealed, Value};
use envelope_dynamo::{
    CachedKeyProvider, Envelope, KeyProvider, KmsKeyProvider, KmsKeyWrapper, LocalKeyProvider,
    RootKey, SharedKeyProvider, Table, UnwrapKey, WrapKey, from_item, to_item,
};
use envelope_examples::Servers;

use crate::{BYTES, DATA_KEY, NUMBER, ROOT, TEXT, assert_clean, provider};

#[track_caller]
pub(crate) fn assert_prints_no_secret(value: &dyn Debug) {
    assert_clean(&format!("{value:?}"));
    assert_clean(&format!("{value:#?}"));
    assert_clean(&format!("{:x?} {:?}", value, Some(value)));
}

pub(crate) fn data_key() -> DataKey {
    DataKey::from_slice(&DATA_KEY).unwrap()
}

pub(crate) fn wrapped() -> WrappedKey {
    WrappedKey::new(KeyKind::AWS_KMS, BYTES, DATA_KEY).unwrap()
}

#[test]
fn keys_and_what_wraps_them() {
    let root = RootKey::from_bytes(&ROOT).unwrap();
    assert_prints_no_secret(&root);
    assert_prints_no_secret(&LocalKeyProvider::new(root));
    assert_prints_no_secret(&data_key());
    assert_prints_no_secret(&data_key().share());
    assert_prints_no_secret(&wrapped());
    assert_prints_no_secret(&GeneratedKey { data_key: data_key(), wrapped: vec![wrapped()] });
    assert_prints_no_secret(&EncryptedDek::new(ContextForm::Raw, vec![wrapped()]).unwrap());
    let shared: Arc<dyn KeyProvider> = Arc::new(provider());
    assert_prints_no_secret(&shared);
}

#[test]
fn plaintext_and_what_is_sealed() {
    for bytes in [TEXT.as_bytes(), &BYTES, NUMBER.to_string().as_bytes()] {
        assert_prints_no_secret(&Plaintext::from(bytes.to_vec()));
        assert_prints_no_secret(&Sealed {
            encrypted_payload: bytes.to_vec(),
            encrypted_dek: bytes.to_vec(),
        });
    }
}

#[test]
fn values_and_contexts() {
    let number = NUMBER.to_string();
    let number = || Value::Number(Number::parse(&number).unwrap());
    let values = || {
        vec![
            Value::string(TEXT),
            Value::bytes(&BYTES),
            number(),
            Value::List(vec![Value::string(TEXT), number()]),
            Value::Map(vec![(Cow::Borrowed(TEXT), Value::bytes(&BYTES))]),
            Value::StringSet(vec![TEXT.into()]),
            Value::NumberSet(vec![Number::parse("7366123940127745911").unwrap()]),
            Value::BytesSet(vec![BYTES.as_slice().into()]),
        ]
    };
    for value in values() {
        assert_prints_no_secret(&value);
    }
    assert_prints_no_secret(&Number::parse("7366123940127745911").unwrap());
    for form in [ContextForm::Raw, ContextForm::Hashed, ContextForm::Table] {
        let mut context =
            Context::new("patients").form(form).partition_key("id", Value::string(TEXT));
        context = context.sort_key("at", number()).pair("tenant", TEXT).unwrap();
        for (i, value) in values().into_iter().enumerate() {
            context = context.authenticated(format!("field {i}"), Some(value)).unwrap();
        }
        assert_prints_no_secret(&context);
        assert_prints_no_secret(&context.encryption_context());
    }
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients", kms_context = "table")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
}

/// Its clients hold credentials.
#[tokio::test]
async fn tables_and_kms_providers() {
    let credentials =
        Credentials::new("AKIDEXAMPLE", TEXT, Some(NUMBER.to_string()), None, "tests");
    let kms = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials.clone())
        .build();
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .build();
    let kms = || aws_sdk_kms::Client::from_conf(kms.clone());
    let dynamodb = || aws_sdk_dynamodb::Client::from_conf(dynamodb.clone());
    let provider = || {
        KmsKeyProvider::new(kms(), "alias/users").also_decrypts("alias/old").grant_token("token")
    };
    assert_prints_no_secret(&provider());
    assert_prints_no_secret(&KmsKeyWrapper::new(kms(), "alias/users"));
    assert_prints_no_secret(&Table::<Patient>::new(dynamodb(), provider()));
    assert_prints_no_secret(&Table::<Patient>::new(dynamodb(), crate::provider()));
    assert_prints_no_secret(&Table::<Patient, dyn WrapKey>::write_only(
        dynamodb(),
        crate::provider(),
    ));
    assert_prints_no_secret(&Table::<Patient, dyn UnwrapKey>::read_only(
        dynamodb(),
        crate::provider(),
    ));
}

/// A provider with one data key, which a cache then holds.
#[derive(Debug)]
pub(crate) struct Fixed;

impl WrapKey for Fixed {
    fn generate<'a>(
        &'a self,
        _: &'a envelope_dynamo::message::EncryptionContext,
    ) -> envelope_dynamo::keys::KeyFuture<'a, GeneratedKey> {
        Box::pin(async { Ok(GeneratedKey { data_key: data_key(), wrapped: vec![wrapped()] }) })
    }
}

impl UnwrapKey for Fixed {
    fn unwrap_key<'a>(
        &'a self,
        _: &'a [WrappedKey],
        _: &'a envelope_dynamo::message::EncryptionContext,
    ) -> envelope_dynamo::keys::KeyFuture<'a, DataKey> {
        Box::pin(async { Ok(data_key()) })
    }
}

#[tokio::test]
async fn providers_that_keep_data_keys() {
    let cached = CachedKeyProvider::new(Fixed, CacheLimits::new(Duration::from_secs(300)));
    let shared = SharedKeyProvider::new(Fixed, SharingLimits::new(Duration::from_secs(300), 1_000));
    // The key and the context may name a person, too.
    let patient = Patient { id: TEXT.into(), name: TEXT.into() };
    let item = to_item(&patient, &shared).await.unwrap();
    assert_eq!(from_item::<Patient>(item, &cached).await.unwrap(), patient);
    assert_prints_no_secret(&cached);
    assert_prints_no_secret(&shared);
}

#[tokio::test]
async fn servers_of_examples_and_tests() {
    let faults = envelope_examples::Faults::new();
    let servers = Servers::embedded().await.unwrap();
    let provider = KmsKeyProvider::new(servers.kms_through(&faults), servers.kms_key_id());
    to_item(&Patient { id: "p".into(), name: TEXT.into() }, &provider).await.unwrap();
    assert_prints_no_secret(&faults);
}
