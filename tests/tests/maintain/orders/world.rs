//! The table, its records and its keys, and how an actor performs an operation there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use envelope_dynamo::item::{PlaintextItems, from_item_or_plaintext, is_plaintext};
use envelope_dynamo::keys::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, DataKey, EncryptedDek,
    KeyFuture, KmsKeyHint, SharedKeyProvider, SharingLimits,
};
use envelope_dynamo::maintain::{Converted, Limits, SchemaFile, StoredTable, Target};
use envelope_dynamo::{
    Access, Envelope, ErrorKind, HierarchicalKeyProvider, KeyProvider, KmsKeyProvider, Table,
    to_item,
};
use envelope_examples::Servers;
use envelope_examples::servers::{create_kms_key, unique_name};
use envelope_tests::{Item, bytes_of, local_keys, number, text};

use crate::orders::keys::{RememberedKeys, RememberedKms};
use crate::orders::model::{Key, Op, Outcome, Record};

/// Which run of maintenance is tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Run {
    Rewrap,
    Reseal,
    /// Writers of the old key store plain items, and those of the new one seal.
    Backfill,
    /// Writers of the old key are another program, which stores items of its own form over
    /// whatever stands there, and those of the new one seal.
    Convert,
}

/// A kind of record that is tried.
pub(super) trait Shape: Envelope + Clone + Send + Sync + 'static {
    const HAS_GROUP: bool;
    /// The encrypted fields: another program has them under other names.
    const ENCRYPTED: &'static [&'static str];
    fn named(part: &str, name: &str) -> Self;
    fn name(&self) -> String;
    fn part(&self) -> &str;
    /// The attributes that depend on the shape, as serde writes them.
    fn plain(&self) -> Vec<(&'static str, AttributeValue)>;
    fn append(&mut self, letter: char);
    fn count(&self) -> u64;
    fn set_count(table: &Table<Self>, count: u64) -> impl Future<Output = bool>;
    fn modify(table: &Table<Self>, letter: char) -> impl Future<Output = bool>;
    fn delete(table: &Table<Self>) -> impl Future<Output = ()>;
}

/// A record with a group and with everything that it can be bound to.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "orders", context(purpose = "care"))]
pub(super) struct Grouped {
    #[partition_key]
    id: String,
    #[sort_key]
    part: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
    #[authenticated]
    #[encryption_context]
    ward: String,
    #[authenticated]
    tags: Vec<String>,
    #[plaintext]
    count: u64,
}

/// A record whose sealed and bound fields may all be absent, under a data key that records share.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "orders", kms_context = "table")]
pub(super) struct Optional {
    #[partition_key]
    id: String,
    #[sort_key]
    part: String,
    #[encrypted]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[authenticated]
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[plaintext]
    count: u64,
}

macro_rules! writes {
    () => {
        fn count(&self) -> u64 {
            self.count
        }

        fn part(&self) -> &str {
            &self.part
        }

        async fn set_count(table: &Table<Self>, count: u64) -> bool {
            match table.update(("r", "first")).set(|it| it.count, count).send().await {
                Ok(_) => true,
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::Write(_)), "{error}");
                    false
                }
            }
        }

        async fn modify(table: &Table<Self>, letter: char) -> bool {
            let modified = table.update(("r", "first")).modify(|it| it.append(letter));
            modified.send().await.unwrap().is_some()
        }

        async fn delete(table: &Table<Self>) {
            table.delete(("r", "first")).send().await.unwrap();
        }
    };
}

impl Shape for Grouped {
    const HAS_GROUP: bool = true;
    const ENCRYPTED: &'static [&'static str] = &["name", "diagnosis"];

    fn named(part: &str, name: &str) -> Self {
        let diagnosis = Access::Granted("gout".into());
        let (id, ward, tags) = ("r".into(), "w1".into(), vec!["a".into()]);
        Self { id, part: part.into(), name: name.into(), diagnosis, ward, tags, count: 0 }
    }

    fn name(&self) -> String {
        assert_eq!(self.diagnosis, Access::Granted("gout".into()));
        assert_eq!((&*self.ward, &*self.tags), ("w1", &["a".to_owned()][..]));
        self.name.clone()
    }

    fn plain(&self) -> Vec<(&'static str, AttributeValue)> {
        let tags = self.tags.iter().map(text).collect();
        let diagnosis = self.diagnosis.as_ref().granted().unwrap();
        vec![
            ("name", text(&self.name)),
            ("diagnosis", text(diagnosis)),
            ("ward", text(&self.ward)),
            ("tags", AttributeValue::L(tags)),
        ]
    }

    fn append(&mut self, letter: char) {
        self.name.push(letter);
    }

    writes!();
}

