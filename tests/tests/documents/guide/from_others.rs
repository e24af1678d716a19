//! The code of docs/guide/from-others.md that its examples do not have.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::item::Item;
use envelope_dynamo::{Envelope, LocalKeyProvider, Table, to_item};
use envelope_tests::{TestTable, local_keys};

type Failure = Box<dyn std::error::Error>;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

/// Build B: writes a user that was read from an old item, if nobody else was faster.
async fn put_over(
    old: &Item,
    user: &User,
    users: &Table<User>,
    keys: &LocalKeyProvider,
) -> Result<(), Failure> {
    let put = users.client().put_item().table_name(users.name());
    let put = put.set_item(Some(to_item(user, keys).await?));
    let put = put.condition_expression("encrypted_dek = :read");
    let read = old.get("encrypted_dek").cloned().ok_or("an item without `encrypted_dek`")?;
    put.expression_attribute_values(":read", read).send().await?;
    Ok(())
}

#[tokio::test]
async fn a_user_is_written_over_the_old_item_that_was_read_and_no_other() {
    let bench = TestTable::<User>::with(|_, _| local_keys(7)).await;
    let old = |dek: u8| {
        let dek = AttributeValue::B(Blob::new([dek; 184]));
        let id = AttributeValue::S("u_1".to_owned());
        Item::from([("user_id".to_owned(), id), ("encrypted_dek".to_owned(), dek)])
    };
    let user = User { user_id: "u_1".to_owned(), email: "zoe@example.com".to_owned() };
    bench.plant(old(1)).await;
    let put = async |read| put_over(&old(read), &user, &bench.table, &local_keys(7)).await;
    assert!(put(2).await.is_err(), "somebody else wrote the old form meanwhile");
    put(1).await.expect("the item is as it was read");
    assert_eq!(bench.table.get("u_1").send().await.expect("a record"), Some(user.clone()));
    assert!(put(1).await.is_err(), "the item was sealed meanwhile");
}
