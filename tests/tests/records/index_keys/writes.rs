//! Writes: every write has the composed keys, and none changes a field without its key.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::UsageError;
use envelope_dynamo::item::PlaintextItems::{ReadAndWrite, Refuse};
use envelope_dynamo::maintain::{SchemaFile, StoredTable, Target};
use envelope_dynamo::testing::TestClock;
use envelope_dynamo::{ErrorKind, Fault, KmsKeyProvider, from_item, to_item, transact_write};
use envelope_examples::servers::create_kms_key;
use envelope_tests::local_keys;

use super::*;

fn keys(item: &Item) -> [Option<&AttributeValue>; 4] {
    ["gsi1pk", "gsi1sk", "gsi2pk", "ward state"].map(|name| item.get(name))
}

fn expected(
    doctor: &str,
    sort: &str,
    visit: &str,
    ward_state: &str,
) -> [Option<AttributeValue>; 4] {
    let doctor = format!("DOCTOR#{doctor}");
    [&doctor, sort, visit, ward_state].map(|value| Some(text(value)))
}

#[tokio::test]
async fn keys_of_indexes_are_attributes_beside_the_fields() {
    let keys_of_visit = expected("d_1", "VISIT#2026-03-07#000900#r-7", "v_1", "north#planned");
    let provider = local_keys(1);
    let visit = visit("v_1", "d_1", "2026-03-07", 900);
    let item = to_item(&visit, &provider).await.unwrap();
    assert_eq!(keys(&item), keys_of_visit.each_ref().map(Option::as_ref));
    assert_eq!(
        names_of(&item),
        [
            "day",
            "doctor",
            "encrypted_dek",
            "encrypted_payload",
            "gsi1pk",
            "gsi1sk",
            "gsi2pk",
            "minutes",
            "pk",
            "room",
            "sk",
            "start",
            "state",
            "ward",
            "ward state",
        ]
    );
    // They are no values of the record: it opens without them, and with others.
    let mut changed = with(&item, "gsi1pk", text("DOCTOR#d_2"));
    changed.remove("gsi2pk");
    assert_eq!(from_item::<Visit>(changed, &provider).await.unwrap(), visit);
}

#[tokio::test]
async fn a_field_without_a_value_leaves_the_record_out_of_the_index() {
    let bench = Bench::new().await;
    let free = Visit { doctor: None, ..visit("v_1", "", "2026-03-07", 900) };
    bench.put(&[free, visit("v_2", "d_1", "2026-03-07", 930)]).await;
    let item = bench.stored("v_1").await;
    assert!(!item.contains_key("gsi1pk") && item.contains_key("gsi1sk"));
    let listed = bench.visits().index(|indexes| indexes.gsi1).scan().send().await.unwrap();
    assert_eq!(listed, [visit("v_2", "d_1", "2026-03-07", 930)]);
}

#[tokio::test]
async fn every_kind_of_write_has_the_keys() {
    let bench = Bench::new().await;
    let visits: Vec<_> = (0..4).map(|n| visit(&format!("v_{n}"), "d_1", "2026-03-07", n)).collect();
    bench.visits().put(&visits[0]).send().await.unwrap();
    bench.visits().batch_put(&visits[1..2]).send().await.unwrap();
    let (table, client) = (bench.visits(), bench.clinic.client());
    transact_write(client).put(table.put(&visits[2])).send().await.unwrap();
    bench.clinic.put(&Clinic::Visit(visits[3].clone())).send().await.unwrap();
    assert_eq!(bench.of_doctor("d_1").await, visits);
}

