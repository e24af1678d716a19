//! The code of docs/guide/partners.md. What the partner seals is opened with a local key.

use std::error::Error;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::item::Item;
use envelope_dynamo::keys::{KmsRsaKey, MultiKeyProvider, RsaPublicKey, RsaRecipient};
use envelope_dynamo::{Envelope, KmsKeyProvider, Table, from_item, to_item};
use envelope_tests::{local_keys, rsa_private_key, rsa_public_key};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "findings")]
struct Finding {
    #[partition_key]
    laboratory: String,
    #[sort_key]
    number: u64,
    #[encrypted]
    text: String,
    #[authenticated]
    patient: String,
}

async fn seal(finding: &Finding, public_key: &[u8]) -> Result<Item, Box<dyn Error>> {
    let ours = RsaRecipient::new(RsaPublicKey::from_der(public_key)?)?;
    Ok(to_item(finding, &ours).await?)
}

async fn findings(
    dynamodb: aws_sdk_dynamodb::Client,
    kms: aws_sdk_kms::Client,
) -> Result<Table<Finding>, Box<dyn Error>> {
    let partners = KmsRsaKey::fetch(kms.clone(), "alias/partners").await?;
    let ours = KmsKeyProvider::new(kms, "alias/findings");
    Ok(Table::new(dynamodb, MultiKeyProvider::new(ours).also_opens_with(partners)))
}

#[tokio::test]
async fn a_finding_opens_for_the_owner_of_the_key_and_in_its_place() -> Result<(), Box<dyn Error>> {
    let [laboratory, text, patient] = ["l_1", "all is well", "p_1"].map(str::to_owned);
    let finding = Finding { laboratory, number: 7, text, patient };
    let item = seal(&finding, rsa_public_key().as_der()).await?;

    let keys = MultiKeyProvider::new(local_keys(1)).also_opens_with(rsa_private_key());
    assert_eq!(from_item::<Finding>(item.clone(), &keys).await?, finding);
    assert!(from_item::<Finding>(item.clone(), &local_keys(1)).await.is_err(), "no RSA key");
    let number = ("number", AttributeValue::N("8".to_owned()));
    for (name, value) in [number, ("patient", AttributeValue::S("p_2".to_owned()))] {
        let mut moved = item.clone();
        moved.insert(name.to_owned(), value);
        assert!(from_item::<Finding>(moved, &keys).await.is_err(), "{name}");
    }
    Ok(())
}
