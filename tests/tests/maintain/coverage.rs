//! What coverage counts, and what it finds.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use envelope_dynamo::keys::{BranchKeyTable, CacheLimits, HierarchicalKeyProvider};
use envelope_dynamo::maintain::{FindingKind, Report, RunErrorKind, SchemaFile, StoredTable};
use envelope_examples::Fault;
use envelope_examples::servers::unique_name;
use envelope_tests::{binary, plant, requests, text, with};

use crate::bench::{Bench, Clinic, observed, patient};

fn problems(report: &Report) -> Vec<(FindingKind, u64)> {
    report.problems.iter().map(|(kind, count)| (*kind, *count)).collect()
}

#[tokio::test]
async fn entries_are_counted_by_entity_group_kind_key_and_form() {
    let bench = Bench::new().await;
    bench.seed(3).await;
    bench.table_with(bench.both()).put(&Clinic::Patient(patient(9))).send().await.unwrap();
    let mut plain = bench.items().await.into_values().next().unwrap();
    plain.retain(|name, _| !name.starts_with("encrypted_"));
    plain.insert("sk".into(), text("NOTE"));
    plant(&bench.servers, &bench.name, plain).await;

    bench.faults.forget_calls();
    let report = bench.stored().coverage().send().await.unwrap();
    assert!(report.holds(), "nothing was expected: {report}");
    let read = &report.read;
    assert_eq!((read.items, read.sealed, read.not_sealed), (11, 10, 1));
    let rows: Vec<_> = report
        .keys
        .iter()
        .map(|row| (&*row.entity, row.group.as_deref(), &*row.kind, &*row.form, row.count))
        .collect();
    let mut expected = vec![
        ("Patient", None, "aws-kms", "raw", 4),
        ("Patient", None, "aws-kms", "raw", 1),
        ("Patient", Some("medical"), "aws-kms", "raw", 4),
        ("Patient", Some("medical"), "aws-kms", "raw", 1),
        ("Visit", None, "aws-kms", "table", 6),
    ];
    let mut rows_by_count = rows.clone();
    rows_by_count.sort_unstable();
    expected.sort_unstable();
    assert_eq!(rows_by_count, expected, "{report}");
    assert!(report.keys.iter().all(|row| row.key.as_ref().unwrap().len() == 8));
    assert_eq!(report.entities["(unknown)"].not_sealed, 1);
    assert_eq!(report.entities["Patient"].sealed, 4);

    // Another number of segments than rewrap, consistently, no payload of a group, and no key.
    let scans = requests(&bench.faults, "Scan");
    assert_eq!(scans.len() as u64, read.pages);
    for scan in &scans {
        assert_eq!((&scan["TotalSegments"], &scan["ConsistentRead"]), (&5.into(), &true.into()));
        let names = scan["ExpressionAttributeNames"].as_object().unwrap();
        let mut names: Vec<_> = names.values().map(|name| name.as_str().unwrap()).collect();
        names.sort_unstable();
        let allowed =
            ["encrypted_dek", "encrypted_dek_medical", "encrypted_payload", "pk", "sk", "ward"];
        assert_eq!(names, allowed);
    }
    assert_eq!(bench.faults.calls("Decrypt") + bench.faults.calls("ReEncrypt"), 0);

    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    let shown = report.to_string();
    let first = shown.lines().next().unwrap();
    assert!(first.starts_with("one table in one region: arn:aws:dynamodb:"), "{first}");
    let (scope, _) = shown.split_once(" items: ").unwrap();
    for said in [&*report.scope.table_id, &report.scope.schema_sha256, "not proved", "no replicas"]
    {
        assert!(scope.contains(said), "{scope}");
    }
}

#[tokio::test]
async fn a_table_that_was_moved_holds_and_before_that_it_does_not() {
    let bench = Bench::new().await;
    bench.seed(4).await;
    let table = bench.stored();
    let before = table.coverage().expect_none(&bench.old).max_named(5).send().await.unwrap();
    assert!(!before.holds());
    assert_eq!(problems(&before), [(FindingKind::UnderKey, 12)]);
    assert_eq!(before.findings.len(), 5, "the others are counted");
    assert!(before.to_string().contains("\nDOES NOT HOLD"), "{before}");
    observed(table.rewrap(bench.kms(), &bench.old, &bench.new)).await.0.unwrap();
    let after = table.coverage().expect_none(&bench.old).expect_sealed().send().await.unwrap();
    assert!(after.holds(), "{after}");
    let both = table.coverage().expect_none(&bench.old).expect_none(&bench.new);
    assert!(!both.send().await.unwrap().holds());
}

/// Gives each answer a date, one second after the one before.
#[derive(Debug, Default)]
struct Clock(AtomicU32);

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let second = self.0.fetch_add(1, Ordering::Relaxed);
        let date = format!("Sun, 22 Nov 2026 10:00:{second:02} GMT");
        context.response_mut().headers_mut().insert("date", date);
        Ok(())
    }
}