impl Shape for Optional {
    const HAS_GROUP: bool = false;
    const ENCRYPTED: &'static [&'static str] = &["name"];

    fn named(part: &str, name: &str) -> Self {
        let name = (!name.is_empty()).then(|| name.to_owned());
        Self { id: "r".into(), part: part.into(), name, plan: None, count: 0 }
    }

    fn name(&self) -> String {
        self.name.clone().unwrap_or_default()
    }

    fn plain(&self) -> Vec<(&'static str, AttributeValue)> {
        self.name.iter().map(|name| ("name", text(name))).collect()
    }

    fn append(&mut self, letter: char) {
        self.name.get_or_insert_default().push(letter);
    }

    writes!();
}

/// Branch keys in memory, one version of which is active.
#[derive(Debug)]
struct Versions {
    active: u8,
}

impl BranchKeyStore for Versions {
    fn active<'a>(&'a self, _: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        Box::pin(async { Ok(BranchVersion::from_bytes([self.active; 16])) })
    }

    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        Box::pin(async move {
            let [byte, ..] = *version.as_bytes();
            let key = DataKey::from_slice(&[byte; 32])?;
            Ok(BranchKey::new(branch.clone(), version, key))
        })
    }
}

const fn version(key: Key) -> u8 {
    match key {
        Key::Old => 1,
        Key::New => 2,
    }
}

/// A table with one record, `first`, that actors work on, and one that only runs change.
pub(super) struct World {
    pub(super) servers: Servers,
    run: Run,
    schema: SchemaFile,
    kms: aws_sdk_kms::Client,
    remembered_kms: RememberedKms,
    kms_keys: [String; 2],
    table: String,
    remembered_keys: [Arc<RememberedKeys>; 2],
    /// Writers of the old key and of the new one. If records can share a data key, all that one of
    /// them writes do.
    writers: [Arc<dyn KeyProvider>; 2],
    /// What brings the table to its start, as the requests of one batch.
    seeds: Vec<WriteRequest>,
    /// The segments that hold the items.
    pub(super) segments: BTreeSet<u64>,
}

impl World {
    /// `start` is the name of the record at the start; `None` if there is no such record.
    pub(super) async fn new<T: Shape>(run: Run, start: Option<&str>) -> Self {
        let servers = Servers::embedded().await.unwrap();
        let kms_keys = [
            create_kms_key(servers.kms()).await.unwrap(),
            create_kms_key(servers.kms()).await.unwrap(),
        ];
        let (remembered_kms, kms) = RememberedKms::new(servers.kms());
        let remembered_keys = [Key::Old, Key::New]
            .map(|key| Arc::new(RememberedKeys::new(provider(&servers, &kms_keys, run, key))));
        let writers = remembered_keys.clone().map(|keys| -> Arc<dyn KeyProvider> {
            match T::HAS_GROUP {
                true => keys,
                false => Arc::new(SharedKeyProvider::new(
                    keys,
                    SharingLimits::new(Duration::from_secs(3600), 1_000_000),
                )),
            }
        });
        let mut world = Self {
            servers,
            run,
            schema: SchemaFile::new().with::<T>(),
            kms,
            remembered_kms,
            kms_keys,
            table: unique_name("orders"),
            remembered_keys,
            writers,
            seeds: Vec::new(),
            segments: BTreeSet::new(),
        };
        let records = world.records::<T>(world.servers.dynamodb().clone(), Key::Old);
        records.create_table().send().await.unwrap();
        if start.is_none() {
            let key = [("id".to_owned(), text("r")), ("part".to_owned(), text("first"))];
            let delete = DeleteRequest::builder().set_key(Some(key.into())).build().unwrap();
            world.seeds.push(WriteRequest::builder().delete_request(delete).build());
        }
        // Not one of the data keys that a writer gets in an order, unless all records share one.
        let keys = match T::HAS_GROUP {
            true => provider(&world.servers, &world.kms_keys, run, Key::Old),
            false => Arc::clone(&world.writers[0]),
        };
        let parts = start.map(|name| ("first", name)).into_iter().chain([("second", "neighbour")]);
        for (part, name) in parts {
            let item = match run {
                Run::Backfill => world.plain_item(&T::named(part, name)).await,
                Run::Convert => theirs(&T::named(part, name)),
                Run::Rewrap | Run::Reseal => to_item(&T::named(part, name), &keys).await.unwrap(),
            };
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
            world.seeds.push(WriteRequest::builder().put_request(put).build());
        }
        world.reset().await;
        for segment in 0..4 {
            let scan = world.servers.dynamodb().scan().table_name(&world.table);
            let page = scan.segment(segment).total_segments(4).send().await.unwrap();
            if page.count > 0 {
                world.segments.insert(segment.try_into().unwrap());
            }
        }
        assert_eq!(world.segments.len(), 1, "one scan of a run is a step");
        world
    }

