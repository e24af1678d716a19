//! Everything that reads: plain and sealed records side by side, and each plain read counted.

use envelope_dynamo::error::DataError;
use envelope_dynamo::item::Entity;
use envelope_dynamo::item::from_item_or_plaintext;
use envelope_dynamo::{ErrorKind, View, transact_get};
use envelope_examples::Fault;

use super::*;
use crate::shop::{Order, Shop, order, profile, shop};

#[derive(Debug, PartialEq, View)]
#[view(of = Patient)]
struct Visits {
    ward: String,
    visits: u32,
}

/// `p_0` and `p_2` plain, `p_1` and `p_3` sealed.
async fn mixed() -> (Bench, Vec<Patient>) {
    let bench = Bench::new().await;
    let all: Vec<_> = (0..4).map(|n| patient(&format!("p_{n}"))).collect();
    for (n, patient) in all.iter().enumerate() {
        if n % 2 == 0 {
            bench.old_put(patient).await;
        } else {
            bench.in_state(Refuse).put(patient).send().await.unwrap();
        }
    }
    (bench, all)
}

fn sorted(mut patients: Vec<Patient>) -> Vec<Patient> {
    patients.sort_by(|a, b| a.patient_id.cmp(&b.patient_id));
    patients
}

#[tokio::test]
async fn every_read_reads_both_and_counts_the_plain_ones() {
    let (bench, all) = mixed().await;
    for state in [Read, ReadAndWrite] {
        let table = bench.in_state(state);
        for patient in &all {
            let found = table.get(patient.patient_id.as_str()).send().await.unwrap();
            assert_eq!(found.as_ref(), Some(patient));
        }
        assert_eq!(bench.plain_reads(), 2, "get");

        let ids: Vec<_> = all.iter().map(|patient| patient.patient_id.as_str()).collect();
        let found = table.batch_get(ids.clone()).send().await.unwrap();
        assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), all);
        assert_eq!(bench.plain_reads(), 2, "batch_get");

        assert_eq!(sorted(table.scan().send().await.unwrap()), all);
        assert_eq!(bench.plain_reads(), 2, "scan");

        assert_eq!(table.query("p_0").send().await.unwrap(), all[..1]);
        assert_eq!(bench.plain_reads(), 1, "query");

        let west = table.index(|indexes| indexes.by_ward).query("west");
        assert_eq!(west.send().await.unwrap(), all);
        assert_eq!(bench.plain_reads(), 2, "index");

        let gets: Vec<_> = ids.iter().map(|id| table.get(*id)).collect();
        let found = transact_get(gets).send().await.unwrap();
        assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), all);
        assert_eq!(bench.plain_reads(), 2, "transaction");

        let error = table.put(&all[0]).if_not_exists().send().await.unwrap_err();
        assert_eq!(table.open_returned(&error).await.unwrap().as_ref(), Some(&all[0]));
        assert_eq!(bench.plain_reads(), 1, "open_returned");

        let view: Option<Visits> = table.view("p_0").send().await.unwrap();
        assert_eq!(view, Some(Visits { ward: "west".to_owned(), visits: 3 }));
        let views: Vec<Visits> = table.scan().views().unwrap().try_collect().await.unwrap();
        assert_eq!((views.len(), bench.plain_reads()), (4, 0), "a view sees no difference");
    }
    let old = bench.in_state(Read).delete("p_0").returning_old().send().await.unwrap();
    assert_eq!((old.as_ref(), bench.plain_reads()), (Some(&all[0]), 1));
}

#[tokio::test]
async fn refuse_reads_as_always() {
    let (bench, all) = mixed().await;
    let table = bench.in_state(Refuse);
    let results: Vec<_> = table.scan().stream().unwrap().collect().await;
    let not_sealed = results.iter().filter(|result| {
        result
            .as_ref()
            .is_err_and(|error| matches!(error.kind(), ErrorKind::Data(DataError::NotSealed)))
    });
    assert_eq!((not_sealed.count(), results.len()), (2, 4));
    assert!(table.batch_get(["p_0"]).send().await.is_err());
    assert!(table.update("p_0").modify(|p| p.visits += 1).send().await.is_err());
    assert_eq!(table.get("p_1").send().await.unwrap().as_ref(), Some(&all[1]));
    assert_eq!(bench.plain_reads(), 0);
}

