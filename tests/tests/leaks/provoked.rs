//! Every other error that a test can cause, each with a secret nearby.

use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::error::{DataError, UsageError, WriteError};
use envelope_dynamo::{
    Envelope, Error, ErrorKind, KmsKeyProvider, RootKey, Table, from_item, to_item,
};
use envelope_examples::servers::{create_table, unique_name};
use envelope_examples::{Fault as Injected, Faults, Servers};
use envelope_tests::{all_it_says, binary, text};

use crate::{
    BYTES, DATA_KEY, Item, NUMBER, ROOT, TEXT, assert_clean, assert_says_no_secret, open, provider,
    seal,
};

#[derive(Clone, Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted]
    scan: Vec<u8>,
    #[encrypted]
    number: u64,
    #[authenticated]
    ward: String,
}

fn patient() -> Patient {
    Patient {
        id: "p_1".into(),
        name: TEXT.into(),
        scan: BYTES.to_vec(),
        number: NUMBER,
        ward: "w".into(),
    }
}

/// The struct before any field was encrypted.
#[derive(Envelope)]
#[envelope(table = "patients")]
struct Unprotected {
    #[partition_key]
    id: String,
    #[encrypted]
    anchor: String,
    #[plaintext]
    name: String,
}

async fn refused(item: &Item) -> Error {
    let Err(error) = open::<Patient>(item).await else { panic!("opened") };
    assert_says_no_secret(&error);
    error
}

#[tokio::test]
async fn refusing_a_plaintext_record_quotes_nothing() {
    let item = Item::from([("id".to_owned(), text("p_1")), ("name".to_owned(), text(TEXT))]);
    assert!(matches!(refused(&item).await.kind(), ErrorKind::Data(DataError::NotSealed)));
}

#[tokio::test]
async fn an_error_does_not_quote_a_secret_in_place_of_a_payload() {
    let whole = seal(patient()).await;
    let long: Vec<u8> = [
        [1, 1].as_slice(),
        &DATA_KEY,
        &BYTES,
        &ROOT,
        &[0x84, 0x79, 0, 19],
        TEXT.as_bytes(),
        &[0; 16],
    ]
    .concat();
    for name in ["encrypted_payload", "encrypted_dek"] {
        for value in [
            text(TEXT),
            binary(TEXT.as_bytes()),
            binary(BYTES),
            binary(&long),
            binary([&[1, 0, 1, 2, 4], TEXT.as_bytes()].concat()),
            binary([&[1, 0, 1, 1, 20], BYTES.as_slice(), &[0, 32], &DATA_KEY].concat()),
            AttributeValue::N(NUMBER.to_string()),
            AttributeValue::L(vec![text(TEXT)]),
        ] {
            let mut item = whole.clone();
            item.insert(name.to_owned(), value);
            refused(&item).await;
        }
    }
}

#[tokio::test]
async fn refusing_a_changed_record_quotes_nothing() {
    let whole = seal(patient()).await;
    let mut moved = whole.clone();
    moved.insert("id".to_owned(), text("p_2"));
    let mut bound = whole.clone();
    bound.insert("ward".to_owned(), text(TEXT));
    let mut flipped = whole["encrypted_payload"].as_b().unwrap().as_ref().to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let mut payload = whole.clone();
    payload.insert("encrypted_payload".to_owned(), binary(&flipped));
    for (item, after_the_key) in [(moved, false), (bound, true), (payload, true)] {
        let error = refused(&item).await;
        assert_eq!(
            matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })),
            after_the_key,
            "{error}"
        );
    }
    let other = envelope_dynamo::LocalKeyProvider::new(RootKey::from_bytes(&DATA_KEY).unwrap());
    let Err(error) = from_item::<Patient>(whole, &other).await else { panic!("opened") };
    assert_says_no_secret(&error);
}

#[tokio::test]
async fn refusing_a_record_of_other_marks_quotes_nothing() {
    let unprotected = Unprotected { id: "p_1".into(), anchor: TEXT.into(), name: TEXT.into() };
    let error = refused(&seal(unprotected).await).await;
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Marks(_))), "{error}");
    let mut item = seal(patient()).await;
    item.insert("name".to_owned(), text(TEXT));
    let error = refused(&item).await;
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Marks(_))), "{error}");
}

