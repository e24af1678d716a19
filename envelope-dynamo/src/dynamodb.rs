//! What DynamoDB itself prescribes: items and their limits.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// A DynamoDB item.
pub type Item = HashMap<String, AttributeValue>;

/// Bytes of a partition key (Amazon DynamoDB Developer Guide, "Quotas").
pub(crate) const MAX_PARTITION_KEY_BYTES: usize = 2048;

/// Bytes of a sort key; same source.
pub(crate) const MAX_SORT_KEY_BYTES: usize = 1024;

/// Bytes of an expression (Amazon DynamoDB Developer Guide, "Quotas", "Expression parameters").
pub(crate) const MAX_EXPRESSION_BYTES: usize = 4096;

/// The largest item DynamoDB takes: 400 KB, attribute names included (Amazon DynamoDB Developer
/// Guide, "Quotas").
pub(crate) const MAX_ITEM_BYTES: usize = 400 * 1024;
