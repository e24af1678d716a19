//! The lies that a table can hold: coverage names each among 10,000 items.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use envelope_core::{ContextForm, EncryptedDek, KeyKind, KmsKeyHint, WrappedKey};
use envelope_dynamo::keys::{CacheLimits, CachedKeyProvider, SharedKeyProvider, SharingLimits};
use envelope_dynamo::maintain::{Coverage, FindingKind, Report};
use envelope_dynamo::{Access, Envelope, to_item};
use envelope_tests::{Item, binary, bytes_of, local_keys, plant, text, with};

use crate::bench::{Bench, patient, visit};

const ITEMS: u32 = 10_000;

/// A patient of a newer program, with a group that the schema file does not know.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic", context(purpose = "care"))]
#[partition_key(name = "pk", format = "PATIENT#{patient_id}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct NewerPatient {
    #[key]
    patient_id: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
    #[encrypted(group = "billing")]
    account: Access<String>,
    #[authenticated]
    #[encryption_context]
    ward: String,
    #[plaintext]
    visits: u64,
}

/// 10,000 visits whose data keys are shared, and the patient on whom the lies are played.
async fn seed(bench: &Bench) -> Item {
    let limits = SharingLimits::new(Duration::from_secs(3600), 5_000);
    let shared = SharedKeyProvider::new(bench.keys(&bench.new), limits);
    let mut puts = Vec::new();
    for number in 0..ITEMS {
        let item = to_item(&visit(number as usize / 100, number % 100), &shared).await.unwrap();
        let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
        puts.push(WriteRequest::builder().put_request(put).build());
        if puts.len() == 25 {
            let batch = bench.servers.dynamodb().batch_write_item();
            let batch = batch.request_items(&bench.name, std::mem::take(&mut puts));
            let output = batch.send().await.unwrap();
            assert!(output.unprocessed_items.is_none_or(|items| items.is_empty()));
        }
    }
    let item = to_item(&patient(7), &bench.keys(&bench.new)).await.unwrap();
    plant(&bench.servers, &bench.name, item.clone()).await;
    item
}

fn dek(keys: Vec<WrappedKey>) -> aws_sdk_dynamodb::types::AttributeValue {
    binary(EncryptedDek::new(ContextForm::Raw, keys).unwrap().to_bytes())
}

fn entry(kind: KeyKind, id: &[u8]) -> WrappedKey {
    WrappedKey::new(kind, id, [7; 24]).unwrap()
}

/// Plants `lie`, counts, and puts the truth back.
async fn told(bench: &Bench, truth: &Item, lie: Item, coverage: Coverage<'_>) -> Report {
    plant(&bench.servers, &bench.name, lie.clone()).await;
    let report = coverage.send().await.unwrap();
    let key = |item: &Item| [item["pk"].clone(), item["sk"].clone()];
    if key(&lie) != key(truth) {
        let [pk, sk] = key(&lie);
        let delete = bench.servers.dynamodb().delete_item().table_name(&bench.name);
        delete.key("pk", pk).key("sk", sk).send().await.unwrap();
    }
    plant(&bench.servers, &bench.name, truth.clone()).await;
    report
}

#[track_caller]
fn assert_named(what: &str, report: &Report, kind: FindingKind, record: &str) {
    assert!(!report.holds(), "{what}: {report}");
    assert_eq!(report.problems.get(&kind), Some(&1), "{what}: {report}");
    let named = report.findings.iter().any(|it| it.kind == kind && it.record == record);
    assert!(named, "{what}: {:?}", report.findings);
}

