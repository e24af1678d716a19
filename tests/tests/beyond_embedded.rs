//! What the embedded servers cannot do, and others can: replicas of a KMS key in another region,
//! RSA, and the refusal of what a global index does not project.
//!
//! `tests/real-servers.sh` runs this, against LocalStack's KMS and DynamoDB Local; `cargo test
//! --workspace` leaves it out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_kms::config::Region;
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use envelope_dynamo::{
    Context, EncryptedDek, Envelope, ErrorKind, KeyErrorKind, KmsKeyProvider, KmsRsaKey,
    MultiKeyProvider, OpenError, RsaRecipient, Table, open, seal,
};
use envelope_examples::Servers;
use envelope_examples::servers::{disable_kms_key, unique_name};

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
    let kms = servers().await;
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

    // Each replica is disabled by itself; a reader that knows both goes on with the other.
    disable_kms_key(&here, &primary).await.unwrap();
    let both = MultiKeyProvider::new(reads_here).with(KmsKeyProvider::new(there, &replica));
    assert_eq!(open(&sealed, &letters("zoe"), &both).await.unwrap().expose(), b"dear");
}

#[tokio::test]
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
async fn a_key_that_signs_is_refused() {
    let servers = servers().await;
    let key =
        servers.kms().create_key().key_spec(KeySpec::Rsa2048).key_usage(KeyUsageType::SignVerify);
    let arn = key.send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let error = KmsRsaKey::fetch(servers.kms().clone(), &arn).await.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::InvalidKeyUsage, "{error}");
}

#[derive(Debug, Envelope)]
#[envelope(table = "visits", index(name = "by-ward", partition_key = ward))]
struct Visit {
    #[partition_key]
    id: String,
    #[encrypted]
    notes: String,
    #[plaintext]
    ward: String,
    #[plaintext]
    doctor: Option<String>,
}

#[tokio::test]
async fn an_index_that_lacks_an_optional_field_does_not_pass_for_its_absence() {
    let servers = servers().await;
    let table = unique_name("visits");
    let key = |name| {
        KeySchemaElement::builder().attribute_name(name).key_type(KeyType::Hash).build().unwrap()
    };
    let attribute = |name| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap()
    };
    let projection = Projection::builder().projection_type(ProjectionType::Include);
    let projection = projection
        .non_key_attributes("encrypted_payload")
        .non_key_attributes("encrypted_dek")
        .build();
    let index = GlobalSecondaryIndex::builder()
        .index_name("by-ward")
        .key_schema(key("ward"))
        .projection(projection);
    let creation = servers
        .dynamodb()
        .create_table()
        .table_name(&table)
        .billing_mode(BillingMode::PayPerRequest);
    let creation = creation.key_schema(key("id")).attribute_definitions(attribute("id"));
    let creation = creation
        .attribute_definitions(attribute("ward"))
        .global_secondary_indexes(index.build().unwrap());
    creation.send().await.unwrap();

    let provider = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let visits = Table::<Visit>::new(servers.dynamodb().clone(), provider).named(table);
    let visit = Visit {
        id: "v_1".into(),
        notes: "well".into(),
        ward: "north".into(),
        doctor: Some("dr_1".into()),
    };
    visits.put(&visit).await.unwrap();
    let by_ward = visits.index(|indexes| indexes.by_ward);
    let error = by_ward.query("north").await.unwrap_err();
    let ErrorKind::NotProjected { index, missing } = error.kind() else { panic!("{error}") };
    assert_eq!((*index, missing.as_slice()), ("by-ward", &["doctor".to_owned()][..]));
    assert_eq!(by_ward.query("north").fetch_base().await.unwrap()[0].doctor, visit.doctor);
}
