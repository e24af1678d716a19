//! The names of sealed fields are sealed, too. No error shows names that the struct does not have.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::UsageError;
use envelope_dynamo::{Envelope, ErrorKind};

use crate::{TEXT, assert_says_no_secret, open, seal};

/// A record with a field whose name is secret.
#[derive(Envelope)]
#[envelope(table = "patients")]
struct Findings {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted]
    #[serde(rename = "tr0ub4dor&3-cörrect-horse")]
    finding: u8,
}

/// The same record for a reader with another field.
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
async fn a_record_of_other_marks_counts_the_names_it_does_not_know() {
    let mut item = seal(Findings { id: "p_1".into(), name: "n".into(), finding: 1 }).await;
    item.insert("ward".to_owned(), AttributeValue::S("in the clear".into()));
    let error = open::<Ward>(&item).await.unwrap_err();
    assert_says_no_secret(&error);
    assert!(
        error.to_string().ends_with(
            "written with encrypted [name] and 1 that the struct does not name, authenticated []"
        ),
        "{error}"
    );
    // The names are available on request.
    let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else { panic!("{error}") };
    assert_eq!(marks.written().encrypted, ["name", TEXT]);
}
