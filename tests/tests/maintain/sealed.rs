//! What a count finds in plaintext: items that are not sealed, fields of sealed records that are
//! not, and the copies of a table that nobody can scan.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::item::PlaintextItems;
use envelope_dynamo::maintain::{CopyKind, FindingKind, Report, SchemaFile, StoredTable};
use envelope_dynamo::{Envelope, Table};
use envelope_examples::servers::unique_name;
use envelope_examples::{Fault, Faults, Servers};
use envelope_tests::{
    Item, all_it_says, binary, local_keys, plant, requests, servers, stored, text, with,
};
use serde_json::{Value, json};

/// The struct of last year: two fields are not protected yet.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct OldUser {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[plaintext]
    mail: String,
    #[plaintext]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
}

/// The struct while old records are written again.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted(accept = "plaintext")]
    #[serde(alias = "mail")]
    email: String,
    #[authenticated(accept = "plaintext")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[plaintext]
    #[serde(default)]
    seen: u64,
}

/// The struct after the cutover.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct StrictUser {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted]
    #[serde(alias = "mail")]
    email: String,
    #[authenticated]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[plaintext]
    #[serde(default)]
    seen: u64,
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
        bench.table::<User>().create_table().send().await.unwrap();
        bench
    }

    /// The table past the faults, as a service sees it.
    fn table<T: Envelope>(&self) -> Table<T> {
        Table::new(self.servers.dynamodb().clone(), local_keys(3)).named(&self.name)
    }

    fn in_state(&self, state: PlaintextItems) -> Table<User> {
        self.table::<User>().plaintext_items(state)
    }

    /// The table as maintenance knows it, through the faults.
    fn stored<T: Envelope>(&self) -> StoredTable {
        let schema = SchemaFile::new().with::<T>().to_string().parse::<SchemaFile>().unwrap();
        let dynamodb = self.servers.dynamodb_through(&self.faults);
        StoredTable::new(dynamodb, &schema, "users").unwrap().named(&self.name)
    }

    async fn expected_sealed(&self) -> Report {
        self.stored::<User>().coverage().expect_sealed().send().await.unwrap()
    }

    async fn item(&self, id: &str) -> Item {
        let key = Item::from([("id".to_owned(), text(id))]);
        stored(&self.servers, &self.name, key).await.unwrap()
    }

    async fn plant(&self, item: Item) {
        plant(&self.servers, &self.name, item).await;
    }
}

fn user(id: impl ToString) -> User {
    User {
        id: id.to_string(),
        name: "NAME-OF-ZOE".to_owned(),
        email: "zoe@example.com".to_owned(),
        plan: Some("PLAN-OF-ZOE".to_owned()),
        seen: 0,
    }
}

fn old(id: &str, plan: Option<&str>) -> OldUser {
    let User { name, email, .. } = user(id);
    OldUser { id: id.to_owned(), name, mail: email, plan: plan.map(str::to_owned) }
}

fn problems(report: &Report) -> Vec<(FindingKind, u64)> {
    report.problems.iter().map(|(kind, count)| (*kind, *count)).collect()
}

/// The last steps of a table that is taken in, and an attack after them.
#[tokio::test]
async fn a_table_that_was_taken_in_is_counted_and_opened() {
    let bench = Bench::new().await;
    for id in 0..40 {
        bench.in_state(PlaintextItems::ReadAndWrite).put(&user(id)).send().await.unwrap();
    }
    bench.in_state(PlaintextItems::Read).put(&user(7)).send().await.unwrap();
    let before = bench.expected_sealed().await;
    assert_eq!((before.holds(), problems(&before)), (false, vec![(FindingKind::NotSealed, 39)]));

    let sealed = bench.in_state(PlaintextItems::Read).backfill().send().await.unwrap();
    assert_eq!((sealed.changed, sealed.already, sealed.failed), (39, 1, 0));
    let stored = bench.stored::<User>();
    let sampled = stored.coverage().expect_sealed().open(local_keys(3)).sample(25);
    let sampled = sampled.send().await.unwrap();
    assert!(sampled.holds(), "{sampled}");
    let opened = sampled.opened.as_ref().unwrap();
    assert_eq!((opened.opened, opened.failed, opened.deleted), (25, 0, 0));
    let all = stored.coverage().expect_sealed().open(local_keys(3)).send().await.unwrap();
    assert_eq!((all.holds(), all.opened.as_ref().unwrap().opened), (true, 40), "{all}");
    // The key of nobody opens none: the proof is that of the key.
    let other = stored.coverage().open(local_keys(4)).sample(25).send().await.unwrap();
    assert_eq!((other.holds(), other.opened.unwrap().failed), (false, 25));

    // A record that was replaced by a plain item, and one whose sealed value was exchanged.
    let mut plain = bench.item("3").await;
    plain.retain(|name, _| !name.starts_with("encrypted_"));
    bench.plant(with(&plain, "email", text("mallory@example.com"))).await;
    let exchanged = bench.item("5").await["encrypted_payload"].clone();
    bench.plant(with(&bench.item("4").await, "encrypted_payload", exchanged)).await;
    let after = stored.coverage().expect_sealed().open(local_keys(3)).send().await.unwrap();
    assert!(!after.holds());
    assert_eq!(problems(&after), [(FindingKind::NotSealed, 1), (FindingKind::NotOpened, 1)]);
    let headers = bench.expected_sealed().await;
    assert_eq!(problems(&headers), [(FindingKind::NotSealed, 1)], "headers cannot tell");
}

