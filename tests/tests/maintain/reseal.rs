//! A table gets new data keys.

use std::sync::Arc;
use std::time::Duration;

use envelope_dynamo::keys::{CacheLimits, MultiKeyProvider, RsaRecipient};
use envelope_dynamo::maintain::{
    Part, Run, RunErrorKind, SchemaFile, StoredTable, Target, only_keys_changed,
};
use envelope_dynamo::testing::TestClock;
use envelope_dynamo::{
    BranchKeyTable, Envelope, GroupKeyProvider, HierarchicalKeyProvider, KmsKeyProvider, Table,
};
use envelope_examples::servers::unique_name;
use envelope_tests::{Item, local_keys, names_of, rsa_private_key, rsa_public_key, with};

use crate::bench::{Bench, Clinic, Patient, observed, patient};

impl Bench {
    /// A provider through the faults.
    pub(crate) fn faulty(&self, key: &str) -> KmsKeyProvider {
        KmsKeyProvider::new(self.kms(), key)
    }

    pub(crate) fn under(&self, key: &str) -> Target {
        Target::kms_key(self.kms(), key)
    }

    /// Reseals from the old KMS key to the new one.
    pub(crate) fn reseal<'a>(&self, table: &'a StoredTable) -> Run<'a> {
        table.reseal(self.faulty(&self.old), self.faulty(&self.new), self.under(&self.new))
    }

    pub(crate) async fn read(&self, key: &str, id: &str) -> Option<Patient> {
        self.table(key).of::<Patient>().get(id).send().await.unwrap()
    }
}

fn readable(item: &Item) -> Item {
    let mut item = item.clone();
    item.retain(|name, _| !name.starts_with("encrypted_"));
    item
}

#[tokio::test]
async fn every_record_gets_a_new_data_key_and_keeps_its_values() {
    let bench = Bench::new().await;
    bench.seed(20).await;
    let before = bench.items().await;
    let table = bench.stored();

    let counts = bench.reseal(&table).send().await.unwrap();
    assert_eq!((counts.changed, counts.already, counts.other_key, counts.failed), (60, 0, 0, 0));
    let calls = ["Decrypt", "GenerateDataKey", "ReEncrypt"].map(|call| bench.faults.calls(call));
    // A patient has two data keys, and a visit one.
    assert_eq!(calls, [80, 80, 0]);
    assert_eq!(counts.kms_calls, 160);
    bench.assert_all_open(&bench.new, 20).await;
    assert!(bench.table(&bench.old).of::<Patient>().get("p_1").send().await.is_err());

    let after = bench.items().await;
    for (key, old) in &before {
        let new = &after[key];
        assert_eq!(names_of(new), names_of(old));
        assert_eq!(readable(new), readable(old), "{key}");
        for name in names_of(old).into_iter().filter(|name| name.starts_with("encrypted_")) {
            assert_ne!(new[name], old[name], "{key} {name}");
        }
        assert!(!only_keys_changed(old, new), "nobody can tell a reseal from a put");
    }
    let again = bench.reseal(&table).send().await.unwrap();
    assert_eq!((again.changed, again.already, again.kms_calls), (0, 60, 0));
    assert_eq!(bench.items().await, after, "a second run writes nothing");
}

#[tokio::test]
async fn the_events_of_a_rewrap_are_told_apart() {
    let bench = Bench::new().await;
    bench.seed(2).await;
    let before = bench.items().await;
    let table = bench.stored();
    table.rewrap(bench.kms(), &bench.old, &bench.new).send().await.unwrap();
    for (key, new) in bench.items().await {
        assert_ne!(before[&key], new);
        assert!(only_keys_changed(&before[&key], &new), "{key}");
    }
}

