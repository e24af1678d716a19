//! Groups of fields with their own keys: who reads what, and what an attacker with write access can
//! do.

use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::error::{DataError, KeyErrorKind, UsageError};
use envelope_dynamo::item::{item_context, item_group_context};
use envelope_dynamo::keys::rewrap;
use envelope_dynamo::message::Sealed;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{
    Access, Envelope, Error, ErrorKind, GroupKeyProvider, KmsKeyProvider, RootKey, Table,
    UnwrapKey, from_item, to_item,
};
use envelope_examples::servers::{create_kms_key, create_table, disable_kms_key, unique_name};
use envelope_examples::{Faults, Servers};
use envelope_tests::{Item, Secret, all_it_says, binary, bytes_of, local_keys};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients", context(purpose = "care"))]
struct Patient {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
    #[encrypted(group = "medical")]
    #[serde(skip_serializing_if = "no_allergies", default)]
    allergies: Access<Vec<String>>,
    #[encrypted(group = "billing-1")]
    iban: Access<Option<String>>,
    #[authenticated]
    ward: String,
    #[plaintext]
    visits: u32,
}

fn no_allergies(allergies: &Access<Vec<String>>) -> bool {
    allergies.as_ref().granted().is_some_and(Vec::is_empty)
}

fn patient(id: &str) -> Patient {
    Patient {
        patient_id: id.to_owned(),
        name: "Zoë".to_owned(),
        diagnosis: Access::Granted("gout".to_owned()),
        allergies: Access::Granted(vec!["penicillin".to_owned()]),
        iban: Access::Granted(None),
        ward: "west".to_owned(),
        visits: 3,
    }
}

/// Keys: 1 for the record, 2 for its medical group, 3 for its billing.
fn doctor() -> GroupKeyProvider {
    GroupKeyProvider::new(local_keys(1))
        .group("medical", local_keys(2))
        .group("billing-1", local_keys(3))
}

fn accountant() -> GroupKeyProvider {
    GroupKeyProvider::new(local_keys(1)).group("billing-1", local_keys(3))
}

async fn write(record: &Patient) -> Item {
    to_item(record, &doctor()).await.unwrap()
}

async fn read(item: &Item, reader: &impl UnwrapKey) -> Result<Patient, Error> {
    from_item(item.clone(), reader).await
}

const PARTS: [&str; 6] = [
    "encrypted_payload",
    "encrypted_dek",
    "encrypted_payload_medical",
    "encrypted_dek_medical",
    "encrypted_payload_billing-1",
    "encrypted_dek_billing-1",
];

#[tokio::test]
async fn each_reader_sees_the_groups_whose_keys_it_has() {
    let patient = patient("p_1");
    let item = write(&patient).await;
    let mut names: Vec<_> = item.keys().map(String::as_str).collect();
    names.sort_unstable();
    let mut expected = [&PARTS[..], &["patient_id", "ward", "visits"]].concat();
    expected.sort_unstable();
    assert_eq!(names, expected);

    assert_eq!(read(&item, &doctor()).await.unwrap(), patient);
    let withheld =
        Patient { diagnosis: Access::Withheld, allergies: Access::Withheld, ..patient.clone() };
    assert_eq!(read(&item, &accountant()).await.unwrap(), withheld);
    let nothing = Patient { iban: Access::Withheld, ..withheld.clone() };
    assert_eq!(read(&item, &local_keys(1)).await.unwrap(), nothing);
    assert_eq!(read(&item, &GroupKeyProvider::new(local_keys(1))).await.unwrap(), nothing);

    // Without the record's own key nothing is read, even with the key of a group.
    let error = read(&item, &GroupKeyProvider::new(local_keys(9)).group("medical", local_keys(2)))
        .await
        .unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::WrongKey);
}

