//! DynamoDB items, and the limits that DynamoDB sets for keys, expressions and items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// A DynamoDB item: attribute names and their values.
///
/// It is the type of items in `aws_sdk_dynamodb`, so an item that your own call of the SDK returned
/// can be opened:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::item::Item;
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, from_item, to_item};
///
/// # #[derive(Debug, PartialEq, Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// # let keys = TestKeyProvider::default();
/// let item: Item = to_item(&zoe, &keys).await?;
/// assert_eq!(item["user_id"].as_s().map(String::as_str), Ok("u_1"));
/// assert!(item["encrypted_payload"].is_b() && item["encrypted_dek"].is_b());
/// assert_eq!(from_item::<User>(item, &keys).await?, zoe);
/// # Ok::<(), envelope_dynamo::Error>(()) }).unwrap();
/// ```
pub type Item = HashMap<String, AttributeValue>;

/// The maximum bytes of a partition key (Amazon DynamoDB Developer Guide, "Quotas").
pub(crate) const MAX_PARTITION_KEY_BYTES: usize = 2048;

/// The maximum bytes of a sort key (same source).
pub(crate) const MAX_SORT_KEY_BYTES: usize = 1024;

/// The maximum bytes of an expression (Amazon DynamoDB Developer Guide, "Quotas", "Expression
/// parameters").
pub(crate) const MAX_EXPRESSION_BYTES: usize = 4096;

/// The maximum bytes of an item: 400 KB, attribute names included (Amazon DynamoDB Developer
/// Guide, "Quotas").
pub(crate) const MAX_ITEM_BYTES: usize = 400 * 1024;
