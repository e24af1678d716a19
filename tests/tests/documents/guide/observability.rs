//! The code of docs/guide/observability.md, and the names of its events and counters.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use envelope_dynamo::keys::{
    CacheLimits, CachedKeyProvider, KeyCounters, KeyEvent, ObservedKeyProvider,
};
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_testing::Aws;

use crate::guide::{read, root};

const PAGE: &str = "docs/guide/observability.md";

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

#[tokio::test]
async fn calls_and_what_the_cache_spared_are_counted_apart() -> Result<(), Box<dyn Error>> {
    let aws = Aws::embedded().await?;
    aws.create_table::<User>("users").await?;
    aws.create_alias("alias/users").await?;
    let (dynamodb, kms) = (aws.dynamodb().clone(), aws.kms().clone());

    let (calls, cache) = (Arc::new(KeyCounters::default()), Arc::new(KeyCounters::default()));
    let kms = ObservedKeyProvider::new(KmsKeyProvider::new(kms, "alias/users"), calls.clone());
    let limits = CacheLimits::new(Duration::from_secs(300));
    let keys = CachedKeyProvider::new(kms, limits).observed_by(cache.clone());
    let users = Table::<User>::new(dynamodb, keys);

    let zoe = User { user_id: "u_1".to_owned(), email: "zoe@example.com".to_owned() };
    users.put(&zoe).send().await?;
    for _ in 0..3 {
        users.get("u_1").send().await?;
    }
    let text = expose("envelope_calls_total", &calls) + &expose("envelope_cache_total", &cache);
    for line in [
        "envelope_calls_total{event=\"generated\"} 1\n",
        "envelope_calls_total{event=\"unwrapped\"} 1\n",
        "envelope_calls_total{event=\"failed\"} 0\n",
        "envelope_cache_total{event=\"cache_hit\"} 2\n",
        "envelope_cache_total{event=\"cache_miss\"} 1\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    Ok(())
}

const EVENTS: [(&str, KeyEvent); 12] = [
    ("generated", KeyEvent::Generated),
    ("shared", KeyEvent::Shared),
    ("unwrapped", KeyEvent::Unwrapped),
    ("cache_hit", KeyEvent::CacheHit),
    ("cache_miss", KeyEvent::CacheMiss),
    ("evicted", KeyEvent::Evicted),
    ("served_while_unreachable", KeyEvent::ServedWhileUnreachable),
    ("active_version_fetched", KeyEvent::ActiveVersionFetched),
    ("branch_key_fetched", KeyEvent::BranchKeyFetched),
    ("search_versions_fetched", KeyEvent::SearchVersionsFetched),
    ("search_key_fetched", KeyEvent::SearchKeyFetched),
    ("failed", KeyEvent::Failed),
];

fn expose(metric: &str, counters: &KeyCounters) -> String {
    let line = |(name, event)| format!("{metric}{{event=\"{name}\"}} {}\n", counters.count(event));
    EVENTS.map(line).concat()
}

/// The list of counters has each event under its own name, and the queries ask for these alone.
#[test]
fn the_queries_name_events_that_are_counted() {
    let source = read("envelope-core/src/provider/events.rs");
    let (_, body) = source.split_once("pub enum KeyEvent {").expect("the events");
    let body = body.split("\n}").next().unwrap_or_default();
    let variants = body.lines().filter_map(|line| line.trim().strip_suffix(','));
    let mut declared: Vec<String> = variants.map(str::to_owned).collect();
    let mut listed = EVENTS.map(|(_, event)| format!("{event:?}")).to_vec();
    declared.sort_unstable();
    listed.sort_unstable();
    assert_eq!(declared, listed);
    for (name, event) in EVENTS {
        assert_eq!(name.replace('_', ""), format!("{event:?}").to_lowercase());
    }

    let page = read(PAGE);
    let asked = page.split("{event=").skip(1).filter(|rest| !rest.starts_with("\\\""));
    let asked = asked.filter_map(|rest| rest.trim_start_matches('~').split('"').nth(1));
    let asked: Vec<&str> = asked.flat_map(|names| names.split('|')).collect();
    assert!(asked.len() > 5, "{asked:?}");
    for name in asked {
        assert!(EVENTS.iter().any(|(known, _)| *known == name), "{PAGE} asks for `{name}`");
    }
}

/// Every event in the source has a row: its level, its target and its text, or the span's name.
#[test]
fn the_table_lists_every_event_of_the_libraries() {
    let page = read(PAGE);
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let mut events = 0;
    for library in ["envelope-core", "envelope-dynamo"] {
        let source = root().join(library).join("src");
        for file in rust_files(&source) {
            let text = fs::read_to_string(&file).expect("a source file");
            let code: Vec<&str> =
                text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let module = file.strip_prefix(&source).expect("a file of the library");
            let module = module.with_extension("").to_string_lossy().replace('/', "::");
            let target = format!("{}::{module}", library.replace('-', "_"));
            for rest in code.join("\n").split("tracing::").skip(1) {
                let Some((name, arguments)) = rest.split_once("!(") else { continue };
                let level = name.trim_end_matches("_span").to_uppercase();
                let is_event = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];
                if !is_event.contains(&level.as_str()) {
                    continue;
                }
                let arguments = arguments.split(");").next().unwrap_or_default();
                let said = arguments.split('"').nth(1).expect("an event has a text");
                let is_row = |row: &&&str| {
                    row.starts_with(&format!("| `{level}`"))
                        && row.contains(&format!("| `{target}` | `{said}` |"))
                };
                assert!(rows.iter().find(is_row).is_some(), "{PAGE}: {level} {target} {said}");
                events += 1;
            }
        }
    }
    assert_eq!(events, rows.len(), "{PAGE} has rows of events that nobody writes");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}