#[tokio::test]
async fn modify_changes_a_field_and_its_keys_in_one_request() {
    let bench = Bench::new().await;
    bench.put(&[visit("v_1", "d_1", "2026-03-07", 900)]).await;
    bench.faults.forget_calls();
    let change = |visit: &mut Visit| {
        visit.doctor = Some("d_2".to_owned());
        visit.ward = "south".to_owned();
    };
    bench.visits().update(("p_1", "v_1")).modify(change).send().await.unwrap();
    let sent = requests(&bench.faults, "UpdateItem");
    assert_eq!(sent.len(), 1);
    // The state is part of a key that was written, and nothing binds the record to it.
    let names = sent[0]["ExpressionAttributeNames"].to_string();
    assert!(names.contains("\"state\"") && names.contains("\"ward state\""), "{names}");
    let item = bench.stored("v_1").await;
    let made = expected("d_2", "VISIT#2026-03-07#000900#r-7", "v_1", "south#planned");
    assert_eq!(keys(&item), made.each_ref().map(Option::as_ref));
    assert_eq!((bench.of_doctor("d_1").await.len(), bench.of_doctor("d_2").await.len()), (0, 1));

    bench.visits().update(("p_1", "v_1")).modify(|visit| visit.doctor = None).send().await.unwrap();
    assert!(!bench.stored("v_1").await.contains_key("gsi1pk"));
    assert_eq!(bench.of_doctor("d_2").await, []);
}

#[tokio::test]
async fn an_update_in_place_leaves_the_keys() {
    let bench = Bench::new().await;
    bench.put(&[visit("v_1", "d_1", "2026-03-07", 900)]).await;
    let before = bench.stored("v_1").await;
    bench.visits().update(("p_1", "v_1")).add(|visit| visit.minutes, 15).send().await.unwrap();
    let after = bench.stored("v_1").await;
    assert_eq!(keys(&after), keys(&before));
    assert_eq!(bench.of_doctor("d_1").await[0].minutes, 45);
}

/// A record that was written before the index, or with another format.
#[tokio::test]
async fn a_modify_that_changes_nothing_brings_the_keys_up_to_date() {
    let bench = Bench::new().await;
    let visit = visit("v_1", "d_1", "2026-03-07", 900);
    bench.put(std::slice::from_ref(&visit)).await;
    let before = bench.stored("v_1").await;
    let mut old = with(&before, "gsi1pk", text("DOC#d_1"));
    old.remove("gsi1sk");
    bench.plant(old).await;
    assert_eq!(bench.of_doctor("d_1").await, []);
    let nothing = |_: &mut Visit| ();
    bench.visits().update(("p_1", "v_1")).modify(nothing).send().await.unwrap();
    assert_eq!(keys(&bench.stored("v_1").await), keys(&before));
    assert_eq!(bench.of_doctor("d_1").await, [visit]);
    bench.faults.forget_calls();
    bench.visits().update(("p_1", "v_1")).modify(nothing).send().await.unwrap();
    assert_eq!(bench.faults.calls("UpdateItem"), 0, "they are up to date");
}

/// The same records before they had an index.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic")]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
#[sort_key(name = "sk", format = "VISIT#{visit}")]
struct Before {
    #[key]
    patient: String,
    #[key]
    visit: String,
    #[authenticated]
    doctor: String,
    #[authenticated]
    gsi1pk: String,
    #[authenticated]
    day: String,
    #[authenticated]
    start: u32,
    #[authenticated]
    room: String,
    #[authenticated]
    ward: String,
    #[plaintext]
    state: String,
    #[plaintext]
    minutes: u64,
    #[encrypted]
    notes: String,
}