/// An item from an index may lack attributes. A sealed record without its payload must not look
/// like a plain one whose optional fields are absent.
#[tokio::test]
async fn records_of_an_index_are_read_from_the_table() {
    let (bench, all) = mixed().await;
    bench.faults().forget_calls();
    let table = bench.in_state(Read);
    let west = table.index(|indexes| indexes.by_ward).query("west");
    assert_eq!(west.send().await.unwrap(), all);
    assert_eq!(bench.faults().calls("BatchGetItem"), 1);
}

/// Keys that DynamoDB leaves unprocessed are asked for again, and no plain item is counted twice.
#[tokio::test]
async fn a_batch_with_unprocessed_keys_reads_both() {
    let (bench, all) = mixed().await;
    let table = bench.in_state(Read);
    for processed in [0, 1, 2] {
        bench.faults().fail_next("BatchGetItem", Fault::Unprocessed { processed });
        let ids: Vec<_> = all.iter().map(|patient| patient.patient_id.as_str()).collect();
        let found = table.batch_get(ids).send().await.unwrap();
        assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), all);
        bench.faults().fail_next("BatchGetItem", Fault::Unprocessed { processed });
        let west = table.index(|indexes| indexes.by_ward).query("west");
        assert_eq!(west.send().await.unwrap(), all);
        assert_eq!(bench.plain_reads(), 4);
    }
}

/// A build in one state continues what a build in another one began.
#[tokio::test]
async fn a_resume_token_holds_across_states() {
    let (bench, all) = mixed().await;
    for [first, second] in [[Read, ReadAndWrite], [ReadAndWrite, Read], [Refuse, Read]] {
        for in_index in [false, true] {
            let stream = |state, token| {
                let table = bench.in_state(state);
                match in_index {
                    true => {
                        table.index(|indexes| indexes.by_ward).query("west").resume(token).stream()
                    }
                    false => table.scan().resume(token).stream(),
                }
            };
            let mut read = BTreeMap::new();
            let mut records = stream(first, None).unwrap();
            for _ in 0..2 {
                // `Refuse` returns an error in place of a plain item.
                if let Ok(patient) = records.next().await.unwrap() {
                    read.insert(patient.patient_id.clone(), patient);
                }
            }
            let rest: Vec<_> =
                stream(second, records.resume_token()).unwrap().try_collect().await.unwrap();
            assert_eq!(rest.len(), 2, "{first:?} {second:?} {in_index}");
            read.extend(rest.into_iter().map(|patient| (patient.patient_id.clone(), patient)));
            if first != Refuse {
                assert_eq!(read.into_values().collect::<Vec<_>>(), all);
            }
        }
    }
}

#[tokio::test]
async fn stream_images_are_read_in_a_state() {
    let sealed = envelope_dynamo::to_item(&patient("p"), &local_keys(7)).await.unwrap();
    let plain = old_item(&patient("p"));
    async fn read<T: Entity>(
        item: &Item,
        state: PlaintextItems,
    ) -> Result<T, envelope_dynamo::Error> {
        from_item_or_plaintext(item.clone(), &local_keys(7), state).await
    }
    for state in [Refuse, Read, ReadAndWrite] {
        assert_eq!(read::<Patient>(&sealed, state).await.unwrap(), patient("p"));
        let read = read::<Patient>(&plain, state).await;
        assert_eq!(read.ok(), (state != Refuse).then(|| patient("p")), "{state:?}");
    }
}

/// Fields that were added on the way: absent attributes read as serde says.
#[tokio::test]
async fn an_old_item_reads_as_serde_reads_it() {
    let bench = Bench::new().await;
    let mut item = with(&old_item(&patient("p")), "phone", None);
    item.insert("legacy".into(), text("unknown to the struct"));
    bench.plant(item.clone()).await;
    let table = bench.in_state(Read);
    assert_eq!(table.get("p").send().await.unwrap(), Some(patient("p")));
    for (name, value) in [("name", None), ("name", Some(number(7))), ("diagnoses", None)] {
        bench.plant(with(&item, name, value)).await;
        let error = table.get("p").send().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Data(DataError::Deserialize { .. })), "{error}");
        assert!(serde_dynamo::from_item::<_, Patient>(bench.stored("p").await.unwrap()).is_err());
    }
}

