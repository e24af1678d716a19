//! `envelope branch-keys` as a process.

use crate::bench::Bench;
use crate::process::Ended;

impl Bench {
    /// A command on the table of branch keys.
    pub(crate) fn branch_keys(&self, arguments: &[&str]) -> Ended {
        self.run(&[&["branch-keys"], arguments, &["--branch-keys", &self.branches]].concat())
    }
}

#[tokio::test]
async fn a_branch_is_created_rotated_moved_and_deleted() {
    let bench = Bench::of(0).await;
    let done = |arguments: &[&str]| {
        let ended = bench.branch_keys(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        ended.stdout.trim().to_owned()
    };
    assert_eq!(done(&["create-table"]), format!("created the table {}", bench.branches));
    let branch = ["--branch", "t_7", "--kms-key", &bench.old];
    let first = done(&[&["create"], &branch[..]].concat());
    let second = done(&[&["rotate"], &branch[..]].concat());
    assert_eq!(done(&["list"]), format!("t_7\t{second}"));
    let versions = done(&["versions", "--branch", "t_7"]);
    assert_eq!(versions.lines().count(), 2, "{versions}");
    assert!(versions.contains(&first) && versions.contains("\tactive"), "{versions}");
    // RFC 3339, and no older than this program.
    assert_eq!(versions.matches("\tcreated 20").count(), 2, "{versions}");
    assert_eq!(versions.matches("Z").count(), 2, "{versions}");

    let moved = done(&["rewrap", "--from", &bench.old, "--to", &bench.new]);
    assert!(moved.starts_with("moved 2   already 0   other key 0   no envelope 1   failed 0"));
    for operation in ["Decrypt", "GenerateDataKey", "Encrypt"] {
        assert_eq!(bench.faults.calls(operation), 0, "the operator sees no branch key");
    }
    let listed = bench.branch_keys(&["versions", "--branch", "t_7", "--output", "json"]).json();
    assert_eq!(listed[1]["active"], listed[1]["version"] == second);
    let branches = bench.branch_keys(&["list", "--output", "json"]).json();
    assert_eq!(branches, serde_json::json!([{ "branch": "t_7", "active_version": second }]));

    let delete = |version: &str, confirm: &str| {
        let branch = ["--branch", "t_7", "--version", version, "--confirm", confirm];
        bench.branch_keys(&[&["delete-version"], &branch[..]].concat())
    };
    delete(&second, &second).refused(2, &["active"]);
    delete(&first, "yes").refused(2, &["--confirm is `yes`", "nothing was deleted"]);
    assert_eq!(delete(&first, &first).stdout, "deleted 1 version\n");
    assert_eq!(delete(&first, &first).stdout, "nothing was there to delete\n");
    let whole =
        |confirm: &str| bench.branch_keys(&["delete", "--branch", "t_7", "--confirm", confirm]);
    whole("t_8").refused(2, &["--confirm is `t_8`", "nothing was deleted"]);
    assert_eq!(whole("t_7").stdout, "deleted 1 version\n");
    assert_eq!(done(&["list"]), "");
}

#[tokio::test]
async fn mistakes_are_explained() {
    let bench = Bench::of(0).await;
    bench.branch_keys(&["list"]).refused(2, &["ResourceNotFound"]);
    assert_eq!(bench.branch_keys(&["create-table"]).code, 0);
    bench.branch_keys(&["create-table"]).refused(2, &["CreateTable"]);
    let branch = ["--branch", "t_7", "--kms-key", &bench.old];
    bench.branch_keys(&[&["rotate"], &branch[..]].concat()).refused(2, &["t_7", "never created"]);
    assert_eq!(bench.branch_keys(&[&["create"], &branch[..]].concat()).code, 0);
    bench.branch_keys(&[&["create"], &branch[..]].concat()).refused(2, &["t_7"]);
    bench.branch_keys(&["versions", "--branch", "t_8"]).refused(2, &["t_8", "never created"]);
    bench
        .branch_keys(&["delete-version", "--branch", "t_7", "--version", "1", "--confirm", "1"])
        .refused(2, &["`1` is no version of a branch key"]);
    bench
        .branch_keys(&["rewrap", "--from", &bench.old, "--to", "alias/new", "--part", "0/2"])
        .refused(2, &["alias/new is not the ARN of a key"]);
}
