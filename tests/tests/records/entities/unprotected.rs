//! Records of `#[envelope(unprotected)]`: stored as they are, in a table with sealed ones.

mod attacks;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{UsageError, WriteError};
use envelope_dynamo::item::PlaintextItems::{Read, ReadAndWrite};
use envelope_dynamo::item::{from_item_or_plaintext, is_plaintext};
use envelope_dynamo::keys::Clock as _;
use envelope_dynamo::testing::TestClock;
use envelope_dynamo::{
    Envelope, ErrorKind, LocalKeyProvider, RootKey, Table, View, from_item, to_item, transact_get,
    transact_write,
};
use envelope_examples::servers::unique_name;
use envelope_examples::{Fault, Faults, Servers};
use envelope_tests::{Item, kms_keys, names_of, number, servers, stored, text};

use crate::shop::{Profile, profile};

/// A record without secrets, whose truth nobody relies on.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "shop",
    unprotected,
    index(
        name = "by-channel",
        partition_key(name = "gsi1pk", format = "CHANNEL#{channel}"),
        sort_key(name = "gsi1sk", format = "{day:05}"),
    )
)]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "REMINDER#{day:05}")]
struct Reminder {
    #[key]
    user_id: String,
    #[key]
    day: u32,
    #[plaintext]
    channel: String,
    #[plaintext]
    #[serde(default)]
    opened: u32,
    #[plaintext]
    #[ttl]
    #[serde(default)]
    expires: Option<u64>,
    #[plaintext]
    #[created]
    made: u64,
    #[plaintext]
    #[updated]
    changed: u64,
    #[plaintext]
    #[version]
    version: u64,
}

/// The same without a version, for batches.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop", unprotected)]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "COUPON#{code}")]
struct Coupon {
    #[key]
    user_id: String,
    #[key]
    code: String,
    #[plaintext]
    percent: u32,
    #[plaintext]
    used: u32,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Shop {
    Profile(Profile),
    Reminder(Reminder),
    Coupon(Coupon),
}

#[derive(Debug, PartialEq, View)]
#[view(of = Reminder)]
struct Channel {
    channel: String,
}

fn reminder(day: u32) -> Reminder {
    let (user_id, channel) = ("u_1".to_owned(), "mail".to_owned());
    let (opened, expires, made, changed, version) = (0, None, 0, 0, 0);
    Reminder { user_id, day, channel, opened, expires, made, changed, version }
}

fn coupon(code: &str) -> Coupon {
    Coupon { user_id: "u_1".to_owned(), code: code.to_owned(), percent: 20, used: 0 }
}

fn local() -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::generate().unwrap())
}

struct Bench {
    servers: Servers,
    faults: Faults,
    clock: Arc<TestClock>,
    shop: Table<Shop>,
}

impl Bench {
    async fn new() -> Self {
        let (servers, faults) = (servers().await, Faults::new());
        let clock = Arc::new(TestClock::default());
        let provider = kms_keys(&servers, &faults);
        let shop = Table::new(servers.dynamodb_through(&faults), provider);
        let shop = shop.named(unique_name("shop")).with_clock(clock.clone());
        shop.create_table().send().await.unwrap();
        faults.forget_calls();
        Self { servers, faults, clock, shop }
    }

    fn reminders(&self) -> Table<Reminder> {
        self.shop.of::<Reminder>()
    }

    async fn stored(&self, sk: &str) -> Option<Item> {
        let key = Item::from([("pk".into(), text("USER#u_1")), ("sk".into(), text(sk))]);
        stored(&self.servers, self.shop.name(), key).await
    }

    /// No data key was asked for since the last call.
    #[track_caller]
    fn assert_kms_not_called(&self) {
        for operation in ["GenerateDataKey", "Decrypt", "Encrypt"] {
            assert_eq!(self.faults.calls(operation), 0, "{operation}");
        }
    }
}

