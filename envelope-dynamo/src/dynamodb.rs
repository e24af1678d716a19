//! DynamoDB items, and the limits that DynamoDB sets for keys, expressions and items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// A DynamoDB item: attribute names and their values.
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
