//! Partners without AWS seal with an RSA public key. Faults play the answers of KMS for the private
//! key.
//!
//! `real_kms.rs` runs this against a KMS with RSA.

use envelope_dynamo::error::{KeyError, KeyErrorKind};
use envelope_dynamo::keys::{DataKey, KeyKind, KmsRsaKey, RsaRecipient, WrappedKey};
use envelope_dynamo::message::{Context, EncryptionContext};
use envelope_dynamo::{Envelope, UnwrapKey, from_item, to_item};
use envelope_examples::{Fault, Faults, Servers};
use envelope_tests::{base64, rsa_private_key, rsa_public_key};
use serde_json::{Value, json};

/// The bytes 0 to 31, wrapped by OpenSSL with the test key for a letter to grandmother.
const WRAPPED: &[u8] =
    include_bytes!("../../../envelope-core/src/provider/rsa/wrapped_by_openssl.bin");
const ID: [u8; 8] = 0x4f93_6462_4f93_bbeb_u64.to_be_bytes();
/// SHA-256 of the context of a letter to grandmother, encoded as in FORMAT 6.4.
const CONTEXT_DIGEST: &str = "63f145e76ac93f9b75e29a3f2defe0001530746e6a64366239060e1c60591aae";

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ANOTHER: &str = "arn:aws:kms:us-east-1:111122223333:key/9999abcd-12ab-34cd-56ef-1234567890ab";

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "orders")]
struct Order {
    #[partition_key]
    id: u64,
    #[encrypted]
    card: String,
}

fn order() -> Order {
    Order { id: 7, card: "4111".into() }
}

#[tokio::test]
async fn a_partner_seals_for_us_and_cannot_read() {
    let partner = RsaRecipient::new(rsa_public_key()).unwrap();
    let item = to_item(&order(), &partner).await.unwrap();
    assert_eq!(from_item::<Order>(item.clone(), &rsa_private_key()).await.unwrap(), order());

    let mut moved = item;
    moved.insert("id".into(), aws_sdk_dynamodb::types::AttributeValue::N("8".into()));
    let error = from_item::<Order>(moved, &rsa_private_key()).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::ContextMismatch);
}

/// An RSA key in KMS, whose answers the test gives.
struct Played {
    key: KmsRsaKey,
    faults: Faults,
}

impl Played {
    async fn new() -> Self {
        let servers = Servers::embedded().await.unwrap();
        let faults = Faults::new();
        Self { key: KmsRsaKey::new(servers.kms_through(&faults), KEY, rsa_public_key()), faults }
    }

    async fn unwrap(&self, answer: &Value, to: &str) -> Result<DataKey, KeyError> {
        self.faults.fail_next("Decrypt", Fault::Reply { status: 200, body: answer.to_string() });
        let context: EncryptionContext =
            Context::new("letters").pair("to", to).unwrap().encryption_context();
        let wrapped = [WrappedKey::new(KeyKind::RSA_OAEP, ID, WRAPPED).unwrap()];
        self.key.unwrap_key(&wrapped, &context).await
    }
}

/// The plaintext that KMS returns: the data key and the digest.
fn message() -> Vec<u8> {
    let digest =
        (0..64).step_by(2).map(|at| u8::from_str_radix(&CONTEXT_DIGEST[at..at + 2], 16).unwrap());
    (0..32).chain(digest).collect()
}

#[tokio::test]
async fn kms_is_asked_to_decrypt_with_the_named_key_and_oaep_and_no_context() {
    let played = Played::new().await;
    let answer = json!({ "KeyId": KEY, "Plaintext": base64(&message()) });
    let data_key = played.unwrap(&answer, "grandmother").await.unwrap();
    assert!(data_key.expose().iter().copied().eq(0..32));
    let [request] = played.faults.requests("Decrypt").try_into().unwrap();
    let expected = json!({
        "KeyId": KEY,
        "EncryptionAlgorithm": "RSAES_OAEP_SHA_256",
        "CiphertextBlob": base64(WRAPPED),
    });
    assert_eq!(
        serde_json::from_slice::<Value>(&request).unwrap(),
        expected,
        "KMS refuses a context for RSA"
    );
}

#[tokio::test]
async fn what_was_wrapped_for_another_context_is_refused_though_kms_decrypts_it() {
    let played = Played::new().await;
    let answer = json!({ "KeyId": KEY, "Plaintext": base64(&message()) });
    let error = played.unwrap(&answer, "grandfather").await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
    for length in [0, 32, 63] {
        let answer = json!({ "KeyId": KEY, "Plaintext": base64(&message()[..length]) });
        let error = played.unwrap(&answer, "grandmother").await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::ContextMismatch, "{length} bytes");
    }
    let mut flipped = message();
    flipped[63] ^= 1;
    let answer = json!({ "KeyId": KEY, "Plaintext": base64(&flipped) });
    assert_eq!(
        played.unwrap(&answer, "grandmother").await.unwrap_err().kind(),
        KeyErrorKind::ContextMismatch
    );
}

#[tokio::test]
async fn an_answer_by_another_rsa_key_is_refused() {
    let played = Played::new().await;
    for key in [json!(ANOTHER), Value::Null] {
        let answer = json!({ "KeyId": key, "Plaintext": base64(&message()) });
        let error = played.unwrap(&answer, "grandmother").await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::InvalidResponse, "{error}");
        assert!(error.request_id().is_some());
    }
}

#[tokio::test]
async fn an_entry_of_another_rsa_key_costs_no_call() {
    let played = Played::new().await;
    let wrapped = [WrappedKey::new(KeyKind::RSA_OAEP, [0; 8], WRAPPED).unwrap()];
    let context = Context::new("letters").encryption_context();
    let error = played.key.unwrap_key(&wrapped, &context).await.unwrap_err();
    assert_eq!((error.kind(), played.faults.calls("Decrypt")), (KeyErrorKind::WrongKey, 0));
}

#[tokio::test]
async fn the_public_key_is_fetched_from_a_key_that_can_decrypt_and_from_no_other() {
    let servers = Servers::embedded().await.unwrap();
    let faults = Faults::new();
    let fetch = async |answer: Value| {
        faults.fail_next("GetPublicKey", Fault::Reply { status: 200, body: answer.to_string() });
        KmsRsaKey::fetch(servers.kms_through(&faults), KEY).await
    };
    let der = base64(rsa_public_key().as_der());
    let good = json!({ "KeyId": KEY, "PublicKey": der, "EncryptionAlgorithms": ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"] });
    assert_eq!(fetch(good.clone()).await.unwrap().public_key(), &rsa_public_key());
    for (name, value, kind) in [
        ("KeyId", json!(ANOTHER), KeyErrorKind::InvalidResponse),
        ("PublicKey", json!("BwcH"), KeyErrorKind::InvalidResponse),
        ("EncryptionAlgorithms", json!(["RSAES_OAEP_SHA_1"]), KeyErrorKind::InvalidKeyUsage),
        ("EncryptionAlgorithms", Value::Null, KeyErrorKind::InvalidKeyUsage),
    ] {
        let mut answer = good.clone();
        answer[name] = value;
        assert_eq!(fetch(answer).await.unwrap_err().kind(), kind, "{name}");
    }
}