/// A program composed the key by itself, as a field, to which its records are bound.
#[tokio::test]
async fn records_that_are_bound_to_the_attribute_stay_bound_to_it() {
    let bench = Bench::new().await;
    let before = |doctor: &str| Before {
        patient: "p_1".into(),
        visit: "v_1".into(),
        doctor: doctor.into(),
        gsi1pk: "by hand".into(),
        day: "2026-03-07".into(),
        start: 900,
        room: "r-7".into(),
        ward: "north".into(),
        state: "planned".into(),
        minutes: 30,
        notes: "s3cr3t".into(),
    };
    bench.plant(to_item(&before("d_1"), &bench.keys).await.unwrap()).await;
    let visits = bench.visits();
    let read = visits.get(("p_1", "v_1")).send().await.unwrap();
    assert_eq!(read, Some(visit("v_1", "d_1", "2026-03-07", 900)));
    visits.update(("p_1", "v_1")).modify(|visit| visit.minutes = 31).send().await.unwrap();
    assert_eq!(bench.of_doctor("d_1").await[0].minutes, 31);
    bench.plant(with(&bench.stored("v_1").await, "gsi1pk", text("DOCTOR#d_2"))).await;
    assert!(visits.get(("p_1", "v_1")).send().await.is_err(), "the old struct's mark still holds");

    // A value that no key can have: the record is read, and `modify` can mend it.
    bench.plant(to_item(&before("d#1"), &bench.keys).await.unwrap()).await;
    let read = visits.get(("p_1", "v_1")).send().await.unwrap().unwrap();
    assert_eq!(read.doctor.as_deref(), Some("d#1"));
    let update = |doctor: &str| {
        let doctor = doctor.to_owned();
        visits
            .update(("p_1", "v_1"))
            .modify(move |visit| visit.doctor = Some(doctor.clone()))
            .send()
    };
    assert!(update("d#1").await.unwrap_err().to_string().contains("contains a separator"));
    update("d-1").await.unwrap();
    assert_eq!(bench.of_doctor("d-1").await.len(), 1);
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "drafts",
    index(
        name = "by-age",
        partition_key(name = "age_pk", format = "V{version:03}"),
        sort_key(name = "age_sk", format = "{created:012}"),
    )
)]
struct Draft {
    #[partition_key]
    id: String,
    #[encrypted]
    body: String,
    #[plaintext]
    #[created]
    created: u64,
    #[authenticated]
    #[version]
    version: u64,
}

#[tokio::test]
async fn keys_have_the_version_and_the_time_that_the_library_sets() {
    let clock = Arc::new(TestClock::default());
    let drafts = envelope_tests::TestTable::<Draft>::with(|_, _| local_keys(2)).await;
    let table = drafts.table.clone().with_clock(clock.clone());
    let key = || Item::from([("id".to_owned(), text("a"))]);
    let keys = async || {
        let item = drafts.stored(key()).await.unwrap();
        ["age_pk", "age_sk"].map(|name| item[name].as_s().unwrap().clone())
    };
    let mut draft = Draft { id: "a".into(), body: "s3cr3t".into(), created: 0, version: 0 };
    table.put_mut(&mut draft).send().await.unwrap();
    let created = format!("{:012}", draft.created);
    assert_eq!(keys().await, ["V001", &created]);
    assert_ne!(draft.created, 0);
    clock.advance(Duration::from_secs(60));
    table.update("a").modify(|draft| draft.body = "other".into()).send().await.unwrap();
    assert_eq!(keys().await, ["V002", &created]);
    let listed = table.index(|indexes| indexes.by_age).query(2_u64).send().await.unwrap();
    assert_eq!(listed.len(), 1);

    // A key that is brought up to date is no change of the record.
    let old = with(&drafts.stored(key()).await.unwrap(), "age_pk", text("version 2"));
    drafts.plant(old).await;
    table.update("a").modify(|_| ()).send().await.unwrap();
    assert_eq!(keys().await, ["V002", &created]);
    assert_eq!(table.get("a").send().await.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn a_part_that_no_key_can_have_is_refused_before_anything_is_sent() {
    let bench = Bench::new().await;
    bench.faults.forget_calls();
    for (doctor, start, room, expected) in [
        ("a#s3cr3t", 1, "r", "`doctor` is a part of a composed key, but contains a separator"),
        ("", 1, "r", "`doctor` is a part of a composed key, but empty"),
        ("a", 1, "r/2", "`room` is a part of a composed key, but contains a separator"),
        ("a", 1_000_000, "r", "`start` has more digits than its composed key reserves"),
    ] {
        let visit = Visit { room: room.to_owned(), ..visit("v_1", doctor, "2026-03-07", start) };
        let error = bench.visits().put(&visit).send().await.unwrap_err();
        assert_eq!(error.fault(), Fault::Caller);
        let message = error.to_string();
        assert!(message.contains(expected) && !message.contains("s3cr3t"), "{message}");
    }
    assert_eq!(bench.faults.calls("PutItem"), 0);
    let named = || Visit::attribute::<String>("gsi1pk");
    let visits = bench.visits();
    let update = visits.update(("p_1", "v_1")).set(|_| named(), "DOCTOR#d_2");
    let error = update.send().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { attribute, .. }) if attribute == "gsi1pk"),
        "{error}"
    );
}

