//! The names of a flattened map's entries are data: where they are sealed, no error tells them.

use std::collections::BTreeMap;
use std::fmt::Debug;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::{Envelope, ErrorKind, to_item};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::writing::Quoting;
use crate::{TEXT, assert_says_no_secret, open, provider, seal};

#[derive(Envelope)]
#[envelope(table = "patients")]
struct Findings<T: Serialize + DeserializeOwned> {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted]
    #[serde(flatten, bound = "")]
    findings: BTreeMap<String, T>,
}

fn findings<T: Serialize + DeserializeOwned>(finding: T) -> Findings<T> {
    Findings { id: "p_1".into(), name: "n".into(), findings: [(TEXT.to_owned(), finding)].into() }
}

/// The same record for a reader that wants one more field.
#[derive(Debug, Envelope)]
#[envelope(table = "patients")]
#[allow(dead_code)]
struct Ward {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted]
    ward: String,
}

#[tokio::test]
async fn an_entry_that_does_not_serialize_is_not_named() {
    let error = to_item(&findings(Quoting(TEXT)), &provider()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Serialize { .. }), "{error}");
    assert_says_no_secret(&error);
}

#[tokio::test]
async fn an_entry_that_does_not_deserialize_is_not_named() {
    // serde keeps flattened entries in a form that has no integers of 128 bits.
    let item = seal(findings(u128::MAX)).await;
    let Err(error) = open::<Findings<u128>>(&item).await else { panic!("serde has learned to keep them") };
    assert!(matches!(error.kind(), ErrorKind::Deserialize { .. }), "{error}");
    assert_says_no_secret(&error);

    let item = seal(findings("a text".to_owned())).await;
    let Err(error) = open::<Findings<u8>>(&item).await else { panic!("a text is read as a number") };
    assert_says_no_secret(&error);
}

#[tokio::test]
async fn a_record_of_other_marks_counts_the_entries() {
    let mut item = seal(findings(1_u8)).await;
    item.insert("ward".to_owned(), AttributeValue::S("in the clear".into()));
    let error = open::<Ward>(&item).await.unwrap_err();
    assert_says_no_secret(&error);
    assert!(
        error
            .to_string()
            .ends_with("written with encrypted [name] and 1 that the struct does not name, authenticated []"),
        "{error}"
    );
    // Who asks for them gets them.
    let ErrorKind::Marks(marks) = error.kind() else { panic!("{error}") };
    assert_eq!(marks.written().encrypted, ["name", TEXT]);
}