#[tokio::test]
async fn the_parts_of_a_reseal_change_every_record_once() {
    let bench = Bench::new().await;
    bench.seed(5).await;
    let (table, mut changed) = (bench.stored(), 0);
    for index in 0..8 {
        let run = bench.reseal(&table).part(Part::of(index, 8).unwrap());
        let counts = run.send().await.unwrap();
        assert_eq!(counts.already + counts.failed, 0);
        changed += counts.changed;
    }
    assert_eq!(changed, 15);
    bench.assert_all_open(&bench.new, 5).await;
}

/// From a KMS key to branch keys, and then to the next version of each branch.
#[tokio::test]
async fn records_move_to_the_active_version_of_their_branch() {
    let bench = Bench::new().await;
    bench.seed(6).await;
    let name = unique_name("branch-keys");
    let branches = || {
        let (dynamodb, kms) = (bench.servers.dynamodb().clone(), bench.keys(&bench.old));
        BranchKeyTable::new(dynamodb, "branch-keys", kms).named(&name)
    };
    branches().create_table().await.unwrap();
    let first = branches().create("clinic").await.unwrap();
    let (clock, limits) =
        (Arc::new(TestClock::default()), CacheLimits::new(Duration::from_secs(60)));
    let provider = HierarchicalKeyProvider::per_table(branches(), limits);
    let provider = Arc::new(provider.with_clock(clock.clone()));
    let active = || Target::active_branch_version(provider.clone());

    let table = bench.stored();
    let run = table.reseal(bench.faulty(&bench.old), provider.clone(), active());
    let counts = run.send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (18, 0));
    // Each KMS data key was unwrapped, and none was made.
    assert_eq!((counts.kms_calls, bench.faults.calls("GenerateDataKey")), (24, 0));
    let read = bench.table_with(provider.clone()).of::<Patient>().get("p_3").send().await;
    assert_eq!(read.unwrap(), Some(patient(3)));

    let second = branches().rotate("clinic").await.unwrap();
    clock.advance(Duration::from_secs(120));
    let run = table.reseal(provider.clone(), provider.clone(), active());
    let counts = run.send().await.unwrap();
    assert_eq!((counts.changed, counts.already, counts.kms_calls), (18, 0, 0));
    let run = table.reseal(provider.clone(), provider.clone(), Target::branch_version(second));
    assert_eq!(run.send().await.unwrap().already, 18);
    // The other way round is a run as well, as long as no other run works against it.
    let run = table.reseal(provider.clone(), provider.clone(), Target::branch_version(first));
    let error = run.send().await.unwrap_err();
    let RunErrorKind::AllRefused(first) = error.kind() else { panic!("{error}") };
    assert!(first.to_string().contains("the new data key is not of the target"), "{first}");
}

/// A provider whose keys no header names would be sealed again by every run.
#[tokio::test]
async fn a_provider_that_does_not_reach_the_target_writes_nothing() {
    let bench = Bench::new().await;
    bench.seed(2).await;
    let before = bench.items().await;
    let table = bench.stored();
    let run = table.reseal(bench.faulty(&bench.old), local_keys(1), bench.under(&bench.new));
    let error = run.send().await.unwrap_err();
    assert!(error.needs_a_person());
    let text = error.to_string();
    let expected = format!(
        "the new data key is not of the target (the KMS key {}): its wrapped keys are of the kind \
         [local], so no later run could tell that the record is done (seal with the provider of \
         the target; local and RSA keys show no target)",
        bench.new
    );
    assert!(text.contains(&expected), "{text}");
    assert_eq!(bench.items().await, before);
}

#[tokio::test]
async fn an_alias_is_refused_in_parts_and_resolved_otherwise() {
    let bench = Bench::new().await;
    bench.seed(1).await;
    let alias = format!("alias/{}", unique_name("clinic"));
    let create = bench.servers.kms().create_alias().alias_name(&alias).target_key_id(&bench.new);
    create.send().await.unwrap();
    let table = bench.stored();
    let run =
        || table.reseal(bench.faulty(&bench.old), bench.faulty(&bench.new), bench.under(&alias));
    let error = run().part(Part::of(0, 2).unwrap()).send().await.unwrap_err();
    assert!(error.to_string().contains("is an alias, and parts start at different times"));
    assert_eq!(run().send().await.unwrap().changed, 3);
    assert_eq!(run().send().await.unwrap().already, 3);
}

