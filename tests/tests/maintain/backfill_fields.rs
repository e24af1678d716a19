//! Fields of sealed records that got a stronger mark: a backfill seals and binds them, and `accept`
//! can then be removed.

use std::convert::Infallible;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::maintain::{Backfill, Converted, Counts};
use envelope_dynamo::{
    Access, Envelope, GroupKeyProvider, KeyProvider, LocalKeyProvider, Table, WrapKey, from_item,
};
use envelope_examples::servers::unique_name;
use envelope_examples::{Fault, Faults, Servers};
use envelope_tests::{
    Item, called, kms_keys, local_keys, number, plant, servers, stored, text, with,
};

use crate::bench::observed;

/// A member as it was first written.
mod old {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "members")]
    pub(super) struct Member {
        #[partition_key]
        pub(super) id: u64,
        #[encrypted]
        pub(super) email: String,
        #[plaintext]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(super) phone: Option<String>,
        #[plaintext]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(super) plan: Option<String>,
        #[plaintext]
        pub(super) visits: u64,
        #[plaintext]
        #[version]
        pub(super) version: u64,
    }
}

/// While records are brought to the new marks.
mod between {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "members")]
    pub(super) struct Member {
        #[partition_key]
        pub(super) id: u64,
        #[encrypted]
        pub(super) email: String,
        #[encrypted(accept = "plaintext")]
        #[serde(alias = "telephone", default, skip_serializing_if = "Option::is_none")]
        pub(super) phone: Option<String>,
        #[authenticated(accept = "plaintext")]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) plan: Option<String>,
        #[plaintext]
        pub(super) visits: u64,
        #[plaintext]
        #[version]
        pub(super) version: u64,
    }
}

/// Afterwards: plaintext is no longer accepted.
mod new {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "members")]
    pub(super) struct Member {
        #[partition_key]
        pub(super) id: u64,
        #[encrypted]
        pub(super) email: String,
        #[encrypted]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) phone: Option<String>,
        #[authenticated]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) plan: Option<String>,
        #[plaintext]
        pub(super) visits: u64,
        #[plaintext]
        #[version]
        pub(super) version: u64,
    }
}

fn member(id: u64) -> old::Member {
    let (phone, plan) = (Some(format!("+41 {id}")), Some("pro".to_owned()));
    old::Member { id, email: format!("{id}@example.com"), phone, plan, visits: 2, version: 0 }
}

fn today(id: u64) -> new::Member {
    let old::Member { id, email, phone, plan, visits, .. } = member(id);
    new::Member { id, email, phone, plan, visits, version: 1 }
}

struct Bench {
    servers: Servers,
    faults: Faults,
    name: String,
}

impl Bench {
    async fn new() -> Self {
        let bench =
            Self { servers: servers().await, faults: Faults::new(), name: unique_name("members") };
        bench.past::<old::Member>().create_table().send().await.unwrap();
        bench
    }

    /// The table through the faults, for the backfill.
    fn table(&self) -> Table<between::Member> {
        Table::new(self.servers.dynamodb_through(&self.faults), local_keys(3)).named(&self.name)
    }

    /// The table past the faults.
    fn past<T: Envelope>(&self) -> Table<T> {
        Table::new(self.servers.dynamodb().clone(), local_keys(3)).named(&self.name)
    }

    async fn put(&self, member: &old::Member) {
        self.past::<old::Member>().put(member).send().await.unwrap();
    }

    async fn backfill(&self) -> Counts {
        self.table().backfill().send().await.unwrap()
    }

    async fn stored(&self, id: u64) -> Item {
        let key = Item::from([("id".to_owned(), number(id))]);
        stored(&self.servers, &self.name, key).await.unwrap()
    }

    async fn plant(&self, item: Item) {
        plant(&self.servers, &self.name, item).await;
    }

    async fn read(&self, id: u64) -> Option<new::Member> {
        self.past::<new::Member>().get(id).consistent_read().send().await.unwrap()
    }

