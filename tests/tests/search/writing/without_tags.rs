//! Writers without search keys: what they store, what they keep, and what they cannot do.

use envelope_dynamo::error::UsageError;
use envelope_dynamo::item::PlaintextItems::{Read, ReadAndWrite};
use envelope_dynamo::item::to_plaintext_item;
use envelope_dynamo::maintain::{SchemaFile, StoredTable};
use envelope_dynamo::{ErrorKind, transact_write};
use envelope_tests::{binary, names_of, with};

use super::*;

impl Bench {
    /// The users for a service without search keys, behind the faults.
    fn ingest<T: Envelope>(&self) -> Table<T> {
        self.without_keys().without_search_tags()
    }

    fn maintained(&self) -> StoredTable {
        let schema = SchemaFile::new().with::<User>();
        let client = self.servers.dynamodb().clone();
        StoredTable::new(client, &schema, "users").unwrap().named(&self.name)
    }

    /// Who is found by Zoe's address.
    async fn found(&self) -> Vec<String> {
        let found = self.users().index(|i| i.by_email).query("zoe@example.com").send().await;
        let mut found: Vec<_> = found.unwrap().into_iter().map(|user| user.user_id).collect();
        found.sort();
        found
    }

    async fn assert_untagged(&self, id: &str) {
        let item = self.stored(id).await;
        assert!(!names_of(&item).iter().any(|name| name.starts_with("blind_")), "{id}: {item:?}");
        assert_eq!(listed_tags(&item), [""; 0], "{id}");
        let read = self.without_keys::<User>().get(id).consistent_read().send().await.unwrap();
        assert_eq!(read, Some(user(id)));
    }
}

#[tokio::test]
async fn what_it_puts_is_found_only_after_a_reindex() {
    let bench = Bench::new().await;
    let ingest = bench.ingest::<User>();
    ingest.put(&user("put")).send().await.unwrap();
    ingest.put_mut(&mut user("mut")).send().await.unwrap();
    ingest.batch_put([user("batch")]).send().await.unwrap();
    let client = bench.servers.dynamodb();
    transact_write(client).put(ingest.put(&user("transaction"))).send().await.unwrap();
    ingest.put(&user("sdk")).into_sdk().await.unwrap().send().await.unwrap();
    let all = ["batch", "mut", "put", "sdk", "transaction"];
    for id in all {
        bench.assert_untagged(id).await;
    }
    assert_eq!(bench.found().await, [""; 0]);

    let (table, keys) = (bench.maintained(), search_keys(1));
    let stale = table.stale(&keys).send().await.unwrap();
    assert_eq!((stale.records, stale.stale), (5, 5));
    assert_eq!(stale.tags["User"]["blind_email"].unlisted, 5);
    let counts = table.reindex(local_keys(7), local_keys(7), &keys).send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (5, 0));
    assert!(table.stale(&keys).send().await.unwrap().is_clean());
    assert_eq!(bench.found().await, all);
}

/// A put is the whole record, so it leaves nothing of the one before.
#[tokio::test]
async fn a_put_over_a_tagged_record_leaves_no_tag() {
    let bench = Bench::new().await;
    bench.users().put(&user("zoe")).send().await.unwrap();
    assert_eq!(bench.found().await, ["zoe"]);
    bench.ingest::<User>().put(&user("zoe")).send().await.unwrap();
    bench.assert_untagged("zoe").await;
    // A `modify` by somebody with search keys repairs it.
    bench.users().update("zoe").modify(|_| ()).send().await.unwrap();
    assert_eq!(bench.found().await, ["zoe"]);
}

#[tokio::test]
async fn a_change_keeps_the_tags_of_what_stays_and_removes_those_of_what_changes() {
    let bench = Bench::new().await;
    bench.users().put(&user("zoe")).send().await.unwrap();
    let before = bench.stored("zoe").await;
    let ingest = bench.ingest::<User>();
    let moved = |user: &mut User| user.address = "Marktgasse 1".into();
    ingest.update("zoe").modify(moved).send().await.unwrap();
    ingest.update("zoe").add(|user| user.logins, 1).send().await.unwrap();
    let after = bench.stored("zoe").await;
    assert_ne!(after["encrypted_payload"], before["encrypted_payload"]);
    assert_eq!(listed_tags(&after), TAGS);
    for tag in TAGS {
        assert_eq!(after[tag], before[tag]);
    }
    assert_eq!(bench.found().await, ["zoe"]);

    let change = |user: &mut User| {
        user.email = "ana@example.com".into();
        user.number = None;
    };
    ingest.update("zoe").modify(change).send().await.unwrap();
    let after = bench.stored("zoe").await;
    assert_eq!(listed_tags(&after), ["blind_phone"], "it shows that two tags are due");
    assert!(!after.contains_key("blind_email") && !after.contains_key("blind_number"));
    assert_eq!(after["blind_phone"], before["blind_phone"]);
    assert_eq!(bench.found().await, [""; 0]);
    let read = ingest.get("zoe").consistent_read().send().await.unwrap().unwrap();
    assert_eq!((read.email.as_str(), read.number), ("ana@example.com", None));

    let (table, keys) = (bench.maintained(), search_keys(1));
    let counts = table.reindex(local_keys(7), local_keys(7), &keys).send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
    let repaired = bench.stored("zoe").await;
    assert_eq!(bytes_of(&repaired, "blind_email"), email_tag(1, "ana@example.com"));
    assert_eq!(listed_tags(&repaired), TAGS);
}