/// The ward's group is under a key that the resealer may not use.
#[tokio::test]
async fn a_group_that_may_not_be_opened_stays_as_it_is() {
    let bench = Bench::new().await;
    let both = |key: &str| GroupKeyProvider::new(bench.keys(key)).group("medical", local_keys(7));
    let writer = bench.table_with(both(&bench.old));
    writer.put(&Clinic::Patient(patient(0))).send().await.unwrap();
    let before = bench.items().await.into_values().next().unwrap();

    let table = bench.stored();
    let from = GroupKeyProvider::new(bench.faulty(&bench.old)).group("none", local_keys(8));
    let run = table.reseal(from, bench.faulty(&bench.new), bench.under(&bench.new));
    let (counts, failed) = observed(run).await;
    assert_eq!((counts.unwrap().changed, failed), (1, vec![]));
    let after = bench.items().await.into_values().next().unwrap();
    for name in ["encrypted_payload_medical", "encrypted_dek_medical"] {
        assert_eq!(before[name], after[name]);
    }
    let read = bench.table_with(both(&bench.new)).of::<Patient>().get("p_0").send().await;
    assert_eq!(read.unwrap(), Some(patient(0)));

    // The next run finds the group due, and nobody to open it: it writes nothing.
    let from = GroupKeyProvider::new(bench.faulty(&bench.new)).group("none", local_keys(8));
    let run = table.reseal(from, bench.faulty(&bench.new), bench.under(&bench.new));
    let counts = run.send().await.unwrap();
    assert_eq!((counts.changed, counts.other_key), (0, 1));
    assert_eq!(bench.items().await.into_values().next().unwrap(), after);

    // Whoever may open the group moves it, and the record with it.
    let run = table.reseal(both(&bench.new), bench.faulty(&bench.new), bench.under(&bench.new));
    assert_eq!(run.send().await.unwrap().changed, 1);
    assert_eq!(bench.read(&bench.new, "p_0").await, Some(patient(0)));
}

#[tokio::test]
async fn records_of_other_keys_and_plain_items_are_counted_and_stay() {
    let bench = Bench::new().await;
    bench.seed(1).await;
    let other = bench.table_with(local_keys(3));
    other.put(&Clinic::Patient(patient(5))).send().await.unwrap();
    bench.table(&bench.new).put(&Clinic::Patient(patient(6))).send().await.unwrap();
    let mut plain = bench.items().await.into_values().next().unwrap();
    plain.retain(|name, _| !name.starts_with("encrypted_"));
    plain.insert("sk".into(), envelope_tests::text("NOTE"));
    envelope_tests::plant(&bench.servers, &bench.name, plain).await;
    let table = bench.stored();
    let counts = bench.reseal(&table).send().await.unwrap();
    assert_eq!(
        [counts.changed, counts.already, counts.other_key, counts.not_sealed, counts.failed],
        [3, 1, 1, 1, 0]
    );
    assert_eq!(other.of::<Patient>().get("p_5").send().await.unwrap(), Some(patient(5)));
}

