//! What tags reveal is measured on the table itself, and the measurement reveals nothing more.

use std::sync::atomic::{AtomicU64, Ordering};

use envelope_core::search::SearchKey;
use envelope_dynamo::keys::{LocalSearchKeys, SearchKeys};
use envelope_dynamo::maintain::{LeakageReport, RunErrorKind, SchemaFile, StoredTable};
use envelope_dynamo::{Envelope, Table};
use envelope_examples::servers::unique_name;
use envelope_examples::{Faults, Servers};
use envelope_tests::{Item, binary, called, local_keys, plant, requests, servers, text};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "users",
    index(name = "by-email", partition_key = email),
    index(name = "by-name", partition_key = name),
)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable]
    email: String,
    #[encrypted]
    #[searchable]
    name: Option<String>,
}

struct Bench {
    servers: Servers,
    faults: Faults,
    name: String,
}

impl Bench {
    /// Users with these names.
    async fn of(names: &[Option<&str>]) -> Self {
        let name = unique_name("users");
        let bench = Self { servers: servers().await, faults: Faults::new(), name };
        bench.users(1).create_table().send().await.unwrap();
        bench.put(1, 0, names).await;
        bench
    }

    fn users(&self, key: u8) -> Table<User> {
        let key = SearchKey::from_slice(&[key; 32]).unwrap();
        let keys: SearchKeys = LocalSearchKeys::new(key).into();
        let table = Table::new(self.servers.dynamodb().clone(), local_keys(7));
        table.named(&self.name).with_search_keys(keys)
    }

    async fn put(&self, key: u8, first: usize, names: &[Option<&str>]) {
        let user = |(number, name): (usize, &Option<&str>)| User {
            user_id: format!("u_{number}"),
            email: format!("{number}@example.com"),
            name: name.map(str::to_owned),
        };
        let users = (first..).zip(names).map(user);
        self.users(key).batch_put(users).send().await.unwrap();
    }

    fn maintained(&self) -> StoredTable {
        let schema = SchemaFile::new().with::<User>();
        let client = self.servers.dynamodb_through(&self.faults);
        StoredTable::new(client, &schema, "users").unwrap().named(&self.name)
    }

    async fn leakage(&self) -> LeakageReport {
        self.maintained().leakage().send().await.unwrap()
    }
}

/// Three Meiers, two Hubers, one of each other, and one without a name.
fn names() -> Vec<Option<&'static str>> {
    let mut names = vec![Some("Meier"); 3];
    names.extend([Some("Huber"), Some("Huber"), Some("Quinn"), Some("Zoe"), None]);
    names
}

#[tokio::test]
async fn frequencies_are_counted_per_tag() {
    let bench = Bench::of(&names()).await;
    let report = bench.leakage().await;
    assert_eq!((report.items, report.tags.len()), (8, 2));
    let (email, name) = (&report.tags["blind_email"], &report.tags["blind_name"]);
    assert_eq!((email.records, email.values, email.once), (8, 8, 8));
    assert!((email.named_at_best - 1.0 / 8.0).abs() < 1e-9, "one guess in eight is right");
    assert_eq!((name.records, name.values, name.once), (7, 4, 2));
    assert_eq!(name.most_frequent, [3, 2, 1, 1]);
    assert_eq!((name.largest_key(), name.generations, name.malformed), (3, 1, 0));
    // The Meiers, the Hubers, and one of the two that are left, by chance.
    assert!((name.named_at_best - 6.0 / 7.0).abs() < 1e-9);
}

/// A value has another tag under another search key, and nobody can tell that it is the same.
#[tokio::test]
async fn a_rotation_under_way_is_said() {
    let bench = Bench::of(&names()).await;
    bench.put(2, 100, &[Some("Meier")]).await;
    let report = bench.leakage().await;
    let name = &report.tags["blind_name"];
    assert_eq!((name.generations, name.values, name.once), (2, 5, 3));
    assert!(report.to_string().contains("tags of 2 generations"), "{report}");
}

#[tokio::test]
async fn items_that_are_no_records_and_attributes_that_are_no_tags_are_told_apart() {
    let bench = Bench::of(&[Some("Meier")]).await;
    let bare = |id: &str| Item::from([("user_id".to_owned(), text(id))]);
    plant(&bench.servers, &bench.name, bare("plain")).await;
    let mut spoilt = bare("spoilt");
    spoilt.insert("blind_name".to_owned(), binary([1; 20]));
    plant(&bench.servers, &bench.name, spoilt).await;
    let report = bench.leakage().await;
    let name = &report.tags["blind_name"];
    assert_eq!((report.items, name.records, name.malformed), (3, 1, 1));
}

#[tokio::test]
async fn more_values_than_allowed_end_the_count() {
    let bench = Bench::of(&names()).await;
    let table = bench.maintained();
    // Eight addresses and four names.
    assert!(table.leakage().max_values(12).send().await.is_ok());
    let error = table.leakage().max_values(11).send().await.unwrap_err();
    assert!(matches!(error.kind(), RunErrorKind::TooManyValues { max: 11 }), "{error}");
    assert!(error.needs_a_person());
    bench.faults.forget_calls();
    bench.faults.hold("Scan");
    let stop = called(&bench.faults, "Scan", 1);
    let stopped = table.leakage().until(stop).await.unwrap_err();
    assert!(matches!(stopped.kind(), RunErrorKind::Stopped), "{stopped}");
}

/// It asks for tags alone, and prints counts alone.
#[tokio::test]
async fn nothing_but_tags_is_read_and_no_tag_is_printed() {
    let bench = Bench::of(&names()).await;
    bench.faults.forget_calls();
    let table = bench.maintained();
    let seen = AtomicU64::new(0);
    let count = table.leakage().observed_by(|items| {
        seen.fetch_max(items, Ordering::Relaxed);
    });
    let builder = format!("{count:?}");
    let report = count.send().await.unwrap();
    assert_eq!(seen.into_inner(), 8);
    for scan in requests(&bench.faults, "Scan") {
        let names = scan["ExpressionAttributeNames"].as_object().unwrap();
        let mut names: Vec<_> = names.values().map(|name| name.as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["blind_email", "blind_name"]);
        assert_ne!(scan["ConsistentRead"], true, "eventually consistent reads cost half");
    }
    let scan = bench.servers.dynamodb().scan().table_name(&bench.name).send().await.unwrap();
    let told = format!("{report} {report:?} {builder} {}", serde_json::to_string(&report).unwrap());
    for item in scan.items() {
        for tag in ["blind_email", "blind_name"].iter().filter_map(|name| item.get(*name)) {
            let bytes = tag.as_b().unwrap().as_ref();
            let hexadecimal: String = bytes[5..].iter().map(|byte| format!("{byte:02x}")).collect();
            let decimal = format!("{:?}", &bytes[5..]);
            let decimal = decimal.trim_matches(['[', ']']);
            assert!(!told.contains(&hexadecimal[..8]) && !told.contains(decimal), "{told}");
        }
    }
}
