//! Items that another program encrypted, perhaps into attributes of this library's names, become
//! sealed records: what a backfill changes, what it leaves alone, and what it does beside the other
//! program.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{KeyError, KeyErrorKind};
use envelope_dynamo::item::is_sealed;
use envelope_dynamo::maintain::{Backfill, Converted};
use envelope_dynamo::{Envelope, KeyProvider, Table};
use envelope_examples::servers::unique_name;
use envelope_examples::{Fault, Faults, Servers};
use envelope_tests::{
    Item, all_it_says, binary, bytes_of, called, local_keys, names_of, number, plant, servers,
    stored, text, with,
};

use crate::bench::observed;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "accounts")]
struct Account {
    #[partition_key]
    id: u64,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[encrypted]
    #[serde(default)]
    phone: String,
    #[authenticated]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[plaintext]
    #[serde(default)]
    logins: u64,
}

fn account(id: u64) -> Account {
    let (email, plan) = (Some(format!("zoe{id}@example.com")), Some("pro".to_owned()));
    Account { id, email, phone: "+41 1".to_owned(), plan, logins: 3 }
}

/// The other program's cipher.
fn scrambled(text: &str) -> Vec<u8> {
    text.bytes().map(|byte| byte ^ 0x5a).collect()
}

fn unscrambled(value: Option<&AttributeValue>) -> Option<String> {
    let bytes = value?.as_b().ok()?.as_ref();
    String::from_utf8(bytes.iter().map(|byte| byte ^ 0x5a).collect()).ok()
}

/// An item of the other program: one data key, one ciphertext for each field, other names.
fn theirs(account: &Account) -> Item {
    let mut item = Item::from([
        ("id".to_owned(), number(account.id)),
        // As KMS returns it: version, algorithm, and so on.
        ("encrypted_dek".to_owned(), binary([&[1, 2, 2, 0, 120][..], &[7; 179]].concat())),
        ("phone".to_owned(), binary(scrambled(&account.phone))),
        ("logins".to_owned(), number(account.logins)),
        ("team".to_owned(), text("of no field")),
    ]);
    let email = account.email.as_ref().map(|email| binary(scrambled(email)));
    item.extend(email.map(|email| ("email_ciphertext".to_owned(), email)));
    item.extend(account.plan.as_ref().map(|plan| ("plan_name".to_owned(), text(plan))));
    item
}

fn read_now(item: &Item) -> Option<Converted<Account>> {
    let id = item["id"].as_n().ok()?.parse().ok()?;
    let phone = unscrambled(item.get("phone"))?;
    let email = unscrambled(item.get("email_ciphertext"));
    let plan = item.get("plan_name").and_then(|plan| plan.as_s().ok()).cloned();
    let logins = item.get("logins").and_then(|it| it.as_n().ok()?.parse().ok()).unwrap_or(0);
    let converted = Converted::new(Account { id, email, phone, plan, logins });
    Some(converted.remove("email_ciphertext").remove("plan_name"))
}

async fn read(item: Item) -> Result<Option<Converted<Account>>, Infallible> {
    Ok(read_now(&item))
}

struct Bench {
    servers: Servers,
    faults: Faults,
    name: String,
}

impl Bench {
    async fn new() -> Self {
        let bench =
            Self { servers: servers().await, faults: Faults::new(), name: unique_name("accounts") };
        bench.past().create_table().send().await.unwrap();
        bench
    }

    /// The table through the faults, for the backfill.
    fn table(&self) -> Table<Account> {
        self.table_with(local_keys(3))
    }

    fn table_with(&self, keys: impl KeyProvider + 'static) -> Table<Account> {
        Table::new(self.servers.dynamodb_through(&self.faults), keys).named(&self.name)
    }

    /// The table past the faults, for other writers.
    fn past(&self) -> Table<Account> {
        Table::new(self.servers.dynamodb().clone(), local_keys(3)).named(&self.name)
    }

    async fn plant(&self, item: Item) {
        plant(&self.servers, &self.name, item).await;
    }

    async fn stored(&self, id: u64) -> Option<Item> {
        stored(&self.servers, &self.name, Item::from([("id".to_owned(), number(id))])).await
    }

    async fn read(&self, id: u64) -> Option<Account> {
        self.past().get(id).consistent_read().send().await.unwrap()
    }

    /// Runs `meanwhile` while the first write of a backfill is held. Returns how often the run was
    /// overtaken.
    async fn backfill_beside(&self, meanwhile: impl Future<Output = ()>) -> u64 {
        self.faults.hold("UpdateItem");
        let calls = self.faults.calls("UpdateItem") + 1;
        let meanwhile = async {
            called(&self.faults, "UpdateItem", calls).await;
            meanwhile.await;
            self.faults.release("UpdateItem");
        };
        let accounts = self.table();
        let (counts, ()) = tokio::join!(accounts.backfill_from(read).send(), meanwhile);
        let counts = counts.unwrap();
        assert_eq!(counts.failed, 0);
        counts.overtaken
    }
}