#[test]
fn an_error_does_not_quote_an_invalid_root_key() {
    let directory = env!("CARGO_TARGET_TMPDIR");
    let wrong: [&[u8]; 5] = [
        &ROOT[..31],
        &[ROOT.as_slice(), &[0]].concat(),
        TEXT.as_bytes(),
        &[b'z'; 64],
        &BYTES.repeat(3),
    ];
    for (i, bytes) in wrong.into_iter().enumerate() {
        assert_clean(&all_it_says(&RootKey::from_bytes(bytes).unwrap_err()));
        let path =
            std::path::Path::new(directory).join(format!("root-key-{}-{i}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let error = RootKey::from_file(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert_clean(&all_it_says(&error));
    }
    // A variable that is set in every test, and is not a key.
    let error = RootKey::from_env("CARGO_MANIFEST_DIR").unwrap_err();
    assert!(!all_it_says(&error).contains(env!("CARGO_MANIFEST_DIR")), "{error:?}");
}

struct Bench {
    faults: Faults,
    table: Table<Patient>,
}

async fn bench() -> Bench {
    let (servers, faults) = (Servers::from_env().await.unwrap(), Faults::new());
    let physical = unique_name(Patient::TABLE);
    create_table(servers.dynamodb(), &physical, ("id", ScalarAttributeType::S), None)
        .await
        .unwrap();
    let provider = KmsKeyProvider::new(servers.kms_through(&faults), servers.kms_key_id());
    Bench { table: Table::new(servers.dynamodb_through(&faults), provider).named(physical), faults }
}

/// Failures of KMS, DynamoDB and the network, without a secret in the answer.
fn bad_days() -> Vec<Injected> {
    vec![
        Injected::error("AccessDeniedException"),
        Injected::error("ValidationException"),
        Injected::error("ThrottlingException"),
        Injected::Reply { status: 500, body: String::new() },
        Injected::Reply { status: 200, body: "{".to_owned() },
        Injected::Reply { status: 200, body: "{}".to_owned() },
        Injected::Io,
        Injected::Timeout,
    ]
}

#[tokio::test]
async fn the_error_of_a_failed_call_does_not_quote_its_request() {
    let Bench { faults, table } = bench().await;
    table.put(&patient()).send().await.unwrap();
    for fault in bad_days() {
        for operation in ["GenerateDataKey", "Decrypt", "GetItem", "PutItem", "DeleteItem"] {
            faults.fail_always(operation, fault.clone());
            let errors = [
                table.put(&patient()).send().await.err(),
                table.get("p_1").send().await.err(),
                table.delete("p_1").send().await.err(),
            ];
            errors.iter().flatten().for_each(assert_says_no_secret);
            faults.recover(operation);
            if errors[2].is_none() {
                table.put(&patient()).send().await.unwrap();
            }
        }
    }
}

/// The values of an expression that is refused are not printed.
#[tokio::test]
async fn a_refused_expression_is_told_without_its_values() {
    let Bench { faults, table } = bench().await;
    let patient = patient();
    let put = table.put(&patient).customize(|put| {
        put.condition_expression("#n = :name")
            .expression_attribute_names("#n", "name")
            .expression_attribute_values(":name", text(TEXT))
    });
    let delete = table.delete("p_1").customize(|delete| {
        delete
            .condition_expression("number = :n")
            .expression_attribute_values(":n", AttributeValue::N(NUMBER.to_string()))
    });
    for error in [put.send().await.unwrap_err(), delete.send().await.unwrap_err()] {
        assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Customized { .. })), "{error}");
        assert_says_no_secret(&error);
    }
    assert!(faults.all_requests().is_empty());
}

#[tokio::test]
async fn the_error_of_a_large_item_shows_only_its_size() {
    let Bench { table, .. } = bench().await;
    let error =
        table.put(&Patient { name: TEXT.repeat(20_000), ..patient() }).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::TooLarge { .. })), "{error}");
    assert_says_no_secret(&error);
}

#[tokio::test]
async fn a_failed_condition_does_not_quote_the_stored_item() {
    let Bench { table, .. } = bench().await;
    table.put(&patient()).send().await.unwrap();
    let error = table.put(&patient()).if_not_exists().send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{error}");
    assert_says_no_secret(&error);
}

/// The record of these tests really holds the secrets.
#[tokio::test]
async fn the_secrets_are_in_the_record() {
    let opened: Patient = open(&seal(patient()).await).await.unwrap();
    assert_eq!(
        (opened.name.as_str(), opened.scan.as_slice(), opened.number),
        (TEXT, BYTES.as_slice(), NUMBER)
    );
    let item = to_item(&patient(), &provider()).await.unwrap();
    assert_clean(&format!("{item:?}"));
}
