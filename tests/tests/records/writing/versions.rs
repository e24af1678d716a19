//! Versions: a writer that has not read the newest version is refused.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{DataError, UsageError, WriteError};
use envelope_dynamo::{Envelope, ErrorKind, transact_write};
use envelope_examples::Fault as Injected;

use super::Bench;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "documents")]
struct Doc {
    #[partition_key]
    #[serde(rename = "userId")]
    id: String,
    #[encrypted]
    text: String,
    #[plaintext]
    reads: u64,
    #[authenticated]
    #[version]
    #[serde(rename = "v")]
    version: u64,
}

fn doc(text: &str, version: u64) -> Doc {
    Doc { id: "d".into(), text: text.into(), reads: 0, version }
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes")]
struct Note {
    #[partition_key]
    #[serde(rename = "userId")]
    id: String,
    #[encrypted]
    text: String,
    #[plaintext]
    reads: u64,
    #[plaintext]
    #[version]
    revision: Option<u8>,
}

fn note(revision: Option<u8>) -> Note {
    Note { id: "n".into(), text: "t".into(), reads: 0, revision }
}

#[tokio::test]
async fn a_put_increments_the_version_and_requires_the_known_one() {
    let bench = Bench::new().await;
    let docs = bench.table::<Doc>();
    let mut mine = doc("mine", 0);
    docs.put_mut(&mut mine).send().await.unwrap();
    assert_eq!((mine.version, bench.number("d", "v").await), (1, 1));
    let theirs = docs.get("d").consistent_read().send().await.unwrap().unwrap();
    docs.put(&Doc { text: "theirs".into(), ..theirs }).send().await.unwrap();

    mine.text = "mine again".into();
    for stale in [mine.clone(), doc("new", 0), doc("from the future", 7)] {
        let error = docs.put(&stale).send().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{error}");
        assert_eq!(docs.open_returned(&error).await.unwrap(), Some(doc("theirs", 2)));
    }
    let error = docs.put_mut(&mut mine).send().await.unwrap_err();
    assert_eq!(
        (mine.version, error.is_in_doubt()),
        (1, false),
        "what was not stored is not counted"
    );
    let old = docs.put_mut(&mut doc("next", 2)).returning_old().send().await.unwrap();
    assert_eq!(old, Some(doc("theirs", 2)));
}

#[tokio::test]
async fn only_one_of_many_writers_gets_the_next_version() {
    let bench = Bench::new().await;
    let docs = bench.table::<Doc>();
    docs.put(&doc("first", 0)).send().await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..20 {
        let docs = docs.clone();
        writers.spawn(async move { docs.put(&doc(&format!("writer {writer}"), 1)).send().await });
    }
    let outcomes = writers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let stored = docs.get("d").consistent_read().send().await.unwrap().unwrap();
    assert!(stored.version == 2 && stored.text.starts_with("writer"), "{stored:?}");
}

#[tokio::test]
async fn a_versioned_put_whose_answer_is_lost_has_succeeded() {
    let bench = Bench::new().await;
    let docs = bench.table::<Doc>();
    let mut mine = doc("mine", 0);
    for version in [1, 2] {
        bench.faults.fail_next("PutItem", Injected::LoseReply);
        docs.put_mut(&mut mine).send().await.unwrap();
        assert_eq!((mine.version, bench.number("d", "v").await), (version, version));
    }
}

#[tokio::test]
async fn a_record_without_a_version_gets_its_first_one() {
    let bench = Bench::new().await;
    let notes = bench.table::<Note>();
    notes.put(&note(None)).send().await.unwrap();
    let mut stored = bench.stored("n").await.unwrap();
    stored.remove("revision");
    bench.plant(stored.clone()).await;
    let mut read = notes.get("n").send().await.unwrap().unwrap();
    assert_eq!(read.revision, None);
    notes.put_mut(&mut read).send().await.unwrap();
    assert_eq!(read.revision, Some(1));
    notes.put(&note(None)).send().await.unwrap_err();

    bench.plant(stored).await;
    let changed =
        notes.update("n").modify(|note| note.text.push('!')).send().await.unwrap().unwrap();
    assert_eq!((changed.revision, bench.number("n", "revision").await), (Some(1), 1));
}

#[tokio::test]
async fn modify_counts_the_version_only_if_something_changed() {
    let bench = Bench::new().await;
    let docs = bench.table::<Doc>();
    docs.put(&doc("first", 0)).send().await.unwrap();
    let changed = docs.update("d").modify(|doc| {
        doc.text = "second".into();
        doc.version = 700;
    });
    assert_eq!(changed.send().await.unwrap(), Some(doc("second", 2)));
    let same = docs.update("d").modify(|doc| doc.version += 1).send().await.unwrap();
    assert_eq!((same, bench.number("d", "v").await), (Some(doc("second", 2)), 2));
    docs.put(&doc("stale", 1)).send().await.unwrap_err();
    docs.put(&doc("third", 2)).send().await.unwrap();
    assert_eq!(docs.get("d").consistent_read().send().await.unwrap(), Some(doc("third", 3)));
}

#[tokio::test]
async fn an_update_in_place_counts_a_version_that_stands_in_plaintext() {
    let bench = Bench::new().await;
    let (docs, notes) = (bench.table::<Doc>(), bench.table::<Note>());
    docs.put(&doc("first", 0)).send().await.unwrap();
    notes.put(&note(None)).send().await.unwrap();
    notes.update("n").add(|note| note.reads, 1).send().await.unwrap();
    docs.update("d").add(|doc| doc.reads, 1).send().await.unwrap();
    assert_eq!((bench.number("n", "revision").await, bench.number("d", "v").await), (2, 1));
    notes.put(&note(Some(1))).send().await.unwrap_err();
    notes.update("n").condition(|note| note.revision.eq(2)).send().await.unwrap();
    assert_eq!(bench.number("n", "revision").await, 2, "nothing has changed");

    for refused in [
        notes
            .update("n")
            .customize(|update| update.update_expression("REMOVE revision"))
            .send()
            .await
            .unwrap_err(),
        docs.update("d")
            .customize(|update| update.update_expression("REMOVE v"))
            .send()
            .await
            .unwrap_err(),
    ] {
        assert!(
            matches!(refused.kind(), ErrorKind::Usage(UsageError::Customized { .. })),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_version_that_cannot_be_counted_further_is_refused() {
    let bench = Bench::new().await;
    let error = bench.table::<Note>().put(&note(Some(u8::MAX))).send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "notes[userId=n]: `revision` is a version that has reached the maximum of its type"
    );
    assert!(bench.faults.all_requests().is_empty());
}

#[tokio::test]
async fn transactions_check_versions() {
    let bench = Bench::new().await;
    let docs = bench.table::<Doc>();
    let client = bench.servers.dynamodb_through(&bench.faults);
    transact_write(&client).put(docs.put(&doc("first", 0))).send().await.unwrap();
    transact_write(&client).put(docs.put(&doc("stale", 0))).send().await.unwrap_err();
    assert_eq!(docs.get("d").consistent_read().send().await.unwrap(), Some(doc("first", 1)));
}

#[tokio::test]
async fn an_older_version_that_is_put_back_is_refused_by_who_knows_a_newer_one() {
    let bench = Bench::new().await;
    let docs = bench.table::<Doc>();
    docs.put(&doc("first", 0)).send().await.unwrap();
    let first = bench.stored("d").await.unwrap();
    docs.put(&doc("second", 1)).send().await.unwrap();
    let second = bench.stored("d").await.unwrap();

    // The old payload with the new version: refused, since the version is authenticated.
    let mut mixed = first.clone();
    mixed.insert("v".into(), second["v"].clone());
    bench.plant(mixed).await;
    let error = docs.get("d").consistent_read().send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");

    // The whole old record is authentic. Only a version kept elsewhere reveals it.
    bench.plant(first.clone()).await;
    assert_eq!(docs.get("d").consistent_read().send().await.unwrap(), Some(doc("first", 1)));
    let error = docs.get("d").consistent_read().not_before_version(2).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::OlderVersion { not_before: 2 })));
    assert_eq!(
        error.to_string(),
        "documents[userId=d]: the record is older than version 2, which was seen before: somebody restored an \
         earlier version, or the read was not consistent"
    );

    bench.plant(second).await;
    let read = docs.get("d").consistent_read().not_before_version(2).send().await.unwrap();
    assert_eq!(read, Some(doc("second", 2)));
    docs.delete("d").condition(|doc| doc.version.eq(1)).send().await.unwrap_err();
    docs.delete("d").condition(|doc| doc.version.eq(2)).send().await.unwrap();
    assert_eq!(
        docs.get("d").not_before_version(2).send().await.unwrap(),
        None,
        "that it is gone shows nothing"
    );
}

#[tokio::test]
async fn a_plaintext_version_can_be_forged_by_any_writer() {
    let bench = Bench::new().await;
    let notes = bench.table::<Note>();
    notes.put(&note(None)).send().await.unwrap();
    let mut stored = bench.stored("n").await.unwrap();
    stored.insert("revision".into(), AttributeValue::N("200".into()));
    bench.plant(stored).await;
    assert_eq!(notes.get("n").send().await.unwrap(), Some(note(Some(200))));
}
