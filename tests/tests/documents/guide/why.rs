//! The code of docs/guide/why.md. It runs as well.

use std::error::Error;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::{Envelope, Fault, from_item, to_item};
use envelope_tests::local_keys;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    ssn: Option<String>,
    #[authenticated]
    plan: String,
    #[plaintext]
    logins: u64,
}

#[tokio::test]
async fn a_moved_or_changed_record_does_not_open() -> Result<(), Box<dyn Error>> {
    let keys = local_keys(1);
    let user = User {
        user_id: "u_12345".to_owned(),
        email: "zoe@example.com".to_owned(),
        ssn: Some("078-05-1120".to_owned()),
        plan: "pro".to_owned(),
        logins: 4,
    };

    let item = to_item(&user, &keys).await?;
    let mut names: Vec<&str> = item.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["encrypted_dek", "encrypted_payload", "logins", "plan", "user_id"]);

    let mut moved = item.clone();
    moved.insert("user_id".to_owned(), AttributeValue::S("u_2".to_owned()));
    let error = from_item::<User>(moved, &keys).await.err().ok_or("a moved record opened")?;
    assert_eq!(error.fault(), Fault::Data);

    let mut upgraded = item.clone();
    upgraded.insert("plan".to_owned(), AttributeValue::S("enterprise".to_owned()));
    let error = from_item::<User>(upgraded, &keys).await.err().ok_or("a changed plan was read")?;
    assert_eq!(error.fault(), Fault::Data);

    assert_eq!(from_item::<User>(item, &keys).await?, user);
    Ok(())
}
