//! A record of five fields, and AWS's Database Encryption SDK for it.

use std::collections::HashMap;

use aws_db_esdk::CryptoAction;
use aws_db_esdk::item_encryptor::client::Client;
use aws_db_esdk::item_encryptor::types::dynamo_db_item_encryptor_config::DynamoDbItemEncryptorConfig;
use aws_db_esdk::material_providers::client::Client as MaterialProviders;
use aws_db_esdk::material_providers::types::material_providers_config::MaterialProvidersConfig;
use aws_db_esdk::material_providers::types::{AesWrappingAlg, DbeAlgorithmSuiteId};
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::Envelope;
use serde::{Deserialize, Serialize};

/// An item of DynamoDB.
pub type Item = HashMap<String, AttributeValue>;
/// Any error.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A record of five fields, three of them encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Envelope)]
#[envelope(table = "users")]
pub struct User {
    #[partition_key]
    pub user_id: String,
    #[encrypted]
    pub email: String,
    #[encrypted]
    pub ssn: Option<String>,
    #[encrypted]
    pub notes: String,
    #[authenticated]
    pub plan: String,
}

/// A user.
pub fn user() -> User {
    User {
        user_id: "u_12345".into(),
        email: "zoe.quinn@example.com".into(),
        ssn: Some("000-12-3456".into()),
        notes: "n".repeat(140),
        plan: "pro".into(),
    }
}

/// AWS's library, without digital signatures, which Envelope does not have either: AES-GCM, HKDF, commitment and
/// HMAC.
pub async fn peer() -> Result<Client, Failure> {
    let keyring = MaterialProviders::from_conf(MaterialProvidersConfig::builder().build()?)?
        .create_raw_aes_keyring()
        .key_name("name")
        .key_namespace("namespace")
        .wrapping_key(vec![7; 32])
        .wrapping_alg(AesWrappingAlg::AlgAes256GcmIv12Tag16)
        .send()
        .await?;
    let actions = [
        ("user_id", CryptoAction::SignOnly),
        ("email", CryptoAction::EncryptAndSign),
        ("ssn", CryptoAction::EncryptAndSign),
        ("notes", CryptoAction::EncryptAndSign),
        ("plan", CryptoAction::SignOnly),
    ];
    let config = DynamoDbItemEncryptorConfig::builder()
        .logical_table_name("users")
        .partition_key_name("user_id")
        .attribute_actions_on_encrypt(HashMap::from(
            actions.map(|(name, action)| (name.to_owned(), action)),
        ))
        .keyring(keyring)
        .allowed_unsigned_attribute_prefix(":")
        .algorithm_suite_id(DbeAlgorithmSuiteId::AlgAes256GcmHkdfSha512CommitKeySymsigHmacSha384)
        .build()?;
    Ok(Client::from_conf(config)?)
}

/// Encrypts a user with AWS's library.
pub async fn seal_by_peer(peer: &Client, user: &User) -> Result<Item, Failure> {
    let item: Item = serde_dynamo::to_item(user)?;
    let sealed = peer.encrypt_item().plaintext_item(item).send().await?;
    sealed.encrypted_item.ok_or_else(|| "no item".into())
}

/// Decrypts a user with AWS's library.
pub async fn open_by_peer(peer: &Client, item: Item) -> Result<User, Failure> {
    let opened = peer.decrypt_item().encrypted_item(item).send().await?;
    Ok(serde_dynamo::from_item(opened.plaintext_item.ok_or("no item")?)?)
}
