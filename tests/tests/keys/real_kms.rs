//! Replicas of a key in another region, and what the embedded KMS cannot do: RSA.

use aws_sdk_kms::config::Region;
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use envelope_dynamo::KmsKeyProvider;
use envelope_dynamo::error::{KeyErrorKind, OpenError};
use envelope_dynamo::keys::{EncryptedDek, KmsRsaKey, MultiKeyProvider, RsaRecipient};
use envelope_dynamo::message::{Context, open, seal};
use envelope_examples::Servers;
use envelope_examples::servers::disable_kms_key;

fn letters(to: &str) -> Context<'_> {
    Context::new("letters").pair("to", to).unwrap()
}

async fn servers() -> Servers {
    assert!(
        std::env::var("KMS_ENDPOINT").is_ok_and(|url| !url.is_empty()),
        "run this by tests/real-servers.sh"
    );
    Servers::from_env().await.unwrap()
}

fn in_region(kms: &aws_sdk_kms::Client, region: &'static str) -> aws_sdk_kms::Client {
    aws_sdk_kms::Client::from_conf(kms.config().to_builder().region(Region::new(region)).build())
}

#[tokio::test]
async fn one_wrapped_key_opens_by_every_replica_of_its_key() {
    const HERE: &str = "us-east-1";
    const THERE: &str = "eu-west-1";
    let kms = Servers::from_env().await.unwrap();
    let (here, there) = (in_region(kms.kms(), HERE), in_region(kms.kms(), THERE));
    let primary = here
        .create_key()
        .multi_region(true)
        .send()
        .await
        .unwrap()
        .key_metadata
        .unwrap()
        .arn
        .unwrap();
    here.replicate_key().key_id(&primary).replica_region(THERE).send().await.unwrap();
    let replica = primary.replace(HERE, THERE);

    let sealed =
        seal(b"dear", &letters("zoe"), &KmsKeyProvider::new(here.clone(), &primary)).await.unwrap();
    assert_eq!(
        EncryptedDek::parse(&sealed.encrypted_dek).unwrap().keys().len(),
        1,
        "one blob for both"
    );
    let reads_there = KmsKeyProvider::new(there.clone(), &replica);
    assert_eq!(open(&sealed, &letters("zoe"), &reads_there).await.unwrap().expose(), b"dear");
    assert!(open(&sealed, &letters("tom"), &reads_there).await.is_err());

    let written_there = seal(b"dear", &letters("zoe"), &reads_there).await.unwrap();
    let reads_here = KmsKeyProvider::new(here.clone(), &primary);
    assert_eq!(open(&written_there, &letters("zoe"), &reads_here).await.unwrap().expose(), b"dear");

    // Each replica is disabled separately; a reader that knows both continues with the other.
    disable_kms_key(&here, &primary).await.unwrap();
    let both = MultiKeyProvider::new(reads_here).with(KmsKeyProvider::new(there, &replica));
    assert_eq!(open(&sealed, &letters("zoe"), &both).await.unwrap().expose(), b"dear");
}

#[tokio::test]
#[ignore = "needs the servers of tests/real-servers.sh"]
async fn what_a_partner_wrapped_with_rsa_opens_by_kms_for_its_context_alone() {
    let servers = servers().await;
    let kms = servers.kms();
    for spec in [KeySpec::Rsa2048, KeySpec::Rsa4096] {
        let key = kms
            .create_key()
            .key_spec(spec)
            .key_usage(KeyUsageType::EncryptDecrypt)
            .send()
            .await
            .unwrap();
        let arn = key.key_metadata.unwrap().arn.unwrap();
        let ours = KmsRsaKey::fetch(kms.clone(), &arn).await.unwrap();
        let partner = RsaRecipient::new(ours.public_key().clone()).unwrap();
        let sealed = seal(b"dear", &letters("zoe"), &partner).await.unwrap();
        assert_eq!(open(&sealed, &letters("zoe"), &ours).await.unwrap().expose(), b"dear");
        let OpenError::Key(error) = open(&sealed, &letters("tom"), &ours).await.unwrap_err() else {
            panic!()
        };
        assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);

        disable_kms_key(kms, &arn).await.unwrap();
        let OpenError::Key(error) = open(&sealed, &letters("zoe"), &ours).await.unwrap_err() else {
            panic!()
        };
        assert_eq!(error.kind(), KeyErrorKind::KeyDisabled);
    }
}

#[tokio::test]
#[ignore = "needs the servers of tests/real-servers.sh"]
async fn a_key_that_signs_is_refused() {
    let servers = servers().await;
    let key =
        servers.kms().create_key().key_spec(KeySpec::Rsa2048).key_usage(KeyUsageType::SignVerify);
    let arn = key.send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let error = KmsRsaKey::fetch(servers.kms().clone(), &arn).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::InvalidKeyUsage, "{error}");
}