#[tokio::test]
async fn an_unprotected_record_is_stored_as_it_is_and_needs_no_data_key() {
    let bench = Bench::new().await;
    let reminders = bench.reminders();
    let now = bench.clock.system_time().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut record = reminder(7);
    reminders.put_mut(&mut record).send().await.unwrap();
    assert_eq!((record.version, record.made, record.changed), (1, now, now));
    let expected = Item::from([
        ("pk".to_owned(), text("USER#u_1")),
        ("sk".to_owned(), text("REMINDER#00007")),
        ("gsi1pk".to_owned(), text("CHANNEL#mail")),
        ("gsi1sk".to_owned(), text("00007")),
        ("channel".to_owned(), text("mail")),
        ("opened".to_owned(), number(0)),
        ("expires".to_owned(), AttributeValue::Null(true)),
        ("made".to_owned(), number(now)),
        ("changed".to_owned(), number(now)),
        ("version".to_owned(), number(1)),
    ]);
    assert_eq!(bench.stored("REMINDER#00007").await, Some(expected));
    assert_eq!(reminders.get(("u_1", 7)).send().await.unwrap(), Some(record.clone()));

    bench.clock.advance(Duration::from_secs(5));
    reminders.update(("u_1", 7)).add(|reminder| reminder.opened, 2).send().await.unwrap();
    let changed = reminders
        .update(("u_1", 7))
        .modify(|reminder| reminder.channel = format!("{}-{}", reminder.channel, reminder.opened))
        .send()
        .await
        .unwrap()
        .unwrap();
    let expected = Reminder {
        channel: "mail-2".to_owned(),
        opened: 2,
        changed: now + 5,
        version: 3,
        ..record.clone()
    };
    assert_eq!(changed, expected);
    let stored = bench.stored("REMINDER#00007").await.unwrap();
    assert_eq!((&stored["gsi1pk"], is_plaintext(&stored)), (&text("CHANNEL#mail-2"), true));

    // The version counts for unprotected records as well.
    let error = reminders.put(&record).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{error}");
    let old = reminders.delete(("u_1", 7)).returning_old().send().await.unwrap();
    assert_eq!(old, Some(expected));
    bench.assert_kms_not_called();
}

#[tokio::test]
async fn an_enum_reads_sealed_and_unprotected_records_in_every_call() {
    let bench = Bench::new().await;
    let (shop, reminders) = (&bench.shop, bench.reminders());
    let (profiles, coupons) = (shop.of::<Profile>(), shop.of::<Coupon>());
    coupons.batch_put([coupon("a"), coupon("b")]).send().await.unwrap();
    let first = reminder(1);
    let person = profile();
    transact_write(shop.client())
        .put(profiles.put(&person))
        .put(reminders.put(&first))
        .update(coupons.update(("u_1", "a")).add(|coupon| coupon.used, 1))
        .delete(coupons.delete(("u_1", "b")))
        .send()
        .await
        .unwrap();
    assert_eq!(bench.faults.calls("GenerateDataKey"), 1, "of the profile");
    shop.put(&Shop::Reminder(reminder(2))).send().await.unwrap();

    let all = shop.query("u_1").send().await.unwrap();
    let [Shop::Coupon(used), Shop::Profile(read), Shop::Reminder(one), Shop::Reminder(two)] =
        all.as_slice()
    else {
        panic!("{all:?}")
    };
    assert_eq!((used, read), (&Coupon { used: 1, ..coupon("a") }, &person));
    assert_eq!((one.day, two.day, one.version), (1, 2, 1));
    assert_eq!(shop.scan().send().await.unwrap().len(), 4);
    assert_eq!(bench.faults.calls("Decrypt"), 2, "of the profile, twice");
    bench.faults.forget_calls();

    assert_eq!(reminders.query("u_1").send().await.unwrap(), [one.clone(), two.clone()]);
    let keys = [("u_1", 2), ("u_1", 1), ("u_1", 9)];
    let read = reminders.batch_get(keys).send().await.unwrap();
    assert_eq!(read, [Some(two.clone()), Some(one.clone()), None]);
    let both = transact_get((reminders.get(("u_1", 1)), coupons.get(("u_1", "b"))));
    assert_eq!(both.send().await.unwrap(), (Some(one.clone()), None));
    let view = reminders.view::<Channel>(("u_1", 1)).send().await.unwrap();
    assert_eq!(view, Some(Channel { channel: "mail".to_owned() }));
    let by_channel = reminders.index(|indexes| indexes.by_channel);
    let listed = by_channel.query("mail").sort(|key| key.ge(2)).send().await.unwrap();
    assert_eq!(listed, std::slice::from_ref(two));
    bench.assert_kms_not_called();
}

/// A stream image, or an item of an export.
#[tokio::test]
async fn an_item_without_a_table_is_read_and_made_by_the_same_functions() {
    let provider = local();
    let item = to_item(&Shop::Coupon(coupon("a")), &provider).await.unwrap();
    assert_eq!(names_of(&item), ["percent", "pk", "sk", "used"]);
    assert_eq!(from_item::<Coupon>(item.clone(), &local()).await.unwrap(), coupon("a"));
    let read = from_item::<Shop>(item, &local()).await.unwrap();
    assert_eq!(read, Shop::Coupon(coupon("a")));
}