#[tokio::test]
async fn one_provider_may_serve_all_groups() {
    let provider = TestKeyProvider::new(RootKey::generate().unwrap());
    let item = to_item(&patient("p_1"), &provider).await.unwrap();
    assert_eq!(provider.generate_calls(), 3);
    assert_eq!(from_item::<Patient>(item, &provider).await.unwrap(), patient("p_1"));
    assert_eq!(provider.unwrap_calls(), 3);
}

#[tokio::test]
async fn what_is_withheld_cannot_be_destroyed_by_putting_the_rest() {
    let item = write(&patient("p_1")).await;
    let seen = read(&item, &accountant()).await.unwrap();
    let error = to_item(&seen, &doctor()).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::GroupWithheld { group: "medical" })),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "patients[patient_id=p_1]: the values of the group `medical` are withheld, so that storing the record would \
         destroy them; nothing was sent (without access to the group, change the rest with `modify`, and do not \
         put the record)"
    );

    let part = Patient { allergies: Access::Withheld, ..patient("p_1") };
    let error = to_item(&part, &doctor()).await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Usage(UsageError::PartOfGroupWithheld { group: "medical" })
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_group_may_be_written_without_the_right_to_read_it() {
    let reception = GroupKeyProvider::new(local_keys(1))
        .write_only_group("medical", local_keys(2))
        .group("billing-1", local_keys(3));
    let item = to_item(&patient("p_1"), &reception).await.unwrap();
    assert!(read(&item, &reception).await.unwrap().diagnosis.is_withheld());
    assert_eq!(read(&item, &doctor()).await.unwrap(), patient("p_1"));

    let error = to_item(&patient("p_1"), &GroupKeyProvider::new(local_keys(1))).await.unwrap_err();
    assert_eq!(
        error.key_error().unwrap().to_string(),
        "access denied: no key provider is configured for the group `medical`: add one with \
         `GroupKeyProvider::group`"
    );
}

/// A transient failure fails the whole record, so that it is not mistaken for missing rights.
#[tokio::test]
async fn only_what_lasts_withholds_a_group() {
    let item = write(&patient("p_1")).await;
    use KeyErrorKind::*;
    for kind in [AccessDenied, WrongKey, KeyDisabled, PendingDeletion, KeyNotFound] {
        let ward = TestKeyProvider::new(RootKey::from_bytes(&[2; 32]).unwrap());
        let reader = GroupKeyProvider::new(local_keys(1)).group("medical", ward.clone());
        ward.fail_always(kind);
        assert!(read(&item, &reader).await.unwrap().diagnosis.is_withheld(), "{kind:?}");
        ward.recover();
        assert_eq!(
            read(&item, &reader).await.unwrap().diagnosis,
            Access::Granted("gout".to_owned())
        );
    }
    for kind in [
        Throttled,
        Unreachable,
        ContextMismatch,
        InvalidResponse,
        InvalidKeyUsage,
        Configuration,
        Other,
    ] {
        let ward = TestKeyProvider::new(RootKey::from_bytes(&[2; 32]).unwrap());
        ward.fail_always(kind);
        let reader = GroupKeyProvider::new(local_keys(1)).group("medical", ward);
        let error = read(&item, &reader).await.unwrap_err();
        assert_eq!(error.key_error().unwrap().kind(), kind);
    }
}

