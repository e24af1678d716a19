//! Builds that may run side by side: each reads what the other one writes, by every kind of write,
//! and no sealed record becomes plain.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    Delete, DeleteRequest, Put, PutRequest, TransactWriteItem, Update, WriteRequest,
};
use envelope_dynamo::transact_write;

use super::*;

/// A program that works on the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Build {
    /// The build before this library: the SDK and `serde_dynamo`.
    Old,
    In(PlaintextItems),
}

/// What stands under the key before a write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Before {
    Nothing,
    Plain,
    Sealed,
}

use Before::{Nothing, Plain, Sealed};
use Build::{In, Old};

/// The builds that may run side by side, and what may stand in the table meanwhile.
const PAIRS: [([Build; 2], &[Before]); 7] = [
    ([Old, Old], &[Nothing, Plain]),
    ([Old, In(ReadAndWrite)], &[Nothing, Plain]),
    ([In(ReadAndWrite), In(ReadAndWrite)], &[Nothing, Plain, Sealed]),
    ([In(ReadAndWrite), In(Read)], &[Nothing, Plain, Sealed]),
    ([In(Read), In(Read)], &[Nothing, Plain, Sealed]),
    // When all items are sealed.
    ([In(Read), In(Refuse)], &[Nothing, Sealed]),
    ([In(Refuse), In(Refuse)], &[Nothing, Sealed]),
];

/// Every kind of write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Write {
    Put,
    PutIfNotExists,
    PutOnCondition,
    PutReturningOld,
    PutBySdk,
    BatchPut,
    TransactPut,
    Update,
    UpdateOnCondition,
    UpdateReturningNew,
    TransactUpdate,
    Modify,
    ModifyAndUpdate,
    ModifyOnCondition,
    ModifyNothing,
    Delete,
    DeleteOnCondition,
    DeleteReturningOld,
    BatchDelete,
    TransactDelete,
}

const WRITES: [Write; 20] = [
    Write::Put,
    Write::PutIfNotExists,
    Write::PutOnCondition,
    Write::PutReturningOld,
    Write::PutBySdk,
    Write::BatchPut,
    Write::TransactPut,
    Write::Update,
    Write::UpdateOnCondition,
    Write::UpdateReturningNew,
    Write::TransactUpdate,
    Write::Modify,
    Write::ModifyAndUpdate,
    Write::ModifyOnCondition,
    Write::ModifyNothing,
    Write::Delete,
    Write::DeleteOnCondition,
    Write::DeleteReturningOld,
    Write::BatchDelete,
    Write::TransactDelete,
];

/// The record that puts store.
fn new() -> Patient {
    Patient { phone: Some("031".to_owned()), ward: "south".to_owned(), visits: 9, ..patient("p") }
}

/// The change of sealed and bound fields that `modify` makes.
fn change(patient: &mut Patient) {
    patient.name = "New".to_owned();
    patient.phone = Some("044".to_owned());
    patient.ward = "east".to_owned();
    patient.diagnoses = Access::Granted(Vec::new());
}

impl Write {
    /// Whether the write succeeds there.
    fn fits(self, before: Before) -> bool {
        match self {
            Self::PutIfNotExists => before == Nothing,
            Self::Put | Self::PutReturningOld | Self::PutBySdk | Self::BatchPut => true,
            Self::TransactPut | Self::Delete | Self::DeleteReturningOld => true,
            Self::BatchDelete | Self::TransactDelete => true,
            _ => before != Nothing,
        }
    }

    fn deletes(self) -> bool {
        matches!(
            self,
            Self::Delete
                | Self::DeleteOnCondition
                | Self::DeleteReturningOld
                | Self::BatchDelete
                | Self::TransactDelete
        )
    }

    /// Whether the write seals a plain item where the build seals at all.
    fn seals(self) -> bool {
        !matches!(
            self,
            Self::Update
                | Self::UpdateOnCondition
                | Self::UpdateReturningNew
                | Self::TransactUpdate
                | Self::ModifyNothing
        )
    }

    /// The record afterwards.
    fn after(self) -> Option<Patient> {
        let mut patient = patient("p");
        match self {
            _ if self.deletes() => return None,
            Self::Update
            | Self::UpdateOnCondition
            | Self::UpdateReturningNew
            | Self::TransactUpdate => patient.visits += 1,
            Self::Modify | Self::ModifyOnCondition => change(&mut patient),
            Self::ModifyAndUpdate => {
                change(&mut patient);
                patient.visits += 1;
            }
            Self::ModifyNothing => {}
            _ => return Some(new()),
        }
        Some(patient)
    }