/// Without a payload, all fields show whether another writer was faster.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_once_are_all_applied() {
    const WRITERS: u32 = 24;
    let bench = Bench::new().await;
    let coupons = bench.shop.of::<Coupon>();
    coupons.put(&Coupon { percent: 0, ..coupon("a") }).send().await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let coupons = coupons.clone();
            tokio::spawn(async move {
                // Each reads both fields, and writes one of them.
                let change = move |coupon: &mut Coupon| match writer % 2 {
                    0 => coupon.percent = coupon.percent.max(coupon.used) + 1,
                    _ => coupon.used = coupon.percent.max(coupon.used) + 1,
                };
                let update = coupons.update(("u_1", "a")).modify(change).max_tries(200);
                update.send().await.unwrap();
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let read = coupons.get(("u_1", "a")).consistent_read().send().await.unwrap().unwrap();
    assert_eq!(read.percent.max(read.used), WRITERS);
}

/// Nothing in the item shows whose write it was.
#[tokio::test]
async fn a_lost_answer_leaves_a_write_in_doubt() {
    let bench = Bench::new().await;
    let coupons = bench.shop.of::<Coupon>();
    bench.faults.fail_next("PutItem", Fault::LoseReply);
    let error = coupons.put(&coupon("a")).if_not_exists().send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{error}");
    assert!(error.is_in_doubt(), "{error}");

    bench.faults.fail_next("PutItem", Fault::LoseReply);
    let again = Coupon { used: 1, ..coupon("a") };
    let error = coupons.put(&again).returning_old().send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::AnswerLost)), "{error}");

    bench.faults.fail_next("UpdateItem", Fault::LoseReply);
    let error = coupons.update(("u_1", "a")).modify(|coupon| coupon.used += 1).send().await;
    assert!(error.unwrap_err().is_in_doubt());
    assert_eq!(coupons.get(("u_1", "a")).send().await.unwrap().unwrap().used, 2, "once");

    // Without a condition, a put may be sent again.
    bench.faults.fail_next("PutItem", Fault::LoseReply);
    coupons.put(&coupon("a")).send().await.unwrap();
}

#[tokio::test]
async fn there_is_no_data_key_to_move() {
    let bench = Bench::new().await;
    let coupons = bench.shop.of::<Coupon>();
    coupons.put(&coupon("a")).send().await.unwrap();
    bench.faults.forget_calls();
    let (old, new) = (local(), local());
    let recipients: [&dyn envelope_dynamo::keys::Recipient; 1] = [&new];
    let rewrap = coupons.rewrap(("u_1", "a")).unwrap_and_wrap(&old, &recipients);
    let error = rewrap.send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Struct(_))), "{error}");
    assert!(error.to_string().contains("no data key to move"), "{error}");
    assert!(bench.faults.all_requests().is_empty());
}

/// While the sealed types of the table are taken in, no unprotected record counts as one of the
/// items that are still to be sealed.
#[tokio::test]
async fn unprotected_records_are_not_taken_for_items_to_be_sealed() {
    let bench = Bench::new().await;
    for state in [Read, ReadAndWrite] {
        let shop = bench.shop.clone().plaintext_items(state).observe_plaintext(|event, record| {
            panic!("{event:?} {record}");
        });
        let coupons = shop.of::<Coupon>();
        shop.put(&Shop::Coupon(coupon("a"))).send().await.unwrap();
        coupons.batch_put([coupon("b")]).send().await.unwrap();
        coupons.update(("u_1", "a")).modify(|coupon| coupon.used += 1).send().await.unwrap();
        transact_write(shop.client()).put(coupons.put(&coupon("c"))).send().await.unwrap();
        let read = shop.query("u_1").send().await.unwrap();
        assert_eq!(read.len(), 3, "{read:?}");
        let item = bench.stored("COUPON#a").await.unwrap();
        assert_eq!(names_of(&item), ["percent", "pk", "sk", "used"], "no part of a key is stored");
        let read = from_item_or_plaintext::<Shop>(item, &local(), state).await.unwrap();
        assert_eq!(read, Shop::Coupon(Coupon { used: 1, ..coupon("a") }));
    }
    bench.assert_kms_not_called();
}