#[tokio::test]
async fn items_of_another_program_become_records_and_keep_what_is_no_field() {
    let bench = Bench::new().await;
    for id in 0..20 {
        bench.plant(theirs(&account(id))).await;
    }
    let bare = Account { email: None, plan: None, ..account(20) };
    bench.plant(theirs(&bare)).await;
    bench.past().put(&account(21)).send().await.unwrap();
    let foreign = Item::from([("id".to_owned(), number(22)), ("note".to_owned(), text("n"))]);
    bench.plant(foreign.clone()).await;

    let accounts = bench.table();
    let counts = accounts.backfill_from(read).send().await.unwrap();
    let counted = (counts.changed, counts.already, counts.other_entity, counts.failed);
    assert_eq!((counted, counts.not_sealed, counts.other_key), ((21, 1, 1, 0), 0, 0));
    for id in 0..20 {
        assert_eq!(bench.read(id).await, Some(account(id)));
        let stored = bench.stored(id).await.unwrap();
        let names = ["encrypted_dek", "encrypted_payload", "id", "logins", "plan", "team"];
        assert_eq!(names_of(&stored), names);
        assert!(is_sealed(&stored));
    }
    assert_eq!(bench.read(20).await, Some(bare));
    assert_eq!(bench.read(21).await, Some(account(21)));
    assert_eq!(bench.stored(22).await, Some(foreign), "left alone");

    let again = accounts.backfill_from(read).send().await.unwrap();
    assert_eq!((again.changed, again.already, again.other_entity), (0, 22, 1));
    assert_eq!(bench.faults.calls("UpdateItem"), 21, "one write for each item");
}

#[tokio::test]
async fn only_bytes_of_this_format_are_a_sealed_record() {
    let bench = Bench::new().await;
    bench.past().put(&account(1)).send().await.unwrap();
    let sealed = bench.stored(1).await.unwrap();
    assert!(is_sealed(&sealed));
    for (what, item) in [
        ("a plain item", theirs(&account(1))),
        ("without a data key", with(&sealed, "encrypted_dek", None)),
        ("without a payload", with(&sealed, "encrypted_payload", None)),
        ("another data key", with(&sealed, "encrypted_dek", binary([1, 2, 2, 0, 120]))),
        (
            "another version",
            with(&sealed, "encrypted_payload", {
                let mut payload = bytes_of(&sealed, "encrypted_payload");
                payload[0] = 2;
                binary(payload)
            }),
        ),
        (
            "half a payload",
            with(&sealed, "encrypted_payload", {
                binary(&bytes_of(&sealed, "encrypted_payload")[..60])
            }),
        ),
        ("text", with(&sealed, "encrypted_payload", text("sealed"))),
    ] {
        assert!(!is_sealed(&item), "{what}");
    }
}

/// A writer of the other program, between the read and the write.
#[tokio::test]
async fn no_write_of_the_other_program_is_lost() {
    let with_email =
        |email: Option<&str>| Account { email: email.map(str::to_owned), ..account(1) };
    for (what, theirs_now, expected) in [
        ("a value", theirs(&with_email(Some("new"))), with_email(Some("new"))),
        ("a value that is gone", theirs(&with_email(None)), with_email(None)),
        ("a value that is to be bound", with(&theirs(&account(1)), "plan_name", text("free")), {
            Account { plan: Some("free".to_owned()), ..account(1) }
        }),
        (
            "their data key",
            with(&theirs(&account(1)), "encrypted_dek", binary([9; 184])),
            account(1),
        ),
        ("an attribute of no field", with(&theirs(&account(1)), "team", text("red")), account(1)),
    ] {
        let bench = Bench::new().await;
        bench.plant(theirs(&account(1))).await;
        let overtaken = bench.backfill_beside(bench.plant(theirs_now.clone())).await;
        assert_eq!(overtaken, 1, "{what}");
        assert_eq!(bench.read(1).await, Some(expected), "{what}");
        let stored = bench.stored(1).await.unwrap();
        assert_eq!(stored.get("team"), theirs_now.get("team"), "{what}");
        assert!(!stored.contains_key("email_ciphertext"), "{what}");
    }
}

