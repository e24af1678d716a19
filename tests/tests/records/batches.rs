//! Batches and transactions against DynamoDB and KMS: what they wrote, what they did not, and what
//! is in doubt.

mod composed_keys;
mod economy;
mod get;
mod managed_fields;
mod put;
mod random_faults;
mod transact_get;
mod transact_write;

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::ScalarAttributeType::{N, S};
use envelope_dynamo::{Envelope, KeyProvider, LocalKeyProvider, RootKey, Table};
use envelope_examples::servers::{create_table, unique_name};
use envelope_examples::{Faults, Servers};
use envelope_tests::{Item, assert_never_sent, kms_keys, plant, requests, servers};

/// No request may contain this.
const SECRET: &str = "s3cr3t-of-";

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[authenticated]
    plan: String,
    #[plaintext]
    logins: u64,
}

fn user(id: impl ToString) -> User {
    let id = id.to_string();
    User { email: format!("{SECRET}{id}@example.com"), user_id: id, plan: "pro".into(), logins: 3 }
}

/// `u_0`, `u_1`, ..
fn users(count: usize) -> Vec<User> {
    (0..count).map(|n| user(format!("u_{n}"))).collect()
}

fn ids(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.user_id.as_str()).collect()
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "orders", kms_context = "table")]
struct Order {
    #[partition_key]
    customer: String,
    #[sort_key]
    number: f64,
    #[encrypted]
    card: String,
    #[plaintext]
    state: String,
}

fn order(customer: &str, number: f64) -> Order {
    Order {
        customer: customer.into(),
        number,
        card: format!("{SECRET}{customer}'s card"),
        state: "open".into(),
    }
}

/// Two tables behind faults.
struct Bench {
    servers: Servers,
    faults: Faults,
    users: Table<User>,
    orders: Table<Order>,
}

impl Bench {
    /// With a local key provider.
    async fn new() -> Self {
        Self::with(|_, _| LocalKeyProvider::new(RootKey::generate().unwrap())).await
    }

    async fn with_kms() -> Self {
        Self::with(kms_keys).await
    }

    async fn with<P: KeyProvider + 'static>(provider: impl Fn(&Servers, &Faults) -> P) -> Self {
        let (servers, faults) = (servers().await, Faults::new());
        let [users, orders] = [User::TABLE, Order::TABLE].map(unique_name);
        create_table(servers.dynamodb(), &users, ("user_id", S), None).await.unwrap();
        create_table(servers.dynamodb(), &orders, ("customer", S), Some(("number", N)))
            .await
            .unwrap();
        let dynamodb = servers.dynamodb_through(&faults);
        let users = Table::new(dynamodb.clone(), provider(&servers, &faults)).named(users);
        let orders = Table::new(dynamodb, provider(&servers, &faults)).named(orders);
        Self { servers, faults, users, orders }
    }

    /// All items of the table of users by key, read past the faults.
    async fn stored(&self) -> HashMap<String, Item> {
        let pages =
            self.servers.dynamodb().scan().table_name(self.users.name()).consistent_read(true);
        let items = pages.into_paginator().items().send();
        let items = items.collect::<Result<Vec<_>, _>>().await.unwrap();
        items.into_iter().map(|item| (item["user_id"].as_s().unwrap().clone(), item)).collect()
    }

    async fn stored_ids(&self) -> HashSet<String> {
        self.stored().await.into_keys().collect()
    }

    /// Puts the item past the faults.
    async fn put_raw(&self, item: Item) {
        plant(&self.servers, self.users.name(), item).await;
    }

    /// The requests for `operation`, as JSON.
    fn requests(&self, operation: &str) -> Vec<serde_json::Value> {
        requests(&self.faults, operation)
    }

    /// No request so far had a secret in it, in clear or in base64.
    #[track_caller]
    fn assert_nothing_secret_was_sent(&self) {
        assert_never_sent(&self.faults, SECRET);
    }
}

/// The answer of DynamoDB when it cancels a transaction: for each action a code, or `None`.
fn cancelled(codes: &[&str]) -> envelope_examples::Fault {
    let reasons: Vec<_> = codes.iter().map(|code| serde_json::json!({ "Code": code })).collect();
    let body = serde_json::json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!("Transaction cancelled, please refer cancellation reasons for specific reasons {codes:?}"),
        "CancellationReasons": reasons,
    });
    envelope_examples::Fault::Reply { status: 400, body: body.to_string() }
}

fn set<'a>(ids: impl IntoIterator<Item = &'a str>) -> HashSet<String> {
    ids.into_iter().map(str::to_owned).collect()
}
