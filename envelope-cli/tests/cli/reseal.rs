//! `envelope reseal` as a process.

use crate::bench::Bench;
use crate::process::Ended;

impl Bench {
    fn reseal(&self, more: &[&str]) -> Ended {
        let table = ["reseal", "--table", &self.name, "--schema", &self.schema];
        self.run(&[&table[..], more].concat())
    }
}

#[tokio::test]
async fn records_get_new_data_keys_of_another_kms_key() {
    let bench = Bench::of(4).await;
    let ended = bench.reseal(&["--from", &bench.old, "--to", &bench.new]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("resealed 4   already 0"), "{}", ended.stdout);
    assert!(bench.faults.calls("GenerateDataKey") > 0);
    bench.assert_all_open(&bench.new, 4).await;
    let again = bench.reseal(&["--from", &bench.old, "--to", &bench.new, "--output", "json"]);
    assert_eq!(again.json()["counts"]["already"], 4);
    assert!(!ended.stdout.contains("DIAGNOSIS") && !ended.stderr.contains("NAME-"));
}

#[tokio::test]
async fn records_get_data_keys_of_branch_keys() {
    let bench = Bench::of(3).await;
    let branches = bench.branch_keys(&["create-table"]);
    assert_eq!(branches.code, 0, "{branches:?}");
    let made = bench.branch_keys(&["create", "--branch", "west", "--kms-key", &bench.new]);
    let version = made.stdout.trim().to_owned();
    let branch_keys = ["--branch-keys", &bench.branches, "--branch-pair", "ward"];
    let keys = ["--from", &bench.old, "--kms-key", &bench.new];
    let ended = bench.reseal(&[&branch_keys[..], &keys].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("resealed 3"), "{}", ended.stdout);

    // "None under the old key" is trivially true of branch keys, and so it does not hold alone.
    let coverage = ["coverage", "--table", &bench.name, "--schema", &bench.schema];
    let expect = ["--expect-none", &bench.old];
    let alone = bench.run(&[&coverage[..], &expect].concat());
    assert_eq!(alone.code, 3, "{alone:?}");
    let both = [&coverage[..], &expect, &["--branch-keys", &bench.branches]].concat();
    let both = bench.run(&both);
    assert_eq!(both.code, 0, "{both:?}");
    assert!(both.stdout.contains(&version.replace('-', "")) || both.stdout.contains(&version));
    let open = ["--open", "--kms-key", &bench.new];
    let opened = bench.run(&[&coverage[..], &branch_keys, &open].concat());
    assert_eq!(opened.code, 0, "{opened:?}");
    assert!(opened.stdout.contains("3 opened, none failed"), "{}", opened.stdout);

    // A new version of the branch: the records are due again.
    let rotated = bench.branch_keys(&["rotate", "--branch", "west", "--kms-key", &bench.new]);
    assert_eq!(rotated.code, 0, "{rotated:?}");
    let again = bench.reseal(&[&branch_keys[..], &["--kms-key", &bench.new]].concat());
    assert!(again.stdout.starts_with("resealed 3"), "{again:?}");
}

#[tokio::test]
async fn mistakes_are_explained() {
    let bench = Bench::of(1).await;
    bench.reseal(&[]).refused(2, &["--from"]);
    bench.reseal(&["--from", &bench.old]).refused(2, &["--to"]);
    bench
        .reseal(&["--from", &bench.old, "--to", &bench.old])
        .refused(2, &["is both --from and --to", "Make a new KMS key"]);
    bench
        .reseal(&["--from", &bench.old, "--to", &bench.new, "--branch-keys", "b"])
        .refused(2, &["cannot be used with"]);
    bench.reseal(&["--branch-keys", "b"]).refused(2, &["name the KMS key with --kms-key"]);
    bench
        .reseal(&["--from", "alias/old", "--to", &bench.new, "--part", "0/2"])
        .refused(2, &["alias/old is not the ARN of a key"]);
    assert_eq!(bench.faults.calls("UpdateItem"), 0);
}
