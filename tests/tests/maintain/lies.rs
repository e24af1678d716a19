//! The lies that a table can hold: coverage names each, alone and among 10,000 items.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use envelope_core::{ContextForm, EncryptedDek, KeyKind, KmsKeyHint, WrappedKey};
use envelope_dynamo::keys::{CacheLimits, CachedKeyProvider, SharedKeyProvider, SharingLimits};
use envelope_dynamo::maintain::{Coverage, FindingKind, Report};
use envelope_dynamo::{Access, KmsKeyProvider, to_item};
use envelope_tests::{Item, binary, bytes_of, local_keys, plant, text, with};

use crate::bench::{Bench, NewerPatient, patient, visit};

/// Enough for pages, and few enough to count once for each lie.
const FEW: u32 = 100;
const MANY: u32 = 10_000;

/// Visits whose data keys are shared, and the patient on whom lies are played.
async fn seed(bench: &Bench, items: u32) -> Item {
    let limits = SharingLimits::new(Duration::from_secs(3600), 5_000);
    let shared = SharedKeyProvider::new(bench.keys(&bench.new), limits);
    let mut puts = Vec::new();
    for number in 0..items {
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

/// A record that is not what it claims, and how a report names it.
struct Lie {
    what: &'static str,
    item: Item,
    kind: FindingKind,
    record: String,
}

/// All lies that the header or the names of a record can tell, told by the patient `number`.
async fn lies(bench: &Bench, number: usize) -> Vec<Lie> {
    let patient = || patient(number);
    let truth = to_item(&patient(), &bench.keys(&bench.new)).await.unwrap();
    let own = EncryptedDek::parse(&bytes_of(&truth, "encrypted_dek")).unwrap().keys()[0].clone();
    let old = to_item(&patient(), &bench.keys(&bench.old)).await.unwrap();
    let of_old = EncryptedDek::parse(&bytes_of(&old, "encrypted_dek")).unwrap().keys()[0].clone();
    let local = to_item(&patient(), &local_keys(7)).await.unwrap();
    let newer = NewerPatient {
        patient_id: patient().patient_id,
        name: "a name".into(),
        diagnosis: Access::Granted("a cold".into()),
        account: Access::Granted("an account".into()),
        ward: patient().ward,
        visits: 0,
    };
    let newer = to_item(&newer, &bench.keys(&bench.new)).await.unwrap();
    let mut moved_key = truth.clone();
    let moved = moved_key.remove("encrypted_dek").unwrap();
    moved_key.insert("encrypted_dek_old".into(), moved);
    let private = entry(KeyKind::private(200).unwrap(), b"ours");
    let with_dek = |keys| with(&truth, "encrypted_dek", dek(keys));
    let other_form = EncryptedDek::new(ContextForm::Hashed, vec![own.clone()]).unwrap();
    let other_form = with(&truth, "encrypted_dek", binary(other_form.to_bytes()));
    let group = with(&truth, "encrypted_dek_medical", old["encrypted_dek_medical"].clone());
    let rsa = with_dek(vec![own.clone(), entry(KeyKind::RSA_OAEP, &[1; 8])]);
    let branch = with_dek(vec![entry(KeyKind::BRANCH, &[5; 16])]);
    let malformed = |name, value| with(&truth, name, value);
    let no_group_key = malformed("encrypted_dek_medical", None);

    let lies = [
        ("the old key", old, FindingKind::UnderKey),
        ("a second entry behind another", with_dek(vec![own, of_old]), FindingKind::UnderKey),
        ("the key of a group", group, FindingKind::UnderKey),
        ("an unknown group", newer, FindingKind::UnknownGroup),
        ("an unknown entity", with(&truth, "sk", text("OTHER")), FindingKind::UnknownEntity),
        ("a local key", local, FindingKind::LocalKey),
        ("a private key", with_dek(vec![private]), FindingKind::PrivateKey),
        ("an RSA key", rsa, FindingKind::RsaKey),
        ("a branch key", branch, FindingKind::BranchKey),
        (
            "a malformed key",
            malformed("encrypted_dek", binary([9, 9]).into()),
            FindingKind::Malformed,
        ),
        ("a key as text", malformed("encrypted_dek", text("x").into()), FindingKind::Malformed),
        (
            "a malformed payload",
            malformed("encrypted_payload", binary([1, 2]).into()),
            FindingKind::Malformed,
        ),
        ("a key under another name", moved_key, FindingKind::Malformed),
        ("a group without its key", no_group_key, FindingKind::Malformed),
        ("another context form", other_form, FindingKind::Malformed),
    ];
    let record = |kind| match kind {
        // Its key is not one of a kind that is known.
        FindingKind::UnknownEntity => "clinic".to_owned(),
        _ => format!("clinic[pk=PATIENT#p_{number}, sk=PROFILE]"),
    };
    lies.into_iter()
        .map(|(what, item, kind)| Lie { what, item, kind, record: record(kind) })
        .collect()
}

/// The data keys of the old key, whose headers name the new one: only opening shows it.
async fn wrong_hint(bench: &Bench, number: usize) -> Item {
    let hint = KmsKeyHint::of(bench.new.rsplit('/').next().unwrap());
    let mut item = to_item(&patient(number), &bench.keys(&bench.old)).await.unwrap();
    for name in ["encrypted_dek", "encrypted_dek_medical"] {
        let of_old = EncryptedDek::parse(&bytes_of(&item, name)).unwrap();
        let renamed = WrappedKey::new(KeyKind::AWS_KMS, hint, of_old.keys()[0].bytes()).unwrap();
        item.insert(name.into(), dek(vec![renamed]));
    }
    item
}

/// A provider that reads records of the new key, each shared data key once.
fn reader(bench: &Bench) -> CachedKeyProvider<KmsKeyProvider> {
    CachedKeyProvider::new(bench.keys(&bench.new), CacheLimits::new(Duration::from_secs(3600)))
}

const RECORD: &str = "clinic[pk=PATIENT#p_7, sk=PROFILE]";

#[tokio::test]
async fn each_lie_alone_is_named() {
    let bench = Bench::new().await;
    let truth = seed(&bench, FEW).await;
    let stored = bench.stored();
    let coverage = || stored.coverage().expect_none(&bench.old);
    let honest = coverage().expect_sealed().send().await.unwrap();
    assert!(honest.holds(), "{honest}");
    for Lie { what, item, kind, record } in lies(&bench, 7).await {
        let report = told(&bench, &truth, item, coverage()).await;
        assert_named(what, &report, kind, &record);
    }

    // A group of another entity type, on a record that has no groups.
    let old = to_item(&patient(7), &bench.keys(&bench.old)).await.unwrap();
    let visit = to_item(&visit(0, 7), &bench.keys(&bench.new)).await.unwrap();
    let of_group = with(&visit, "encrypted_dek_medical", old["encrypted_dek_medical"].clone());
    let report = told(&bench, &visit, of_group, coverage()).await;
    assert!(!report.holds());
    let kinds: Vec<_> = report.problems.keys().copied().collect();
    assert_eq!(kinds, [FindingKind::UnderKey, FindingKind::Malformed, FindingKind::UnknownGroup]);

    let mut plain = truth.clone();
    plain.retain(|name, _| !name.starts_with("encrypted_"));
    let report = told(&bench, &truth, plain, coverage().expect_sealed()).await;
    assert_named("plaintext", &report, FindingKind::NotSealed, RECORD);

    // Attributes that no schema names are seen if all are read.
    let added = with(&truth, "backup", old["encrypted_dek"].clone());
    let report = told(&bench, &truth, added.clone(), coverage()).await;
    assert!(report.holds() && report.scope.not_proved.iter().any(|it| it.contains("attributes")));
    let report = told(&bench, &truth, added, coverage().all_attributes()).await;
    assert_named("a key beside the record", &report, FindingKind::UnderKey, RECORD);

    let wrong_hint = wrong_hint(&bench, 7).await;
    let report = told(&bench, &truth, wrong_hint.clone(), coverage()).await;
    assert!(report.holds(), "headers are claims: {report}");
    let report = told(&bench, &truth, wrong_hint, coverage().open(reader(&bench))).await;
    assert_named("a wrong hint", &report, FindingKind::NotOpened, RECORD);

    // What the operator knows of can be ignored; it is still counted.
    let mut lies = lies(&bench, 7).await;
    let rsa = lies.remove(lies.iter().position(|lie| lie.kind == FindingKind::RsaKey).unwrap());
    let report = told(&bench, &truth, rsa.item, coverage().ignore(FindingKind::RsaKey)).await;
    assert!(report.holds() && report.problems.contains_key(&FindingKind::RsaKey));
}

/// Each is told by a patient of its own, all at the same time.
#[tokio::test]
async fn each_lie_among_ten_thousand_items_is_named() {
    let bench = Bench::new().await;
    seed(&bench, MANY).await;
    let stored = bench.stored();
    let coverage = || stored.coverage().expect_none(&bench.old);
    let honest = coverage().expect_sealed().send().await.unwrap();
    assert!(honest.holds(), "{honest}");
    assert_eq!(honest.read.items, u64::from(MANY) + 1);

    plant(&bench.servers, &bench.name, wrong_hint(&bench, 8).await).await;
    let unlimited = envelope_dynamo::maintain::Limits::new().kms(f64::INFINITY);
    let report = coverage().open(reader(&bench)).limits(unlimited).send().await.unwrap();
    let record = "clinic[pk=PATIENT#p_8, sk=PROFILE]";
    assert_named("a wrong hint", &report, FindingKind::NotOpened, record);
    assert_eq!(report.opened.unwrap().opened, u64::from(MANY) + 1);

    let (mut told, mut kinds) = (Vec::new(), BTreeMap::new());
    for at in 0..lies(&bench, 0).await.len() {
        let lie = lies(&bench, 1_000 + at).await.swap_remove(at);
        plant(&bench.servers, &bench.name, lie.item.clone()).await;
        *kinds.entry(lie.kind).or_default() += 1;
        told.push(lie);
    }
    let report = coverage().send().await.unwrap();
    assert!(!report.holds(), "{report}");
    assert_eq!(report.problems, kinds);
    for Lie { what, kind, record, .. } in told {
        let named = report.findings.iter().any(|it| it.kind == kind && it.record == record);
        assert!(named, "{what}: {:?}", report.findings);
    }
}
