//! `envelope rewrap` as a process, beside the embedded servers.

use std::io::Read;
use std::process::Stdio;

use envelope_examples::Fault;

use crate::bench::Bench;

#[tokio::test]
async fn a_table_is_moved_and_the_counts_are_printed() {
    let bench = Bench::of(12).await;
    let ended = bench.run(&bench.rewrap(&[]));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.stdout.starts_with(
            "moved 12   already 0   other key 0   no envelope 0   failed 0\n24 KMS calls   "
        ),
        "{}",
        ended.stdout
    );
    for part in [&format!("from {}", bench.old), &format!("to {}", bench.new), "TableId", "no repl"]
    {
        assert!(ended.stderr.contains(part), "no {part} in {}", ended.stderr);
    }
    bench.assert_all_open(&bench.new, 12).await;
    let again = bench.run(&bench.rewrap(&[]));
    assert_eq!(again.code, 0);
    assert!(again.stdout.starts_with("moved 0   already 12"), "{}", again.stdout);
    assert!(!ended.stdout.contains("DIAGNOSIS") && !ended.stderr.contains("NAME-"));
}

#[tokio::test]
async fn the_parts_of_a_run_move_every_record_once() {
    let bench = Bench::of(20).await;
    let mut moved = 0;
    for index in 0..4 {
        let mut command = bench.command(&bench.rewrap(&["--part", "auto/4", "--output", "json"]));
        command.env("JOB_COMPLETION_INDEX", index.to_string());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(result["part"], format!("{index}/4"));
        moved += result["counts"]["changed"].as_u64().unwrap();
    }
    assert_eq!(moved, 20);
    bench.assert_all_open(&bench.new, 20).await;
}

#[tokio::test]
async fn the_result_as_json_has_stable_names() {
    let bench = Bench::of(3).await;
    let ended = bench.run(&bench.rewrap(&["--output", "json"]));
    let result = ended.json();
    assert_eq!(result["command"], "rewrap");
    assert_eq!(result["to"], *bench.new);
    assert_eq!(result["finished"], true);
    assert_eq!(result["failed"], serde_json::json!([]));
    assert_eq!(result["table"]["items"], 3);
    let mut names: Vec<_> = result["counts"].as_object().unwrap().keys().cloned().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "already",
            "changed",
            "failed",
            "kms_calls",
            "not_sealed",
            "other_key",
            "overtaken",
            "pages",
            "read_units",
            "write_units"
        ]
    );
}

#[tokio::test]
async fn a_failed_record_is_named_and_the_rest_goes_on() {
    let bench = Bench::of(5).await;
    let broken = aws_sdk_dynamodb::types::AttributeValue::B(vec![9; 20].into());
    let key = aws_sdk_dynamodb::types::AttributeValue::S("p_3".into());
    let update = bench.servers.dynamodb().update_item().table_name(&bench.name);
    let update = update.key("patient_id", key).update_expression("SET encrypted_dek = :broken");
    update.expression_attribute_values(":broken", broken).send().await.unwrap();

    let ended = bench.run(&bench.rewrap(&[]));
    assert_eq!(ended.code, 3, "{ended:?}");
    let failed = ended.stdout.lines().next().unwrap();
    // The struct shows the digest of its key to KMS, and so does the message.
    assert!(failed.starts_with("failed ") && failed.contains("format version 9"), "{failed}");
    assert!(!failed.contains("p_3"), "{failed}");
    assert!(ended.stdout.contains("moved 4"), "{}", ended.stdout);
    assert!(ended.stdout.contains("failed 1 (named above)"), "{}", ended.stdout);

    let json = bench.run(&bench.rewrap(&["--output", "json"])).json();
    assert!(json["failed"][0].as_str().unwrap().contains("format version 9"), "{json}");
}

#[tokio::test]
async fn mistakes_are_explained_before_anything_is_written() {
    let bench = Bench::of(2).await;
    let keys = |from: &str, to: &str, more: &[&str]| {
        let table = ["rewrap", "--table", &bench.name, "--schema", &bench.schema];
        bench.run(&[&table[..], &["--from", from, "--to", to], more].concat())
    };
    keys("alias/old", &bench.new, &["--part", "0/4"])
        .refused(2, &["alias/old is not the ARN of a key", "describe-key --key-id alias/old"]);
    keys(&bench.old, &bench.new, &["--part", "9/8"]).refused(2, &["9/8", "counted from 0"]);
    keys(&bench.old, &bench.new, &["--part", "auto/8"]).refused(2, &["JOB_COMPLETION_INDEX"]);
    keys("alias/none", &bench.new, &[])
        .refused(2, &["KMS does not describe the key alias/none", "another region or account"]);
    keys(&bench.old, &bench.old, &[]).refused(2, &["the run has not begun"]);
    keys(&bench.old, &bench.new, &["--deadline", "soon"]).refused(2, &["90s, 50m or 2h"]);
    keys(&bench.old, &bench.new, &["--max-kms", "0"]).refused(2, &["a number above 0"]);

    let other = bench.run(
        &["rewrap", "--table", "no-such-table", "--schema", &bench.schema, "--from", &bench.old]
            .into_iter()
            .chain(["--to", &bench.new])
            .collect::<Vec<_>>(),
    );
    other.refused(2, &["no-such-table", "ResourceNotFound"]);
    assert_eq!(bench.faults.calls("UpdateItem"), 0);
}