    /// Runs `meanwhile` while the first write of a backfill is held.
    async fn backfill_beside(&self, meanwhile: impl Future<Output = ()>) {
        self.faults.hold("UpdateItem");
        let calls = self.faults.calls("UpdateItem") + 1;
        let meanwhile = async {
            called(&self.faults, "UpdateItem", calls).await;
            meanwhile.await;
            self.faults.release("UpdateItem");
        };
        let (counts, ()) = tokio::join!(self.backfill(), meanwhile);
        assert_eq!(counts.failed, 0);
    }
}

#[tokio::test]
async fn after_a_run_without_failures_accept_can_be_removed() {
    let bench = Bench::new().await;
    for id in 0..12 {
        bench.put(&member(id)).await;
    }
    for (id, phone, plan) in [(12, None, Some("pro")), (13, Some("+41"), None), (14, None, None)] {
        let plan = plan.map(str::to_owned);
        bench.put(&old::Member { phone: phone.map(str::to_owned), plan, ..member(id) }).await;
    }
    let refused = bench.past::<new::Member>().get(0).send().await.unwrap_err();
    // The first attribute of an item is any of them.
    assert!(["phone", "plan"].iter().any(|it| refused.to_string().contains(it)), "{refused}");

    let counts = bench.backfill().await;
    assert_eq!((counts.changed, counts.already, counts.failed), (15, 0, 0));
    for id in 0..12 {
        assert_eq!(bench.read(id).await, Some(today(id)), "and the version has not counted");
        let stored = bench.stored(id).await;
        assert!(!stored.contains_key("phone"), "{stored:?}");
        // What is bound cannot be changed any more.
        let planted = with(&stored, "plan", text("enterprise"));
        assert!(from_item::<new::Member>(planted, &local_keys(3)).await.is_err());
    }
    assert_eq!(bench.read(12).await, Some(new::Member { phone: None, ..today(12) }));
    assert_eq!(bench.read(14).await, Some(new::Member { phone: None, plan: None, ..today(14) }));
    // Nor can it be added while plaintext is still accepted.
    let planted = with(&bench.stored(14).await, "plan", text("enterprise"));
    assert!(from_item::<between::Member>(planted, &local_keys(3)).await.is_err());

    let again = bench.backfill().await;
    assert_eq!((again.changed, again.already, again.failed), (0, 15, 0));
    assert_eq!(bench.faults.calls("UpdateItem"), 15, "one write for each record");
}

/// A type that leaves a value out when it writes would leave the attribute in the clear.
#[tokio::test]
async fn empty_values_leave_the_clear_too_and_so_do_other_names() {
    let bench = Bench::new().await;
    bench.put(&old::Member { phone: None, ..member(1) }).await;
    bench.plant(with(&bench.stored(1).await, "phone", AttributeValue::Null(true))).await;
    bench.put(&old::Member { phone: None, ..member(2) }).await;
    bench.plant(with(&bench.stored(2).await, "telephone", text("+41 2"))).await;
    assert_eq!(bench.backfill().await.changed, 2);
    assert_eq!(bench.read(1).await, Some(new::Member { phone: None, ..today(1) }));
    let stored = bench.stored(2).await;
    assert!(!stored.contains_key("telephone") && !stored.contains_key("phone"), "{stored:?}");
    let read = bench.past::<between::Member>().get(2).send().await.unwrap().unwrap();
    assert_eq!(read.phone.as_deref(), Some("+41 2"));
}

#[tokio::test]
async fn no_write_of_others_is_lost() {
    type Change = fn(&mut between::Member);
    let changes: [(&str, Change, Change); 4] = [
        (
            "the value in the clear",
            |m| m.phone = Some("new".into()),
            |m| m.phone = Some("new".into()),
        ),
        (
            "the value that is to be bound",
            |m| m.plan = Some("x".into()),
            |m| m.plan = Some("x".into()),
        ),
        ("a sealed value", |m| m.email = "new".into(), |m| m.email = "new".into()),
        ("a value that is gone", |m| m.phone = None, |m| m.phone = None),
    ];
    for (what, by_new_build, expected) in changes {
        let bench = Bench::new().await;
        bench.put(&member(1)).await;
        let modify = async {
            let table = bench.past::<between::Member>();
            table.update(1).modify(by_new_build).send().await.unwrap();
        };
        bench.backfill_beside(modify).await;
        let mut now = bench.past::<between::Member>().get(1).send().await.unwrap().unwrap();
        let found = now.clone();
        expected(&mut now);
        assert_eq!((now, found.version), (found.clone(), 2), "{what}");
        assert!(!bench.stored(1).await.contains_key("phone"), "{what}");
    }
}