#[tokio::test]
async fn entities_must_fit() {
    let (servers, sealed) = shop().await;
    let table = sealed.clone().plaintext_items(Read);
    let plain = |key: [&str; 2], more: &[(&str, AttributeValue)]| {
        let keys = [("pk", text(key[0])), ("sk", text(key[1]))];
        let all = keys.into_iter().chain(more.iter().cloned());
        all.map(|(name, value)| (name.to_owned(), value)).collect::<Item>()
    };
    let sk = "ORDER#00000000000000000007#o_7";
    let of_order =
        [("order_id", text("o_7")), ("card", text("s3cr3t 4111 o_7")), ("state", text("paid"))];
    let of_profile = [("email", text("s3cr3t@example.com")), ("logins", number(3))];
    let plant = |item: Item| envelope_tests::plant(&servers, table.name(), item);

    plant(plain(["USER#u_1", "PROFILE"], &of_profile)).await;
    // Without the attribute of its type, an item is no order.
    plant(plain(["USER#u_1", sk], &of_order)).await;
    let read: Vec<_> = table.query("u_1").stream().unwrap().collect().await;
    assert_eq!(read.len(), 2);
    assert!(
        read.iter().any(|read| read.as_ref().is_ok_and(|one| *one == Shop::Profile(profile())))
    );
    assert!(table.of::<Order>().get(("u_1", (7, "o_7"))).send().await.is_err());

    let kind = [("kind", text("order"))];
    let of_order: Vec<_> = of_order.into_iter().chain(kind).collect();
    plant(plain(["USER#u_1", sk], &of_order)).await;
    let read: Vec<Shop> = table.query("u_1").send().await.unwrap();
    assert!(read.contains(&Shop::Order(order(7, "o_7"))), "{read:?}");

    // The fields must compose the key under which the item stands.
    let other = plain(["USER#u_1", "ORDER#00000000000000000008#o_8"], &of_order);
    plant(other).await;
    let error = table.of::<Order>().get(("u_1", (8, "o_8"))).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::KeyMismatch { .. })), "{error}");

    // The enum writes its records plain, too.
    let writing = sealed.plaintext_items(ReadAndWrite);
    writing.put(&Shop::Order(order(9, "o_9"))).send().await.unwrap();
    let key = [("pk", "USER#u_1"), ("sk", "ORDER#00000000000000000009#o_9")];
    let key = key.map(|(name, value)| (name.to_owned(), text(value)));
    let stored = envelope_tests::stored(&servers, table.name(), Item::from(key)).await.unwrap();
    assert!(is_plaintext(&stored) && stored.contains_key("card"), "{stored:?}");
    assert_eq!(stored["kind"], text("order"));
    let found = table.of::<Order>().get(("u_1", (9, "o_9"))).send().await.unwrap();
    assert_eq!(found, Some(order(9, "o_9")));
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "sessions")]
struct Session {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    token: String,
    #[authenticated]
    #[version]
    #[serde(default)]
    version: u64,
    #[plaintext]
    #[ttl]
    #[serde(default)]
    expires: Option<u64>,
}

#[tokio::test]
async fn versions_and_times_of_plain_items_count() {
    let bench = Bench::new().await;
    let table: Table<Session> = bench.handle(Read);
    let item = Item::from([("patient_id".to_owned(), text("s")), ("token".to_owned(), text("t"))]);
    bench.plant(item.clone()).await;
    let read = table.get("s").send().await.unwrap().unwrap();
    assert_eq!((read.version, read.expires), (0, None), "absent, as serde says");
    let error = table.get("s").not_before_version(1).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::OlderVersion { .. })), "{error}");
    bench.plant(with(&with(&item, "version", number(5)), "expires", number(1))).await;
    assert_eq!(table.get("s").not_before_version(5).send().await.unwrap().unwrap().version, 5);
    assert_eq!(table.get("s").skip_expired().send().await.unwrap(), None);

    // Both kinds of put count the version, and notice that somebody was faster.
    let mut session = table.get("s").send().await.unwrap().unwrap();
    let writing: Table<Session> = bench.handle(ReadAndWrite);
    writing.put_mut(&mut session).send().await.unwrap();
    assert_eq!(session.version, 6);
    assert!(!bench.is_sealed("s").await);
    table.put_mut(&mut session).send().await.unwrap();
    assert_eq!(session.version, 7);
    assert!(bench.is_sealed("s").await);
    session.version = 6;
    assert!(writing.put(&session).send().await.is_err(), "somebody was faster");
}
