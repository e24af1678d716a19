//! Errors show a record's key in the form that the struct chose for the KMS context, and in no
//! other.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::error::{DataError, DataKeyError, ServiceError, UsageError, WriteError};
use envelope_dynamo::{Envelope, Error, ErrorKind, KmsKeyProvider, Table};
use envelope_examples::servers::{create_table, unique_name};
use envelope_examples::{Fault as Injected, Faults, Servers};
use envelope_tests::{Secret, all_it_says};

/// A partition key that names a person.
const PARTITION: &str = "zoë.k3y-0f-b0h3mia@example.com";
/// A sort key that reveals something.
const SORT: u64 = 8_163_247_710_956_338_204;

macro_rules! in_form {
    ($($form:ident = $name:literal;)*) => {$(
        mod $form {
            use super::*;

            #[derive(Clone, Envelope)]
            #[envelope(table = "visits", kms_context = $name)]
            pub(super) struct Visit {
                #[partition_key]
                pub(super) patient: String,
                #[sort_key]
                pub(super) at: u64,
                #[encrypted]
                pub(super) diagnosis: String,
                #[authenticated]
                pub(super) ward: String,
            }

            pub(super) fn visit() -> Visit {
                Visit { patient: PARTITION.into(), at: SORT, diagnosis: "flu".into(), ward: "w".into() }
            }

            /// The same record with a field of another type, and with other marks.
            #[derive(Envelope)]
            #[envelope(table = "visits", kms_context = $name)]
            pub(super) struct Changed {
                #[partition_key]
                pub(super) patient: String,
                #[sort_key]
                pub(super) at: u64,
                #[encrypted]
                pub(super) diagnosis: u8,
                #[authenticated]
                pub(super) ward: String,
            }

            #[derive(Envelope)]
            #[envelope(table = "visits", kms_context = $name)]
            pub(super) struct Unprotected {
                #[partition_key]
                pub(super) patient: String,
                #[sort_key]
                pub(super) at: u64,
                #[encrypted]
                pub(super) anchor: String,
                #[plaintext]
                pub(super) diagnosis: String,
            }

            /// Every error that names the record, for this form.
            pub(super) async fn errors() -> Vec<Error> {
                let (servers, faults) = (Servers::from_env().await.unwrap(), Faults::new());
                let physical = unique_name("visits");
                let (partition, sort) = (("patient", ScalarAttributeType::S), ("at", ScalarAttributeType::N));
                create_table(servers.dynamodb(), &physical, partition, Some(sort)).await.unwrap();
                let provider = || KmsKeyProvider::new(servers.kms_through(&faults), servers.kms_key_id());
                let dynamodb = || servers.dynamodb_through(&faults);
                let table = Table::<Visit>::new(dynamodb(), provider()).named(&*physical);
                let changed = Table::<Changed>::new(dynamodb(), provider()).named(&*physical);
                let unprotected = Table::<Unprotected>::new(dynamodb(), provider()).named(&*physical);
                let raw = |item| servers.dynamodb().put_item().table_name(&physical).set_item(Some(item)).send();
                let key = (PARTITION, SORT);
                let mut errors = Vec::new();

                table.put(&visit()).send().await.unwrap();
                let stored = table.put(&visit()).into_sdk().await.unwrap().get_item().clone().unwrap();
                errors.push(table.put(&visit()).if_not_exists().send().await.unwrap_err());
                errors.push(table.put(&Visit { diagnosis: "x".repeat(500_000), ..visit() }).send().await.unwrap_err());
                errors.push(changed.get(key).send().await.err().unwrap());
                for (operation, code) in [
                    ("GenerateDataKey", "AccessDeniedException"),
                    ("Decrypt", "InvalidCiphertextException"),
                    ("PutItem", "ValidationException"),
                    ("GetItem", "ResourceNotFoundException"),
                    ("DeleteItem", "AccessDeniedException"),
                ] {
                    for fault in [Injected::error(code), Injected::Io, Injected::Reply { status: 200, body: "{".into() }] {
                        faults.fail_always(operation, fault);
                        errors.extend(table.put(&visit()).send().await.err());
                        errors.extend(table.get(key).send().await.err());
                        errors.extend(table.delete(key).send().await.err());
                        faults.recover(operation);
                    }
                }

                let mut changes = vec![];
                for (name, value) in [
                    ("ward", Some(AttributeValue::S("another".into()))),
                    ("diagnosis", Some(AttributeValue::S("in the clear".into()))),
                    ("encrypted_payload", None),
                    ("encrypted_dek", Some(AttributeValue::B(Blob::new([1])))),
                    ("encrypted_payload", Some(AttributeValue::B(Blob::new([7; 100])))),
                ] {
                    let mut item = stored.clone();
                    item.remove(name);
                    item.extend(value.map(|value| (name.to_owned(), value)));
                    changes.push(item);
                }
                let mut bare = stored;
                bare.remove("encrypted_payload");
                bare.remove("encrypted_dek");
                changes.push(bare);
                for item in changes {
                    raw(item).await.unwrap();
                    errors.push(table.get(key).send().await.err().unwrap());
                }

                let record = Unprotected {
                    patient: PARTITION.into(),
                    at: SORT,
                    anchor: "a".into(),
                    diagnosis: "in the clear".into(),
                };
                unprotected.put(&record).send().await.unwrap();
                errors.push(table.get(key).send().await.err().unwrap());
                errors
            }
        }
    )*};
}