/// Zero means that the struct without `accept` reads every record, and not earlier.
#[tokio::test]
async fn fields_in_plaintext_are_counted_until_the_strict_struct_reads_all() {
    let bench = Bench::new().await;
    let strict = |id: &'static str| {
        let table = bench.table::<StrictUser>();
        async move { table.get(id).send().await }
    };
    for (id, plan) in [("both", Some("PLAN-OF-ZOE")), ("one", None)] {
        bench.table::<OldUser>().put(&old(id, plan)).send().await.unwrap();
    }
    bench.table::<User>().put(&user("new")).send().await.unwrap();

    let report = bench.expected_sealed().await;
    assert!(!report.holds());
    assert_eq!(problems(&report), [(FindingKind::PlainField, 2)], "{report}");
    let mut said: Vec<_> =
        report.findings.iter().map(|found| (&*found.record, &*found.problem)).collect();
    said.sort_unstable();
    let expected = [
        ("users[id=both]", "the record is sealed, and in plaintext stands `mail`, `plan`"),
        ("users[id=one]", "the record is sealed, and in plaintext stands `mail`"),
    ];
    assert_eq!(said, expected);
    for (id, reads) in [("both", false), ("one", false), ("new", true)] {
        assert_eq!(strict(id).await.is_ok(), reads, "{id}");
    }

    // The plan of this one is protected first, and then its address.
    let mut half = bench.item("both").await;
    half.remove("mail");
    bench.plant(half).await;
    assert_eq!(problems(&bench.expected_sealed().await), [(FindingKind::PlainField, 2)]);
    bench.table::<OldUser>().put(&old("both", Some("PLAN-OF-ZOE"))).send().await.unwrap();

    for id in ["both", "one"] {
        let read = bench.table::<User>().get(id).send().await.unwrap().unwrap();
        bench.table::<User>().put(&read).send().await.unwrap();
    }
    let after = bench.expected_sealed().await;
    assert!(after.holds(), "{after}");
    for id in ["both", "one", "new"] {
        assert_eq!(strict(id).await.unwrap().unwrap().email, "zoe@example.com");
    }

    // Somebody adds a value under a name of the struct, once more.
    let added = with(&bench.item("new").await, "mail", text("mallory@example.com"));
    bench.plant(added).await;
    assert_eq!(problems(&bench.expected_sealed().await), [(FindingKind::PlainField, 1)]);
    strict("new").await.unwrap_err();

    // Nobody asked, so nobody counts; and no value is in any form of a report.
    let unasked = bench.stored::<User>().coverage().send().await.unwrap();
    assert!(unasked.holds() && unasked.copies.is_none());
    for report in [&report, &after] {
        let said = format!("{report} {report:?} {}", serde_json::to_string(report).unwrap());
        assert!(!said.contains("-OF-ZOE") && !said.contains("zoe@"), "{said}");
    }
}