/// An absent value has no tag, and its absence is listed. That follows the same rule.
#[tokio::test]
async fn a_value_that_appears_is_no_longer_listed_as_absent() {
    let bench = Bench::new().await;
    bench.users().put(&User { phone: None, ..user("zoe") }).send().await.unwrap();
    let ingest = bench.ingest::<User>();
    ingest.update("zoe").modify(|user| user.plan = "free".into()).send().await.unwrap();
    assert_eq!(listed_tags(&bench.stored("zoe").await), TAGS);
    ingest.update("zoe").modify(|user| user.phone = Some("079".into())).send().await.unwrap();
    assert_eq!(listed_tags(&bench.stored("zoe").await), ["blind_email", "blind_number"]);
}

#[tokio::test]
async fn a_modify_that_changes_nothing_writes_nothing() {
    let bench = Bench::new().await;
    let ingest = bench.ingest::<User>();
    ingest.put(&user("zoe")).send().await.unwrap();
    bench.faults.forget_calls();
    ingest.update("zoe").modify(|_| ()).send().await.unwrap();
    assert_eq!(bench.faults.calls("UpdateItem"), 0);
}

#[tokio::test]
async fn a_search_fails_before_anything_is_sent() {
    let bench = Bench::new().await;
    let ingest = bench.ingest::<User>();
    let error = ingest.index(|i| i.by_email).query("zoe@example.com").send().await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("`Table::with_search_keys` in place of"), "{error}");
    assert!(error.contains("nothing was sent") && !error.contains("zoe"), "{error}");
    assert_eq!(bench.faults.all_requests().len(), 0);
    let run = ingest.backfill().send().await.unwrap_err();
    assert!(run.to_string().contains("`Table::with_search_keys`"), "{run}");
    assert_eq!(bench.faults.calls("UpdateItem"), 0);

    // What was said last counts, in both directions.
    let keys = || search_keys(1);
    let searching = bench.ingest::<User>().with_search_keys(keys());
    searching.index(|i| i.by_email).query("zoe@example.com").send().await.unwrap();
    let again = searching.without_search_tags();
    let error = again.index(|i| i.by_email).query("zoe@example.com").send().await.unwrap_err();
    let is_usage = matches!(error.kind(), ErrorKind::Usage(UsageError::NoSearchKeys { .. }));
    assert!(is_usage, "{error}");
}

/// A table that is being taken in.
#[tokio::test]
async fn plain_items_are_written_and_sealed_without_tags() {
    let bench = Bench::new().await;
    let plain = to_plaintext_item(&user("zoe")).unwrap();
    let planted = with(&with(&plain, "blind_email", binary("x")), "blind_plan", text("y"));
    bench.plant(with(&planted, "blind_phone+2", text("z"))).await;
    let sealing = bench.ingest::<User>().plaintext_items(Read);
    sealing.update("zoe").modify(|user| user.logins += 1).send().await.unwrap();
    sealing.update("zoe").modify(|user| user.logins -= 1).send().await.unwrap();
    bench.assert_untagged("zoe").await;

    let writing = bench.ingest::<User>().plaintext_items(ReadAndWrite);
    writing.put(&user("ana")).send().await.unwrap();
    assert!(bench.stored("ana").await.contains_key("email"));
    // A sealed record stands there, so the put is sealed too.
    writing.put(&user("zoe")).send().await.unwrap();
    bench.assert_untagged("zoe").await;
}

/// Whoever can write the table, but has no search key, neither exchanges nor removes a tag of a
/// record whose value stays: by the library no name reaches a tag, and past it the record does not
/// open.
#[tokio::test]
async fn it_cannot_remove_or_exchange_a_tag_of_a_value_that_it_does_not_change() {
    let bench = Bench::new().await;
    bench.users().put(&user("zoe")).send().await.unwrap();
    let mallory = User { email: "mallory@example.com".into(), ..user("mallory") };
    bench.users().put(&mallory).send().await.unwrap();
    let (zoe, mallory) = (bench.stored("zoe").await, bench.stored("mallory").await);
    let ingest = bench.ingest::<User>();

    bench.faults.forget_calls();
    for name in ["blind_email", "blind_email+2"] {
        let tag = User::attribute::<String>(name);
        ingest.update("zoe").set(|_| tag, "x").send().await.unwrap_err();
        let tag = User::attribute::<String>(name);
        ingest.update("zoe").remove(|_| tag).send().await.unwrap_err();
    }
    assert_eq!(bench.faults.all_requests().len(), 0);

    let spoilt = [
        with(&mallory, "blind_email", zoe["blind_email"].clone()),
        with(&mallory, "blind_email", None),
        with(&mallory, "blind_phone+2", zoe["blind_phone"].clone()),
    ];
    for item in &spoilt[..2] {
        bench.plant(item.clone()).await;
        bench.without_keys::<User>().get("mallory").send().await.unwrap_err();
        // Nor does a change of another field make the spoilt tag authentic.
        let moved = |user: &mut User| user.address = "x".into();
        ingest.update("mallory").modify(moved).send().await.unwrap_err();
        assert_eq!(bench.stored("mallory").await, *item);
    }
    // A tag that nobody listed is no tag of the record, and no search asks for it.
    bench.plant(spoilt[2].clone()).await;
    assert_eq!(bench.found().await, ["zoe"]);

    // A tag of a record that lists none.
    let record = User { email: "mallory@example.com".into(), ..user("mallory") };
    ingest.put(&record).send().await.unwrap();
    let untagged = bench.stored("mallory").await;
    bench.plant(with(&untagged, "blind_email", zoe["blind_email"].clone())).await;
    bench.without_keys::<User>().get("mallory").send().await.unwrap_err();
}
