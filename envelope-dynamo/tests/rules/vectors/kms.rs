//! The vectors of kind 2 (FORMAT 6.2): data keys that KMS wraps; and of secrets that KMS encrypts
//! (5.2-1).

use std::collections::BTreeMap;

use envelope_dynamo::WrapKey;
use envelope_dynamo::error::OpenError;
use envelope_dynamo::keys::{EncryptedDek, KmsKeyHint, WrappedKey};
use envelope_dynamo::message::{Context, ContextForm, Number, Sealed, Value, open};
use serde::Deserialize;

use super::played_kms::PlayedKms;
use super::{Hex, in_folder, key_failure};

#[derive(Deserialize)]
struct Vector {
    expect: String,
    kms: PlayedKms,
    #[serde(flatten)]
    place: Place,
    encrypted_payload: Hex,
    encrypted_dek: Hex,
    /// The plaintext, in a vector that opens.
    plaintext: Option<Hex>,
}

/// A secret that KMS itself encrypted.
#[derive(Deserialize)]
struct Secret {
    expect: String,
    kms: PlayedKms,
    #[serde(flatten)]
    place: Place,
    ciphertext_blob: Hex,
    plaintext: Option<Hex>,
}

/// Where the reader finds what it opens.
#[derive(Deserialize)]
struct Place {
    table: String,
    context_form: String,
    keys: Vec<Key>,
    pairs: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Key {
    name: String,
    value: BTreeMap<String, String>,
}

impl Place {
    fn context(&self) -> Context<'_> {
        let form = match self.context_form.as_str() {
            "raw" => ContextForm::Raw,
            "hashed" => ContextForm::Hashed,
            "table" => ContextForm::Table,
            other => panic!("no context form: {other}"),
        };
        let mut context = Context::new(&self.table).form(form);
        if let Some(key) = self.keys.first() {
            context = context.partition_key(&key.name, key.value());
        }
        if let Some(key) = self.keys.get(1) {
            context = context.sort_key(&key.name, key.value());
        }
        for (name, value) in &self.pairs {
            context = context.pair(name, value).expect("a pair");
        }
        context
    }
}

impl Vector {
    async fn open(&self) -> Result<Vec<u8>, OpenError> {
        let sealed = Sealed {
            encrypted_payload: self.encrypted_payload.0.clone(),
            encrypted_dek: self.encrypted_dek.0.clone(),
        };
        let plaintext = open(&sealed, &self.place.context(), &self.kms.provider()).await?;
        Ok(plaintext.expose().to_vec())
    }
}

impl Key {
    fn value(&self) -> Value<'_> {
        match self.value.first_key_value() {
            Some((kind, text)) if kind == "S" => Value::string(text),
            Some((kind, text)) if kind == "N" => {
                Value::Number(Number::parse(text).expect("a number"))
            }
            other => panic!("no vector has a key {other:?}"),
        }
    }
}

/// The name under which a vector knows what came of opening it.
fn outcome(opened: &Result<Vec<u8>, OpenError>) -> &'static str {
    match opened {
        Ok(_) => "opens",
        Err(OpenError::Key(error)) => key_failure(error),
        Err(OpenError::Authentication) => "authentication",
        Err(other) => panic!("no vector expects {other:?}"),
    }
}

#[tokio::test]
async fn every_vector_of_kms_opens_or_fails_as_it_says() {
    for (name, vector) in in_folder::<Vector>("kms-v1") {
        let opened = vector.open().await;
        assert_eq!(outcome(&opened), vector.expect, "{name}");
        assert_eq!(opened.ok(), vector.plaintext.map(|plaintext| plaintext.0), "{name}");
    }
}

/// The entry that this library makes of KMS's answer is the vector's, byte for byte.
#[tokio::test]
async fn the_entry_that_is_written_for_kms_is_the_vectors() {
    let mut with_another_material = Vec::new();
    for (name, vector) in
        in_folder::<Vector>("kms-v1").into_iter().filter(|(_, vector)| vector.expect == "opens")
    {
        let context = vector.place.context().encryption_context();
        let generated = vector.kms.provider().generate(&context).await.expect("a data key");
        let [own] = generated.wrapped.as_slice() else { panic!("{name}: one entry") };
        let dek = EncryptedDek::parse(&vector.encrypted_dek.0).expect("an encrypted_dek");
        if !dek.keys().contains(own) {
            assert!(dek.keys().iter().any(|entry| differs_in_material_alone(entry, own)), "{name}");
            with_another_material.push(name);
        }
    }
    assert_eq!(with_another_material, ["kms-material-other", "kms-material-zeros"]);
}

fn differs_in_material_alone(one: &WrappedKey, other: &WrappedKey) -> bool {
    let key = |entry: &WrappedKey| KmsKeyHint::parse(entry.id()).map(KmsKeyHint::key);
    (one.kind(), key(one), one.bytes()) == (other.kind(), key(other), other.bytes())
}

#[tokio::test]
async fn every_secret_of_the_vectors_is_decrypted_or_refused_as_it_says() {
    for (name, vector) in in_folder::<Secret>("direct-v1") {
        let context = vector.place.context();
        let opened =
            vector.kms.provider().decrypt_direct(&vector.ciphertext_blob.0, &context).await;
        let outcome = opened.as_ref().err().map_or("opens", key_failure);
        assert_eq!(outcome, vector.expect, "{name}");
        let secret = opened.ok().map(|secret| secret.expose().to_vec());
        assert_eq!(secret, vector.plaintext.map(|plaintext| plaintext.0), "{name}");
    }
}