/// With `and_nothing_else`, no key that others had opens any record.
#[tokio::test]
async fn after_a_leak_no_other_recipient_keeps_a_key() {
    let bench = Bench::new().await;
    let recipients = || {
        let keys = MultiKeyProvider::new(bench.keys(&bench.new));
        keys.with(bench.keys(&bench.old))
            .also_wraps_for(RsaRecipient::new(rsa_public_key()).unwrap())
    };
    let writer = bench.table_with(recipients());
    writer.put(&Clinic::Patient(patient(0))).send().await.unwrap();
    let table = bench.stored();
    let run = |target| table.reseal(bench.faulty(&bench.new), bench.faulty(&bench.new), target);
    let counts = run(bench.under(&bench.new)).send().await.unwrap();
    assert_eq!((counts.changed, counts.already), (0, 1), "one of its keys is the target");
    let counts = run(bench.under(&bench.new).and_nothing_else()).send().await.unwrap();
    assert_eq!((counts.changed, counts.already), (1, 0));
    assert_eq!(bench.read(&bench.new, "p_0").await, Some(patient(0)));
    assert!(bench.table(&bench.old).of::<Patient>().get("p_0").send().await.is_err());
    let item = bench.items().await.into_values().next().unwrap();
    assert!(envelope_dynamo::from_item::<Patient>(item, &rsa_private_key()).await.is_err());
    let either = bench.under(&bench.old).or(bench.under(&bench.new)).and_nothing_else();
    assert_eq!(run(either).send().await.unwrap().already, 1);
}

/// A record with everything that a put counts.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "letters")]
struct Letter {
    #[partition_key]
    id: String,
    #[encrypted]
    text: String,
    #[authenticated]
    #[version]
    version: u64,
    #[authenticated]
    tags: Vec<String>,
    #[authenticated]
    comment: Option<String>,
}

async fn letters(bench: &Bench) -> (Table<Letter>, StoredTable) {
    let name = unique_name("letters");
    let table = Table::<Letter>::new(bench.servers.dynamodb().clone(), bench.keys(&bench.old));
    let table = table.named(&name);
    table.create_table().send().await.unwrap();
    let schema = SchemaFile::new().with::<Letter>();
    let stored =
        StoredTable::new(bench.servers.dynamodb_through(&bench.faults), &schema, "letters");
    (table, stored.unwrap().named(name))
}

fn letter(text: String) -> Letter {
    let tags = vec!["a".to_owned(), "b".to_owned()];
    Letter { id: "l_1".into(), text, version: 0, tags, comment: None }
}

#[tokio::test]
async fn a_version_does_not_count_a_reseal() {
    let bench = Bench::new().await;
    let (table, stored) = letters(&bench).await;
    table.put(&letter("dear".into())).send().await.unwrap();
    assert_eq!(bench.reseal(&stored).send().await.unwrap().changed, 1);
    let both = bench.keys(&bench.new).also_decrypts(&bench.old);
    let table = Table::<Letter>::new(bench.servers.dynamodb().clone(), both).named(table.name());
    let read = table.get("l_1").send().await.unwrap().unwrap();
    assert_eq!((read.version, &*read.text), (1, "dear"));
    // A writer that read the record before the reseal may put it: its version is the same.
    table.put(&Letter { text: "later".into(), ..read }).send().await.unwrap();
    assert_eq!(table.get("l_1").send().await.unwrap().unwrap().version, 2);
}

/// The new wrapped keys are longer than the old ones.
#[tokio::test]
async fn a_record_that_would_grow_beyond_400_kb_is_named_and_stays() {
    let bench = Bench::new().await;
    let (table, stored) = letters(&bench).await;
    let get = || async {
        let all = bench.servers.dynamodb().scan().table_name(table.name()).send().await.unwrap();
        all.items.unwrap().remove(0)
    };
    table.put(&letter(String::new())).send().await.unwrap();
    let empty: usize = size(&get().await);
    // 5 bytes for the length of a long text in CBOR.
    let mut long = letter("x".repeat(400 * 1024 - empty - 4));
    long.version = 1;
    table.put(&long).send().await.unwrap();
    let before = get().await;
    let to = MultiKeyProvider::new(bench.keys(&bench.new)).with(bench.keys(&bench.old));
    let run = stored.reseal(bench.faulty(&bench.old), to, bench.under(&bench.new));
    let (counts, failed) = observed(run).await;
    assert_eq!(counts.unwrap().failed, 1);
    assert!(failed[0].starts_with("letters[id=l_1]: the sealed item is"), "{failed:?}");
    assert!(failed[0].contains("more than the 409600 that DynamoDB stores"), "{failed:?}");
    assert_eq!(get().await, before);
}

