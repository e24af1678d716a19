//! `envelope coverage` as a process.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_examples::Fault;
use serde_json::json;

use crate::bench::Bench;
use crate::process::Ended;

impl Bench {
    fn coverage(&self, more: &[&str]) -> Ended {
        let table = ["coverage", "--table", &self.name, "--schema", &self.schema];
        self.run(&[&table[..], more].concat())
    }
}

#[tokio::test]
async fn the_report_holds_once_the_table_is_moved() {
    let bench = Bench::of(6).await;
    let before = bench.coverage(&["--expect-none", &bench.old]);
    assert_eq!(before.code, 3, "{before:?}");
    assert!(before.stdout.starts_with("one table in one region: arn:aws:dynamodb:"));
    assert!(before.stdout.contains("DOES NOT HOLD"), "{}", before.stdout);
    assert!(before.stdout.contains("under-key: 6 items"), "{}", before.stdout);

    assert_eq!(bench.run(&bench.rewrap(&[])).code, 0);
    let after = bench.coverage(&["--expect-none", &bench.old, "--expect-sealed"]);
    assert_eq!(after.code, 0, "{after:?}");
    assert!(after.stdout.ends_with("holds\n"), "{}", after.stdout);
    assert!(!after.stdout.contains("NAME-") && !after.stdout.contains("DIAGNOSIS"));
    assert_eq!(bench.faults.calls("Decrypt"), 0);

    let json = bench.coverage(&["--expect-none", &bench.new, "--output", "json"]);
    assert_eq!(json.code, 3);
    let report = json.json();
    assert_eq!((&report["holds"], &report["read"]["items"]), (&json!(false), &json!(6)));
    assert_eq!(report["findings"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn records_are_opened_with_the_keys_that_are_given_alone() {
    let bench = Bench::of(5).await;
    let open =
        |key: &str, more: &[&str]| bench.coverage(&[&["--open", "--kms-key", key], more].concat());
    let wrong = open(&bench.new, &[]);
    assert_eq!(wrong.code, 3, "{wrong:?}");
    assert!(wrong.stdout.contains("0 opened, 5 failed"), "{}", wrong.stdout);
    let right = open(&bench.old, &[]);
    assert_eq!(right.code, 0, "{right:?}");
    assert!(right.stdout.contains("5 opened, none failed, of all records"), "{}", right.stdout);
    let sample = open(&bench.old, &["--sample", "3"]);
    assert!(sample.stdout.contains("3 opened, none failed: with 95 %"), "{}", sample.stdout);
    assert!(!right.stdout.contains("DIAGNOSIS") && !right.stderr.contains("NAME-"));
}

#[tokio::test]
async fn mistakes_are_explained() {
    let bench = Bench::of(1).await;
    bench.coverage(&["--open"]).refused(2, &["--kms-key"]);
    bench.coverage(&["--sample", "3"]).refused(2, &["--open"]);
    bench
        .coverage(&["--expect-none", "alias/old"])
        .refused(2, &["`alias/old` is no key ARN and no key id"]);
    bench.coverage(&["--ignore", "king"]).refused(2, &["no such kind", "local-key"]);
    bench.coverage(&["--ignore", "under-key"]).refused(2, &["cannot be ignored"]);
    bench.faults.fail_always("Scan", Fault::error("AccessDeniedException"));
    bench.coverage(&[]).refused(2, &["Scan", "AccessDenied"]);
    bench
        .coverage(&["--expect-sealed"])
        .refused(2, &["AccessDenied", "`envelope policy --role auditor --expect-sealed`"]);
}

#[tokio::test]
async fn half_a_count_is_no_report() {
    let bench = Bench::of(2).await;
    bench.faults.hold("Scan");
    let ended = bench.coverage(&["--deadline", "1s"]);
    ended.refused(75, &["stopped by --deadline", "counts from the beginning"]);
    assert_eq!(ended.stdout, "");
    bench.faults.release("Scan");
}

/// A plain item is planted: the check fails, and shows no value.
#[tokio::test]
async fn plaintext_fails_the_check_and_copies_are_listed() {
    let bench = Bench::of(3).await;
    let sealed = bench.coverage(&["--expect-sealed"]);
    assert_eq!(sealed.code, 0, "{sealed:?}");
    assert!(sealed.stdout.contains("\n  not asked: backup: recovery points in AWS Backup"));
    let put = bench.servers.dynamodb().put_item().table_name(&bench.name);
    let text = |value: &str| AttributeValue::S(value.to_owned());
    put.item("patient_id", text("p_9"))
        .item("ward", text("west"))
        .item("name", text("NAME-9"))
        .item("diagnosis", text("DIAGNOSIS"))
        .send()
        .await
        .unwrap();
    let plain = bench.coverage(&["--expect-sealed"]);
    assert_eq!(plain.code, 3, "{plain:?}");
    assert!(plain.stdout.contains("not-sealed: 1 items, 1 of them named above"), "{plain:?}");
    assert!(plain.stdout.contains("\nexpected: no item, and no protected field, in plaintext\n"));
    let open = ["--expect-sealed", "--open", "--kms-key", &bench.old, "--sample", "2"];
    assert_eq!(bench.coverage(&open).code, 3, "a sample of sealed records cannot hide it");
    let json = bench.coverage(&["--expect-sealed", "--output", "json"]);
    assert_eq!(json.json()["problems"], json!({ "not-sealed": 1 }));
    for said in [&plain.stdout, &plain.stderr, &json.stdout] {
        assert!(!said.contains("NAME-9") && !said.contains("DIAGNOSIS"), "{said}");
    }
}