in_form! {
    raw = "raw";
    hashed = "hashed";
    table = "table";
}

/// The kinds of the errors above. The test fails if one is missing.
#[track_caller]
fn assert_of_every_kind(errors: &[Error]) {
    let of = |is: fn(&ErrorKind) -> bool| {
        assert!(errors.iter().any(|error| is(error.kind())), "{errors:?}")
    };
    of(|kind| matches!(kind, ErrorKind::Write(WriteError::ConditionFailed)));
    of(|kind| matches!(kind, ErrorKind::Usage(UsageError::TooLarge { .. })));
    of(|kind| matches!(kind, ErrorKind::Data(DataError::Deserialize { .. })));
    of(|kind| matches!(kind, ErrorKind::Key(DataKeyError::Generate(_))));
    of(|kind| matches!(kind, ErrorKind::Key(DataKeyError::Unwrap(_))));
    of(|kind| matches!(kind, ErrorKind::DynamoDb(ServiceError::Request(_))));
    of(|kind| matches!(kind, ErrorKind::Data(DataError::NotAuthentic { .. })));
    of(|kind| matches!(kind, ErrorKind::Usage(UsageError::Marks(_))));
    of(|kind| matches!(kind, ErrorKind::Data(DataError::Malformed(_))));
    of(|kind| matches!(kind, ErrorKind::Data(DataError::NotSealed)));
}

/// `anyhow` prints a chain of errors in this way with `{:#}`.
fn printed_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn an_error_and_its_sources_say_nothing_twice() {
    let errors = raw::errors().await;
    for error in &errors {
        let printed = printed_chain(error);
        let mut parts: Vec<_> = printed
            .split([';', '(', ')'])
            .flat_map(|part| part.split(": "))
            .map(str::trim)
            .collect();
        parts.retain(|part| !part.is_empty());
        let all = parts.len();
        parts.sort_unstable();
        parts.dedup();
        assert_eq!(parts.len(), all, "{printed}");
    }
    let says = |text: &str| errors.iter().any(|error| error.to_string().contains(text));
    for cause in [
        "AccessDeniedException",
        "ResourceNotFoundException",
        "a fault that was asked for",
        "HTTP status 200",
    ] {
        assert!(says(cause), "{cause}: {errors:?}");
    }
}

#[track_caller]
fn assert_withheld(error: &Error) {
    for key in [PARTITION.to_owned(), SORT.to_string()] {
        let told = all_it_says(error);
        assert_eq!(Secret::new(key).found_in(&told), None, "{told}");
    }
}

#[tokio::test]
async fn raw_keys_stand_in_errors_as_they_are() {
    let errors = raw::errors().await;
    assert_of_every_kind(&errors);
    for error in errors {
        let told = error.to_string();
        assert!(told.starts_with(&format!("visits[patient={PARTITION}, at={SORT}]: ")), "{told}");
        let keys: Vec<_> = error.record().keys().collect();
        assert_eq!(keys, [("patient", PARTITION), ("at", &SORT.to_string())]);
    }
}

#[tokio::test]
async fn hashed_keys_stand_in_errors_as_digests() {
    let errors = hashed::errors().await;
    assert_of_every_kind(&errors);
    for error in errors {
        assert_withheld(&error);
        let told = error.to_string();
        assert!(
            told.starts_with("visits[patient=(sha256 ") && told.contains(", at=(sha256 "),
            "{told}"
        );
    }
}

#[tokio::test]
async fn keys_hidden_from_kms_are_in_no_error() {
    let errors = table::errors().await;
    assert_of_every_kind(&errors);
    for error in errors {
        assert_withheld(&error);
        assert!(
            error.to_string().starts_with("visits[patient=(withheld), at=(withheld)]: "),
            "{error}"
        );
    }
}

/// Invalid keys, of a struct that shows no key.
#[tokio::test]
async fn a_key_that_is_refused_is_withheld_as_well() {
    let long = PARTITION.repeat(100);
    let visit = hashed::Visit { patient: long.clone(), ..hashed::visit() };
    let error = envelope_dynamo::to_item(&visit, &crate::provider()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { .. })), "{error}");
    assert_withheld(&error);
    let visit = table::Visit { patient: long, ..table::visit() };
    assert_withheld(&envelope_dynamo::to_item(&visit, &crate::provider()).await.unwrap_err());
}

/// KMS sees the ward as a pair, and the patient not at all.
#[derive(Envelope)]
#[envelope(table = "visits", kms_context = "table")]
struct InWard {
    #[partition_key]
    #[encryption_context]
    ward: String,
    #[sort_key]
    patient: String,
    #[encrypted]
    diagnosis: String,
}

#[tokio::test]
async fn a_key_that_kms_sees_as_a_pair_is_shown() {
    let visit = InWard { ward: "w 7".into(), patient: PARTITION.into(), diagnosis: "flu".into() };
    let mut item = envelope_dynamo::to_item(&visit, &crate::provider()).await.unwrap();
    item.insert("encrypted_payload".into(), AttributeValue::B(Blob::new([7; 80])));
    let error = envelope_dynamo::from_item::<InWard>(item, &crate::provider()).await;
    let Err(error) = error else { panic!("a false payload opens") };
    assert!(error.to_string().starts_with("visits[ward=w 7, patient=(withheld)]: "), "{error}");
    assert_withheld(&error);
}
