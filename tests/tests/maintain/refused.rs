//! Runs that are refused before they write, and records that fail.

use envelope_dynamo::maintain::{Limits, Part, RunErrorKind, SchemaFile, StoredTable};
use envelope_examples::Fault;
use envelope_examples::servers::unique_name;
use envelope_tests::{binary, plant, text, with};

use crate::bench::{Bench, Clinic, observed, patient};

#[tokio::test]
async fn a_table_with_other_keys_is_refused() {
    let bench = Bench::new().await;
    let text = SchemaFile::new().with::<Clinic>().to_string().replace("\"sk\"", "\"sort\"");
    let schema: SchemaFile = text.parse().unwrap();
    let table = StoredTable::new(bench.servers.dynamodb().clone(), &schema, "clinic").unwrap();
    let table = table.named(&bench.name);
    let error = table.rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap_err();
    assert!(error.needs_a_person());
    let name = &bench.name;
    assert_eq!(
        error.to_string(),
        format!(
            "the table {name} has the key pk (S), sk (S), and the schema file says pk (S), sort \
             (S): name the table that the file describes, or write the file again; the run has \
             not begun"
        )
    );
}

#[tokio::test]
async fn a_target_that_the_records_cannot_show_is_refused() {
    let bench = Bench::new().await;
    let table = bench.stored();
    let error = table.rewrap(bench.kms(), &bench.old, &bench.old).send().await.unwrap_err();
    assert!(error.to_string().contains("cannot show whether they were moved"), "{error}");
    let alias = format!("alias/{}", unique_name("clinic"));
    let create = bench.servers.kms().create_alias().alias_name(&alias).target_key_id(&bench.old);
    create.send().await.unwrap();
    let error = table.rewrap(bench.kms(), &alias, &bench.old).send().await.unwrap_err();
    assert!(error.to_string().contains("cannot show whether they were moved"), "{error}");

    bench.seed(1).await;
    let run = table.rewrap(bench.kms(), &alias, &bench.new).part(Part::of(0, 2).unwrap());
    let error = run.send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{alias} is an alias, and parts start at different times: name both keys by ARN; \
             the run has not begun"
        )
    );
    let counts = table.rewrap(bench.kms(), &alias, &bench.new).send().await.unwrap();
    assert_eq!(counts.changed, 3, "an alias alone is looked up");
}

#[tokio::test]
async fn a_table_that_does_not_exist_is_named() {
    let bench = Bench::new().await;
    let table = bench.stored().named("no-such-table");
    let error = table.rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap_err();
    assert!(error.needs_a_person());
    assert!(error.to_string().contains("no-such-table"), "{error}");
}

/// A wrong schema, or no permission: every record is refused.
#[tokio::test]
async fn a_run_without_any_success_ends_early() {
    let bench = Bench::new().await;
    bench.seed(30).await;
    let text = SchemaFile::new().with::<Clinic>().to_string().replace("\"care\"", "\"other\"");
    let schema: SchemaFile =
        text.replace("\"table\": \"clinic\"", "\"table\": \"ward\"").parse().unwrap();
    let table = StoredTable::new(bench.servers.dynamodb().clone(), &schema, "ward").unwrap();
    let before = bench.items().await;
    bench.faults.forget_calls();
    let named = table.named(&bench.name);
    let run = named.rewrap(bench.kms(), &bench.old, &bench.new).limits(Limits::new().in_flight(8));
    let (outcome, _) = observed(run).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error.kind(), RunErrorKind::AllRefused(_)), "{error}");
    let calls = bench.faults.calls("ReEncrypt");
    assert!((16..=32).contains(&calls), "{calls} of 90 records were tried");
    assert_eq!(bench.items().await, before);
}

#[tokio::test]
async fn a_record_that_cannot_be_moved_is_named_and_passed_over() {
    let bench = Bench::new().await;
    bench.seed(4).await;
    let items = bench.items().await;
    let mut broken: Vec<_> = items.into_iter().filter(|(key, _)| key.contains("PROFILE")).collect();
    let (_, first) = broken.remove(0);
    plant(&bench.servers, &bench.name, with(&first, "encrypted_dek", binary(vec![9, 9]))).await;
    let (_, second) = broken.remove(0);
    let other = broken.remove(0).1["encrypted_dek"].clone();
    plant(&bench.servers, &bench.name, with(&second, "encrypted_dek", other)).await;

    let stored = bench.stored();
    let (counts, mut failed) = observed(stored.rewrap(bench.kms(), &bench.old, &bench.new)).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.failed), (10, 2));
    failed.sort();
    assert!(failed[0].starts_with("clinic[pk=PATIENT#p_0, sk=PROFILE]: "), "{failed:?}");
    assert!(failed[1].starts_with("clinic[pk=PATIENT#p_1, sk=PROFILE]: "), "{failed:?}");
    let read = bench.table(&bench.new).of::<crate::bench::Patient>().get("p_2").send().await;
    assert_eq!(read.unwrap(), Some(patient(2)));
}

