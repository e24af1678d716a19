//! Records get the search tags that writers compute now, and those that have not are counted.

mod aliases;
mod groups;
mod rotation;

use std::collections::BTreeMap;
use std::sync::Mutex;

use envelope_core::search::SearchKey;
use envelope_dynamo::keys::{Generation, LocalSearchKeys, SearchKeys};
use envelope_dynamo::maintain::{
    Counts, Limits, Part, Report, Run, RunError, RunErrorKind, RunEvent, SchemaFile, StaleReport,
    StoredTable, TagCounts,
};
use envelope_dynamo::{Access, Envelope, GroupKeyProvider, Table};
use envelope_examples::servers::unique_name;
use envelope_examples::{Fault, Faults, Servers};
use envelope_tests::{Item, binary, bytes_of, local_keys, plant, servers, text, with};

/// A user with two tags: of one field, and of a readable and an encrypted field together.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "users",
    index(name = "by-email", partition_key = email),
    index(name = "by-name", partition_key = clinic_last),
    searchable(fields(clinic, last(trim, ascii_lowercase)))
)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: Option<String>,
    #[encrypted]
    last: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
    #[authenticated]
    clinic: String,
    #[authenticated]
    #[version]
    version: u64,
    #[plaintext]
    logins: u64,
}

fn user(number: usize) -> User {
    User {
        user_id: format!("u_{number:03}"),
        email: Some(format!("Zoe{number}@example.com")),
        last: format!("Smith{}", number % 3),
        diagnosis: Access::Granted("gout".to_owned()),
        clinic: "c_1".to_owned(),
        version: 0,
        logins: 3,
    }
}

/// The same record in a program of before its fields became searchable.
mod before {
    use envelope_dynamo::{Access, Envelope};

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users")]
    pub(super) struct User {
        #[partition_key]
        pub(super) user_id: String,
        #[encrypted]
        pub(super) email: Option<String>,
        #[encrypted]
        pub(super) last: String,
        #[encrypted(group = "medical")]
        pub(super) diagnosis: Access<String>,
        #[authenticated]
        pub(super) clinic: String,
        #[authenticated]
        #[version]
        pub(super) version: u64,
        #[plaintext]
        pub(super) logins: u64,
    }

    impl From<super::User> for User {
        fn from(user: super::User) -> Self {
            let super::User { user_id, email, last, diagnosis, clinic, version, logins } = user;
            Self { user_id, email, last, diagnosis, clinic, version, logins }
        }
    }
}

const TAGS: [&str; 2] = ["blind_clinic+last", "blind_email"];

fn only(byte: u8) -> SearchKeys {
    LocalSearchKeys::new(SearchKey::from_slice(&[byte; 32]).unwrap()).into()
}

/// The keys of record and group are different ones.
fn keys() -> GroupKeyProvider {
    GroupKeyProvider::new(local_keys(7)).group("medical", local_keys(8))
}

/// The keys of somebody who may not open the group.
fn operator() -> GroupKeyProvider {
    GroupKeyProvider::new(local_keys(7)).group("medical", local_keys(9))
}

struct Bench {
    servers: Servers,
    faults: Faults,
    name: String,
}

impl Bench {
    async fn new() -> Self {
        let bench =
            Self { servers: servers().await, faults: Faults::new(), name: unique_name("users") };
        bench.users(only(1)).create_table().send().await.unwrap();
        bench
    }

    fn table<T: Envelope>(&self) -> Table<T> {
        Table::new(self.servers.dynamodb().clone(), keys()).named(self.name.clone())
    }

    fn users(&self, search: SearchKeys) -> Table<User> {
        self.table().with_search_keys(search)
    }

    /// Users under the search key of this byte.
    async fn put(&self, key: u8, users: impl IntoIterator<Item = User>) {
        for user in users {
            self.users(only(key)).put(&user).send().await.unwrap();
        }
    }

    async fn put_before(&self, user: User) {
        self.table::<before::User>().put(&user.into()).send().await.unwrap();
    }

