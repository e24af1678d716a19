//! `envelope search-keys` as a process.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::bench::Bench;
use crate::process::Ended;

impl Bench {
    /// A command on the table of search keys.
    pub(crate) fn search_keys(&self, arguments: &[&str]) -> Ended {
        self.run(&[&["search-keys"], arguments, &["--search-keys", &self.searches]].concat())
    }

    /// Puts the begin of a rotation of the branch into the past.
    pub(crate) async fn age_rotation(&self, branch: &str) {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let update = self.servers.dynamodb().update_item().table_name(&self.searches);
        let update = update.key("branch", text(branch)).key("version", text("active"));
        let update = update
            .update_expression("SET write_from = :then")
            .expression_attribute_values(":then", AttributeValue::N("1700000000".to_owned()));
        update.send().await.unwrap();
    }
}

#[tokio::test]
async fn a_search_key_is_created_rotated_moved_retired_and_deleted() {
    let bench = Bench::of(0).await;
    let done = |arguments: &[&str]| {
        let ended = bench.search_keys(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        ended.stdout.trim().to_owned()
    };
    assert_eq!(done(&["create-table"]), format!("created the table {}", bench.searches));
    let (of, key) = (["--branch", "users"], ["--kms-key", &bench.old]);
    let created = done(&[&["create"], &of[..], &key, &["--max-age", "60"]].concat());
    let first = created.strip_prefix("users\t").unwrap().to_owned();
    assert_eq!(done(&["list"]), created);

    let rotated = done(&[&["rotate"], &of[..], &key].concat());
    assert_eq!(done(&["list"]), rotated);
    let parts: Vec<_> = rotated.split('\t').collect();
    assert!(parts[2].starts_with("written from 20") && parts[2].ends_with('Z'), "{rotated}");
    assert_eq!(parts[3], format!("also searched {first}"));
    assert!(parts[4].starts_with("to retire from 20"), "{rotated}");
    bench
        .search_keys(&[&["retire"], &of[..], &["--without-count"]].concat())
        .refused(2, &["may still be written", "retire it from 20"]);
    let cancelled = done(&[&["cancel"], &of[..]].concat());
    assert!(
        cancelled.contains(&first) && cancelled.contains("rotation cancelled 20"),
        "{cancelled}"
    );

    let json = bench.search_keys(&["list", "--output", "json"]).json();
    assert_eq!((&json[0]["branch"], &json[0]["max_age"]), (&"users".into(), &60.into()));
    assert_eq!((&json[0]["write"], &json[0]["write_from"]), (&(*first).into(), &().into()));
    let second = json[0]["also_search"].as_str().unwrap().to_owned();

    let moved = done(&["rewrap", "--from", &bench.old, "--to", &bench.new]);
    assert!(moved.starts_with("moved 2   already 0   other key 0   no envelope 1   failed 0"));
    for operation in ["Decrypt", "GenerateDataKey", "Encrypt"] {
        assert_eq!(bench.faults.calls(operation), 0, "the operator sees no search key");
    }

    let created = done(&[&["create", "--branch", "orders"], &key[..]].concat());
    done(&[&["rotate", "--branch", "orders"], &key[..]].concat());
    bench.age_rotation("orders").await;
    bench
        .search_keys(&["cancel", "--branch", "orders"])
        .refused(2, &["cannot be cancelled any more"]);
    assert!(done(&["list"]).contains("\twritten since 2023-11-14T22:13:20Z"));
    let old = created.strip_prefix("orders\t").unwrap();
    let retire = || done(&["retire", "--branch", "orders", "--without-count"]);
    assert_eq!(retire(), format!("retired {old}"));
    assert_eq!(retire(), "one version is searched for: nothing was there to retire");
    let versions = done(&["versions", "--branch", "orders"]);
    assert_eq!((versions.lines().count(), versions.matches("\tactive").count()), (2, 1));

    let delete = |branch: &str, version: &str, confirm: &str| {
        let of = ["--branch", branch, "--version", version, "--confirm", confirm];
        bench.search_keys(&[&["delete-version"], &of[..]].concat())
    };
    delete("users", &second, &second).refused(2, &["is searched for"]);
    delete("orders", old, "yes").refused(2, &["--confirm is `yes`", "nothing was deleted"]);
    delete("orders", "1", "1").refused(2, &["`1` is no version of a search key"]);
    assert_eq!(delete("orders", old, old).stdout, "deleted 1 version\n");
    assert_eq!(delete("orders", old, old).stdout, "nothing was there to delete\n");
}

#[tokio::test]
async fn mistakes_are_explained() {
    let bench = Bench::of(0).await;
    bench.search_keys(&["list"]).refused(2, &["ResourceNotFound"]);
    assert_eq!(bench.search_keys(&["create-table"]).code, 0);
    let of = ["--branch", "users", "--kms-key", &bench.old];
    bench
        .search_keys(&[&["rotate"], &of[..]].concat())
        .refused(2, &["there is no search key `users`", "create it once"]);
    bench
        .search_keys(&[&["create"], &of[..], &["--max-age", "0"]].concat())
        .refused(2, &["between a second and 24 hours"]);
    assert_eq!(bench.search_keys(&[&["create"], &of[..]].concat()).code, 0);
    bench.search_keys(&[&["create"], &of[..]].concat()).refused(2, &["users", "exists"]);
    bench.search_keys(&["cancel", "--branch", "users"]).refused(2, &["nothing to cancel"]);
    assert_eq!(bench.search_keys(&[&["rotate"], &of[..]].concat()).code, 0);
    bench.search_keys(&[&["rotate"], &of[..]].concat()).refused(2, &["already has two versions"]);
    bench
        .search_keys(&["rewrap", "--from", &bench.old, "--to", "alias/new", "--part", "0/2"])
        .refused(2, &["alias/new is not the ARN of a key"]);
}