    async fn by_library(self, table: &Table<Patient>, before: Before) {
        let (new, old) = (new(), (before != Nothing).then(|| patient("p")));
        match self {
            Self::Put => table.put(&new).send().await.unwrap(),
            Self::PutIfNotExists => table.put(&new).if_not_exists().send().await.unwrap(),
            Self::PutOnCondition => {
                let put = table.put(&new).if_exists().condition(|p| p.visits.eq(3));
                put.condition(|p| p.ward.eq("west")).send().await.unwrap();
            }
            Self::PutReturningOld => {
                assert_eq!(table.put(&new).returning_old().send().await.unwrap(), old);
            }
            Self::PutBySdk => {
                table.put(&new).into_sdk().await.unwrap().send().await.unwrap();
            }
            Self::BatchPut => assert_eq!(table.batch_put([&new]).send().await.unwrap(), 1),
            Self::TransactPut => {
                transact_write(table.client()).put(table.put(&new)).send().await.unwrap();
            }
            Self::Update => table.update("p").add(|p| p.visits, 1).send().await.unwrap(),
            Self::UpdateOnCondition => {
                let update = table.update("p").add(|p| p.visits, 1);
                update.condition(|p| p.ward.eq("west")).send().await.unwrap();
            }
            Self::UpdateReturningNew => {
                let update = table.update("p").add(|p| p.visits, 1);
                let new = update.returning_new().send().await.unwrap();
                assert_eq!(Some(new), self.after());
            }
            Self::TransactUpdate => {
                let update = table.update("p").add(|p| p.visits, 1);
                transact_write(table.client()).update(update).send().await.unwrap();
            }
            Self::Modify => {
                let modified = table.update("p").modify(change).send().await.unwrap();
                assert_eq!(modified, self.after());
            }
            Self::ModifyAndUpdate => {
                let update = table.update("p").add(|p| p.visits, 1);
                assert_eq!(update.modify(change).send().await.unwrap(), self.after());
            }
            Self::ModifyOnCondition => {
                let update = table.update("p").condition(|p| p.visits.eq(3));
                assert_eq!(update.modify(change).send().await.unwrap(), self.after());
            }
            Self::ModifyNothing => {
                let modified = table.update("p").modify(|_| {}).send().await.unwrap();
                assert_eq!(modified, self.after());
            }
            Self::Delete => table.delete("p").send().await.unwrap(),
            Self::DeleteOnCondition => {
                let delete = table.delete("p").if_exists().condition(|p| p.ward.eq("west"));
                delete.send().await.unwrap();
            }
            Self::DeleteReturningOld => {
                assert_eq!(table.delete("p").returning_old().send().await.unwrap(), old);
            }
            Self::BatchDelete => {
                assert_eq!(table.batch_delete(["p"]).send().await.unwrap(), 1);
            }
            Self::TransactDelete => {
                transact_write(table.client()).delete(table.delete("p")).send().await.unwrap();
            }
        }
    }

    /// The same as the build before this library does it: whole items, and updates in place.
    async fn by_sdk(self, client: &Client, name: &str) {
        let item = |record: &Patient| Some(old_item(record));
        let key = Item::from([("patient_id".to_owned(), text("p"))]);
        let transact = |write| client.transact_write_items().transact_items(write).send();
        let write = TransactWriteItem::builder();
        match self {
            Self::TransactPut => {
                let put = Put::builder().table_name(name).set_item(item(&new())).build().unwrap();
                transact(write.put(put).build()).await.unwrap();
            }
            Self::BatchPut | Self::BatchDelete => {
                let put = PutRequest::builder().set_item(item(&new())).build().unwrap();
                let delete = DeleteRequest::builder().set_key(Some(key)).build().unwrap();
                let write = match self {
                    Self::BatchPut => WriteRequest::builder().put_request(put),
                    _ => WriteRequest::builder().delete_request(delete),
                };
                let batch = client.batch_write_item().request_items(name, vec![write.build()]);
                batch.send().await.unwrap();
            }
            Self::Update | Self::UpdateOnCondition | Self::UpdateReturningNew => {
                let update = client.update_item().table_name(name).set_key(Some(key));
                let update = update.update_expression("ADD visits :n");
                let update = update.condition_expression("attribute_exists(patient_id)");
                update.expression_attribute_values(":n", number(1)).send().await.unwrap();
            }
            Self::TransactUpdate => {
                let update = Update::builder().table_name(name).set_key(Some(key));
                let update = update.update_expression("ADD visits :n");
                let update = update.expression_attribute_values(":n", number(1)).build().unwrap();
                transact(write.update(update).build()).await.unwrap();
            }
            Self::TransactDelete => {
                let delete = Delete::builder().table_name(name).set_key(Some(key));
                transact(write.delete(delete.build().unwrap()).build()).await.unwrap();
            }
            _ if self.deletes() => {
                let delete = client.delete_item().table_name(name).set_key(Some(key));
                delete.send().await.unwrap();
            }
            _ => {
                let put = client.put_item().table_name(name).set_item(item(&self.after().unwrap()));
                put.send().await.unwrap();
            }
        }
    }
}

impl Build {
    async fn write(self, bench: &Bench, write: Write, before: Before) {
        match self {
            In(state) => write.by_library(&bench.in_state(state), before).await,
            Old => {
                let client = bench.table.servers.dynamodb();
                write.by_sdk(client, bench.table.table.name()).await;
            }
        }
    }

    pub(super) async fn read(self, bench: &Bench, id: &str) -> Option<Patient> {
        match self {
            In(state) => bench.in_state(state).get(id).consistent_read().send().await.unwrap(),
            Old => {
                let stored = bench.stored(id).await;
                stored.map(|item| serde_dynamo::from_item(item).unwrap())
            }
        }
    }