    /// The table for maintenance, behind the faults.
    fn maintained(&self) -> StoredTable {
        let schema = SchemaFile::new().with::<User>();
        let client = self.servers.dynamodb_through(&self.faults);
        StoredTable::new(client, &schema, "users").unwrap().named(&self.name)
    }

    async fn reindex(&self, key: u8) -> Counts {
        let table = self.maintained();
        table.reindex(operator(), operator(), &only(key)).send().await.unwrap()
    }

    async fn stale(&self, key: u8) -> StaleReport {
        self.maintained().stale(&only(key)).send().await.unwrap()
    }

    async fn items(&self) -> BTreeMap<String, Item> {
        let scan = self.servers.dynamodb().scan().table_name(&self.name).consistent_read(true);
        let items = scan.send().await.unwrap().items.unwrap();
        items.into_iter().map(|item| (item["user_id"].as_s().unwrap().clone(), item)).collect()
    }

    async fn item(&self, id: &str) -> Item {
        self.items().await.remove(id).unwrap()
    }

    /// The ids of those who are found by the address of `user(number)`, under one search key.
    async fn found(&self, key: u8, number: usize) -> Vec<String> {
        let email = format!("zoe{number}@example.com");
        let users = self.users(only(key));
        let found = users.index(|i| i.by_email).query(email).send().await.unwrap();
        found.into_iter().map(|user| user.user_id).collect()
    }
}

/// Runs to the end. Returns the counts, and the messages of the records that failed.
async fn observed(run: Run<'_>) -> (Result<Counts, RunError>, Vec<String>) {
    let failed = Mutex::new(Vec::new());
    let run = run.observed_by(|event| {
        if let RunEvent::Failed(error) = event {
            failed.lock().unwrap().push(error.to_string());
        }
    });
    let counts = run.send().await;
    (counts, failed.into_inner().unwrap())
}

#[track_caller]
fn of_tag<'r>(report: &'r StaleReport, attribute: &str) -> &'r TagCounts {
    &report.tags["User"][attribute]
}

#[tokio::test]
async fn every_stale_record_is_counted_and_gets_current_tags() {
    let bench = Bench::new().await;
    bench.put(1, (0..10).map(user)).await;
    bench.put(2, (10..13).map(user)).await;
    bench.put(1, [User { email: None, ..user(13) }]).await;
    bench.put(2, [User { email: None, ..user(14) }]).await;
    bench.put_before(user(15)).await;
    let before = bench.items().await;

    let report = bench.stale(2).await;
    assert_eq!((report.records, report.stale, report.unreadable), (16, 12, 0));
    let old =
        Generation::from_bytes(bytes_of(&before["u_000"], "blind_email")[1..5].try_into().unwrap());
    let new =
        Generation::from_bytes(bytes_of(&before["u_010"], "blind_email")[1..5].try_into().unwrap());
    let email = of_tag(&report, "blind_email");
    assert_eq!(email.generations, [new.to_string()]);
    assert_eq!((email.current, email.absent, email.unlisted, email.malformed), (3, 2, 1, 0));
    assert_eq!(email.other, BTreeMap::from([(old.to_string(), 10)]));
    let name = of_tag(&report, "blind_clinic+last");
    assert_eq!((name.current, name.absent, name.unlisted), (4, 0, 1));
    assert_eq!(name.other.values().collect::<Vec<_>>(), [&11]);

    let counts = bench.reindex(2).await;
    assert_eq!((counts.changed, counts.already, counts.failed), (12, 4, 0));
    let report = bench.stale(2).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(of_tag(&report, "blind_email").current + of_tag(&report, "blind_email").absent, 16);

    // The values stay, the version does not count, and nobody needs the old search key.
    let after = bench.items().await;
    for (id, old) in &before {
        for name in ["user_id", "clinic", "version", "logins", "encrypted_payload_medical"] {
            assert_eq!(old[name], after[id][name], "{id} {name}");
        }
    }
    for number in 0..16 {
        let found = bench.found(2, number).await;
        let expected =
            if number == 13 || number == 14 { vec![] } else { vec![format!("u_{number:03}")] };
        assert_eq!(found, expected);
        assert_eq!(bench.found(1, number).await, [""; 0]);
        let read =
            bench.users(only(2)).get(format!("u_{number:03}")).send().await.unwrap().unwrap();
        let email = if expected.is_empty() { None } else { user(number).email };
        assert_eq!(read, User { email, version: 1, ..user(number) });
    }
    let by_name = bench.users(only(2));
    let found = by_name.index(|i| i.by_name).query(("c_1", "SMITH0")).send().await.unwrap();
    assert_eq!(found.len(), 6);

    let again = bench.reindex(2).await;
    assert_eq!((again.changed, again.already), (0, 16));
    assert_eq!(bench.items().await, after, "a second run writes nothing");
}