#[tokio::test]
async fn plain_items_have_the_keys_and_keep_them_when_they_are_sealed() {
    let bench = Bench::new().await;
    let plain = bench.clinic.clone().plaintext_items(ReadAndWrite).of::<Visit>();
    let first = visit("v_1", "d_1", "2026-03-07", 900);
    plain.put(&first).send().await.unwrap();
    plain.batch_put(&[visit("v_2", "d_1", "2026-03-07", 930)]).send().await.unwrap();
    for id in ["v_1", "v_2"] {
        let item = bench.stored(id).await;
        assert!(!item.contains_key("encrypted_payload"));
        assert_eq!(item["gsi1pk"], text("DOCTOR#d_1"));
    }
    let to_d_2 = |visit: &mut Visit| visit.doctor = Some("d_2".to_owned());
    plain.update(("p_1", "v_1")).modify(to_d_2).send().await.unwrap();
    let item = bench.stored("v_1").await;
    assert!(!item.contains_key("encrypted_payload"));
    assert_eq!((&item["gsi1pk"], &item["gsi2pk"]), (&text("DOCTOR#d_2"), &text("v_1")));
    let listed = plain.index(|indexes| indexes.gsi1).query("d_2").send().await.unwrap();
    assert_eq!(listed, [Visit { doctor: Some("d_2".to_owned()), ..first }]);

    // An old build knew no index.
    let mut old = item;
    for name in ["gsi1pk", "gsi1sk", "gsi2pk", "ward state"] {
        old.remove(name);
    }
    bench.plant(old).await;
    let counts = bench.visits().backfill().send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (2, 0));
    let sealed = bench.stored("v_1").await;
    assert!(sealed.contains_key("encrypted_payload") && !sealed.contains_key("notes"));
    let made = expected("d_2", "VISIT#2026-03-07#000900#r-7", "v_1", "north#planned");
    assert_eq!(keys(&sealed), made.each_ref().map(Option::as_ref));
    let refusing = bench.clinic.clone().plaintext_items(Refuse).of::<Visit>();
    let listed = refusing.index(|indexes| indexes.gsi1).query("d_2").send().await.unwrap();
    assert_eq!(listed.len(), 1);
}

#[tokio::test]
async fn a_rewrap_and_a_reseal_leave_the_keys() {
    let (bench, kms) = (Bench::new().await, servers().await.kms().clone());
    let [old, new] = [create_kms_key(&kms).await, create_kms_key(&kms).await].map(Result::unwrap);
    let provider = |key: &str| KmsKeyProvider::new(kms.clone(), key);
    let client = bench.servers.dynamodb().clone();
    let visits = Table::<Visit>::new(client.clone(), provider(&old)).named(bench.clinic.name());
    visits.put(&visit("v_1", "d_1", "2026-03-07", 900)).send().await.unwrap();
    let before = bench.stored("v_1").await;
    let schema: SchemaFile =
        SchemaFile::new().with::<Clinic>().to_string().parse().expect("the file is read again");
    let table = StoredTable::new(client.clone(), &schema, "clinic").unwrap();
    let table = table.named(bench.clinic.name());
    let target = Target::kms_key(kms.clone(), &new);
    let counts = table.reseal(provider(&old), provider(&new), target).send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
    let resealed = bench.stored("v_1").await;
    assert_ne!(resealed["encrypted_payload"], before["encrypted_payload"]);
    let counts = table.rewrap(kms.clone(), &new, &old).send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
    let rewrapped = bench.stored("v_1").await;
    assert_ne!(rewrapped["encrypted_dek"], resealed["encrypted_dek"]);
    assert_eq!([keys(&resealed), keys(&rewrapped)], [keys(&before), keys(&before)]);
    let listed = visits.index(|indexes| indexes.gsi1).query("d_1").send().await.unwrap();
    assert_eq!(listed.len(), 1);
}
