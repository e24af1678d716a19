//! Batches and transactions over several entity types in one table, with composed keys.

use envelope_dynamo::transaction::TransactionErrorKind;
use envelope_dynamo::{transact_get, transact_write};

use crate::shop::{Order, Profile, order, profile, shop};

const fn key(created: u64) -> (&'static str, (u64, &'static str)) {
    ("u_1", (created, "o_1"))
}

fn numbered(created: u64) -> Order {
    order(created, "o_1")
}

#[tokio::test]
async fn composed_keys_are_matched_in_batches() {
    let (_, shop) = shop().await;
    let orders = shop.of::<Order>();
    assert_eq!(orders.batch_put((0..60).map(numbered)).send().await.unwrap(), 60);
    let found = orders.batch_get((0..70).map(key)).consistent_read().send().await.unwrap();
    assert!(found.into_iter().eq((0..70).map(|created| (created < 60).then(|| numbered(created)))));
    assert_eq!(orders.batch_delete([key(1), key(2), key(1)]).send().await.unwrap(), 3);
    let found = orders.batch_get([key(1), key(3)]).send().await.unwrap();
    assert_eq!(found, [None, Some(numbered(3))]);
}

#[tokio::test]
async fn entity_types_of_one_table_are_written_and_read_together() {
    let (_, shop) = shop().await;
    let (profiles, orders) = (shop.of::<Profile>(), shop.of::<Order>());
    profiles.put(&profile()).send().await.unwrap();
    let first = numbered(1);
    let both = || {
        let count = profiles.update("u_1").add(|profile| profile.logins, 1);
        transact_write(orders.client()).put(orders.put(&first).if_not_exists()).update(count)
    };
    both().send().await.unwrap();
    let both_read = transact_get((profiles.get("u_1"), orders.get(key(1))));
    let (counted, found) = both_read.send().await.unwrap();
    let logins = profile().logins + 1;
    assert_eq!((counted.unwrap().logins, found), (logins, Some(first.clone())));

    let error = both().send().await.unwrap_err();
    assert_eq!(
        error.reasons()[0].error().record().to_string(),
        "shop[pk=USER#u_1, sk=ORDER#00000000000000000001#o_1]"
    );
    assert_eq!(profiles.get("u_1").send().await.unwrap().unwrap().logins, logins);
    let twice =
        transact_write(orders.client()).put(orders.put(&first)).delete(orders.delete(key(1)));
    let error = twice.send().await.unwrap_err();
    assert!(matches!(error.kind(), TransactionErrorKind::SameRecord { .. }), "{error}");
}