#[tokio::test]
async fn a_count_without_a_key_believes_the_generations_that_it_is_told() {
    let bench = Bench::new().await;
    bench.put(1, (0..2).map(user)).await;
    bench.put(2, (2..5).map(user)).await;
    let with_keys = bench.stale(2).await;
    let told: Vec<_> = with_keys.tags["User"].values().flat_map(|tag| &tag.generations).collect();
    let told = told.iter().map(|text| Generation::parse(text).unwrap());
    let table = bench.maintained();
    let report = table.stale_of(told).send().await.unwrap();
    assert_eq!((report.records, report.stale), (5, 2));
    assert_eq!(report.to_string().lines().last(), with_keys.to_string().lines().last());
    let error = table.stale_of([]).send().await.unwrap_err();
    assert!(error.to_string().contains("name the generation of each search tag"), "{error}");
}

#[tokio::test]
async fn coverage_counts_tags_as_stale_does() {
    let bench = Bench::new().await;
    bench.put(1, (0..3).map(user)).await;
    bench.put(2, (3..5).map(user)).await;
    bench.put(2, [User { email: None, ..user(5) }]).await;
    bench.put_before(user(6)).await;
    let forged = with(&bench.item("u_006").await, "blind_email", binary([1; 21]));
    let malformed = with(&bench.item("u_000").await, "blind_email", binary("no tag"));
    plant(&bench.servers, &bench.name, forged).await;
    plant(&bench.servers, &bench.name, malformed).await;
    let mut stale = bench.stale(2).await;
    let of_all: Vec<_> =
        stale.tags["User"].values().flat_map(|tag| tag.generations.clone()).collect();
    let table = bench.maintained();

    let told = of_all.iter().map(|text| Generation::parse(text).unwrap());
    let report = table.coverage().current_tags(told).send().await.unwrap();
    for counts in stale.tags.get_mut("User").unwrap().values_mut() {
        counts.generations.clone_from(&of_all);
        counts.generations.sort_unstable();
    }
    assert_eq!(report.tags, stale.tags, "by the same rule, without a search key");
    let email = &report.tags["User"]["blind_email"];
    assert_eq!((email.current, email.absent, email.unlisted, email.malformed), (2, 1, 1, 1));
    assert_eq!(email.other.values().collect::<Vec<_>>(), [&2]);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    assert!(report.to_string().contains(&format!("\n  User.blind_email   {email}\n")), "{report}");
    assert!(report.holds(), "the numbers are for information: `stale` decides");

    let report = table.coverage().send().await.unwrap();
    let email = &report.tags["User"]["blind_email"];
    assert_eq!((email.current, email.absent, email.unlisted, email.malformed), (0, 1, 1, 1));
    assert_eq!(email.other.values().sum::<u64>(), 4, "nobody said which are current");
    assert!(!email.to_string().contains("current"), "{email}");
}