/// The attributes that appear have names of the struct.
#[tokio::test]
async fn values_that_appear_meanwhile_are_not_overwritten() {
    let bench = Bench::new().await;
    bench.plant(theirs(&Account { plan: None, email: None, ..account(1) })).await;
    assert_eq!(bench.backfill_beside(bench.plant(theirs(&account(1)))).await, 1);
    assert_eq!(bench.read(1).await, Some(account(1)));

    bench.plant(theirs(&account(2))).await;
    let sealed = Account { phone: "sealed by a new build".to_owned(), ..account(2) };
    let put = async {
        bench.past().put(&sealed).send().await.unwrap();
    };
    assert_eq!(bench.backfill_beside(put).await, 1);
    assert_eq!(bench.read(2).await, Some(sealed));
}

#[tokio::test]
async fn a_deleted_item_does_not_come_back() {
    let bench = Bench::new().await;
    bench.plant(theirs(&Account { email: None, plan: None, ..account(1) })).await;
    let delete = async {
        bench.past().delete(1).send().await.unwrap();
    };
    bench.backfill_beside(delete).await;
    assert_eq!(bench.stored(1).await, None);
}

#[tokio::test]
async fn an_update_in_place_and_a_conversion_do_not_hinder_each_other() {
    let bench = Bench::new().await;
    bench.plant(theirs(&account(1))).await;
    let update = async {
        bench.past().update(1).add(|it| it.logins, 1).send().await.unwrap();
    };
    assert_eq!(bench.backfill_beside(update).await, 0);
    assert_eq!(bench.read(1).await, Some(Account { logins: 4, ..account(1) }));
}

#[tokio::test]
async fn a_lost_answer_is_no_second_write() {
    let bench = Bench::new().await;
    bench.plant(theirs(&account(1))).await;
    bench.faults.fail_next("UpdateItem", Fault::LoseReply);
    let counts = bench.table().backfill_from(read).send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
    assert_eq!(bench.read(1).await, Some(account(1)));
}

#[tokio::test]
async fn a_record_under_another_key_is_refused() {
    let bench = Bench::new().await;
    bench.plant(theirs(&account(1))).await;
    let moved = |item: Item| async move {
        let Some(converted) = read_now(&item) else { return Ok(None) };
        let record = Account { id: 2, ..converted.record().clone() };
        Ok::<_, Infallible>(Some(Converted::new(record)))
    };
    let (counts, failed) = observed(bench.table().backfill_from(moved)).await;
    assert_eq!(counts.unwrap().failed, 1);
    assert!(failed[0].contains("id=1") && failed[0].contains("another key, `id`"), "{failed:?}");
    assert_eq!(bench.stored(1).await, Some(theirs(&account(1))));
    assert_eq!(bench.stored(2).await, None);
}

#[tokio::test]
async fn an_item_that_cannot_be_converted_is_named_and_stays() {
    let bench = Bench::new().await;
    // It has just room as it is; sealed, it has not.
    let large = with(&theirs(&account(3)), "team", text("x".repeat(400 * 1024 - 150)));
    let large = with(&large, "encrypted_dek", None);
    let mut wide = theirs(&account(4));
    wide.extend((0..150).map(|number| (format!("attribute{number}"), text("x"))));
    let bad = [theirs(&account(2)), large, wide];
    for item in &bad {
        bench.plant(item.clone()).await;
    }
    bench.plant(theirs(&account(1))).await;
    let picky = |item: Item| async move {
        match item["id"] == number(2) {
            true => Err(std::io::Error::other("their key is gone")),
            false => Ok(read_now(&item)),
        }
    };
    let (counts, failed) = observed(bench.table().backfill_from(picky)).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 3), "{failed:?}");
    for (id, says) in [(2, "their key is gone"), (3, "more than the 409600"), (4, "an expression")]
    {
        let said = failed.iter().find(|it| it.contains(&format!("id={id}"))).unwrap();
        assert!(said.contains(says), "{said}");
    }
    for item in bad {
        let id = item["id"].as_n().unwrap().parse().unwrap();
        assert_eq!(bench.stored(id).await, Some(item));
    }
    assert_eq!(bench.read(1).await, Some(account(1)));
}

/// A record of this library that lost its wrapped key is no item that nobody takes.
#[tokio::test]
async fn a_damaged_record_is_named() {
    let bench = Bench::new().await;
    bench.past().put(&account(1)).send().await.unwrap();
    let damaged = with(&bench.stored(1).await.unwrap(), "encrypted_dek", binary([1, 2, 2, 0, 120]));
    bench.plant(damaged.clone()).await;
    let (counts, failed) = observed(bench.table().backfill_from(read)).await;
    assert_eq!(counts.unwrap().failed, 1);
    assert!(failed[0].contains("id=1") && failed[0].contains("encrypted_dek"), "{failed:?}");
    let (counts, failed) = observed(bench.table().backfill()).await;
    assert_eq!((counts.unwrap().failed, failed.len()), (1, 1), "nor is it done");
    assert_eq!(bench.stored(1).await, Some(damaged));
}

