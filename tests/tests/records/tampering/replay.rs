//! What the format does not detect.

use super::*;

const THREAT_MODEL: &str = include_str!("../../../../docs/THREAT_MODEL.md");

/// Section 1 of the threat model: "putting back an older version of the same record, whole".
#[tokio::test]
async fn an_older_version_of_the_same_record_opens_and_the_threat_model_says_so() {
    let said = "| **putting back an older version of the same record, whole** | **not detected**";
    assert!(THREAT_MODEL.contains(said), "the threat model says something else of this");

    let servers = Servers::from_env().await.unwrap();
    let name = unique_name("vault");
    let keys = (("owner", ScalarAttributeType::S), Some(("at", ScalarAttributeType::N)));
    create_table(servers.dynamodb(), &name, keys.0, keys.1).await.unwrap();
    let provider = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let table = Table::<Secret>::new(servers.dynamodb().clone(), provider).named(name.as_str());

    let (old, new) =
        (secret("zoe", "old"), Secret { plan: "enterprise".into(), ..secret("zoe", "new") });
    table.put(&old).send().await.unwrap();
    let get = servers.dynamodb().get_item().table_name(&name).consistent_read(true);
    let get = get.key("owner", text("zoe")).key("at", AttributeValue::N(old.at.to_string()));
    let replayed = get.send().await.unwrap().item.unwrap();
    table.put(&new).send().await.unwrap();
    assert_eq!(table.get(("zoe", old.at)).consistent_read().send().await.unwrap(), Some(new));

    servers.dynamodb().put_item().table_name(&name).set_item(Some(replayed)).send().await.unwrap();
    assert_eq!(table.get(("zoe", old.at)).consistent_read().send().await.unwrap(), Some(old));
}