/// Somebody who can write the table gave a record of before the mark a tag of the current
/// generation.
#[tokio::test]
async fn a_forged_tag_does_not_count_as_current_and_is_replaced() {
    let bench = Bench::new().await;
    bench.put(2, [user(1)]).await;
    bench.put_before(user(2)).await;
    let victim = bench.item("u_001").await;
    let mut forged = bench.item("u_002").await;
    for name in TAGS {
        forged.insert(name.to_owned(), victim[name].clone());
    }
    plant(&bench.servers, &bench.name, forged).await;
    let report = bench.stale(2).await;
    assert_eq!((report.stale, of_tag(&report, "blind_email").unlisted), (1, 1));
    assert_eq!(of_tag(&report, "blind_email").current, 1);

    assert_eq!(bench.reindex(2).await.changed, 1);
    assert_ne!(bench.item("u_002").await["blind_email"], victim["blind_email"]);
    assert_eq!(bench.found(2, 1).await, ["u_001"]);
    assert_eq!(bench.found(2, 2).await, ["u_002"]);

    // A tag that no value makes is removed.
    bench.put_before(User { email: None, ..user(3) }).await;
    let forged = with(&bench.item("u_003").await, "blind_email", victim["blind_email"].clone());
    plant(&bench.servers, &bench.name, forged).await;
    assert_eq!(bench.reindex(2).await.changed, 1);
    assert!(!bench.item("u_003").await.contains_key("blind_email"));
    assert!(bench.users(only(2)).get("u_003").send().await.unwrap().is_some());
}

/// A listed tag is authenticated: the record does not open, and stays for somebody to look at.
#[tokio::test]
async fn a_changed_tag_fails_by_name_and_stays() {
    let bench = Bench::new().await;
    bench.put(1, (0..3).map(user)).await;
    let changed = with(&bench.item("u_001").await, "blind_email", binary([1; 21]));
    let changed_2 = with(&bench.item("u_002").await, "blind_email", binary("no tag"));
    plant(&bench.servers, &bench.name, changed.clone()).await;
    plant(&bench.servers, &bench.name, changed_2.clone()).await;
    let report = bench.stale(2).await;
    assert_eq!((report.stale, of_tag(&report, "blind_email").malformed), (3, 1));
    let table = bench.maintained();
    let (counts, mut failed) = observed(table.reindex(keys(), keys(), &only(2))).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 2));
    failed.sort_unstable();
    assert!(failed[0].contains("u_001") && failed[1].contains("u_002"), "{failed:?}");
    assert_eq!(bench.item("u_001").await, changed);
    assert_eq!(bench.item("u_002").await, changed_2);
    assert_eq!(bench.stale(2).await.stale, 2);
}

#[tokio::test]
async fn a_value_in_plaintext_makes_no_tag() {
    let bench = Bench::new().await;
    bench.put_before(user(1)).await;
    let planted = with(&bench.item("u_001").await, "email", text("zoe2@example.com"));
    plant(&bench.servers, &bench.name, planted.clone()).await;
    bench.put(1, [user(2)]).await;
    let table = bench.maintained();
    let (counts, failed) = observed(table.reindex(keys(), keys(), &only(2))).await;
    assert_eq!((counts.unwrap().changed, failed.len()), (1, 1));
    assert!(failed[0].contains("stands in plaintext beside the sealed record"), "{failed:?}");
    assert_eq!(bench.item("u_001").await, planted);
}

#[tokio::test]
async fn items_that_the_run_is_not_for_are_counted_and_stay() {
    let bench = Bench::new().await;
    bench.put(2, [user(1)]).await;
    let strange = Table::<User>::new(bench.servers.dynamodb().clone(), local_keys(5));
    let strange = strange.named(&bench.name).with_search_keys(only(1));
    strange.put(&user(2)).send().await.unwrap();
    let plain = Item::from([("user_id".to_owned(), text("plain"))]);
    plant(&bench.servers, &bench.name, plain).await;
    let before = bench.items().await;
    let counts = bench.reindex(2).await;
    assert_eq!(
        [counts.changed, counts.already, counts.other_key, counts.not_sealed, counts.failed],
        [0, 1, 1, 1, 0]
    );
    assert_eq!(bench.items().await, before);
    let report = bench.stale(2).await;
    assert_eq!((report.items, report.records, report.not_sealed, report.stale), (3, 2, 1, 1));

    // A half record may be one that a search misses.
    let half = with(&before["u_001"], "encrypted_payload", None);
    plant(&bench.servers, &bench.name, half).await;
    let report = bench.stale(2).await;
    assert_eq!((report.unreadable, report.is_clean()), (1, false));
    assert!(report.to_string().ends_with("records 1   stale 1   unreadable 1   no envelope 1"));
}