fn size(item: &Item) -> usize {
    let value = |value: &aws_sdk_dynamodb::types::AttributeValue| match value {
        aws_sdk_dynamodb::types::AttributeValue::B(bytes) => bytes.as_ref().len(),
        aws_sdk_dynamodb::types::AttributeValue::S(text) => text.len(),
        aws_sdk_dynamodb::types::AttributeValue::N(_) => 2,
        aws_sdk_dynamodb::types::AttributeValue::L(values) => 3 + 2 * values.len(),
        _ => 1,
    };
    item.iter().map(|(name, attribute)| name.len() + value(attribute)).sum()
}

/// Another writer puts, changes or deletes the record between the scan and the update.
#[tokio::test]
async fn a_record_that_is_written_meanwhile_is_sealed_as_it_was_written() {
    let bench = Bench::new().await;
    let table = bench.stored();
    for change in ["put", "update", "delete"] {
        bench.table(&bench.old).put(&Clinic::Patient(patient(0))).send().await.unwrap();
        bench.faults.forget_calls();
        bench.faults.hold("UpdateItem");
        let run = async { bench.reseal(&table).send().await.unwrap() };
        let changing = async {
            envelope_tests::called(&bench.faults, "UpdateItem", 1).await;
            let patients = bench.table(&bench.old).of::<Patient>();
            let mut later = patient(0);
            later.name = "another name".into();
            match change {
                "put" => patients.put(&later).send().await.unwrap(),
                "update" => {
                    let update = patients.update("p_0");
                    update.set(|it| it.visits, 7_u64).send().await.unwrap();
                }
                _ => patients.delete("p_0").send().await.unwrap(),
            }
            bench.faults.release("UpdateItem");
        };
        let (counts, ()) = tokio::join!(run, changing);
        assert_eq!(counts.failed, 0);
        let read = bench.read(&bench.new, "p_0").await;
        match change {
            "put" => assert_eq!(read.unwrap().name, "another name"),
            "update" => assert_eq!(read.unwrap().visits, 7),
            _ => assert_eq!((read, counts.changed), (None, 0)),
        }
        bench.table(&bench.old).of::<Patient>().delete("p_0").send().await.unwrap();
    }
}

/// The reply to the update is lost: the run finds out that the update was carried out.
#[tokio::test]
async fn a_lost_reply_is_found_out() {
    let bench = Bench::new().await;
    bench.seed(1).await;
    let table = bench.stored();
    for _ in 0..3 {
        bench.faults.fail_next("UpdateItem", envelope_examples::Fault::LoseReply);
    }
    let counts = bench.reseal(&table).send().await.unwrap();
    assert_eq!((counts.changed, counts.already, counts.failed), (3, 0, 0));
    bench.assert_all_open(&bench.new, 1).await;
}

#[tokio::test]
async fn nothing_of_a_record_is_printed_or_sent() {
    const SECRET: &str = "Zenobia Featherstonehaugh-Cholmondeley";
    let bench = Bench::new().await;
    for id in 0..2 {
        let mut patient = patient(id);
        patient.name = SECRET.into();
        bench.table(&bench.old).put(&Clinic::Patient(patient)).send().await.unwrap();
    }
    let (_, item) = bench.items().await.into_iter().next().unwrap();
    let mut payload = envelope_tests::bytes_of(&item, "encrypted_payload");
    *payload.last_mut().unwrap() ^= 1;
    let broken = with(&item, "encrypted_payload", envelope_tests::binary(payload));
    envelope_tests::plant(&bench.servers, &bench.name, broken).await;
    let table = bench.stored();
    let run = bench.reseal(&table);
    let printed = format!("{run:?}");
    assert!(printed.contains("Reseal {") && !printed.contains(SECRET));
    let (counts, failed) = observed(run).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 1));
    assert!(!failed[0].contains(SECRET));
    envelope_tests::assert_never_sent(&bench.faults, SECRET);
}