/// Every part of one record in place of every part of another record or group.
#[tokio::test]
async fn no_part_can_stand_in_the_place_of_another() {
    let (a, b) = (write(&patient("p_1")).await, write(&patient("p_2")).await);
    let older =
        write(&Patient { diagnosis: Access::Granted("healthy".to_owned()), ..patient("p_1") })
            .await;
    for to in PARTS {
        for (source, from) in PARTS
            .map(|part| (&a, part))
            .into_iter()
            .chain(PARTS.map(|part| (&b, part)))
            .chain(PARTS.map(|part| (&older, part)))
        {
            if std::ptr::eq(source, &a) && to == from {
                continue;
            }
            let mut forged = a.clone();
            forged.insert(to.to_owned(), source[from].clone());
            // A wrapped key of another key only means that this reader lacks the right key.
            match read(&forged, &doctor()).await {
                Err(_) => {}
                Ok(opened) => {
                    assert!(
                        to.starts_with("encrypted_dek_"),
                        "{to} replaced by {from}: {opened:?}"
                    );
                    let (medical, billing) =
                        (opened.diagnosis.is_withheld(), opened.iban.is_withheld());
                    assert!(medical != billing, "{to} replaced by {from}: {opened:?}");
                }
            }
        }
    }
    // An older payload and wrapped key of the group: the record lists another.
    let mut replayed = a.clone();
    for part in ["encrypted_payload_medical", "encrypted_dek_medical"] {
        replayed.insert(part.to_owned(), older[part].clone());
    }
    let error = read(&replayed, &doctor()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
    // This also holds for a reader without the right to the group.
    assert!(matches!(
        read(&replayed, &accountant()).await.unwrap_err().kind(),
        ErrorKind::Data(DataError::NotAuthentic { .. })
    ));
}

#[tokio::test]
async fn a_group_cannot_be_taken_away_or_added() {
    let item = write(&patient("p_1")).await;
    for part in PARTS {
        let mut cut = item.clone();
        cut.remove(part);
        assert!(read(&cut, &doctor()).await.is_err(), "without {part}");
    }
    let mut cut = item.clone();
    cut.remove("encrypted_payload_medical");
    cut.remove("encrypted_dek_medical");
    let error = read(&cut, &doctor()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");

    let mut added = to_item(&Ungrouped::of("p_1"), &doctor()).await.unwrap();
    for part in ["encrypted_payload_medical", "encrypted_dek_medical"] {
        added.insert(part.to_owned(), item[part].clone());
    }
    let error = from_item::<Patient>(added, &doctor()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "patients[patient_id=p_1]: the item has the group `medical`, which was not sealed with the record"
    );
}

#[tokio::test]
async fn every_bit_of_a_groups_payload_counts_and_none_of_them_withholds_it() {
    let item = write(&patient("p_1")).await;
    let payload = bytes_of(&item, "encrypted_payload_medical");
    for bit in 0..payload.len() * 8 {
        let mut changed = payload.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let mut forged = item.clone();
        forged.insert("encrypted_payload_medical".to_owned(), binary(changed));
        for opened in [read(&forged, &doctor()).await, read(&forged, &accountant()).await] {
            assert!(opened.is_err(), "bit {bit}: {opened:?}");
        }
    }
}

/// The wrapped key of a group is not authenticated. If it is damaged, the group is lost, as if the
/// attribute had been deleted. If it names an unknown key, the group is withheld. No other value
/// ever appears.
#[tokio::test]
async fn a_spoilt_wrapped_key_of_a_group_never_yields_a_value() {
    let item = write(&patient("p_1")).await;
    let dek = bytes_of(&item, "encrypted_dek_medical");
    for bit in 0..dek.len() * 8 {
        let mut changed = dek.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let mut forged = item.clone();
        forged.insert("encrypted_dek_medical".to_owned(), binary(changed));
        if let Ok(opened) = read(&forged, &doctor()).await {
            assert!(opened.diagnosis.is_withheld(), "bit {bit}: {opened:?}");
        }
    }
}

/// The same struct before it had groups.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients", context(purpose = "care"))]
struct Ungrouped {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    name: String,
    #[encrypted]
    diagnosis: String,
    #[encrypted]
    iban: Option<String>,
    #[authenticated]
    ward: String,
    #[plaintext]
    visits: u32,
}

impl Ungrouped {
    fn of(id: &str) -> Self {
        Self {
            patient_id: id.to_owned(),
            name: "Zoë".to_owned(),
            diagnosis: "gout".to_owned(),
            iban: None,
            ward: "west".to_owned(),
            visits: 3,
        }
    }
}

#[tokio::test]
async fn records_outlive_groups() {
    // Written without groups: whoever has the record's own key reads these fields.
    let item = to_item(&Ungrouped::of("p_1"), &local_keys(1)).await.unwrap();
    let read_now = from_item::<Patient>(item, &accountant()).await.unwrap();
    assert_eq!(read_now, Patient { allergies: Access::default(), ..patient("p_1") });

    // Written with groups, read by an older struct, which does not have these fields.
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "patients", context(purpose = "care"))]
    struct Older {
        #[partition_key]
        patient_id: String,
        #[encrypted]
        #[serde(default)]
        diagnosis: Option<String>,
    }
    let item = write(&patient("p_1")).await;
    let mut without_ward = item.clone();
    without_ward.remove("ward");
    assert!(from_item::<Older>(without_ward, &local_keys(1)).await.is_err());
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "patients", context(purpose = "care"))]
    struct WithoutGroups {
        #[partition_key]
        patient_id: String,
        #[encrypted]
        name: String,
        #[authenticated]
        ward: String,
        #[plaintext]
        visits: u32,
    }
    let older = from_item::<WithoutGroups>(item.clone(), &local_keys(1)).await.unwrap();
    assert_eq!(older.visits, 3);

    // A field moves from one group to another, and the reader has both keys.
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "patients", context(purpose = "care"))]
    struct Moved {
        #[partition_key]
        patient_id: String,
        #[encrypted(group = "billing-1")]
        diagnosis: Access<String>,
        #[encrypted(group = "medical")]
        iban: Access<Option<String>>,
    }
    let moved = from_item::<Moved>(item, &doctor()).await.unwrap();
    assert_eq!(moved.diagnosis, Access::Granted("gout".to_owned()));
}

