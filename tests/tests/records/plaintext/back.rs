//! The way back: each step of taking a table in is taken back, and then made again. No value is
//! lost, and every build that may run reads everything.

use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::{DataError, UsageError};
use envelope_dynamo::item::to_plaintext_item;
use envelope_dynamo::maintain::Part;

use super::pairs::Build;
use super::*;
use crate::shop::{Order, Shop, order, profile, shop};

/// A table that is taken in, and what must stand there.
struct Journey {
    bench: Bench,
    records: BTreeMap<String, Patient>,
}

impl Journey {
    /// A table of eight plain items.
    async fn new() -> Self {
        let (bench, mut records) = (Bench::new().await, BTreeMap::new());
        for n in 0..8 {
            let patient = patient(&format!("p_{n}"));
            bench.old_put(&patient).await;
            records.insert(patient.patient_id.clone(), patient);
        }
        Self { bench, records }
    }

    /// All records are as they must be, whichever of these builds reads them.
    async fn all_read(&self, builds: &[Build]) {
        for build in builds {
            for (id, patient) in &self.records {
                let read = build.read(&self.bench, id).await;
                assert_eq!(read.as_ref(), Some(patient), "{build:?}");
            }
        }
    }

    async fn put(&mut self, state: PlaintextItems, id: &str, name: &str) {
        let patient = Patient { name: name.to_owned(), ..patient(id) };
        self.bench.in_state(state).put(&patient).send().await.unwrap();
        self.records.insert(id.to_owned(), patient);
    }

    async fn old_put(&mut self, id: &str, name: &str) {
        let patient = Patient { name: name.to_owned(), ..patient(id) };
        self.bench.old_put(&patient).await;
        self.records.insert(id.to_owned(), patient);
    }

    async fn modify(&mut self, state: PlaintextItems, id: &str) {
        let table = self.bench.in_state(state);
        table.update(id).modify(|p| p.name.push('!')).send().await.unwrap().unwrap();
        self.records.get_mut(id).unwrap().name.push('!');
    }

    async fn backfill(&self, part: Part) -> u64 {
        let counts = self.bench.in_state(Read).backfill().part(part).send().await.unwrap();
        assert_eq!(counts.failed, 0);
        counts.changed
    }

    /// The ids of the items that are not sealed.
    async fn plain(&self) -> Vec<&str> {
        let mut plain = Vec::new();
        for id in self.records.keys() {
            if !self.bench.is_sealed(id).await {
                plain.push(id.as_str());
            }
        }
        plain
    }
}

