//! The attack of docs/guide/security-model.md.

use std::error::Error;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::{Envelope, from_item, to_item};
use envelope_tests::{bytes_of, local_keys};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[authenticated]
    plan: String,
}

#[tokio::test]
async fn no_byte_of_a_payload_can_be_changed() -> Result<(), Box<dyn Error>> {
    let keys = local_keys(1);
    let [user_id, email, plan] = ["u_1", "zoe@example.com", "free"].map(str::to_owned);
    let item = to_item(&User { user_id, email, plan }, &keys).await?;
    from_item::<User>(item.clone(), &keys).await?;

    let payload = bytes_of(&item, "encrypted_payload");
    for position in 0..payload.len() {
        let mut changed = payload.clone();
        changed[position] ^= 0x01;
        let mut forged = item.clone();
        forged.insert("encrypted_payload".to_owned(), AttributeValue::B(changed.into()));
        assert!(from_item::<User>(forged, &keys).await.is_err(), "byte {position}");
    }
    Ok(())
}