    fn records<T: Shape>(&self, client: Client, key: Key) -> Table<T> {
        let [old, new] = &self.writers;
        let writer = if key == Key::Old { old } else { new };
        let table = Table::new(client, Arc::clone(writer)).named(&self.table);
        match (self.run, key) {
            (Run::Rewrap | Run::Reseal | Run::Convert, _) => table,
            (Run::Backfill, Key::Old) => table.plaintext_items(PlaintextItems::ReadAndWrite),
            (Run::Backfill, Key::New) => table.plaintext_items(PlaintextItems::Read),
        }
    }

    /// The record as a plain item.
    async fn plain_item<T: Shape>(&self, record: &T) -> Item {
        let (table, dynamodb) = (&self.table, self.servers.dynamodb());
        self.records::<T>(dynamodb.clone(), Key::Old).put(record).send().await.unwrap();
        let scan = dynamodb.scan().table_name(table).consistent_read(true).send().await.unwrap();
        let item = scan.items.unwrap().pop().unwrap();
        let key = ["id", "part"].map(|name| (name.to_owned(), item[name].clone()));
        let delete = dynamodb.delete_item().table_name(table).set_key(Some(key.into()));
        delete.send().await.unwrap();
        item
    }

    /// Brings the table to its start.
    pub(super) async fn reset(&self) {
        self.remembered_kms.start_again();
        self.remembered_keys.iter().for_each(|keys| keys.start_again());
        let batch = self.servers.dynamodb().batch_write_item();
        let batch = batch.request_items(&self.table, self.seeds.clone()).send().await.unwrap();
        assert!(batch.unprocessed_items.is_none_or(|items| items.is_empty()));
    }

    pub(super) async fn perform<T: Shape>(&self, op: Op, client: &Client) -> Outcome {
        let records = |key| self.records::<T>(client.clone(), key);
        let is_there = match op {
            Op::Put(name, Key::Old) if self.run == Run::Convert => {
                let item = theirs(&T::named("first", name));
                let put = client.put_item().table_name(&self.table).set_item(Some(item));
                put.send().await.unwrap();
                true
            }
            Op::Put(name, key) => {
                records(key).put(&T::named("first", name)).send().await.unwrap();
                true
            }
            Op::Modify(letter, key) => T::modify(&records(key), letter).await,
            Op::Count(count) => T::set_count(&records(Key::Old), count).await,
            Op::Delete => {
                T::delete(&records(Key::Old)).await;
                true
            }
            Op::Run(key) => return self.maintain::<T>(key, client).await,
        };
        if is_there { Outcome::Done } else { Outcome::Absent }
    }

    async fn maintain<T: Shape>(&self, key: Key, client: &Client) -> Outcome {
        if matches!(self.run, Run::Backfill | Run::Convert) {
            let records = self.records::<T>(client.clone(), Key::New);
            let run = match self.run {
                Run::Convert => records.backfill_from(|item| async { converted::<T>(item).await }),
                _ => records.backfill(),
            };
            let counts = run.limits(Limits::new().in_flight(1)).send().await.unwrap();
            assert_eq!((counts.failed, counts.other_entity), (0, 0));
            return Outcome::Done;
        }
        let table = StoredTable::new(client.clone(), &self.schema, "orders").unwrap();
        let table = table.named(&self.table);
        let [old, new] = self.kms_keys.each_ref().map(String::as_str);
        let (from, to) = match key {
            Key::New => (old, new),
            Key::Old => (new, old),
        };
        let target = Target::branch_version(BranchVersion::from_bytes([version(key); 16]));
        let run = match self.run {
            Run::Rewrap => table.rewrap(self.kms.clone(), from, to),
            Run::Reseal | Run::Backfill | Run::Convert => {
                let keys = || provider(&self.servers, &self.kms_keys, self.run, key);
                table.reseal(keys(), keys(), target)
            }
        };
        let counts = run.limits(Limits::new().in_flight(1)).send().await.unwrap();
        assert_eq!((counts.failed, counts.other_key, counts.not_sealed), (0, 0, 0));
        Outcome::Done
    }

