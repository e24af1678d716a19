//! The help texts, completions and the man page. The texts are files in `help/`.

use std::path::Path;
use std::{env, fs};

use crate::process::run;

/// The commands, each with the arguments before `--help`.
const COMMANDS: &[&[&str]] = &[
    &[],
    &["backfill"],
    &["branch-keys"],
    &["branch-keys", "create"],
    &["branch-keys", "create-table"],
    &["branch-keys", "delete"],
    &["branch-keys", "delete-version"],
    &["branch-keys", "list"],
    &["branch-keys", "rewrap"],
    &["branch-keys", "rotate"],
    &["branch-keys", "versions"],
    &["completions"],
    &["coverage"],
    &["inspect"],
    &["leakage"],
    &["man"],
    &["policy"],
    &["reindex"],
    &["reseal"],
    &["rewrap"],
    &["schema"],
    &["schema", "check"],
    &["schema", "print"],
    &["search-keys"],
    &["search-keys", "cancel"],
    &["search-keys", "create"],
    &["search-keys", "create-table"],
    &["search-keys", "delete-version"],
    &["search-keys", "list"],
    &["search-keys", "retire"],
    &["search-keys", "rewrap"],
    &["search-keys", "rotate"],
    &["search-keys", "versions"],
    &["stale"],
];

#[test]
fn the_help_texts_are_those_in_the_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/help");
    let is_write = env::var("ENVELOPE_HELP").is_ok_and(|value| value == "write");
    let mut differing = Vec::new();
    for command in COMMANDS {
        let ended = run(&[command, &["--help"][..]].concat());
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{command:?}");
        let name = if command.is_empty() { "envelope".to_owned() } else { command.join("-") };
        let path = folder.join(format!("{name}.txt"));
        if is_write {
            fs::write(&path, &ended.stdout).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != ended.stdout {
            differing.push(name);
        }
    }
    assert!(differing.is_empty(), "run with ENVELOPE_HELP=write and look: {differing:?}");
}

#[test]
fn every_help_text_has_the_exit_codes() {
    for command in COMMANDS {
        let text = run(&[command, &["--help"][..]].concat()).stdout;
        for line in ["   0  finished", "   1  failed", "   2  a person", "   3  fin", "  75  stop"]
        {
            assert!(text.contains(line), "{command:?} lacks {line:?}: {text}");
        }
    }
}

#[test]
fn lines_of_help_are_narrow() {
    let mut long = Vec::new();
    for command in COMMANDS {
        let text = run(&[command, &["--help"][..]].concat()).stdout;
        long.extend(text.lines().filter(|line| line.chars().count() > 110).map(str::to_owned));
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn completions_and_the_man_page_name_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = run(&["completions", shell]);
        assert_eq!(ended.code, 0, "{ended:?}");
        for word in ["policy", "schema", "branch-operator", "--key-policy"] {
            let word = if shell == "fish" { word.trim_start_matches("--") } else { word };
            assert!(ended.stdout.contains(word), "{shell} lacks {word}");
        }
    }
    let man = run(&["man"]);
    assert_eq!(man.code, 0, "{man:?}");
    for word in [
        "ENVELOPE BACKFILL",
        "ENVELOPE POLICY",
        "ENVELOPE REWRAP",
        "ENVELOPE SCHEMA CHECK",
        "\\-\\-allow\\-missing",
        "stopped in",
    ] {
        assert!(man.stdout.contains(word), "the man page lacks {word}");
    }
}

#[test]
fn the_version_is_that_of_the_crate() {
    assert_eq!(run(&["--version"]).stdout.trim(), concat!("envelope ", env!("CARGO_PKG_VERSION")));
}
