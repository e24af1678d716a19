//! Reads and writes of a reader that may not open a group.

use envelope_dynamo::error::{KeyErrorKind, UsageError};
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{
    Access, Envelope, Error, ErrorKind, GroupKeyProvider, RootKey, from_item, to_item,
};

use crate::setup::Setup;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    note: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
}

/// The same when the diagnosis was in no group.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct Ungrouped {
    #[partition_key]
    id: String,
    #[encrypted]
    note: String,
    #[encrypted]
    diagnosis: String,
}

/// The same when anybody could read the diagnosis.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct Bound {
    #[partition_key]
    id: String,
    #[encrypted]
    note: String,
    #[authenticated]
    diagnosis: String,
}

/// The same beside another field of the group.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct Readable {
    #[partition_key]
    id: String,
    #[encrypted]
    note: String,
    #[encrypted(group = "medical")]
    allergies: Access<String>,
    #[authenticated]
    diagnosis: String,
}

fn patient() -> Patient {
    Patient { id: "1".into(), note: "n".into(), diagnosis: Access::Granted("gout".into()) }
}

/// A provider that has a key of its own for the group.
fn with_ward(keys: &TestKeyProvider) -> (GroupKeyProvider, TestKeyProvider) {
    let ward = TestKeyProvider::new(RootKey::from_bytes(&[2; 32]).expect("32 bytes"));
    (GroupKeyProvider::new(keys.clone()).group("medical", ward.clone()), ward)
}

#[tokio::test]
async fn a_failure_that_passes_withholds_no_group() {
    let keys = TestKeyProvider::default();
    let (reader, ward) = with_ward(&keys);
    let item = to_item(&patient(), &reader).await.expect("it is sealed");
    ward.fail_next(KeyErrorKind::AccessDenied);
    let read = from_item::<Patient>(item.clone(), &reader).await.expect("the rest opens");
    assert!(read.diagnosis.is_withheld());
    for kind in [KeyErrorKind::Throttled, KeyErrorKind::Unreachable, KeyErrorKind::Other] {
        ward.fail_next(kind);
        let error = from_item::<Patient>(item.clone(), &reader).await.expect_err("nobody knows");
        assert_eq!(
            error.key_error().map(envelope_dynamo::error::KeyError::kind),
            Some(kind),
            "{error}"
        );
    }
    assert_eq!(from_item::<Patient>(item, &reader).await.expect("it opens"), patient());
}

/// The put would delete what others sealed in the group.
#[tokio::test]
async fn a_record_whose_group_is_withheld_is_not_put() {
    let setup = Setup::new().await;
    let patients = setup.table::<Patient>().await;
    let outside = Patient { diagnosis: Access::Withheld, ..patient() };
    let error = patients.put(&outside).send().await.expect_err("the group would be lost");
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::GroupWithheld { group: "medical" })),
        "{error}"
    );
    assert_eq!(setup.faults.calls("PutItem"), 0);
}

fn assert_marks(error: &Error, says: &str) {
    let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else { panic!("{error}") };
    assert_eq!(marks.attribute(), "diagnosis");
    assert!(error.to_string().contains(says), "{error}");
}

/// The reader gets an error, and not the value, whether the value is sealed or in the clear.
#[tokio::test]
async fn a_value_outside_of_its_withheld_group_is_not_read() {
    let keys = TestKeyProvider::default();
    let (reader, ward) = with_ward(&keys);
    ward.fail_always(KeyErrorKind::AccessDenied);

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "patients")]
    struct Both {
        #[partition_key]
        id: String,
        #[encrypted]
        note: String,
        #[encrypted]
        diagnosis: String,
        #[encrypted(group = "medical")]
        allergies: Access<String>,
    }
    let both = Both {
        id: "1".into(),
        note: "n".into(),
        diagnosis: "gout".into(),
        allergies: Access::Granted("dust".into()),
    };
    let item = to_item(&both, &with_ward(&keys).0).await.expect("it is sealed");
    let error = from_item::<Patient>(item, &reader).await.expect_err("it is outside of the group");
    assert_marks(&error, "belongs to a group that is withheld from this reader");

    let readable = Readable {
        id: "1".into(),
        note: "n".into(),
        allergies: Access::Granted("dust".into()),
        diagnosis: "gout".into(),
    };
    let item = to_item(&readable, &with_ward(&keys).0).await.expect("it is sealed");
    let error = from_item::<Patient>(item, &reader).await.expect_err("it is outside of the group");
    assert_marks(&error, "the item also has it in plaintext");
}

#[tokio::test]
async fn a_field_that_joined_a_group_is_read_from_where_it_was() {
    let keys = TestKeyProvider::default();
    let ungrouped = Ungrouped { id: "1".into(), note: "n".into(), diagnosis: "gout".into() };
    let item = to_item(&ungrouped, &keys).await.expect("it is sealed");
    assert_eq!(from_item::<Patient>(item, &keys).await.expect("it opens"), patient());

    let bound = Bound { id: "1".into(), note: "n".into(), diagnosis: "gout".into() };
    let item = to_item(&bound, &keys).await.expect("it is sealed");
    assert_eq!(from_item::<Patient>(item, &keys).await.expect("it opens"), patient());
}