/// A key service that the other program's items need, and that is busy for a moment.
#[tokio::test]
async fn a_key_error_of_the_reader_that_may_pass_is_tried_again() {
    let bench = Bench::new().await;
    bench.plant(theirs(&account(1))).await;
    let tries = Arc::new(AtomicUsize::new(0));
    let busy = {
        let tries = Arc::clone(&tries);
        move |item: Item| {
            let is_first = tries.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                match is_first {
                    true => Err(KeyError::new(KeyErrorKind::Throttled, "slow down")),
                    false => Ok(read_now(&item)),
                }
            }
        }
    };
    let counts = bench.table().backfill_from(busy).send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
    assert_eq!(tries.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_dry_run_of_a_conversion_says_what_the_run_does() {
    let bench = Bench::new().await;
    for id in 0..10 {
        let account = Account { phone: "x".repeat(id as usize * 397), ..account(id) };
        bench.plant(theirs(&account)).await;
    }
    bench.plant(Item::from([("id".to_owned(), number(10))])).await;
    let accounts = bench.table();
    let estimate = accounts.backfill_from(read).estimate().send().await.unwrap();
    assert_eq!(bench.faults.calls("UpdateItem"), 0);
    let counts = accounts.backfill_from(read).send().await.unwrap();
    let classes = estimate.classes;
    assert_eq!((classes.due, classes.other_entity), (10.0, Some(1.0)));
    assert_eq!((counts.changed, counts.other_entity), (10, 1));
    assert_eq!(estimate.demand.write_units, counts.write_units);
    assert_eq!(estimate.demand.kms_calls, counts.kms_calls as f64);
    let said = estimate.to_string();
    assert!(said.contains("due 10, already 0, other entity 1, failing 0"), "{said}");
}

/// Plain items beside those of the other program: what the reader does not take is sealed as it is.
#[tokio::test]
async fn a_conversion_of_one_type_leaves_plain_items_of_another_to_it() {
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "mixed")]
    #[partition_key(name = "pk", format = "NEW#{id}")]
    struct New {
        #[key]
        id: u64,
        #[encrypted]
        email: String,
    }
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "mixed")]
    #[partition_key(name = "pk", format = "PLAIN#{id}")]
    struct Plain {
        #[key]
        id: u64,
        #[encrypted]
        email: String,
    }
    let (servers, name) = (servers().await, unique_name("mixed"));
    let table = Table::<New>::new(servers.dynamodb().clone(), local_keys(3)).named(&name);
    table.create_table().send().await.unwrap();
    let item = |pk: &str, name: &str| {
        Item::from([("pk".to_owned(), text(pk)), (name.to_owned(), text("e"))])
    };
    for item in [item("NEW#1", "mail"), item("PLAIN#1", "email"), item("OTHER#1", "email")] {
        plant(&servers, &name, item).await;
    }
    let read = |item: Item| async move {
        let is_new = item["pk"] == text("NEW#1");
        let new = New { id: 1, email: "e".to_owned() };
        Ok::<_, Infallible>(is_new.then(|| Converted::new(new).remove("mail")))
    };
    let run = || Backfill::new(&table).also::<Plain>().convert(read).run();
    let counts = run().send().await.unwrap();
    assert_eq!((counts.changed, counts.other_entity, counts.failed), (2, 1, 0));
    let new = table.get(1).send().await.unwrap();
    assert_eq!(new, Some(New { id: 1, email: "e".to_owned() }));
    let plain = Table::<Plain>::new(servers.dynamodb().clone(), local_keys(3)).named(&name);
    let read = plain.get(1).send().await.unwrap();
    assert_eq!(read, Some(Plain { id: 1, email: "e".to_owned() }));
    assert_eq!(run().send().await.unwrap().changed, 0);
}

#[tokio::test]
async fn settings_of_types_that_are_not_there_are_refused() {
    #[derive(Debug, Envelope)]
    #[envelope(table = "elsewhere")]
    struct Elsewhere {
        #[partition_key]
        id: u64,
        #[encrypted]
        email: String,
    }
    let bench = Bench::new().await;
    let table = bench.table();
    let backfill = || Backfill::new(&table);
    for (backfill, says) in [
        (backfill().also::<Elsewhere>(), "`Elsewhere` is a record of the table `elsewhere`"),
        (
            backfill().transform(|it: &mut Elsewhere| it.email.clear()),
            "a transform names Elsewhere",
        ),
        (
            backfill().convert(|_| async { Ok::<Option<Converted<Elsewhere>>, Infallible>(None) }),
            "a conversion names Elsewhere",
        ),
    ] {
        let error = backfill.run().send().await.unwrap_err();
        assert!(error.needs_a_person() && all_it_says(&error).contains(says), "{error}");
    }
    assert_eq!(bench.faults.calls("Scan"), 0);
}