/// What somebody adds to a plain item so that it looks sealed, whatever the operator ignores.
#[tokio::test]
async fn a_plain_item_in_disguise_is_not_sealed() {
    let bench = Bench::new().await;
    bench.table::<User>().put(&user("truth")).send().await.unwrap();
    let truth = bench.item("truth").await;
    bench.in_state(PlaintextItems::ReadAndWrite).put(&user("u")).send().await.unwrap();
    let plain = bench.item("u").await;
    let own = |name: &str| truth[name].clone();
    let disguises: [(&str, Vec<(&str, AttributeValue)>); 7] = [
        ("a wrapped key", vec![("encrypted_dek", own("encrypted_dek"))]),
        ("a payload without its key", vec![("encrypted_payload", own("encrypted_payload"))]),
        (
            "a payload as text",
            vec![("encrypted_dek", own("encrypted_dek")), ("encrypted_payload", text("x"))],
        ),
        (
            "a payload that is none",
            vec![("encrypted_dek", own("encrypted_dek")), ("encrypted_payload", binary([1, 2]))],
        ),
        (
            "a key as text",
            vec![("encrypted_dek", text("x")), ("encrypted_payload", own("encrypted_payload"))],
        ),
        ("a group", vec![("encrypted_dek_other", own("encrypted_dek"))]),
        ("a group's payload", vec![("encrypted_payload_other", own("encrypted_payload"))]),
    ];
    let stored = bench.stored::<User>();
    for (what, attributes) in disguises {
        let item = attributes
            .into_iter()
            .fold(plain.clone(), |item, (name, value)| with(&item, name, value));
        bench.plant(item).await;
        let indulgent = stored.coverage().expect_sealed().ignore(FindingKind::Malformed);
        let indulgent = indulgent
            .ignore(FindingKind::UnknownAttribute)
            .ignore(FindingKind::UnknownGroup)
            .ignore(FindingKind::LocalKey);
        for coverage in [indulgent.clone(), indulgent.all_attributes()] {
            let report = coverage.send().await.unwrap();
            assert!(!report.holds(), "{what}: {report}");
            assert_eq!(report.problems[&FindingKind::NotSealed], 1, "{what}: {report}");
        }
    }
    // With a whole envelope of another record it looks sealed, but its fields are there in clear.
    let whole = ["encrypted_dek", "encrypted_payload"];
    let whole = whole.iter().fold(plain, |item, name| with(&item, name, own(name)));
    bench.plant(whole).await;
    let report = stored.coverage().expect_sealed().send().await.unwrap();
    assert_eq!(problems(&report), [(FindingKind::PlainField, 1)]);
    for kind in [FindingKind::NotSealed, FindingKind::PlainField] {
        let error = stored.coverage().expect_sealed().ignore(kind).send().await.unwrap_err();
        assert!(all_it_says(&error).contains("cannot be ignored"), "{error}");
    }
}

#[tokio::test]
async fn protected_attributes_are_read_only_if_they_must_not_be_there() {
    let bench = Bench::new().await;
    let names = |faults: &Faults| {
        let scan = requests(faults, "Scan").remove(0);
        let names = scan["ExpressionAttributeNames"].as_object().unwrap();
        let mut names: Vec<_> =
            names.values().map(|name| name.as_str().unwrap().to_owned()).collect();
        names.sort_unstable();
        names
    };
    bench.stored::<User>().coverage().send().await.unwrap();
    assert_eq!(names(&bench.faults), ["encrypted_dek", "encrypted_payload", "id"]);
    for operation in ["ListBackups", "ListExports", "DescribeKinesisStreamingDestination"] {
        assert_eq!(bench.faults.calls(operation), 0, "{operation}");
    }
    bench.faults.forget_calls();
    bench.expected_sealed().await;
    let all = ["email", "encrypted_dek", "encrypted_payload", "id", "mail", "name", "plan"];
    assert_eq!(names(&bench.faults), all);
}

fn reply(body: &Value) -> Fault {
    Fault::Reply { status: 200, body: body.to_string() }
}

const TABLE: &str = "arn:aws:dynamodb:eu-central-1:111122223333:table/users";

/// A table with everything that keeps old items.
fn described() -> Value {
    let key = |name, kind| json!({ "AttributeName": name, "KeyType": kind });
    let index = |name, key: Value, projection| json!({ "IndexName": name, "KeySchema": [key], "Projection": projection });
    json!({ "Table": {
        "TableName": "users",
        "TableArn": TABLE,
        "KeySchema": [key("id", "HASH")],
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "Replicas": [{ "RegionName": "eu-central-1" }, { "RegionName": "us-east-1" }],
        "LatestStreamArn": format!("{TABLE}/stream/2026-01-01T00:00:00.000"),
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "OLD_IMAGE" },
        "GlobalSecondaryIndexes": [
            index("by_email", key("email", "HASH"), json!({ "ProjectionType": "ALL" })),
            index("by_plan", key("plan", "HASH"), json!({ "ProjectionType": "ALL" })),
            index("names", key("plan", "HASH"),
                json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": ["seen", "name"] })),
        ],
    } })
}

