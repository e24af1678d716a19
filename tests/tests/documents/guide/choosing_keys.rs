//! The code of docs/guide/choosing-keys.md, and the dollars of its table.

use std::error::Error;
use std::time::Duration;

use envelope_dynamo::keys::{CacheLimits, SharingLimits};
use envelope_dynamo::maintain::Demand;
use envelope_dynamo::{
    BranchKeyTable, CachedKeyProvider, HierarchicalKeyProvider, KmsKeyProvider, KmsKeyWrapper,
    LocalKeyProvider, RootKey, SharedKeyProvider,
};

use crate::guide::read;

fn providers(
    dynamodb: aws_sdk_dynamodb::Client,
    kms: aws_sdk_kms::Client,
) -> Result<(), Box<dyn Error>> {
    // A call for each record. Nothing to tune.
    let each = KmsKeyProvider::new(kms.clone(), "alias/users");

    // The same, and a record that is read again costs no call for five minutes.
    let limits = CacheLimits::new(Duration::from_secs(300));
    let cached = CachedKeyProvider::new(KmsKeyProvider::new(kms.clone(), "alias/users"), limits);

    // One data key for 100 records. The struct has `kms_context = "table"`.
    let sharing = SharingLimits::new(Duration::from_secs(300), 100);
    let writer = SharedKeyProvider::new(KmsKeyWrapper::new(kms.clone(), "alias/events"), sharing);

    // Branch keys, from a table of their own. An operator creates the branch `users`.
    let wrapped_by = KmsKeyProvider::new(kms, "alias/branches");
    let branch_keys = BranchKeyTable::new(dynamodb, "branch-keys", wrapped_by);
    let per_table = HierarchicalKeyProvider::per_table(branch_keys, limits);

    // A root key in this process: for tests, and where there is no KMS.
    let local = LocalKeyProvider::new(RootKey::generate()?);

    drop((each, cached, writer, per_table, local));
    Ok(())
}

/// Each row of the table of costs has as many dollars as its calls cost.
#[test]
fn the_table_of_costs_has_the_price_of_its_calls() {
    let page = read("docs/guide/choosing-keys.md");
    let (_, table) = page.split_once("| provider | calls | dollars |\n").expect("the table");
    let rows: Vec<&str> = table.lines().skip(1).take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 6);
    for row in rows {
        let mut cells = row.trim_matches(['|', ' ']).rsplit(" | ");
        let (dollars, calls) = (cells.next().expect("dollars"), cells.next().expect("calls"));
        let calls: f64 = calls.replace(',', "").parse().expect("a number of calls");
        let costs = Demand::default().with_kms_calls(calls).dollars().total();
        assert_eq!(dollars, format!("{costs:.2}"), "{row}");
    }
}

/// How often a busy process fetches a branch key: the rows of branch keys count by it.
#[test]
fn a_busy_process_fetches_a_branch_key_every_270_seconds() {
    let seconds = |days: u32| f64::from(days) * 86_400.0;
    let each_month = seconds(30) / 270.0;
    assert_eq!(each_month * 10.0, 96_000.0);
    // 10,000 tenants, two processes, an hour on each of 30 days: 3,600 / 270 fetches an hour.
    assert_eq!((10_000.0 * 2.0 * 30.0 * 3_600.0 / 270.0_f64).round(), 8_000_000.0);
}
