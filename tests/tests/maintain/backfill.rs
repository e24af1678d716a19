//! A table that was stored in plaintext is sealed: what a backfill changes, what it leaves alone,
//! and what it does beside other writers.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::item::{PlaintextItems, is_plaintext};
use envelope_dynamo::maintain::Part;
use envelope_dynamo::{Envelope, Table};
use envelope_examples::servers::unique_name;
use envelope_examples::{Fault, Faults, Servers};
use envelope_tests::{Item, called, local_keys, number, plant, servers, stored, text, with};

use crate::bench::observed;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes")]
#[partition_key(name = "pk", format = "NOTE#{id}")]
struct Note {
    #[key]
    id: String,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[encrypted]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, Tag>,
    #[authenticated]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[authenticated]
    #[version]
    #[serde(default)]
    version: u64,
    #[plaintext]
    #[serde(default)]
    seen: u64,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Tag {
    colour: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes")]
#[partition_key(name = "pk", format = "USER#{id}")]
struct User {
    #[key]
    id: String,
    #[encrypted]
    email: String,
}

#[derive(Debug, PartialEq, Envelope)]
enum Notes {
    Note(Note),
    User(User),
}

fn note(id: impl ToString) -> Note {
    Note {
        id: id.to_string(),
        text: Some("dear diary".to_owned()),
        tags: BTreeMap::from([("mood".to_owned(), Tag { colour: "blue".to_owned() })]),
        author: Some("zoe".to_owned()),
        version: 5,
        seen: 2,
    }
}

struct Bench {
    servers: Servers,
    faults: Faults,
    name: String,
}

impl Bench {
    async fn new() -> Self {
        let bench =
            Self { servers: servers().await, faults: Faults::new(), name: unique_name("notes") };
        bench.past().create_table().send().await.unwrap();
        bench
    }

    /// The table through the faults, for the backfill.
    fn table(&self) -> Table<Notes> {
        let client = self.servers.dynamodb_through(&self.faults);
        Table::new(client, local_keys(3)).named(&self.name)
    }

    /// The table past the faults, for other writers.
    fn past(&self) -> Table<Notes> {
        Table::new(self.servers.dynamodb().clone(), local_keys(3)).named(&self.name)
    }

    fn in_state(&self, state: PlaintextItems) -> Table<Note> {
        self.past().plaintext_items(state).of::<Note>()
    }

    async fn plain(&self, note: &Note) {
        self.in_state(PlaintextItems::ReadAndWrite).put(note).send().await.unwrap();
    }

    async fn plant(&self, item: Item) {
        plant(&self.servers, &self.name, item).await;
    }

    async fn stored(&self, id: &str) -> Option<Item> {
        let key = Item::from([("pk".to_owned(), text(format!("NOTE#{id}")))]);
        stored(&self.servers, &self.name, key).await
    }

    async fn read(&self, id: &str) -> Option<Note> {
        self.in_state(PlaintextItems::Refuse).get(id).consistent_read().send().await.unwrap()
    }

    async fn delete(&self, id: &str) {
        self.in_state(PlaintextItems::Refuse).delete(id).send().await.unwrap();
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
        let notes = self.table().of::<Note>();
        let (counts, ()) = tokio::join!(notes.backfill().send(), meanwhile);
        assert_eq!(counts.unwrap().failed, 0);
    }
}

/// A note as it is put: without the version that the put counts.
fn before_put(note: &Note) -> Note {
    Note { version: note.version - 1, ..note.clone() }
}

#[tokio::test]
async fn every_plain_item_of_the_type_is_sealed_and_keeps_its_values() {
    let bench = Bench::new().await;
    for id in 0..30 {
        // As an old build wrote it, in its own way: the version is absent, and so is the text.
        let item = Item::from([
            ("pk".to_owned(), text(format!("NOTE#{id}"))),
            ("author".to_owned(), text("zoe")),
            ("tags".to_owned(), AttributeValue::M([].into())),
            ("legacy".to_owned(), text("of no field")),
        ]);
        bench.plant(item).await;
    }
    bench.in_state(PlaintextItems::Refuse).put(&note("sealed")).send().await.unwrap_err();
    let first = Note { version: 0, ..note("sealed") };
    bench.in_state(PlaintextItems::Refuse).put(&first).send().await.unwrap();
    let user = Item::from([("pk".to_owned(), text("USER#u")), ("email".to_owned(), text("e"))]);
    bench.plant(user.clone()).await;

    let notes = bench.table().of::<Note>();
    let mut total = envelope_dynamo::maintain::Counts::default();
    for part in 0..4 {
        total += notes.backfill().part(Part::of(part, 4).unwrap()).send().await.unwrap();
    }
    let counted = (total.changed, total.already, total.other_entity, total.failed);
    assert_eq!((counted, total.seen()), ((30, 1, 1, 0), 32));
    assert_eq!(bench.faults.calls("UpdateItem"), 30, "one write for each item");
    let expected = Note { text: None, tags: BTreeMap::new(), version: 0, seen: 0, ..note("") };
    for id in 0..30 {
        let id = id.to_string();
        assert_eq!(bench.read(&id).await, Some(Note { id: id.clone(), ..expected.clone() }));
        let stored = bench.stored(&id).await.unwrap();
        assert!(!stored.contains_key("tags") && !stored.contains_key("version"), "{stored:?}");
        assert_eq!(stored["legacy"], text("of no field"));
    }
    let key = Item::from([("pk".to_owned(), text("USER#u"))]);
    assert_eq!(stored(&bench.servers, &bench.name, key).await, Some(user));

    let again = notes.backfill().send().await.unwrap();
    assert_eq!((again.changed, again.already, again.other_entity), (0, 31, 1));
    assert_eq!(bench.faults.calls("UpdateItem"), 30, "a second run writes nothing");
}

/// What another writer does to a record.
type Change = fn(&mut Note);

/// What another writer does between the read and the write of a backfill is kept.
#[tokio::test]
async fn no_write_of_others_is_lost() {
    let changes: [(&str, Change); 5] = [
        ("an encrypted value", |n| n.text = Some("theirs".to_owned())),
        ("an encrypted value that is gone", |n| n.text = None),
        ("an entry of a map", |n| {
            n.tags.insert("new".to_owned(), Tag { colour: "red".to_owned() });
        }),
        ("a bound value", |n| n.author = Some("theirs".to_owned())),
        ("a bound value that is gone", |n| n.author = None),
    ];
    for (what, change) in changes {
        let bench = Bench::new().await;
        bench.plain(&before_put(&Note { version: 1, ..note("n") })).await;
        let mut theirs = Note { version: 1, ..note("n") };
        change(&mut theirs);
        bench.backfill_beside(bench.plain(&theirs)).await;
        assert_eq!(bench.read("n").await, Some(Note { version: 2, ..theirs }), "{what}");
        let stored = bench.stored("n").await.unwrap();
        assert!(!stored.contains_key("text") && !stored.contains_key("tags"), "{what}");
    }
}

#[tokio::test]
async fn values_that_appear_meanwhile_are_not_left_in_plaintext() {
    let bench = Bench::new().await;
    let empty = Item::from([("pk".to_owned(), text("NOTE#n"))]);
    bench.plant(empty.clone()).await;
    bench.backfill_beside(bench.plant(with(&empty, "text", text("theirs")))).await;
    assert_eq!(bench.read("n").await.unwrap().text.as_deref(), Some("theirs"));
    assert!(!bench.stored("n").await.unwrap().contains_key("text"));
}

/// An item whose fields are all absent has nothing that contradicts a deletion.
#[tokio::test]
async fn a_deleted_item_does_not_come_back() {
    let bench = Bench::new().await;
    bench.plant(Item::from([("pk".to_owned(), text("NOTE#n"))])).await;
    bench.backfill_beside(bench.delete("n")).await;
    assert_eq!(bench.stored("n").await, None);
    bench.plain(&Note { version: 0, ..note("n") }).await;
    bench.backfill_beside(bench.delete("n")).await;
    assert_eq!(bench.stored("n").await, None);
}

#[tokio::test]
async fn a_record_that_was_sealed_meanwhile_is_not_sealed_again() {
    let bench = Bench::new().await;
    bench.plain(&Note { version: 0, ..note("n") }).await;
    let theirs = Note { version: 1, text: Some("theirs".to_owned()), ..note("n") };
    bench
        .backfill_beside(async {
            bench.in_state(PlaintextItems::Read).put(&theirs).send().await.unwrap();
        })
        .await;
    assert_eq!(bench.read("n").await, Some(Note { version: 2, ..theirs }));
    assert_eq!(bench.faults.calls("UpdateItem"), 1);
}

/// A plaintext attribute is not part of the condition, so an update in place does not stop the
/// backfill, and is kept.
#[tokio::test]
async fn an_update_in_place_and_a_backfill_do_not_hinder_each_other() {
    let bench = Bench::new().await;
    bench.plain(&Note { version: 0, ..note("n") }).await;
    bench
        .backfill_beside(async {
            let past = bench.in_state(PlaintextItems::Read);
            past.update("n").add(|n| n.seen, 1).send().await.unwrap();
        })
        .await;
    assert_eq!(bench.read("n").await, Some(Note { version: 1, seen: 3, ..note("n") }));
    assert_eq!(bench.faults.calls("UpdateItem"), 1);
}

#[tokio::test]
async fn a_lost_answer_is_no_second_write() {
    let bench = Bench::new().await;
    bench.plain(&Note { version: 0, ..note("n") }).await;
    bench.faults.fail_next("UpdateItem", Fault::LoseReply);
    let counts = bench.table().of::<Note>().backfill().send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
    assert_eq!(bench.read("n").await, Some(Note { version: 1, ..note("n") }));
}

#[tokio::test]
async fn a_transform_changes_the_record_and_counts_its_version() {
    let bench = Bench::new().await;
    bench.plain(&Note { version: 0, ..note("a") }).await;
    bench.plain(&Note { version: 0, text: Some("LOUD".to_owned()), ..note("b") }).await;
    let lower = |note: &mut Note| {
        note.text = note.text.as_ref().map(|text| text.to_lowercase());
    };
    let notes = bench.table().of::<Note>();
    let counts = notes.backfill_with(lower).send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (2, 0));
    assert_eq!(bench.read("a").await, Some(Note { version: 1, ..note("a") }), "unchanged");
    let loud = Note { version: 2, text: Some("loud".to_owned()), ..note("b") };
    assert_eq!(bench.read("b").await, Some(loud));
}

#[tokio::test]
async fn items_that_cannot_be_sealed_are_named_and_stay() {
    let bench = Bench::new().await;
    let item = |id: &str, name: &str, value: AttributeValue| {
        Item::from([("pk".to_owned(), text(format!("NOTE#{id}"))), (name.to_owned(), value)])
    };
    let tag = AttributeValue::M(
        [("colour", text("blue")), ("weight", number(3))]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
    );
    let bad = [
        ("unreadable", item("unreadable", "text", number(3))),
        ("unread", item("unread", "tags", AttributeValue::M([("mood".to_owned(), tag)].into()))),
        // Plain, it has just room; sealed, it has not.
        ("large", item("large", "text", text("x".repeat(400 * 1024 - 50)))),
    ];
    for (_, item) in &bad {
        bench.plant(item.clone()).await;
    }
    bench.plain(&Note { version: 0, ..note("good") }).await;
    let notes = bench.table().of::<Note>();
    let (counts, failed) = observed(notes.backfill()).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 3), "{failed:?}");
    for (id, item) in &bad {
        assert_eq!(bench.stored(id).await.as_ref(), Some(item), "{id}");
        assert!(failed.iter().any(|failed| failed.contains(&format!("NOTE#{id}"))), "{failed:?}");
    }
    assert!(failed.iter().all(|failed| !failed.contains("blue") && !failed.contains("xxx")));
    assert!(!is_plaintext(&bench.stored("good").await.unwrap()));
}