#[tokio::test]
async fn each_step_is_taken_back_and_made_again() {
    use Build::{In, Old};
    let mut journey = Journey::new().await;

    // Step 1, back to the old build, and again: nothing is sealed.
    for round in ["first", "again"] {
        journey.put(ReadAndWrite, "p_0", round).await;
        journey.modify(ReadAndWrite, "p_1").await;
        journey.put(ReadAndWrite, &format!("new_{round}"), "New").await;
        journey.all_read(&[Old, In(ReadAndWrite)]).await;
        journey.old_put("p_2", round).await;
        journey.old_put(&format!("old_{round}"), "Old").await;
        journey.all_read(&[Old, In(ReadAndWrite)]).await;
    }
    assert_eq!(journey.plain().await.len(), journey.records.len());

    // Step 2, back to `ReadAndWrite`, and again: what is sealed stays so, and what is not, too.
    for round in ["first", "again"] {
        journey.put(Read, "p_3", round).await;
        journey.modify(Read, "p_4").await;
        journey.all_read(&[In(Read), In(ReadAndWrite)]).await;
        let plain = journey.plain().await.len();
        for id in ["p_3", "p_4", "p_5"] {
            journey.modify(ReadAndWrite, id).await;
        }
        journey.put(ReadAndWrite, "p_4", round).await;
        assert_eq!(journey.plain().await.len(), plain, "nothing became plain or sealed");
        journey.put(ReadAndWrite, &format!("later_{round}"), "Later").await;
        journey.all_read(&[In(Read), In(ReadAndWrite)]).await;
        assert_eq!(journey.plain().await.len(), plain + 1);
    }

    // Step 3 ends half-way, back to `ReadAndWrite`, and again.
    let [half, whole] = [Part::of(0, 2), Part::of(0, 1)].map(Result::unwrap);
    journey.backfill(half).await;
    journey.modify(ReadAndWrite, "p_6").await;
    journey.put(ReadAndWrite, "meanwhile", "Meanwhile").await;
    journey.all_read(&[In(Read), In(ReadAndWrite)]).await;
    assert!(journey.backfill(whole).await > 0);
    assert_eq!(journey.plain().await, [""; 0]);
    journey.all_read(&[In(Refuse), In(Read), In(ReadAndWrite)]).await;

    // Step 4 finds that a `ReadAndWrite` process was left: find it, and seal again.
    journey.put(ReadAndWrite, "forgotten", "Forgotten").await;
    assert_eq!(journey.plain().await, ["forgotten"]);
    assert_eq!(journey.backfill(whole).await, 1);
    assert_eq!(journey.backfill(whole).await, 0);

    // Step 5 finds an item that was missed: back to `Read`, which reads it, and again.
    journey.all_read(&[In(Refuse)]).await;
    journey.old_put("missed", "Missed").await;
    let refused = journey.bench.in_state(Refuse).get("missed").send().await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Data(DataError::NotSealed)), "{refused}");
    journey.all_read(&[In(Read)]).await;
    assert_eq!(journey.backfill(whole).await, 1);
    journey.all_read(&[In(Refuse)]).await;
}

/// Whoever leaves reads each record and stores it as the build before this library did, in another
/// table.
#[tokio::test]
async fn a_sealed_table_is_taken_out_into_another_one() {
    let mut journey = Journey::new().await;
    journey.modify(Read, "p_0").await;
    journey.put(Read, "p_1", "Sealed").await;
    let other = Bench::new().await;
    let table = journey.bench.in_state(Read);
    let mut records = table.scan().stream().unwrap();
    while let Some(patient) = records.next().await {
        let item = to_plaintext_item(&patient.unwrap()).unwrap();
        other.plant(item).await;
    }
    let out = Journey { bench: other, records: journey.records };
    out.all_read(&[Build::Old, Build::In(ReadAndWrite)]).await;
    assert_eq!(out.plain().await.len(), 8);
    for (id, patient) in &out.records {
        assert_eq!(out.bench.stored(id).await, Some(old_item(patient)));
    }
}

#[tokio::test]
async fn an_item_in_plaintext_is_the_one_that_a_table_stores() {
    let (servers, sealed) = shop().await;
    let table = sealed.plaintext_items(ReadAndWrite);
    let records = [Shop::Order(order(7, "o_7")), Shop::Profile(profile())];
    table.batch_put(&records).send().await.unwrap();
    for record in records {
        let item = to_plaintext_item(&record).unwrap();
        let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
        let stored = envelope_tests::stored(&servers, table.name(), key.into()).await;
        assert_eq!(stored, Some(item.clone()));
        assert!(is_plaintext(&item));
    }
    let item = to_plaintext_item(&order(7, "o_7")).unwrap();
    assert_eq!((&item["kind"], &item["card"]), (&text("order"), &text("s3cr3t 4111 o_7")));
    let read: Order = table.of().get(("u_1", (7, "o_7"))).send().await.unwrap().unwrap();
    assert_eq!(read, order(7, "o_7"));

    // A value that this process may not read must not become null.
    let withheld = Patient { diagnoses: Access::Withheld, ..patient("p") };
    let error = to_plaintext_item(&withheld).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::GroupWithheld { .. })), "{error}");
}