/// An old build updates the field in place: for it, the field is plaintext.
#[tokio::test]
async fn an_update_in_place_of_an_old_build_is_kept() {
    let bench = Bench::new().await;
    for id in [1, 2] {
        bench.put(&member(id)).await;
    }
    let update = async {
        let table = bench.past::<old::Member>();
        let phone = Some("updated".to_owned());
        table.update(1).set(|it| it.phone, phone.clone()).send().await.unwrap();
        table.update(2).set(|it| it.phone, phone).send().await.unwrap();
    };
    bench.backfill_beside(update).await;
    for id in [1, 2] {
        assert_eq!(bench.read(id).await.unwrap().phone.as_deref(), Some("updated"));
    }
}

#[tokio::test]
async fn a_deleted_record_does_not_come_back_and_a_lost_answer_is_no_second_write() {
    let bench = Bench::new().await;
    bench.put(&member(1)).await;
    let delete = async {
        bench.past::<old::Member>().delete(1).send().await.unwrap();
    };
    bench.backfill_beside(delete).await;
    assert_eq!(bench.read(1).await, None);

    bench.put(&member(2)).await;
    bench.faults.fail_next("UpdateItem", Fault::LoseReply);
    let counts = bench.backfill().await;
    assert_eq!((counts.changed, counts.failed), (1, 0));
    assert_eq!(bench.read(2).await, Some(today(2)));
}

#[tokio::test]
async fn a_transform_changes_what_is_brought_to_its_mark() {
    let bench = Bench::new().await;
    bench.put(&member(1)).await;
    let spaced = |member: &mut between::Member| {
        member.phone = member.phone.take().map(|phone| phone.replace(' ', ""));
    };
    let run = || bench.table().backfill_with(spaced);
    assert_eq!(run().send().await.unwrap().changed, 1);
    let expected = new::Member { phone: Some("+411".into()), version: 2, ..today(1) };
    assert_eq!(bench.read(1).await, Some(expected));
    assert_eq!(run().send().await.unwrap().already, 1);
}

/// Only the header says that such a record is due. A value that is encrypted never becomes readable
/// by a backfill, whatever the struct says now.
#[tokio::test]
async fn a_field_that_was_encrypted_stays_encrypted() {
    let bench = Bench::new().await;
    let sealed = between::Member {
        id: 1,
        email: "e".into(),
        phone: Some("+41".into()),
        plan: None,
        visits: 0,
        version: 0,
    };
    bench.past::<between::Member>().put(&sealed).send().await.unwrap();

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "members")]
    struct Member {
        #[partition_key]
        id: u64,
        #[encrypted]
        email: String,
        #[authenticated(accept = "plaintext")]
        phone: Option<String>,
        #[plaintext]
        visits: u64,
    }
    let before = bench.stored(1).await;
    let table = Table::<Member>::new(bench.servers.dynamodb_through(&bench.faults), local_keys(3));
    let counts = table.named(&bench.name).backfill().send().await.unwrap();
    assert_eq!((counts.changed, counts.already, counts.failed), (0, 1, 0));
    assert_eq!(bench.stored(1).await, before);
}

#[tokio::test]
async fn a_handle_that_may_not_open_records_names_those_that_it_would_have_to_open() {
    let bench = Bench::new().await;
    bench.put(&member(1)).await;
    let plain = Item::from([
        ("id".to_owned(), number(2)),
        ("email".to_owned(), text("e")),
        ("visits".to_owned(), number(0)),
        ("version".to_owned(), number(1)),
    ]);
    bench.plant(plain).await;
    let dynamodb = bench.servers.dynamodb_through(&bench.faults);
    let table = Table::<between::Member, dyn WrapKey>::write_only(dynamodb, local_keys(3));
    let (counts, failed) = observed(table.named(&bench.name).backfill()).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 1));
    assert!(failed[0].contains("id=1") && failed[0].contains("may not open"), "{failed:?}");
}