fn recovery() -> Value {
    json!({ "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": 14,
            "EarliestRestorableDateTime": 1_794_000_000,
        },
    } })
}

#[tokio::test]
async fn copies_that_were_not_read_are_listed() {
    let bench = Bench::new().await;
    let backup = |number: u32| {
        json!({
            "BackupArn": format!("{TABLE}/backup/{number}"), "BackupType": "USER",
            "BackupStatus": "AVAILABLE", "BackupCreationDateTime": 1_790_000_000 + number,
        })
    };
    let faults = &bench.faults;
    faults.fail_always("DescribeTable", reply(&described()));
    faults.fail_always("DescribeContinuousBackups", reply(&recovery()));
    let page = json!({ "BackupSummaries": (0..25).map(backup).collect::<Vec<_>>(),
        "LastEvaluatedBackupArn": format!("{TABLE}/backup/24") });
    faults.fail_next("ListBackups", reply(&page));
    faults.fail_next("ListBackups", reply(&json!({ "BackupSummaries": [backup(25)] })));
    let export = json!({ "ExportArn": format!("{TABLE}/export/1"), "ExportStatus": "COMPLETED" });
    faults.fail_always("ListExports", reply(&json!({ "ExportSummaries": [export] })));
    let stream = "arn:aws:kinesis:eu-central-1:111122223333:stream/users";
    let kinesis = json!({ "StreamArn": stream, "DestinationStatus": "ACTIVE" });
    let kinesis = json!({ "TableName": "users", "KinesisDataStreamDestinations": [kinesis] });
    faults.fail_always("DescribeKinesisStreamingDestination", reply(&kinesis));

    let report = bench.expected_sealed().await;
    assert!(report.holds(), "copies are told, and no problem of this table");
    assert_eq!(requests(faults, "ListBackups")[0]["BackupType"], "ALL");
    let second = &requests(faults, "ListBackups")[1]["ExclusiveStartBackupArn"];
    assert_eq!(second, &format!("{TABLE}/backup/24"));
    let copies = report.copies.as_ref().unwrap();
    let count = |kind| copies.known.iter().filter(|copy| copy.kind == kind).count();
    let counts = [
        (CopyKind::PointInTimeRecovery, 1),
        (CopyKind::Backup, 26),
        (CopyKind::Export, 1),
        (CopyKind::Stream, 1),
        (CopyKind::KinesisStream, 1),
        (CopyKind::Replica, 1),
        (CopyKind::Index, 2),
    ];
    assert_eq!(counts.map(|(kind, _)| (kind, count(kind))), counts);
    let shown = report.to_string();
    for said in [
        "point-in-time recovery users",
        "of 2026-11-06T21:20:00Z: each second of the last 14 days",
        "/backup/0 of 2026-09-21T14:13:20Z: USER",
        "\n  backup: 6 more, which the JSON form has",
        "/export/1: COMPLETED",
        "OLD_IMAGE; each event stays for 24 hours",
        "stream/users: ACTIVE; Kinesis keeps events for up to 365 days",
        "replica us-east-1: follows this table; its own recovery",
        "index by_email: its key `email` is encrypted: no sealed record is in it",
        "index names: follows this table; sealed records have no `name` in it",
        "not asked: backup: recovery points in AWS Backup",
    ] {
        assert!(shown.contains(said), "no {said:?} in {shown}");
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["copies"]["known"][0]["kind"], "stream");
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
}

/// The auditor may lack permissions, and emulators lack calls: that ends no count.
#[tokio::test]
async fn copies_that_could_not_be_asked_for_are_named() {
    let bench = Bench::new().await;
    for operation in ["ListBackups", "ListExports", "DescribeKinesisStreamingDestination"] {
        bench.faults.fail_always(operation, Fault::error("AccessDeniedException"));
    }
    let report = bench.expected_sealed().await;
    assert!(report.holds(), "{report}");
    let copies = report.copies.as_ref().unwrap();
    assert!(copies.known.is_empty(), "{copies:?}");
    let shown = report.to_string();
    for said in [
        "no copy that DynamoDB knows of",
        "not asked: backup: dynamodb:ListBackups: AccessDeniedException",
        "not asked: export: dynamodb:ListExports: AccessDeniedException",
        "not asked: Kinesis stream: dynamodb:DescribeKinesisStreamingDestination: AccessDenied",
    ] {
        assert!(shown.contains(said), "no {said:?} in {shown}");
    }
}
