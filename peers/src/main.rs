//! Compares Envelope with a local root key and AWS's Database Encryption SDK with a raw AES
//! keyring, on the same record of five fields. The two take turns in one run.
//!
//! Both convert the struct to an item and back. AWS's library takes and returns items, so
//! serde_dynamo converts them.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use aws_db_esdk::CryptoAction;
use aws_db_esdk::item_encryptor::client::Client;
use aws_db_esdk::item_encryptor::types::dynamo_db_item_encryptor_config::DynamoDbItemEncryptorConfig;
use aws_db_esdk::material_providers::client::Client as MaterialProviders;
use aws_db_esdk::material_providers::types::material_providers_config::MaterialProvidersConfig;
use aws_db_esdk::material_providers::types::{AesWrappingAlg, DbeAlgorithmSuiteId};
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, from_item, to_item};
use serde::{Deserialize, Serialize};

type Item = HashMap<String, AttributeValue>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

const SAMPLES: usize = 51;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    ssn: Option<String>,
    #[encrypted]
    notes: String,
    #[authenticated]
    plan: String,
}

fn user() -> User {
    User {
        user_id: "u_12345".into(),
        email: "zoe.quinn@example.com".into(),
        ssn: Some("000-12-3456".into()),
        notes: "n".repeat(140),
        plan: "pro".into(),
    }
}

/// Without digital signatures, which Envelope does not have either: AES-GCM, HKDF, commitment and
/// HMAC.
async fn peer() -> Result<Client, Failure> {
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

async fn seal_by_peer(peer: &Client, user: &User) -> Result<Item, Failure> {
    let item: Item = serde_dynamo::to_item(user)?;
    let sealed = peer.encrypt_item().plaintext_item(item).send().await?;
    sealed.encrypted_item.ok_or_else(|| "no item".into())
}

async fn open_by_peer(peer: &Client, item: Item) -> Result<User, Failure> {
    let opened = peer.decrypt_item().encrypted_item(item).send().await?;
    Ok(serde_dynamo::from_item(opened.plaintext_item.ok_or("no item")?)?)
}

/// The mean time of a call in microseconds.
async fn timed<O>(
    calls: u32,
    mut call: impl AsyncFnMut() -> Result<O, Failure>,
) -> Result<f64, Failure> {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(call().await?);
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(calls))
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn print(operation: &str, envelope: Vec<f64>, peer: Vec<f64>) {
    let ratio =
        median(peer.iter().zip(&envelope).map(|(peer, envelope)| peer / envelope).collect());
    println!(
        "{operation}: Envelope {:.2} us, aws-db-esdk {:.0} us, {ratio:.0} times",
        median(envelope),
        median(peer)
    );
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (user, peer) = (user(), peer().await?);
    let provider = LocalKeyProvider::new(RootKey::generate()?);
    let by_peer = seal_by_peer(&peer, &user).await?;
    let by_envelope = to_item(&user, &provider).await?;
    assert_eq!(open_by_peer(&peer, by_peer.clone()).await?, user);
    assert_eq!(from_item::<User>(by_envelope.clone(), &provider).await?, user);

    let [mut sealing, mut sealing_by_peer, mut opening, mut opening_by_peer] =
        [const { Vec::new() }; 4];
    for _ in 0..SAMPLES {
        sealing.push(timed(500, async || Ok(to_item(black_box(&user), &provider).await?)).await?);
        sealing_by_peer.push(timed(5, async || seal_by_peer(&peer, black_box(&user)).await).await?);
        opening.push(
            timed(500, async || Ok(from_item::<User>(by_envelope.clone(), &provider).await?))
                .await?,
        );
        opening_by_peer.push(timed(5, async || open_by_peer(&peer, by_peer.clone()).await).await?);
    }
    print("seal", sealing, sealing_by_peer);
    print("open", opening, opening_by_peer);
    Ok(())
}