#[tokio::test]
async fn a_planted_value_of_an_encrypted_field_is_named_and_not_sealed() {
    let bench = Bench::new().await;
    bench.past::<new::Member>().put(&new::Member { version: 0, ..today(1) }).send().await.unwrap();
    let planted = with(&bench.stored(1).await, "phone", text("PLANTED"));
    bench.plant(planted.clone()).await;
    let (counts, failed) = observed(bench.table().backfill()).await;
    assert_eq!(counts.unwrap().failed, 1);
    assert!(failed[0].contains("phone") && !failed[0].contains("PLANTED"), "{failed:?}");
    assert_eq!(bench.stored(1).await, planted);
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct OldPatient {
    #[partition_key]
    id: u64,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
    #[plaintext]
    allergy: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: u64,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
    #[encrypted(group = "medical", accept = "plaintext")]
    allergy: Access<String>,
}

/// The dry run says what the run does, also for a group, and the calls to KMS are exact.
#[tokio::test]
async fn a_dry_run_counts_the_keys_of_groups() {
    let (servers, faults, name) = (servers().await, Faults::new(), unique_name("patients"));
    let keys = || kms_keys(&servers, &faults);
    let old = Table::<OldPatient>::new(servers.dynamodb().clone(), keys()).named(&name);
    old.create_table().send().await.unwrap();
    for id in 0..5 {
        let diagnosis = Access::Granted("gout".to_owned());
        let (name, allergy) = (format!("name {id}"), "x".repeat(500));
        old.put(&OldPatient { id, name, diagnosis, allergy }).send().await.unwrap();
    }
    for id in 5..10 {
        let item = [("name", "n"), ("diagnosis", "d"), ("allergy", "a")];
        let mut item: Item = item.map(|(name, value)| (name.to_owned(), text(value))).into();
        item.insert("id".to_owned(), number(id));
        plant(&servers, &name, item).await;
    }
    faults.forget_calls();
    let table = Table::<Patient>::new(servers.dynamodb().clone(), keys()).named(&name);
    let estimate = table.backfill().estimate().send().await.unwrap();
    assert_eq!(
        (faults.calls("GenerateDataKey"), faults.calls("Decrypt")),
        (2, 0),
        "one of each kind"
    );
    faults.forget_calls();
    let counts = table.backfill().send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (10, 0));
    let made = faults.calls("GenerateDataKey") + faults.calls("Decrypt");
    assert_eq!((counts.kms_calls, made), (30, 30), "two keys each, and to open sealed records");
    assert_eq!(estimate.classes.due, 10.0);
    assert_eq!(estimate.demand.kms_calls, 30.0);
    assert_eq!(estimate.demand.write_units, counts.write_units);
    let read = table.get(7).send().await.unwrap().unwrap();
    assert_eq!(read.allergy, Access::Granted("a".to_owned()));
}

/// A role without the key of a group cannot seal what belongs into it.
#[tokio::test]
async fn a_group_that_is_withheld_is_named_and_left_alone() {
    let (servers, name) = (servers().await, unique_name("patients"));
    let table = |keys: GroupKeyProvider| {
        Table::<Patient>::new(servers.dynamodb().clone(), keys).named(&name)
    };
    let old =
        Table::<OldPatient>::new(servers.dynamodb().clone(), office().group("medical", ward()));
    let old = old.named(&name);
    old.create_table().send().await.unwrap();
    let diagnosis = Access::Granted("gout".to_owned());
    let patient = OldPatient { id: 1, name: "Zoë".into(), diagnosis, allergy: "nuts".into() };
    old.put(&patient).send().await.unwrap();
    let (counts, failed) = observed(table(office()).backfill()).await;
    assert_eq!(counts.unwrap().failed, 1);
    assert!(failed[0].contains("allergy"), "{failed:?}");
    let counts = table(office().group("medical", ward())).backfill().send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
}

