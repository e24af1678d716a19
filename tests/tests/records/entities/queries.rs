//! Queries and scans over the records of several types.

use envelope_dynamo::error::DataError;
use envelope_dynamo::{ErrorKind, KmsKeyProvider, Table};
use envelope_examples::{Faults, Servers};
use envelope_tests::{Item, plant, text};

use crate::shop::{Order, Profile, Shop, order, profile, shop};

/// One user with a profile and four orders, another with a profile and one order.
async fn stocked() -> (Servers, Table<Shop>) {
    let (servers, shop) = shop().await;
    for created in [5, 40, 300, 2_000] {
        shop.put(&Shop::Order(order(created, "o_1"))).send().await.unwrap();
    }
    shop.put(&Shop::Profile(profile())).send().await.unwrap();
    shop.put(&Shop::Order(Order { user_id: "u_2".into(), ..order(6, "o_9") }))
        .send()
        .await
        .unwrap();
    shop.put(&Shop::Profile(Profile { user_id: "u_2".into(), ..profile() })).send().await.unwrap();
    (servers, shop)
}

#[tokio::test]
async fn a_partition_is_read_as_its_entity_types() {
    let (_servers, shop) = stocked().await;
    let mut expected: Vec<_> =
        [5, 40, 300, 2_000].map(|created| Shop::Order(order(created, "o_1"))).into();
    expected.push(Shop::Profile(profile()));
    assert_eq!(shop.query("u_1").send().await.unwrap(), expected);
    assert_eq!(shop.query("u_1").count().await.unwrap(), 5);
    assert_eq!(
        shop.query("u_1").page_size(2).descending().limit(1).send().await.unwrap(),
        expected[4..]
    );
    assert_eq!(shop.scan().segments(2).send().await.unwrap().len(), 7);
}

#[tokio::test]
async fn a_query_of_one_type_asks_only_for_its_own_keys() {
    let (_servers, shop) = stocked().await;
    let (orders, profiles) = (shop.of::<Order>(), shop.of::<Profile>());
    assert_eq!(orders.query("u_1").count().await.unwrap(), 4);
    assert_eq!(profiles.query("u_1").count().await.unwrap(), 1);
    assert_eq!(profiles.query("u_1").send().await.unwrap(), [profile()]);
    let late = orders.query("u_1").sort(|sk| sk.ge((300_u64, "o_1"))).send().await.unwrap();
    assert_eq!(
        late,
        [order(300, "o_1"), order(2_000, "o_1")],
        "the profile after them is passed over"
    );
    let between = orders
        .query("u_1")
        .sort(|sk| sk.between((6_u64, "a"), (300_u64, "z")))
        .send()
        .await
        .unwrap();
    assert_eq!(between, [order(40, "o_1"), order(300, "o_1")]);
    assert_eq!(orders.scan().send().await.unwrap().len(), 5);
}

#[tokio::test]
async fn an_item_of_no_type_is_an_error_only_for_the_enum() {
    let (servers, shop) = stocked().await;
    let stray = [("pk", "USER#u_1"), ("sk", "ORDER#s3cr3t"), ("note", "s3cr3t")];
    let stray: Item = stray.map(|(name, value)| (name.to_owned(), text(value))).into();
    plant(&servers, shop.name(), stray).await;
    let results: Vec<_> = shop.query("u_1").stream().unwrap().collect().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 5);
    let errors: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(
        matches!(errors[0].kind(), ErrorKind::Data(DataError::NoEntity { .. })),
        "{}",
        errors[0]
    );
    assert_eq!(errors.len(), 1);
    assert_eq!(shop.of::<Order>().query("u_1").send().await.unwrap().len(), 4);
}

#[tokio::test]
async fn no_request_shows_what_is_sealed() {
    let (servers, shop) = stocked().await;
    let faults = Faults::new();
    let provider = KmsKeyProvider::new(servers.kms_through(&faults), servers.kms_key_id());
    let traced = Table::<Shop>::new(servers.dynamodb_through(&faults), provider).named(shop.name());
    traced.put(&Shop::Order(order(7, "o_7"))).send().await.unwrap();
    let orders = traced.of::<Order>();
    let found = orders.query("u_1").sort(|sk| sk.eq((7_u64, "o_7"))).send().await.unwrap();
    assert_eq!(found, [order(7, "o_7")]);
    orders
        .update(("u_1", (7, "o_7")))
        .modify(|order| order.card.push_str(" s3cr3t"))
        .send()
        .await
        .unwrap();
    let requests = faults.all_requests();
    assert!(requests.len() >= 4, "{}", requests.len());
    for request in requests {
        let text = String::from_utf8_lossy(&request);
        assert!(!text.contains("s3cr3t"), "{text}");
    }
}
