//! `envelope schema`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{USERS, file, run, run_in, scratch, users};

#[test]
fn a_printed_schema_is_a_schema_file() {
    let ended = run(&["schema", "print", "--schema", &users()]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let again = run(&["schema", "print", "--schema", &file("printed.json", &ended.stdout)]);
    assert_eq!(again.stdout, ended.stdout);
}

#[test]
fn a_field_that_is_less_protected_is_found_with_its_repair() {
    let (before, now) = (users(), file("now.json", &USERS.replace("encrypted", "plaintext")));
    let ended = run(&["schema", "check", "--against", &before, "--schema", &now]);
    assert_eq!(ended.code, 3);
    assert_eq!(
        ended.stdout,
        format!(
            "less protected: User.email: #[encrypted] before, #[plaintext] now; new records show \
             the value to more people\n  repair: change it back, or say why in the schema file: \
             `\"reasons\": {{ \"email\": \"..\" }}`\n1 change since {before} needs a repair\n"
        )
    );
    let json = ["--output", "json"];
    let ended =
        run(&[&["schema", "check", "--against", &before, "--schema", &now], &json[..]].concat());
    assert_eq!(ended.code, 3);
    let change = &ended.json()["changes"][0];
    assert_eq!(change["record"], "User");
    assert_eq!(change["attribute"], "email");
    assert_eq!(change["effect"], "less-protected");
    assert!(change["problem"].is_string() && change["repair"].is_string());
}

#[test]
fn every_kind_of_harm_exits_with_3() {
    let before = users();
    for (from, to, effect) in [
        ("\"email\": \"encrypted\"", "\"email\": \"authenticated\"", "less-protected"),
        ("\"plan\": \"authenticated\"", "\"tariff\": \"authenticated\"", "refused"),
        ("\"table\": \"users\"", "\"table\": \"people\"", "does-not-open"),
        (
            "\"plan\": \"authenticated\"",
            "\"tariff\": { \"mark\": \"authenticated\", \"optional\": true }",
            "may-lose-values",
        ),
    ] {
        let now = file("now.json", &USERS.replace(from, to));
        let check = ["schema", "check", "--against", &before, "--schema", &now];
        let ended = run(&[&check[..], &["--output", "json"]].concat());
        assert_eq!(ended.code, 3, "{to}: {ended:?}");
        let changes = ended.json()["changes"].as_array().unwrap().clone();
        assert!(changes.iter().any(|change| change["effect"] == effect), "{to}: {changes:?}");
    }
}

#[test]
fn a_harmless_change_exits_with_0() {
    let before = users();
    let now = USERS.replace(
        "\"email\": \"encrypted\"",
        "\"email\": \"encrypted\", \"fax\": { \"mark\": \"encrypted\", \"optional\": true }",
    );
    let ended = run(&["schema", "check", "--against", &before, "--schema", &file("n", &now)]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.stdout, format!("no change since {before} harms stored records\n"));
}

/// A repository with the schema file in a folder, in one commit.
fn repository() -> PathBuf {
    let root = scratch();
    fs::create_dir_all(root.join("service")).unwrap();
    git(&root, &["init", "--quiet", "--initial-branch=main"]);
    git(&root, &["commit", "--quiet", "--allow-empty", "--message=empty"]);
    git(&root, &["tag", "empty"]);
    fs::write(root.join("service/envelope.schema.json"), USERS).unwrap();
    git(&root, &["add", "."]);
    git(&root, &["commit", "--quiet", "--message=schema"]);
    root
}

fn git(root: &Path, arguments: &[&str]) {
    let who = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    let done = Command::new("git").current_dir(root).args(who).args(arguments).status().unwrap();
    assert!(done.success(), "git {arguments:?}");
}

#[test]
fn a_revision_of_git_is_compared() {
    let root = repository();
    let path = root.join("service/envelope.schema.json");
    fs::write(&path, USERS.replace("encrypted", "plaintext")).unwrap();
    let check = |directory: &Path, more: &[&str]| {
        run_in(directory, &[&["schema", "check", "--against"], more].concat())
    };
    let service = root.join("service");
    assert_eq!(check(&service, &["main"]).code, 3);
    assert_eq!(check(&root, &["HEAD", "--schema", "service/envelope.schema.json"]).code, 3);
    assert_eq!(check(&scratch(), &["main", "--schema", path.to_str().unwrap()]).code, 3);

    check(&service, &["empty"]).refused(2, &["empty has no envelope.schema.json", "--allow-miss"]);
    let allowed = check(&service, &["empty", "--allow-missing"]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    assert!(allowed.stderr.contains("nothing to compare"), "{allowed:?}");
    check(&service, &["origin/main"]).refused(2, &["`origin/main` is neither a file nor a revis"]);
    check(&service, &["--exec=/bin/false"]).refused(2, &["--exec"]);
    check(&service, &["--against=-h"]).refused(2, &[]);
    assert!(run_in(&service, &["schema", "check", "--against=--help"]).stderr.contains("neither"));
}

#[test]
fn a_day_that_is_past_fails_the_check() {
    let accepts = USERS.replace(
        "\"email\": \"encrypted\"",
        "\"email\": { \"mark\": \"encrypted\", \"accept\": \"plaintext\" }",
    );
    let until = "\"plaintext_until\": \"2027-03-31\", \"fields\"";
    let (before, none) = (users(), file("none.json", &accepts));
    let dated = file("dated.json", &accepts.replace("\"fields\"", until));
    let taken_in = file("taken.json", &USERS.replace("\"fields\"", until));
    let check = |schema: &str, today: &str, more: &[&str]| {
        let check = ["schema", "check", "--against", &before, "--schema", schema, "--today", today];
        run(&[&check[..], more].concat())
    };
    for schema in [&dated, &taken_in] {
        let last = check(schema, "2027-03-31", &[]);
        assert_eq!((last.code, last.stdout.lines().count()), (0, 1), "{last:?}");
        let past = check(schema, "2027-04-01", &[]);
        assert_eq!(past.code, 3, "{past:?}");
        assert!(past.stdout.starts_with("plaintext for too long: User: "), "{past:?}");
        assert!(past.stdout.contains("until 2027-03-31\n  repair: seal what is left"), "{past:?}");
    }
    let json = check(&dated, "2027-04-01", &["--output", "json"]).json();
    assert_eq!(json["overdue"][0]["record"], "User");
    assert_eq!(json["changes"], serde_json::json!([]));
    let unlimited = check(&none, "2026-11-22", &[]);
    assert_eq!(unlimited.code, 3, "{unlimited:?}");
    assert!(unlimited.stdout.contains("the schema file does not say how long"), "{unlimited:?}");

    check(&dated, "tomorrow", &[]).refused(2, &["this is no day such as 2027-03-31"]);
    let wrong = file(
        "wrong.json",
        &accepts.replace("\"fields\"", "\"plaintext_until\": \"x\", \"fields\""),
    );
    check(&wrong, "2026-11-22", &[]).refused(2, &["`plaintext_until` is `x`"]);
    // Without --today, today is today: this day was past before the program was written.
    let long_ago = accepts.replace("\"fields\"", "\"plaintext_until\": \"2026-01-01\", \"fields\"");
    let long_ago = file("long-ago.json", &long_ago);
    let check = ["schema", "check", "--against", &before, "--schema", &long_ago];
    assert_eq!(run(&check).code, 3);
}