fn office() -> GroupKeyProvider {
    GroupKeyProvider::new(std::sync::Arc::new(local_keys(3)) as std::sync::Arc<dyn KeyProvider>)
}

fn ward() -> LocalKeyProvider {
    local_keys(4)
}

/// All items of one scan: each goes to its type.
#[tokio::test]
async fn an_enum_is_sealed_in_one_scan_and_each_item_goes_to_its_type() {
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "shop")]
    #[partition_key(name = "pk", format = "USER#{id}")]
    struct User {
        #[key]
        id: u64,
        #[encrypted]
        email: String,
    }
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "shop", kms_context = "table")]
    #[partition_key(name = "pk", format = "ORDER#{id}")]
    struct Order {
        #[key]
        id: u64,
        #[encrypted]
        card: String,
    }
    #[derive(Clone, Debug, PartialEq, Envelope)]
    enum Shop {
        User(User),
        Order(Order),
    }
    let (servers, faults, name) = (servers().await, Faults::new(), unique_name("shop"));
    let dynamodb = servers.dynamodb_through(&faults);
    let shop = Table::<Shop>::new(dynamodb, local_keys(3)).named(&name);
    shop.create_table().send().await.unwrap();
    let item = |pk: String, name: &str| {
        Item::from([("pk".to_owned(), text(pk)), (name.to_owned(), text("VALUE"))])
    };
    for id in 0..5 {
        plant(&servers, &name, item(format!("USER#{id}"), "email")).await;
        plant(&servers, &name, item(format!("ORDER#{id}"), "card")).await;
    }
    let unknown = item("COUNTER#1".to_owned(), "email");
    plant(&servers, &name, unknown.clone()).await;
    plant(&servers, &name, item("USER#bad".to_owned(), "email")).await;
    faults.forget_calls();

    let lower = |shop: &mut Shop| match shop {
        Shop::User(user) => user.email.make_ascii_lowercase(),
        Shop::Order(_) => {}
    };
    let (counts, failed) = observed(shop.backfill_with(lower)).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.other_entity, counts.failed), (10, 1, 1));
    assert_eq!(faults.calls("Scan"), 4, "each of four segments is read once");
    assert!(failed[0].starts_with("shop[pk=USER#bad]"), "{failed:?}");
    let user = shop.of::<User>().get(3).send().await.unwrap().unwrap();
    let order = shop.of::<Order>().get(3).send().await.unwrap().unwrap();
    assert_eq!((&*user.email, &*order.card), ("value", "VALUE"));
    let key = Item::from([("pk".to_owned(), text("COUNTER#1"))]);
    assert_eq!(stored(&servers, &name, key).await, Some(unknown));

    // One type of the table alone: the others are left alone.
    plant(&servers, &name, item("USER#9".to_owned(), "email")).await;
    plant(&servers, &name, item("ORDER#9".to_owned(), "card")).await;
    let counts = shop.of::<Order>().backfill().send().await.unwrap();
    assert_eq!((counts.changed, counts.already, counts.other_entity), (1, 5, 8));

    // The same without an enum; and a conversion of an enum.
    let users = Table::<User>::new(servers.dynamodb().clone(), local_keys(3)).named(&name);
    let counts = Backfill::new(&users).also::<Order>().run().send().await.unwrap();
    assert_eq!((counts.changed, counts.already, counts.other_entity), (1, 11, 1));
    plant(&servers, &name, item("ORDER#10".to_owned(), "legacy")).await;
    let read = |item: Item| async move {
        let order = Order { id: 10, card: "converted".to_owned() };
        let is_legacy = item.contains_key("legacy");
        Ok::<_, Infallible>(is_legacy.then(|| Converted::new(Shop::Order(order)).remove("legacy")))
    };
    let counts = shop.backfill_from(read).send().await.unwrap();
    assert_eq!((counts.changed, counts.other_entity), (1, 2));
    let order = shop.of::<Order>().get(10).send().await.unwrap().unwrap();
    assert_eq!(order.card, "converted");
}