#[tokio::test]
async fn plaintext_counts_as_a_group_field_only_if_accepted_and_readable() {
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "patients")]
    struct Before {
        #[partition_key]
        patient_id: String,
        #[encrypted]
        name: String,
        #[plaintext]
        diagnosis: String,
    }
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "patients")]
    struct After {
        #[partition_key]
        patient_id: String,
        #[encrypted]
        name: String,
        #[encrypted(group = "medical", accept = "plaintext")]
        diagnosis: Access<String>,
    }
    let before = Before { patient_id: "p_1".into(), name: "Zoë".into(), diagnosis: "gout".into() };
    let item = to_item(&before, &doctor()).await.unwrap();
    let after = from_item::<After>(item, &doctor()).await.unwrap();
    assert_eq!(after.diagnosis, Access::Granted("gout".to_owned()));

    // Once the field is sealed, a plaintext copy is refused, whether the group is readable or not.
    let mut item = to_item(&after, &doctor()).await.unwrap();
    item.insert("diagnosis".to_owned(), AttributeValue::S("healthy".to_owned()));
    for reader in [doctor(), accountant()] {
        let error = from_item::<After>(item.clone(), &reader).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Marks(_))), "{error}");
    }
}

#[tokio::test]
async fn the_data_key_of_a_group_is_wrapped_anew_like_that_of_the_record() {
    let mut item = write(&patient("p_1")).await;
    let sealed = Sealed {
        encrypted_payload: bytes_of(&item, "encrypted_payload_medical"),
        encrypted_dek: bytes_of(&item, "encrypted_dek_medical"),
    };
    let new = local_keys(5);
    let context = item_group_context::<Patient>(&item, "medical").unwrap();
    let dek = rewrap(&sealed, &local_keys(2), &context, &[&new], &context).await.unwrap();
    assert!(
        rewrap(
            &sealed,
            &local_keys(2),
            &item_context::<Patient>(&item).unwrap(),
            &[&new],
            &context
        )
        .await
        .is_err()
    );
    assert!(item_group_context::<Patient>(&item, "unknown").is_err());
    item.insert("encrypted_dek_medical".to_owned(), binary(dek));
    let reader = GroupKeyProvider::new(local_keys(1)).group("medical", new);
    assert_eq!(read(&item, &reader).await.unwrap().diagnosis, Access::Granted("gout".to_owned()));
}

