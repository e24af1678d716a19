//! Several entity types in one table, with composed keys.

use envelope_dynamo::{
    Envelope, LocalKeyProvider, RootKey, Table, TransactionErrorKind, transact_get, transact_write,
};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};

use super::S;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Profile {
    #[key]
    user_id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    orders: u64,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "ORDER#{number:06}")]
struct Order {
    #[key]
    user_id: String,
    #[key]
    number: u64,
    #[encrypted]
    card: String,
}

fn order(number: u64) -> Order {
    Order { user_id: "u_1".into(), number, card: format!("4111 {number}") }
}

async fn shop() -> (Table<Profile>, Table<Order>) {
    let (servers, name) = (Servers::from_env().await.unwrap(), unique_name("shop"));
    create_table(servers.dynamodb(), &name, ("pk", S), Some(("sk", S))).await.unwrap();
    let provider = std::sync::Arc::new(LocalKeyProvider::new(RootKey::generate().unwrap()));
    let profiles = Table::new(servers.dynamodb().clone(), provider.clone()).named(name.as_str());
    (profiles, Table::new(servers.dynamodb().clone(), provider).named(name))
}

#[tokio::test]
async fn composed_keys_are_matched_in_batches() {
    let (_, orders) = shop().await;
    assert_eq!(orders.batch_put((0..60).map(order)).await.unwrap(), 60);
    let found =
        orders.batch_get((0..70).map(|number| ("u_1", number))).consistent_read().await.unwrap();
    assert!(found.into_iter().eq((0..70).map(|number| (number < 60).then(|| order(number)))));
    assert_eq!(orders.batch_delete([("u_1", 1), ("u_1", 2), ("u_1", 1)]).await.unwrap(), 3);
    assert_eq!(orders.batch_get([("u_1", 1), ("u_1", 3)]).await.unwrap(), [None, Some(order(3))]);
}

#[tokio::test]
async fn entity_types_of_one_table_are_written_and_read_together() {
    let (profiles, orders) = shop().await;
    let profile = Profile { user_id: "u_1".into(), email: "zoe@example.com".into(), orders: 0 };
    profiles.put(&profile).await.unwrap();
    let first = order(1);
    let both = || {
        let count = profiles.update("u_1").add(|profile| profile.orders, 1);
        transact_write(orders.client()).put(orders.put(&first).if_not_exists()).update(count)
    };
    both().await.unwrap();
    let (profile, found) =
        transact_get((profiles.get("u_1"), orders.get(("u_1", 1)))).await.unwrap();
    assert_eq!((profile.unwrap().orders, found), (1, Some(first.clone())));

    let error = both().await.unwrap_err();
    assert_eq!(
        error.reasons()[0].error().record().to_string(),
        "shop[pk=USER#u_1, sk=ORDER#000001]"
    );
    assert_eq!(profiles.get("u_1").await.unwrap().unwrap().orders, 1);
    let twice =
        transact_write(orders.client()).put(orders.put(&first)).delete(orders.delete(("u_1", 1)));
    let error = twice.await.unwrap_err();
    assert!(matches!(error.kind(), TransactionErrorKind::SameRecord { .. }), "{error}");
}