    /// Whether the build seals what it writes where `before` stands.
    fn seals(self, before: Before) -> bool {
        match self {
            Old => false,
            In(state) => state != ReadAndWrite || before == Sealed,
        }
    }
}

async fn prepare(bench: &Bench, before: Before) {
    match before {
        Nothing => bench.delete("p").await,
        Plain => bench.old_put(&patient("p")).await,
        Sealed => bench.in_state(Refuse).put(&patient("p")).send().await.unwrap(),
    }
}

#[tokio::test]
async fn each_build_reads_what_the_other_one_writes() {
    let bench = Bench::new().await;
    for (pair, may_stand) in PAIRS {
        let [one, other] = pair;
        let writers = if one == other { vec![one] } else { vec![one, other] };
        for (writer, before) in
            writers.iter().flat_map(|writer| may_stand.iter().map(move |before| (*writer, *before)))
        {
            for write in WRITES.into_iter().filter(|write| write.fits(before)) {
                let case = format!("{pair:?}: {writer:?}, {write:?} on {before:?}");
                prepare(&bench, before).await;
                writer.write(&bench, write, before).await;
                for reader in pair {
                    assert_eq!(reader.read(&bench, "p").await, write.after(), "{case}");
                }
                let is_sealed = bench.is_sealed_if_any("p").await;
                let seals = before == Sealed || write.seals() && writer.seals(before);
                assert_eq!(is_sealed, (!write.deletes()).then_some(seals), "{case}");
                if is_sealed == Some(false) {
                    let stored = bench.stored("p").await.unwrap();
                    assert_eq!(stored, old_item(&write.after().unwrap()), "{case}");
                }
            }
        }
    }
}

/// A record whose writes are counted.
#[derive(Clone, Debug, PartialEq, Envelope, Serialize, Deserialize)]
#[envelope(table = "charts")]
struct Chart {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    text: String,
    #[authenticated]
    #[version]
    #[serde(default)]
    version: u64,
}

/// What the build before this library does with versions: it counts them in a condition.
async fn old_put_of_version(bench: &Bench, chart: &Chart) -> bool {
    let client = bench.table.servers.dynamodb();
    let next = Chart { version: chart.version + 1, ..chart.clone() };
    let put = client.put_item().table_name(bench.table.table.name());
    let put = put.set_item(Some(old_item(&next)));
    let put = match chart.version {
        0 => put.condition_expression("attribute_not_exists(version)"),
        version => put
            .condition_expression("version = :v")
            .expression_attribute_values(":v", number(version)),
    };
    match put.send().await {
        Ok(_) => true,
        Err(error) => {
            assert!(error.as_service_error().unwrap().is_conditional_check_failed_exception());
            false
        }
    }
}

async fn put_of_version(build: Build, bench: &Bench, chart: &Chart) -> bool {
    let In(state) = build else { return old_put_of_version(bench, chart).await };
    let mut stored = chart.clone();
    match bench.handle::<Chart>(state).put_mut(&mut stored).send().await {
        Ok(()) => {
            assert_eq!(stored.version, chart.version + 1);
            true
        }
        Err(error) => {
            assert!(error.is_condition_failure() && !error.is_in_doubt(), "{error}");
            assert_eq!(stored, *chart);
            false
        }
    }
}

#[tokio::test]
async fn versions_count_across_builds() {
    for (pair, may_stand) in PAIRS {
        for before in may_stand {
            let bench = Bench::new().await;
            let mut chart = Chart { patient_id: "p".to_owned(), text: "-".to_owned(), version: 0 };
            match before {
                Nothing => {}
                // An item from before there were versions.
                Plain => bench.plant(with(&old_item(&chart), "version", None)).await,
                Sealed => {
                    bench.handle::<Chart>(Refuse).put_mut(&mut chart).send().await.unwrap();
                }
            }
            for turn in 0..6 {
                let case = format!("{pair:?} on {before:?}, turn {turn}: {chart:?}");
                let (writer, other) = (pair[turn % 2], pair[(turn + 1) % 2]);
                let read = chart.clone();
                chart.text.push('x');
                // A `modify` counts as a put does.
                match (turn, writer) {
                    (2 | 3, In(state)) => {
                        let table: Table<Chart> = bench.handle(state);
                        let update = table.update("p").modify(|chart| chart.text.push('x'));
                        update.send().await.unwrap().unwrap();
                    }
                    _ => assert!(put_of_version(writer, &bench, &chart).await, "{case}"),
                }
                chart.version += 1;
                let stale = Chart { text: "stale".to_owned(), ..read };
                for build in [writer, other] {
                    assert!(!put_of_version(build, &bench, &stale).await, "{case}: {build:?}");
                }
                let stored = bench.stored("p").await.unwrap();
                for build in pair {
                    let read: Chart = match build {
                        Old => serde_dynamo::from_item(stored.clone()).unwrap(),
                        In(state) => bench.handle(state).get("p").send().await.unwrap().unwrap(),
                    };
                    assert_eq!(read, chart, "{case}: {build:?}");
                }
            }
        }
    }
}
