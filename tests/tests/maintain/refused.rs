//! Runs that are refused before they write, and records that fail.

use envelope_dynamo::maintain::{Part, RunErrorKind, SchemaFile, StoredTable};
use envelope_examples::Fault;
use envelope_examples::servers::unique_name;
use envelope_tests::{binary, plant, text, with};

use crate::bench::{Bench, Clinic, observed, patient};

#[tokio::test]
async fn a_table_with_other_keys_is_refused() {
    let bench = Bench::new().await;
    let text = SchemaFile::new().with::<Clinic>().to_string().replace("\"sk\"", "\"sort\"");
    let schema: SchemaFile = text.parse().unwrap();
    let table = StoredTable::new(bench.servers.dynamodb().clone(), &schema, "clinic").unwrap();
    let table = table.named(&bench.name);
    let error = table.rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap_err();
    assert!(error.needs_a_person());
    let name = &bench.name;
    assert_eq!(
        error.to_string(),
        format!(
            "the table {name} has the key pk (S), sk (S), and the schema file says pk (S), sort \
             (S): name the table that the file describes, or write the file again; nothing was \
             written"
        )
    );
}

#[tokio::test]
async fn a_target_that_the_records_cannot_show_is_refused() {
    let bench = Bench::new().await;
    let table = bench.stored();
    let error = table.rewrap(bench.kms(), &bench.old, &bench.old).send().await.unwrap_err();
    assert!(error.to_string().contains("cannot show whether they were moved"), "{error}");
    let alias = format!("alias/{}", unique_name("clinic"));
    let create = bench.servers.kms().create_alias().alias_name(&alias).target_key_id(&bench.old);
    create.send().await.unwrap();
    let error = table.rewrap(bench.kms(), &alias, &bench.old).send().await.unwrap_err();
    assert!(error.to_string().contains("cannot show whether they were moved"), "{error}");

    bench.seed(1).await;
    let run = table.rewrap(bench.kms(), &alias, &bench.new).part(Part::of(0, 2).unwrap());
    let error = run.send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{alias} is an alias, and parts start at different times: name both keys by ARN; \
             nothing was written"
        )
    );
    let counts = table.rewrap(bench.kms(), &alias, &bench.new).send().await.unwrap();
    assert_eq!(counts.changed, 3, "an alias alone is looked up");
}

#[tokio::test]
async fn a_table_that_does_not_exist_is_named() {
    let bench = Bench::new().await;
    let table = bench.stored().named("no-such-table");
    let error = table.rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap_err();
    assert!(error.needs_a_person());
    assert!(error.to_string().contains("no-such-table"), "{error}");
}

/// A wrong schema, or no permission: every record is refused.
#[tokio::test]
async fn a_run_without_any_success_ends_early() {
    let bench = Bench::new().await;
    bench.seed(30).await;
    let text = SchemaFile::new().with::<Clinic>().to_string().replace("\"care\"", "\"other\"");
    let schema: SchemaFile =
        text.replace("\"table\": \"clinic\"", "\"table\": \"ward\"").parse().unwrap();
    let table = StoredTable::new(bench.servers.dynamodb().clone(), &schema, "ward").unwrap();
    let before = bench.items().await;
    bench.faults.forget_calls();
    let named = table.named(&bench.name);
    let (outcome, _) = observed(named.rewrap(bench.kms(), &bench.old, &bench.new)).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error.kind(), RunErrorKind::AllRefused(_)), "{error}");
    assert!(bench.faults.calls("ReEncrypt") <= 100, "{}", bench.faults.calls("ReEncrypt"));
    assert_eq!(bench.items().await, before);
}

#[tokio::test]
async fn a_record_that_cannot_be_moved_is_named_and_passed_over() {
    let bench = Bench::new().await;
    bench.seed(4).await;
    let items = bench.items().await;
    let mut broken: Vec<_> = items.into_iter().filter(|(key, _)| key.contains("PROFILE")).collect();
    let (_, first) = broken.remove(0);
    plant(&bench.servers, &bench.name, with(&first, "encrypted_dek", binary(vec![9, 9]))).await;
    let (_, second) = broken.remove(0);
    let other = broken.remove(0).1["encrypted_dek"].clone();
    plant(&bench.servers, &bench.name, with(&second, "encrypted_dek", other)).await;

    let stored = bench.stored();
    let (counts, mut failed) = observed(stored.rewrap(bench.kms(), &bench.old, &bench.new)).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.failed), (10, 2));
    failed.sort();
    assert!(failed[0].starts_with("clinic[pk=PATIENT#p_0, sk=PROFILE]: "), "{failed:?}");
    assert!(failed[1].starts_with("clinic[pk=PATIENT#p_1, sk=PROFILE]: "), "{failed:?}");
    let read = bench.table(&bench.new).of::<crate::bench::Patient>().get("p_2").send().await;
    assert_eq!(read.unwrap(), Some(patient(2)));
}

/// As many refusals as would end a run that moves nothing.
#[tokio::test]
async fn many_refused_records_do_not_end_a_run_that_moves_others() {
    let bench = Bench::new().await;
    bench.seed(25).await;
    let items = bench.items().await;
    let patients: Vec<_> =
        items.into_values().filter(|item| item["sk"] == text("PROFILE")).collect();
    let (last, others) = patients.split_last().unwrap();
    for item in others {
        let foreign = last["encrypted_dek"].clone();
        plant(&bench.servers, &bench.name, with(item, "encrypted_dek", foreign)).await;
    }
    let stored = bench.stored();
    let (counts, failed) = observed(stored.rewrap(bench.kms(), &bench.old, &bench.new)).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.failed, failed.len()), (51, 24, 24));
}

/// Tokio's clock stands still except where the run waits.
#[tokio::test(start_paused = true)]
async fn an_outage_ends_a_run_soon_and_asks_for_another_run() {
    let bench = Bench::new().await;
    bench.seed(50).await;
    bench.faults.fail_always("ReEncrypt", Fault::error("KMSInternalException"));
    let stored = bench.stored();
    let (ended, failed) = observed(stored.rewrap(bench.kms(), &bench.old, &bench.new)).await;
    let error = ended.unwrap_err();
    assert!(matches!(error.kind(), RunErrorKind::Transient(_)), "{error}");
    assert!(!error.needs_a_person());
    assert!(failed.len() <= 20, "{} records were reported", failed.len());

    bench.faults.recover("ReEncrypt");
    let (counts, _) = observed(stored.rewrap(bench.kms(), &bench.old, &bench.new)).await;
    assert_eq!((counts.unwrap().failed, error.counts().changed), (0, 0));
    bench.assert_all_open(&bench.new, 50).await;
}