#[tokio::test]
async fn missing_region_credentials_and_permission_are_told_apart() {
    let bench = Bench::of(1).await;
    let without = |prefixes: &[&str]| {
        let mut environment = bench.environment();
        environment.retain(|(name, _)| !prefixes.iter().any(|prefix| name.starts_with(prefix)));
        crate::process::run_with(&bench.rewrap(&[]), &environment, "")
    };
    without(&["AWS_REGION", "AWS_DEFAULT_REGION"]).refused(2, &["no AWS region", "--region"]);
    without(&["AWS_ACCESS", "AWS_SECRET"])
        .refused(2, &["the AWS credentials could not be obtained", "aws sso login"]);

    bench.faults.fail_always("ReEncrypt", Fault::error("AccessDeniedException"));
    bench
        .run(&bench.rewrap(&[]))
        .refused(2, &["no record could be changed", "access denied", "permissions of this role"]);
    bench.faults.fail_always("Scan", Fault::error("AccessDeniedException"));
    bench.run(&bench.rewrap(&[])).refused(2, &["Scan", "AccessDenied"]);
    bench.faults.fail_always("DescribeTable", Fault::error("AccessDeniedException"));
    bench.run(&bench.rewrap(&[])).refused(2, &["DescribeTable", "AccessDenied"]);
    assert_eq!(bench.faults.calls("UpdateItem"), 0);
}

#[tokio::test]
async fn a_run_is_stopped_in_time_and_goes_on_later() {
    let bench = Bench::of(8).await;
    bench.faults.hold("ReEncrypt");
    let ended = bench.run(&bench.rewrap(&["--deadline", "1s"]));
    ended.refused(75, &["stopped by --deadline with work left"]);
    assert!(ended.stdout.contains("moved 0"), "{ended:?}");
    bench.faults.release("ReEncrypt");
    assert_eq!(bench.run(&bench.rewrap(&[])).code, 0);
    bench.assert_all_open(&bench.new, 8).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_stops_a_run_with_75() {
    for signal in ["TERM", "INT"] {
        let bench = Bench::of(4).await;
        bench.faults.hold("ReEncrypt");
        let mut command = bench.command(&bench.rewrap(&[]));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        while bench.faults.calls("ReEncrypt") == 0 {
            tokio::task::yield_now().await;
            assert!(child.try_wait().unwrap().is_none(), "the process ended early");
        }
        let pid = child.id().to_string();
        let sent = std::process::Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
        let status = child.wait().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(status.code(), Some(75), "{signal}: {stderr}");
        assert!(stderr.contains("start the same command again"), "{stderr}");
        bench.faults.release("ReEncrypt");
    }
}

#[tokio::test]
async fn progress_is_printed_as_lines_where_there_is_no_terminal() {
    let bench = Bench::of(10).await;
    let ended = bench.run(&bench.rewrap(&["--progress-every", "0"]));
    assert_eq!(ended.code, 0);
    let lines = ended.stderr.lines().filter(|line| line.contains(" of about 10   ")).count();
    assert!(lines >= 4, "{}", ended.stderr);
    assert!(!ended.stdout.contains("of about"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_tells_what_the_run_consumes() {
    let bench = Bench::of(9).await;
    let text = bench.run(&bench.rewrap(&["--dry-run"]));
    assert_eq!(text.code, 0, "{text:?}");
    assert!(text.stdout.contains('9') && text.stdout.contains("KMS"), "{}", text.stdout);
    let estimate = bench.run(&bench.rewrap(&["--dry-run", "--output", "json"])).json();
    assert_eq!(bench.faults.calls("UpdateItem") + bench.faults.calls("ReEncrypt"), 0);
    assert_eq!(estimate["classes"]["due"], 9.0);

    let run = bench.run(&bench.rewrap(&["--output", "json"])).json();
    for of in ["kms_calls", "write_units", "read_units"] {
        let (told, consumed) = (&estimate["demand"][of], &run["counts"][of]);
        assert_eq!(told.as_f64(), consumed.as_f64(), "{of}");
    }
    assert!(!text.stdout.contains("NAME-") && !text.stdout.contains("DIAGNOSIS"));
    bench.run(&bench.rewrap(&["--all-pages"])).refused(2, &["--dry-run"]);
}
