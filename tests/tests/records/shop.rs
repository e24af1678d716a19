//! A shop that keeps several entity types in one table.

use aws_sdk_dynamodb::types::ScalarAttributeType::S;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};
use envelope_tests::servers;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "PROFILE")]
pub(crate) struct Profile {
    #[key]
    pub(crate) user_id: String,
    #[encrypted]
    pub(crate) email: String,
    #[plaintext]
    pub(crate) logins: u64,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop", entity(kind = "order"))]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "ORDER#{created:020}#{order_id}")]
pub(crate) struct Order {
    #[key]
    pub(crate) user_id: String,
    #[key]
    pub(crate) created: u64,
    #[authenticated]
    pub(crate) order_id: String,
    #[encrypted]
    pub(crate) card: String,
    #[plaintext]
    pub(crate) state: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
pub(crate) enum Shop {
    Profile(Profile),
    Order(Order),
}

pub(crate) fn profile() -> Profile {
    Profile { user_id: "u_1".into(), email: "s3cr3t@example.com".into(), logins: 3 }
}

pub(crate) fn order(created: u64, id: &str) -> Order {
    Order {
        user_id: "u_1".into(),
        created,
        order_id: id.into(),
        card: format!("s3cr3t 4111 {id}"),
        state: "paid".into(),
    }
}

/// The servers, and a new table of all the shop's records.
pub(crate) async fn shop() -> (Servers, Table<Shop>) {
    let (servers, name) = (servers().await, unique_name("shop"));
    create_table(servers.dynamodb(), &name, ("pk", S), Some(("sk", S))).await.unwrap();
    let provider = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let table = Table::new(servers.dynamodb().clone(), provider).named(name);
    (servers, table)
}
