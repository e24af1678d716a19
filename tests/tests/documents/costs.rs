//! The table of costs in docs/guide/maintain.md is what the functions of `--dry-run` compute.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use envelope_dynamo::maintain::{Demand, Rates};

const ITEMS: u64 = 500_000_000;
/// 1,024 bytes, sealed under a KMS key (304 bytes more), and under a branch key (152 more).
const DIRECT: u64 = 1_328;
const BRANCH: u64 = 1_176;

#[test]
fn the_chapter_quotes_the_dry_run() {
    let chapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/maintain.md");
    let chapter = fs::read_to_string(chapter).unwrap();
    let expected = table();
    assert!(chapter.contains(&expected), "not in the chapter:\n{expected}");
}

fn table() -> String {
    let rewrap = Demand::of_rewrap(ITEMS, DIRECT);
    let reseal = Demand::of_rewrap(ITEMS, BRANCH).with_kms_calls(0.0);
    let keys = |keys: f64| Demand { read_units: 0.0, write_units: keys, kms_calls: keys };
    let mut table = String::from(
        "| run | KMS calls | RCU, WCU | dollars | time | limit |\n|---|---|---|---|---|---|\n",
    );
    for (what, demand, kms) in [
        ("rewrap, KMS quota of 10,000/s", rewrap, 10_000.0),
        (".. 20,000/s", rewrap, 20_000.0),
        (".. 100,000/s", rewrap, 100_000.0),
        (".. custom key store, 1,800/s", rewrap, 1_800.0),
        ("**branch keys moved**: 1 branch, 3 versions", keys(3.0), 10_000.0),
        (".. 100,000 tenants, 2 versions each", keys(2e5), 10_000.0),
        (".. 50 million people", keys(5e7), 10_000.0),
        ("reseal under branch keys", reseal, 10_000.0),
        ("coverage", Demand::of_coverage(ITEMS, DIRECT), 10_000.0),
    ] {
        writeln!(table, "{}", row(what, &demand, kms)).unwrap();
    }
    table
}

fn row(what: &str, demand: &Demand, kms: f64) -> String {
    let half = Rates { kms: kms / 2.0, read_units: 20_000.0, write_units: 20_000.0 };
    let all = Rates { kms, ..Rates::default() };
    let (half, all) = (demand.times(&half).remove(0), demand.times(&all).remove(0));
    // The chapter says so.
    assert_eq!((half.limit, half.seconds), (all.limit, 2.0 * all.seconds));
    format!(
        "| {what} | {} | {}, {} | {} | {} | {} |",
        count(demand.kms_calls),
        count(demand.read_units),
        count(demand.write_units),
        dollars(demand.dollars().total()),
        duration(all.seconds),
        all.limit,
    )
}

fn count(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{} M", thousands(value / 1e6)),
        _ => thousands(value),
    }
}

fn dollars(value: f64) -> String {
    match value {
        _ if value < 0.01 => "below 0.01".to_owned(),
        _ if value < 10.0 => format!("{:.2}", (value * 100.0).round() / 100.0),
        _ => thousands(value),
    }
}

/// Rounded, with a comma before the last three digits.
fn thousands(value: f64) -> String {
    let digits = format!("{}", value.round());
    match digits.len().checked_sub(3) {
        None | Some(0) => digits,
        Some(at) => format!("{},{}", &digits[..at], &digits[at..]),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds < 1.0 => "below 1 s".to_owned(),
        _ if seconds < 600.0 => format!("{seconds:.0} s"),
        _ => format!("{:.1} h", seconds / 3_600.0),
    }
}
