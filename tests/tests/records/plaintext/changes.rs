//! `modify` of a plain item: it becomes sealed in `Read` and stays plain in `ReadAndWrite`; nothing
//! is lost, and nothing comes back that was deleted.

use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::{UsageError, WriteError};
use envelope_examples::Fault;

use super::*;

/// What another writer does to a record.
type Change = fn(&mut Patient);

fn visit(patient: &mut Patient) {
    patient.visits += 1;
}

fn rename(patient: &mut Patient) {
    patient.name = "New".to_owned();
}

#[tokio::test]
async fn an_old_item_becomes_a_record_like_any_other() {
    let bench = Bench::new().await;
    let mut item = old_item(&patient("p"));
    item.insert("legacy".into(), text("unknown to the struct"));
    bench.plant(item).await;
    let table = bench.in_state(Read);
    let unchanged = table.update("p").modify(|_| {}).send().await.unwrap();
    assert_eq!(unchanged, Some(patient("p")));
    assert!(!bench.is_sealed("p").await, "nothing has changed");

    let changed = table.update("p").modify(visit).send().await.unwrap();
    let expected = Patient { visits: 4, ..patient("p") };
    assert_eq!(changed, Some(expected.clone()));
    assert!(bench.is_sealed("p").await);
    let stored = bench.stored("p").await.unwrap();
    let names = [
        "encrypted_dek",
        "encrypted_dek_medical",
        "encrypted_payload",
        "encrypted_payload_medical",
        "legacy",
        "patient_id",
        "visits",
        "ward",
    ];
    assert_eq!(names_of(&stored), names);
    assert_eq!(bench.in_state(Refuse).get("p").send().await.unwrap(), Some(expected));
    // It is bound to the ward, which was only read.
    bench.plant(with(&stored, "ward", text("north"))).await;
    assert!(bench.in_state(Read).get("p").send().await.is_err());
}

#[tokio::test]
async fn whatever_changes_a_plain_item_in_read_seals_it() {
    let bench = Bench::new().await;
    bench.old_put(&patient("p")).await;
    let table = bench.in_state(Read);
    let changed = table.update("p").set(|p| p.visits, 9_u32).modify(|_| {}).send().await.unwrap();
    assert_eq!(changed, Some(Patient { visits: 9, ..patient("p") }));
    assert!(bench.is_sealed("p").await);
}

/// Between the read and the write of a `modify`, another writer changes one attribute: any one that
/// is sealed or bound. The change is kept.
#[tokio::test]
async fn a_change_of_another_writer_is_never_lost() {
    let others: [(&str, Change); 6] = [
        ("an encrypted value", |p| p.name = "Theirs".to_owned()),
        ("an encrypted value that was absent", |p| p.phone = Some("044".to_owned())),
        ("a value inside one", |p| p.address.street = None),
        ("a value of a group", |p| p.diagnoses = Access::Granted(Vec::new())),
        ("a bound value", |p| p.ward = "theirs".to_owned()),
        ("the value that is changed", |p| p.visits = 100),
    ];
    for state in [Read, ReadAndWrite] {
        for (what, theirs) in others {
            let bench = Bench::new().await;
            // No `phone`: it is absent, not null.
            bench.plant(with(&old_item(&patient("p")), "phone", None)).await;
            let table = bench.in_state(state);
            let mut expected = patient("p");
            theirs(&mut expected);
            let other = old_item(&expected);
            let modified = bench
                .while_held("UpdateItem", table.update("p").modify(visit).send(), async {
                    bench.plant(other).await;
                })
                .await;
            visit(&mut expected);
            assert_eq!(modified.unwrap(), Some(expected.clone()), "{state:?}: {what}");
            assert_eq!(table.get("p").send().await.unwrap(), Some(expected), "{state:?}: {what}");
            assert_eq!(bench.is_sealed("p").await, state == Read, "{state:?}: {what}");
            assert_eq!(bench.faults().calls("UpdateItem"), 2, "{state:?}: {what}");
        }
    }
}