#[tokio::test]
async fn a_table_without_search_tags_is_refused() {
    let bench = Bench::new().await;
    let schema = SchemaFile::new().with::<before::User>();
    let client = bench.servers.dynamodb().clone();
    let table = StoredTable::new(client, &schema, "users").unwrap().named(&bench.name);
    for error in [
        table.reindex(keys(), keys(), &only(1)).send().await.unwrap_err(),
        table.stale(&only(1)).send().await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), RunErrorKind::Refused(_)));
        assert!(error.to_string().contains("no record type of the table `users`"), "{error}");
    }
}

#[tokio::test]
async fn parts_and_runs_that_end_early_change_every_record_once() {
    let bench = Bench::new().await;
    bench.put(1, (0..12).map(user)).await;
    let (table, search) = (bench.maintained(), only(2));
    let mut changed = 0;
    for index in 0..4 {
        let run = table.reindex(keys(), keys(), &search).part(Part::of(index, 4).unwrap());
        changed += run.send().await.unwrap().changed;
    }
    assert_eq!((changed, bench.stale(2).await.stale), (12, 0));

    // Runs that end early, each at its first write or soon after it: what was done stays done.
    let run = || {
        let limits = Limits::new().max_failed(0).in_flight(1);
        table.reindex(keys(), keys(), &only(3)).limits(limits)
    };
    let mut changed = 0;
    for _ in 0..3 {
        bench.faults.fail_next("UpdateItem", Fault::error("AccessDeniedException"));
        changed += run().send().await.unwrap_err().counts().changed;
    }
    let before = bench.stale(3).await;
    assert_eq!(before.stale, 12 - changed);
    assert!(before.stale > 0, "no run reached its end");
    let counts = run().send().await.unwrap();
    assert_eq!((counts.changed, counts.already), (before.stale, changed));
    assert!(bench.stale(3).await.is_clean());
    for number in 0..12 {
        assert_eq!(bench.found(3, number).await, [format!("u_{number:03}")]);
    }
}

/// The reply is lost: the record was changed, and the run finds it changed.
#[tokio::test]
async fn a_lost_reply_and_other_writers_lose_nothing() {
    let bench = Bench::new().await;
    bench.put(1, (0..6).map(user)).await;
    bench.faults.fail_next("UpdateItem", Fault::LoseReply);
    let (table, search, users) = (bench.maintained(), only(2), bench.users(only(2)));
    let run = table.reindex(keys(), keys(), &search).send();
    let write = async {
        for _ in 0..5 {
            for number in 0..6 {
                let change = |user: &mut User| user.last.push('x');
                users.update(format!("u_{number:03}")).modify(change).send().await.unwrap();
            }
        }
    };
    let other = table.reindex(keys(), keys(), &search).send();
    let (run, (), other) = tokio::join!(run, write, other);
    assert_eq!((run.unwrap().failed, other.unwrap().failed), (0, 0));
    assert!(bench.stale(2).await.is_clean());
    for number in 0..6 {
        let read = users.get(format!("u_{number:03}")).send().await.unwrap().unwrap();
        assert_eq!(read.last, format!("{}xxxxx", user(number).last));
        assert_eq!(bench.found(2, number).await, [read.user_id]);
    }
}

#[tokio::test]
async fn an_estimate_counts_the_entries_that_move_in_indexes() {
    let bench = Bench::new().await;
    bench.put(1, (0..4).map(user)).await;
    bench.put(2, [user(4)]).await;
    bench.put_before(user(5)).await;
    let before = bench.items().await;
    let table = bench.maintained();
    let estimate = table.reindex(keys(), keys(), &only(2)).estimate().send().await.unwrap();
    assert_eq!((estimate.classes.due, estimate.classes.already), (5.0, 1.0));
    // Both indexes: two entries for each of four records, and one for the record of before.
    assert_eq!(estimate.demand.write_units, 4.0 * 5.0 + 3.0, "{estimate}");
    assert_eq!(estimate.demand.kms_calls, 0.0);
    assert!(estimate.to_string().contains("whose key changes (two writes each)"), "{estimate}");
    assert_eq!(bench.items().await, before);
}
