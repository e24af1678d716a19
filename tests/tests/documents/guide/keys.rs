//! The code of docs/guide/keys.md. It runs as well.

use std::time::Duration;

use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_dynamo::keys::{CacheLimits, CachedKeyProvider};
use envelope_dynamo::{BranchKeyTable, Envelope, HierarchicalKeyProvider, KmsKeyProvider, Table};
use envelope_examples::servers::create_table;
use envelope_examples::{Faults, Servers};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

fn tables(dynamodb: &aws_sdk_dynamodb::Client, kms: &aws_sdk_kms::Client) -> [Table<User>; 3] {
    // One call to KMS for each write and each read.
    let kms = || KmsKeyProvider::new(kms.clone(), "alias/users");
    let direct = Table::<User>::new(dynamodb.clone(), kms());

    // A record that is read again within five minutes costs no call.
    let five_minutes = CacheLimits::new(Duration::from_secs(300));
    let cached = Table::<User>::new(dynamodb.clone(), CachedKeyProvider::new(kms(), five_minutes));

    // One call in five minutes. The operator has created the branch key before.
    let keys = BranchKeyTable::new(dynamodb.clone(), "branch-keys", kms());
    let keys = HierarchicalKeyProvider::per_table(keys, five_minutes);
    let branch = Table::<User>::new(dynamodb.clone(), keys);
    [direct, cached, branch]
}

#[tokio::test]
async fn each_key_mode_of_the_guide_makes_its_number_of_calls() {
    let servers = Servers::embedded().await.unwrap();
    let faults = Faults::new();
    let (dynamodb, kms) = (servers.dynamodb(), servers.kms_through(&faults));
    create_table(dynamodb, "users", ("user_id", ScalarAttributeType::S), None).await.unwrap();
    let alias = kms.create_alias().alias_name("alias/users");
    alias.target_key_id(servers.kms_key_id()).send().await.unwrap();
    let provider = KmsKeyProvider::new(kms.clone(), "alias/users");
    let branches = BranchKeyTable::new(dynamodb.clone(), "branch-keys", provider);
    branches.create_table().await.unwrap();
    branches.create("users").await.unwrap();

    let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
    for (users, calls) in tables(dynamodb, &kms).into_iter().zip([(1, 2), (1, 1), (0, 1)]) {
        faults.forget_calls();
        users.put(&user).send().await.unwrap();
        for _ in 0..2 {
            assert_eq!(users.get("u_1").send().await.unwrap().as_ref(), Some(&user));
        }
        assert_eq!((faults.calls("GenerateDataKey"), faults.calls("Decrypt")), calls);
    }
}