/// A record that another writer seals between read and write stays sealed, with both changes.
#[tokio::test]
async fn a_record_that_was_sealed_meanwhile_stays_sealed() {
    for state in [Read, ReadAndWrite] {
        let bench = Bench::new().await;
        bench.old_put(&patient("p")).await;
        let table = bench.in_state(state);
        let sealed = bench.in_state(Refuse);
        let theirs = Patient { name: "Theirs".to_owned(), ..patient("p") };
        let modified = bench
            .while_held("UpdateItem", table.update("p").modify(visit).send(), async {
                sealed.put(&theirs).send().await.unwrap();
            })
            .await;
        let expected = Patient { visits: 4, ..theirs };
        assert_eq!(modified.unwrap(), Some(expected.clone()));
        assert!(bench.is_sealed("p").await, "{state:?}");
        assert_eq!(sealed.get("p").send().await.unwrap(), Some(expected));
    }
}

/// All fields may be absent, so a deleted item has nothing that contradicts the values that were
/// read.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes")]
struct Note {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[authenticated]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[plaintext]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
}

#[tokio::test]
async fn a_deleted_item_does_not_come_back() {
    for state in [Read, ReadAndWrite] {
        for with_other_changes in [false, true] {
            let bench = Bench::new().await;
            bench.plant(Item::from([("patient_id".to_owned(), text("n"))])).await;
            let table: Table<Note> = bench.handle(state);
            let update = table.update("n");
            let modified = async {
                if with_other_changes {
                    update.set(|note| note.seen, 1_u32).modify(|_| {}).send().await
                } else {
                    update.modify(|note| note.seen = Some(1)).send().await
                }
            };
            let modified =
                bench.while_held("UpdateItem", modified, bench.delete("n")).await.unwrap();
            assert_eq!((modified, bench.stored("n").await), (None, None), "{state:?}");
        }
    }
}

/// A plain item has nothing that shows whose write it is. So a lost answer leaves the change in
/// doubt, and it is not made twice.
#[tokio::test]
async fn a_plain_change_whose_answer_was_lost_is_in_doubt() {
    let bench = Bench::new().await;
    bench.old_put(&patient("p")).await;
    bench.faults().fail_next("UpdateItem", Fault::LoseReply);
    let table = bench.in_state(ReadAndWrite);
    let error = table.update("p").modify(visit).send().await.unwrap_err();
    assert!(error.is_in_doubt(), "{error}");
    assert_eq!(bench.faults().calls("UpdateItem"), 1);
    let stored = bench.stored("p").await.unwrap();
    assert_eq!(shown(&stored, "visits"), Some(number(4)));
    // A sealed one is recognized by its payload.
    bench.faults().fail_next("UpdateItem", Fault::LoseReply);
    let modified = bench.in_state(Read).update("p").modify(visit).send().await.unwrap();
    assert_eq!(modified.unwrap().visits, 5);
}

#[tokio::test]
async fn conditions_of_a_change_hold() {
    for state in [Read, ReadAndWrite] {
        let bench = Bench::new().await;
        bench.old_put(&patient("p")).await;
        let table = bench.in_state(state);
        let none = |p: &mut Patient| assert_eq!(p.visits, 3);
        for changes in [true, false] {
            let update = table.update("p").condition(|p| p.visits.gt(3));
            let change = |p: &mut Patient| if changes { rename(p) } else { none(p) };
            let failed = update.modify(change).send().await.unwrap_err();
            assert!(
                matches!(failed.kind(), ErrorKind::Write(WriteError::ConditionFailed)),
                "{state:?} {changes}: {failed}"
            );
        }
        assert_eq!(bench.stored("p").await, Some(old_item(&patient("p"))));
    }
}

