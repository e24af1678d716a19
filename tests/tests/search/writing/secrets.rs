//! What the wire, errors and `Debug` show of searched values, and what a tag costs.

use envelope_dynamo::{to_item, to_item_with};
use envelope_tests::{all_it_says, assert_never_sent};

use super::*;

/// The bytes of an item: names and values.
fn bytes(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| {
            name.len()
                + match value {
                    aws_sdk_dynamodb::types::AttributeValue::B(bytes) => bytes.as_ref().len(),
                    aws_sdk_dynamodb::types::AttributeValue::S(text) => text.len(),
                    other => panic!("{other:?}"),
                }
        })
        .sum()
}

#[tokio::test]
async fn a_tag_of_a_field_email_adds_44_bytes() {
    #[derive(Envelope)]
    #[envelope(table = "users")]
    struct Without {
        #[partition_key]
        user_id: String,
        #[encrypted]
        email: String,
    }
    #[derive(Envelope)]
    #[envelope(table = "users", index(name = "by-email", partition_key = email))]
    struct With {
        #[partition_key]
        user_id: String,
        #[encrypted]
        #[searchable]
        email: String,
    }
    let (id, email) = (|| "zoe".to_owned(), || "zoe@example.com".to_owned());
    let provider = local_keys(7);
    let without = to_item(&Without { user_id: id(), email: email() }, &provider).await.unwrap();
    let with = With { user_id: id(), email: email() };
    let with = to_item_with(&with, &provider, &search_keys(1)).await.unwrap();
    assert_eq!(bytes(&with) - bytes(&without), 44);
}

#[tokio::test]
async fn no_value_is_sent() {
    let bench = Bench::new().await;
    let users = bench.users();
    users.put(&User { email: "Plaintext-Mark@x".into(), ..user("zoe") }).send().await.unwrap();
    let change = |user: &mut User| user.email = "Other-Plaintext-Mark@x".into();
    users.update("zoe").modify(change).send().await.unwrap();
    users.batch_put([User { email: "plaintext-mark".into(), ..user("ana") }]).send().await.unwrap();
    for value in ["laintext-", "LAINTEXT", "41791234567"] {
        assert_never_sent(&bench.faults, value);
    }
}

/// A field of a user's own type, whose values cannot be searched.
#[tokio::test]
async fn a_value_that_cannot_be_searched_is_refused_and_not_named() {
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(untagged)]
    enum Odd {
        Text(String),
        List(Vec<u64>),
        Long(u128),
    }
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users", index(name = "by-odd", partition_key = odd))]
    struct Holder {
        #[partition_key]
        user_id: String,
        #[encrypted]
        #[searchable]
        odd: Odd,
    }
    let holder = |odd| Holder { user_id: "zoe".into(), odd };
    let (provider, keys) = (local_keys(7), search_keys(1));
    for odd in [Odd::List(vec![7_366_123_940_127_745_911])] {
        let error = to_item_with(&holder(odd), &provider, &keys).await.unwrap_err();
        let told = all_it_says(&error);
        assert!(told.contains("`odd`") && told.contains("is searchable"), "{told}");
        assert!(!told.contains("7366123940127745911"), "{told}");
    }
    let text = to_item_with(&holder(Odd::Text("x".into())), &provider, &keys).await.unwrap();
    assert!(text.contains_key("blind_odd"));
    let bench = Bench::new().await;
    let table = bench.table::<Holder>(1);
    table.put(&holder(Odd::Text("x".into()))).send().await.unwrap();
    let change = |holder: &mut Holder| holder.odd = Odd::List(vec![7_366_123_940]);
    let error = table.update("zoe").modify(change).send().await.unwrap_err();
    let told = all_it_says(&error);
    assert!(told.contains("`odd`") && !told.contains("7366123940"), "{told}");
    let _ = Odd::Long(1);
}

#[test]
fn debug_of_a_table_shows_no_search_key() {
    let keys = search_keys(0xab);
    let told = format!("{keys:?} {:?}", search_key(0xab));
    for secret in ["abab", "171, 171", "ABAB"] {
        assert!(!told.contains(secret), "{told}");
    }
}
