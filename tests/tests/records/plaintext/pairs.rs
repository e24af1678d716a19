//! States that may run side by side: each reads what the other writes, in every kind of write.

use envelope_dynamo::transact_write;

use super::*;

/// What stands under the key before a write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Nothing,
    Plain,
    Sealed,
}

/// Every kind of write that stores a record, by name.
const PUTS: [&str; 5] = ["put", "put returning old", "batch put", "transaction", "into_sdk"];

/// Every kind of write that changes a record.
const CHANGES: [&str; 5] =
    ["modify", "modify and more", "update", "update returning new", "update in a transaction"];

async fn put(kind: &str, table: &Table<Patient>, patient: &Patient) {
    match kind {
        "put" => table.put(patient).send().await.unwrap(),
        "put returning old" => {
            table.put(patient).returning_old().send().await.unwrap();
        }
        "batch put" => assert_eq!(table.batch_put([patient]).send().await.unwrap(), 1),
        "transaction" => {
            transact_write(table.client()).put(table.put(patient)).send().await.unwrap();
        }
        "into_sdk" => {
            table.put(patient).into_sdk().await.unwrap().send().await.unwrap();
        }
        other => panic!("{other}"),
    }
}

/// Changes the record; returns how the change looks.
async fn change(kind: &str, table: &Table<Patient>, id: &str) -> fn(&mut Patient) {
    fn encrypted(patient: &mut Patient) {
        patient.phone = Some("031".to_owned());
        patient.ward = "east".to_owned();
    }
    let update = table.update(id);
    match kind {
        "modify" => {
            update.modify(encrypted).send().await.unwrap().unwrap();
            encrypted
        }
        "modify and more" => {
            let modified = update.add(|p| p.visits, 1).modify(|_| {}).send().await.unwrap();
            assert_eq!(modified.unwrap().visits, 4);
            |patient| patient.visits += 1
        }
        "update" => {
            update.add(|p| p.visits, 1).send().await.unwrap();
            |patient| patient.visits += 1
        }
        "update returning new" => {
            let new = update.add(|p| p.visits, 1).returning_new().send().await.unwrap();
            assert_eq!(new.visits, 4);
            |patient| patient.visits += 1
        }
        "update in a transaction" => {
            let update = update.add(|p| p.visits, 1);
            transact_write(table.client()).update(update).send().await.unwrap();
            |patient| patient.visits += 1
        }
        other => panic!("{other}"),
    }
}

async fn prepare(bench: &Bench, before: Before, id: &str) {
    match before {
        Before::Nothing => bench.delete(id).await,
        Before::Plain => bench.old_put(&patient(id)).await,
        Before::Sealed => bench.in_state(Refuse).put(&patient(id)).send().await.unwrap(),
    }
}

#[tokio::test]
async fn each_state_reads_what_the_other_one_writes() {
    let bench = Bench::new().await;
    let pairs = [
        (ReadAndWrite, ReadAndWrite),
        (ReadAndWrite, Read),
        (Read, ReadAndWrite),
        (Read, Read),
        (Read, Refuse),
        (Refuse, Read),
        (Refuse, ReadAndWrite),
    ];
    for (writing, reading) in pairs {
        let (writer, reader) = (bench.in_state(writing), bench.in_state(reading));
        for before in [Before::Nothing, Before::Plain, Before::Sealed] {
            for kind in PUTS {
                let case = format!("{writing:?} {kind} on {before:?}, read by {reading:?}");
                prepare(&bench, before, "p").await;
                let new = Patient { ward: "south".to_owned(), visits: 9, ..patient("p") };
                if writing == Refuse && before == Before::Plain && kind == "put returning old" {
                    // The old item is refused, as always.
                    writer.put(&new).send().await.unwrap();
                } else {
                    put(kind, &writer, &new).await;
                }
                assert_eq!(
                    reader.get("p").consistent_read().send().await.unwrap(),
                    Some(new),
                    "{case}"
                );
                let stays_plain = writing == ReadAndWrite && before != Before::Sealed;
                assert_eq!(bench.is_sealed("p").await, !stays_plain, "{case}");
            }
            for kind in CHANGES {
                let case = format!("{writing:?} {kind} on {before:?}, read by {reading:?}");
                let refuses_plain = writing == Refuse || reading == Refuse;
                if before == Before::Nothing || (before == Before::Plain && refuses_plain) {
                    continue;
                }
                prepare(&bench, before, "p").await;
                let mut expected = patient("p");
                change(kind, &writer, "p").await(&mut expected);
                assert_eq!(
                    reader.get("p").consistent_read().send().await.unwrap(),
                    Some(expected),
                    "{case}"
                );
                let seals = writing == Read && kind.starts_with("modify");
                assert_eq!(bench.is_sealed("p").await, before == Before::Sealed || seals, "{case}");
            }
            prepare(&bench, before, "p").await;
            writer.delete("p").send().await.unwrap();
            assert_eq!(bench.stored("p").await, None, "{writing:?} deletes {before:?}");
        }
    }
}

/// The first step: while no process seals, the build before this library reads everything.
#[tokio::test]
async fn the_old_build_reads_what_read_and_write_stores() {
    let bench = Bench::new().await;
    let table = bench.in_state(ReadAndWrite);
    for before in [Before::Nothing, Before::Plain] {
        for kind in PUTS {
            prepare(&bench, before, "p").await;
            let new = Patient { phone: Some("031".to_owned()), ..patient("p") };
            put(kind, &table, &new).await;
            let stored = bench.stored("p").await.unwrap();
            assert_eq!(stored, old_item(&new), "{kind} stores what serde_dynamo stores");
            assert_eq!(serde_dynamo::from_item::<_, Patient>(stored).unwrap(), new);
        }
        for kind in CHANGES {
            prepare(&bench, Before::Plain, "p").await;
            let mut expected = patient("p");
            change(kind, &table, "p").await(&mut expected);
            let stored = bench.stored("p").await.unwrap();
            assert_eq!(serde_dynamo::from_item::<_, Patient>(stored).unwrap(), expected, "{kind}");
        }
    }
}

/// Why nobody returns to the old build once a `Read` process has run: it stores plaintext again.
#[tokio::test]
async fn an_old_build_beside_read_makes_records_plain() {
    let bench = Bench::new().await;
    bench.in_state(Read).put(&patient("p")).send().await.unwrap();
    assert!(serde_dynamo::from_item::<_, Patient>(bench.stored("p").await.unwrap()).is_err());
    bench.old_put(&patient("p")).await;
    assert!(!bench.is_sealed("p").await);
}