#[tokio::test]
async fn each_lie_among_ten_thousand_items_is_named() {
    let start = Instant::now();
    let bench = Bench::new().await;
    let truth = seed(&bench).await;
    let seeded = start.elapsed();
    let stored = bench.stored();
    let coverage = || stored.coverage().expect_none(&bench.old);
    let honest = coverage().expect_sealed().send().await.unwrap();
    assert!(honest.holds(), "{honest}");
    assert_eq!(honest.read.items, u64::from(ITEMS) + 1);

    let own = EncryptedDek::parse(&bytes_of(&truth, "encrypted_dek")).unwrap().keys()[0].clone();
    let old = to_item(&patient(7), &bench.keys(&bench.old)).await.unwrap();
    let of_old = EncryptedDek::parse(&bytes_of(&old, "encrypted_dek")).unwrap().keys()[0].clone();
    let local = to_item(&patient(7), &local_keys(7)).await.unwrap();
    let newer = NewerPatient {
        patient_id: "p_7".into(),
        name: "a name".into(),
        diagnosis: Access::Granted("a cold".into()),
        account: Access::Granted("an account".into()),
        ward: "w1".into(),
        visits: 0,
    };
    let newer = to_item(&newer, &bench.keys(&bench.new)).await.unwrap();
    let mut moved_key = truth.clone();
    let moved = moved_key.remove("encrypted_dek").unwrap();
    moved_key.insert("encrypted_dek_old".into(), moved);
    let mut no_group_key = truth.clone();
    no_group_key.remove("encrypted_dek_medical");
    let private = entry(KeyKind::private(200).unwrap(), b"ours");
    let with_dek = |keys| with(&truth, "encrypted_dek", dek(keys));
    let other_form = EncryptedDek::new(ContextForm::Hashed, vec![own.clone()]).unwrap();

    let record = "clinic[pk=PATIENT#p_7, sk=PROFILE]";
    for (what, lie, kind, record) in [
        ("the old key", old.clone(), FindingKind::UnderKey, record),
        (
            "a second entry behind another",
            with_dek(vec![own.clone(), of_old.clone()]),
            FindingKind::UnderKey,
            record,
        ),
        (
            "the key of a group",
            with(&truth, "encrypted_dek_medical", old["encrypted_dek_medical"].clone()),
            FindingKind::UnderKey,
            record,
        ),
        ("an unknown group", newer, FindingKind::UnknownGroup, record),
        (
            "an unknown entity",
            with(&truth, "sk", text("OTHER")),
            FindingKind::UnknownEntity,
            "clinic",
        ),
        ("a local key", local, FindingKind::LocalKey, record),
        ("a private key", with_dek(vec![private]), FindingKind::PrivateKey, record),
        (
            "an RSA key",
            with_dek(vec![own.clone(), entry(KeyKind::RSA_OAEP, &[1; 8])]),
            FindingKind::RsaKey,
            record,
        ),
        (
            "a branch key",
            with_dek(vec![entry(KeyKind::BRANCH, &[5; 16])]),
            FindingKind::BranchKey,
            record,
        ),
        (
            "a malformed key",
            with(&truth, "encrypted_dek", binary([9, 9])),
            FindingKind::Malformed,
            record,
        ),
        ("a key as text", with(&truth, "encrypted_dek", text("x")), FindingKind::Malformed, record),
        (
            "a malformed payload",
            with(&truth, "encrypted_payload", binary([1, 2])),
            FindingKind::Malformed,
            record,
        ),
        ("a key under another name", moved_key, FindingKind::Malformed, record),
        ("a group without its key", no_group_key, FindingKind::Malformed, record),
        (
            "another context form",
            with(&truth, "encrypted_dek", binary(other_form.to_bytes())),
            FindingKind::Malformed,
            record,
        ),
    ] {
        let report = told(&bench, &truth, lie, coverage()).await;
        assert_named(what, &report, kind, record);
    }

    // A group of another entity type, on a record that has no groups.
    let visit = to_item(&visit(7, 7), &bench.keys(&bench.new)).await.unwrap();
    let of_group = with(&visit, "encrypted_dek_medical", old["encrypted_dek_medical"].clone());
    let report = told(&bench, &visit, of_group, coverage()).await;
    assert!(!report.holds());
    let kinds: Vec<_> = report.problems.keys().copied().collect();
    assert_eq!(kinds, [FindingKind::UnderKey, FindingKind::Malformed, FindingKind::UnknownGroup]);

    let mut plain = truth.clone();
    plain.retain(|name, _| !name.starts_with("encrypted_"));
    let report = told(&bench, &truth, plain, coverage().expect_sealed()).await;
    assert_named("plaintext", &report, FindingKind::NotSealed, record);

    // Attributes that no schema names are seen if all are read.
    let added = with(&truth, "backup", old["encrypted_dek"].clone());
    let report = told(&bench, &truth, added.clone(), coverage()).await;
    assert!(report.holds() && report.scope.not_proved.iter().any(|it| it.contains("attributes")));
    let report = told(&bench, &truth, added, coverage().all_attributes()).await;
    assert_named("a key beside the record", &report, FindingKind::UnderKey, record);

    // The data key of the old key, whose header names the new one: only opening shows it.
    let hint = KmsKeyHint::of(bench.new.rsplit('/').next().unwrap());
    let renamed = WrappedKey::new(KeyKind::AWS_KMS, hint, of_old.bytes()).unwrap();
    let mut wrong_hint = old.clone();
    wrong_hint.insert("encrypted_dek".into(), dek(vec![renamed]));
    let group = EncryptedDek::parse(&bytes_of(&old, "encrypted_dek_medical")).unwrap();
    let renamed = WrappedKey::new(KeyKind::AWS_KMS, hint, group.keys()[0].bytes()).unwrap();
    wrong_hint.insert("encrypted_dek_medical".into(), dek(vec![renamed]));
    let report = told(&bench, &truth, wrong_hint.clone(), coverage()).await;
    assert!(report.holds(), "headers are claims: {report}");
    let reader = || {
        let limits = CacheLimits::new(Duration::from_secs(3600));
        CachedKeyProvider::new(bench.keys(&bench.new), limits)
    };
    let unlimited = envelope_dynamo::maintain::Limits::new().kms(f64::INFINITY);
    let opening = coverage().open(reader()).limits(unlimited);
    let report = told(&bench, &truth, wrong_hint, opening).await;
    assert_named("a wrong hint", &report, FindingKind::NotOpened, record);
    assert_eq!(report.opened.unwrap().opened, u64::from(ITEMS));
    println!("seeded in {seeded:?}, all lies in {:?}", start.elapsed());

    // What the operator knows of can be ignored; it is still counted.
    let rsa = with_dek(vec![own, entry(KeyKind::RSA_OAEP, &[1; 8])]);
    let report = told(&bench, &truth, rsa, coverage().ignore(FindingKind::RsaKey)).await;
    assert!(report.holds() && report.problems.contains_key(&FindingKind::RsaKey));
}
