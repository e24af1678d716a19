//! A shop in one table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::Envelope;

pub(crate) type Item = HashMap<String, AttributeValue>;

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

pub(crate) fn string(text: &str) -> AttributeValue {
    AttributeValue::S(text.into())
}