/// An old item may have more than the struct reads. It must not be lost when the item is sealed.
#[tokio::test]
async fn values_that_the_struct_does_not_read_are_not_lost() {
    let bench = Bench::new().await;
    let mut item = old_item(&patient("p"));
    let Some(AttributeValue::M(address)) = item.get_mut("address") else { panic!("a map") };
    address.insert("zip".into(), text("3011"));
    bench.plant(item.clone()).await;
    let table = bench.in_state(Read);
    let error = table.update("p").modify(visit).send().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { attribute, .. }) if attribute == "address"),
        "{error}"
    );
    assert_eq!(bench.stored("p").await, Some(item.clone()));
    // In plaintext it stays where it is, unless the field itself is changed.
    bench.in_state(ReadAndWrite).update("p").modify(rename).send().await.unwrap();
    let stored = bench.stored("p").await.unwrap();
    assert_eq!(
        (shown(&stored, "address"), shown(&stored, "name")),
        (shown(&item, "address"), Some(text("New")))
    );
    // A changed field is written as the struct knows it, as always.
    table.update("p").modify(|p| p.address.street = None).send().await.unwrap();
    assert!(bench.is_sealed("p").await);
}

/// A field that was renamed: its attribute stands under the older name.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "contacts")]
struct Contact {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    #[serde(alias = "mail")]
    email: String,
    #[authenticated]
    #[serde(alias = "tier")]
    plan: String,
    #[plaintext]
    #[serde(default, alias = "count")]
    logins: u32,
}

#[tokio::test]
async fn renamed_fields_are_sealed_under_a_name_that_the_struct_reads() {
    for state in [Read, ReadAndWrite] {
        let bench = Bench::new().await;
        let item = [("patient_id", "c"), ("mail", "zoe@example.com"), ("tier", "pro")];
        let mut item: Item =
            item.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
        item.insert("count".into(), number(1));
        bench.plant(item).await;
        let table: Table<Contact> = bench.handle(state);
        table.update("c").modify(|contact| contact.logins += 1).send().await.unwrap();
        let expected = Contact {
            patient_id: "c".to_owned(),
            email: "zoe@example.com".to_owned(),
            plan: "pro".to_owned(),
            logins: 2,
        };
        assert_eq!(table.get("c").send().await.unwrap(), Some(expected), "{state:?}");
        let stored = bench.stored("c").await.unwrap();
        assert_eq!(is_plaintext(&stored), state == ReadAndWrite);
        assert_eq!(stored.contains_key("mail"), state == ReadAndWrite, "{state:?}");
        assert!(!stored.contains_key("count") && stored.contains_key("logins"), "{state:?}");
        table.update("c").add(|contact| contact.logins, 1).send().await.unwrap();
        assert_eq!(table.get("c").send().await.unwrap().unwrap().logins, 3);
    }
}

/// Fields that the struct only writes, or only reads: sealing would lose what is stored.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "halves")]
struct Half {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    #[serde(default, skip_deserializing)]
    written: String,
    #[encrypted]
    #[serde(default, skip_serializing)]
    read: String,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    list: Vec<String>,
    #[plaintext]
    #[serde(default)]
    count: u32,
}

#[tokio::test]
async fn a_field_that_is_only_read_or_only_written_is_not_lost() {
    let bench = Bench::new().await;
    let table: Table<Half> = bench.handle(Read);
    let key = Item::from([("patient_id".to_owned(), text("h"))]);
    for (name, value) in [("written", text("w")), ("read", text("r"))] {
        let item = with(&key, name, value);
        bench.plant(item.clone()).await;
        let error = table.update("h").modify(|half| half.count = 1).send().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { attribute, .. }) if attribute == name),
            "{error}"
        );
        assert_eq!(bench.stored("h").await, Some(item));
    }
    // A value that the type leaves out when it writes is sealed as absent.
    for (name, value) in [("list", AttributeValue::L(Vec::new())), ("read", text(""))] {
        bench.plant(with(&key, name, value)).await;
        table.update("h").modify(|half| half.count = 1).send().await.unwrap();
        let stored = bench.stored("h").await.unwrap();
        assert_eq!(
            names_of(&stored),
            ["count", "encrypted_dek", "encrypted_payload", "patient_id"]
        );
        let read: Table<Half> = bench.handle(Refuse);
        assert_eq!(read.get("h").send().await.unwrap().unwrap().count, 1);
    }
}
