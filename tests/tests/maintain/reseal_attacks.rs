//! What somebody who can write the table can do to a reseal: spoil what he could spoil anyway, and
//! nothing else.

use envelope_dynamo::maintain::{SchemaFile, StoredTable};
use envelope_dynamo::{Access, Envelope, Table};
use envelope_examples::servers::unique_name;
use envelope_tests::{Item, binary, bytes_of, plant, text, with};

use crate::bench::{Bench, Clinic, NewerPatient, Patient, observed, patient};

/// Two patients under the old key, as they are stored.
async fn two(bench: &Bench) -> [Item; 2] {
    for id in [0, 1] {
        bench.table(&bench.old).put(&Clinic::Patient(patient(id))).send().await.unwrap();
    }
    let items = bench.items().await;
    [0, 1]
        .map(|id| items.values().find(|item| item["pk"] == text(format!("PATIENT#p_{id}"))))
        .map(|item| item.unwrap().clone())
}

/// `payload` with an empty list of authenticated names.
fn without_names(payload: &[u8]) -> Vec<u8> {
    let (mut at, names) = (59, payload[58] & 0x1f);
    for _ in 0..names {
        at += match payload[at] & 0x1f {
            24 => 2 + usize::from(payload[at + 1]),
            length => 1 + usize::from(length),
        };
    }
    [&payload[..58], &[0x80], &payload[at..]].concat()
}

#[tokio::test]
async fn a_spoiled_record_is_named_and_stays_as_it_is() {
    let bench = Bench::new().await;
    let [good, other] = two(&bench).await;
    let of_other = |names: &[&str]| {
        let mut item = good.clone();
        names.iter().for_each(|name| drop(item.insert((*name).to_owned(), other[*name].clone())));
        item
    };
    let without = |name: &str| with(&good, name, None);
    let names = without_names(&bytes_of(&good, "encrypted_payload"));
    let mut tail = bytes_of(&good, "encrypted_payload");
    *tail.last_mut().unwrap() ^= 1;
    let medical = ["encrypted_payload_medical", "encrypted_dek_medical"];
    let spoiled = [
        ("other authenticated names", with(&good, "encrypted_payload", binary(names))),
        ("a changed tag", with(&good, "encrypted_payload", binary(tail))),
        ("a changed attribute", with(&good, "ward", text("w9"))),
        ("a copied data key", of_other(&["encrypted_dek"])),
        ("a copied record", of_other(&["encrypted_payload", "encrypted_dek"])),
        ("an exchanged group", of_other(&medical)),
        ("a copied data key of a group", of_other(&medical[1..])),
        ("no payload", without("encrypted_payload")),
        ("no data key", without("encrypted_dek")),
        ("no payload of a group", without(medical[0])),
        ("no data key of a group", without(medical[1])),
        ("a payload of another type", with(&good, "encrypted_payload", text("x"))),
        ("a data key of another type", with(&good, "encrypted_dek", text("x"))),
    ];
    let table = bench.stored();
    for (what, item) in spoiled {
        plant(&bench.servers, &bench.name, item).await;
        plant(&bench.servers, &bench.name, other.clone()).await;
        let before = bench.items().await;
        let (counts, failed) = observed(bench.reseal(&table)).await;
        let counts = counts.unwrap();
        assert_eq!((counts.changed, counts.failed), (1, 1), "{what}");
        assert!(failed[0].starts_with("clinic[pk=PATIENT#p_0, sk=PROFILE]: "), "{failed:?}");
        let after = bench.items().await;
        let key = after.keys().find(|key| key.contains("p_0")).unwrap();
        assert_eq!(after[key], before[key], "{what}");
        assert_eq!(bench.read(&bench.new, "p_1").await, Some(patient(1)));
    }
}

/// Nobody without a `#[version]` can tell an older version from the newest one, but the run seals
/// nothing that it has not read.
#[tokio::test]
async fn a_version_that_is_replayed_during_the_run_is_sealed_as_it_stands() {
    let bench = Bench::new().await;
    let [older, _] = two(&bench).await;
    let mut later = patient(0);
    later.name = "another name".into();
    bench.table(&bench.old).put(&Clinic::Patient(later)).send().await.unwrap();
    let table = bench.stored();
    bench.faults.hold("UpdateItem");
    let run = async { bench.reseal(&table).send().await.unwrap() };
    let replaying = async {
        envelope_tests::called(&bench.faults, "UpdateItem", 1).await;
        plant(&bench.servers, &bench.name, older).await;
        bench.faults.release("UpdateItem");
    };
    let (counts, ()) = tokio::join!(run, replaying);
    assert_eq!((counts.changed, counts.failed), (2, 0));
    assert_eq!(bench.read(&bench.new, "p_0").await, Some(patient(0)));
}

