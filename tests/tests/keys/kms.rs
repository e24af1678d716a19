//! Faults and wrong answers of KMS and DynamoDB, below the clients of the AWS SDK.

mod aliases;
mod answers;
mod dynamodb;
mod entries;
mod interrupted;
mod material;
mod refusals;
mod requests;

use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_dynamo::keys::{EncryptedDek, WrappedKey};
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::servers::{create_kms_key, create_table, unique_name};
use envelope_examples::{Faults, Servers};
use envelope_tests::{
    Item, base64, binary, called, json, key_error, stored, text, with, wrapped_keys,
};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users", context(purpose = "pii"))]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[authenticated]
    #[encryption_context]
    tenant: String,
    #[plaintext]
    logins: u64,
}

fn user(id: &str) -> User {
    User { user_id: id.into(), email: format!("{id}@example.com"), tenant: "t1".into(), logins: 3 }
}

/// A table of users under a new KMS key, behind faults.
struct Bench {
    servers: Servers,
    faults: Faults,
    /// The ARN of the key.
    key: String,
    table: Table<User>,
}

impl Bench {
    async fn new() -> Self {
        let servers = Servers::from_env().await.unwrap();
        let faults = Faults::new();
        let key = create_kms_key(servers.kms()).await.unwrap();
        let physical = unique_name(User::TABLE);
        create_table(servers.dynamodb(), &physical, ("user_id", ScalarAttributeType::S), None)
            .await
            .unwrap();
        let provider = KmsKeyProvider::new(servers.kms_through(&faults), &key);
        let table = Table::new(servers.dynamodb_through(&faults), provider).named(physical);
        Self { servers, faults, key, table }
    }

    /// A new provider behind the same faults, with nothing cached.
    fn provider(&self, key: &str) -> KmsKeyProvider {
        KmsKeyProvider::new(self.servers.kms_through(&self.faults), key)
    }

    /// A new alias of `key`.
    async fn alias(&self, key: &str) -> String {
        let alias = format!("alias/{}", unique_name("users"));
        self.servers
            .kms()
            .create_alias()
            .alias_name(&alias)
            .target_key_id(key)
            .send()
            .await
            .unwrap();
        alias
    }

    /// The stored record, read past the faults.
    async fn stored(&self, id: &str) -> Option<Item> {
        stored(&self.servers, self.table.name(), Item::from([("user_id".into(), text(id))])).await
    }

    /// Waits until `operation` has been called `calls` times.
    async fn called(&self, operation: &str, calls: usize) {
        called(&self.faults, operation, calls).await;
    }
}

/// The ARN of a key that no server has.
const ANOTHER_ARN: &str =
    "arn:aws:kms:us-east-1:999999999999:key/99999999-aaaa-bbbb-cccc-dddddddddddd";

/// The record with other wrapped keys.
fn with_wrapped_keys(item: &Item, keys: Vec<WrappedKey>) -> Item {
    let dek = EncryptedDek::new(wrapped_keys(item).form(), keys).unwrap();
    with(item, "encrypted_dek", binary(dek.to_bytes()))
}