/// The clock of DynamoDB: before the first item is read, and after the last.
#[tokio::test]
async fn the_time_is_that_of_dynamodb() {
    let bench = Bench::new().await;
    bench.seed(1).await;
    let config = bench.servers.dynamodb().config().to_builder().interceptor(Clock::default());
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    let schema = SchemaFile::new().with::<Clinic>();
    let table = StoredTable::new(client, &schema, "clinic").unwrap().named(&bench.name);
    let report = table.coverage().send().await.unwrap();
    let (begin, end) = (report.scope.begin.as_deref(), report.scope.end.as_deref());
    // One description, the question for backups, and five segments.
    assert_eq!((begin, end), (Some("2026-11-22T10:00:00Z"), Some("2026-11-22T10:00:06Z")));
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let bench = Bench::new().await;
    let table = bench.stored();
    for (coverage, said) in [
        (table.coverage().expect_none("alias/users"), "`alias/users` is no key ARN and no key id"),
        (table.coverage().ignore(FindingKind::UnderKey), "under-key cannot be ignored"),
        (table.coverage().ignore(FindingKind::NotOpened), "not-opened cannot be ignored"),
    ] {
        let error = coverage.send().await.unwrap_err();
        assert!(error.needs_a_person() && error.to_string().contains(said), "{error}");
    }
    bench.faults.hold("Scan");
    let until = envelope_tests::called(&bench.faults, "Scan", 1);
    let stopped = table.coverage().until(until).await.unwrap_err();
    assert!(!stopped.needs_a_person(), "{stopped}");
    bench.faults.release("Scan");
    bench.faults.fail_always("Scan", Fault::error("AccessDeniedException"));
    let denied = table.coverage().send().await.unwrap_err();
    assert!(matches!(denied.kind(), RunErrorKind::DynamoDb(_)), "{denied}");
}

#[tokio::test]
async fn records_under_branch_keys_hold_only_with_the_branch_keys_table() {
    let bench = Bench::new().await;
    let branch_keys = |name: &str, key: &str| {
        let dynamodb = bench.servers.dynamodb().clone();
        BranchKeyTable::new(dynamodb, "branch-keys", bench.keys(key)).named(name)
    };
    let name = unique_name("branch-keys");
    let keys = branch_keys(&name, &bench.old);
    keys.create_table().await.unwrap();
    keys.create("clinic").await.unwrap();
    let limits = CacheLimits::new(Duration::from_secs(60));
    let table = bench.table_with(HierarchicalKeyProvider::per_table(keys, limits));
    for id in 0..3 {
        table.put(&Clinic::Patient(patient(id))).send().await.unwrap();
    }
    let (stored, keys) = (bench.stored(), branch_keys(&name, &bench.old));
    let without = stored.coverage().expect_none(&bench.old).send().await.unwrap();
    assert_eq!(problems(&without), [(FindingKind::BranchKey, 3)]);
    assert!(!without.holds());

    let counted = keys.stored_table();
    let coverage = || stored.coverage().expect_none(&bench.old).branch_keys(&counted);
    let under_old = coverage().send().await.unwrap();
    assert!(!under_old.holds() && under_old.problems.is_empty(), "{under_old}");
    let report = under_old.branch_keys.as_ref().unwrap();
    assert_eq!(problems(report), [(FindingKind::UnderKey, 1)]);
    assert_eq!((report.read.items, report.read.not_sealed), (2, 1), "the pointer has no key");

    keys.rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap();
    let moved = coverage().send().await.unwrap();
    assert!(moved.holds(), "{moved}");

    // The wrong table of branch keys.
    let other = branch_keys(&unique_name("branch-keys"), &bench.new);
    other.create_table().await.unwrap();
    other.create("clinic").await.unwrap();
    let other = other.stored_table();
    let wrong = stored.coverage().expect_none(&bench.old).branch_keys(&other).send().await.unwrap();
    assert!(!wrong.holds(), "{wrong}");
    assert_eq!(problems(&wrong), [(FindingKind::UnknownBranchKey, 6)], "groups have keys too");
}

#[tokio::test]
async fn opening_proves_what_headers_claim() {
    let bench = Bench::new().await;
    bench.seed(10).await;
    let table = bench.stored();
    let all = table.coverage().open(bench.keys(&bench.old)).send().await.unwrap();
    assert!(all.holds(), "{all}");
    let opened = all.opened.as_ref().unwrap();
    assert_eq!((opened.opened, opened.failed, opened.groups), (30, 0, 10));
    assert!(all.to_string().contains("30 opened, none failed, of all records"), "{all}");

    let sampled = table.coverage().open(bench.keys(&bench.old)).sample(12).send().await.unwrap();
    assert!(sampled.holds());
    let said =
        "12 opened, none failed: with 95 % confidence at most 3/12 of the records do not open";
    assert!(sampled.to_string().contains(said), "{sampled}");

    // One tampered record, and a reader of another key.
    let (_, item) = bench.items().await.into_iter().find(|(key, _)| key.contains("p_7")).unwrap();
    let mut payload = envelope_tests::bytes_of(&item, "encrypted_payload");
    *payload.last_mut().unwrap() ^= 1;
    plant(&bench.servers, &bench.name, with(&item, "encrypted_payload", binary(payload))).await;
    let tampered = table.coverage().open(bench.keys(&bench.old)).sample(1_000).send().await;
    let tampered = tampered.unwrap();
    assert_eq!(problems(&tampered), [(FindingKind::NotOpened, 1)]);
    assert!(tampered.findings[0].record.contains("PATIENT#p_7"), "{tampered}");
    assert!(tampered.findings[0].problem.contains("not authentic"), "{tampered}");
    let other = table.coverage().open(bench.keys(&bench.new)).send().await.unwrap();
    assert_eq!((other.holds(), other.opened.unwrap().failed), (false, 30));
}
