//! The code of docs/guide/multi-region.md, with a KMS of two regions.

use std::error::Error;
use std::time::Duration;

use aws_sdk_kms::config::Region;
use envelope_dynamo::keys::MultiKeyProvider;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table, from_item, to_item};
use envelope_testing::{Aws, create_kms_key, disable_kms_key};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

fn zoe() -> User {
    User { user_id: "u_1".to_owned(), email: "zoe@example.com".to_owned() }
}

fn users(
    dynamodb: aws_sdk_dynamodb::Client,
    kms: aws_sdk_kms::Client, // a client of the region that the program runs in
    replica: &str,            // `arn:aws:kms:eu-west-1:111122223333:key/mrk-..`, or an alias there
) -> Table<User> {
    Table::new(dynamodb, KmsKeyProvider::new(kms, replica))
}

/// A client of the same KMS in another region.
fn in_region(kms: &aws_sdk_kms::Client, region: &'static str) -> aws_sdk_kms::Client {
    let config = kms.config().to_builder().region(Region::from_static(region)).build();
    aws_sdk_kms::Client::from_conf(config)
}

#[tokio::test]
async fn a_replica_opens_what_another_region_wrote() -> Result<(), Box<dyn Error>> {
    let aws = Aws::embedded().await?;
    aws.create_table::<User>("users").await?;
    let dublin = in_region(aws.kms(), "eu-west-1");
    let created = aws.kms().create_key().multi_region(true).send().await?;
    let primary = created.key_metadata.and_then(|key| key.arn).ok_or("no key")?;
    let replicate = aws.kms().replicate_key().key_id(&primary).replica_region("eu-west-1");
    let replica = replicate.send().await?.replica_key_metadata.and_then(|key| key.arn);
    let replica = replica.ok_or("no replica")?;
    assert_ne!(primary, replica);

    let here = users(aws.dynamodb().clone(), aws.kms().clone(), &primary);
    here.put(&zoe()).send().await?;
    disable_kms_key(aws.kms(), &primary).await?;
    assert!(here.get("u_1").send().await.is_err());
    let there = users(aws.dynamodb().clone(), dublin.clone(), &replica);
    assert_eq!(there.get("u_1").send().await?, Some(zoe()));

    // The ARN of the other region.
    let wrong = users(aws.dynamodb().clone(), dublin, &primary);
    assert!(wrong.get("u_1").send().await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_record_for_two_keys_opens_when_one_region_is_away() -> Result<(), Box<dyn Error>> {
    let aws = Aws::embedded().await?;
    let frankfurt = aws.kms().clone();
    let dublin = in_region(&frankfurt, "eu-west-1");
    let (frankfurt_key, dublin_key) =
        (create_kms_key(&frankfurt).await?, create_kms_key(&dublin).await?);
    let reader = KmsKeyProvider::new(dublin.clone(), &dublin_key);
    let disable = (frankfurt.clone(), frankfurt_key.clone());
    let (dublin_again, dublin_key_again) = (dublin.clone(), dublin_key.clone());

    let here = KmsKeyProvider::new(frankfurt, frankfurt_key).deadline(Duration::from_secs(1));
    let there = KmsKeyProvider::new(dublin, dublin_key).deadline(Duration::from_secs(1));
    let keys = MultiKeyProvider::new(here).with(there);

    let item = to_item(&zoe(), &keys).await?;
    repair(&aws, &disable.1, &reader, (dublin_again, &dublin_key_again)).await?;
    assert_eq!(from_item::<User>(item.clone(), &reader).await?, zoe());
    disable_kms_key(&disable.0, &disable.1).await?;
    assert_eq!(from_item::<User>(item, &keys).await?, zoe());
    assert!(to_item(&zoe(), &keys).await.is_err());
    Ok(())
}

/// A record that was written for one key gets the other.
async fn repair(
    aws: &Aws,
    frankfurt_key: &str,
    reader: &KmsKeyProvider,
    (dublin, dublin_key): (aws_sdk_kms::Client, &str),
) -> Result<(), Box<dyn Error>> {
    let frankfurt = aws.kms();
    let users = aws.create_table::<User>("users").await?;
    let one = KmsKeyProvider::new(frankfurt.clone(), frankfurt_key);
    let written = Table::<User>::new(aws.dynamodb().clone(), one);
    written.put(&zoe()).send().await?;

    let here = KmsKeyProvider::new(frankfurt.clone(), frankfurt_key);
    let there = KmsKeyProvider::new(dublin.clone(), dublin_key);
    users.rewrap("u_1").unwrap_and_wrap(&here, &[&here, &there]).send().await?;

    let get = aws.dynamodb().get_item().table_name("users");
    let get = get.key("user_id", aws_sdk_dynamodb::types::AttributeValue::S("u_1".to_owned()));
    let item = get.send().await?.item.ok_or("no item")?;
    assert_eq!(from_item::<User>(item, reader).await?, zoe());
    Ok(())
}
