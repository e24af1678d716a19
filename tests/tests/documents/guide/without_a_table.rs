//! The code of docs/guide/without-a-table.md. It runs as well.

use std::error::Error;

use envelope_dynamo::message::{self, Context, Sealed};
use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, from_item, to_item};

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

#[tokio::test]
async fn items_and_messages_of_the_guide_open_again() -> Result<(), Box<dyn Error>> {
    let keys = LocalKeyProvider::new(RootKey::generate()?);
    let user = User { user_id: "u_12345".into(), email: "zoe@example.com".into() };

    let item = to_item(&user, &keys).await?;
    assert!(item.contains_key("encrypted_payload") && !item.contains_key("email"));
    let opened: User = from_item(item, &keys).await?;
    assert_eq!(opened, user);

    let context = Context::new("invitations").pair("user", "u_12345")?;
    let sealed: Sealed = message::seal(b"your code is 4711", &context, &keys).await?;
    let json = serde_json::to_string(&sealed)?; // for a queue

    let sealed: Sealed = serde_json::from_str(&json)?;
    let text = message::open(&sealed, &context, &keys).await?;
    assert_eq!(text.expose(), b"your code is 4711");
    Ok(())
}