/// A refusal takes one call and a change two: so the first refusals come before the first change.
#[tokio::test]
async fn many_refused_records_do_not_end_a_run_that_moves_others() {
    let bench = Bench::new().await;
    bench.seed(25).await;
    let items = bench.items().await;
    let patients: Vec<_> =
        items.into_values().filter(|item| item["sk"] == text("PROFILE")).collect();
    let (last, others) = patients.split_last().unwrap();
    for item in others {
        let foreign = last["encrypted_dek"].clone();
        plant(&bench.servers, &bench.name, with(item, "encrypted_dek", foreign)).await;
    }
    let stored = bench.stored();
    let (counts, failed) = observed(stored.rewrap(bench.kms(), &bench.old, &bench.new)).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.failed, failed.len()), (51, 24, 24));
}

/// Tokio's clock stands still except where the run waits.
#[tokio::test(start_paused = true)]
async fn an_outage_ends_a_run_soon_and_asks_for_another_run() {
    let bench = Bench::new().await;
    bench.seed(50).await;
    bench.faults.fail_always("ReEncrypt", Fault::error("KMSInternalException"));
    let stored = bench.stored();
    let (ended, failed) = observed(stored.rewrap(bench.kms(), &bench.old, &bench.new)).await;
    let error = ended.unwrap_err();
    assert!(matches!(error.kind(), RunErrorKind::Transient(_)), "{error}");
    assert!(!error.needs_a_person());
    assert!(failed.len() <= 20, "{} records were reported", failed.len());

    bench.faults.recover("ReEncrypt");
    let (counts, _) = observed(stored.rewrap(bench.kms(), &bench.old, &bench.new)).await;
    assert_eq!((counts.unwrap().failed, error.counts().changed), (0, 0));
    bench.assert_all_open(&bench.new, 50).await;
}

/// What DynamoDB says of a table, as JSON: the embedded server knows neither replicas nor recovery.
fn described(table: &str, replicas: &[&str]) -> Fault {
    let replicas: Vec<_> =
        replicas.iter().map(|region| serde_json::json!({ "RegionName": region })).collect();
    let attribute = |name| serde_json::json!({ "AttributeName": name, "AttributeType": "S" });
    let key = |name, kind| serde_json::json!({ "AttributeName": name, "KeyType": kind });
    let body = serde_json::json!({ "Table": {
        "TableName": table,
        "TableArn": format!("arn:aws:dynamodb:eu-central-1:111122223333:table/{table}"),
        "TableId": "5b1c",
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "AttributeDefinitions": [attribute("pk"), attribute("sk")],
        "Replicas": replicas,
    } });
    Fault::Reply { status: 200, body: body.to_string() }
}

fn recovery(status: &str) -> Fault {
    let body = serde_json::json!({ "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": status },
    } });
    Fault::Reply { status: 200, body: body.to_string() }
}

#[tokio::test]
async fn a_global_table_is_refused_unless_one_region_writes() {
    let bench = Bench::new().await;
    bench.seed(2).await;
    let (table, before) = (bench.stored(), bench.items().await);
    let both = ["eu-central-1", "us-east-1"];
    bench.faults.fail_always("DescribeTable", described(&bench.name, &both));
    bench.faults.fail_always("DescribeContinuousBackups", recovery("ENABLED"));
    let run = || table.rewrap(bench.kms(), &bench.old, &bench.new);
    let error = run().send().await.unwrap_err();
    assert!(error.needs_a_person());
    let name = &bench.name;
    assert_eq!(
        error.to_string(),
        format!(
            "the table {name} has replicas (us-east-1): if another region writes a record at the \
             same time, its write is lost (run where all writes are made, and say that it is the \
             only region that writes); the run has not begun"
        )
    );
    assert_eq!((bench.faults.calls("Scan"), bench.items().await), (0, before));
    let counts = run().only_writer_region().send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (6, 0));
}

#[tokio::test]
async fn a_table_without_recovery_is_refused_unless_the_caller_accepts_it() {
    let bench = Bench::new().await;
    bench.seed(2).await;
    let table = bench.stored();
    bench.faults.fail_always("DescribeTable", described(&bench.name, &["eu-central-1"]));
    bench.faults.fail_always("DescribeContinuousBackups", recovery("DISABLED"));
    let run = || table.rewrap(bench.kms(), &bench.old, &bench.new);
    let error = run().send().await.unwrap_err();
    assert!(error.needs_a_person());
    assert_eq!(
        error.to_string(),
        format!(
            "point-in-time recovery of the table {} is off: switch it on, so that a mistake can \
             be undone, or say that the run may do without; the run has not begun",
            bench.name
        )
    );
    assert_eq!(bench.faults.calls("Scan"), 0);
    let counts = run().without_recovery().send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (6, 0));
}

/// KMS denies one record alone, such as one that somebody planted, with pairs that the key's policy
/// does not allow.
#[tokio::test]
async fn a_denied_record_is_named_and_passed_over() {
    let bench = Bench::new().await;
    bench.seed(4).await;
    bench.faults.fail_next("ReEncrypt", Fault::error("AccessDeniedException"));
    let table = bench.stored();
    let (counts, failed) = observed(table.rewrap(bench.kms(), &bench.old, &bench.new)).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.failed), (11, 1));
    assert!(failed[0].contains("AccessDeniedException"), "{failed:?}");
    let again = table.rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap();
    assert_eq!((again.changed, again.already), (1, 11), "the next run tries it again");
    bench.assert_all_open(&bench.new, 4).await;
}
