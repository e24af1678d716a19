//! Several entity types in one table.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::WriteError;
use envelope_dynamo::{KmsKeyProvider, from_item};
use envelope_tests::{Item, plant, text};

use crate::shop::{Order, Profile, Shop, order, profile, shop};

#[tokio::test]
async fn records_of_several_types_live_in_one_table() {
    let (servers, shop) = shop().await;
    let (profiles, orders) = (shop.of::<Profile>(), shop.of::<Order>());
    shop.put(&Shop::Profile(profile())).send().await.unwrap();
    orders.put(&order(5, "o_1")).if_not_exists().send().await.unwrap();
    assert_eq!(profiles.get("u_1").send().await.unwrap(), Some(profile()));
    assert_eq!(orders.get(("u_1", (5, "o_1"))).send().await.unwrap(), Some(order(5, "o_1")));
    assert_eq!(orders.get(("u_1", (6, "o_1"))).send().await.unwrap(), None);

    let query =
        servers.dynamodb().query().table_name(shop.name()).key_condition_expression("pk = :pk");
    let items = query
        .expression_attribute_values(":pk", text("USER#u_1"))
        .send()
        .await
        .unwrap()
        .items
        .unwrap();
    let provider = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let mut records = Vec::new();
    for item in items {
        records.push(from_item::<Shop>(item, &provider).await.unwrap());
    }
    assert_eq!(records, [Shop::Order(order(5, "o_1")), Shop::Profile(profile())]);

    orders.update(("u_1", (5, "o_1"))).set(|order| order.state, "sent").send().await.unwrap();
    assert_eq!(orders.get(("u_1", (5, "o_1"))).send().await.unwrap().unwrap().state, "sent");
    profiles.delete("u_1").send().await.unwrap();
    assert_eq!(profiles.get("u_1").send().await.unwrap(), None);
    assert_eq!(orders.get(("u_1", (5, "o_1"))).send().await.unwrap().unwrap().order_id, "o_1");
}

#[tokio::test]
async fn conditions_can_name_composed_keys() {
    let (_servers, shop) = shop().await;
    let orders = shop.of::<Order>();
    orders.put(&order(5, "o_1")).send().await.unwrap();
    let put = |prefix: &'static str| {
        let record = order(5, "o_1");
        let orders = orders.clone();
        async move { orders.put(&record).condition(|stored| stored.sk.begins_with(prefix)).send().await }
    };
    put("ORDER#").await.unwrap();
    let error = put("PROFILE").await.unwrap_err();
    assert!(
        matches!(error.kind(), envelope_dynamo::ErrorKind::Write(WriteError::ConditionFailed)),
        "{error}"
    );
}

#[tokio::test]
async fn a_record_pasted_under_the_key_of_another_type_does_not_open() {
    let (servers, shop) = shop().await;
    let (profiles, orders) = (shop.of::<Profile>(), shop.of::<Order>());
    profiles.put(&profile()).send().await.unwrap();
    orders.put(&order(5, "o_1")).send().await.unwrap();
    let get = |sk: &str| {
        let key = Item::from([("pk".into(), text("USER#u_1")), ("sk".into(), text(sk))]);
        servers
            .dynamodb()
            .get_item()
            .table_name(shop.name())
            .set_key(Some(key))
            .consistent_read(true)
            .send()
    };
    let sk = "ORDER#00000000000000000005#o_1";
    let (mut pasted, order_item) =
        (get("PROFILE").await.unwrap().item.unwrap(), get(sk).await.unwrap().item.unwrap());
    pasted.insert("sk".into(), text(sk));
    pasted.extend(
        ["kind", "order_id", "state"].map(|name| (name.to_owned(), order_item[name].clone())),
    );
    plant(&servers, shop.name(), pasted).await;
    let error = orders.get(("u_1", (5, "o_1"))).send().await.unwrap_err();
    assert!(super::composed::is_moved(&error), "{error}");

    let mut stripped = order_item;
    stripped.insert("kind".into(), AttributeValue::S("profile".into()));
    plant(&servers, shop.name(), stripped).await;
    let error = orders.get(("u_1", (5, "o_1"))).send().await.unwrap_err();
    assert!(
        error.to_string().ends_with("the item is not of type `Order`: its `kind` is not `order`"),
        "{error}"
    );
}

#[tokio::test]
async fn modify_cannot_change_the_key_of_a_record() {
    let (_servers, shop) = shop().await;
    let orders = shop.of::<Order>();
    orders.put(&order(5, "o_1")).send().await.unwrap();
    let key = || ("u_1", (5, "o_1"));
    orders.update(key()).modify(|order| order.card = "s3cr3t 4242".into()).send().await.unwrap();
    assert_eq!(
        orders.get(key()).consistent_read().send().await.unwrap().unwrap().card,
        "s3cr3t 4242"
    );
    let error = orders.update(key()).modify(|order| order.created = 6).send().await.unwrap_err();
    assert!(error.to_string().contains("`sk`"), "{error}");
    let error = orders
        .update(key())
        .modify(|order| order.order_id = "o_2".into())
        .send()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("`sk`"), "{error}");
    assert_eq!(orders.get(key()).consistent_read().send().await.unwrap().unwrap().order_id, "o_1");
}
