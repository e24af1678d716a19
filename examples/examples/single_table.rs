//! A shop in one table: profiles and orders, distinguished by their keys.
//!
//! `cargo run --example single_table`
//!
//! The keys are composed of fields. A query of the enum reads everything in a partition, each item
//! as the type that it has. A query of one type reads only that type. Because the time is part of
//! the sort key, a query can also select a range of times.

use aws_sdk_dynamodb::types::ScalarAttributeType::S;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Profile {
    #[key]
    user_id: String,
    #[encrypted]
    email: String,
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "shop", entity(kind = "order"))]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "ORDER#{placed:010}#{order_id}")]
struct Order {
    #[key]
    user_id: String,
    /// Seconds since 1970.
    #[key]
    placed: u64,
    #[authenticated]
    order_id: String,
    #[encrypted]
    address: String,
    #[plaintext]
    state: String,
}

#[derive(Debug, PartialEq, Envelope)]
enum Shop {
    Profile(Profile),
    Order(Order),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let servers = Servers::from_env().await?;
    println!("Using {}.", servers.describe());
    let table = unique_name("shop");
    create_table(servers.dynamodb(), &table, ("pk", S), Some(("sk", S))).await?;
    let keys = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let shop = Table::<Shop>::new(servers.dynamodb().clone(), keys).named(table);
    let orders = shop.of::<Order>();

    let profile = Profile { user_id: "u_1".into(), email: "zoe@example.com".into() };
    shop.put(&Shop::Profile(profile)).send().await?;
    for (placed, order_id) in
        [(1_700_000_000, "o_1"), (1_710_000_000, "o_2"), (1_720_000_000, "o_3")]
    {
        orders.put(&order(placed, order_id)).send().await?;
    }

    println!("Everything of the user u_1:");
    for entity in shop.query("u_1").send().await? {
        match entity {
            Shop::Profile(profile) => println!("- profile of {}", profile.user_id),
            Shop::Order(order) => println!("- order {}: {}", order.order_id, order.state),
        }
    }

    let spring = orders
        .query("u_1")
        .sort(|key| key.between((1_705_000_000_u64, "-"), (1_715_000_000_u64, "~")));
    assert_eq!(spring.send().await?, [order(1_710_000_000, "o_2")]);

    let key = || ("u_1", (1_710_000_000, "o_2"));
    orders.update(key()).set(|order| order.state, "sent").send().await?;
    orders.update(key()).modify(|order| order.address = "2 New Road".into()).send().await?;
    let moved = orders.get(key()).consistent_read().send().await?;
    assert_eq!(
        moved.map(|order| (order.state, order.address)),
        Some(("sent".into(), "2 New Road".into()))
    );

    let ambiguous = order(1_730_000_000, "o#4");
    let error = orders.put(&ambiguous).send().await.expect_err("the order id has a separator");
    println!("An order id with a separator is refused:\n  {error}");
    Ok(())
}

fn order(placed: u64, order_id: &str) -> Order {
    Order {
        user_id: "u_1".into(),
        placed,
        order_id: order_id.into(),
        address: "1 Old Street".into(),
        state: "paid".into(),
    }
}