#[tokio::test]
async fn no_value_of_a_group_is_in_errors_or_in_the_item() {
    #[derive(Debug, Envelope)]
    #[envelope(table = "patients")]
    struct Marked {
        #[partition_key]
        patient_id: String,
        #[encrypted]
        name: String,
        #[encrypted(group = "medical")]
        diagnosis: Access<String>,
    }
    let secret = Secret::new("hypertension of the third degree");
    let record = Marked {
        patient_id: "p_1".into(),
        name: "Zoë".into(),
        diagnosis: Access::Granted("hypertension of the third degree".into()),
    };
    let item = to_item(&record, &doctor()).await.unwrap();
    assert_eq!(secret.found_in(&format!("{item:?}")), None);

    #[derive(Debug, Envelope)]
    #[envelope(table = "patients")]
    struct OtherType {
        #[partition_key]
        patient_id: String,
        #[encrypted]
        name: String,
        #[encrypted(group = "medical")]
        diagnosis: Access<u64>,
    }
    let error = from_item::<OtherType>(item.clone(), &doctor()).await.unwrap_err();
    assert_eq!(secret.found_in(&all_it_says(&error)), None);
    assert!(
        error
            .to_string()
            .contains("`diagnosis` cannot be read as its field's type: found a string"),
        "{error}"
    );
    let mut forged = item;
    let mut payload = bytes_of(&forged, "encrypted_payload_medical");
    *payload.last_mut().unwrap() ^= 1;
    forged.insert("encrypted_payload_medical".to_owned(), binary(payload));
    let error = from_item::<Marked>(forged, &doctor()).await.unwrap_err();
    assert_eq!(secret.found_in(&all_it_says(&error)), None);
}

/// With KMS, each group has its own key and is named in the encryption context. It is withheld once
/// its key is disabled.
#[tokio::test]
async fn a_group_is_withheld_when_its_kms_key_is_disabled() {
    let servers = Servers::from_env().await.unwrap();
    let (own, ward) = (
        create_kms_key(servers.kms()).await.unwrap(),
        create_kms_key(servers.kms()).await.unwrap(),
    );
    let faults = Faults::new();
    let kms = |key: &str| KmsKeyProvider::new(servers.kms_through(&faults), key);
    let provider = || {
        GroupKeyProvider::new(kms(&own)).group("medical", kms(&ward)).group("billing-1", kms(&own))
    };
    let name = unique_name("patients");
    create_table(servers.dynamodb(), &name, ("patient_id", ScalarAttributeType::S), None)
        .await
        .unwrap();
    let patients = Table::<Patient>::new(servers.dynamodb().clone(), provider()).named(name);
    patients.put(&patient("p_1")).send().await.unwrap();
    assert_eq!(patients.get("p_1").send().await.unwrap(), Some(patient("p_1")));

    let contexts: Vec<_> = faults
        .requests("GenerateDataKey")
        .into_iter()
        .map(|body| serde_json::from_slice::<serde_json::Value>(&body).unwrap()["EncryptionContext"]["group"].clone())
        .collect();
    assert_eq!(
        contexts,
        ["medical", "billing-1"]
            .map(Into::into)
            .into_iter()
            .chain([serde_json::Value::Null])
            .collect::<Vec<_>>()
    );

    disable_kms_key(servers.kms(), &ward).await.unwrap();
    let seen = patients.get("p_1").send().await.unwrap().unwrap();
    assert!(seen.diagnosis.is_withheld() && seen.allergies.is_withheld());
    assert_eq!((seen.name.as_str(), seen.iban), ("Zoë", Access::Granted(None)));
}

#[test]
fn the_debug_of_a_group_provider_shows_no_key() {
    let provider = doctor();
    assert_eq!(
        format!("{provider:?}"),
        r#"GroupKeyProvider { groups: ["billing-1", "medical"], .. }"#
    );
}