/// Each attribute that the record is bound to must be as it was read.
#[tokio::test]
async fn a_record_that_is_spoiled_during_the_run_is_not_sealed_again() {
    for name in ["ward", "encrypted_payload", "encrypted_payload_medical"] {
        let bench = Bench::new().await;
        let [good, other] = two(&bench).await;
        let spoiled =
            with(&good, name, if name == "ward" { text("w9") } else { other[name].clone() });
        let table = bench.stored();
        bench.faults.hold("UpdateItem");
        let run = observed(bench.reseal(&table));
        let spoiling = async {
            envelope_tests::called(&bench.faults, "UpdateItem", 1).await;
            plant(&bench.servers, &bench.name, spoiled.clone()).await;
            bench.faults.release("UpdateItem");
        };
        let ((counts, failed), ()) = tokio::join!(run, spoiling);
        let counts = counts.unwrap();
        assert_eq!((counts.changed, counts.failed), (1, 1), "{name}");
        assert!(failed[0].contains("p_0"), "{failed:?}");
        let after = bench.items().await;
        let key = after.keys().find(|key| key.contains("p_0")).unwrap();
        assert_eq!(after[key], spoiled, "{name}");
    }
}

/// The hint in the header is changed, so that the record looks done, or as if it were of nobody.
#[tokio::test]
async fn a_false_hint_makes_a_record_look_done_and_changes_nothing() {
    let bench = Bench::new().await;
    let [good, other] = two(&bench).await;
    bench.table(&bench.new).put(&Clinic::Patient(patient(1))).send().await.unwrap();
    let target = bench.items().await.into_values().find(|item| item["pk"] == other["pk"]).unwrap();
    let mut dek = bytes_of(&good, "encrypted_dek");
    // Version, form, count, kind, length of the hint, hint.
    dek[5..13].copy_from_slice(&bytes_of(&target, "encrypted_dek")[5..13]);
    let mut medical = bytes_of(&good, "encrypted_dek_medical");
    medical[5..13].copy_from_slice(&dek[5..13]);
    let lying = with(&good, "encrypted_dek", binary(dek.clone()));
    let lying = with(&lying, "encrypted_dek_medical", binary(medical));
    plant(&bench.servers, &bench.name, lying).await;
    let before = bench.items().await;
    let table = bench.stored();
    let counts = bench.reseal(&table).send().await.unwrap();
    assert_eq!((counts.changed, counts.already), (0, 2));
    assert_eq!(bench.items().await, before);
    dek[5..9].copy_from_slice(&[9; 4]);
    plant(&bench.servers, &bench.name, with(&good, "encrypted_dek", binary(dek))).await;
    let counts = bench.reseal(&table).send().await.unwrap();
    assert_eq!((counts.changed, counts.already, counts.other_key), (0, 1, 1));
}

#[tokio::test]
async fn a_group_that_the_schema_does_not_know_stays_and_opens() {
    let bench = Bench::new().await;
    let newer = |provider| {
        Table::<NewerPatient>::new(bench.servers.dynamodb().clone(), provider).named(&bench.name)
    };
    let Patient { patient_id, name, diagnosis, ward, visits } = patient(0);
    let account = Access::Granted("DE02".into());
    let record = NewerPatient { patient_id, name, diagnosis, account, ward, visits };
    newer(bench.keys(&bench.old)).put(&record).send().await.unwrap();
    let before = bench.items().await.into_values().next().unwrap();
    let table = bench.stored();
    assert_eq!(bench.reseal(&table).send().await.unwrap().changed, 1);
    let after = bench.items().await.into_values().next().unwrap();
    for name in ["encrypted_payload_billing", "encrypted_dek_billing"] {
        assert_eq!(before[name], after[name]);
    }
    assert_ne!(before["encrypted_dek_medical"], after["encrypted_dek_medical"]);
    let both = bench.keys(&bench.new).also_decrypts(&bench.old);
    assert_eq!(newer(both).get("p_0").send().await.unwrap(), Some(record));
    assert_eq!(bench.read(&bench.new, "p_0").await, Some(patient(0)));
}

/// A record whose entity type is an attribute.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "papers", entity(kind = "letter"))]
struct Letter {
    #[partition_key]
    id: String,
    #[encrypted]
    text: String,
}

#[tokio::test]
async fn a_record_that_changes_its_entity_type_during_the_run_is_named() {
    let bench = Bench::new().await;
    let name = unique_name("papers");
    let letters = Table::<Letter>::new(bench.servers.dynamodb().clone(), bench.keys(&bench.old));
    let letters = letters.named(&name);
    letters.create_table().send().await.unwrap();
    letters.put(&Letter { id: "l_1".into(), text: "dear".into() }).send().await.unwrap();
    let schema = SchemaFile::new().with::<Letter>();
    let table = StoredTable::new(bench.servers.dynamodb_through(&bench.faults), &schema, "papers");
    let table = table.unwrap().named(&name);
    bench.faults.hold("UpdateItem");
    let run = observed(bench.reseal(&table));
    let changing = async {
        envelope_tests::called(&bench.faults, "UpdateItem", 1).await;
        let key = Item::from([("id".into(), text("l_1"))]);
        let stored = envelope_tests::stored(&bench.servers, &name, key).await.unwrap();
        let item = with(&stored, "kind", text("bill"));
        plant(&bench.servers, &name, item).await;
        bench.faults.release("UpdateItem");
    };
    let ((counts, failed), ()) = tokio::join!(run, changing);
    assert_eq!((counts.unwrap().failed, failed.len()), (1, 1));
    assert!(failed[0].starts_with("papers[id=l_1]: the item is not one of Letter"), "{failed:?}");
}