    /// The record `first`, which must open, and whether the other record is as it was, under the
    /// key of the other actors.
    pub(super) async fn stored<T: Shape>(&self) -> (Option<Record>, Record) {
        let scan = self.servers.dynamodb().scan().table_name(&self.table).consistent_read(true);
        let (mut first, mut second) = (None, None);
        for item in scan.send().await.unwrap().items.unwrap() {
            let [own, group] = ["encrypted_dek", "encrypted_dek_medical"]
                .map(|name| item.contains_key(name).then(|| self.key_of(&item, name)));
            let [own, group] = match is_plaintext(&item) {
                true => [Some(Key::Old), T::HAS_GROUP.then_some(Key::Old)],
                false => [own, group],
            };
            let is_first = item["part"] == text("first");
            let state = match self.run {
                Run::Backfill | Run::Convert => PlaintextItems::Read,
                Run::Rewrap | Run::Reseal => PlaintextItems::Refuse,
            };
            let item = if is_plaintext(&item) { ours(item) } else { item };
            let read: T = from_item_or_plaintext(item, &self.writers[0], state).await.unwrap();
            let record =
                Record { name: read.name(), count: read.count(), own: own.unwrap(), group };
            *(if is_first { &mut first } else { &mut second }) = Some(record);
        }
        (first, second.unwrap())
    }

    fn key_of(&self, item: &Item, name: &str) -> Key {
        let dek = EncryptedDek::parse(&bytes_of(item, name)).unwrap();
        let [entry] = dek.keys() else { panic!("{dek:?}") };
        let is_of = |key: Key| match self.run {
            Run::Reseal => entry.id() == [version(key); 16],
            // A plain item has no wrapped key.
            Run::Backfill | Run::Convert => key == Key::New,
            Run::Rewrap => {
                let [old, new] = &self.kms_keys;
                let arn = if key == Key::Old { old } else { new };
                KmsKeyHint::of(arn.rsplit('/').next().unwrap()).fits(entry.id())
            }
        };
        match (is_of(Key::Old), is_of(Key::New)) {
            (true, false) => Key::Old,
            (false, true) => Key::New,
            _ => panic!("another key: {entry:?}"),
        }
    }
}

/// A provider that writes under `key` and reads under both.
fn provider(
    servers: &Servers,
    [old, new]: &[String; 2],
    run: Run,
    key: Key,
) -> Arc<dyn KeyProvider> {
    let kms = |key: &str, other: &str| {
        Arc::new(KmsKeyProvider::new(servers.kms().clone(), key).also_decrypts(other))
    };
    match (run, key) {
        (Run::Rewrap, Key::Old) => kms(old, new),
        (Run::Rewrap | Run::Backfill | Run::Convert, _) => kms(new, old),
        (Run::Reseal, key) => {
            let limits = CacheLimits::new(Duration::from_secs(3600));
            let store = Versions { active: version(key) };
            Arc::new(HierarchicalKeyProvider::per_table(store, limits))
        }
    }
}

/// The item of another program: plain, but under other names.
fn theirs<T: Shape>(record: &T) -> Item {
    let plain = Item::from([
        ("id".to_owned(), text("r")),
        ("part".to_owned(), text(record.part())),
        ("count".to_owned(), number(record.count())),
    ]);
    let named = T::plain(record).into_iter().map(|(name, value)| {
        let is_encrypted = T::ENCRYPTED.contains(&name);
        (if is_encrypted { format!("their_{name}") } else { name.to_owned() }, value)
    });
    plain.into_iter().chain(named).collect()
}

/// The item under our names.
fn ours(item: Item) -> Item {
    let named = |name: String| name.strip_prefix("their_").map(str::to_owned).unwrap_or(name);
    item.into_iter().map(|(name, value)| (named(name), value)).collect()
}

async fn converted<T: Shape>(item: Item) -> Result<Option<Converted<T>>, envelope_dynamo::Error> {
    // No key is asked for.
    let keys = local_keys(1);
    let record = from_item_or_plaintext(ours(item), &keys, PlaintextItems::Read).await?;
    let converted = Converted::new(record);
    let removed = T::ENCRYPTED.iter().map(|name| format!("their_{name}"));
    Ok(Some(removed.fold(converted, Converted::remove)))
}
